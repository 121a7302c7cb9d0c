//! The world of one rehearsal: a demo of its own in a folder that is thrown away, its clock, its faults, its people.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError};

use crypto::random::{Random, SeededRandom, SystemRandom, bytes};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::RehearsalError;
use super::http::{self, Door, Failure, Played, demand, list, text};
use super::operators;
use super::people::Customer;
use crate::config::Opening;
use crate::demo::{self, Account, Demo, DemoOptions, Role};
use crate::terminal;

/// Where the company's mails go in a demo.
pub(super) const COMPANY: &str = "company@calmness.example";

/// The world.
pub(super) struct World {
    demo: Demo,
    folder: PathBuf,
    /// The way to the product and to the simulated peers.
    pub(super) door: Door,
    /// The database, to read what no answer tells.
    pub(super) owner: PgPool,
    /// Decides what is left to chance.
    pub(super) random: SeededRandom,
    /// What it was seeded with.
    pub(super) seed: u64,
    /// Whether the product runs with its worker, as far as this rehearsal did not take it away.
    whole: bool,
    customers: Arc<Mutex<Vec<Customer>>>,
}

/// A mail as it arrived, with the kind that its row in the database has.
pub(super) struct Letter {
    pub(super) message_id: String,
    /// Empty where no row of ours owed it.
    pub(super) kind: String,
    pub(super) to: Vec<String>,
    pub(super) text: String,
}

/// A folder that nobody uses.
pub(super) fn fresh_folder() -> PathBuf {
    let name = Uuid::from_bytes(bytes(&SystemRandom)).simple();
    std::env::temp_dir().join(format!("calmness-rehearsal-{name}"))
}

impl World {
    /// Starts everything in a fresh folder, on free ports.
    pub(super) async fn start(folder: &Path, seed: Option<u64>) -> Result<Self, RehearsalError> {
        let client = http::client_from(None).map_err(RehearsalError::Client)?;
        let options = DemoOptions {
            data_dir: folder.to_owned(),
            port: Some(0),
            opening: Opening::Api,
            postgresql_bin: None,
        };
        let progress = |step: &str| terminal::note(&format!("· {step}"));
        let demo = match Demo::start(options, &progress).await {
            Ok(demo) => demo,
            Err(error) => {
                // What went wrong matters more than what is left of it.
                let _left_behind = demo::forget(folder).await;
                return Err(error.into());
            }
        };
        let ready = demo.ready();
        let door = Door {
            client,
            product: ready.base_url.clone(),
            sandbox: ready.sandbox_url.clone(),
            chat: ready.telegram_chat_id,
        };
        let seed = seed.unwrap_or_else(|| u64::from_be_bytes(bytes(&SystemRandom)));
        let (owner, random) = (demo.owner().clone(), SeededRandom::new(seed));
        Ok(Self {
            demo,
            folder: folder.to_owned(),
            door,
            owner,
            random,
            seed,
            whole: true,
            customers: Arc::default(),
        })
    }

    /// Stops everything and leaves nothing behind; where something failed, the product's log is kept beside.
    pub(super) async fn stop(self, keep_log: Option<&Path>) -> Result<(), RehearsalError> {
        let log = self.demo.ready().log.clone();
        self.demo.stop().await?;
        if let Some(kept) = keep_log {
            std::fs::copy(&log, kept).map_err(RehearsalError::Folder)?;
        }
        demo::forget(&self.folder).await?;
        Ok(())
    }

    /// Where the log is kept if something fails.
    pub(super) fn kept_log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// What the simulated payment service signs its callbacks with.
    pub(super) fn callback_secret(&self) -> &str {
        &self.demo.ready().psp_secret
    }

    /// The admin that a demo has from the start.
    pub(super) fn admin(&self) -> &Account {
        &self.demo.ready().admin
    }

    /// Runs a command of this program as the operator does on the machine, with what is typed into it.
    pub(super) async fn command(&self, arguments: &[&str], typed: &str) -> Played<Output> {
        operators::command(&self.demo.ready().config, arguments, typed).await
    }

    /// Business time goes on by so much, and what that makes due is done.
    pub(super) async fn advance(&self, seconds: i64) -> Played<()> {
        advance(&self.door, seconds).await
    }

    /// Everything works again, and the product serves with its worker.
    pub(super) async fn mend(&mut self) -> Played<()> {
        self.clear_faults().await?;
        let serving = http::send(self.door.ask(Method::GET, "/readyz")).await;
        if self.whole && serving.is_ok_and(|reply| reply.status == 200) {
            return Ok(());
        }
        self.restart(Role::Full).await
    }

    /// Orders a fault; says its number.
    pub(super) async fn fault(&self, fault: &Value) -> Played<i64> {
        http::number(&self.door.make_world("/faults", fault).await?, "/id")
    }

