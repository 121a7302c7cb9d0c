//! `/password/forgot` and `/password/reset`: a new password by a mailed link (SEC-6). What is answered never tells
//! whether an address is known, and nobody is logged in by a link.

use application::identity::{Email, IdentityError, MIN_PASSWORD_CHARS, MIN_PASSWORD_CHARS_WITH_FACTOR};
use application::text;
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::account::{ResendFields, TokenQuery, mail_sent, take_mail};
use super::csrf::Form;
use super::redirect;
use super::session::Visitor;
use super::tries::{self, Refused};
use super::views::{Complaint, ForgotView, MailSentReason, Notice, ResetView};
use crate::problem::Problem;

/// A mailed link's token with the password that its reader wants from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResetFields {
    token: SecretString,
    password: SecretString,
}

/// The form that asks for a link.
pub(super) async fn forgot_page(visitor: Visitor) -> Response {
    let view = ForgotView { page: visitor.frame(), email: String::new(), email_error: None };
    visitor.show(StatusCode::OK, &view)
}

/// Mails a link, if anybody has the address.
pub(super) async fn forgot(form: Form<Visitor, ResendFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, .. } = form;
    take_mail(&visitor).await?;
    let Ok(email) = Email::parse(&fields.email) else {
        let email_error = Some(text::invalid(visitor.locale, "email"));
        let view = ForgotView { page: visitor.frame(), email: fields.email, email_error };
        return Ok(visitor.show(StatusCode::UNPROCESSABLE_ENTITY, &view));
    };
    visitor.app().forgot_password(&visitor.context, &email, visitor.locale).await?;
    Ok(mail_sent(&visitor, fields.email, MailSentReason::Forgot))
}

/// The page of a mailed link. Mail programs look at links before people do, so reading it consumes nothing.
pub(super) async fn reset_page(
    visitor: Visitor,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Response {
    let token = query.map(|Query(query)| query.token).unwrap_or_default();
    visitor.show(StatusCode::OK, &view(&visitor, token, false, Complaint::default()))
}

/// Sets the password.
pub(super) async fn reset(form: Form<Visitor, ResetFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, device } = form;
    let token = fields.token.expose_secret();
    let work = visitor.app().reset_password(&visitor.context, token, &fields.password, &device);
    match tries::counting(&visitor, work).await {
        Ok(()) => Ok(redirect::see_other(&redirect::with_notice("/login", Notice::PasswordReset))),
        Err(Refused::Error(IdentityError::InvalidToken)) => {
            let view = view(&visitor, token.to_owned(), true, Complaint::default());
            Ok(visitor.show_problem(tries::unaccepted(), &view))
        }
        Err(refused) => {
            let said = refused.said(visitor.locale)?;
            Ok(said.show(&visitor, |complaint| view(&visitor, token.to_owned(), false, complaint)))
        }
    }
}

fn view(visitor: &Visitor, token: String, ended: bool, complaint: Complaint) -> ResetView {
    let characters = |count: usize| u16::try_from(count).unwrap_or(u16::MAX);
    ResetView {
        page: visitor.frame(),
        token,
        minimum: characters(MIN_PASSWORD_CHARS),
        minimum_with_factor: characters(MIN_PASSWORD_CHARS_WITH_FACTOR),
        ended,
        complaint,
    }
}
