//! Pages for people: plain forms, one stylesheet, a script of a few lines that keeps watching pages fresh.

pub(crate) mod controls;
pub(crate) mod ledger;
pub(crate) mod mailbox;
pub(crate) mod money;
pub(crate) mod sms;
pub(crate) mod telegram;

use std::sync::Arc;

use askama::Template;
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use time::{OffsetDateTime, macros::format_description};

use crate::{problem::Problem, world::World};

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/", get(index))
        .route("/pulse", get(pulse))
        .route("/assets/sandbox.css", get(stylesheet))
        .route("/assets/live.js", get(script))
        .route("/mailbox/{id}", get(mailbox::one))
        .route("/mailbox/{id}/html", get(mailbox::html_part))
        .route("/telegram", get(telegram::page))
        .route("/t.me/{*link}", get(telegram::follow))
        .route("/ui/mailbox/empty", post(mailbox::empty))
        .route("/ui/sms/empty", post(sms::empty))
        .route("/ui/clock", post(controls::advance))
        .route("/ui/faults", post(controls::order))
        .route("/ui/faults/{id}/clear", post(controls::clear))
        .route("/ui/psp/{payment_id}", post(ledger::act))
        .route("/ui/psp/events/{event_id}/resend", post(ledger::resend))
        .route("/ui/telegram/people", post(telegram::make))
        .route("/ui/telegram/people/{id}/{act}", post(telegram::act_as))
        .route("/ui/telegram/chats/{id}/rights", post(telegram::rights))
}

/// What every page's frame needs.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) title: &'static str,
    /// Which entry of the navigation is current.
    pub(crate) tab: &'static str,
    pub(crate) product_url: String,
    /// Whether the page reloads itself when something happens.
    pub(crate) live: bool,
    /// Newest entry of the log when the page was made.
    pub(crate) seq: u64,
}

impl Frame {
    pub(crate) fn new(world: &World, tab: &'static str, title: &'static str) -> Self {
        Self { title, tab, product_url: world.config.product_url.clone(), live: false, seq: last_seq(world) }
    }

    pub(crate) fn live(world: &World, tab: &'static str, title: &'static str) -> Self {
        Self { live: true, ..Self::new(world, tab, title) }
    }
}

fn last_seq(world: &World) -> u64 {
    world.log.after(u64::MAX, 0, None).1
}

/// Renders a page.
pub(crate) fn render(template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "page_broken", "this page can't be shown")
                .into_response()
        }
    }
}

/// Whether the caller is a browser asking for a page. Programs that don't ask for HTML get JSON; `format=` decides for everyone.
pub(crate) fn prefers_html(headers: &HeaderMap, query: Option<&str>) -> bool {
    let asked = query.unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("format="));
    match asked {
        Some("html") => true,
        Some(_) => false,
        None => headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .is_some_and(|accept| accept.contains("text/html")),
    }
}

/// An instant for people, in UTC.
pub(crate) fn moment(at: OffsetDateTime) -> String {
    at.format(format_description!("[year]-[month]-[day] [hour]:[minute]:[second]")).unwrap_or_default()
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message {
    frame: Frame,
    heading: String,
    text: String,
    back: &'static str,
}

/// A refusal of something that a form asked for.
pub(crate) fn refusal(world: &World, tab: &'static str, back: &'static str, problem: &Problem) -> Response {
    let still_due = problem.body()["still_due"]
        .as_array()
        .map(|due| due.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))
        .map(|due| format!(" Still due: {due}."))
        .unwrap_or_default();
    let page = render(&Message {
        frame: Frame::new(world, tab, "Not done"),
        heading: "That didn't work".to_owned(),
        text: format!("{}.{still_due}", problem.detail.trim_end_matches('.')),
        back,
    });
    (problem.status, page).into_response()
}

#[derive(Template)]
#[template(path = "missing.html")]
struct Missing;

/// The page for addresses that don't exist.
pub(crate) fn missing() -> Response {
    (StatusCode::NOT_FOUND, render(&Missing)).into_response()
}

#[derive(Template)]
#[template(path = "index.html")]
struct Index {
    frame: Frame,
    base: String,
    smtp: String,
    bot: String,
    payments: usize,
    letters: usize,
    texts: usize,
    sender: String,
    people: usize,
    faults: usize,
}

async fn index(State(world): State<Arc<World>>) -> Response {
    render(&Index {
        frame: Frame::live(&world, "index", "Sandbox"),
        base: format!("http://{}", world.http_addr),
        smtp: world.smtp_addr.to_string(),
        bot: world.config.telegram.bot_username.clone(),
        payments: world.ledger.with(|ledger| ledger.payments().count()),
        letters: world.mailbox.with(|mailbox| mailbox.list(None).count()),
        texts: world.sms.with(|inbox| inbox.list(None).count()),
        sender: world.config.sms.from.clone(),
        people: world.telegram.with(|state| state.people.len()),
        faults: world.faults.list().len(),
    })
}

/// `GET /pulse`: tells the watching pages whether anything happened.
async fn pulse(State(world): State<Arc<World>>) -> Json<Value> {
    Json(json!({ "seq": last_seq(&world) }))
}

async fn stylesheet() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../../assets/sandbox.css"))
        .into_response()
}

async fn script() -> Response {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../../assets/live.js"))
        .into_response()
}
