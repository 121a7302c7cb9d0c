//! `/api/admin/subscriptions`: everybody's time, giving and taking it.

use application::billing::IdempotencyKey;
use application::subscriptions::{
    Grant, GrantedTo, StaffPeriodView, StaffSubscriptionView, SubscriptionFilter, SubscriptionRow,
};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::ids::{PeriodId, SubscriptionId, UserId};
use domain::plan::{ChannelKey, PlanCode, PlanLength};
use domain::subscription::SubscriptionStatus;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::moment::{Moment, instants};
use super::payments::bounded;
use super::{next_page, page_limit};
use crate::api::payments::idempotency_key;
use crate::extract::{Caller, Confirmed, IdPath, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Which subscriptions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SubscriptionsQuery {
    /// Only this user's.
    user_id: Option<Uuid>,
    /// Only those to this channel.
    channel: Option<String>,
    /// Only those that are `active`, `suspended` or `ended` now.
    #[param(value_type = Option<String>)]
    status: Option<SubscriptionStatus>,
    /// Only those whose running or last period is of this plan.
    plan_code: Option<String>,
    /// Only those that end before: an instant, or a day.
    #[param(value_type = Option<String>)]
    ends_before: Option<Moment>,
    /// Only those that end then or later: an instant, or a day.
    #[param(value_type = Option<String>)]
    ends_after: Option<Moment>,
    /// So many at most, up to 100.
    limit: Option<i64>,
    /// From the page before.
    cursor: Option<Uuid>,
}

/// A subscription of the list.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffSubscriptionResponse {
    id: Uuid,
    user_id: Uuid,
    channel: String,
    /// Of the running or last period.
    plan_code: String,
    /// `active`, `suspended` or `ended`.
    status: String,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
}

/// A page of subscriptions.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffSubscriptionsResponse {
    items: Vec<StaffSubscriptionResponse>,
    next_cursor: Option<Uuid>,
}

/// A period with where it came from.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffPeriodResponse {
    id: Uuid,
    plan_code: String,
    /// `live`, `withheld` or `revoked`.
    state: &'static str,
    /// What was paid for or given.
    length_seconds: i64,
    /// Used in spans before the current one.
    used_before_seconds: i64,
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    bought_at: OffsetDateTime,
    /// Null for a grant.
    payment_id: Option<Uuid>,
    payment_status: Option<String>,
    /// Why it was given; null for a purchase.
    granted_for: Option<String>,
    /// Who gave it; null where the operator did it on the machine.
    granted_by: Option<Uuid>,
    /// When an admin took it.
    #[serde(with = "time::serde::rfc3339::option")]
    withdrawn_at: Option<OffsetDateTime>,
    withdrawn_for: Option<String>,
}

/// Who is let in by it.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffAccessResponse {
    /// The Telegram account that is bound; null if none is.
    telegram_user_id: Option<i64>,
    display_name: Option<String>,
    /// Whether the account was last seen in the channel.
    member: bool,
    /// Whether a join request waits.
    join_requested: bool,
    /// Whether there is a link that lets it in.
    invited: bool,
}

/// A subscription with all that belongs to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct StaffSubscriptionDetail {
    id: Uuid,
    user_id: Uuid,
    channel: String,
    plan_code: String,
    /// `active`, `suspended` or `ended`.
    status: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    starts_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    ends_at: OffsetDateTime,
    seconds_left: i64,
    /// Set aside: what withheld periods have not used.
    seconds_withheld: i64,
    periods: Vec<StaffPeriodResponse>,
    access: StaffAccessResponse,
}

/// Time for somebody.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantBody {
    user_id: Uuid,
    /// As if this had been bought; the channel's first plan if absent.
    #[schema(example = "signaux-weekly")]
    plan_code: Option<String>,
    /// The plan's, or the default one, if absent.
    #[schema(example = "signaux")]
    channel: Option<String>,
    #[schema(minimum = 1, maximum = 3660, example = 7)]
    days: i64,
    /// Kept; never shown to the customer.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Instead of the `Idempotency-Key` header: exactly one of the two.
    #[schema(max_length = 255)]
    idempotency_key: Option<String>,
}

