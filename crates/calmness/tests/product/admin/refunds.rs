//! Money that goes back: by an admin, once per key, whatever the provider answers.

use application::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Staff, World};

async fn refund(world: &World, admin: &Staff, payment: &Value, key: &str, amount: Option<i64>) -> Answer {
    let mut body = json!({ "reason": "asked for by the payer", "idempotency_key": key });
    if let Some(amount) = amount {
        body["amount"] = json!(amount);
    }
    let path = format!("/api/admin/payments/{}/refund", payment["id"].as_str().unwrap());
    world.confirmed(admin, "POST", &path, &body).await
}

fn refunds_in(books: &Value) -> Vec<i64> {
    books["refunds"].as_array().unwrap().iter().map(|refund| refund["amount"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_full_refund_ends_the_time_that_was_bought() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    let asked = refund(&world, &admin, &payment, "r", None).await.expect(202);
    assert_eq!((asked.text_of("state"), asked.body["amount"].as_i64()), ("requested", Some(5_999)));
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "refunded");
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    assert_eq!(refunds_in(&world.books_of(&payment).await), [5_999]);
    world.finish().await;
}

#[tokio::test]
async fn several_parts_go_back_and_never_more_than_came() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    refund(&world, &admin, &payment, "r1", Some(1_000)).await.expect(202);
    refund(&world, &admin, &payment, "r2", Some(2_000)).await.expect(202);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "partially_refunded");
    assert_eq!(world.subscription(&customer).await["status"], "active", "a partial refund takes no time");
    let too_much = refund(&world, &admin, &payment, "r3", Some(3_000)).await;
    assert_eq!(too_much.problem(), (422, "validation_failed"));
    // A refund of the provider's own dashboard counts as gone, too.
    world.act_with(&payment, json!({ "outcome": "refund", "amount": 999 })).await;
    world.drain().await;
    let left = refund(&world, &admin, &payment, "r4", None).await.expect(202);
    assert_eq!(left.body["amount"], 2_000);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "refunded");
    let nothing = refund(&world, &admin, &payment, "r5", None).await;
    assert_eq!(nothing.problem(), (409, "nothing_to_refund"));
    assert_eq!(refunds_in(&world.books_of(&payment).await).iter().sum::<i64>(), 5_999);
    world.finish().await;
}

#[tokio::test]
async fn one_key_sends_back_once_and_another_refund_under_it_is_refused() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    let first = refund(&world, &admin, &payment, "r", Some(500)).await.expect(202);
    let again = refund(&world, &admin, &payment, "r", Some(500)).await.expect(200);
    assert_eq!(first.text_of("id"), again.text_of("id"));
    let other = refund(&world, &admin, &payment, "r", Some(501)).await;
    assert_eq!(other.problem(), (422, "idempotency_key_reused"));
    world.drain().await;
    assert_eq!(refunds_in(&world.books_of(&payment).await), [500]);
    world.finish().await;
}

#[tokio::test]
async fn a_refund_whose_answer_is_lost_is_sent_again_under_its_own_key() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    world
        .fault(json!({ "peer": "psp_api", "fault": "error_500_after", "operation": "refund", "times": 2 }))
        .await;
    refund(&world, &admin, &payment, "r", None).await.expect(202);
    world.drain().await;
    let path = format!("/api/admin/payments/{}", payment["id"].as_str().unwrap());
    let shown = world.get_by(&admin.person, &path).await.expect(200);
    assert_eq!(shown.body["refunds"][0]["state"], "sent", "{}", shown.text);
    world.advance(time::Duration::minutes(5)).await;
    world.advance(time::Duration::minutes(5)).await;
    let shown = world.get_by(&admin.person, &path).await.expect(200);
    assert_eq!(shown.body["refunds"][0]["state"], "succeeded", "{}", shown.text);
    assert_eq!(refunds_in(&world.books_of(&payment).await), [5_999]);
    world.finish().await;
}

#[tokio::test]
async fn what_was_never_paid_is_never_sent_back() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    let refused = refund(&world, &admin, &payment, "r", None).await;
    assert_eq!(refused.problem(), (409, "nothing_to_refund"));
    let missing = json!({ "id": "018f2b7e-0000-7000-8000-000000000000" });
    assert_eq!(refund(&world, &admin, &missing, "r", None).await.status, 404);
    world.finish().await;
}

#[tokio::test]
async fn a_refund_waits_for_a_provider_that_is_not_set_up_now_and_is_never_called_done() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    world.sql("UPDATE payments SET provider = 'paypal'").await;
    let asked = refund(&world, &admin, &payment, "r", None).await.expect(202);
    assert_eq!(asked.text_of("state"), "requested");
    world.drain_once().await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    assert_eq!(refunds_in(&world.books_of(&payment).await), Vec::<i64>::new());
    world.sql("UPDATE payments SET provider = 'hmac_psp'").await;
    world.advance(time::Duration::minutes(5)).await;
    assert_eq!(world.status_of(&customer, &payment).await, "refunded");
    assert_eq!(refunds_in(&world.books_of(&payment).await), [5_999]);
    world.finish().await;
}
