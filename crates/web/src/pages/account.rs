//! `/signup`, `/verify`, `/verify/resend`: becoming a user. What is answered never tells whether an address is known.

use application::identity::{Email, IdentityError, MIN_PASSWORD_CHARS};
use application::text;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::csrf::Form;
use super::redirect;
use super::session::Visitor;
use super::views::{MailSentReason, MailSentView, Notice, ResendView, SignUpView, VerifyView};
use crate::api::auth::counting_failures;
use crate::middleware::limits::counted;
use crate::problem::Problem;

/// A sign-up.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignUpFields {
    email: String,
    password: SecretString,
}

/// A mailed link's token, with the password of that registration.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyFields {
    token: SecretString,
    password: SecretString,
}

/// An address to mail to.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResendFields {
    pub(super) email: String,
}

/// What a mailed link brings.
#[derive(Default, Deserialize)]
pub(super) struct TokenQuery {
    #[serde(default)]
    pub(super) token: String,
}

/// The sign-up form; who is logged in already goes on.
pub(super) async fn sign_up_page(visitor: Visitor) -> Response {
    if visitor.session.is_some() {
        return redirect::see_other(redirect::HOME_OF_USERS);
    }
    visitor.show(StatusCode::OK, &sign_up_view(&visitor, String::new(), None, None))
}

/// Signs somebody up: mails a link.
pub(super) async fn sign_up(form: Form<Visitor, SignUpFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, .. } = form;
    take_mail(&visitor).await?;
    let Ok(email) = Email::parse(&fields.email) else {
        let view = sign_up_view(&visitor, fields.email, Some("email"), None);
        return Ok(visitor.show(StatusCode::UNPROCESSABLE_ENTITY, &view));
    };
    let registered = visitor.app().register(&visitor.context, &email, &fields.password, visitor.locale).await;
    let code = match registered {
        Ok(()) => return Ok(mail_sent(&visitor, fields.email, MailSentReason::SignUp)),
        Err(IdentityError::PasswordTooShort) => "password_too_short",
        Err(IdentityError::PasswordTooLong) => "password_too_long",
        Err(IdentityError::PasswordTooCommon) => "password_too_common",
        Err(IdentityError::PasswordOfContext) => "password_of_context",
        Err(other) => return Err(other.into()),
    };
    let view = sign_up_view(&visitor, fields.email, None, Some(code));
    Ok(visitor.show(StatusCode::UNPROCESSABLE_ENTITY, &view))
}

fn sign_up_view(
    visitor: &Visitor,
    email: String,
    email_error: Option<&str>,
    password_error: Option<&str>,
) -> SignUpView {
    let in_words = |code| text::invalid(visitor.locale, code);
    SignUpView {
        page: visitor.frame(),
        email,
        email_error: email_error.map(in_words),
        password_error: password_error.map(in_words),
        minimum: u16::try_from(MIN_PASSWORD_CHARS).unwrap_or(u16::MAX),
    }
}

/// The page of a mailed link. Mail programs look at links before people do, so reading it consumes nothing.
pub(super) async fn verify_page(
    visitor: Visitor,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Response {
    let token = query.map(|Query(query)| query.token).unwrap_or_default();
    visitor.show(StatusCode::OK, &VerifyView { page: visitor.frame(), token, failed: false })
}

/// Makes the user.
pub(super) async fn verify(form: Form<Visitor, VerifyFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, .. } = form;
    let token = fields.token.expose_secret();
    let work = visitor.app().verify_email(&visitor.context, token, &fields.password);
    match counting_failures(&visitor.state, &visitor.context, work).await {
        Ok(_) => Ok(redirect::see_other(&redirect::with_notice("/login", Notice::Verified))),
        Err(problem) if problem.code == "token_invalid" => {
            let view = VerifyView { page: visitor.frame(), token: token.to_owned(), failed: true };
            Ok(visitor.show(StatusCode::UNPROCESSABLE_ENTITY, &view))
        }
        Err(problem) => Err(problem),
    }
}

/// The form that asks for a new link.
pub(super) async fn resend_page(visitor: Visitor) -> Response {
    let view = ResendView { page: visitor.frame(), email: String::new(), email_error: None };
    visitor.show(StatusCode::OK, &view)
}

/// Mails new links, if any registration waits.
pub(super) async fn resend(form: Form<Visitor, ResendFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, .. } = form;
    take_mail(&visitor).await?;
    let Ok(email) = Email::parse(&fields.email) else {
        let email_error = Some(text::invalid(visitor.locale, "email"));
        let view = ResendView { page: visitor.frame(), email: fields.email, email_error };
        return Ok(visitor.show(StatusCode::UNPROCESSABLE_ENTITY, &view));
    };
    visitor.app().resend_verification(&visitor.context, &email, visitor.locale).await?;
    Ok(mail_sent(&visitor, fields.email, MailSentReason::Resend))
}

/// "Check your mail."
pub(super) fn mail_sent(visitor: &Visitor, email: String, reason: MailSentReason) -> Response {
    visitor.show(StatusCode::OK, &MailSentView { page: visitor.frame(), email, reason })
}

/// Each of these sends a mail to whatever address was typed.
pub(super) async fn take_mail(visitor: &Visitor) -> Result<(), Problem> {
    if let Some(address) = visitor.context.address {
        visitor.state.limits.mails.take(counted(address)).await?;
    }
    Ok(())
}
