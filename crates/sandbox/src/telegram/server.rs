//! The door of the Bot API: `/bot<token>/<method>`, by GET or POST.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::{
    Json,
    body::to_bytes,
    extract::{ConnectInfo, Request},
    http::{Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    act, methods,
    parameters::{ApiError, Parameters},
    state::Call,
    updates,
};
use crate::{
    connection::Line,
    faults::{Fault, Kind, Peer},
    guard::BODY_LIMIT,
    world::World,
};

/// How long a call that times out is held when the fault doesn't say.
const HELD: Duration = Duration::from_mins(1);

/// Whether a path belongs to the Bot API: the token and the method it names, percent-decoding the colon that clients may encode.
pub(crate) fn split_path(path: &str) -> Option<(String, String)> {
    let (token, method) = path.strip_prefix("/bot")?.split_once('/')?;
    let token = token.replace("%3A", ":").replace("%3a", ":");
    Some((token, method.trim_end_matches('/').to_owned()))
}

/// Answers one call.
pub(crate) async fn serve(world: Arc<World>, token: &str, method: &str, request: Request) -> Response {
    if verify_slices_are_equal(token.as_bytes(), world.config.telegram.bot_token.as_bytes()).is_err() {
        return refuse(&ApiError::plain(401, "Unauthorized"));
    }
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return refuse(&ApiError::plain(405, "Method Not Allowed"));
    }
    let line = request.extensions().get::<ConnectInfo<Line>>().map(|info| info.0.clone()).unwrap_or_default();
    let parameters = match read(request).await {
        Ok(parameters) => parameters,
        Err(error) => return refuse(&error),
    };
    let fault = world.faults.take(Peer::Telegram, |order| {
        order.kind != Kind::HoldUpdates
            && order.method.as_deref().is_none_or(|only| only.eq_ignore_ascii_case(method))
    });
    let (status, body) = match &fault {
        Some(fault) => faulty(&world, fault, method, &parameters).await,
        None => answer(&world, method, &parameters).await,
    };
    note(&world, method, &parameters, status, &body, fault.as_ref());
    match fault.as_ref().map(|fault| fault.order.kind) {
        Some(Kind::BadGatewayHtml) => {
            (status, Html("<html><body><h1>502 Bad Gateway</h1></body></html>")).into_response()
        }
        Some(Kind::TimeOut) => {
            world.sleep(fault.map_or(HELD, |fault| fault.order.wait(HELD))).await;
            line.cut();
            (status, Json(body)).into_response()
        }
        Some(Kind::Reset) => {
            line.cut();
            status.into_response()
        }
        _ => (status, Json(body)).into_response(),
    }
}

async fn read(request: Request) -> Result<Parameters, ApiError> {
    let (parts, body) = request.into_parts();
    let content_type =
        parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body =
        to_bytes(body, BODY_LIMIT).await.map_err(|_| ApiError::plain(413, "Request Entity Too Large"))?;
    Parameters::read(parts.uri.query(), content_type, &body)
}

async fn answer(world: &Arc<World>, method: &str, parameters: &Parameters) -> (StatusCode, Value) {
    let result = if method.eq_ignore_ascii_case("getUpdates") {
        updates::get(world, parameters).await
    } else {
        act(world, |state| methods::answer(state, method, parameters))
    };
    match result {
        Ok(result) => (StatusCode::OK, json!({ "ok": true, "result": result })),
        Err(error) => failed(&error),
    }
}

/// The answer a fault makes of a call. `time_out` does the work and loses the answer; the others do nothing first.
async fn faulty(
    world: &Arc<World>,
    fault: &Fault,
    method: &str,
    parameters: &Parameters,
) -> (StatusCode, Value) {
    match fault.order.kind {
        Kind::Error429 => {
            let seconds = fault.order.retry_after.unwrap_or(1);
            failed(&ApiError {
                code: 429,
                description: format!("Too Many Requests: retry after {seconds}"),
                retry_after: Some(seconds),
            })
        }
        Kind::BadGatewayHtml => (StatusCode::BAD_GATEWAY, Value::Null),
        Kind::Hold => {
            tokio::select! {
                () = world.faults.gone(fault.id) => answer(world, method, parameters).await,
                () = world.stop.cancelled() => failed(&ApiError::plain(500, "Internal Server Error")),
            }
        }
        Kind::TimeOut => answer(world, method, parameters).await,
        _ => failed(&ApiError::plain(500, "Internal Server Error")),
    }
}

fn failed(error: &ApiError) -> (StatusCode, Value) {
    let status = StatusCode::from_u16(error.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut body = json!({ "ok": false, "error_code": error.code, "description": error.description });
    if let Some(seconds) = error.retry_after {
        body["parameters"] = json!({ "retry_after": seconds });
    }
    (status, body)
}

fn refuse(error: &ApiError) -> Response {
    let (status, body) = failed(error);
    (status, Json(body)).into_response()
}

fn note(
    world: &World,
    method: &str,
    parameters: &Parameters,
    status: StatusCode,
    body: &Value,
    fault: Option<&Fault>,
) {
    let method: String = method.chars().take(64).collect();
    let kind = fault.map(|fault| fault.order.kind);
    let description = body["description"].as_str().map(str::to_owned);
    // An idle bot polls all day long: that is no event.
    if method.eq_ignore_ascii_case("getUpdates") && status == StatusCode::OK {
        return;
    }
    world.record(
        "telegram.call",
        json!({
            "method": method, "status": status.as_u16(), "description": description, "fault": kind,
            "chat_id": parameters.integer("chat_id"), "user_id": parameters.integer("user_id"),
        }),
    );
    world.telegram.with(|state| {
        state.note_call(Call {
            seq: 0,
            at: world.wall(),
            method,
            parameters: parameters.shown(),
            status: status.as_u16(),
            description,
            fault: kind,
        });
    });
}
