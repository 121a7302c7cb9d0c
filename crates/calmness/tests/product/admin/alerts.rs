//! Alerts: seen, acknowledged once, raised anew when found again; and how the business goes.

use application::Role;
use serde_json::json;

use crate::support::{COMPANY, World};

#[tokio::test]
async fn an_acknowledged_alert_says_who_looks_after_it_and_its_condition_found_again_is_a_new_one() {
    let world = World::new().await;
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    world.act(&payment, "wrong_amount").await;
    world.drain().await;
    let open = world.get_by(&admin.person, "/api/admin/alerts?state=open").await.expect(200);
    let alert = open.body["items"][0].clone();
    assert_eq!(
        (&alert["kind"], &open.body["items"][1]),
        (&json!("webhook_quarantined"), &json!(null)),
        "{}",
        open.text
    );
    let path = format!("/api/admin/alerts/{}/acknowledge", alert["id"].as_str().unwrap());
    let note = json!({ "note": "I have written to the payer" });
    world.confirmed(&admin, "POST", &path, &note).await.expect(204);
    assert_eq!(world.confirmed(&admin, "POST", &path, &note).await.problem(), (409, "already_acknowledged"));
    let known = world.get_by(&admin.person, "/api/admin/alerts?state=acknowledged").await.expect(200);
    let known = &known.body["items"][0];
    assert_eq!(
        (&known["note"], &known["acknowledged_by"]),
        (&json!("I have written to the payer"), &json!(admin.person.id))
    );
    let audited = "SELECT count(*) FROM audit_logs WHERE action = 'alert.acknowledged'";
    assert_eq!(world.count(audited).await, 1);
    // The same condition once more: another event of the same contradiction.
    let mut event = world.event("evt_again", "payment.succeeded", &payment);
    event["data"]["amount"] = json!(2_999);
    world.deliver(&event).await.expect(200);
    world.drain().await;
    let open = world.get_by(&admin.person, "/api/admin/alerts?state=open").await.expect(200);
    assert_eq!(open.body["items"][0]["condition"], alert["condition"]);
    assert_ne!(open.body["items"][0]["id"], alert["id"]);
    world.finish().await;
}

#[tokio::test]
async fn a_broken_invariant_is_one_alert_however_often_it_is_found() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k", "signaux-monthly").await;
    assert_eq!(world.app.raise_broken_invariants().await.unwrap(), 0);
    world.sql("UPDATE payments SET refunded_minor = 1").await;
    let broken = world.app.raise_broken_invariants().await.unwrap();
    world.app.raise_broken_invariants().await.unwrap();
    // Both the status and the books say otherwise.
    assert_eq!(broken, 2);
    let raised =
        "SELECT condition, occurrences FROM alerts WHERE kind = 'invariant_broken' ORDER BY condition";
    assert_eq!(
        world.rows(raised).await,
        [
            json!({ "condition": "invariant:books_add_up", "occurrences": 2 }),
            json!({ "condition": "invariant:status_is_what_the_facts_say", "occurrences": 2 }),
        ]
    );
    world.drain().await;
    assert_eq!(world.mails_to(COMPANY).await.len(), 2);
    world.abandon().await;
}

#[tokio::test]
async fn stats_tell_money_by_currency_and_what_waits() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let (awa, bob) = (world.made_customer("awa").await, world.made_customer("bob").await);
    let paid = world.buy(&awa, "k", "signaux-monthly").await;
    world.act_with(&paid, json!({ "outcome": "refund", "amount": 999 })).await;
    let francs = json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "XOF" });
    let other = world.init_with(&bob, "k", &francs).await.expect(201).body;
    world.pay(&other).await;
    world.open(&bob, "k2", "signaux-monthly").await;
    world.drain().await;
    let day = world.now().await.date();
    let path = format!("/api/admin/stats?from={day}&to={}", day.next_day().unwrap().next_day().unwrap());
    let stats = world.get_by(&admin.person, &path).await.expect(200).body;
    assert_eq!(
        stats["money"],
        json!([
            { "provider": "hmac_psp", "mode": "test", "currency": "EUR", "payments": 1, "gross": 5_999, "refunded": 999,
              "charged_back": 0, "net": 5_000, "disputed": 0 },
            { "provider": "hmac_psp", "mode": "test", "currency": "XOF", "payments": 1, "gross": 13_000, "refunded": 0,
              "charged_back": 0, "net": 13_000, "disputed": 0 },
        ])
    );
    assert_eq!((&stats["payments_opened"], &stats["payments_converted"]), (&json!(3), &json!(2)));
    assert_eq!(stats["conversion"], json!(0.6666));
    assert_eq!((&stats["subscriptions_active"], &stats["new_users"]), (&json!(2), &json!(3)));
    let turned = world.get_by(&admin.person, "/api/admin/stats?from=2026-12-01&to=2026-11-01").await;
    assert_eq!(turned.body["errors"][0]["pointer"], "/to", "{}", turned.text);
    world.finish().await;
}
