//! `/api/billing/subscription(s)`: the caller's time.

use application::subscriptions::{PeriodView, SubscriptionView};
use axum::Json;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::extract::Caller;
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// What one payment or grant added.
#[derive(Serialize, ToSchema)]
pub(crate) struct PeriodBody {
    id: Uuid,
    /// Null for a grant.
    payment_id: Option<Uuid>,
    plan_code: String,
    /// `live`, `withheld` or `revoked`.
    state: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
}

/// The caller's time in one channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionResponse {
    #[schema(example = "signaux")]
    channel: String,
    /// `active`, `suspended` or `ended`.
    #[schema(example = "active")]
    status: &'static str,
    /// Of the running or last period.
    plan_code: String,
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    seconds_left: i64,
    periods: Vec<PeriodBody>,
}

/// All of the caller's time.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubscriptionsResponse {
    items: Vec<SubscriptionResponse>,
}

/// Which channel.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChannelQuery {
    /// `signaux` if absent.
    channel: Option<String>,
}

impl From<PeriodView> for PeriodBody {
    fn from(period: PeriodView) -> Self {
        Self {
            id: period.id.uuid(),
            payment_id: period.payment.map(domain::ids::PaymentId::uuid),
            plan_code: period.plan_code.to_string(),
            state: period.state.as_str(),
            starts_at: period.starts_at,
            ends_at: period.ends_at,
        }
    }
}

impl From<SubscriptionView> for SubscriptionResponse {
    fn from(view: SubscriptionView) -> Self {
        Self {
            channel: view.channel.to_string(),
            status: view.status.as_str(),
            plan_code: view.plan_code.to_string(),
            starts_at: view.starts_at,
            ends_at: view.ends_at,
            seconds_left: view.seconds_left,
            periods: view.periods.into_iter().map(Into::into).collect(),
        }
    }
}

/// The caller's time in one channel; 404 if there never was any.
#[utoipa::path(get, path = "/api/billing/subscription", tag = "billing", params(ChannelQuery), responses(
    (status = 200, body = SubscriptionResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn subscription(
    State(state): State<WebState>,
    caller: Caller,
    query: Result<Query<ChannelQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<SubscriptionResponse>, Problem> {
    let Query(query) = query.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
    let channel = match query.channel {
        None => state.app.options().default_channel.clone(),
        Some(key) => key.parse().map_err(|_| Problem::not_found())?,
    };
    let view = state.app.subscription(caller.user, &channel).await?.ok_or(Problem::not_found())?;
    Ok(Json(view.into()))
}

/// All of the caller's time.
#[utoipa::path(get, path = "/api/billing/subscriptions", tag = "billing", responses(
    (status = 200, body = SubscriptionsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn subscriptions(
    State(state): State<WebState>,
    caller: Caller,
) -> Result<Json<SubscriptionsResponse>, Problem> {
    let views = state.app.subscriptions(caller.user).await?;
    Ok(Json(SubscriptionsResponse { items: views.into_iter().map(Into::into).collect() }))
}
