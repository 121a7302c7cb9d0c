//! Everything that can go wrong, as one type at the edge (RFC 9457).
//!
//! A handler answers with a code; the outermost layer writes the document in the caller's language, with the request's
//! id. Nothing internal ever shows: what is *our* fault is logged here, once, with its whole chain.

use std::error::Error;
use std::time::Duration;

use application::access::AccessError;
use application::alerts::AlertError;
use application::approvals::ApprovalError;
use application::billing::{BillingError, MethodError, RefundError, ReviewError, WebhookError};
use application::identity::IdentityError;
use application::incident::{EvidenceError, IncidentError};
use application::keys::KeyChangeError;
use application::plans::PlanError;
use application::settings::SettingError;
use application::subscriptions::ManageError;
use application::text::{self, Locale};
use application::tx::StoreError;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::middleware::limits::Exceeded;

/// The content type of a problem document.
pub const CONTENT_TYPE: &str = "application/problem+json";
/// How long a client waits before it tries to buy again while purchases pause: people decide when they go on.
const PURCHASES_RETRY_SECONDS: u64 = 600;

/// One refused field.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FieldProblem {
    /// Where, as a JSON pointer (RFC 6901).
    pub pointer: String,
    /// Why, as a stable word.
    pub code: String,
    /// Why, in the caller's language.
    pub message: String,
}

/// The document that every error answers with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemDocument {
    /// A stable address of the kind of problem.
    pub r#type: String,
    /// Its title in the caller's language.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do, in the caller's language.
    pub detail: String,
    /// A stable word that clients switch on.
    pub code: String,
    /// The number of the request, for the operator's log.
    pub request_id: String,
    /// Refused fields, where the body was not accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// What went wrong.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: StatusCode,
    /// A stable word that clients switch on.
    pub code: &'static str,
    /// Refused fields: pointer and code.
    pub fields: Vec<(String, &'static str)>,
    /// Seconds after which trying again makes sense.
    pub retry_after_seconds: Option<u64>,
    /// The limit that was exceeded, which the answer names in its headers.
    pub exceeded: Option<Exceeded>,
}

impl Problem {
    /// A problem of this status and code.
    pub const fn new(status: StatusCode, code: &'static str) -> Self {
        Self { status, code, fields: Vec::new(), retry_after_seconds: None, exceeded: None }
    }

    /// The body was not accepted because of one field.
    pub fn field(pointer: &str, code: &'static str) -> Self {
        let fields = vec![(pointer.to_owned(), code)];
        Self { fields, ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed") }
    }

    /// There is nothing here, or it is somebody else's.
    pub const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found")
    }

    /// No believed token.
    pub const fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized")
    }

    /// Not now; the client should come back.
    pub fn unavailable(retry_after_seconds: u64) -> Self {
        let retry_after_seconds = Some(retry_after_seconds);
        Self { retry_after_seconds, ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable") }
    }

    /// Our fault: logged here with its whole chain, told without any of it.
    pub fn internal(error: &(dyn Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
    }

    /// The problem of a bare status, for answers that other layers made.
    pub fn of_status(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::BAD_REQUEST => "malformed_body",
            StatusCode::UNAUTHORIZED => "unauthorized",
            StatusCode::FORBIDDEN => "forbidden",
            StatusCode::NOT_FOUND => "not_found",
            StatusCode::METHOD_NOT_ALLOWED => "method_not_allowed",
            StatusCode::REQUEST_TIMEOUT => "request_timeout",
            StatusCode::CONFLICT => "conflict",
            StatusCode::PAYLOAD_TOO_LARGE => "payload_too_large",
            StatusCode::URI_TOO_LONG => "uri_too_long",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "unsupported_media_type",
            StatusCode::UNPROCESSABLE_ENTITY => "validation_failed",
            StatusCode::TOO_MANY_REQUESTS => "rate_limited",
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => "service_unavailable",
            _ if status.is_client_error() => "malformed_body",
            _ => "internal",
        };
        Self::new(status, code)
    }

    /// The document in the caller's language.
    pub fn document(&self, locale: Locale, request_id: &str) -> ProblemDocument {
        let (title, detail) = text::problem(locale, self.code);
        let errors = self.fields.iter().map(|(pointer, code)| FieldProblem {
            pointer: pointer.clone(),
            code: (*code).to_owned(),
            message: text::invalid(locale, code),
        });
        ProblemDocument {
            r#type: format!("https://calmness.dev/problems/{}", self.code.replace('_', "-")),
            title,
            status: self.status.as_u16(),
            detail,
            code: self.code.to_owned(),
            request_id: request_id.to_owned(),
            errors: errors.collect(),
        }
    }
}

