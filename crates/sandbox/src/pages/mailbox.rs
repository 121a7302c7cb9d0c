//! The mailbox for people: a list, and one mail as it would look.

use std::sync::Arc;

use askama::Template;
use axum::{
    Json,
    extract::{Path, Query, RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::{Html, IntoResponse, Redirect, Response},
};

use super::{Frame, moment, prefers_html, render};
use crate::{
    mail::{
        drive::{self, Which},
        mailbox::Letter,
    },
    problem::Problem,
    world::World,
};

/// How many mails the page lists.
const LISTED: usize = 200;

/// A mail's HTML runs nothing and loads nothing; its links open in a tab of their own.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; \
                           base-uri 'none'; form-action 'none'; sandbox allow-popups allow-popups-to-escape-sandbox";

#[derive(Template)]
#[template(path = "mailbox.html")]
struct List {
    frame: Frame,
    rows: Vec<Row>,
    to: String,
}

struct Row {
    id: u64,
    to: String,
    subject: String,
    preview: String,
    received: String,
}

/// `GET /mailbox?to=`: JSON, or the page for browsers.
pub(crate) async fn list(
    State(world): State<Arc<World>>,
    Query(which): Query<Which>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    if !prefers_html(&headers, query.as_deref()) {
        return Json(drive::list(&world, &which)).into_response();
    }
    let to = which.to.filter(|to| !to.trim().is_empty());
    let rows =
        world.mailbox.with(|mailbox| mailbox.list(to.as_deref()).rev().take(LISTED).map(row).collect());
    render(&List { frame: Frame::live(&world, "mailbox", "Mailbox"), rows, to: to.unwrap_or_default() })
}

fn row(letter: &Letter) -> Row {
    let text = letter.text.as_deref().unwrap_or_default();
    Row {
        id: letter.id,
        to: letter.to.join(", "),
        subject: letter.subject.clone(),
        preview: text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(140).collect(),
        received: letter.received_at.map_or_else(|| moment(letter.received_at_wall), moment),
    }
}

#[derive(Template)]
#[template(path = "mail.html")]
struct One {
    frame: Frame,
    id: u64,
    from: String,
    to: String,
    subject: String,
    received: String,
    wall: String,
    text: Vec<Segment>,
    has_html: bool,
    headers: Vec<(String, String)>,
}

/// A stretch of text, or an address in it.
pub(crate) struct Segment {
    pub(crate) text: String,
    pub(crate) link: bool,
}

/// Cuts a text where its addresses are.
pub(crate) fn segments(text: &str) -> Vec<Segment> {
    let mut cut = Vec::new();
    let mut rest = text;
    for link in crate::mail::mime::links(text) {
        if let Some((before, after)) = rest.split_once(&link) {
            cut.push(Segment { text: before.to_owned(), link: false });
            cut.push(Segment { text: link, link: true });
            rest = after;
        }
    }
    cut.push(Segment { text: rest.to_owned(), link: false });
    cut
}

/// `GET /mailbox/{id}`
pub(crate) async fn one(
    State(world): State<Arc<World>>,
    Path(id): Path<u64>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let letter = find(&world, id)?;
    if !prefers_html(&headers, query.as_deref()) {
        return Ok(Json(drive::show(&letter)).into_response());
    }
    Ok(render(&One {
        frame: Frame::new(&world, "mailbox", "Mail"),
        id,
        to: letter.to.join(", "),
        from: header_or(&letter, "from", &letter.from),
        subject: letter.subject.clone(),
        received: letter.received_at.map(moment).unwrap_or_default(),
        wall: moment(letter.received_at_wall),
        text: segments(letter.text.as_deref().unwrap_or("(this mail has no text part)")),
        has_html: letter.html.is_some(),
        headers: letter.headers,
    }))
}

fn header_or(letter: &Letter, name: &str, otherwise: &str) -> String {
    let found = letter.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
    found.map_or_else(|| otherwise.to_owned(), |(_, value)| value.clone())
}

fn find(world: &World, id: u64) -> Result<Letter, Problem> {
    world.mailbox.with(|mailbox| mailbox.find(id).cloned()).ok_or_else(|| Problem::not_found("no such mail"))
}

/// `GET /mailbox/{id}/html`: the HTML part alone, for the sandboxed frame.
pub(crate) async fn html_part(
    State(world): State<Arc<World>>,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let letter = find(&world, id)?;
    let html = letter.html.ok_or_else(|| Problem::not_found("this mail has no HTML part"))?;
    // Mails have no scripts to lose; a base of ours sends their links to a new tab.
    let mut response = Html(format!("<base target=\"_blank\">{html}")).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY));
    Ok(response)
}

/// Throws all mails away.
pub(crate) async fn empty(State(world): State<Arc<World>>) -> Redirect {
    let query = Query(serde_json::Map::new());
    drive::empty(State(world), query).await;
    Redirect::to("/mailbox")
}
