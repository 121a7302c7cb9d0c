//! What leaves the house for a provider.

use application::Context;
use application::settings::Key;
use serde_json::json;
use web::{Limit, LimitSettings};

use super::{FEDAPAY, MTN_MOMO, STRIPE};
use crate::support::World;

#[tokio::test]
async fn a_provider_is_offered_from_the_moment_its_settings_are_kept_and_its_secrets_are_readable_nowhere() {
    let (world, _) = FEDAPAY.world().await;
    let offered = world.get("/api/billing/providers").await.expect(200);
    let fedapay = offered.body["items"].as_array().unwrap().iter().find(|item| item["provider"] == "fedapay");
    assert_eq!(fedapay.unwrap()["currencies"], json!(["XOF"]));
    assert_eq!(fedapay.unwrap()["mode"], "test");
    assert!(!offered.text.contains(crate::support::FEDAPAY_KEY));
    let rows = world.rows("SELECT * FROM admin_config").await;
    assert!(!format!("{rows:?}").contains(&crate::support::hex(crate::support::FEDAPAY_KEY.as_bytes())));
    world.finish().await;
}

#[tokio::test]
async fn settings_that_cannot_be_right_are_refused_by_name_and_change_nothing() {
    let world = World::new().await;
    for broken in ["", "{}", r#"{"secret_key":"canary-key"}"#, "[]", r#"{"mode":"sometimes"}"#] {
        let refused = world.app.set_setting(&Context::operator(), Key::Fedapay, broken).await.unwrap_err();
        assert!(!refused.to_string().contains("canary"), "{refused}");
    }
    let offered = world.get("/api/billing/providers").await.expect(200);
    assert_eq!(offered.body["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_telephone_is_asked_for_where_the_provider_prompts_it_and_can_be_stored() {
    let (world, customer) = MTN_MOMO.world().await;
    let mut body = MTN_MOMO.order();
    body.as_object_mut().unwrap().remove("phone_number");
    assert_eq!(world.init_with(&customer, "k", &body).await.problem(), (422, "validation_failed"));
    let stored = json!({ "provider": "mtn_momo", "phone_number": "+22997808080" });
    let stored = world.by(&customer, "POST", "/api/billing/payment-methods", &stored).await.expect(201);
    assert_eq!(stored.text_of("display"), "+229 •• •• •• 80");
    body["payment_method_id"] = stored.body["id"].clone();
    let payment = world.init_with(&customer, "k", &body).await.expect(201).body;
    assert_eq!(payment["instructions"]["kind"], "phone_prompt", "{payment}");
    assert!(!payment.to_string().contains("97808080"), "{payment}");
    let other = world.made_customer("other").await;
    assert_eq!(world.init_with(&other, "k", &body).await.problem(), (422, "payment_method_unknown"));
    let path = format!("/api/billing/payment-methods/{}", stored.text_of("id"));
    world.call("DELETE", &path).by(&customer).send().await.expect(204);
    let left = world.get_by(&customer, "/api/billing/payment-methods").await.expect(200);
    assert_eq!(left.body["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn sec_59_a_telephone_that_paid_is_forgotten_with_its_account() {
    let (world, customer) = MTN_MOMO.world().await;
    MTN_MOMO.open(&world, &customer, "k").await;
    assert_eq!(world.count("SELECT count(*) FROM payments WHERE payer_encrypted IS NOT NULL").await, 1);
    world.sql("UPDATE users SET erasure_requested_at = '2020-01-01Z'").await;
    world.drain().await;
    assert_eq!(world.count("SELECT count(*) FROM payments WHERE payer_encrypted IS NOT NULL").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM payment_methods").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn unsigned_callbacks_only_make_us_ask_about_what_waits_and_are_counted() {
    let limits = LimitSettings { unverified_webhooks: Limit::per_minute(5), ..LimitSettings::default() };
    let world = World::setup().with_limits(limits).start().await;
    let settings = (MTN_MOMO.settings)(&world.sandbox).to_string();
    world.app.set_setting(&Context::operator(), Key::MtnMomo, &settings).await.unwrap();
    let customer = world.customer().await;
    let payment = MTN_MOMO.open(&world, &customer, "k").await;
    let body =
        json!({ "externalId": payment["id"], "status": "SUCCESSFUL", "amount": "59.99", "currency": "EUR" });
    let call = async |method| world.call(method, "/api/webhooks/mtn_momo").json(&body).send().await.status;
    assert_eq!([call("PUT").await, call("POST").await], [200, 200]);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "pending", "what it says is not believed");
    let mut refused = 0;
    for _ in 0..8 {
        refused += usize::from(call("POST").await == 429);
    }
    assert!(refused > 0, "a stranger is slowed down");
    world.finish().await;
}

#[tokio::test]
async fn an_unsigned_callback_leaves_a_settled_payment_alone() {
    let (world, customer) = MTN_MOMO.world().await;
    let payment = MTN_MOMO.open(&world, &customer, "k").await;
    world.act(&payment, "pay").await;
    world.drain().await;
    let asked = async || {
        let calls = world.sandbox_get("/log?kind=psp.call&limit=50000").await;
        calls["items"].as_array().unwrap().iter().filter(|call| call["data"]["operation"] == "ask").count()
    };
    let (before, facts) = (asked().await, world.rows("SELECT * FROM payments").await);
    for status in ["SUCCESSFUL", "FAILED", "PENDING"] {
        let body =
            json!({ "externalId": payment["id"], "status": status, "amount": "59.99", "currency": "EUR" });
        world.call("PUT", "/api/webhooks/mtn_momo").json(&body).send().await.expect(200);
        assert_eq!(world.due().await, Vec::<String>::new(), "{status}");
    }
    world.drain().await;
    assert_eq!((asked().await, world.rows("SELECT * FROM payments").await), (before, facts));
    assert_eq!(world.count("SELECT count(*) FROM webhook_events").await, 0);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_way_to_pay_that_two_workers_learn_of_at_once_is_remembered_once() {
    let (world, customer) = STRIPE.world().await;
    let mut order = STRIPE.order();
    order["remember"] = json!(true);
    let payment = world.init_with(&customer, "k", &order).await.expect(201).body;
    world.act(&payment, "pay").await;
    world.fault(json!({ "peer": "stripe_api", "fault": "hold", "operation": "ask" })).await;
    let held = async |count: usize| {
        let faults = world.sandbox_get("/faults").await;
        faults["items"][0]["used"] == count
    };
    // The second worker finds a lease that has run out while the first one is still waiting for the answer.
    let claimable = "UPDATE payments SET check_due_at = created_at, lease_until = NULL, lease_token = NULL";
    world.sql(claimable).await;
    let first = world.drain_once();
    let second = async {
        world.until("the first one asks", async || held(1).await).await;
        world.sql(claimable).await;
        world.drain_once().await
    };
    let release = async {
        world.until("both ask", async || held(2).await).await;
        world.clear_faults().await;
    };
    tokio::join!(first, second, release);
    world.drain().await;
    assert_eq!(world.count("SELECT count(*) FROM payment_methods").await, 1);
    let audited = "SELECT count(*) FROM audit_logs WHERE action = 'payment_method.stored'";
    assert_eq!(world.count(audited).await, 1);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_ways_to_pay_stored_at_once_do_not_pass_the_limit() {
    let (world, customer) = MTN_MOMO.world().await;
    let store = async |number: u32| {
        let body = json!({ "provider": "mtn_momo", "phone_number": format!("+229978080{number:02}") });
        world.by(&customer, "POST", "/api/billing/payment-methods", &body).await.status
    };
    let answers = futures_util::future::join_all((10..40).map(store)).await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 20, "{answers:?}");
    assert_eq!(world.count("SELECT count(*) FROM payment_methods").await, 20);
    world.finish().await;
}
