//! What goes wrong on the way of the money: refused, late, doubled, overtaken, lost, forged, unanswered.

use crypto::signature::{self, Signed};
use futures_util::future::{join_all, try_join_all};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use time::Duration;

use application::clock::{Clock, SystemClock};

use super::money_back;
use crate::rehearsal::http::{self, Failure, Played, Reply, demand, list, number, same, text, until_so};
use crate::rehearsal::people::{Customer, MONTH, WEEK, fresh_key};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::{COMPANY, World};

/// How many requests race on one key.
const RACERS: usize = 64;
const MONTH_LENGTH: Duration = Duration::days(30);

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("money", "Act 2: what goes wrong with money");
    let ready = async {
        world.mend().await?;
        let names = ["Binta", "Chad", "Djeneba", "Emeka", "Fatou", "Gildas", "Hawa"];
        try_join_all(names.map(|name| world.customer(name))).await
    };
    let Ok(people) = report.step("seven customers sign up", ready).await else { return };
    let [binta, chad, djeneba, emeka, fatou, gildas, hawa] = people.as_slice() else { return };
    // Each scene has its own customers, so each is played whatever became of the others.
    let _broken_off = [
        refused_and_late(world, report, binta).await,
        doubled(world, report, chad).await,
        overtaken(world, report, djeneba).await,
        lost(world, report, djeneba).await,
        forged(world, report, emeka).await,
        wrong_amount(world, report, emeka).await,
        unanswered(world, report, fatou).await,
        raced(world, report, gildas).await,
        money_back::refund(report, binta).await,
        money_back::dispute(world, report, hawa).await,
    ];
    let _best_effort = world.clear_faults().await;
}

async fn refused_and_late(world: &World, report: &mut Report, binta: &Customer) -> Scene {
    let refused = async {
        let payment = binta.open_and(WEEK, "refuse").await?;
        let failed = binta.until_payment(&payment, "failed").await?;
        text(&failed, "/failure_reason")?;
        demand(binta.time().await?.is_none(), || "a refused payment gave time".to_owned())
    };
    report
        .step("the bank refuses: the payment has failed, with a reason and without any time", refused)
        .await?;
    let late = async {
        let payment = binta.open_and(MONTH, "pay_late").await?;
        let settled = binta.until_payment(&payment, "succeeded").await?;
        same("late", settled["late"].as_bool(), Some(true))?;
        same("time", binta.running_time().await?.periods, 1)?;
        same("alerts", world.count_alerts("settled_late", &payment).await?, 1)?;
        world.one_letter(COMPANY, "alert", &payment).await
    };
    report.step("money after the payment expired still buys time; the company is told once", late).await
}

async fn doubled(world: &World, report: &mut Report, chad: &Customer) -> Scene {
    let eight_times = async {
        world
            .fault(&json!({ "peer": "psp_webhooks", "fault": "duplicate", "copies": 8, "times": 1 }))
            .await?;
        let payment = chad.buy(MONTH).await?;
        until_so("eight deliveries were answered", async || {
            let attempts = attempts(world, &payment).await?;
            Ok(attempts.len() == 8 && attempts.iter().all(|status| *status == 200))
        })
        .await?;
        one_effect(world, chad, &payment).await
    };
    report.step("a callback comes eight times at once: one period, one confirmation", eight_times).await?;
    let delayed = async {
        world.fault(&json!({ "peer": "psp_webhooks", "fault": "delay", "ms": 400, "times": 1 })).await?;
        let before = chad.running_time().await?.ends_at;
        chad.buy(WEEK).await?;
        same("end", chad.running_time().await?.ends_at, before + Duration::days(7))
    };
    report.step("a callback comes late: counted once", delayed).await
}

async fn overtaken(world: &World, report: &mut Report, djeneba: &Customer) -> Scene {
    let backwards = async {
        world.fault(&json!({ "peer": "psp_webhooks", "fault": "reorder", "count": 2, "times": 2 })).await?;
        let payment = djeneba.open_and(WEEK, "pay").await?;
        djeneba.at_checkout(&payment, "refund").await?;
        djeneba.until_payment(&payment, "refunded").await?;
        let time = djeneba.until_time("ended").await?;
        same("seconds left", time.seconds_left, 0)?;
        until_so("both callbacks are delivered", async || Ok(attempts(world, &payment).await? == [200, 200]))
            .await?;
        same("status", djeneba.payment(&payment).await?["status"].as_str(), Some("refunded"))
    };
    report
        .step("a refund's callback overtakes its payment's: refunded in the end, without time", backwards)
        .await
}

