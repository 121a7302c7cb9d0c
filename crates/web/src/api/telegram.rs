//! `/api/telegram`: linking an account, and the way into a channel.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use secrecy::ExposeSecret;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::extract::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// A deep link to open in Telegram; works once.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkResponse {
    #[schema(example = "https://t.me/signaux_bot?start=…")]
    url: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
}

/// The linked account.
#[derive(Serialize, ToSchema)]
pub(crate) struct BindingResponse {
    telegram_user_id: i64,
    display_name: String,
    #[serde(with = "time::serde::rfc3339")]
    bound_at: OffsetDateTime,
}

/// The caller's way into one channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessBody {
    #[schema(example = "signaux")]
    channel: String,
    /// The caller's own link, while they have running time; asking through it is answered within a minute.
    invite_link: Option<String>,
    /// `member`, `requested` or `outside`.
    membership: &'static str,
}

/// The caller's ways into channels.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccessResponse {
    items: Vec<AccessBody>,
}

/// Makes a deep link; earlier ones that were not used stop working.
#[utoipa::path(post, path = "/api/telegram/link", tag = "telegram", responses(
    (status = 201, body = LinkResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 503, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn create_link(
    State(state): State<WebState>,
    caller: Caller,
) -> Result<(StatusCode, Json<LinkResponse>), Problem> {
    let link = state.app.create_telegram_link(&caller.context, caller.user).await?;
    let body = LinkResponse { url: link.url.expose_secret().to_owned(), expires_at: link.expires_at };
    Ok((StatusCode::CREATED, Json(body)))
}

/// Tells which account is linked.
#[utoipa::path(get, path = "/api/telegram/link", tag = "telegram", responses(
    (status = 200, body = BindingResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn binding(
    State(state): State<WebState>,
    caller: Caller,
) -> Result<Json<BindingResponse>, Problem> {
    let binding = state.app.telegram_binding(caller.user).await?.ok_or(Problem::not_found())?;
    Ok(Json(BindingResponse {
        telegram_user_id: binding.telegram_user_id,
        display_name: binding.display_name,
        bound_at: binding.bound_at,
    }))
}

/// Lets the linked account go; it is removed from the channels.
#[utoipa::path(delete, path = "/api/telegram/link", tag = "telegram", responses(
    (status = 204, description = "No account is linked any more"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn unlink(State(state): State<WebState>, caller: Caller) -> Result<StatusCode, Problem> {
    let unlinked = state.app.unlink_telegram(&caller.context, caller.user).await?;
    if unlinked { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// The caller's way into each channel that they have or had time for.
#[utoipa::path(get, path = "/api/telegram/access", tag = "telegram", responses(
    (status = 200, body = AccessResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn access(
    State(state): State<WebState>,
    caller: Caller,
) -> Result<Json<AccessResponse>, Problem> {
    let views = state.app.telegram_access(caller.user).await?;
    let items = views.into_iter().map(|view| AccessBody {
        channel: view.channel.to_string(),
        invite_link: view.invite_link,
        membership: match (view.member, view.requested) {
            (true, _) => "member",
            (false, true) => "requested",
            (false, false) => "outside",
        },
    });
    Ok(Json(AccessResponse { items: items.collect() }))
}
