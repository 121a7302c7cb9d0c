//! Who looks at a page: the visitor behind the cookies, and the one who is logged in.

use application::identity::PageSession;
use application::text::Locale;
use application::{Actor, App, Context};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{IntoResponse, Response};
use domain::ids::{SessionId, UserId};
use secrecy::SecretString;

use super::cookies::{self, Cookie};
use super::csrf::Bond;
use super::redirect;
use super::views::Notice;
use crate::extract;
use crate::problem::Problem;
use crate::state::WebState;

/// Whoever looks at a page.
pub(super) struct Visitor {
    pub(super) state: WebState,
    /// The request as use cases know it, with this person acting.
    pub(super) context: Context,
    /// Whose session it is, if anybody is logged in.
    pub(super) session: Option<PageSession>,
    /// Their language: the account's, else the one chosen in this browser, else what the browser asks for.
    pub(super) locale: Locale,
    /// The path and query that they look at.
    pub(super) path: String,
    /// The message that the page before left.
    pub(super) notice: Option<Notice>,
    /// The login of this browser whose second step waits.
    pub(super) challenge: Option<SecretString>,
    /// What this browser's forms are bound to while nobody is logged in.
    nonce: String,
    /// The browser does not have that value yet.
    nonce_is_fresh: bool,
    /// The browser presented a session that is over.
    session_ended: bool,
}

/// Somebody who is logged in.
pub(super) struct SignedIn {
    pub(super) visitor: Visitor,
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

/// Who may use a form.
pub(super) trait Who: Sized + Send + 'static {
    /// Lets a visitor through or sends them away.
    fn admit(visitor: Visitor) -> Result<Self, Refusal>;

    /// The visitor again.
    fn visitor(&self) -> &Visitor;
}

/// Why somebody did not get a page.
pub(super) enum Refusal {
    /// Something went wrong.
    Problem(Problem),
    /// They must log in first.
    LogIn(Box<Visitor>),
}

impl Visitor {
    /// Finds out who holds these cookies. Asks the database only where there is a session cookie.
    pub(super) async fn find(
        state: &WebState,
        headers: &HeaderMap,
        path: String,
        context: Context,
    ) -> Result<Self, Problem> {
        let mut visitor = Self::stranger(state, headers, path, context);
        if let Some(cookie) = cookies::SESSION.read(headers, state.options.https) {
            match state.app.page_session(cookie).await? {
                Some(session) => visitor.recognise(session),
                None => visitor.session_ended = true,
            }
        }
        Ok(visitor)
    }

    /// Whoever it is, as long as nobody has looked whose session it is.
    pub(super) fn stranger(state: &WebState, headers: &HeaderMap, path: String, context: Context) -> Self {
        let https = state.options.https;
        let chosen = cookies::LANGUAGE.read(headers, https).and_then(|code| code.parse().ok());
        let known_nonce = cookies::FORM.read(headers, https).filter(|value| is_nonce(value));
        Self {
            locale: chosen.unwrap_or_else(|| extract::locale(headers, state.app.options().default_locale)),
            notice: redirect::query_word(&path, "notice").and_then(Notice::from_code),
            nonce: known_nonce.map_or_else(|| nonce(&state.app), ToOwned::to_owned),
            nonce_is_fresh: known_nonce.is_none(),
            challenge: cookies::CHALLENGE.read(headers, https).map(SecretString::from),
            session: None,
            session_ended: false,
            state: state.clone(),
            context,
            path,
        }
    }

    fn recognise(&mut self, session: PageSession) {
        tracing::Span::current().record("user.id", session.user.to_string());
        self.context = self.context.acting_as(session.actor.clone());
        self.locale = session.locale;
        self.session = Some(session);
    }

    /// The product.
    pub(super) fn app(&self) -> &App {
        &self.state.app
    }