/// More time for whoever has the subscription.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendBody {
    #[schema(minimum = 1, maximum = 3660, example = 7)]
    days: i64,
    /// Kept; never shown to the customer.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// Instead of the `Idempotency-Key` header: exactly one of the two.
    #[schema(max_length = 255)]
    idempotency_key: Option<String>,
}

/// Time that is taken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeBody {
    /// What lies ahead of this period; of all periods if absent.
    period_id: Option<Uuid>,
    /// Kept; never shown to the customer.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl From<SubscriptionRow> for StaffSubscriptionResponse {
    fn from(row: SubscriptionRow) -> Self {
        Self {
            id: row.id.uuid(),
            user_id: row.user.uuid(),
            channel: row.channel,
            plan_code: row.plan_code,
            status: row.status,
            ends_at: row.ends_at,
            created_at: row.created_at,
        }
    }
}

impl From<StaffPeriodView> for StaffPeriodResponse {
    fn from(view: StaffPeriodView) -> Self {
        let (payment_id, payment_status) = view.payment.unzip();
        let (granted_by, granted_for) = view.grant.unzip();
        let (withdrawn_at, withdrawn_for) = view.withdrawn.unzip();
        Self {
            id: view.id.uuid(),
            plan_code: view.plan_code,
            state: view.state.as_str(),
            length_seconds: view.length.whole_seconds(),
            used_before_seconds: view.used_before.whole_seconds(),
            starts_at: view.starts_at,
            ends_at: view.ends_at,
            bought_at: view.bought_at,
            payment_id: payment_id.map(domain::ids::PaymentId::uuid),
            payment_status,
            granted_for,
            granted_by: granted_by.flatten().map(UserId::uuid),
            withdrawn_at,
            withdrawn_for,
        }
    }
}

impl From<StaffSubscriptionView> for StaffSubscriptionDetail {
    fn from(view: StaffSubscriptionView) -> Self {
        let (subscription, access, binding) = (view.subscription, view.access, view.binding);
        Self {
            id: view.id.uuid(),
            user_id: view.user.uuid(),
            channel: subscription.channel.to_string(),
            plan_code: subscription.plan_code.to_string(),
            status: subscription.status.as_str(),
            starts_at: subscription.starts_at,
            ends_at: subscription.ends_at,
            seconds_left: subscription.seconds_left,
            seconds_withheld: subscription.seconds_withheld,
            periods: view.periods.into_iter().map(Into::into).collect(),
            access: StaffAccessResponse {
                telegram_user_id: binding.as_ref().map(|binding| binding.telegram_user_id),
                display_name: binding.map(|binding| binding.display_name),
                member: access.as_ref().is_some_and(|access| access.member),
                join_requested: access.as_ref().is_some_and(|access| access.requested),
                invited: access.is_some_and(|access| access.invite_link.is_some()),
            },
        }
    }
}

