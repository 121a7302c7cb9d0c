//! One key, one payment, one charge (SEC-42…44).

use futures_util::future::join_all;
use serde_json::json;
use time::Duration;

use crate::support::{Customer, World};

#[tokio::test]
async fn a_replay_answers_the_first_status_and_body_even_after_the_settlement() {
    let world = World::new().await;
    let customer = world.customer().await;
    let first = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    let replay = async || {
        let replay = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
        assert_eq!(replay.header("idempotency-replayed"), Some("true"));
        replay.text
    };
    assert_eq!(replay().await, first.text);
    world.pay(&first.body).await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &first.body).await, "succeeded");
    assert_eq!(replay().await, first.text);
    world.act(&first.body, "refund").await;
    assert_eq!(replay().await, first.text);
    world.finish().await;
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let world = World::new().await;
    let customer = world.customer().await;
    world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    let other_plan = world.init(&customer, "k1", "signaux-weekly").await;
    assert_eq!(other_plan.problem(), (422, "idempotency_key_reused"));
    let other_currency = json!({ "plan_code": "signaux-monthly", "provider": "hmac_psp", "currency": "XOF" });
    assert_eq!(
        world.init_with(&customer, "k1", &other_currency).await.problem(),
        (422, "idempotency_key_reused")
    );
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_key_survives_a_refresh_of_the_access_token() {
    let world = World::new().await;
    let customer = world.customer().await;
    let first = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    let tokens = world
        .post("/api/auth/refresh", &json!({ "refresh_token": customer.refresh_token }))
        .await
        .expect(200);
    let refreshed = Customer { access_token: tokens.text_of("access_token").to_owned(), ..customer.clone() };
    let elsewhere = world.log_in(&customer.email).await;
    for session in [refreshed, elsewhere] {
        let again = world.init(&session, "k1", "signaux-monthly").await.expect(201);
        assert_eq!((again.header("idempotency-replayed"), &again.text), (Some("true"), &first.text));
    }
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn the_keys_of_two_users_do_not_meet() {
    let world = World::new().await;
    let (awa, moussa) = (world.customer().await, world.customer_named("moussa").await);
    let one = world.init(&awa, "k1", "signaux-monthly").await.expect(201);
    let other = world.init(&moussa, "k1", "signaux-weekly").await.expect(201);
    assert_eq!(other.header("idempotency-replayed"), None);
    assert_ne!(one.body["id"], other.body["id"]);
    world.finish().await;
}

#[tokio::test]
async fn a_second_key_while_a_payment_is_open_is_bound_to_that_payment() {
    let world = World::new().await;
    let customer = world.customer().await;
    let first = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    let second = world.init(&customer, "k2", "signaux-monthly").await.expect(200);
    assert_eq!((second.header("idempotency-replayed"), &second.body), (None, &first.body));
    let replay = world.init(&customer, "k2", "signaux-monthly").await.expect(200);
    assert_eq!((replay.header("idempotency-replayed"), &replay.text), (Some("true"), &second.text));
    // Another plan or currency is another purchase.
    world.init(&customer, "k3", "signaux-weekly").await.expect(201);
    let francs = json!({ "plan_code": "signaux-monthly", "provider": "hmac_psp", "currency": "XOF" });
    world.init_with(&customer, "k4", &francs).await.expect(201);
    // Once it is paid, a new key buys again.
    world.pay(&first.body).await;
    let third = world.init(&customer, "k5", "signaux-monthly").await.expect(201);
    assert_ne!(third.body["id"], first.body["id"]);
    world.finish().await;
}

#[tokio::test]
async fn an_open_payment_whose_quote_ran_out_makes_room_for_a_new_one() {
    let world = World::new().await;
    let customer = world.customer().await;
    let first = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    // The provider's own word on it is not known yet.
    world.fault(json!({ "peer": "psp_webhooks", "fault": "drop" })).await;
    world.move_clock(Duration::minutes(31)).await;
    let second = world.init(&customer, "k2", "signaux-monthly").await.expect(201);
    assert_ne!(second.body["id"], first.body["id"]);
    world.clear_faults().await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &first.body).await, "expired");
    assert_eq!(world.status_of(&customer, &second.body).await, "pending");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_parallel_requests_on_one_key_make_one_payment_and_one_charge() {
    for link in [false, true] {
        let setup = World::setup();
        let world = if link { setup.with_links() } else { setup }.start().await;
        let customer = world.customer().await;
        let answers = join_all((0..64).map(|_| world.init(&customer, "k1", "signaux-monthly"))).await;
        let (mut ids, mut firsts) = (Vec::new(), 0);
        for answer in &answers {
            match answer.status {
                201 => {
                    ids.push(answer.text_of("id"));
                    firsts += usize::from(answer.header("idempotency-replayed").is_none());
                }
                // The first one is still asking the provider.
                409 => assert_eq!(answer.problem(), (409, "idempotency_in_progress")),
                _ => panic!("{answer:?}"),
            }
        }
        ids.dedup();
        assert_eq!((ids.len(), firsts), (1, 1), "one execution");
        assert_eq!(world.count("SELECT count(*) FROM payments").await, 1);
        let payment = world.init(&customer, "k1", "signaux-monthly").await.expect(201).body;
        let openings = world.sandbox_get("/log?kind=psp.opened").await["items"].as_array().unwrap().len();
        assert_eq!(openings, usize::from(!link));
        world.pay(&payment).await;
        assert_eq!(world.charges_of(&payment).await, 1);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parallel_requests_on_many_keys_find_the_one_open_payment() {
    let world = World::new().await;
    let customer = world.customer().await;
    let keys: Vec<String> = (0..32).map(|number| format!("k{number}")).collect();
    let answers = join_all(keys.iter().map(|key| world.init(&customer, key, "signaux-monthly"))).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert!(statuses.iter().all(|status| matches!(status, 200 | 201)), "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    let mut ids: Vec<&str> = answers.iter().map(|answer| answer.text_of("id")).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_known_key_answers_as_before_when_the_plan_is_not_sold_any_more() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let first = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    world.sql("UPDATE plans SET active = false WHERE code = 'signaux-monthly'").await;
    world.app.catalogue().reload(world.app.db()).await.unwrap();
    let replay = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    assert_eq!((replay.header("idempotency-replayed"), &replay.text), (Some("true"), &first.text));
    assert_eq!(world.init(&customer, "k2", "signaux-monthly").await.problem(), (422, "plan_unknown"));
    world.pay(&first.body).await;
    assert_eq!(world.status_of(&customer, &first.body).await, "succeeded", "what was quoted is honoured");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_new_key_for_an_open_payment_is_bound_once_whatever_races() {
    let world = World::setup().with_links().start().await;
    let customer = world.made_customer("awa").await;
    let first = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    let answers = join_all((0..32).map(|_| world.init(&customer, "k2", "signaux-monthly"))).await;
    assert!(answers.iter().all(|answer| (answer.status, &answer.body) == (200, &first.body)));
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_uuid_is_a_key_and_no_card_number() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    // Its digits pass the check of a card number.
    world.init(&customer, "00000000-0000-4242-4242-424242424242", "signaux-weekly").await.expect(201);
    world.finish().await;
}
