//! Power cuts: the server is killed without a chance to tidy up, and nothing that was acknowledged is lost or doubled.
//!
//! It is killed while it serves without its worker. So nothing can have been done for the payer before the cut, and no
//! work is left in the hands of a dead worker, whose lease of a minute a rehearsal doesn't wait for.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{join_all, try_join_all};
use serde_json::Value;

use super::money::events;
use crate::demo::Role;
use crate::rehearsal::http::{Door, Failure, Played, demand, list, number, same, text, until_so};
use crate::rehearsal::people::{Customer, MONTH, Offer, WEEK, fresh_key};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::{self, World};

/// What each customer of the burst buys.
const OFFERS: [Offer; 6] = [
    MONTH,
    WEEK,
    Offer { currency: "XOF", ..MONTH },
    Offer { currency: "XOF", ..WEEK },
    Offer { currency: "XAF", ..MONTH },
    Offer { currency: "XAF", ..WEEK },
];
/// Days that these add up to.
const BOUGHT: time::Duration = time::Duration::days(3 * 30 + 3 * 7);
/// How many customers buy at once.
const BUYERS: usize = 5;
/// The kill comes after at most so many charges, while the other clients are under way.
const LATEST_KILL: u64 = 20;
/// How long a client goes on trying, and how long it waits between two tries.
const TRYING: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(50);
/// The bot introduces itself whenever the product starts: no act for anybody.
const INTRODUCTION: [&str; 5] = ["getMe", "setWebhook", "deleteWebhook", "setMyCommands", "getWebhookInfo"];

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("power_cut", "Act 3: power cuts");
    let _broken_off = [between_answer_and_act(world, report).await, under_load(world, report).await];
    let _best_effort = world.mend().await;
}

async fn between_answer_and_act(world: &mut World, report: &mut Report) -> Scene {
    let ready = async {
        world.mend().await?;
        let issa = world.customer("Issa").await?;
        issa.link().await?;
        Ok(issa)
    };
    let issa = report.step("Issa has linked his Telegram account and not paid yet", ready).await?;
    let serving = async { world.restart(Role::WithoutWorker).await };
    report.step("the server serves on without its worker", serving).await?;
    let paid = async {
        let payment = issa.open_and(MONTH, "pay").await?;
        until_so("the callback is answered", async || {
            Ok(events(world, &payment).await?.iter().any(|event| event["state"] == "delivered"))
        })
        .await?;
        Ok(payment)
    };
    let payment = report.step("he pays, and the callback is answered with 200", paid).await?;
    report.step("the power goes: kill -9", async { world.kill().await }).await?;
    report
        .telling_step(
            "the world's log: answered 200, and then not one call to Telegram",
            order(world, &payment),
        )
        .await?;
    report.step("the power is back: the server starts", async { world.restart(Role::Full).await }).await?;
    let invited = async {
        let invitation = issa.invitation().await?;
        issa.knock(&invitation).await?;
        issa.until_inside(true).await?;
        let invitations = issa.heard().await?.iter().filter(|said| said.contains(&invitation)).count();
        same("invitations", invitations, 1)?;
        same("periods", issa.running_time().await?.periods, 1)?;
        world.one_letter(&issa.email, "payment_confirmed", &payment).await
    };
    report.step("Issa is invited and let in, exactly once", invited).await
}

/// The callback was answered before the cut, and nothing was done in Telegram since.
async fn order(world: &World, payment: &str) -> Played<((), String)> {
    let log = world.door.world("/log").await?;
    let of_payment = |entry: &&Value| {
        entry["kind"] == "webhook.attempt"
            && entry["data"]["payment_id"] == payment
            && entry["data"]["status"] == 200
    };
    let answered = list(&log, "/items").iter().find(of_payment);
    let answered =
        number(answered.ok_or_else(|| Failure("no callback was answered with 200".to_owned()))?, "/seq")?;
    let after = list(&log, "/items").iter().filter(|entry| entry["seq"].as_i64() > Some(answered));
    let acts: Vec<&Value> = after
        .filter(|entry| entry["kind"] == "telegram.call")
        .filter(|entry| {
            !entry["data"]["method"].as_str().is_some_and(|method| INTRODUCTION.contains(&method))
        })
        .collect();
    demand(acts.is_empty(), || format!("calls to Telegram after entry {answered}: {acts:?}"))?;
    let last = number(&log, "/last_seq")?;
    Ok(((), format!("entry {answered} of the log is the 200; the last one before the cut is {last}")))
}

/// One payment of the burst, as its client knows it.
struct Bought {
    customer: usize,
    payment: String,
}

