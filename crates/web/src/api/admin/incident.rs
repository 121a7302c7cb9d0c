//! `/api/admin/incident`: what is done on a bad day. Each act needs a step-up and a reason, and is told to every admin.

use std::collections::BTreeMap;

use application::identity::EverybodyOut;
use application::incident::{EvidenceRequest, Renewal, ReplayRequest, Subject};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use crypto::receipt::PublicKeys;
use domain::ids::{PaymentId, UserId, WebhookEventId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::users::ReasonBody;
use crate::extract::{Caller, Confirmed};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// How many callbacks one request processes: it must end within its time-out.
const REPLAY_BATCH: u16 = 50;

/// How the switches stand.
#[derive(Serialize, ToSchema)]
pub(crate) struct IncidentResponse {
    purchases_paused: Option<PauseResponse>,
    /// Sessions opened up to here were ended together.
    #[serde(with = "time::serde::rfc3339::option")]
    sessions_ended_at: Option<OffsetDateTime>,
    /// So many live.
    sessions: i64,
    /// What evidence is verified with, as JSON Web Keys.
    #[schema(value_type = Object)]
    evidence_keys: PublicKeys,
}

/// A pause of purchases.
#[derive(Serialize, ToSchema)]
pub(crate) struct PauseResponse {
    #[serde(with = "time::serde::rfc3339")]
    since: OffsetDateTime,
    reason: String,
}

/// Whose sessions end.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevokeSessionsBody {
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// End the keys of machines too.
    #[serde(default)]
    api_keys: bool,
}

/// What ended.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionsRevokedResponse {
    sessions: i64,
    api_keys: u64,
}

/// Which keys.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RotateKeysBody {
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// End everybody's sessions as well.
    #[serde(default)]
    revoke_sessions: bool,
    /// With them, end the keys of machines too.
    #[serde(default)]
    api_keys: bool,
}

/// What was rotated, and what is left to people.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeysRotatedResponse {
    /// Signs access tokens from now on; earlier ones are worth nothing.
    jwt_key: String,
    sessions_revoked: Option<SessionsRevokedResponse>,
    renewals: Vec<RenewalResponse>,
}

/// A secret that somebody must renew outside.
#[derive(Serialize, ToSchema)]
pub(crate) struct RenewalResponse {
    secret: String,
    /// Where.
    at: &'static str,
    /// What takes the new one.
    settings: Vec<String>,
}

/// Whether something changed.
#[derive(Serialize, ToSchema)]
pub(crate) struct SwitchedResponse {
    /// False if it was so already.
    changed: bool,
}

/// Which callbacks.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReplayBody {
    #[serde(with = "time::serde::rfc3339")]
    from: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    to: OffsetDateTime,
    provider: Option<String>,
    /// `applied`, `already_applied`, `ignored`, `hinted` or `quarantined`.
    outcome: Option<String>,
    #[serde(default)]
    dry_run: bool,
    /// From the batch before.
    cursor: Option<Uuid>,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// What a batch came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReplayedResponse {
    /// How many are left in the range with this batch.
    matching: u64,
    processed: u64,
    /// Outcome and number.
    outcomes: BTreeMap<String, u64>,
    /// Those that could not be processed again.
    failed: Vec<Uuid>,
    next_cursor: Option<Uuid>,
}

/// Which evidence: of one user, of one payment, or of a period.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EvidenceBody {
    user_id: Option<Uuid>,
    payment_id: Option<Uuid>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    from: Option<OffsetDateTime>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    to: Option<OffsetDateTime>,
    /// Open what callbacks said.
    #[serde(default)]
    with_bodies: bool,
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl From<EverybodyOut> for SessionsRevokedResponse {
    fn from(ended: EverybodyOut) -> Self {
        Self { sessions: ended.sessions, api_keys: ended.api_keys }
    }
}

impl From<Renewal> for RenewalResponse {
    fn from(renewal: Renewal) -> Self {
        Self { secret: renewal.secret, at: renewal.at, settings: renewal.settings }
    }
}

