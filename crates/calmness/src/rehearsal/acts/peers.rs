//! Peers that fail for a while: what is owed is done after, and once.

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::rehearsal::http::{Played, demand, list, same, until_so};
use crate::rehearsal::people::{self, Customer, MONTH};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

const APPROVE: &str = "approveChatJoinRequest";

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("peers", "Act 4: peers that fail");
    let ready = async {
        world.mend().await?;
        try_join_all(["Koffi", "Leila", "Moussa"].map(|name| world.customer(name))).await
    };
    let Ok(people) = report.step("three customers sign up", ready).await else { return };
    let [koffi, leila, moussa] = people.as_slice() else { return };
    let _broken_off = [
        no_mail(world, report, koffi).await,
        refusing(world, report, leila).await,
        silent(world, report, moussa).await,
    ];
    let _best_effort = world.clear_faults().await;
}

async fn no_mail(world: &World, report: &mut Report, koffi: &Customer) -> Scene {
    let down = async {
        let fault = world.fault(&json!({ "peer": "smtp", "fault": "down" })).await?;
        let payment = koffi.buy(MONTH).await?;
        koffi.running_time().await?;
        until_so("the first try to send", async || Ok(world.used(fault).await? > 0)).await?;
        Ok((fault, payment))
    };
    let (fault, payment) =
        report.step("the mail server is down; a payment gives access all the same", down).await?;
    let an_hour = async {
        for _ in 0..3 {
            world.advance(20 * 60).await?;
        }
        same("mails", world.count_letters(&koffi.email, "payment_confirmed", &payment).await?, 0)?;
        let tries = world.used(fault).await?;
        demand(tries >= 3, || format!("only {tries} tries"))?;
        Ok(((), format!("{tries} tries")))
    };
    report.telling_step("it stays down for an hour: tried again and again", an_hour).await?;
    let sent = async {
        world.clear_faults().await?;
        world.advance(10 * 60).await?;
        same("mails", world.count_letters(&koffi.email, "payment_confirmed", &payment).await?, 1)
    };
    report.step("it is back: the mail is sent, once", sent).await
}

async fn refusing(world: &World, report: &mut Report, leila: &Customer) -> Scene {
    let invitation = invited(report, leila).await?;
    let answered = async {
        world.fault(&json!({ "peer": "telegram", "fault": "error_429", "retry_after": 1, "method": APPROVE, "times": 1 })).await?;
        world
            .fault(&json!({ "peer": "telegram", "fault": "error_500", "method": APPROVE, "times": 1 }))
            .await?;
        leila.knock(&invitation).await?;
        let account = leila.telegram()?;
        for refusals in 1..=2 {
            until_so("Telegram refuses", async || Ok(answers(world, account).await?.len() >= refusals))
                .await?;
            world.advance(5).await?;
        }
        leila.until_inside(true).await?;
        let answers = answers(world, account).await?;
        same("answers of Telegram", answers.as_slice(), [429, 500, 200].as_slice())
    };
    report.step("Telegram says 429 (wait 1 s), then 500, then works: she is let in", answered).await
}

async fn silent(world: &World, report: &mut Report, moussa: &Customer) -> Scene {
    let invitation = invited(report, moussa).await?;
    let account = async { moussa.telegram() };
    let held = async {
        let account = account.await?;
        let fault = world.fault(&json!({ "peer": "telegram", "fault": "hold", "method": APPROVE })).await?;
        moussa.knock(&invitation).await?;
        until_so("Telegram is asked", async || Ok(world.used(fault).await? > 0)).await?;
        let channel = people::channel(&world.door).await?;
        demand(channel.has("requests", account) && !channel.has("items", account), || {
            "answered all the same".to_owned()
        })?;
        world.clear_faults().await?;
        moussa.until_inside(true).await?;
        same("answers of Telegram", answers(world, account).await?.as_slice(), [200].as_slice())
    };
    report.step("Telegram holds its answer back, then gives it: he is let in, asked for once", held).await
}

async fn invited(report: &mut Report, customer: &Customer) -> Scene<String> {
    let invited = async {
        customer.buy(MONTH).await?;
        customer.link().await?;
        customer.invitation().await
    };
    report.step(&format!("{} pays and is invited", customer.name), invited).await
}

/// What Telegram answered to each try to let an account in, oldest first.
async fn answers(world: &World, account: i64) -> Played<Vec<i64>> {
    let log = world.door.world("/log?kind=telegram.call").await?;
    let calls = list(&log, "/items").iter().map(|entry| &entry["data"]);
    let of_account = calls.filter(|call| call["method"] == APPROVE && call["user_id"] == account);
    Ok(of_account.filter_map(|call| call.get("status").and_then(Value::as_i64)).collect())
}
