//! What each page shows, as plain data: a handler fills a view, its template in `templates/` draws it.
//!
//! Views hold strings that are ready to be read; nothing here knows a database or a rule. Every view has a
//! [`PageFrame`] named `page`, through which its template says its sentences. No template has inline
//! script or style, so that the strict content security policy holds (SEC-57).

mod account;
mod code;
mod dashboard;
mod payment;
mod problem;
mod sale;
mod security;
mod time;

pub use self::account::{
    ForgotView, LogInAlert, LogInCodeView, LogInView, MailSentReason, MailSentView, ResendView, ResetView,
    SignUpView, VerifyView,
};
pub use self::code::{CodePrompt, Complaint, OtherWay, SendCode, way};
pub use self::dashboard::{DashboardView, Membership, SubscriptionCard, TelegramCard};
pub use self::payment::{
    Badge, CheckoutView, PaymentRow, PaymentStep, PaymentView, Progress, ReceiptView, ReturnOutcome,
    ReturnView, StepKind, StepState, Tone, failure_in_words,
};
pub use self::problem::ProblemView;
pub use self::sale::{HomeView, Offer, PlanCard};
pub use self::security::{
    AppView, Choice, CodesView, DataView, DeviceRow, DevicesView, KeyMadeView, KeyNewView, KeyRow, KeysView,
    PasswordView, PhoneConfirmView, PhoneState, PhoneView, ProofView, Scan, SecurityView,
};
pub use self::time::{Countdown, Moment};

use application::text::{Arg, Locale, text};
use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::assets;

/// What surrounds every page.
#[derive(Clone, Debug)]
pub struct PageFrame {
    /// The language of the page.
    pub locale: Locale,
    /// This page's path and query, where the language switch comes back to.
    pub path: String,
    /// Who is logged in.
    pub user: Option<UserMenu>,
    /// The value of the hidden field of every form that posts.
    pub csrf: String,
    /// Whether to say that no real money moves here.
    pub sandbox: bool,
    /// One message left by the page before.
    pub notice: Option<Notice>,
    /// Who sells.
    pub company: Company,
}

/// The person who is logged in, as the menu shows them.
#[derive(Clone, Debug)]
pub struct UserMenu {
    /// Their address.
    pub email: String,
}

/// The company that sells, as its settings name it.
#[derive(Clone, Debug)]
pub struct Company {
    /// Its name.
    pub name: String,
    /// Where people write to, if it is set.
    pub contact: Option<String>,
}

impl PageFrame {
    /// The sentence of that key.
    pub fn t(&self, key: &str) -> String {
        text(self.locale, key, &[])
    }

    /// The sentence of that key, speaking about one value.
    pub fn t_with(&self, key: &str, name: &str, value: &str) -> String {
        text(self.locale, key, &[(name, value.into())])
    }

    /// The sentence of that key, speaking about a count.
    pub fn t_count(&self, key: &str, name: &str, count: &u16) -> String {
        text(self.locale, key, &[(name, Arg::from(*count))])
    }

    /// The sentence of that key, speaking about two counts.
    pub fn t_counts(&self, key: &str, one: &str, first: &u16, other: &str, second: &u16) -> String {
        text(self.locale, key, &[(one, Arg::from(*first)), (other, Arg::from(*second))])
    }

    /// The address of a static file.
    pub fn asset(&self, name: &'static str) -> &'static str {
        assets::address(name)
    }
}

/// A message that outlives one redirect: only its code travels, never words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The address was confirmed.
    Verified,
    /// The person logged out.
    LoggedOut,
    /// The session is over.
    SessionEnded,
    /// The Telegram account was unbound.
    Unlinked,
    /// The same purchase was open already.
    PaymentOpen,
    /// The payment could not be opened.
    PaymentRefused,
    /// A code was sent to the telephone.
    CodeSent,
    /// No code can be sent to the telephone now.
    CodeUnsent,
    /// The second step of a login took too long, or too many codes were wrong.
    CodeEnded,
    /// A mailed link has set a new password.
    PasswordReset,
    /// The password was changed.
    PasswordChanged,
    /// Another authenticator app took the place of the first.
    AppMoved,
    /// The authenticator app was removed.
    AppRemoved,
    /// The telephone was confirmed.
    PhoneAdded,
    /// The telephone was removed.
    PhoneRemoved,
    /// One device was logged out.
    DeviceEnded,
    /// All other devices were logged out.
    OthersEnded,
    /// Every device was logged out.
    AllEnded,
    /// A key was ended.
    KeyEnded,
    /// The account is to be erased.
    ErasureAsked,
    /// The account is kept after all.
    ErasureKept,
}

