//! Access tokens: given out for the application's credentials, asked for by every other call.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{Refusal, operation};
use crate::{
    connection::Line,
    problem::RawBody,
    psp::{calls::with_faults, providers::Provider},
    random,
    world::World,
};

/// How long a token counts, in seconds of wall time.
const LIFE_S: i64 = 9 * 60 * 60;

/// Where they are kept among the books, and how many.
const DESK: &str = "tokens";
const KEPT: usize = 100;

/// `POST /v1/oauth2/token`
pub(super) async fn token(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        let config = &world.config.providers.paypal;
        let expected = STANDARD.encode(format!("{}:{}", config.client_id, config.client_secret));
        if authorization(&headers, "Basic ") != Some(expected.as_str()) {
            return Err(Refusal::unauthorized("invalid_client", "Client Authentication failed"));
        }
        let asked = form_urlencoded::parse(&body)
            .any(|(name, value)| name == "grant_type" && value == "client_credentials");
        if !asked {
            return Err(Refusal::invalid("INVALID_PARAMETER_VALUE", "grant_type is client_credentials"));
        }
        let (token, now) = (random::id("A21"), world.wall().unix_timestamp());
        world.ledger.with(|ledger| {
            let desk = ledger.desks.entry(Provider::Paypal).or_default();
            let held = desk.entry(DESK).or_insert_with(|| json!({}));
            if let Some(held) = held.as_object_mut() {
                held.retain(|_, until| until.as_i64().is_some_and(|until| until > now));
                if held.len() >= KEPT {
                    held.clear();
                }
                held.insert(token.clone(), json!(now + LIFE_S));
            }
        });
        world.changed();
        Ok(Json(json!({
            "scope": "https://uri.paypal.com/services/payments/payment", "access_token": token, "token_type": "Bearer",
            "app_id": "APP-80W284485P519543T", "expires_in": LIFE_S, "nonce": random::id("nonce"),
        }))
        .into_response())
    };
    with_faults(&world, &line, operation("token"), work).await
}

/// Whether the caller holds a token that still counts.
pub(super) fn check(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let until = authorization(headers, "Bearer ").and_then(|token| {
        world
            .ledger
            .with(|ledger| ledger.desks.get(&Provider::Paypal)?.get(DESK)?.get(token).and_then(Value::as_i64))
    });
    if until.is_some_and(|until| until > world.wall().unix_timestamp()) {
        Ok(())
    } else {
        Err(Refusal::unauthorized("invalid_token", "Token signature verification failed"))
    }
}

fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix(scheme)
}
