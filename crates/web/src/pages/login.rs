//! `/login` and `/logout`.

use application::identity::{Email, IdentityError};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::csrf::{Form, Pressed};
use super::language::NextQuery;
use super::session::{SignedIn, Visitor};
use super::views::{LogInAlert, LogInView, Notice};
use super::{cookies, frame, redirect};
use crate::api::auth::counting_failures;
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

/// Lets a browser in.
pub(super) async fn log_in(form: Form<Visitor, LogInFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, device } = form;
    let (app, context) = (visitor.app(), &visitor.context);
    let work = async {
        // What is no address is nobody's: the same words as for a wrong password.
        let email = Email::parse(&fields.email).map_err(|_| IdentityError::InvalidCredentials)?;
        app.login_browser(context, &email, &fields.password, &device).await
    };
    match counting_failures(&visitor.state, context, work).await {
        Ok(logged_in) => {
            let mut response = redirect::see_other(redirect::wanted(&fields.next));
            visitor.give(&mut response, &cookies::SESSION, logged_in.cookie.expose_secret());
            visitor.take_away(&mut response, &cookies::FORM);
            Ok(response)
        }
        Err(problem) => refused(&visitor, fields, problem),
    }
}

/// The form again, with what may be said about it.
fn refused(visitor: &Visitor, fields: LogInFields, problem: Problem) -> Result<Response, Problem> {
    let alert = match (problem.status, frame::wait(visitor.locale, &problem)) {
        (StatusCode::UNAUTHORIZED, _) => LogInAlert::Refused,
        (StatusCode::TOO_MANY_REQUESTS, Some(wait)) => LogInAlert::TooMany { wait },
        (StatusCode::SERVICE_UNAVAILABLE, _) => LogInAlert::Busy,
        _ => return Err(problem),
    };
    let next = redirect::wanted(&fields.next).to_owned();
    let view = LogInView { page: visitor.frame(), email: fields.email, next, alert: Some(alert) };
    // A form that is shown again is no challenge of HTTP authentication, so no 401.
    let status = problem.status;
    let shown_as = if status == StatusCode::UNAUTHORIZED { StatusCode::UNPROCESSABLE_ENTITY } else { status };
    Ok(visitor.show_problem(Problem { status: shown_as, ..problem }, &view))
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
