//! `POST /2010-04-01/Accounts/{AccountSid}/Messages.json`

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc2822;

use super::{
    delivery,
    form::{Form, is_phone_number},
    inbox::{Moment, Status, Text, Way},
    refusal::Refusal,
    service::{check_credentials, with_faults},
};
use crate::{config::web_address, connection::Line, problem::RawBody, random, world::World};

/// The longest text, in characters.
const LONGEST: usize = 1600;

/// What is left of GSM 03.38 beside ASCII; a text with any other letter is cut into shorter pieces.
const GSM: &str = "£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉÄÖÑÜ§¿äöñüà¡¤€";

pub(crate) async fn create(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(account): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        check_credentials(&world, &headers)?;
        if account != world.config.sms.account_sid {
            return Err(Refusal::not_found(&format!("/2010-04-01/Accounts/{account}/Messages.json")));
        }
        let business = world.business_now().await.map_err(|_| Refusal::broken())?;
        let text = compose(&world, &Form::read(&headers, &body), Moment { business, wall: world.wall() })?;
        let answer = show(&text, &account);
        let (sid, to) = (text.sid.clone(), text.to.clone());
        let id = world.sms.with(|inbox| inbox.receive(text));
        world.changed();
        world.record("sms.received", json!({ "sms_id": id, "sid": sid, "to": to, "way": Way::Messages }));
        delivery::follow(&world, id);
        Ok((StatusCode::CREATED, Json(answer)).into_response())
    };
    with_faults(&world, &line, "send", work).await
}

fn compose(world: &World, form: &Form, moment: Moment) -> Result<Text, Refusal> {
    let to = form.get("To").ok_or_else(|| Refusal::bad_request(21604, "A 'To' phone number is required."))?;
    let (from, messaging_service_sid) = sender(world, form)?;
    let body = form.get("Body").ok_or_else(|| Refusal::bad_request(21602, "Message body is required."))?;
    if body.chars().count() > LONGEST {
        let message = "The concatenated message body exceeds the 1600 character limit.";
        return Err(Refusal::bad_request(21617, message));
    }
    let status_callback = form.get("StatusCallback").map(str::to_owned);
    if status_callback.as_deref().is_some_and(|url| web_address(url).is_none()) {
        return Err(Refusal::bad_request(21609, "The 'StatusCallback' URL is not a valid URL."));
    }
    reachable(to)?;
    let status = if messaging_service_sid.is_some() { Status::Accepted } else { Status::Queued };
    Ok(Text {
        id: 0,
        sid: random::sid("SM"),
        way: Way::Messages,
        from,
        messaging_service_sid,
        to: to.to_owned(),
        body: body.to_owned(),
        status,
        error_code: None,
        status_callback,
        callbacks: Vec::new(),
        received_at: moment.business,
        received_at_wall: moment.wall,
    })
}

/// The account has one number and one messaging service, which sends from that number.
fn sender(world: &World, form: &Form) -> Result<(String, Option<String>), Refusal> {
    let sms = &world.config.sms;
    match (form.get("MessagingServiceSid"), form.get("From")) {
        (Some(service), _) if service == sms.messaging_service_sid => {
            Ok((sms.from.clone(), Some(service.to_owned())))
        }
        (Some(_), _) => Err(Refusal::bad_request(21701, "The Messaging Service does not exist.")),
        (None, Some(from)) if from == sms.from => Ok((from.to_owned(), None)),
        (None, Some(from)) => Err(Refusal::bad_request(
            21606,
            format!(
                "The 'From' phone number provided ({from}) is not a valid message-capable Twilio phone number."
            ),
        )),
        (None, None) => Err(Refusal::bad_request(21603, "A 'From' phone number is required.")),
    }
}

/// Twilio's magic numbers say what they can't.
fn reachable(to: &str) -> Result<(), Refusal> {
    let (code, message) = match to {
        "+15005550002" => (21612, format!("The 'To' phone number {to} is not currently reachable via SMS.")),
        "+15005550003" => (
            21408,
            format!(
                "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {to}."
            ),
        ),
        "+15005550004" => (21610, "Attempt to send to unsubscribed recipient".to_owned()),
        "+15005550009" => (21614, format!("'To' number is not a valid mobile number: {to}")),
        "+15005550001" => (21211, format!("The 'To' number {to} is not a valid phone number.")),
        _ if is_phone_number(to) => return Ok(()),
        _ => (21211, format!("The 'To' number {to} is not a valid phone number.")),
    };
    Err(Refusal::bad_request(code, message))
}

/// The message as the API shows it.
fn show(text: &Text, account: &str) -> Value {
    let date = text.received_at_wall.format(&Rfc2822).unwrap_or_default();
    let uri = format!("/2010-04-01/Accounts/{account}/Messages/{}", text.sid);
    let chosen = text.messaging_service_sid.is_none();
    json!({
        "account_sid": account,
        "api_version": "2010-04-01",
        "body": text.body,
        "date_created": date,
        "date_sent": null,
        "date_updated": date,
        "direction": "outbound-api",
        "error_code": null,
        "error_message": null,
        "from": chosen.then_some(&text.from),
        "messaging_service_sid": text.messaging_service_sid,
        "num_media": "0",
        "num_segments": if chosen { segments(&text.body) } else { 0 }.to_string(),
        "price": null,
        "price_unit": null,
        "sid": text.sid,
        "status": text.status,
        "subresource_uris": { "media": format!("{uri}/Media.json") },
        "to": text.to,
        "uri": format!("{uri}.json"),
    })
}

/// How many messages a text is charged as.
fn segments(body: &str) -> usize {
    let plain = body.chars().all(|letter| letter.is_ascii() && letter != '`' || GSM.contains(letter));
    let (whole, piece, length) = if plain {
        (160, 153, body.chars().map(|letter| if "^{}\\[~]|€".contains(letter) { 2 } else { 1 }).sum())
    } else {
        (70, 67, body.encode_utf16().count())
    };
    if length <= whole { 1 } else { length.div_ceil(piece) }
}

#[cfg(test)]
mod tests {
    use super::segments;

    #[test]
    fn a_text_is_cut_where_twilio_cuts_it() {
        for (body, count) in [
            ("code".to_owned(), 1),
            ("é".repeat(160), 1),
            ("e".repeat(161), 2),
            ("€".repeat(80), 1),
            ("€".repeat(81), 2),
            ("ç".repeat(70), 1),
            ("ç".repeat(71), 2),
            ("🙂".repeat(36), 2),
            ("e".repeat(307), 3),
        ] {
            assert_eq!(segments(&body), count, "{body}");
        }
    }
}
