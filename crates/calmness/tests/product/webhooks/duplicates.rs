//! However often something is told, it happens once.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::World;

/// What a payment's success leaves behind: events, periods, audit entries, confirmations.
async fn effects(world: &World) -> [i64; 4] {
    [
        world.count("SELECT count(*) FROM webhook_events").await,
        world.count("SELECT count(*) FROM periods").await,
        world.count("SELECT count(*) FROM audit_logs WHERE action = 'payment.settled'").await,
        world.count("SELECT count(*) FROM notifications WHERE kind = 'payment_confirmed'").await,
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_duplicates_of_one_callback_have_one_effect() {
    const DUPLICATES: usize = 1_000;
    const AT_ONCE: usize = 50;
    let world = World::setup().with_links().start().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    let event = world.event("evt_1", "payment.succeeded", &payment);
    for _ in 0..DUPLICATES / AT_ONCE {
        for answer in join_all((0..AT_ONCE).map(|_| world.deliver(&event))).await {
            answer.expect(200);
        }
    }
    println!("{DUPLICATES} duplicates, {AT_ONCE} at once");
    assert_eq!(effects(&world).await, [1; 4]);
    world.drain().await;
    assert_eq!(world.subjects_to(&customer.email).await.len(), 1);
    assert_eq!(world.subscription(&customer).await["periods"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_success_under_many_event_ids_has_one_effect() {
    let world = World::setup().with_links().start().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    let events: Vec<_> =
        (0..40).map(|number| world.event(&format!("evt_{number}"), "payment.succeeded", &payment)).collect();
    for answer in join_all(events.iter().map(|event| world.deliver(event))).await {
        answer.expect(200);
    }
    assert_eq!(effects(&world).await, [40, 1, 1, 1]);
    assert_eq!(world.count("SELECT count(*) FROM webhook_events WHERE outcome = 'applied'").await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_callback_that_races_our_own_question_has_one_effect() {
    for _ in 0..5 {
        let world = World::new().await;
        let customer = world.made_customer("awa").await;
        let payment = world.open(&customer, "k1", "signaux-monthly").await;
        world.fault(json!({ "peer": "psp_webhooks", "fault": "drop" })).await;
        world.pay(&payment).await;
        world.move_clock(time::Duration::seconds(6)).await;
        let event = world.event("evt_1", "payment.succeeded", &payment);
        let (delivered, _) =
            tokio::join!(join_all((0..8).map(|_| world.deliver(&event))), world.drain_once());
        for answer in delivered {
            answer.expect(200);
        }
        assert_eq!(effects(&world).await, [1; 4]);
        world.finish().await;
    }
}

#[tokio::test]
async fn an_event_id_is_taken_once_whatever_comes_under_it_later() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    world.deliver(&world.event("evt_1", "payment.succeeded", &payment)).await.expect(200);
    let other = world.event("evt_1", "payment.refunded", &payment);
    world.deliver(&other).await.expect(200);
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    assert_eq!(effects(&world).await[0], 1);
    world.finish().await;
}
