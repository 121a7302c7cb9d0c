//! A message's way to the phone, and what Twilio tells of it: no callback for the first status, then one for each.

use std::{sync::Arc, time::Duration};

use reqwest::header::CONTENT_TYPE;
use serde_json::json;

use super::{
    inbox::{Status, Text, Told, Way},
    signature,
};
use crate::{
    faults::{Fault, Kind, Peer},
    psp::webhooks::plain,
    world::World,
};

/// The carrier's word for a phone that can't be reached.
const UNREACHABLE: u32 = 30003;

/// Takes a message on its way.
pub(super) fn follow(world: &Arc<World>, id: u64) {
    world.couriers.spawn(travel(world.clone(), id));
}

/// Takes up what an earlier run left on its way.
pub(crate) fn resume(world: &Arc<World>) {
    let open: Vec<u64> = world.sms.with(|inbox| {
        let texts = inbox.list(None).filter(|text| text.way == Way::Messages);
        texts.filter(|text| text.status.next().is_some()).map(|text| text.id).collect()
    });
    for id in open {
        follow(world, id);
    }
}

async fn travel(world: Arc<World>, id: u64) {
    while let Some(next) = world.sms.with(|inbox| inbox.text(id).and_then(|text| text.status.next())) {
        if !world.sleep(world.config.sms.delivery_step).await {
            return;
        }
        let lost = next == Status::Delivered
            && world.faults.take(Peer::SmsCallbacks, |order| order.kind == Kind::Undelivered).is_some();
        let reached = world.sms.with(|inbox| {
            let text = inbox.text_mut(id)?;
            (text.status, text.error_code) =
                if lost { (Status::Undelivered, Some(UNREACHABLE)) } else { (next, None) };
            Some(text.clone())
        });
        let Some(text) = reached else { return };
        world.changed();
        let status = text.status.word();
        world.record("sms.status", json!({ "sms_id": id, "sid": text.sid, "status": status }));
        tokio::select! {
            () = tell(&world, &text) => {}
            () = world.stop.cancelled() => return,
        }
    }
}

/// One callback, bent by a fault. Like Twilio, nothing is repeated but a call that made no connection, and that once.
async fn tell(world: &Arc<World>, text: &Text) {
    let Some(url) = &text.status_callback else { return };
    let fault = loop {
        let fault = world.faults.take(Peer::SmsCallbacks, |order| order.kind != Kind::Undelivered);
        match fault {
            Some(fault) if fault.order.kind == Kind::Hold => {
                note(world, text, None, Some("held"), Some(Kind::Hold));
                world.faults.gone(fault.id).await;
            }
            fault => break fault,
        }
    };
    let copies = match &fault {
        Some(fault) => match fault.order.kind {
            Kind::Drop => return note(world, text, None, Some("dropped"), Some(Kind::Drop)),
            Kind::Delay => {
                tokio::time::sleep(fault.order.wait(Duration::from_secs(5))).await;
                1
            }
            Kind::Duplicate => fault.order.copies.unwrap_or(2),
            _ => 1,
        },
        None => 1,
    };
    for _ in 0..copies {
        if !call(world, text, url, fault.as_ref()).await {
            call(world, text, url, fault.as_ref()).await;
        }
    }
}

/// One signed POST; tells whether there was a connection.
async fn call(world: &World, text: &Text, url: &str, fault: Option<&Fault>) -> bool {
    let kind = fault.map(|fault| fault.order.kind);
    let mut token = world.config.sms.auth_token.clone();
    if kind == Some(Kind::WrongSignature) {
        token.push_str("-wrong");
    }
    let form = form(world, text);
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
    let request = world
        .client
        .post(url)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8")
        .header("X-Twilio-Signature", signature::header(&token, url, &form))
        .body(body);
    match request.send().await {
        Ok(answer) => note(world, text, Some(answer.status().as_u16()), None, kind),
        Err(error) => {
            note(world, text, None, Some(plain(&error)), kind);
            return !error.is_connect();
        }
    }
    true
}

fn form(world: &World, text: &Text) -> Vec<(&'static str, String)> {
    let status = text.status.word().to_owned();
    let mut form = vec![
        ("SmsSid", text.sid.clone()),
        ("SmsStatus", status.clone()),
        ("MessageStatus", status),
        ("To", text.to.clone()),
        ("MessageSid", text.sid.clone()),
        ("AccountSid", world.config.sms.account_sid.clone()),
        ("From", text.from.clone()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ];
    form.extend(text.messaging_service_sid.clone().map(|sid| ("MessagingServiceSid", sid)));
    form.extend(text.error_code.map(|code| ("ErrorCode", code.to_string())));
    form
}

fn note(world: &World, text: &Text, status: Option<u16>, error: Option<&str>, fault: Option<Kind>) {
    let told = Told {
        at: world.wall(),
        message_status: text.status,
        status,
        error: error.map(str::to_owned),
        fault,
    };
    world.record(
        "sms.callback",
        json!({ "sid": text.sid, "message_status": text.status, "status": status, "error": error, "fault": fault }),
    );
    world.sms.with(|inbox| {
        if let Some(text) = inbox.text_mut(text.id) {
            text.callbacks.push(told);
        }
    });
    world.changed();
}
