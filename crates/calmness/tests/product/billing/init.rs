//! `/api/billing/payments/init`: what may be asked for, and what is answered.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn a_payment_is_opened_at_the_provider_by_a_call() {
    let world = World::new().await;
    let customer = world.customer().await;
    let opened = world.init(&customer, "k1", "signaux-monthly").await;
    insta::assert_snapshot!(opened.shown(), @r#"
    201
    {
      amount: 5999
      checkout_url: [address]
      created_at: [instant]
      currency: "EUR"
      expires_at: [instant]
      failure_reason: null
      id: [id]
      instructions: null
      late: false
      mode: "test"
      phase: "awaiting"
      plan_code: "signaux-monthly"
      provider: "hmac_psp"
      refunded_amount: 0
      settled_at: null
      status: "pending"
      under_review: false
    }
    "#);
    assert_eq!(opened.header("idempotency-replayed"), None);
    let books = world.books_of(&opened.body).await;
    assert_eq!((&books["amount"], &books["currency"]), (&json!(5_999), &json!("EUR")));
    assert_eq!(books["payment_id"], opened.body["id"]);
    let back = format!("{}/payments/{}/return?nonce=", world.base, opened.text_of("id"));
    assert!(books["return_url"].as_str().unwrap().starts_with(&back), "{books}");
    world.finish().await;
}

#[tokio::test]
async fn in_link_mode_a_payment_is_opened_without_asking_anybody() {
    let world = World::setup().with_links().start().await;
    let customer = world.customer().await;
    let opened = world.init(&customer, "k1", "signaux-monthly").await.expect(201);
    assert_eq!(opened.body["phase"], "awaiting");
    assert!(opened.text_of("checkout_url").contains("&sig="), "{}", opened.text);
    assert_eq!(world.sandbox_get("/log?kind=psp").await["items"], json!([]), "nobody was asked");
    world.pay(&opened.body).await;
    world.drain().await;
    assert_eq!(world.status_of(&customer, &opened.body).await, "succeeded");
    assert_eq!(world.charges_of(&opened.body).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_browser_that_carries_a_link_can_change_nothing_in_it() {
    let world = World::setup().with_links().start().await;
    let customer = world.customer().await;
    let opened = world.open(&customer, "k1", "signaux-monthly").await;
    let link = opened["checkout_url"].as_str().unwrap();
    for changed in
        [link.replace("amount=5999", "amount=1"), format!("{link}&amount=1"), link.replace("EUR", "XOF")]
    {
        assert_ne!(changed, link);
        assert_eq!(world.http.get(&changed).send().await.unwrap().status(), 403, "{changed}");
    }
    assert_eq!(world.http.get(link).send().await.unwrap().status(), 303);
    world.finish().await;
}

#[tokio::test]
async fn exactly_one_idempotency_key_must_be_given() {
    let world = World::new().await;
    let customer = world.customer().await;
    let body = |key: Option<&str>| {
        let mut body = json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "EUR" });
        if let Some(key) = key {
            body["idempotency_key"] = json!(key);
        }
        body
    };
    let ask = async |headers: &[&str], in_body: Option<&str>| {
        let call = world.call("POST", "/api/billing/payments/init").by(&customer).json(&body(in_body));
        let call = headers.iter().fold(call, |call, key| call.header("Idempotency-Key", key));
        let answer = call.send().await;
        (answer.status, answer.body["code"].as_str().unwrap_or_default().to_owned())
    };
    let missing = (400, "idempotency_key_missing".to_owned());
    assert_eq!(ask(&[], None).await, missing);
    assert_eq!(ask(&["a"], Some("a")).await, missing, "in both places");
    assert_eq!(ask(&["a", "b"], None).await, missing, "twice");
    assert_eq!(ask(&[""], None).await, missing);
    assert_eq!(ask(&[], Some("")).await, missing);
    let long = (400, "idempotency_key_too_long".to_owned());
    assert_eq!(ask(&[&"k".repeat(256)], None).await, long);
    assert_eq!(ask(&[], Some(&"é".repeat(256))).await, long);
    assert_eq!(ask(&[], Some("a\u{0}b")).await, long, "no control characters");
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 0);
    assert_eq!(ask(&[&"k".repeat(255)], None).await.0, 201);
    assert_eq!(ask(&[], Some(&"é".repeat(255))).await.0, 200);
    world.finish().await;
}