async fn lost(world: &World, report: &mut Report, djeneba: &Customer) -> Scene {
    let found = async {
        world.fault(&json!({ "peer": "psp_webhooks", "fault": "drop", "times": 1 })).await?;
        let payment = djeneba.open_and(MONTH, "pay").await?;
        until_so("the callback is lost", async || {
            Ok(events(world, &payment).await?.iter().any(|event| event["state"] == "dropped"))
        })
        .await?;
        world.advance(40).await?;
        djeneba.until_payment(&payment, "succeeded").await?;
        one_effect(world, djeneba, &payment).await
    };
    report
        .step("a callback is lost: seconds later the product asks by itself and finds the money", found)
        .await
}

async fn forged(world: &World, report: &mut Report, emeka: &Customer) -> Scene {
    let forgery = async {
        let payment = emeka.open(WEEK).await?;
        let amount = number(&emeka.payment(&payment).await?, "/amount")?;
        let (before, body) = (world.count_callbacks().await?, event("payment.succeeded", &payment, amount));
        callback(world, &body, "a secret that the service does not know", 0).await?.expect(401)?;
        unbelieved(world, emeka, &payment, before).await?;
        Ok((payment, before, body))
    };
    let (payment, before, body) = report
        .step("a forged signature is refused with 401, and nothing of the callback is kept", forgery)
        .await?;
    let stale = async {
        callback(world, &body, world.callback_secret(), 600).await?.expect(401)?;
        unbelieved(world, emeka, &payment, before).await?;
        // The same hand and the same secret, now, and a type that nobody knows: kept, so the refusals were no accident.
        let harmless = event("payment.noticed", &payment, 1);
        callback(world, &harmless, world.callback_secret(), 0).await?.expect(200)?;
        unbelieved(world, emeka, &payment, before + 1).await
    };
    let name = "the right signature of ten minutes ago is refused with 401; one of now is taken";
    report.step(name, stale).await
}

async fn wrong_amount(world: &World, report: &mut Report, emeka: &Customer) -> Scene {
    let quarantined = async {
        let payment = emeka.open_and(MONTH, "wrong_amount").await?;
        until_so("the company is told", async || {
            Ok(world.count_alerts("webhook_quarantined", &payment).await? > 0)
        })
        .await?;
        // The product also asks by itself, and hears the same amount again.
        world.advance(40).await?;
        same("alerts", world.count_alerts("webhook_quarantined", &payment).await?, 1)?;
        world.one_letter(COMPANY, "alert", &payment).await?;
        same("under review", emeka.payment(&payment).await?["under_review"].as_bool(), Some(true))?;
        demand(emeka.time().await?.is_none(), || "a wrong amount gave time".to_owned())
    };
    report
        .step(
            "another amount than the quote's is paid: no time, one alert, one mail to the company",
            quarantined,
        )
        .await
}

async fn unanswered(world: &World, report: &mut Report, fatou: &Customer) -> Scene {
    let key = fresh_key();
    let unknown = async {
        let fault =
            json!({ "peer": "psp_api", "fault": "time_out", "operation": "open", "ms": 200, "times": 1 });
        world.fault(&fault).await?;
        let reply = fatou.init(MONTH, &key).await?.expect(201)?;
        same("phase", reply.body["phase"].as_str(), Some("sent"))?;
        demand(reply.body["checkout_url"].is_null(), || "there is a checkout already".to_owned())?;
        demand(reply.header("retry-after").is_some(), || "no Retry-After".to_owned())?;
        text(&reply.body, "/id")
    };
    let payment = report
        .step("the payment service does not answer in time: unknown (`sent`), not failed", unknown)
        .await?;
    let resolved = async {
        let reply = fatou.init(MONTH, &key).await?.expect(201)?;
        same("replayed", reply.header("idempotency-replayed"), Some("true"))?;
        same("payment", text(&reply.body, "/id")?, payment.clone())?;
        text(&reply.body, "/checkout_url")?;
        fatou.at_checkout(&payment, "pay").await?;
        fatou.until_payment(&payment, "succeeded").await?;
        same("payments", fatou.payments().await?.len(), 1)?;
        same("charges", charges(world, &payment).await?, 1)
    };
    report.step("the same key again: the same payment, one charge", resolved).await
}

