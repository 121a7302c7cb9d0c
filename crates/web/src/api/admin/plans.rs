//! `/api/admin/plans` and `/api/admin/channels`: what is sold, and for how much.

use application::plans::{ChannelView, NewPlan, PlanChange, PlanChanged, PlanView};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::money::{Currency, Money};
use domain::plan::{ChannelKey, PlanCode, PlanLength};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approvals::{ApprovalResponse, language};
use super::payments::bounded;
use crate::extract::{Caller, Confirmed, IdPath};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The longest title of a channel, in characters.
const MAX_TITLE: usize = 100;

/// A price.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceBody {
    /// Minor units.
    #[schema(minimum = 1, example = 5999)]
    amount: i64,
    #[schema(example = "EUR")]
    currency: String,
}

/// A plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffPlanResponse {
    #[schema(example = "signaux-monthly")]
    code: String,
    channel: String,
    days: u16,
    /// Whether it can be bought.
    active: bool,
    /// Its place on the price list.
    rank: i32,
    /// Counts its changes: a change names the version that it was decided from.
    version: i32,
    prices: Vec<PriceBody>,
    /// Whether somebody has bought or been given it: its days and channel stay as they are.
    sold: bool,
}

/// Every plan, in the order of the price list.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffPlansResponse {
    items: Vec<StaffPlanResponse>,
}

/// A plan that is made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPlanBody {
    #[schema(example = "signaux-yearly")]
    code: String,
    #[schema(example = "signaux")]
    channel: String,
    #[schema(minimum = 1, maximum = 3660, example = 365)]
    days: i64,
    /// Whether it can be bought at once; yes if absent.
    active: Option<bool>,
    #[schema(example = 3)]
    rank: Option<i32>,
    /// One per currency.
    prices: Vec<PriceBody>,
}

/// What changes about a plan; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PlanChangeBody {
    /// The version that this was decided from.
    #[schema(example = 1)]
    version: i32,
    active: Option<bool>,
    #[schema(example = 3)]
    rank: Option<i32>,
    /// All prices anew, one per currency.
    prices: Option<Vec<PriceBody>>,
    /// Only before it is sold.
    #[schema(minimum = 1, maximum = 3660, example = 365)]
    days: Option<i64>,
    /// Only before it is sold.
    #[schema(example = "signaux")]
    channel: Option<String>,
    /// Where prices fall by more than half or end in a currency: told to the other admins, and kept.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// A channel that access is sold to.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelBody {
    #[schema(example = "signaux")]
    key: String,
    #[schema(min_length = 1, max_length = 100, example = "Signaux")]
    title: String,
}

/// Every channel.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChannelsResponse {
    items: Vec<ChannelBody>,
}

impl From<PlanView> for StaffPlanResponse {
    fn from(view: PlanView) -> Self {
        let price =
            |price: &Money| PriceBody { amount: price.minor, currency: price.currency.code().to_owned() };
        Self {
            code: view.code.to_string(),
            channel: view.channel.to_string(),
            days: view.length.days(),
            active: view.active,
            rank: view.rank,
            version: view.version,
            prices: view.prices.iter().map(price).collect(),
            sold: view.sold,
        }
    }
}

/// Every plan, those that are not sold any more too.
#[utoipa::path(get, path = "/api/admin/plans", tag = "admin", responses(
    (status = 200, body = StaffPlansResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
) -> Result<axum::Json<StaffPlansResponse>, Problem> {
    let items = state.app.all_plans().await?.into_iter().map(Into::into).collect();
    Ok(axum::Json(StaffPlansResponse { items }))
}

