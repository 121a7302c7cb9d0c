//! The door of both APIs: who calls, and what an ordered fault makes of the call.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::refusal::Refusal;
use crate::{
    connection::Line,
    faults::{Kind, Peer},
    world::World,
};

/// How long a call that times out is held when the fault doesn't say.
const HELD: Duration = Duration::from_secs(30);

/// Checks the account's SID and token (HTTP Basic).
pub(super) fn check_credentials(world: &World, headers: &HeaderMap) -> Result<(), Refusal> {
    let sms = &world.config.sms;
    let expected = format!("{}:{}", sms.account_sid, sms.auth_token);
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().and_then(|value| value.to_str().ok()).filter(|_| values.next().is_none());
    let presented = value
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))
        .and_then(|(_, pair)| STANDARD.decode(pair.trim()).ok())
        .ok_or_else(Refusal::unauthenticated)?;
    verify_slices_are_equal(&presented, expected.as_bytes()).map_err(|_| Refusal::unauthenticated())
}

/// Runs a call's work, unless a fault was ordered for it.
pub(super) async fn with_faults(
    world: &Arc<World>,
    line: &Line,
    operation: &'static str,
    work: impl Future<Output = Result<Response, Refusal>>,
) -> Response {
    let fault =
        world.faults.take(Peer::Sms, |order| order.operation.as_deref().is_none_or(|only| only == operation));
    let kind = fault.as_ref().map(|fault| fault.order.kind);
    let note = |status: Option<StatusCode>| {
        let status = status.map(|status| status.as_u16());
        world.record("sms.call", json!({ "operation": operation, "status": status, "fault": kind }));
    };
    let undone = match (kind, &fault) {
        (Some(Kind::Reset), _) => {
            note(None);
            line.cut();
            return StatusCode::NO_CONTENT.into_response();
        }
        (Some(Kind::Error429), Some(fault)) => Some(Refusal::busy(fault.order.retry_after.unwrap_or(1))),
        (Some(Kind::Error500), _) => Some(Refusal::broken()),
        _ => None,
    };
    if let Some(refusal) = undone {
        note(Some(refusal.status));
        return refusal.into_response();
    }
    if let (Some(Kind::Hold), Some(fault)) = (kind, &fault) {
        tokio::select! {
            () = world.faults.gone(fault.id) => {}
            () = world.stop.cancelled() => return Refusal::broken().into_response(),
        }
    }
    let answer = work.await.unwrap_or_else(IntoResponse::into_response);
    note(Some(answer.status()));
    match (kind, fault) {
        (Some(Kind::Error500After), _) => Refusal::broken().into_response(),
        (Some(Kind::TimeOut), Some(fault)) => {
            world.sleep(fault.order.wait(HELD)).await;
            line.cut();
            answer
        }
        _ => answer,
    }
}
