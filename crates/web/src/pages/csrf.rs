//! Forms that only our own pages can post (A5).
//!
//! Every form carries a token: a MAC over the session of who is logged in, else over a random value that this browser
//! holds in a cookie. Before that, the browser's own word about where the request comes from is heard. [`form`] is the
//! only way here to make a route that posts, and a handler gets nothing but an already checked [`Form`].

use application::identity::Device;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use crypto::key::Key;
use domain::ids::SessionId;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::{Error as FieldError, MapDeserializer};

use super::cookies;
use super::session::{Refusal, Visitor, Who};
use crate::api::auth::device;
use crate::problem::Problem;
use crate::state::WebState;

/// The hidden field of every form.
const FIELD: &str = "csrf";

/// What a token is worth for.
#[derive(Clone, Copy)]
pub(super) enum Bond<'a> {
    /// The session of who is logged in.
    Session(SessionId),
    /// The random value of a browser where nobody is.
    Nonce(&'a str),
}

impl Bond<'_> {
    /// The token of the forms that this bond holds.
    pub(super) fn token(self, key: &Key) -> String {
        self.with_parts(|parts| hex::encode(key.mac(parts)))
    }

    fn holds(self, key: &Key, token: &str) -> bool {
        let Ok(tag) = hex::decode(token) else { return false };
        self.with_parts(|parts| key.verify_mac(parts, &tag))
    }

    fn with_parts<T>(self, act: impl FnOnce(&[&[u8]]) -> T) -> T {
        match self {
            Self::Session(id) => act(&[b"page", id.uuid().as_bytes()]),
            Self::Nonce(nonce) => act(&[b"form", nonce.as_bytes()]),
        }
    }
}

/// A form that was posted by one of our own pages.
pub(super) struct Form<W, T> {
    /// Who posted it.
    pub(super) who: W,
    /// What it says.
    pub(super) fields: T,
    /// From what.
    pub(super) device: Device,
}

/// A form that says nothing but that its button was pressed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Pressed {}

/// A route that takes a form.
pub(super) fn form<W, T, F, A>(handler: F) -> MethodRouter<WebState>
where
    W: Who,
    T: DeserializeOwned + Send + 'static,
    F: Fn(Form<W, T>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    post(handler)
}

impl<W: Who, T: DeserializeOwned> FromRequest<WebState> for Form<W, T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Refusal> {
        let (mut head, body) = request.into_parts();
        if !comes_from_here(&head.headers, &state.app.options().public_url) {
            return Err(refused().into());
        }
        let visitor = Visitor::from_request_parts(&mut head, state).await?;
        let known = cookies::DEVICE.read(&head.headers, state.options.https).map(SecretString::from);
        let device = device(&head.headers, &visitor.context).holding(known);
        let who = W::admit(visitor)?;
        let mut pairs = read(Request::from_parts(head, body), state).await?;
        let presented =
            pairs.iter().position(|(name, _)| name == FIELD).map(|place| pairs.swap_remove(place).1);
        let bond = who.visitor().bond();
        if !presented.is_some_and(|token| state.app.keys().csrfs().iter().any(|key| bond.holds(key, &token)))
        {
            return Err(refused().into());
        }
        let fields = T::deserialize(MapDeserializer::<_, FieldError>::new(pairs.into_iter()));
        let fields = fields.map_err(|_| Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY))?;
        Ok(Self { who, fields, device })
    }
}

async fn read(request: Request, state: &WebState) -> Result<Vec<(String, String)>, Problem> {
    let read = axum::Form::<Vec<(String, String)>>::from_request(request, state).await;
    read.map(|axum::Form(pairs)| pairs).map_err(|rejection| Problem::of_status(rejection.status()))
}

const fn refused() -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "csrf_failed")
}