/// The problem itself travels beside an empty body; the outermost layer writes it.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(exceeded) = &self.exceeded {
            exceeded.write(headers);
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// No such route.
pub async fn not_found() -> Problem {
    Problem::not_found()
}

/// The route exists, but not for this method.
pub async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed")
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Self {
        Self {
            retry_after_seconds: Some(exceeded.wait_seconds()),
            exceeded: Some(exceeded),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited")
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        // Unknown or away: nothing was promised, and coming back is safe.
        if error.is_database_away() {
            tracing::error!(error = &error as &dyn Error, "the database is away");
            Self::unavailable(1)
        } else {
            Self::internal(&error)
        }
    }
}

impl From<IdentityError> for Problem {
    fn from(error: IdentityError) -> Self {
        match error {
            IdentityError::Store(error) => error.into(),
            IdentityError::InvalidCredentials => Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials"),
            IdentityError::InvalidToken => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "token_invalid"),
            IdentityError::SessionEnded => Self::unauthorized(),
            IdentityError::TooManyTries { retry_after_seconds } => Self {
                retry_after_seconds: Some(retry_after_seconds),
                exceeded: Some(Exceeded::failures_in_a_row(Duration::from_secs(retry_after_seconds))),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_tries")
            },
            IdentityError::WrongCode => Self::new(StatusCode::UNAUTHORIZED, "code_invalid"),
            IdentityError::ChallengeEnded => Self::new(StatusCode::UNAUTHORIZED, "challenge_ended"),
            IdentityError::WrongPassword => Self::new(StatusCode::UNAUTHORIZED, "password_wrong"),
            IdentityError::CodeRequired => Self::new(StatusCode::FORBIDDEN, "code_required"),
            IdentityError::FactorNotTrusted => Self::new(StatusCode::FORBIDDEN, "factor_not_trusted"),
            IdentityError::StepUpRequired => Self::new(StatusCode::FORBIDDEN, "step_up_required"),
            IdentityError::NothingToConfirm => Self::new(StatusCode::CONFLICT, "nothing_to_confirm"),
            IdentityError::AppRequired => Self::new(StatusCode::CONFLICT, "app_required"),
            IdentityError::SmsUnavailable => Self::new(StatusCode::CONFLICT, "sms_unavailable"),
            IdentityError::InvalidPhone => Self::field("/phone", "phone"),
            IdentityError::ScopeNotAllowed => Self::field("/scopes", "scope"),
            IdentityError::KeyNotAllowed(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "key_not_allowed"),
            IdentityError::ReasonRequired => Self::field("/reason", "reason"),
            IdentityError::NotYourself => Self::new(StatusCode::CONFLICT, "not_yourself"),
            IdentityError::ApprovalNeeded => Self::new(StatusCode::CONFLICT, "approval_needed"),
            IdentityError::LastAdmin => Self::new(StatusCode::CONFLICT, "last_admin"),
            IdentityError::PasswordTooShort | IdentityError::PasswordTooShortAlone => {
                Self::field("/password", "password_too_short")
            }
            IdentityError::PasswordTooCommon => Self::field("/password", "password_too_common"),
            IdentityError::PasswordOfContext => Self::field("/password", "password_of_context"),
            IdentityError::PasswordTooLong => Self::field("/password", "password_too_long"),
            IdentityError::InvalidEmail(_) => Self::field("/email", "email"),
            IdentityError::Busy => Self::unavailable(2),
            IdentityError::EmailTaken => Self::new(StatusCode::CONFLICT, "conflict"),
            IdentityError::UnknownUser => Self::not_found(),
            IdentityError::Hashing(_) => Self::internal(&error),
        }
    }
}

