//! Verify v2: a code of the sandbox's own, in the inbox, and the checks of it.

use std::sync::Arc;

use axum::{
    Json,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{
    form::{Form, is_phone_number},
    inbox::{Inbox, Moment, Stage, Status, Text, Verification, Way},
    refusal::Refusal,
    service::{check_credentials, with_faults},
};
use crate::{clock::rfc3339, connection::Line, problem::RawBody, random, world::World};

/// Who codes are from.
const SENDER: &str = "Verify";

/// What a code can look like, in characters.
const CODE: std::ops::RangeInclusive<usize> = 4..=10;

/// `POST /v2/Services/{ServiceSid}/Verifications`
pub(crate) async fn start(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(service): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        let now = enter(&world, &headers, &service, "Verifications").await?;
        let form = Form::read(&headers, &body);
        let to = form.get("To").ok_or_else(|| missing("To"))?.to_owned();
        let channel = form.get("Channel").ok_or_else(|| missing("Channel"))?;
        if channel != "sms" {
            return Err(invalid("Channel", channel));
        }
        reachable(&to)?;
        let french = form.get("Locale").is_some_and(|locale| locale.to_ascii_lowercase().starts_with("fr"));
        let (id, verification) = world.sms.with(|inbox| send(inbox, &to, french, now))?;
        world.changed();
        let sid = &verification.sid;
        world.record("sms.received", json!({ "sms_id": id, "sid": sid, "to": to, "way": Way::Verify }));
        Ok((StatusCode::CREATED, Json(show(&world, &verification, now.wall))).into_response())
    };
    with_faults(&world, &line, "start", work).await
}

/// Sends the code of the number's living verification again, or a new one.
fn send(inbox: &mut Inbox, to: &str, french: bool, now: Moment) -> Result<(u64, Verification), Refusal> {
    let sent = (random::sid("VL"), date(now.wall));
    let verification = if let Some(living) = inbox.living(now.business, |one| one.to == to) {
        if !living.may_be_checked() {
            return Err(Refusal::too_many(60202, "Max check attempts reached"));
        }
        if !living.may_be_sent() {
            return Err(Refusal::too_many(60203, "Max send attempts reached"));
        }
        living.sends.push(sent);
        living.clone()
    } else {
        let made = Verification {
            sid: random::sid("VE"),
            to: to.to_owned(),
            code: random::code(),
            stage: Stage::Pending,
            checks: 0,
            sends: vec![sent],
            created_at: now.business,
            created_at_wall: now.wall,
        };
        inbox.start(made.clone());
        made
    };
    let code = &verification.code;
    let body = if french {
        format!("Votre code de vérification est : {code}")
    } else {
        format!("Your verification code is: {code}")
    };
    let id = inbox.receive(Text {
        id: 0,
        sid: verification.sid.clone(),
        way: Way::Verify,
        from: SENDER.to_owned(),
        messaging_service_sid: None,
        to: to.to_owned(),
        body,
        status: Status::Delivered,
        error_code: None,
        status_callback: None,
        callbacks: Vec::new(),
        received_at: now.business,
        received_at_wall: now.wall,
    });
    Ok((id, verification))
}

/// `POST /v2/Services/{ServiceSid}/VerificationCheck`
pub(crate) async fn check(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path(service): Path<String>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        let now = enter(&world, &headers, &service, "VerificationCheck").await?;
        let form = Form::read(&headers, &body);
        let (sid, to) = (form.get("VerificationSid"), form.get("To"));
        if sid.is_none() && to.is_none() {
            return Err(missing("To"));
        }
        let code = form.get("Code").ok_or_else(|| missing("Code"))?;
        if !CODE.contains(&code.chars().count()) {
            return Err(invalid("Code", code));
        }
        let fits =
            |one: &Verification| sid.is_none_or(|sid| one.sid == sid) && to.is_none_or(|to| one.to == to);
        let checked = world.sms.with(|inbox| {
            let living = inbox
                .living(now.business, fits)
                .ok_or_else(|| Refusal::not_found(&format!("/Services/{service}/VerificationCheck")))?;
            if !living.may_be_checked() {
                return Err(Refusal::too_many(60202, "Max check attempts reached"));
            }
            living.checks += 1;
            if living.code == code {
                living.stage = Stage::Approved;
            }
            Ok(living.clone())
        })?;
        world.changed();
        world.record("sms.checked", json!({ "sid": checked.sid, "status": checked.stage }));
        let mut answer = show(&world, &checked, now.wall);
        if let Some(members) = answer.as_object_mut() {
            members
                .retain(|name, _| !matches!(name.as_str(), "lookup" | "send_code_attempts" | "sna" | "url"));
            members.insert("sna_attempts_error_codes".to_owned(), json!([]));
        }
        Ok(Json(answer).into_response())
    };
    with_faults(&world, &line, "check", work).await
}