    /// How often a fault that stands has happened.
    pub(super) async fn used(&self, fault: i64) -> Played<i64> {
        let faults = self.door.world("/faults").await?;
        let found = list(&faults, "/items").iter().find(|one| one["id"] == fault);
        found
            .map_or(Err(Failure(format!("fault {fault} no longer stands"))), |one| http::number(one, "/used"))
    }

    /// No fault stands any more.
    pub(super) async fn clear_faults(&self) -> Played<()> {
        let cleared = self.door.client.delete(format!("{}/faults", self.door.sandbox));
        let reply = http::send(cleared).await?;
        demand(reply.status < 300, || format!("the faults could not be cleared: {}", reply.status))
    }

    /// `kill -9`.
    pub(super) async fn kill(&mut self) -> Played<()> {
        self.whole = false;
        Ok(self.demo.kill_product().await?)
    }

    /// Starts the product, after stopping it in an orderly way where it runs.
    pub(super) async fn restart(&mut self, role: Role) -> Played<()> {
        self.whole = false;
        self.demo.start_product(role).await?;
        self.whole = role == Role::Full;
        Ok(())
    }

    /// Somebody with an account.
    pub(super) async fn customer(&self, name: &str) -> Played<Customer> {
        let customer = Customer::sign_up(&self.door, name).await?;
        self.remember(&customer);
        Ok(customer)
    }

    /// The last look at the world asks about everybody.
    pub(super) fn remember(&self, customer: &Customer) {
        self.customers.lock().unwrap_or_else(PoisonError::into_inner).push(customer.clone());
    }

    /// Everybody who has an account.
    pub(super) fn customers(&self) -> Vec<Customer> {
        self.customers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The mails that arrived, with what they are in the database.
    pub(super) async fn letters(&self, to: Option<&str>) -> Played<Vec<Letter>> {
        let filter = to.map(|to| format!("?to={to}")).unwrap_or_default();
        let mailbox = self.door.world(&format!("/mailbox{filter}")).await?;
        let kinds: Vec<(Uuid, String)> =
            sqlx::query_as("SELECT id, kind FROM notifications WHERE medium = 'email'")
                .fetch_all(&self.owner)
                .await?;
        list(&mailbox, "/items")
            .iter()
            .map(|mail| {
                let message_id = text(mail, "/message_id")?;
                let id = notification(&message_id);
                let kind = kinds.iter().find(|(known, _)| Some(*known) == id);
                let recipients = list(mail, "/to").iter().filter_map(Value::as_str);
                Ok(Letter {
                    message_id,
                    kind: kind.map(|(_, kind)| kind.clone()).unwrap_or_default(),
                    to: recipients.map(ToOwned::to_owned).collect(),
                    text: text(mail, "/text")?,
                })
            })
            .collect()
    }

    /// How many mails of one kind somebody has got; `about` is in their text.
    pub(super) async fn count_letters(&self, to: &str, kind: &str, about: &str) -> Played<usize> {
        let letters = self.letters(Some(to)).await?;
        Ok(letters.iter().filter(|letter| letter.kind == kind && letter.text.contains(about)).count())
    }

    /// Waits until such a mail is there; there must be no second one.
    pub(super) async fn one_letter(&self, to: &str, kind: &str, about: &str) -> Played<()> {
        let what = format!("a mail to {to} ({kind})");
        http::until_so(&what, async || Ok(self.count_letters(to, kind, about).await? > 0)).await?;
        http::same(&what, self.count_letters(to, kind, about).await?, 1)
    }

    /// How many alerts there are about a payment, acknowledged or not.
    pub(super) async fn count_alerts(&self, kind: &str, payment: &str) -> Played<i64> {
        let count =
            sqlx::query_scalar("SELECT count(*) FROM alerts WHERE kind = $1 AND details ->> 'payment' = $2");
        Ok(count.bind(kind).bind(payment).fetch_one(&self.owner).await?)
    }

    /// How many callbacks are kept.
    pub(super) async fn count_callbacks(&self) -> Played<i64> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM webhook_events").fetch_one(&self.owner).await?)
    }

    /// A number below `end`, from the seed.
    pub(super) fn draw(&self, end: u64) -> u64 {
        let mut drawn = [0; 8];
        self.random.fill(&mut drawn);
        u64::from_be_bytes(drawn) % end.max(1)
    }
}

/// As [`World::advance`], for where the world is busy with something else.
pub(super) async fn advance(door: &Door, seconds: i64) -> Played<()> {
    door.make_world("/clock", &json!({ "advance_seconds": seconds })).await.map(drop)
}

/// The row that owed a mail: its Message-ID is made from it.
pub(super) fn notification(message_id: &str) -> Option<Uuid> {
    let local = message_id.trim_start_matches('<').split('@').next()?;
    Uuid::parse_str(local).ok()
}
