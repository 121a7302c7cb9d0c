//! The phones' inbox for people.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json,
    extract::{Query, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Redirect, Response},
};

use super::{Frame, moment, prefers_html, render};
use crate::{
    sms::{
        drive::{self, Which},
        inbox::{Status, Text, Way},
    },
    world::World,
};

/// How many texts the page lists.
const LISTED: usize = 200;

#[derive(Template)]
#[template(path = "sms.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    to: String,
}

struct Row {
    to: String,
    from: String,
    before: String,
    code: String,
    after: String,
    status: String,
    /// Colour of the status.
    tone: &'static str,
    received: String,
}

/// `GET /sms?to=`: JSON, or the page for browsers.
pub(crate) async fn list(
    State(world): State<Arc<World>>,
    Query(which): Query<Which>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let which = Which { to: which.to.filter(|to| !to.trim().is_empty()) };
    if !prefers_html(&headers, query.as_deref()) {
        return Json(drive::list(&world, &which)).into_response();
    }
    let to = which.to;
    let rows = world.sms.with(|inbox| inbox.list(to.as_deref()).rev().take(LISTED).map(row).collect());
    render(&List { frame: Frame::live(&world, "sms", "SMS"), rows, to: to.unwrap_or_default() })
}

fn row(text: &Text) -> Row {
    let code = text.code().unwrap_or_default();
    let (before, after) = text.body.split_once(code).unwrap_or((&text.body, ""));
    let word = text.status.word();
    Row {
        to: text.to.clone(),
        from: match text.way {
            Way::Messages => text.from.clone(),
            Way::Verify => "Verify".to_owned(),
        },
        before: before.to_owned(),
        code: code.to_owned(),
        after: after.to_owned(),
        status: text.error_code.map_or_else(|| word.to_owned(), |error| format!("{word} ({error})")),
        tone: match text.status {
            Status::Delivered => "good",
            Status::Undelivered => "bad",
            _ => "wait",
        },
        received: moment(text.received_at),
    }
}

/// Throws all texts away.
pub(crate) async fn empty(State(world): State<Arc<World>>) -> Redirect {
    drive::empty(State(world)).await;
    Redirect::to("/sms")
}
