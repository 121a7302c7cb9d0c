//! Too few coins and too many: an admin decides, and nothing of it is lost.

use application::Role;
use serde_json::{Value, json};

use super::BTCPAY;
use crate::support::{Customer, Staff, World};

async fn with_coins(amount: i64) -> (World, Customer, Staff, Value) {
    let (world, customer) = BTCPAY.world().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = BTCPAY.open(&world, &customer, "k").await;
    world.act_with(&payment, json!({ "outcome": "wrong_amount", "amount": amount })).await;
    world.drain().await;
    (world, customer, admin, payment)
}

async fn cases(world: &World, admin: &Staff) -> Vec<Value> {
    let cases = world.get_by(&admin.person, "/api/admin/quarantine").await.expect(200);
    cases.body["items"].as_array().unwrap().clone()
}

/// Every callback five times again, and the provider asked on for a day.
async fn insist(world: &World) {
    let events = world.sandbox_get("/psp/events?provider=btcpay").await;
    for event in events["items"].as_array().unwrap().iter().filter(|event| event["state"] != "untold") {
        for _ in 0..5 {
            let path = format!("/psp/events/{}/resend", event["event_id"].as_str().unwrap());
            world.sandbox_post(&path, &json!({})).await.expect(200);
        }
    }
    for _ in 0..4 {
        world.advance(time::Duration::hours(6)).await;
    }
}

async fn decide(world: &World, admin: &Staff, case: &Value, decision: &str) {
    let path = format!("/api/admin/quarantine/{}/{decision}", case["id"].as_str().unwrap());
    let reason = json!({ "reason": "agreed with the payer" });
    world.confirmed(admin, "POST", &path, &reason).await.expect(204);
    world.drain().await;
}

async fn alerts(world: &World) -> i64 {
    world.count("SELECT count(*) FROM alerts WHERE kind = 'webhook_quarantined'").await
}

#[tokio::test]
async fn sec_45_too_few_coins_wait_for_the_rest_and_are_one_case_once_the_time_has_run_out() {
    for decision in ["accept", "reject"] {
        let (world, customer, admin, payment) = with_coins(2_000).await;
        assert_eq!(cases(&world, &admin).await, Vec::<Value>::new(), "the rest may still come");
        world.advance(time::Duration::hours(2)).await;
        insist(&world).await;
        let cases_then = cases(&world, &admin).await;
        assert_eq!(cases_then.len(), 1, "{cases_then:?}");
        let case = &cases_then[0];
        assert_eq!((&case["code"], &case["payment_id"]), (&json!("amount_mismatch"), &payment["id"]));
        assert_eq!((&case["stated"]["amount"], &case["stated"]["currency"]), (&json!(2_000), &json!("EUR")));
        assert_eq!(alerts(&world).await, 1);
        assert_eq!(world.payment(&customer, &payment).await["under_review"], true);
        decide(&world, &admin, case, decision).await;
        insist(&world).await;
        assert_eq!(cases(&world, &admin).await, Vec::<Value>::new());
        let settled = world.status_of(&customer, &payment).await == "succeeded";
        assert_eq!(settled, decision == "accept");
        assert_eq!(world.count("SELECT count(*) FROM periods").await, i64::from(settled));
        world.finish().await;
    }
}

#[tokio::test]
async fn a_case_of_coins_outlives_the_time_in_which_the_server_is_asked() {
    let (world, customer, admin, payment) = with_coins(2_000).await;
    world.advance(time::Duration::days(30)).await;
    assert_eq!(world.status_of(&customer, &payment).await, "expired");
    let cases = cases(&world, &admin).await;
    decide(&world, &admin, &cases[0], "accept").await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    assert_eq!(world.subscription(&customer).await["status"], "active");
    world.finish().await;
}

#[tokio::test]
async fn sec_45_too_many_coins_are_one_case_which_an_admin_may_accept() {
    let (world, customer, admin, payment) = with_coins(7_000).await;
    insist(&world).await;
    let cases = cases(&world, &admin).await;
    assert_eq!(cases.len(), 1, "{cases:?}");
    assert_eq!(cases[0]["stated"]["amount"], 7_000);
    assert_eq!((alerts(&world).await, world.status_of(&customer, &payment).await.as_str()), (1, "pending"));
    decide(&world, &admin, &cases[0], "accept").await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    assert_eq!(world.subscription(&customer).await["status"], "active");
    world.finish().await;
}