#[tokio::test]
async fn a_key_means_the_same_in_the_header_and_in_the_body() {
    let world = World::new().await;
    let customer = world.customer().await;
    let opened = world.init(&customer, "k1", "signaux-weekly").await.expect(201);
    let body = json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "EUR", "idempotency_key": "k1" });
    let again =
        world.call("POST", "/api/billing/payments/init").by(&customer).json(&body).send().await.expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.text, opened.text);
    world.finish().await;
}

#[tokio::test]
async fn what_is_not_sold_is_refused_by_name() {
    let world = World::new().await;
    let customer = world.customer().await;
    for (plan, provider, currency, code) in [
        ("signaux-yearly", "hmac_psp", "EUR", "plan_unknown"),
        ("NOT A PLAN", "hmac_psp", "EUR", "plan_unknown"),
        ("signaux-weekly", "stripe", "EUR", "provider_unknown"),
        ("signaux-weekly", "hmac_psp", "USD", "currency_not_offered"),
        ("signaux-weekly", "hmac_psp", "euro", "validation_failed"),
        ("signaux-weekly", "hmac_psp", "", "validation_failed"),
    ] {
        let body = json!({ "plan_code": plan, "provider": provider, "currency": currency });
        let refused = world.init_with(&customer, "k1", &body).await;
        assert_eq!(refused.problem(), (422, code), "{body}");
    }
    let unnamed = world
        .init_with(&customer, "k1", &json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp" }))
        .await;
    assert_eq!(unnamed.problem(), (422, "currency_required"), "three prices fit");
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 0);
    // A refusal binds nothing to the key.
    world.init(&customer, "k1", "signaux-weekly").await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn amount_status_and_owner_are_never_the_clients_to_say() {
    let world = World::new().await;
    let customer = world.customer().await;
    for (name, value) in
        [("amount", json!(1)), ("status", json!("succeeded")), ("user_id", json!(customer.id))]
    {
        let mut body = json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "EUR" });
        body[name] = value;
        let refused = world.init_with(&customer, "k1", &body).await;
        assert_eq!(refused.problem(), (422, "validation_failed"));
        assert_eq!(refused.body["errors"][0]["pointer"], format!("/{name}"));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_card_number_in_free_text_is_refused_and_kept_nowhere() {
    let world = World::new().await;
    let customer = world.customer().await;
    for key in ["4242424242424242", "card 5555-5555-5555-4444", "4242 4242 4242 4242"] {
        assert_eq!(
            world.init(&customer, key, "signaux-weekly").await.problem(),
            (422, "card_number_refused")
        );
    }
    let in_plan = json!({ "plan_code": "4242424242424242", "provider": "hmac_psp", "currency": "EUR" });
    assert_eq!(world.init_with(&customer, "k1", &in_plan).await.problem(), (422, "card_number_refused"));
    assert_eq!(world.count("SELECT count(*) FROM idempotency_keys").await, 0);
    // Thirteen digits and a Luhn check that fails: an ordinary key.
    world.init(&customer, "4242424242424241", "signaux-weekly").await.expect(201);
    world.finish().await;
}

#[tokio::test]
async fn only_a_user_who_may_pay_opens_payments() {
    let world = World::new().await;
    let customer = world.customer().await;
    let anonymous = world.post("/api/billing/payments/init", &json!({})).await;
    assert_eq!(anonymous.problem(), (401, "unauthorized"));
    world.sql("UPDATE users SET frozen_at = now()").await;
    assert_eq!(world.init(&customer, "k1", "signaux-weekly").await.problem(), (403, "forbidden"));
    assert_eq!(world.count("SELECT count(*) FROM payments").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_provider_that_refuses_makes_a_failed_payment_and_room_for_another() {
    let world = World::new().await;
    let customer = world.customer().await;
    // The service takes no amount above a million of millions of minor units.
    world
        .sql("UPDATE plan_prices SET amount_minor = 1000000000000001 WHERE plan_code = 'signaux-weekly'")
        .await;
    world.app.catalogue().reload(world.app.db()).await.unwrap();
    let refused = world.init(&customer, "k1", "signaux-weekly").await.expect(201);
    assert_eq!((&refused.body["status"], &refused.body["checkout_url"]), (&json!("failed"), &json!(null)));
    assert_eq!(refused.body["failure_reason"], "invalid");
    world.sql("UPDATE plan_prices SET amount_minor = 1999 WHERE plan_code = 'signaux-weekly'").await;
    world.app.catalogue().reload(world.app.db()).await.unwrap();
    assert_eq!(world.init(&customer, "k2", "signaux-weekly").await.expect(201).body["status"], "pending");
    world.finish().await;
}
