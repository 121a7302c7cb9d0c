//! What surrounds every page, and the page that says what went wrong.

use application::text::{Locale, text};
use application::{Actor, Context};
use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use time::Duration;

use super::session::Visitor;
use super::views::{self, Company, PageFrame, ProblemView, UserMenu};
use crate::problem::Problem;
use crate::state::WebState;

impl Visitor {
    /// The frame of a page for this visitor.
    pub(super) fn frame(&self) -> PageFrame {
        let app = self.app();
        PageFrame {
            locale: self.locale,
            path: self.path.clone(),
            user: self.session.as_ref().map(|session| UserMenu { email: session.email.clone() }),
            csrf: self.bond().token(app.keys().csrf()),
            sandbox: self.state.options.sandbox,
            notice: self.notice,
            company: Company { name: app.company_name(), contact: app.settings().company_email() },
        }
    }

    /// Answers with a page.
    pub(super) fn show<View: Template>(&self, status: StatusCode, view: &View) -> Response {
        let mut response = views::respond(status, view);
        self.leave_nonce(&mut response);
        response
    }

    /// Answers with a page that itself says what went wrong; its headers say it to programs.
    pub(super) fn show_problem<View: Template>(&self, problem: Problem, view: &View) -> Response {
        let status = problem.status;
        let mut response = self.show(status, view);
        response.headers_mut().extend(problem.into_response().headers().clone());
        response
    }
}

/// How long to wait, in words; none if coming back does not help.
pub(super) fn wait(locale: Locale, problem: &Problem) -> Option<String> {
    let seconds = i64::try_from(problem.retry_after_seconds?).unwrap_or(i64::MAX);
    Some(locale.duration(Duration::seconds(seconds)))
}

/// What a problem page needs to know of the request that failed.
pub(crate) struct Glance {
    headers: HeaderMap,
    path: String,
}

impl Glance {
    /// Before the request goes its way.
    pub(crate) fn of(request: &Request) -> Self {
        let path = request.uri().path_and_query().filter(|_| request.method() == Method::GET);
        let path = path.map_or_else(|| "/".to_owned(), ToString::to_string);
        Self { headers: request.headers().clone(), path }
    }
}

/// A problem as a page.
pub(crate) async fn problem_page(
    state: &WebState,
    glance: Glance,
    problem: &Problem,
    request_id: String,
) -> Response {
    let Glance { headers, path } = glance;
    let context = Context { actor: Actor::Anonymous, request_id: None, address: None };
    // Where we are in trouble or somebody asks too much, nobody asks the database who it is.
    let quick = problem.status.is_server_error() || problem.status == StatusCode::TOO_MANY_REQUESTS;
    let found =
        if quick { None } else { Visitor::find(state, &headers, path.clone(), context.clone()).await.ok() };
    let visitor = found.unwrap_or_else(|| Visitor::stranger(state, &headers, path, context));
    let mut view = ProblemView::new(visitor.frame(), problem.status.as_u16(), problem.code, request_id);
    if problem.status == StatusCode::TOO_MANY_REQUESTS
        && let Some(wait) = wait(visitor.locale, problem)
    {
        view.detail = text(visitor.locale, "login-too-many", &[("wait", wait.into())]);
    }
    views::respond(problem.status, &view)
}
