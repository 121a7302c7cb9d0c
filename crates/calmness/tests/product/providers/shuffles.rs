//! Whole stories, told in any order and five times over. The end is what the provider's books say, whatever came first.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{BTCPAY, FEDAPAY, GENERIC, Line, MTN_MOMO, PAYPAL, STRIPE};
use crate::support::{Customer, World, shuffle};

/// Stories of each provider.
const STORIES: u64 = 24;
const REPEATS: usize = 5;

/// What happens at the provider, and how the payment must end.
struct Story {
    acts: &'static [(&'static str, Option<i64>)],
    ends: &'static [&'static str],
    paid: bool,
}

const fn story(
    acts: &'static [(&'static str, Option<i64>)],
    ends: &'static [&'static str],
    paid: bool,
) -> Story {
    Story { acts, ends, paid }
}

/// The stories that a provider has words for.
fn stories(line: Line) -> Vec<Story> {
    let mut stories = vec![
        story(&[("pay", None)], &["succeeded"], true),
        story(&[("refuse", None)], &["failed"], false),
        // MTN calls a request that ran out failed.
        story(&[("expire", None)], &["expired", "failed"], false),
        story(&[("pay_late", None)], &["succeeded"], true),
    ];
    if line.takes_at_once() {
        stories.push(story(&[("refuse", None), ("pay_late", None)], &["succeeded"], true));
    }
    if line.dashboard.is_told() {
        stories.push(story(&[("pay", None), ("refund", None)], &["refunded"], true));
    }
    if line.dashboard_part.is_told() {
        let parts = &[("pay", None), ("refund", Some(1_000)), ("refund", Some(1_500))];
        stories.push(story(parts, &["partially_refunded"], true));
    }
    if line.disputes.is_told() {
        let lost = &[("pay", None), ("dispute_open", None), ("dispute_lost", None)];
        stories.push(story(lost, &["charged_back"], true));
        let won = &[("pay", None), ("dispute_open", None), ("dispute_won", None)];
        stories.push(story(won, &["succeeded"], true));
        let all = &[("pay", None), ("refund", Some(1_000)), ("dispute_open", None), ("dispute_won", None)];
        stories.push(story(all, &["partially_refunded"], true));
        let over = &[("pay_late", None), ("dispute_open", None), ("dispute_won", None), ("refund", None)];
        stories.push(story(over, &["refunded"], true));
    }
    stories
}

/// A payment whose story has happened at the provider, untold.
struct Untold<'a> {
    customer: Customer,
    payment: Value,
    story: &'a Story,
    seed: u64,
}

async fn events_of(world: &World, payment: &Value) -> Vec<String> {
    let path = format!("/psp/events?payment_id={}", payment["id"].as_str().unwrap());
    let events = world.sandbox_get(&path).await;
    let told = events["items"].as_array().unwrap().iter().filter(|event| event["state"] != "untold");
    told.map(|event| event["event_id"].as_str().unwrap().to_owned()).collect()
}

async fn tell(world: &World, event: &str) {
    world.sandbox_post(&format!("/psp/events/{event}/resend"), &json!({})).await.expect(200);
}

async fn drop_callbacks(world: &World) {
    world.fault(json!({ "peer": "psp_webhooks", "fault": "drop" })).await;
}

/// PayPal's payer agrees, and we take the money: its answer is lost, so that only callbacks can tell.
async fn take_what_was_agreed_to(world: &World, payments: &[Untold<'_>]) {
    world.clear_faults().await;
    for agreed in payments.iter().filter(|it| it.story.paid) {
        for event in events_of(world, &agreed.payment).await {
            tell(world, &event).await;
        }
    }
    drop_callbacks(world).await;
    world.fault(json!({ "peer": "paypal_api", "fault": "error_500_after", "operation": "capture" })).await;
    while world.drain_once().await > 0 {}
}

async fn played<'a>(world: &World, line: Line, stories: &'a [Story]) -> Vec<Untold<'a>> {
    drop_callbacks(world).await;
    let mut payments = Vec::new();
    for seed in 1..=STORIES {
        let customer = world.made_customer(&format!("payer{seed}")).await;
        let payment = line.open(world, &customer, "k").await;
        let story = &stories[usize::try_from(seed).unwrap() % stories.len()];
        payments.push(Untold { customer, payment, story, seed });
    }
    let paying = |act: &&(&str, Option<i64>)| ["pay", "pay_late", "refuse", "expire"].contains(&act.0);
    for untold in &payments {
        for (outcome, _) in untold.story.acts.iter().filter(paying) {
            world.act(&untold.payment, outcome).await;
        }
    }
    if !line.takes_at_once() {
        take_what_was_agreed_to(world, &payments).await;
    }
    for untold in &payments {
        for (outcome, amount) in untold.story.acts.iter().filter(|act| !paying(act)) {
            world.act_with(&untold.payment, json!({ "outcome": outcome, "amount": amount })).await;
        }
    }
    world.until_peers_are_quiet().await;
    world.clear_faults().await;
    payments
}

async fn told_in_any_order(world: &World, untold: &Untold<'_>) {
    let events = events_of(world, &untold.payment).await;
    let mut stream: Vec<String> = std::iter::repeat_n(events, REPEATS).flatten().collect();
    shuffle(&mut stream, untold.seed);
    for (number, event) in stream.iter().enumerate() {
        tell(world, event).await;
        // Now and then somebody asks the provider in between.
        if (number as u64 + untold.seed).is_multiple_of(7) {
            world.drain_once().await;
        }
    }
}

async fn shuffled(line: Line) {
    let (world, _) = line.world().await;
    let stories = stories(line);
    let payments = played(&world, line, &stories).await;
    for some in payments.chunks(6) {
        join_all(some.iter().map(|untold| told_in_any_order(&world, untold))).await;
    }
    world.advance(time::Duration::minutes(3)).await;
    for untold in &payments {
        let status = world.status_of(&untold.customer, &untold.payment).await;
        let (acts, seed) = (untold.story.acts, untold.seed);
        assert!(untold.story.ends.contains(&status.as_str()), "{} {acts:?} {seed}: {status}", line.code);
        let charges = world.charges_of(&untold.payment).await;
        assert_eq!(charges, usize::from(untold.story.paid), "{} {acts:?} {seed}", line.code);
    }
    let paid = payments.iter().filter(|untold| untold.story.paid).count();
    let settled = "SELECT count(*) FROM audit_logs WHERE action = 'payment.settled'";
    assert_eq!(usize::try_from(world.count(settled).await).unwrap(), paid);
    assert_eq!(usize::try_from(world.count("SELECT count(*) FROM periods").await).unwrap(), paid);
    assert_eq!(world.count("SELECT count(*) FROM quarantine").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_stories_of_the_generic_service_end_the_same_in_any_order() {
    shuffled(GENERIC).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_stories_of_stripe_end_the_same_in_any_order() {
    shuffled(STRIPE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_stories_of_paypal_end_the_same_in_any_order() {
    shuffled(PAYPAL).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_stories_of_mtn_momo_end_the_same_in_any_order() {
    shuffled(MTN_MOMO).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_stories_of_fedapay_end_the_same_in_any_order() {
    shuffled(FEDAPAY).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p2_stories_of_btcpay_end_the_same_in_any_order() {
    shuffled(BTCPAY).await;
}