/// Whether the browser itself says that one of our pages sent the request, or is too old to say anything.
fn comes_from_here(headers: &HeaderMap, public_url: &str) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (said("sec-fetch-site"), said(header::ORIGIN.as_str())) {
        // A browser writes this itself, for the address that it really asks; the origin may be hidden then.
        (Some("same-origin"), _) | (Some("none") | None, None) => true,
        (Some("none") | None, Some(from)) => origin(public_url).is_some_and(|ours| ours == from),
        (Some(_), _) => false,
    }
}

/// Scheme, host and port as browsers write them (RFC 6454 §6.2).
fn origin(address: &str) -> Option<String> {
    let address: Uri = address.parse().ok()?;
    let (scheme, host) = (address.scheme_str()?, address.host()?.to_ascii_lowercase());
    match (scheme, address.port_u16()) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => Some(format!("{scheme}://{host}")),
        (_, Some(port)) => Some(format!("{scheme}://{host}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};
    use crypto::random::SeededRandom;

    const PUBLIC_URL: &str = "https://Signals.example";

    fn session(number: u128) -> Bond<'static> {
        Bond::Session(SessionId::from_uuid(uuid::Uuid::from_u128(number)))
    }

    fn from_here(said: &[(&'static str, &'static str)]) -> bool {
        let headers =
            said.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        comes_from_here(&headers.collect(), PUBLIC_URL)
    }

    #[test]
    fn a_token_holds_for_its_own_session_or_browser_alone() {
        let key = Key::random(&SeededRandom::new(1));
        let id = "00000000000000000000000000000001";
        let bonds = [session(1), session(2), Bond::Nonce("a"), Bond::Nonce("b"), Bond::Nonce(id)];
        for (place, bond) in bonds.iter().enumerate() {
            let token = bond.token(&key);
            for (other_place, other) in bonds.iter().enumerate() {
                assert_eq!(other.holds(&key, &token), place == other_place, "{place} {other_place}");
            }
            assert!(!bond.holds(&Key::random(&SeededRandom::new(2)), &token), "another key");
        }
    }

    #[test]
    fn what_is_no_token_holds_for_nobody() {
        let key = Key::random(&SeededRandom::new(1));
        let token = session(1).token(&key);
        let cut = &token[..62];
        let longer = format!("{token}00");
        let other = format!("{:x}{}", u8::from(!token.starts_with('1')), &token[1..]);
        for wrong in ["", "00", "not hex", cut, longer.as_str(), other.as_str(), "\u{e9}"] {
            assert!(!session(1).holds(&key, wrong), "{wrong}");
        }
    }

    #[test]
    fn other_sites_are_refused_by_what_the_browser_says() {
        for site in ["cross-site", "same-site", "", "Same-Origin"] {
            assert!(!from_here(&[("sec-fetch-site", site)]), "{site}");
            assert!(!from_here(&[("sec-fetch-site", site), ("origin", "https://signals.example")]), "{site}");
        }
        for origin in
            ["https://evil.example", "http://signals.example", "https://signals.example:8443", "null"]
        {
            assert!(!from_here(&[("origin", origin)]), "{origin}");
            assert!(!from_here(&[("sec-fetch-site", "none"), ("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn our_own_pages_and_old_browsers_are_let_through() {
        assert!(from_here(&[]));
        assert!(from_here(&[("origin", "https://signals.example")]));
        assert!(from_here(&[("sec-fetch-site", "none")]));
        assert!(from_here(&[("sec-fetch-site", "same-origin"), ("origin", "https://signals.example")]));
        assert!(from_here(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
    }

    #[test]
    fn an_origin_has_no_path_and_no_usual_port() {
        for (address, expected) in [
            ("https://signals.example/shop", Some("https://signals.example")),
            ("https://signals.example:443", Some("https://signals.example")),
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("http://[::1]:80/", Some("http://[::1]")),
            ("signals.example", None),
            ("/", None),
        ] {
            assert_eq!(origin(address).as_deref(), expected, "{address}");
        }
    }
}