/// Subscriptions, the newest first.
#[utoipa::path(get, path = "/api/admin/subscriptions", tag = "admin", params(SubscriptionsQuery), responses(
    (status = 200, body = StaffSubscriptionsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn list(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<SubscriptionsQuery>,
) -> Result<axum::Json<StaffSubscriptionsResponse>, Problem> {
    let (limit, kept) = page_limit(query.limit)?;
    let (ends_after, ends_before) = instants(query.ends_after, query.ends_before);
    let filter = SubscriptionFilter {
        user: query.user_id.map(UserId::from_uuid),
        channel: query.channel.as_deref().map(channel).transpose()?,
        status: query.status,
        plan: query.plan_code.as_deref().map(plan).transpose()?,
        ends_before,
        ends_after,
    };
    let cursor = query.cursor.map(SubscriptionId::from_uuid);
    let mut rows = state.app.all_subscriptions(&filter, cursor, limit + 1).await?;
    let next_cursor = next_page(&mut rows, kept, |row| row.id.uuid());
    let items = rows.into_iter().map(Into::into).collect();
    Ok(axum::Json(StaffSubscriptionsResponse { items, next_cursor }))
}

/// One subscription: its periods with what paid for each, and who is let in.
#[utoipa::path(get, path = "/api/admin/subscriptions/{id}", tag = "admin", params(("id" = Uuid, Path)), responses(
    (status = 200, body = StaffSubscriptionDetail),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn get(
    State(state): State<WebState>,
    _: Caller,
    IdPath(id): IdPath<SubscriptionId>,
) -> Result<axum::Json<StaffSubscriptionDetail>, Problem> {
    detail(&state, id).await.map(axum::Json)
}

/// Gives time without a payment, once per idempotency key; the customer is told.
#[utoipa::path(post, path = "/api/admin/subscriptions/grant", tag = "admin", request_body = GrantBody,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters, once: here or in the body")),
    responses(
    (status = 200, body = StaffSubscriptionDetail, description = "Given already under this key"),
    (status = 201, body = StaffSubscriptionDetail, description = "Given"),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn grant(
    State(state): State<WebState>,
    headers: HeaderMap,
    Confirmed { person, body }: Confirmed<GrantBody>,
) -> Result<Response, Problem> {
    let to = GrantedTo::User {
        user: UserId::from_uuid(body.user_id),
        plan: body.plan_code.as_deref().map(plan).transpose()?,
        channel: body.channel.as_deref().map(channel).transpose()?,
    };
    let key = key(&headers, body.idempotency_key)?;
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    let grant = Grant { key, to, length: length(body.days)?, reason };
    give(&state, &person.context, &grant).await
}

/// Gives more time to whoever has the subscription, once per idempotency key; they are told.
#[utoipa::path(post, path = "/api/admin/subscriptions/{id}/extend", tag = "admin", request_body = ExtendBody,
    params(("id" = Uuid, Path),
           ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters, once: here or in the body")),
    responses(
    (status = 200, body = StaffSubscriptionDetail, description = "Given already under this key"),
    (status = 201, body = StaffSubscriptionDetail, description = "Given"),
    (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn extend(
    State(state): State<WebState>,
    IdPath(id): IdPath<SubscriptionId>,
    headers: HeaderMap,
    Confirmed { person, body }: Confirmed<ExtendBody>,
) -> Result<Response, Problem> {
    let key = key(&headers, body.idempotency_key)?;
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    let grant = Grant { key, to: GrantedTo::Subscription(id), length: length(body.days)?, reason };
    give(&state, &person.context, &grant).await
}

/// Takes what lies ahead of one period, or of all; used time stays. The customer is told.
#[utoipa::path(post, path = "/api/admin/subscriptions/{id}/revoke", tag = "admin", request_body = RevokeBody,
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = StaffSubscriptionDetail),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke(
    State(state): State<WebState>,
    IdPath(id): IdPath<SubscriptionId>,
    Confirmed { person, body }: Confirmed<RevokeBody>,
) -> Result<axum::Json<StaffSubscriptionDetail>, Problem> {
    let reason = bounded("/reason", &body.reason, MAX_REASON)?;
    let period = body.period_id.map(PeriodId::from_uuid);
    state.app.revoke_time(&person.context, id, period, &reason).await?;
    detail(&state, id).await.map(axum::Json)
}

async fn give(state: &WebState, context: &application::Context, grant: &Grant) -> Result<Response, Problem> {
    let given = state.app.grant(context, grant).await?;
    let status = if given.fresh { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(detail(state, given.subscription).await?)).into_response())
}

async fn detail(state: &WebState, id: SubscriptionId) -> Result<StaffSubscriptionDetail, Problem> {
    let found = state.app.any_subscription(id).await?;
    found.map(Into::into).ok_or(Problem::not_found())
}

fn key(headers: &HeaderMap, in_body: Option<String>) -> Result<IdempotencyKey, Problem> {
    let key = idempotency_key(headers, in_body)?;
    key.parse().map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "idempotency_key_too_long"))
}

fn length(days: i64) -> Result<PlanLength, Problem> {
    let days = u16::try_from(days).ok().and_then(|days| PlanLength::from_days(days).ok());
    days.ok_or_else(|| Problem::field("/days", "out_of_range"))
}

fn plan(code: &str) -> Result<PlanCode, Problem> {
    code.parse().map_err(|_| Problem::field("/plan_code", "not_allowed"))
}

fn channel(key: &str) -> Result<ChannelKey, Problem> {
    key.parse().map_err(|_| Problem::field("/channel", "not_allowed"))
}