async fn under_load(world: &mut World, report: &mut Report) -> Scene {
    let ready = async {
        world.mend().await?;
        let names: [String; BUYERS] = std::array::from_fn(|number| format!("Buyer{}", number + 1));
        let buyers = try_join_all(names.iter().map(|name| world.customer(name))).await?;
        world.restart(Role::WithoutWorker).await?;
        Ok(buyers)
    };
    let buyers = report.step("five customers sign up", ready).await?;
    let bought = report
        .telling_step(
            "they open and pay 30 payments at once, and the server is killed among them",
            burst(world, &buyers),
        )
        .await?;
    let settled = async {
        // What the payment service could not deliver, the product asks for.
        world.advance(40).await?;
        for one in &bought {
            buyers[one.customer].until_payment(&one.payment, "succeeded").await?;
        }
        charged_once(world, &bought).await
    };
    report
        .telling_step("every charge in the payment service's books is settled, none is doubled", settled)
        .await?;
    let added_up = async {
        for buyer in &buyers {
            let time = buyer.running_time().await?;
            same("time of a buyer", time.ends_at - time.starts_at, BOUGHT)?;
            same("payments of a buyer", buyer.payments().await?.len(), OFFERS.len())?;
        }
        Ok(())
    };
    report.step("each customer has exactly the days that were paid, and no other payment", added_up).await
}

/// Thirty clients pay; after so many charges as the seed says, the server is killed, and started again.
async fn burst(world: &mut World, buyers: &[Customer]) -> Played<(Vec<Bought>, String)> {
    let charged = AtomicUsize::new(0);
    let wanted = buyers.len() * OFFERS.len();
    let after_charges = 1 + usize::try_from(world.draw(LATEST_KILL)).unwrap_or(0);
    let and_then = Duration::from_micros(world.draw(30_000));
    let door = world.door.clone();
    let clients = buyers.iter().enumerate().flat_map(|(customer, buyer)| {
        let charged = &charged;
        OFFERS.map(|offer| async move { pay(customer, buyer, offer, charged).await })
    });
    let seed = world.seed;
    let power = async {
        until_so("the burst is under way", async || Ok(charged.load(Ordering::Relaxed) >= after_charges))
            .await?;
        tokio::time::sleep(and_then).await;
        world.kill().await?;
        let at = charged.load(Ordering::Relaxed);
        world.restart(Role::Full).await?;
        // A request that died at work is completed by the check of its payment, a few seconds of business time later.
        world::advance(&door, 6).await?;
        Ok::<usize, Failure>(at)
    };
    let (bought, at) = tokio::join!(join_all(clients), power);
    let (bought, at): (Vec<Bought>, usize) = (bought.into_iter().collect::<Played<_>>()?, at?);
    Ok((bought, format!("killed after {at} of {wanted} charges (--seed {seed})")))
}

/// A client that goes on under one key until it knows where to pay, and pays.
async fn pay(customer: usize, buyer: &Customer, offer: Offer, charged: &AtomicUsize) -> Played<Bought> {
    let (key, begun) = (fresh_key(), Instant::now());
    let mut acknowledged: Option<String> = None;
    let mut last = String::new();
    while begun.elapsed() < TRYING {
        match buyer.init(offer, &key).await {
            Ok(reply) if reply.status == 201 => {
                let payment = text(&reply.body, "/id")?;
                let earlier = acknowledged.get_or_insert_with(|| payment.clone());
                same("payment of one key", &payment, earlier)?;
                if reply.body["checkout_url"].is_string() {
                    buyer.at_checkout(&payment, "pay").await?;
                    charged.fetch_add(1, Ordering::Relaxed);
                    return Ok(Bought { customer, payment });
                }
            }
            Ok(reply) => last = format!("{}: {}", reply.status, reply.text),
            Err(failure) => last = failure.to_string(),
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Failure(format!("{} could not open a payment in {} s; {last}", buyer.name, TRYING.as_secs())))
}

async fn charged_once(world: &World, bought: &[Bought]) -> Played<((), String)> {
    let books = charges_by_payment(&world.door).await?;
    for one in bought {
        let charges =
            books.iter().find(|(payment, _)| *payment == one.payment).map_or(0, |(_, charges)| *charges);
        same("charges of a payment", charges, 1)?;
    }
    Ok(((), format!("{} payments, {} charges", bought.len(), bought.len())))
}

/// How often each payment was charged, by the payment service's books.
async fn charges_by_payment(door: &Door) -> Played<Vec<(String, usize)>> {
    let books = door.world("/psp/ledger").await?;
    let payments = list(&books, "/items").iter();
    payments.map(|payment| Ok((text(payment, "/payment_id")?, list(payment, "/charges").len()))).collect()
}
