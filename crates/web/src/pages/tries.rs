//! Tries of passwords and codes on pages: which count against their address, and what a form says about a refusal.

use application::identity::IdentityError;
use application::text::{self, Locale};
use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use time::Duration;

use super::session::Visitor;
use super::views::Complaint;
use crate::middleware::limits::{Exceeded, counted};
use crate::problem::Problem;

/// Why a try did not succeed.
pub(super) enum Refused {
    /// This address has failed too often with anybody's account.
    Exceeded(Exceeded),
    /// What the use case says.
    Error(IdentityError),
}

/// A refusal as its form says it.
pub(super) struct Said {
    pub(super) complaint: Complaint,
    /// The status and the headers of the page.
    problem: Problem,
}

/// Runs a try that a guesser would repeat: only what fails counts against its address (SEC-48).
pub(super) async fn counting<T>(
    visitor: &Visitor,
    work: impl Future<Output = Result<T, IdentityError>>,
) -> Result<T, Refused> {
    let failures = &visitor.state.limits.login_failures;
    let address = visitor.context.address.map(counted);
    if let Some(address) = address {
        failures.check(address).await.map_err(Refused::Exceeded)?;
    }
    match work.await {
        Ok(done) => Ok(done),
        Err(error) => {
            if let Some(address) = address.filter(|_| error.is_guess()) {
                failures.count(address).await;
            }
            Err(Refused::Error(error))
        }
    }
}

impl Refused {
    /// What the form says about it; anything else is a problem that a page of its own tells.
    pub(super) fn said(self, locale: Locale) -> Result<Said, Problem> {
        let error = match self {
            Self::Exceeded(exceeded) => {
                let complaint = Complaint::new(Complaint::FORM, wait(locale, exceeded.wait_seconds()));
                return Ok(Said { complaint, problem: exceeded.into() });
            }
            Self::Error(error) => error,
        };
        match error {
            IdentityError::TooManyTries { retry_after_seconds } => {
                let complaint = Complaint::new(Complaint::FORM, wait(locale, retry_after_seconds));
                let too_many = Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited");
                let problem = Problem { retry_after_seconds: Some(retry_after_seconds), ..too_many };
                Ok(Said { complaint, problem })
            }
            IdentityError::Busy => {
                let complaint = Complaint::new(Complaint::FORM, text::text(locale, "login-busy", &[]));
                Ok(Said { complaint, problem: Problem::unavailable(2) })
            }
            other => match complaint(locale, &other) {
                Some(complaint) => Ok(Said { complaint, problem: unaccepted() }),
                None => Err(other.into()),
            },
        }
    }
}

impl Said {
    /// The form again.
    pub(super) fn show<View: Template>(
        self,
        visitor: &Visitor,
        view: impl FnOnce(Complaint) -> View,
    ) -> Response {
        visitor.show_problem(self.problem, &view(self.complaint))
    }
}

/// A form that is shown again is no challenge of HTTP authentication, so it is never 401.
pub(super) const fn unaccepted() -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "validation_failed")
}

/// What whoever filled the form can put right, at the field that it is about.
fn complaint(locale: Locale, error: &IdentityError) -> Option<Complaint> {
    let (field, key) = match error {
        IdentityError::WrongPassword => (Complaint::PASSWORD, "proof-wrong-password"),
        IdentityError::WrongCode => (Complaint::CODE, "code-wrong"),
        IdentityError::CodeRequired => (Complaint::CODE, "code-required"),
        IdentityError::ChallengeEnded => (Complaint::CODE, "code-ended"),
        IdentityError::PasswordTooShort => (Complaint::NEW_PASSWORD, "invalid-password_too_short"),
        IdentityError::PasswordTooShortAlone => (Complaint::PASSWORD, "app-remove-password-short"),
        IdentityError::PasswordTooLong => (Complaint::NEW_PASSWORD, "invalid-password_too_long"),
        IdentityError::PasswordTooCommon => (Complaint::NEW_PASSWORD, "invalid-password_too_common"),
        IdentityError::PasswordOfContext => (Complaint::NEW_PASSWORD, "invalid-password_of_context"),
        IdentityError::NothingToConfirm => (Complaint::FORM, "security-nothing-waits"),
        IdentityError::SmsUnavailable => (Complaint::FORM, "phone-unavailable"),
        IdentityError::AppRequired => (Complaint::FORM, "phone-needs-app"),
        IdentityError::InvalidPhone => (Complaint::PHONE, "phone-invalid"),
        IdentityError::ScopeNotAllowed => (Complaint::SCOPES, "keys-scope-refused"),
        IdentityError::KeyNotAllowed(_) => (Complaint::NAME, "keys-refused"),
        IdentityError::LastAdmin => (Complaint::FORM, "data-last-admin"),
        _ => return None,
    };
    Some(Complaint::new(field, text::text(locale, key, &[])))
}

fn wait(locale: Locale, seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let words = locale.duration(Duration::seconds(seconds));
    text::text(locale, "login-too-many", &[("wait", words.into())])
}

/// A code as it was meant: people put spaces where their app shows them.
pub(super) fn typed(code: &SecretString) -> SecretString {
    code.expose_secret().chars().filter(|character| !character.is_whitespace()).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(error: IdentityError) -> Option<(Complaint, StatusCode, Option<u64>)> {
        let said = Refused::Error(error).said(Locale::En).ok()?;
        Some((said.complaint, said.problem.status, said.problem.retry_after_seconds))
    }

    #[test]
    fn what_people_can_put_right_stands_at_its_field() {
        for (error, field) in [
            (IdentityError::WrongPassword, "password"),
            (IdentityError::WrongCode, "code"),
            (IdentityError::PasswordTooCommon, "new_password"),
            (IdentityError::PasswordOfContext, "new_password"),
            (IdentityError::InvalidPhone, "phone"),
            (IdentityError::LastAdmin, "form"),
        ] {
            let name = error.to_string();
            let (complaint, status, _) = said(error).unwrap();
            assert!(complaint.at(field).is_some(), "{name}");
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}");
        }
    }

    #[test]
    fn whoever_must_wait_is_told_how_long_in_words_and_in_a_header() {
        let (complaint, status, after) =
            said(IdentityError::TooManyTries { retry_after_seconds: 240 }).unwrap();
        assert_eq!((status, after), (StatusCode::TOO_MANY_REQUESTS, Some(240)));
        assert!(complaint.at("form").unwrap().contains("4\u{a0}min"), "{complaint:?}");
        let (_, status, after) = said(IdentityError::Busy).unwrap();
        assert_eq!((status, after), (StatusCode::SERVICE_UNAVAILABLE, Some(2)));
    }

    #[test]
    fn what_nobody_can_put_right_is_a_problem_of_its_own() {
        assert!(said(IdentityError::UnknownUser).is_none());
        assert!(said(IdentityError::SessionEnded).is_none());
    }

    #[test]
    fn a_code_is_read_however_it_is_spaced() {
        assert_eq!(typed(&SecretString::from(" 123 456\t")).expose_secret(), "123456");
    }
}
