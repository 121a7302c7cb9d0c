//! What contradicts the quote is stored, shown to the company once, and changes nothing (P4, SEC-45).

use serde_json::{Value, json};

use crate::support::{COMPANY, Customer, World};

/// A payment of 59.99 EUR at the service, under its own reference.
async fn opened() -> (World, Customer, Value) {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    (world, customer, payment)
}

async fn quarantined(world: &World) -> Vec<Value> {
    world
        .rows("SELECT outcome, reason, payment_id IS NOT NULL AS known FROM webhook_events ORDER BY id")
        .await
}

#[tokio::test]
async fn a_success_of_another_amount_currency_or_reference_gives_no_access() {
    let wrong = [
        (json!({ "amount": 5_998 }), "amount_mismatch"),
        (json!({ "amount": 1 }), "amount_mismatch"),
        (json!({ "amount": 6_000 }), "amount_mismatch"),
        (json!({ "currency": "XOF" }), "currency_mismatch"),
        (json!({ "amount": null, "currency": null }), "amount_missing"),
        (json!({ "provider_reference": "pay_of_somebody_else" }), "reference_mismatch"),
    ];
    let world = World::new().await;
    for (number, (change, reason)) in wrong.iter().enumerate() {
        let customer = world.made_customer(&format!("awa{number}")).await;
        let payment = world.open(&customer, "k1", "signaux-monthly").await;
        let mut event = world.event(&format!("evt_{number}"), "payment.succeeded", &payment);
        for (name, value) in change.as_object().unwrap() {
            event["data"][name] = value.clone();
        }
        world.deliver(&event).await.expect(200);
        let expected = json!({ "outcome": "quarantined", "reason": reason, "known": true });
        assert_eq!(quarantined(&world).await[number], expected, "{change}");
        world.drain().await;
        let shown = world.payment(&customer, &payment).await;
        assert_eq!((&shown["status"], &shown["under_review"]), (&json!("pending"), &json!(true)), "{change}");
        world.get_by(&customer, "/api/billing/subscription").await.expect(404);
        assert_eq!(world.mails_to(&customer.email).await.len(), 0);
        assert_eq!(world.mails_to(COMPANY).await.len(), number + 1, "{change}");
    }
    assert_eq!(world.rows("SELECT id FROM alerts").await.len(), wrong.len());
    world.finish().await;
}

#[tokio::test]
async fn one_condition_is_one_alert_and_one_mail_however_often_it_is_told() {
    let (world, _, payment) = opened().await;
    for number in 0..5 {
        let mut event = world.event(&format!("evt_{number}"), "payment.succeeded", &payment);
        event["data"]["amount"] = json!(1);
        world.deliver(&event).await.expect(200);
        world.deliver(&event).await.expect(200);
    }
    world.drain().await;
    assert_eq!(quarantined(&world).await.len(), 5);
    assert_eq!(
        world.rows("SELECT kind, occurrences FROM alerts").await,
        [json!({ "kind": "webhook_quarantined", "occurrences": 5 })]
    );
    assert_eq!(world.mails_to(COMPANY).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn a_payer_of_the_wrong_amount_gets_no_access_and_can_pay_anew() {
    let world = World::new().await;
    for (number, outcome) in ["wrong_amount", "wrong_currency"].into_iter().enumerate() {
        let customer = world.made_customer(&format!("awa{number}")).await;
        let payment = world.open(&customer, "k1", "signaux-monthly").await;
        world.act(&payment, outcome).await;
        world.drain().await;
        world.get_by(&customer, "/api/billing/subscription").await.expect(404);
        assert_eq!(world.payment(&customer, &payment).await["under_review"], true, "{outcome}");
        let anew = world.buy(&customer, "k2", "signaux-monthly").await;
        assert_eq!(world.status_of(&customer, &anew).await, "succeeded");
        // Asking the service about it again and again tells nothing new.
        world.advance(time::Duration::hours(3)).await;
        assert_eq!(world.mails_to(COMPANY).await.len(), number + 1, "{outcome}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_statement_about_a_payment_that_does_not_exist_is_quarantined() {
    let (world, ..) = opened().await;
    let unknown = json!({ "id": "018f2b7e-0000-7000-8000-000000000000", "amount": 5_999, "currency": "EUR" });
    world.deliver(&world.event("evt_1", "payment.succeeded", &unknown)).await.expect(200);
    world.deliver(&world.event("evt_2", "payment.succeeded", &unknown)).await.expect(200);
    let expected = json!({ "outcome": "quarantined", "reason": "unknown_payment", "known": false });
    assert_eq!(quarantined(&world).await, [expected.clone(), expected]);
    world.drain().await;
    assert_eq!(world.mails_to(COMPANY).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn what_names_a_payment_of_ours_and_cannot_be_understood_is_shown_to_a_person() {
    let (world, customer, payment) = opened().await;
    for (number, (name, value)) in [
        ("amount", json!("5999")),
        ("amount", json!(59.99)),
        ("currency", json!("???")),
        ("currency", json!(null)),
    ]
    .into_iter()
    .enumerate()
    {
        let mut event = world.event(&format!("evt_{number}"), "payment.succeeded", &payment);
        event["data"][name] = value;
        world.deliver(&event).await.expect(200);
    }
    assert!(quarantined(&world).await.iter().all(|row| row["reason"] == "suspicious"));
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    assert!(!world.mails_to(COMPANY).await.is_empty());
    world.finish().await;
}

#[tokio::test]
async fn unknown_kinds_and_foreign_payments_are_stored_and_ignored() {
    let (world, customer, payment) = opened().await;
    let foreign = json!({ "id": "order-4711", "amount": 1, "currency": "EUR" });
    let events = [
        world.event("evt_1", "invoice.created", &payment),
        world.event("evt_2", "payment.succeeded", &foreign),
        json!({ "id": "evt_3", "type": "service.hello" }),
    ];
    for event in &events {
        let answer = world.deliver(event).await;
        insta::allow_duplicates! { insta::assert_snapshot!(answer.shown(), @r"
        200
        {
          received: true
        }
        "); }
    }
    let ignored = json!({ "outcome": "ignored", "reason": null, "known": false });
    assert_eq!(quarantined(&world).await, vec![ignored; 3]);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "pending");
    assert_eq!(world.mails_to(COMPANY).await.len(), 0);
    world.finish().await;
}

#[tokio::test]
async fn services_may_add_fields() {
    let (world, customer, payment) = opened().await;
    let mut event = world.event("evt_1", "payment.succeeded", &payment);
    event["livemode"] = json!(true);
    event["data"]["fee"] = json!({ "amount": 12 });
    world.deliver(&event).await.expect(200);
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    world.finish().await;
}
