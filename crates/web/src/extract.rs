//! Typed input: who calls, on which request, with what body.

use std::str::FromStr;
use std::sync::Arc;

use application::identity::{Action, IdentityError};
use application::text::Locale;
use application::{Actor, Context};
use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, OriginalUri, Path, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, StatusCode, header};
use domain::ids::{SessionId, UserId};
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::api::guard::{Guard, STEP_UP_HEADER};
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

/// The request of somebody who presents a believed access token or key, and may do what the route is for.
pub(crate) struct Caller {
    pub(crate) context: Context,
    pub(crate) user: UserId,
}

/// A caller who is a person on a device: what guards an account is no machine's business.
pub(crate) struct Person {
    pub(crate) context: Context,
    pub(crate) user: UserId,
    pub(crate) session: SessionId,
}

/// A caller with a JSON body whose very request was permitted by a fresh second factor (SEC-24).
pub(crate) struct Confirmed<T> {
    pub(crate) person: Person,
    pub(crate) body: T,
}

impl FromRequestParts<WebState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let (guard, context) = admit(parts, state).await?;
        if guard.step_up {
            return Err(declared_otherwise());
        }
        let user = owner(&context.actor)?;
        Ok(Self { context, user })
    }
}

impl FromRequestParts<WebState> for Person {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &WebState) -> Result<Self, Problem> {
        let (guard, context) = admit(parts, state).await?;
        if guard.step_up {
            return Err(declared_otherwise());
        }
        person(context)
    }
}

impl<T: DeserializeOwned + Send> FromRequest<WebState> for Confirmed<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &WebState) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let (guard, context) = admit(&mut parts, state).await?;
        if !guard.step_up {
            return Err(declared_otherwise());
        }
        let person = person(context)?;
        let (method, path) = (parts.method.as_str().to_owned(), path_and_query(&parts));
        let permission = parts.headers.get(STEP_UP_HEADER).and_then(|value| value.to_str().ok());
        let permission = permission.map(|text| SecretString::from(text.to_owned()));
        let permission = permission.ok_or(IdentityError::StepUpRequired)?;
        if !is_json(&parts.headers) {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let bytes = bytes.map_err(|rejection| Problem::of_status(rejection.status()))?;
        let body = read_json(&bytes)?;
        let action = Action { method, path, body_sha256: crypto::fingerprint::sha256(&bytes) };
        state.app.use_step_up(&person.context, person.user, person.session, &action, &permission).await?;
        Ok(Self { person, body })
    }
}

/// Who it is, if they may do what the route is declared for.
async fn admit(parts: &mut Parts, state: &WebState) -> Result<(Guard, Context), Problem> {
    let guard = *parts.extensions.get::<Guard>().ok_or_else(declared_otherwise)?;
    let token = bearer(&parts.headers).ok_or(Problem::unauthorized())?;
    let actor = state.app.authenticate(token).await?;
    let user = owner(&actor)?;
    tracing::Span::current().record("user.id", user.to_string());
    state.limits.user.take(user).await?;
    let context = context(&parts.extensions, actor);
    if context.actor.scopes().contains(guard.scope) {
        return Ok((guard, context));
    }
    let helps = state.app.deny(&context, user, guard.scope).await?;
    let code = if helps { "second_factor_required" } else { "insufficient_scope" };
    Err(Problem::new(StatusCode::FORBIDDEN, code))
}

fn owner(actor: &Actor) -> Result<UserId, Problem> {
    match actor {
        Actor::User { id, .. } => Ok(*id),
        Actor::ApiKey { user, .. } => Ok(*user),
        _ => Err(Problem::unauthorized()),
    }
}

fn person(context: Context) -> Result<Person, Problem> {
    match context.actor {
        Actor::User { id, session, .. } => Ok(Person { user: id, session, context }),
        _ => Err(Problem::new(StatusCode::FORBIDDEN, "insufficient_scope")),
    }
}

/// A route that is written otherwise than it is declared serves nobody.
fn declared_otherwise() -> Problem {
    tracing::error!("a route is declared otherwise than it is written");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal")
}

fn path_and_query(parts: &Parts) -> String {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string)
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
        read_json(&body).map(Self)
    }
}

fn read_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| refused(&error))?;
    reader.end().map_err(|_| Problem::of_status(StatusCode::BAD_REQUEST))?;
    Ok(read)
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn refused(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    if error.inner().is_data() { misplaced(error) } else { Problem::of_status(StatusCode::BAD_REQUEST) }
}

/// What was refused, with its place.
fn misplaced<E: std::fmt::Display>(error: &serde_path_to_error::Error<E>) -> Problem {
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

/// The query of an address. Unknown parameters are refused by the types themselves; what is refused is said with its name.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = parts.uri.query().unwrap_or_default();
        let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(pairs.as_bytes()));
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| misplaced(&error))
    }
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
