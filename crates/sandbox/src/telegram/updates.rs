//! Updates on their way to the bot: queued, filtered by `allowed_updates`, handed to the webhook in order or fetched by `getUpdates`.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{sync::watch, time::Instant};

use super::{
    act, methods,
    parameters::{ApiError, Parameters},
    state::{Call, State},
};
use crate::{
    config::web_address,
    faults::{Kind, Peer},
    psp::webhooks::plain,
    world::World,
};

/// How many updates wait; the oldest give way.
const WAITING: usize = 10_000;

/// Updates nobody fetched are forgotten after a day.
const LIFE_S: i64 = 86_400;

/// Waiting between attempts doubles up to this. The real server goes on to a minute; here somebody watches.
const LONGEST_WAIT: Duration = Duration::from_secs(8);

/// The longest `timeout` of `getUpdates`.
const LONGEST_POLL_S: i64 = 50;

/// The longest answer of a webhook that is looked at.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Kinds that come only when asked for by name.
const ON_REQUEST: [&str; 3] = ["chat_member", "message_reaction", "message_reaction_count"];

/// Rings when something was queued, said or configured.
#[derive(Debug)]
pub(crate) struct Bell(watch::Sender<u64>);

impl Default for Bell {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Bell {
    pub(crate) fn ring(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn listen(&self) -> watch::Receiver<u64> {
        self.0.subscribe()
    }
}

/// Where the bot wants its updates.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) url: String,
    secret_token: Option<String>,
    max_connections: i64,
    last_error: Option<(i64, String)>,
    /// Grows with each `setWebhook`, which ends a waiting time.
    version: u64,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook").field("version", &self.version).finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) id: i64,
    queued_at: i64,
    kind: String,
    body: Value,
}

impl Update {
    fn json(&self) -> Value {
        json!({ "update_id": self.id, self.kind.as_str(): self.body })
    }
}

/// The queue and how it is emptied.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Updates {
    waiting: VecDeque<Update>,
    last_id: i64,
    pub(crate) webhook: Option<Webhook>,
    /// `None` until somebody chose: everything but the kinds that come on request.
    allowed: Option<Vec<String>>,
    version: u64,
    /// Which `getUpdates` is the newest; older ones give up.
    #[serde(skip)]
    poll: u64,
}

impl Updates {
    fn allows(&self, kind: &str) -> bool {
        match &self.allowed {
            Some(allowed) if !allowed.is_empty() => allowed.iter().any(|name| name == kind),
            _ => !ON_REQUEST.contains(&kind),
        }
    }
}

/// Queues an update, if the bot wants its kind.
pub(crate) fn push(state: &mut State, kind: &'static str, body: Value) {
    let wall = state.wall;
    let updates = &mut state.updates;
    if !updates.allows(kind) {
        return;
    }
    updates.last_id += 1;
    let id = updates.last_id;
    updates.waiting.push_back(Update { id, queued_at: wall, kind: kind.to_owned(), body });
    while updates.waiting.len() > WAITING
        || updates.waiting.front().is_some_and(|update| wall - update.queued_at > LIFE_S)
    {
        updates.waiting.pop_front();
    }
    state.say("telegram.update", json!({ "update_id": id, "update": kind }));
}

pub(crate) fn set_webhook(state: &mut State, parameters: &Parameters) -> Result<Value, ApiError> {
    let Some(url) = parameters.text("url") else { return Ok(delete_webhook(state, parameters)) };
    let address = web_address(url).ok_or_else(|| ApiError::bad_request("bad webhook: invalid URL"))?;
    // As a local Bot API server does, plain HTTP is taken, but only on this machine.
    let here = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    if address.scheme() != "https" && !here {
        return Err(ApiError::bad_request("bad webhook: An HTTPS URL must be provided for webhook"));
    }
    let secret_token = parameters.text("secret_token").map(str::to_owned);
    let fits = |secret: &String| {
        secret.len() <= 256
            && secret.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    };
    if !secret_token.as_ref().is_none_or(fits) {
        return Err(ApiError::bad_request("secret token contains unallowed characters"));
    }
    let allowed = parameters.list("allowed_updates")?;
    let updates = &mut state.updates;
    if allowed.is_some() {
        updates.allowed = allowed;
    }
    if parameters.flag("drop_pending_updates") {
        updates.waiting.clear();
    }
    updates.version += 1;
    updates.webhook = Some(Webhook {
        url: url.to_owned(),
        secret_token,
        max_connections: parameters.integer("max_connections").unwrap_or(40).clamp(1, 100),
        last_error: None,
        version: updates.version,
    });
    Ok(json!(true))
}

pub(crate) fn delete_webhook(state: &mut State, parameters: &Parameters) -> Value {
    state.updates.webhook = None;
    state.updates.version += 1;
    if parameters.flag("drop_pending_updates") {
        state.updates.waiting.clear();
    }
    json!(true)
}

pub(crate) fn webhook_info(state: &State) -> Value {
    let updates = &state.updates;
    let mut info = json!({
        "url": updates.webhook.as_ref().map_or("", |webhook| webhook.url.as_str()),
        "has_custom_certificate": false,
        "pending_update_count": updates.waiting.len(),
    });
    if let Some(webhook) = &updates.webhook {
        info["max_connections"] = json!(webhook.max_connections);
        info["ip_address"] = json!("127.0.0.1");
        if let Some((date, message)) = &webhook.last_error {
            info["last_error_date"] = json!(date);
            info["last_error_message"] = json!(message);
        }
    }
    if let Some(allowed) = &updates.allowed {
        info["allowed_updates"] = json!(allowed);
    }
    info
}