impl From<BillingError> for Problem {
    fn from(error: BillingError) -> Self {
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            BillingError::Store(error) => error.into(),
            BillingError::UnknownPlan => Self::new(UNPROCESSABLE, "plan_unknown"),
            BillingError::UnknownProvider => Self::new(UNPROCESSABLE, "provider_unknown"),
            BillingError::CurrencyRequired(_) => Self::new(UNPROCESSABLE, "currency_required"),
            BillingError::CurrencyNotOffered => Self::new(UNPROCESSABLE, "currency_not_offered"),
            BillingError::KeyReused => Self::new(UNPROCESSABLE, "idempotency_key_reused"),
            BillingError::InProgress => {
                let in_progress = Self::new(StatusCode::CONFLICT, "idempotency_in_progress");
                Self { retry_after_seconds: Some(1), ..in_progress }
            }
            BillingError::PhoneRequired => Self::field("/phone_number", "required"),
            BillingError::UnknownMethod => Self::new(UNPROCESSABLE, "payment_method_unknown"),
            BillingError::PurchasesPaused => Self {
                retry_after_seconds: Some(PURCHASES_RETRY_SECONDS),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "purchases_paused")
            },
            BillingError::NotAllowed => Self::new(StatusCode::FORBIDDEN, "forbidden"),
        }
    }
}

impl From<IncidentError> for Problem {
    fn from(error: IncidentError) -> Self {
        match error {
            IncidentError::Store(error) => error.into(),
            IncidentError::ReasonRequired => Self::field("/reason", "reason"),
            IncidentError::EmptyRange => Self::field("/to", "out_of_range"),
            IncidentError::Account(error) => error.into(),
            IncidentError::Evidence(EvidenceError::NoSuchSubject) => Self::not_found(),
            IncidentError::Evidence(EvidenceError::Period | EvidenceError::TooMuch(_)) => {
                Self::field("/to", "out_of_range")
            }
            IncidentError::Evidence(error) => Self::internal(&error),
        }
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        match error {
            RefundError::Store(error) => error.into(),
            RefundError::NoSuchPayment => Self::not_found(),
            RefundError::NothingToRefund => Self::new(StatusCode::CONFLICT, "nothing_to_refund"),
            RefundError::TooMuch { .. } => Self::field("/amount", "out_of_range"),
            RefundError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
        }
    }
}

impl From<ReviewError> for Problem {
    fn from(error: ReviewError) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code);
        match error {
            ReviewError::Store(error) => error.into(),
            ReviewError::NotFound => Self::not_found(),
            ReviewError::NotByHand => conflict("not_confirmed_by_hand"),
            ReviewError::AlreadyUsed(_) => conflict("transaction_already_used"),
            ReviewError::Differs(_) => conflict("differs_from_quote"),
            ReviewError::NotDecidable => conflict("not_decidable"),
            ReviewError::InTheFuture => Self::field("/received_at", "out_of_range"),
            ReviewError::NothingToReplay => conflict("nothing_to_replay"),
            ReviewError::BodyForgotten => conflict("body_forgotten"),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        match error {
            ManageError::Store(error) => error.into(),
            ManageError::UnknownUser => Self::field("/user_id", "unknown"),
            ManageError::UnknownSubscription => Self::not_found(),
            ManageError::UnknownPeriod => Self::field("/period_id", "unknown"),
            ManageError::UnknownPlan => Self::field("/plan_code", "unknown"),
            ManageError::UnknownChannel => Self::field("/channel", "unknown"),
            ManageError::NothingToRevoke => Self::new(StatusCode::CONFLICT, "nothing_to_revoke"),
            ManageError::KeyReused => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused"),
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Store(error) => error.into(),
            PlanError::UnknownPlan => Self::not_found(),
            PlanError::UnknownChannel => Self::field("/channel", "unknown"),
            PlanError::Taken => Self::new(StatusCode::CONFLICT, "name_taken"),
            PlanError::Stale(_) => Self::new(StatusCode::CONFLICT, "stale"),
            PlanError::Sold => Self::new(StatusCode::CONFLICT, "plan_sold"),
            PlanError::Prices => Self::field("/prices", "not_allowed"),
            PlanError::Approval(error) => (*error).into(),
        }
    }
}

