//! The drill (SEC-62): while people log in, refresh and pay, one act makes the keys anew and ends every session. Nothing is
//! lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use application::Context;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Customer, PASSWORD, World};

/// So many people are at it.
const PEOPLE: i64 = 6;
/// The longest that a token may be believed after the act (SEC-20).
const SOON: Duration = Duration::from_secs(1);
/// The longest that the act may take.
const LIMIT: Duration = Duration::from_mins(5);

/// What somebody lived through.
struct Life {
    customer: Customer,
    /// Payments that were opened for them and then paid.
    paid: Vec<Value>,
    /// Access tokens that they held, each with the instant from which they had it.
    tokens: Vec<(Instant, String)>,
    /// How often they had to log in again.
    sent_away: usize,
}

impl Life {
    async fn begin(world: &World, number: i64) -> Self {
        let customer = world.made_customer(&format!("u{number}")).await;
        let tokens = vec![(Instant::now(), customer.access_token.clone())];
        Self { customer, paid: Vec::new(), tokens, sent_away: 0 }
    }

    /// Logs in, refreshes, buys and looks, until told to stop; whoever is sent away logs in again.
    async fn go_on(mut self, world: &World, stop: &AtomicBool) -> Self {
        let mut round = 0;
        while !stop.load(Ordering::Relaxed) {
            round += 1;
            self.refresh(world).await;
            self.buy(world, &format!("k{round}")).await;
            let me = world.get_by(&self.customer, "/api/me").await;
            self.or_log_in(world, me.status, 200).await;
        }
        self
    }

    async fn refresh(&mut self, world: &World) {
        let body = json!({ "refresh_token": self.customer.refresh_token });
        let answer = world.post("/api/auth/refresh", &body).await;
        if answer.status == 200 {
            self.customer = self.customer.with(&answer);
            self.tokens.push((Instant::now(), self.customer.access_token.clone()));
        }
        self.or_log_in(world, answer.status, 200).await;
    }

    async fn buy(&mut self, world: &World, key: &str) {
        let opened = world.init(&self.customer, key, "signaux-weekly").await;
        if opened.status == 201 {
            world.act_with(&opened.body, json!({ "outcome": "pay" })).await;
            self.paid.push(opened.body);
        } else if opened.status != 200 {
            self.or_log_in(world, opened.status, 201).await;
        }
    }

    /// Nothing but the end of the session may come between.
    async fn or_log_in(&mut self, world: &World, status: u16, expected: u16) {
        assert!([expected, 401].contains(&status), "{status}");
        if status == 401 {
            self.sent_away += 1;
            let body = json!({ "email": self.customer.email, "password": PASSWORD });
            let tokens = world.post("/api/auth/login", &body).await.expect(200);
            self.customer = self.customer.with(&tokens);
            self.tokens.push((Instant::now(), self.customer.access_token.clone()));
        }
    }
}

/// How long after `since` the last request with this token began that was believed.
async fn believed_for(world: &World, token: &str, since: Instant) -> Duration {
    let mut last = Duration::ZERO;
    loop {
        let began = since.elapsed();
        if world.call("GET", "/api/me").bearer(token).send().await.status == 401 {
            return last;
        }
        last = began;
        assert!(last < 10 * SOON, "still believed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_62_one_act_rotates_the_keys_and_ends_all_sessions_under_load_and_nothing_is_lost() {
    let mut world = World::setup().with_worker().start().await;
    let quiet = world.made_customer("quiet").await;
    let bought = world.open(&quiet, "k1", "signaux-monthly").await;
    world.pay(&bought).await;
    world.until("it is settled", async || world.status_of(&quiet, &bought).await == "succeeded").await;
    let before = world.subscription(&quiet).await;
    let stop = AtomicBool::new(false);
    let lives = join_all((0..PEOPLE).map(|number| Life::begin(&world, number))).await;
    let load = join_all(lives.into_iter().map(|life| life.go_on(&world, &stop)));
    let drill = async {
        let some = async || world.count("SELECT count(*) FROM payments").await > 2 * PEOPLE;
        world.until("the load is on", some).await;
        let began = Instant::now();
        world.app.rotate_every_key(&Context::operator(), true, true, "a drill").await.unwrap();
        let done = Instant::now();
        assert!(done - began < LIMIT, "{:?}", done - began);
        let believed = believed_for(&world, &quiet.access_token, done).await;
        let at_that_time = world.count("SELECT count(*) FROM payments").await;
        let more = async || world.count("SELECT count(*) FROM payments").await > at_that_time + PEOPLE;
        world.until("people go on buying", more).await;
        stop.store(true, Ordering::Relaxed);
        (began, done, believed)
    };
    let (lives, (began, done, believed)) = tokio::join!(load, drill);
    assert!(believed <= SOON, "believed for {believed:?}");

    world.until("nothing is left to do", async || world.due().await.is_empty()).await;
    world.until_peers_are_quiet().await;
    world.stop_worker().await;
    world.drain().await;
    for life in &lives {
        assert!(life.sent_away >= 1, "everybody logs in again");
        everything_counts(&world, life).await;
        for (_, token) in life.tokens.iter().filter(|(held_from, _)| *held_from < began) {
            world.call("GET", "/api/me").bearer(token).send().await.expect(401);
        }
    }
    let back = world.log_in(&quiet.email).await;
    for member in ["starts_at", "ends_at", "periods"] {
        assert_eq!(world.subscription(&back).await[member], before[member], "{member}");
    }
    let paid: usize = lives.iter().map(|life| life.paid.len()).sum();
    println!(
        "SEC-62: {PEOPLE} people, {paid} payments, the act took {:?}, the last old token lived {believed:?}",
        done - began
    );
    world.finish().await;
}

/// Every payment that was paid is settled, and the time is exactly what was paid for.
async fn everything_counts(world: &World, life: &Life) {
    let customer = world.log_in(&life.customer.email).await;
    for payment in &life.paid {
        assert_eq!(world.status_of(&customer, payment).await, "succeeded");
        assert_eq!(world.charges_of(payment).await, 1);
    }
    assert!(!life.paid.is_empty());
    let periods = world.subscription(&customer).await["periods"].as_array().unwrap().len();
    assert_eq!(periods, life.paid.len());
}