/// `getUpdates`: waits up to `timeout` seconds for something to tell.
pub(crate) async fn get(world: &Arc<World>, parameters: &Parameters) -> Result<Value, ApiError> {
    let mut bell = world.bell.listen();
    let allowed = parameters.list("allowed_updates")?;
    let mine = act(world, |state| {
        if allowed.is_some() {
            state.updates.allowed = allowed;
        }
        state.updates.poll += 1;
        state.updates.poll
    });
    let timeout = parameters.integer("timeout").unwrap_or(0).clamp(0, LONGEST_POLL_S);
    let deadline = Instant::now() + Duration::from_secs(timeout.unsigned_abs());
    loop {
        let found = world.telegram.with(|state| fetch(&mut state.updates, mine, parameters))?;
        let held = world.faults.stands(Peer::Telegram, Kind::HoldUpdates);
        if !found.is_empty() && !held {
            return Ok(found.into());
        }
        tokio::select! {
            rung = bell.changed(), if !held => if rung.is_err() { return Ok(json!([])) },
            () = world.faults.none_of(Peer::Telegram, Kind::HoldUpdates), if held => {}
            () = tokio::time::sleep_until(deadline) => return Ok(json!([])),
            () = world.stop.cancelled() => return Ok(json!([])),
        }
    }
}

fn fetch(updates: &mut Updates, mine: u64, parameters: &Parameters) -> Result<Vec<Value>, ApiError> {
    if updates.webhook.is_some() {
        return Err(ApiError::conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
        ));
    }
    if updates.poll != mine {
        return Err(ApiError::conflict(
            "terminated by other getUpdates request; make sure that only one bot instance is running",
        ));
    }
    let offset = parameters.integer("offset").unwrap_or(0);
    if offset > 0 {
        updates.waiting.retain(|update| update.id >= offset);
    } else if offset < 0 {
        let wanted = usize::try_from(offset.unsigned_abs()).unwrap_or(usize::MAX);
        while updates.waiting.len() > wanted {
            updates.waiting.pop_front();
        }
    }
    let limit = parameters.integer("limit").filter(|limit| (1..=100).contains(limit)).unwrap_or(100);
    let limit = usize::try_from(limit).unwrap_or(100);
    Ok(updates.waiting.iter().take(limit).map(Update::json).collect())
}

/// Hands updates to the webhook, one after the other, each until it is answered 2xx.
pub(crate) async fn deliver(world: Arc<World>) {
    let mut bell = world.bell.listen();
    let mut wait = Duration::from_secs(1);
    loop {
        bell.mark_unchanged();
        let next = world.telegram.with(|state| {
            let webhook = state.updates.webhook.clone()?;
            Some((webhook, state.updates.waiting.front().cloned()?))
        });
        let step = async {
            let Some((webhook, update)) = next else {
                return bell.changed().await.is_ok();
            };
            world.faults.none_of(Peer::Telegram, Kind::HoldUpdates).await;
            if hand_over(&world, &webhook, &update).await {
                wait = Duration::from_secs(1);
                return true;
            }
            let until = Instant::now() + wait;
            wait = (wait * 2).min(LONGEST_WAIT);
            // A new setWebhook ends the waiting: whoever configures is there.
            while world.telegram.with(|state| state.updates.version == webhook.version) {
                tokio::select! {
                    () = tokio::time::sleep_until(until) => return true,
                    rung = bell.changed() => if rung.is_err() { return false },
                }
            }
            wait = Duration::from_secs(1);
            true
        };
        let go_on = tokio::select! {
            go_on = step => go_on,
            () = world.stop.cancelled() => false,
        };
        if !go_on {
            return;
        }
    }
}

/// One attempt; a 2xx takes the update off the queue, and a method in its body is called, as the real server does.
async fn hand_over(world: &Arc<World>, webhook: &Webhook, update: &Update) -> bool {
    let mut request = world.client.post(&webhook.url).json(&update.json());
    if let Some(secret) = &webhook.secret_token {
        request = request.header("X-Telegram-Bot-Api-Secret-Token", secret);
    }
    let (status, error, body) = match request.send().await {
        Ok(answer) => {
            let status = answer.status();
            (Some(status), None, short_body(answer).await)
        }
        Err(error) => (None, Some(plain(&error)), Vec::new()),
    };
    let taken = status.is_some_and(|status| status.is_success());
    let number = status.map(|status| status.as_u16());
    act(world, |state| {
        let current = state.updates.webhook.as_mut().filter(|current| current.version == webhook.version);
        if taken {
            state.updates.waiting.retain(|waiting| waiting.id != update.id);
        } else if let Some(current) = current {
            let message = number.map_or_else(
                || error.unwrap_or_default().to_owned(),
                |number| format!("Wrong response from the webhook: {number}"),
            );
            current.last_error = Some((state.wall, message));
        }
        state.say(
            "telegram.update_attempt",
            json!({ "update_id": update.id, "status": number, "error": error }),
        );
        if taken && let Ok(Value::Object(members)) = serde_json::from_slice(&body) {
            call_from_answer(state, members, world);
        }
    });
    taken
}

/// What the webhook answered, as far as a method call needs.
async fn short_body(mut answer: reqwest::Response) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_ANSWER {
            return Vec::new();
        }
    }
    body
}

fn call_from_answer(state: &mut State, mut members: serde_json::Map<String, Value>, world: &World) {
    let Some(Value::String(method)) = members.remove("method") else { return };
    let parameters = Parameters::from_json(members);
    let answer = methods::answer(state, &method, &parameters);
    state.note_call(Call {
        seq: 0,
        at: world.wall(),
        method: method.chars().take(64).collect(),
        parameters: parameters.shown(),
        status: answer.as_ref().err().map_or(200, |error| error.code),
        description: answer.err().map(|error| error.description),
        fault: None,
    });
}