/// Makes a plan.
#[utoipa::path(post, path = "/api/admin/plans", tag = "admin", request_body = NewPlanBody, responses(
    (status = 201, body = StaffPlanResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn create(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<NewPlanBody>,
) -> Result<(StatusCode, axum::Json<StaffPlanResponse>), Problem> {
    let plan = NewPlan {
        code: body.code.parse().map_err(|_| Problem::field("/code", "not_allowed"))?,
        channel: channel("/channel", &body.channel)?,
        length: length(body.days)?,
        active: body.active.unwrap_or(true),
        rank: body.rank.unwrap_or(0),
        prices: prices(&body.prices)?,
    };
    let made = state.app.create_plan(&person.context, &plan).await?;
    Ok((StatusCode::CREATED, axum::Json(made.into())))
}

/// Changes a plan. Payments that are open keep the price that they were opened at. Prices that fall by more than half, or end
/// in a currency, wait for a second confirmation.
#[utoipa::path(patch, path = "/api/admin/plans/{code}", tag = "admin", request_body = PlanChangeBody,
    params(("code" = String, Path, description = "The plan")), responses(
    (status = 200, body = StaffPlanResponse),
    (status = 202, body = ApprovalResponse, description = "It waits for its second confirmation"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn change(
    State(state): State<WebState>,
    headers: HeaderMap,
    IdPath(code): IdPath<PlanCode>,
    Confirmed { person, body }: Confirmed<PlanChangeBody>,
) -> Result<Response, Problem> {
    let change = PlanChange {
        version: body.version,
        active: body.active,
        rank: body.rank,
        prices: body.prices.as_deref().map(prices).transpose()?,
        length: body.days.map(length).transpose()?,
        channel: body.channel.as_deref().map(|key| channel("/channel", key)).transpose()?,
    };
    let reason = body.reason.unwrap_or_default();
    Ok(match state.app.change_plan(&person.context, &code, &change, &reason).await? {
        PlanChanged::Done(plan) => axum::Json(StaffPlanResponse::from(plan)).into_response(),
        PlanChanged::Pending(asked) => {
            let told = ApprovalResponse::of(*asked, language(&state, &headers));
            (StatusCode::ACCEPTED, axum::Json(told)).into_response()
        }
    })
}

/// Every channel that plans can open.
#[utoipa::path(get, path = "/api/admin/channels", tag = "admin", responses(
    (status = 200, body = ChannelsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn channels(
    State(state): State<WebState>,
    _: Caller,
) -> Result<axum::Json<ChannelsResponse>, Problem> {
    let channels = state.app.channels().await?.into_iter();
    let items = channels.map(|channel| ChannelBody { key: channel.key.to_string(), title: channel.title });
    Ok(axum::Json(ChannelsResponse { items: items.collect() }))
}

/// Makes a channel.
#[utoipa::path(post, path = "/api/admin/channels", tag = "admin", request_body = ChannelBody, responses(
    (status = 201, body = ChannelBody),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn create_channel(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<ChannelBody>,
) -> Result<(StatusCode, axum::Json<ChannelBody>), Problem> {
    let title = bounded("/title", &body.title, MAX_TITLE)?;
    let channel = ChannelView { key: channel("/key", &body.key)?, title: title.clone() };
    state.app.create_channel(&person.context, &channel).await?;
    Ok((StatusCode::CREATED, axum::Json(ChannelBody { key: body.key, title })))
}

fn channel(pointer: &str, key: &str) -> Result<ChannelKey, Problem> {
    key.parse().map_err(|_| Problem::field(pointer, "not_allowed"))
}

fn length(days: i64) -> Result<PlanLength, Problem> {
    let days = u16::try_from(days).ok().and_then(|days| PlanLength::from_days(days).ok());
    days.ok_or_else(|| Problem::field("/days", "out_of_range"))
}

fn prices(bodies: &[PriceBody]) -> Result<Vec<Money>, Problem> {
    let price = |(place, body): (usize, &PriceBody)| {
        let field = |name, code| Problem::field(&format!("/prices/{place}/{name}"), code);
        let currency: Currency = body.currency.parse().map_err(|_| field("currency", "not_allowed"))?;
        let again = bodies.iter().take(place).any(|before| before.currency == body.currency);
        match body.amount {
            _ if again => Err(field("currency", "not_allowed")),
            ..=0 => Err(field("amount", "out_of_range")),
            amount => Ok(Money::new(amount, currency)),
        }
    };
    bodies.iter().enumerate().map(price).collect()
}
