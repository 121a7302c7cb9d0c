//! Who may call: a subscription key for each product, an API user, and a token that holds for an hour.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{Refusal, operation};
use crate::{
    connection::Line,
    psp::{
        calls::{linger, with_faults},
        providers::Provider,
    },
    random,
    world::World,
};

/// How long a token holds, in seconds.
const HOLDS: i64 = 3600;

/// How many tokens are remembered; then the one that ends first is forgotten.
const TOKENS: usize = 1000;

/// `POST /mtn_momo/{product}/token/`
pub(super) async fn token(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(product): Path<String>,
    headers: HeaderMap,
) -> Response {
    let work = async {
        subscribed(&world, &product, &headers)?;
        let account = &world.config.providers.mtn_momo;
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{}", account.api_user, account.api_key)));
        let presented = single(&headers, header::AUTHORIZATION.as_str()).unwrap_or_default();
        if account.api_key.is_empty() || !same(presented, &basic) {
            return Err(Refusal::login("login_failed"));
        }
        linger(&world, operation("token")).await;
        let token = random::id("token");
        let now = world.wall().unix_timestamp();
        world.ledger.with(|ledger| {
            let desk = ledger.desks.entry(Provider::MtnMomo).or_default();
            let until = |kept: &serde_json::Value| kept["until"].as_i64();
            desk.retain(|_, kept| until(kept).is_none_or(|until| until > now));
            let held = desk.iter().filter_map(|(name, kept)| Some((until(kept)?, name.clone())));
            let held: std::collections::BTreeSet<_> = held.collect();
            for (_, name) in held.iter().take((held.len() + 1).saturating_sub(TOKENS)) {
                desk.remove(name);
            }
            desk.insert(token.clone(), json!({ "product": product, "until": now + HOLDS }));
        });
        world.changed();
        let answer = json!({ "access_token": token, "token_type": "access_token", "expires_in": HOLDS });
        Ok(Json(answer).into_response())
    };
    with_faults(&world, &line, operation("token"), work).await
}

/// Refuses a call without a subscription and a token of this product.
pub(super) fn check(world: &World, product: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    subscribed(world, product, headers)?;
    let bearer =
        single(headers, header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let now = world.wall().unix_timestamp();
    let holds = bearer.is_some_and(|token| {
        world.ledger.with(|ledger| {
            let kept = ledger.desks.get(&Provider::MtnMomo).and_then(|desk| desk.get(token));
            kept.is_some_and(|kept| kept["product"] == product && kept["until"].as_i64() > Some(now))
        })
    });
    if holds { Ok(()) } else { Err(Refusal::login("invalid_token")) }
}

fn subscribed(world: &World, product: &str, headers: &HeaderMap) -> Result<(), Refusal> {
    let account = &world.config.providers.mtn_momo;
    let key = match product {
        "collection" => &account.collection_key,
        "disbursement" => &account.disbursement_key,
        _ => return Err(Refusal::of("RESOURCE_NOT_FOUND")),
    };
    let presented = single(headers, "ocp-apim-subscription-key").unwrap_or_default();
    if key.is_empty() || !same(presented, key) { Err(Refusal::subscription()) } else { Ok(()) }
}

/// The UUID of version 4 that the caller names something with.
pub(super) fn reference_id(headers: &HeaderMap) -> Result<String, Refusal> {
    let reference = single(headers, "x-reference-id").unwrap_or_default();
    let shaped = reference.len() == 36
        && reference.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'4',
            19 => b"89abAB".contains(&byte),
            _ => byte.is_ascii_hexdigit(),
        });
    if shaped {
        Ok(reference.to_ascii_lowercase())
    } else {
        Err(Refusal::bad_request("X-Reference-Id is a UUID of version 4"))
    }
}

/// The environment that a call is for; each country is one, and `sandbox`.
pub(super) fn environment(headers: &HeaderMap) -> Result<&str, Refusal> {
    single(headers, "x-target-environment")
        .filter(|name| *name == "sandbox" || name.starts_with("mtn"))
        .ok_or_else(|| Refusal::of("NOT_ALLOWED_TARGET_ENVIRONMENT"))
}

/// The value of a header that must not come twice.
pub(super) fn single<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    values.next().and_then(|value| value.to_str().ok()).filter(|_| values.next().is_none())
}

fn same(left: &str, right: &str) -> bool {
    verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}