/// How the switches stand.
#[utoipa::path(get, path = "/api/admin/incident", tag = "admin", responses(
    (status = 200, body = IncidentResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn status(
    State(state): State<WebState>,
    _: Caller,
) -> Result<axum::Json<IncidentResponse>, Problem> {
    let status = state.app.incident_status().await?;
    let purchases_paused =
        status.purchases_paused.map(|pause| PauseResponse { since: pause.since, reason: pause.reason });
    Ok(axum::Json(IncidentResponse {
        purchases_paused,
        sessions_ended_at: status.sessions_ended_at,
        sessions: status.sessions,
        evidence_keys: status.evidence_keys,
    }))
}

/// Ends everybody's sessions, the caller's too: access tokens are refused everywhere within a second.
#[utoipa::path(post, path = "/api/admin/incident/revoke-sessions", tag = "admin", request_body = RevokeSessionsBody,
    responses(
    (status = 200, body = SessionsRevokedResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn revoke_sessions(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<RevokeSessionsBody>,
) -> Result<axum::Json<SessionsRevokedResponse>, Problem> {
    let ended = state.app.revoke_all_sessions(&person.context, body.api_keys, &body.reason).await?;
    Ok(axum::Json(ended.into()))
}

/// Makes every key anew that the installation can make, and tells what only people can renew.
#[utoipa::path(post, path = "/api/admin/incident/rotate-keys", tag = "admin", request_body = RotateKeysBody,
    responses(
    (status = 200, body = KeysRotatedResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn rotate_keys(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<RotateKeysBody>,
) -> Result<axum::Json<KeysRotatedResponse>, Problem> {
    let RotateKeysBody { reason, revoke_sessions, api_keys } = body;
    let rotated = state.app.rotate_every_key(&person.context, revoke_sessions, api_keys, &reason).await?;
    Ok(axum::Json(KeysRotatedResponse {
        jwt_key: rotated.jwt_key,
        sessions_revoked: rotated.sessions.map(Into::into),
        renewals: rotated.renewals.into_iter().map(Into::into).collect(),
    }))
}

/// Opens no new payment until it is lifted; what is under way is settled.
#[utoipa::path(post, path = "/api/admin/incident/pause-purchases", tag = "admin", request_body = ReasonBody,
    responses(
    (status = 200, body = SwitchedResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn pause_purchases(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<axum::Json<SwitchedResponse>, Problem> {
    let changed = state.app.pause_purchases(&person.context, &body.reason).await?;
    Ok(axum::Json(SwitchedResponse { changed }))
}

/// Lets people buy again.
#[utoipa::path(post, path = "/api/admin/incident/resume-purchases", tag = "admin", request_body = ReasonBody,
    responses(
    (status = 200, body = SwitchedResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn resume_purchases(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<ReasonBody>,
) -> Result<axum::Json<SwitchedResponse>, Problem> {
    let changed = state.app.resume_purchases(&person.context, &body.reason).await?;
    Ok(axum::Json(SwitchedResponse { changed }))
}

/// Processes kept callbacks of a period again, a batch at a time.
#[utoipa::path(post, path = "/api/admin/incident/replay", tag = "admin", request_body = ReplayBody, responses(
    (status = 200, body = ReplayedResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn replay(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<ReplayBody>,
) -> Result<axum::Json<ReplayedResponse>, Problem> {
    let request = ReplayRequest {
        from: body.from,
        to: body.to,
        provider: body.provider,
        outcome: body.outcome,
        dry_run: body.dry_run,
        after: body.cursor.map(WebhookEventId::from_uuid),
        limit: REPLAY_BATCH,
        reason: body.reason,
    };
    let replayed = state.app.replay_range(&person.context, &request).await?;
    Ok(axum::Json(ReplayedResponse {
        matching: replayed.matching,
        processed: replayed.processed,
        outcomes: replayed.outcomes,
        failed: replayed.failed.into_iter().map(|(id, _)| id.uuid()).collect(),
        next_cursor: replayed.next.map(WebhookEventId::uuid),
    }))
}

/// Gathers what is known of a user, a payment or a period, as one signed archive.
#[utoipa::path(post, path = "/api/admin/incident/evidence", tag = "admin", request_body = EvidenceBody, responses(
    (status = 200, description = "The archive", content_type = "application/gzip", body = Vec<u8>),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn evidence(
    State(state): State<WebState>,
    Confirmed { person, body }: Confirmed<EvidenceBody>,
) -> Result<Response, Problem> {
    let subject = match (body.user_id, body.payment_id) {
        (Some(user), None) => Subject::User(UserId::from_uuid(user)),
        (None, Some(payment)) => Subject::Payment(PaymentId::from_uuid(payment)),
        (None, None) => Subject::Period,
        (Some(_), Some(_)) => return Err(Problem::field("/payment_id", "not_allowed")),
    };
    let EvidenceBody { from, to, with_bodies, reason, .. } = body;
    let request = EvidenceRequest { subject, from, to, with_bodies, logs: Vec::new(), reason };
    let archive = state.app.gather_evidence(&person.context, &request).await?;
    let disposition = format!("attachment; filename=\"{}\"", archive.name);
    let headers =
        [(header::CONTENT_TYPE, "application/gzip".to_owned()), (header::CONTENT_DISPOSITION, disposition)];
    Ok((headers, archive.bytes).into_response())
}