    /// What this visitor's forms are bound to.
    pub(super) fn bond(&self) -> Bond<'_> {
        self.session.as_ref().map_or(Bond::Nonce(&self.nonce), |session| Bond::Session(session.session))
    }

    /// Gives this browser a cookie with an answer.
    pub(super) fn give(&self, response: &mut Response, cookie: &Cookie, value: &str) {
        cookie.give(response.headers_mut(), value, self.state.options.https);
    }

    /// Takes a cookie away from this browser with an answer.
    pub(super) fn take_away(&self, response: &mut Response, cookie: &Cookie) {
        cookie.take_away(response.headers_mut(), self.state.options.https);
    }

    /// What a page with forms must leave in this browser.
    pub(super) fn leave_nonce(&self, response: &mut Response) {
        if self.session.is_none() && self.nonce_is_fresh {
            self.give(response, &cookies::FORM, &self.nonce);
        }
    }
}

/// Where the language switch comes back to: an address that answers GET.
fn place(method: &Method, uri: &Uri) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if matches!(*method, Method::GET | Method::HEAD) || GET_TOO.contains(&uri.path()) {
        path.to_owned()
    } else {
        "/dashboard".to_owned()
    }
}

/// The forms that have a page of their own at the same address.
const GET_TOO: [&str; 17] = [
    "/signup",
    "/login",
    "/login/code",
    "/verify",
    "/verify/resend",
    "/password/forgot",
    "/password/reset",
    "/security/password",
    "/security/app",
    "/security/app/confirm",
    "/security/app/remove",
    "/security/recovery-codes",
    "/security/sms",
    "/security/sms/confirm",
    "/security/sms/remove",
    "/security/keys/new",
    "/security/data/erase",
];

/// 128 random bits, in hex.
pub(super) fn nonce(app: &App) -> String {
    hex::encode(crypto::random::bytes::<16>(&**app.random()))
}

/// Whether it could be one of ours.
pub(super) fn is_nonce(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

impl FromRequestParts<WebState> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let context = extract::context(&parts.extensions, Actor::Anonymous);
        Self::find(state, &parts.headers, place(&parts.method, &parts.uri), context).await
    }
}

impl FromRequestParts<WebState> for SignedIn {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Refusal> {
        Self::admit(Visitor::from_request_parts(parts, state).await?)
    }
}

impl Who for Visitor {
    fn admit(visitor: Visitor) -> Result<Self, Refusal> {
        Ok(visitor)
    }

    fn visitor(&self) -> &Visitor {
        self
    }
}

impl Who for SignedIn {
    fn admit(visitor: Visitor) -> Result<Self, Refusal> {
        match visitor.session.as_ref().map(|session| (session.user, session.session)) {
            Some((user, session)) => Ok(Self { visitor, user, session }),
            None => Err(Refusal::LogIn(Box::new(visitor))),
        }
    }

    fn visitor(&self) -> &Visitor {
        &self.visitor
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Problem(problem) => problem.into_response(),
            Self::LogIn(visitor) => {
                let notice = visitor.session_ended.then_some(Notice::SessionEnded);
                let mut response = redirect::see_other(&redirect::log_in(&visitor.path, notice));
                if visitor.session_ended {
                    visitor.take_away(&mut response, &cookies::SESSION);
                }
                response
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_of_ours_or_made_anew() {
        assert!(is_nonce("0123456789abcdef0123456789abcdef"));
        for strange in
            ["", "0123456789ABCDEF0123456789ABCDEF", "0123456789abcdef", "g123456789abcdef0123456789abcdef"]
        {
            assert!(!is_nonce(strange), "{strange}");
        }
    }

    #[test]
    fn the_language_switch_comes_back_to_a_page_that_can_be_read() {
        let at = |method, address: &str| place(&method, &address.parse().unwrap());
        assert_eq!(at(Method::GET, "/payments/1?a=b"), "/payments/1?a=b");
        assert_eq!(at(Method::POST, "/login?a=b"), "/login?a=b");
        assert_eq!(at(Method::POST, "/dashboard/payments"), "/dashboard");
    }
}
