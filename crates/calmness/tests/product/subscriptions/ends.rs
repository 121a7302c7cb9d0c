//! The end of paid time.

use futures_util::future::join_all;
use time::Duration;

use crate::support::World;

#[tokio::test]
async fn the_end_is_told_by_one_mail() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.advance(Duration::days(6)).await;
    world.advance(Duration::days(1)).await;
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    assert_eq!(world.subjects_to(&customer.email).await.len(), 3, "confirmed, reminded, ended");
    for _ in 0..3 {
        world.advance(Duration::days(1)).await;
    }
    assert_eq!(world.subjects_to(&customer.email).await.len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn a_worker_in_the_background_does_it_without_being_asked() {
    let world = World::setup().with_worker().start().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.pay(&payment).await;
    let subjects = async || world.subjects_to(&customer.email).await.len();
    world.until("the payment is confirmed", async || subjects().await == 1).await;
    world.move_clock(Duration::days(8)).await;
    world.until("the end is told", async || subjects().await == 2).await;
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_hundred_ends_in_the_same_minute_are_all_acted_upon() {
    let world = World::new().await;
    let customer = world.made_customer("template").await;
    // Time that the operator granted: three hundred users whose week ends within one minute.
    world
        .sql(
            "INSERT INTO users (id, email, email_key, password_hash, created_at)
             SELECT gen_random_uuid(), 'u' || n || '@example.com', 'u' || n || '@example.com', password_hash, now()
             FROM users, generate_series(1, 300) AS n;
             INSERT INTO subscriptions (id, user_id, channel, plan_code, ends_at, end_due_at, created_at)
             SELECT gen_random_uuid(), id, 'signaux', 'signaux-weekly', now() + interval '7 days' + rank * interval '0.2 s',
                    now() + interval '7 days' + rank * interval '0.2 s', now()
             FROM (SELECT id, row_number() OVER (ORDER BY id) AS rank FROM users WHERE email LIKE 'u%') AS ranked;
             INSERT INTO periods (id, subscription_id, plan_code, position, length_us, starts_at, ends_at, state, bought_at)
             SELECT gen_random_uuid(), id, plan_code, 0, (extract(epoch FROM ends_at - created_at) * 1000000)::bigint,
                    created_at, ends_at, 'live', created_at
             FROM subscriptions",
        )
        .await;
    world.move_clock(Duration::days(7) + Duration::minutes(2)).await;
    let workers = join_all((0..6).map(|_| world.drain_once())).await;
    println!("300 ends; pieces of work by worker: {workers:?}");
    world.drain().await;
    assert_eq!(world.count("SELECT count(*) FROM subscriptions WHERE end_due_at IS NOT NULL").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'subscription.ended'").await, 300);
    let mails = world.sandbox_get("/mailbox?format=json").await;
    let mut told: Vec<String> =
        mails["items"].as_array().unwrap().iter().map(|mail| mail["to"].to_string()).collect();
    told.sort_unstable();
    assert_eq!(told.len(), 300);
    told.dedup();
    assert_eq!(told.len(), 300, "each once");
    world.get_by(&customer, "/api/billing/subscription").await.expect(404);
    world.finish().await;
}