async fn raced(world: &World, report: &mut Report, gildas: &Customer) -> Scene {
    let key = fresh_key();
    let raced = async {
        let replies = join_all((0..RACERS).map(|_| gildas.init(MONTH, &key))).await;
        let mut answered: Vec<String> = Vec::new();
        for reply in replies {
            match reply? {
                Reply { status: 201, body, .. } => answered.push(text(&body, "/id")?),
                // The first one is still at work.
                Reply { status: 409, .. } => {}
                other => return Err(Failure(format!("one was answered {}: {}", other.status, other.text))),
            }
        }
        let again = text(&gildas.init(MONTH, &key).await?.expect(201)?.body, "/id")?;
        demand(answered.iter().all(|id| *id == again), || format!("{answered:?} and {again}"))?;
        same("payments", gildas.payments().await?.len(), 1)?;
        gildas.at_checkout(&again, "pay").await?;
        gildas.until_payment(&again, "succeeded").await?;
        same("charges", charges(world, &again).await?, 1)?;
        Ok((
            (),
            format!(
                "{} answered with the payment, {} told to wait (409)",
                answered.len(),
                RACERS - answered.len()
            ),
        ))
    };
    report.telling_step("64 requests race on one key: one payment", raced).await?;
    let reused = async {
        let refused = gildas.init(WEEK, &key).await?.expect(422)?;
        same("code", refused.body["code"].as_str(), Some("idempotency_key_reused"))?;
        same("payments", gildas.payments().await?.len(), 1)
    };
    report.step("the same key for something else is refused with 422", reused).await
}

/// One period of a month was added by this payment, and one mail said so.
async fn one_effect(world: &World, customer: &Customer, payment: &str) -> Played<()> {
    let time = customer.running_time().await?;
    same("length", time.ends_at - time.starts_at, MONTH_LENGTH)?;
    world.one_letter(&customer.email, "payment_confirmed", payment).await?;
    same("charges", charges(world, payment).await?, 1)
}

/// Nothing followed from a callback.
async fn unbelieved(world: &World, customer: &Customer, payment: &str, kept_before: i64) -> Played<()> {
    same("callbacks kept", world.count_callbacks().await?, kept_before)?;
    same("status", customer.payment(payment).await?["status"].as_str(), Some("pending"))?;
    demand(customer.time().await?.is_none(), || "a forged callback gave time".to_owned())
}

/// What the payment service could say about a payment.
fn event(kind: &str, payment: &str, amount: i64) -> Vec<u8> {
    let created = SystemClock.wall().unix_timestamp();
    let data = json!({ "payment_id": payment, "amount": amount, "currency": "EUR" });
    json!({ "id": format!("evt_{}", fresh_key()), "type": kind, "created": created, "data": data })
        .to_string()
        .into_bytes()
}

/// Calls the product back, signed with a secret so many seconds ago.
async fn callback(world: &World, body: &[u8], secret: &str, seconds_ago: i64) -> Played<Reply> {
    let failed = |error: &dyn std::error::Error| Failure::of("signing", error);
    let secret =
        signature::SigningSecret::parse(&SecretString::from(secret)).map_err(|error| failed(&error))?;
    let at = SystemClock.wall().unix_timestamp() - seconds_ago;
    let header = signature::sign(&[secret], at, Signed::Body(body)).map_err(|error| failed(&error))?;
    let request = world.door.ask(Method::POST, "/api/webhooks/hmac_psp").header("x-signature", header);
    http::send(request.header("content-type", "application/json").body(body.to_vec())).await
}

/// What the payment service's books say about one payment.
async fn book(world: &World, payment: &str) -> Played<Value> {
    let books = world.door.world(&format!("/psp/ledger?payment_id={payment}")).await?;
    list(&books, "/items").first().cloned().ok_or_else(|| Failure(format!("{payment} is not in the books")))
}

/// How often a payment was charged.
async fn charges(world: &World, payment: &str) -> Played<usize> {
    Ok(list(&book(world, payment).await?, "/charges").len())
}

/// The events that a payment caused.
pub(super) async fn events(world: &World, payment: &str) -> Played<Vec<Value>> {
    Ok(list(&book(world, payment).await?, "/events").to_vec())
}

/// What the deliveries of a payment's events were answered with.
async fn attempts(world: &World, payment: &str) -> Played<Vec<i64>> {
    let events = events(world, payment).await?;
    let attempts = events.iter().flat_map(|event| list(event, "/attempts"));
    Ok(attempts.filter_map(|attempt| attempt["status"].as_i64()).collect())
}
