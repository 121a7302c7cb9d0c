//! Typed input: who calls, on which request, with what body.

use std::str::FromStr;
use std::sync::Arc;

use application::text::Locale;
use application::{Actor, Context, Role};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use domain::ids::{SessionId, UserId};
use serde::de::DeserializeOwned;

use crate::middleware::address::ClientAddress;
use crate::middleware::request::RequestId;
use crate::problem::Problem;
use crate::state::WebState;

/// The request as use cases know it, with nobody acting yet.
pub(crate) struct Anonymous(pub(crate) Context);

impl FromRequestParts<WebState> for Anonymous {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &WebState) -> Result<Self, Problem> {
        Ok(Self(context(&parts.extensions, Actor::Anonymous)))
    }
}

/// The request of a user who presents a believed access token.
pub(crate) struct Caller {
    pub(crate) context: Context,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

impl FromRequestParts<WebState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let token = bearer(&parts.headers).ok_or(Problem::unauthorized())?;
        let actor = state.app.authenticate(token).await?;
        let Actor::User { id, session, role: Role::User | Role::Support | Role::Admin } = actor else {
            return Err(Problem::unauthorized());
        };
        tracing::Span::current().record("user.id", id.to_string());
        Ok(Self { context: context(&parts.extensions, actor), user: id, session })
    }
}

pub(crate) fn context(extensions: &Extensions, actor: Actor) -> Context {
    Context {
        actor,
        request_id: extensions.get::<RequestId>().map(|id| Arc::clone(&id.0)),
        address: extensions.get::<ClientAddress>().map(|address| address.0),
    }
}

/// RFC 6750 §2.1; the scheme is compared without regard to case (RFC 9110 §11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (value, more) = (values.next()?.to_str().ok()?, values.next());
    let (scheme, token) = value.split_once(' ')?;
    (more.is_none() && scheme.eq_ignore_ascii_case("bearer")).then_some(token)
}

/// The language that the caller asks for.
pub(crate) fn locale(headers: &HeaderMap, default: Locale) -> Locale {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked.map_or(default, |asked| Locale::from_accept_language(asked, default))
}

/// A JSON body. Unknown fields are refused by the types themselves; what is refused is said with its place.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|rejection| Problem::of_status(rejection.status()))?;
        let mut reader = serde_json::Deserializer::from_slice(&body);
        let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| refused(&error))?;
        reader.end().map_err(|_| Problem::of_status(StatusCode::BAD_REQUEST))?;
        Ok(Self(read))
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if !error.inner().is_data() {
        return Problem::of_status(StatusCode::BAD_REQUEST);
    }
    let said = error.inner().to_string();
    // serde's sentences are its interface here: it has no codes.
    let named = |prefix: &str| said.strip_prefix(prefix)?.split('`').next().map(ToOwned::to_owned);
    if let Some(field) = named("missing field `") {
        return Problem::field(&format!("/{field}"), "required");
    }
    if let Some(field) = named("unknown field `") {
        return Problem::field(&format!("/{}", field.replace('~', "~0").replace('/', "~1")), "unknown_field");
    }
    let path = error.path().to_string();
    let pointer = if path == "." { String::new() } else { format!("/{}", path.replace('.', "/")) };
    Problem::field(&pointer, "wrong_type")
}

/// An identifier in the path; one that is none of ours is the same as a missing object.
pub(crate) struct IdPath<T>(pub(crate) T);

impl<T, S> FromRequestParts<S> for IdPath<T>
where
    T: FromStr + Send,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Problem::not_found())?;
        text.parse().map(Self).map_err(|_| Problem::not_found())
    }
}
