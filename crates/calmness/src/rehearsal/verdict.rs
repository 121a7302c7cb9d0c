//! The last look: the invariants of the domain, from inside the database and from outside.
//!
//! What only the outside can tell is asked of the payment service's books, of Telegram's list of members and of the
//! mailbox, never of the product alone.

use std::collections::{BTreeMap, HashMap, HashSet};

use application::clock::{Clock, SandboxClock};
use application::invariants;
use serde_json::Value;
use uuid::Uuid;

use super::http::{Failure, Played, list, text};
use super::people;
use super::report::{Examined, Report, Scene};
use super::world::{World, notification};

/// The product may lag behind what is wanted for a minute: the last look comes after it.
const LAST_MOVE_SECONDS: i64 = 120;

/// Asks all of them, after everything that is due is done.
pub(super) async fn examine(world: &mut World, report: &mut Report) -> Scene<Vec<Examined>> {
    report.act("verdict", "The end: invariants");
    let settled = async {
        world.mend().await?;
        world.advance(LAST_MOVE_SECONDS).await
    };
    // What cannot be waited for is no reason not to look.
    let _still_due = report.step("two minutes later nothing that is due is left", settled).await;
    let asked = async {
        let mut examined = inside(world).await?;
        let books = world.door.world("/psp/ledger").await?;
        examined.push(one_charge_each(&books)?);
        examined.push(charges_are_settled(world, &books).await?);
        examined.push(settled_are_charged(world, &books).await?);
        examined.push(members_have_time(world).await?);
        examined.push(mails_came_once(world).await?);
        Ok(examined)
    };
    report.step("the database, the books, the channel and the mailbox are asked", asked).await
}

async fn inside(world: &World) -> Played<Vec<Examined>> {
    let failed = |error: application::StoreError| Failure::of("the invariants", &error);
    let now = SandboxClock::new(world.owner.clone()).now().await.map_err(failed)?.business;
    let findings = invariants::check(&world.owner, now).await.map_err(failed)?;
    let examined = findings.into_iter().map(|finding| Examined {
        name: finding.name,
        demand: finding.demand.to_owned(),
        broken_by: finding.broken_by,
    });
    Ok(examined.collect())
}

fn outside(name: &'static str, demand: &str, broken_by: Vec<String>) -> Examined {
    Examined { name, demand: demand.to_owned(), broken_by }
}

/// The payments of the books that were charged, with how often.
fn charged(books: &Value) -> Played<BTreeMap<String, usize>> {
    let payments = list(books, "/items").iter();
    payments
        .map(|payment| Ok((text(payment, "/payment_id")?, list(payment, "/charges").len())))
        .filter(|entry| !matches!(entry, Ok((_, 0))))
        .collect()
}

fn one_charge_each(books: &Value) -> Played<Examined> {
    let twice = charged(books)?.into_iter().filter(|(_, charges)| *charges > 1);
    let broken_by = twice.map(|(payment, charges)| format!("payment {payment} was charged {charges} times"));
    let demand = "1, by the payment service's books: no payment was charged twice";
    Ok(outside("books_one_charge_each", demand, broken_by.collect()))
}

/// The payments that the product holds for settled, and those that wait for an operator.
async fn known(world: &World, condition: &str) -> Played<HashSet<String>> {
    let ids: Vec<String> = match condition {
        "settled" => sqlx::query_scalar("SELECT id::text FROM payments WHERE settled_at IS NOT NULL"),
        _ => sqlx::query_scalar("SELECT id::text FROM payments WHERE quarantined_at IS NOT NULL"),
    }
    .fetch_all(&world.owner)
    .await?;
    Ok(ids.into_iter().collect())
}

async fn charges_are_settled(world: &World, books: &Value) -> Played<Examined> {
    let (settled, quarantined) = (known(world, "settled").await?, known(world, "quarantined").await?);
    let lost = charged(books)?
        .into_keys()
        .filter(|payment| !settled.contains(payment) && !quarantined.contains(payment));
    let broken_by = lost.map(|payment| format!("payment {payment} was charged and is not settled"));
    let demand = "2, by the books: every charge is settled, or quarantined as a wrong amount";
    Ok(outside("books_charges_are_settled", demand, broken_by.collect()))
}

async fn settled_are_charged(world: &World, books: &Value) -> Played<Examined> {
    let charged = charged(books)?;
    let invented =
        known(world, "settled").await?.into_iter().filter(|payment| !charged.contains_key(payment));
    let broken_by = invented.map(|payment| format!("payment {payment} is settled and was never charged"));
    let demand = "4, by the books: nothing is settled without a charge";
    Ok(outside("books_settled_are_charged", demand, broken_by.collect()))
}

async fn members_have_time(world: &World) -> Played<Examined> {
    let mut entitled = HashSet::new();
    for customer in world.customers() {
        let Some(account) = customer.telegram_if_any() else { continue };
        if customer.time().await?.is_some_and(|time| time.status == "active" && time.seconds_left > 0) {
            entitled.insert(account);
        }
    }
    let channel = people::channel(&world.door).await?;
    let intruders = channel.members().filter(|account| !entitled.contains(account));
    let broken_by =
        intruders.map(|account| format!("account {account} is in the channel without running time"));
    let demand = "5, by Telegram's list: every member has running time by the API";
    Ok(outside("members_have_time", demand, broken_by.collect()))
}

async fn mails_came_once(world: &World) -> Played<Examined> {
    let letters = world.letters(None).await?;
    let mut broken_by = Vec::new();
    let mut copies: HashMap<&str, usize> = HashMap::new();
    for letter in &letters {
        *copies.entry(&letter.message_id).or_default() += 1;
        if letter.kind.is_empty() {
            broken_by.push(format!(
                "mail {} to {} was owed by nobody",
                letter.message_id,
                letter.to.join(", ")
            ));
        }
    }
    let doubled = copies.iter().filter(|(_, copies)| **copies > 1);
    broken_by.extend(doubled.map(|(message_id, copies)| format!("mail {message_id} came {copies} times")));
    let arrived: HashSet<Uuid> =
        letters.iter().filter_map(|letter| notification(&letter.message_id)).collect();
    let owed: Vec<(Uuid, String)> =
        sqlx::query_as("SELECT id, kind FROM notifications WHERE medium = 'email'")
            .fetch_all(&world.owner)
            .await?;
    let missing = owed.into_iter().filter(|(id, _)| !arrived.contains(id));
    broken_by.extend(missing.map(|(id, kind)| format!("mail {id} ({kind}) never came")));
    for customer in world.customers() {
        for payment in customer.payments().await?.iter().filter(|payment| !payment["settled_at"].is_null()) {
            let id = text(payment, "/id")?;
            let confirmations = letters.iter().filter(|letter| {
                letter.kind == "payment_confirmed"
                    && letter.to.iter().any(|to| **to == *customer.email)
                    && letter.text.contains(&id)
            });
            let count = confirmations.count();
            if count != 1 {
                broken_by.push(format!("payment {id} was confirmed by {count} mails"));
            }
        }
    }
    Ok(outside("mails_came_once", "6, by the mailbox: every mail that is owed came, once", broken_by))
}
