//! `/login/code`: the second step of a login.
//!
//! Between the two steps nobody is logged in. What names the waiting challenge stands in a cookie that only `/login`
//! gets; beside it stands in which ways it can be answered, so that the page asks the database nothing.

use application::identity::{Asked, Client, IdentityError, Method};
use axum::extract::Query;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::response::Response;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::csrf::Form;
use super::language::NextQuery;
use super::login::enter;
use super::session::Visitor;
use super::tries::{self, Refused, typed};
use super::views::{Complaint, LogInCodeView, Notice};
use super::{cookies, proof, redirect};
use crate::problem::Problem;

const SEND: &str = "/login/code/send";

/// A code.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeFields {
    method: String,
    code: SecretString,
    #[serde(default)]
    next: String,
}

/// A login that waits for its second step.
pub(super) struct Challenge {
    token: SecretString,
    methods: Vec<Method>,
}

impl Challenge {
    pub(super) fn of(asked: Asked) -> Self {
        Self { token: asked.token, methods: asked.methods }
    }

    /// As the cookie has it. The token is base64url, so the first dot ends it.
    pub(super) fn write(&self) -> String {
        let methods: Vec<&str> = self.methods.iter().map(|method| method.as_str()).collect();
        format!("{}.{}", self.token.expose_secret(), methods.join("."))
    }

    /// From the cookie. Whoever changes the list of ways gets other questions; the answers are checked all the same.
    fn read(cookie: &SecretString) -> Option<Self> {
        let (token, methods) = cookie.expose_secret().split_once('.')?;
        let methods: Vec<Method> = methods.split('.').filter_map(|word| word.parse().ok()).collect();
        (!methods.is_empty()).then(|| Self { token: token.into(), methods })
    }

    fn waiting(visitor: &Visitor) -> Option<Self> {
        visitor.challenge.as_ref().and_then(Self::read)
    }
}

/// Asks for the code; `?method=` chooses how.
pub(super) async fn page(visitor: Visitor, query: Result<Query<NextQuery>, QueryRejection>) -> Response {
    let next = NextQuery::of(query);
    if visitor.session.is_some() {
        return redirect::see_other(redirect::wanted(&next));
    }
    let wanted = proof::wanted(&visitor);
    let Some(view) = view(&visitor, &next, wanted, Complaint::default()) else {
        return redirect::see_other(&redirect::log_in(&next, None));
    };
    visitor.show(StatusCode::OK, &view)
}

/// Lets a browser in.
pub(super) async fn answer(form: Form<Visitor, CodeFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, device } = form;
    let CodeFields { method, code, next } = fields;
    let Some(challenge) = Challenge::waiting(&visitor) else { return Ok(over(&visitor, &next)) };
    let method = proof::method(&method).unwrap_or(Method::Totp);
    let (app, context, code) = (visitor.app(), &visitor.context, typed(&code));
    let work = app.login_with_code(context, &challenge.token, method, &code, Client::Browser, &device);
    match tries::counting(&visitor, work).await {
        Ok(entered) => enter(&visitor, &entered, &next),
        // Answered, too old, guessed at too often, or the account was frozen meanwhile: all begins again.
        Err(Refused::Error(IdentityError::ChallengeEnded | IdentityError::InvalidCredentials)) => {
            Ok(over(&visitor, &next))
        }
        Err(refused) => again(&visitor, &next, method, refused),
    }
}

/// Has a code sent to the telephone.
pub(super) async fn send(form: Form<Visitor, proof::SendFields>) -> Result<Response, Problem> {
    let Form { who: visitor, fields, .. } = form;
    let back = redirect::wanted(fields.back()).to_owned();
    let Some(challenge) = Challenge::waiting(&visitor) else { return Ok(over(&visitor, "")) };
    let (app, context) = (visitor.app(), &visitor.context);
    let notice = match app.send_login_code(context, &challenge.token, Client::Browser).await {
        Ok(()) => Notice::CodeSent,
        Err(IdentityError::SmsUnavailable) => Notice::CodeUnsent,
        Err(IdentityError::ChallengeEnded) => return Ok(over(&visitor, "")),
        Err(other) => return Err(other.into()),
    };
    Ok(redirect::see_other(&redirect::with_notice(&back, notice)))
}

fn again(visitor: &Visitor, next: &str, method: Method, refused: Refused) -> Result<Response, Problem> {
    let said = refused.said(visitor.locale)?;
    let Some(mut view) = view(visitor, next, Some(method), Complaint::default()) else {
        return Ok(over(visitor, next));
    };
    Ok(said.show(visitor, |complaint| {
        view.complaint = complaint;
        view
    }))
}

fn view(
    visitor: &Visitor,
    next: &str,
    wanted: Option<Method>,
    complaint: Complaint,
) -> Option<LogInCodeView> {
    let challenge = Challenge::waiting(visitor)?;
    let code = proof::ask(visitor, &challenge.methods, wanted, SEND, &redirect::log_in_code(next))?;
    let next = redirect::wanted(next).to_owned();
    Some(LogInCodeView { page: visitor.frame(), next, code, complaint })
}

/// Back to the start: this code is not waited for any more.
fn over(visitor: &Visitor, next: &str) -> Response {
    let mut response = redirect::see_other(&redirect::log_in(next, Some(Notice::CodeEnded)));
    visitor.take_away(&mut response, &cookies::CHALLENGE);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_read_back_from_its_cookie() {
        let methods = vec![Method::Totp, Method::Sms, Method::RecoveryCode];
        let written = Challenge { token: "to_k-en".into(), methods: methods.clone() }.write();
        assert_eq!(written, "to_k-en.totp.sms.recovery_code");
        let read = Challenge::read(&written.into()).unwrap();
        assert_eq!((read.token.expose_secret(), read.methods), ("to_k-en", methods));
        for strange in ["", "token", "token.", "token.stars"] {
            assert!(Challenge::read(&strange.into()).is_none(), "{strange}");
        }
    }
}