impl Notice {
    const ALL: [Self; 21] = [
        Self::Verified,
        Self::LoggedOut,
        Self::SessionEnded,
        Self::Unlinked,
        Self::PaymentOpen,
        Self::PaymentRefused,
        Self::CodeSent,
        Self::CodeUnsent,
        Self::CodeEnded,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::AppMoved,
        Self::AppRemoved,
        Self::PhoneAdded,
        Self::PhoneRemoved,
        Self::DeviceEnded,
        Self::OthersEnded,
        Self::AllEnded,
        Self::KeyEnded,
        Self::ErasureAsked,
        Self::ErasureKept,
    ];

    /// The code that a cookie or a query may carry.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::LoggedOut => "logged-out",
            Self::SessionEnded => "session-ended",
            Self::Unlinked => "unlinked",
            Self::PaymentOpen => "payment-open",
            Self::PaymentRefused => "payment-refused",
            Self::CodeSent => "code-sent",
            Self::CodeUnsent => "code-unsent",
            Self::CodeEnded => "code-ended",
            Self::PasswordReset => "password-reset",
            Self::PasswordChanged => "password-changed",
            Self::AppMoved => "app-moved",
            Self::AppRemoved => "app-removed",
            Self::PhoneAdded => "phone-added",
            Self::PhoneRemoved => "phone-removed",
            Self::DeviceEnded => "device-ended",
            Self::OthersEnded => "others-ended",
            Self::AllEnded => "all-ended",
            Self::KeyEnded => "key-ended",
            Self::ErasureAsked => "erasure-asked",
            Self::ErasureKept => "erasure-kept",
        }
    }

    /// The notice of a code; strangers' codes are none.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.code() == code)
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Verified => "flash-verified",
            Self::LoggedOut => "flash-logged-out",
            Self::SessionEnded => "flash-session-ended",
            Self::Unlinked => "flash-unlinked",
            Self::PaymentOpen => "flash-payment-open",
            Self::PaymentRefused => "flash-payment-refused",
            Self::CodeSent => "flash-code-sent",
            Self::CodeUnsent => "flash-code-unsent",
            Self::CodeEnded => "flash-code-ended",
            Self::PasswordReset => "flash-password-reset",
            Self::PasswordChanged => "flash-password-changed",
            Self::AppMoved => "flash-app-moved",
            Self::AppRemoved => "flash-app-removed",
            Self::PhoneAdded => "flash-phone-added",
            Self::PhoneRemoved => "flash-phone-removed",
            Self::DeviceEnded => "flash-device-ended",
            Self::OthersEnded => "flash-others-ended",
            Self::AllEnded => "flash-all-ended",
            Self::KeyEnded => "flash-key-ended",
            Self::ErasureAsked => "flash-erasure-asked",
            Self::ErasureKept => "flash-erasure-kept",
        }
    }

    const fn tone(self) -> Tone {
        match self {
            Self::Verified
            | Self::PasswordReset
            | Self::PasswordChanged
            | Self::AppMoved
            | Self::PhoneAdded
            | Self::ErasureKept => Tone::Good,
            Self::PaymentRefused | Self::CodeUnsent => Tone::Bad,
            Self::LoggedOut
            | Self::SessionEnded
            | Self::Unlinked
            | Self::PaymentOpen
            | Self::CodeSent
            | Self::CodeEnded
            | Self::AppRemoved
            | Self::PhoneRemoved
            | Self::DeviceEnded
            | Self::OthersEnded
            | Self::AllEnded
            | Self::KeyEnded
            | Self::ErasureAsked => Tone::Calm,
        }
    }
}

/// Where to go after a step that was given a `next`: only a path of this site, `/` for anything else.
///
/// Browsers read `//host` and `/\host` as another site, and drop tabs and line ends inside addresses.
pub fn local_path(next: &str) -> &str {
    let rest = next.strip_prefix('/');
    let local = rest.is_some_and(|rest| !rest.starts_with(['/', '\\']));
    if local && !next.contains(char::is_control) { next } else { "/" }
}

/// The response of a page.
pub fn respond<View: Template>(status: StatusCode, view: &View) -> Response {
    match view.render() {
        Ok(page) => (status, Html(page)).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "a page could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
#[path = "views/tests.rs"]
mod tests;