/// `POST /v2/Services/{ServiceSid}/Verifications/{Sid}`: only cancelling; approving is for codes of one's own.
pub(crate) async fn update(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Path((service, sid)): Path<(String, String)>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        let resource = format!("Verifications/{sid}");
        let now = enter(&world, &headers, &service, &resource).await?;
        match Form::read(&headers, &body).get("Status") {
            Some("canceled") => {}
            Some(status) => return Err(invalid("Status", status)),
            None => return Err(missing("Status")),
        }
        let ended = world.sms.with(|inbox| {
            let living = inbox.living(now.business, |one| one.sid == sid)?;
            living.stage = Stage::Canceled;
            Some(living.clone())
        });
        let ended = ended.ok_or_else(|| Refusal::not_found(&format!("/Services/{service}/{resource}")))?;
        world.changed();
        world.record("sms.cancelled", json!({ "sid": sid }));
        Ok(Json(show(&world, &ended, now.wall)).into_response())
    };
    with_faults(&world, &line, "cancel", work).await
}

async fn enter(world: &World, headers: &HeaderMap, service: &str, resource: &str) -> Result<Moment, Refusal> {
    check_credentials(world, headers)?;
    if service != world.config.sms.verify_service_sid {
        return Err(Refusal::not_found(&format!("/Services/{service}/{resource}")));
    }
    let business = world.business_now().await.map_err(|_| Refusal::broken())?;
    Ok(Moment { business, wall: world.wall() })
}

fn reachable(to: &str) -> Result<(), Refusal> {
    match to {
        "+15005550009" => {
            Err(Refusal::new(StatusCode::FORBIDDEN, 60205, "SMS is not supported by landline phone number"))
        }
        "+15005550003" => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            60605,
            "The destination phone number has been blocked by Verify Geo-Permissions",
        )),
        "+15005550001" => Err(invalid("To", to)),
        _ if is_phone_number(to) => Ok(()),
        _ => Err(invalid("To", to)),
    }
}

fn missing(parameter: &str) -> Refusal {
    Refusal::bad_request(20001, format!("Missing required parameter {parameter} in the post body"))
}

fn invalid(parameter: &str, value: &str) -> Refusal {
    Refusal::bad_request(60200, format!("Invalid parameter `{parameter}`: {value}"))
}

/// Verify's dates have no fractions.
fn date(at: OffsetDateTime) -> String {
    rfc3339(at.replace_nanosecond(0).unwrap_or(at))
}

/// The verification as the API shows it; without its code.
fn show(world: &World, verification: &Verification, updated: OffsetDateTime) -> Value {
    let sms = &world.config.sms;
    let (service, sid) = (&sms.verify_service_sid, &verification.sid);
    let attempts: Vec<Value> = verification
        .sends
        .iter()
        .map(|(sid, time)| json!({ "attempt_sid": sid, "channel": "SMS", "time": time }))
        .collect();
    json!({
        "sid": sid,
        "service_sid": service,
        "account_sid": sms.account_sid,
        "to": verification.to,
        "channel": "sms",
        "status": verification.stage,
        "valid": verification.stage == Stage::Approved,
        "date_created": date(verification.created_at_wall),
        "date_updated": date(updated),
        "lookup": {},
        "amount": null,
        "payee": null,
        "send_code_attempts": attempts,
        "sna": null,
        "url": format!("https://verify.twilio.com/v2/Services/{service}/Verifications/{sid}"),
    })
}
