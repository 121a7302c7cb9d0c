//! `/login` and `/logout`. Where a second factor is set up, `login_code` follows.

use application::identity::{Client, Email, Entered, IdentityError, LoggedIn, Pass};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::csrf::{Form, Pressed};
use super::language::NextQuery;
use super::login_code::Challenge;
use super::session::{SignedIn, Visitor};
use super::tries::{self, Refused};
use super::views::{Complaint, LogInAlert, LogInView, Notice};
use super::{cookies, redirect};
use crate::problem::Problem;

/// A login.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogInFields {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

/// The form; who is logged in already goes on.
pub(super) async fn page(visitor: Visitor, query: Result<Query<NextQuery>, QueryRejection>) -> Response {
    let next = NextQuery::of(query);
    let next = redirect::wanted(&next).to_owned();
    if visitor.session.is_some() {
        return redirect::see_other(&next);
    }
    let view = LogInView { page: visitor.frame(), email: String::new(), next, alert: None };
    visitor.show(StatusCode::OK, &view)
}

/// Lets a browser in, or on to the second step.
pub(super) async fn log_in(form: Form<Visitor, LogInFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, device } = form;
    let (app, context) = (visitor.app(), &visitor.context);
    let work = async {
        // What is no address is nobody's: the same words as for a wrong password.
        let email = Email::parse(&fields.email).map_err(|_| IdentityError::InvalidCredentials)?;
        app.login(context, &email, &fields.password, Client::Browser, &device).await
    };
    match tries::counting(&visitor, work).await {
        Ok(LoggedIn::In(entered)) => enter(&visitor, &entered, &fields.next),
        Ok(LoggedIn::SecondFactor(asked)) => {
            let mut response = redirect::see_other(&redirect::log_in_code(&fields.next));
            visitor.give(&mut response, &cookies::CHALLENGE, &Challenge::of(asked).write());
            Ok(response)
        }
        Err(refusal) => refused(&visitor, fields, refusal),
    }
}

/// Goes on as somebody who is logged in from now on.
pub(super) fn enter(visitor: &Visitor, entered: &Entered, next: &str) -> Result<Response, Problem> {
    let mut response = redirect::see_other(redirect::wanted(next));
    give_session(visitor, &mut response, entered)?;
    visitor.take_away(&mut response, &cookies::FORM);
    if visitor.challenge.is_some() {
        visitor.take_away(&mut response, &cookies::CHALLENGE);
    }
    Ok(response)
}

/// Leaves a new session in this browser, and what makes it a known device.
pub(super) fn give_session(
    visitor: &Visitor,
    response: &mut Response,
    entered: &Entered,
) -> Result<(), Problem> {
    let Pass::Cookie(session) = &entered.pass else {
        tracing::error!("a browser was given the tokens of a program");
        return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal"));
    };
    visitor.give(response, &cookies::SESSION, session.expose_secret());
    visitor.give(response, &cookies::DEVICE, entered.device_token.expose_secret());
    Ok(())
}

/// The form again, with what may be said about it.
fn refused(visitor: &Visitor, fields: LogInFields, refused: Refused) -> Result<Response, Problem> {
    let next = redirect::wanted(&fields.next).to_owned();
    let view = |alert| LogInView { page: visitor.frame(), email: fields.email, next, alert: Some(alert) };
    if matches!(refused, Refused::Error(IdentityError::InvalidCredentials)) {
        return Ok(visitor.show_problem(tries::unaccepted(), &view(LogInAlert::Refused)));
    }
    let said = refused.said(visitor.locale)?;
    Ok(said.show(visitor, |complaint| {
        let words = complaint.at(Complaint::FORM).unwrap_or_default().to_owned();
        view(LogInAlert::Later { words })
    }))
}

/// Ends the session.
pub(super) async fn log_out(form: Form<SignedIn, Pressed>) -> Result<Response, Problem> {
    let SignedIn { visitor, user, session } = form.who;
    visitor.app().logout(&visitor.context, user, session).await?;
    let mut response = redirect::see_other(&redirect::with_notice("/", Notice::LoggedOut));
    visitor.take_away(&mut response, &cookies::SESSION);
    visitor.take_away(&mut response, &cookies::LINK);
    Ok(response)
}