impl From<AlertError> for Problem {
    fn from(error: AlertError) -> Self {
        match error {
            AlertError::Store(error) => error.into(),
            AlertError::Unknown => Self::not_found(),
            AlertError::Acknowledged => Self::new(StatusCode::CONFLICT, "already_acknowledged"),
        }
    }
}

impl From<MethodError> for Problem {
    fn from(error: MethodError) -> Self {
        const UNPROCESSABLE: StatusCode = StatusCode::UNPROCESSABLE_ENTITY;
        match error {
            MethodError::Store(error) => error.into(),
            MethodError::UnknownProvider => Self::new(UNPROCESSABLE, "provider_unknown"),
            MethodError::ComesWithAPayment => Self::new(UNPROCESSABLE, "method_comes_with_a_payment"),
            MethodError::TooMany => Self::new(StatusCode::CONFLICT, "conflict"),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Store(error) => error.into(),
            WebhookError::UnknownProvider => Self::not_found(),
            WebhookError::Unverified => Self::new(StatusCode::UNAUTHORIZED, "signature_invalid"),
            WebhookError::Unverifiable => Self::unavailable(30),
            WebhookError::Malformed => Self::new(StatusCode::BAD_REQUEST, "malformed_body"),
        }
    }
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Store(error) => error.into(),
            AccessError::NotSetUp => Self::new(StatusCode::SERVICE_UNAVAILABLE, "telegram_unavailable"),
        }
    }
}

impl From<KeyChangeError> for Problem {
    fn from(error: KeyChangeError) -> Self {
        match error {
            KeyChangeError::Store(error) => error.into(),
            KeyChangeError::TooMany | KeyChangeError::InUse(_) | KeyChangeError::StillNeeded { .. } => {
                Self::new(StatusCode::CONFLICT, "conflict")
            }
            KeyChangeError::Unknown => Self::not_found(),
            KeyChangeError::Backend(_) | KeyChangeError::Keys(_) => {
                tracing::error!(error = &error as &dyn Error, "the key service did not do its part");
                Self::unavailable(60)
            }
        }
    }
}

impl From<SettingError> for Problem {
    fn from(error: SettingError) -> Self {
        match error {
            SettingError::Store(error) => error.into(),
            SettingError::UnknownKey => Self::not_found(),
            SettingError::ReadOnly(_) => Self::new(StatusCode::CONFLICT, "setting_read_only"),
            SettingError::Nothing => Self::new(StatusCode::CONFLICT, "nothing_to_change"),
            SettingError::Invalid(_) | SettingError::Provider { .. } => Self::field("/value", "not_allowed"),
        }
    }
}

impl From<ApprovalError> for Problem {
    fn from(error: ApprovalError) -> Self {
        let conflict = |code| Self::new(StatusCode::CONFLICT, code);
        match error {
            ApprovalError::Store(error) => error.into(),
            ApprovalError::NotFound => Self::not_found(),
            ApprovalError::Decided(_) => conflict("approval_decided"),
            ApprovalError::Expired => conflict("approval_expired"),
            ApprovalError::Stale => conflict("approval_stale"),
            ApprovalError::LookAgain => conflict("approval_differs"),
            ApprovalError::AnotherAdminNeeded => Self::new(StatusCode::FORBIDDEN, "another_admin_needed"),
            ApprovalError::NotAllowed => Self::new(StatusCode::FORBIDDEN, "forbidden"),
            ApprovalError::TooMany => conflict("too_many_approvals"),
            ApprovalError::ReasonRequired => Self::field("/reason", "reason"),
            ApprovalError::Identity(error) => error.into(),
            ApprovalError::Setting(error) => error.into(),
            ApprovalError::Plan(error) => error.into(),
        }
    }
}
