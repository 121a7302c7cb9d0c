use domain::payment::{Claim, Statement};
use secrecy::ExposeSecret as _;

use super::*;
use crate::payments::{CheckoutWay, MethodToken, SavedMethod};

fn created(rel: &str, href: &str) -> Reply {
    let mut created = answer("PAYER_ACTION_REQUIRED", &json!(null));
    created["links"].as_array_mut().unwrap().push(json!({"href": href, "rel": rel, "method": "GET"}));
    Reply::json(201, &created.to_string())
}

const PAGE: &str = "https://www.sandbox.paypal.com/checkoutnow?token=5O190127TN364715T";

#[tokio::test]
async fn an_order_is_made_as_paypals_own_library_does() {
    let peer = answering(created("payer-action", PAGE)).await;
    let checkout = paypal(&peer.base).create_checkout(&order()).await.unwrap();
    assert_eq!(checkout.reference.as_deref(), Some(ORDER));
    assert_eq!(checkout.way, CheckoutWay::Page(PAGE.to_owned()));

    let request = peer.requests()[1].clone();
    let theirs = recorded("/v2/checkout/orders");
    assert_eq!(request.target, "/v2/checkout/orders");
    assert_like(&request, &theirs, &[("paypal-request-id", PAYMENT)]);
    let mut expected: Value = serde_json::from_str(theirs["body"].as_str().unwrap()).unwrap();
    let unit = &mut expected["purchase_units"][0];
    for name in ["reference_id", "custom_id", "invoice_id"] {
        unit[name] = json!(PAYMENT);
    }
    unit["amount"]["value"] = json!("59.99");
    unit["description"] = json!("Signaux · un mois");
    let experience = &mut expected["payment_source"]["paypal"]["experience_context"];
    experience["return_url"] = json!("https://shop.example/back?a=1");
    experience["cancel_url"] = json!("https://shop.example/back?a=1");
    // Beyond what was recorded, in the words of PayPal's specification.
    experience["payment_method_preference"] = json!("IMMEDIATE_PAYMENT_REQUIRED");
    experience["shipping_preference"] = json!("NO_SHIPPING");
    experience["locale"] = json!("fr-FR");
    assert_eq!(request.json(), expected);
}

#[tokio::test]
async fn amounts_have_the_decimals_of_their_currency() {
    let peer = answering(created("approve", PAGE)).await;
    let mut order = Order { amount: Money::new(1_500, Currency::Jpy), ..order() };
    order.payer.locale = "en";
    order.description = "é".repeat(200);
    paypal(&peer.base).create_checkout(&order).await.unwrap();
    let sent = peer.requests()[1].json();
    let unit = &sent["purchase_units"][0];
    assert_eq!(unit["amount"], json!({"currency_code": "JPY", "value": "1500"}));
    assert_eq!(unit["description"], "é".repeat(127));
    assert_eq!(sent["payment_source"]["paypal"]["experience_context"]["locale"], "en-US");
}

#[tokio::test]
async fn whoever_asks_for_it_is_remembered_by_paypal() {
    let peer = answering(created("payer-action", PAGE)).await;
    let mut order = order();
    order.payer.remember = true;
    paypal(&peer.base).create_checkout(&order).await.unwrap();
    let wallet = peer.requests()[1].json()["payment_source"]["paypal"].clone();
    assert_eq!(
        wallet["attributes"],
        json!({"vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}})
    );
    assert_eq!(wallet.get("vault_id"), None);
}

#[tokio::test]
async fn a_remembered_account_pays_at_once_and_the_payer_comes_straight_back() {
    let paid = answer("COMPLETED", &json!({"captures": [capture("COMPLETED")]}));
    let peer = answering(Reply::json(201, &paid.to_string())).await;
    let mut order = order();
    order.payer.method = Some(MethodToken(SecretString::from("8kk8451t")));
    order.payer.remember = true;
    let checkout = paypal(&peer.base).create_checkout(&order).await.unwrap();
    assert_eq!(checkout.way, CheckoutWay::Page(order.return_url.clone()));
    let wallet = peer.requests()[1].json()["payment_source"]["paypal"].clone();
    assert_eq!(wallet["vault_id"], "8kk8451t");
    assert_eq!(wallet.get("attributes"), None, "it is remembered already");
}

#[tokio::test]
async fn an_order_without_a_usable_page_is_unknown_not_refused() {
    for reply in [
        created("approve", "javascript:alert(1)"),
        created("capture", PAGE),
        Reply::json(201, &json!({"id": "../x", "status": "COMPLETED"}).to_string()),
    ] {
        let peer = answering(reply).await;
        let error = paypal(&peer.base).create_checkout(&order()).await.unwrap_err();
        assert_eq!(kind(&error), "unknown", "{error:?}");
    }
}

async fn fetched(order: Value) -> Result<View, ProviderError> {
    let peer = answering(Reply::json(200, &order.to_string())).await;
    let view = paypal(&peer.base).fetch(&inquiry()).await;
    let request = peer.requests()[1].clone();
    assert_eq!(
        (request.method.as_str(), request.target.as_str()),
        ("GET", "/v2/checkout/orders/5O190127TN364715T")
    );
    view
}

fn known(statements: Vec<Statement>, capturable: bool) -> View {
    let reference = Some(ORDER.to_owned());
    let statements = statements.into_iter().map(|it| it.named(reference.clone())).collect();
    View::Known { reference, statements, capturable, method: None }
}

fn paid(minor: i64) -> Statement {
    Statement::new(datetime!(2026-11-23 09:00 UTC), Claim::Succeeded)
        .of(Some(eur(minor)))
        .moved_by(Some(CAPTURE.to_owned()))
}

#[tokio::test]
async fn an_order_is_as_far_as_its_captures_are() {
    let ended = datetime!(2026-11-23 09:05 UTC);
    let failed = |reason: &str| Statement::new(ended, Claim::Failed { reason: reason.to_owned() });
    let with = |capture: Value| answer("COMPLETED", &json!({"captures": [capture]}));
    let mut declined = capture("DECLINED");
    declined["status_details"] = json!({"reason": "BUYER_COMPLAINT"});
    let mut wrong_amount = capture("COMPLETED");
    wrong_amount["amount"]["value"] = json!("0.01");
    let mut voided = answer("VOIDED", &json!(null));
    voided["update_time"] = json!("2026-11-23T09:05:00Z");
    let cases = [
        (answer("CREATED", &json!(null)), vec![], false),
        (answer("PAYER_ACTION_REQUIRED", &json!({})), vec![], false),
        (answer("APPROVED", &json!(null)), vec![], true),
        (answer("APPROVED", &json!({"captures": [capture("PENDING")]})), vec![], false),
        (answer("A_NEW_WORD", &json!({"captures": [capture("A_NEW_WORD")]})), vec![], false),
        (answer("COMPLETED", &json!(null)), vec![], false),
        (with(capture("PENDING")), vec![], false),
        (with(capture("COMPLETED")), vec![paid(5_999)], false),
        // What was really taken, not what was asked: the quote decides.
        (with(wrong_amount), vec![paid(1)], false),
        (with(declined), vec![failed("BUYER_COMPLAINT")], false),
        (with(capture("FAILED")), vec![failed("FAILED")], false),
        (voided, vec![Statement::new(ended, Claim::Expired)], false),
    ];
    for (order, statements, capturable) in cases {
        assert_eq!(fetched(order.clone()).await.unwrap(), known(statements, capturable), "{order}");
    }
}

#[tokio::test]
async fn refunds_are_summed_up() {
    let refund = |status: &str, value: &str, at: &str| json!({"status": status, "amount": {"currency_code": "EUR", "value": value}, "create_time": at});
    let refunded = |at, minor| Statement::new(at, Claim::Refunded).of(Some(eur(minor)));
    let twice = answer(
        "COMPLETED",
        &json!({
            "captures": [capture("PARTIALLY_REFUNDED")],
            "refunds": [
                refund("COMPLETED", "4.00", "2026-11-23T09:10:00Z"),
                refund("COMPLETED", "1.5", "2026-11-23T09:20:00Z"),
                refund("PENDING", "10.00", "2026-11-23T09:15:00Z"),
                refund("FAILED", "20.00", "2026-11-23T09:15:00Z"),
            ],
        }),
    );
    let expected = known(vec![paid(5_999), refunded(datetime!(2026-11-23 09:20 UTC), 550)], false);
    assert_eq!(fetched(twice).await.unwrap(), expected);
    let whole = answer("COMPLETED", &json!({"captures": [capture("REFUNDED")]}));
    assert_eq!(fetched(whole).await.unwrap(), known(vec![paid(5_999), refunded(WALL, 5_999)], false));
    let unsaid = answer("COMPLETED", &json!({"captures": [capture("PARTIALLY_REFUNDED")]}));
    assert_eq!(fetched(unsaid).await.unwrap(), known(vec![paid(5_999)], false));
    let foreign = answer(
        "COMPLETED",
        &json!({"captures": [capture("COMPLETED")], "refunds": [{"status": "COMPLETED", "amount": {"currency_code": "USD", "value": "1.00"}}]}),
    );
    assert_eq!(fetched(foreign).await.unwrap(), known(vec![paid(5_999)], false));
}

#[tokio::test]
async fn a_remembered_account_is_shown_masked() {
    let mut order = answer("COMPLETED", &json!({"captures": [capture("COMPLETED")]}));
    let mut shown = async |email: &str, vault: Value| {
        order["payment_source"] = json!({"paypal": {"email_address": email, "attributes": {"vault": vault}}});
        match fetched(order.clone()).await.unwrap() {
            View::Known { method, .. } => method,
            View::NeverOpened => None,
        }
    };
    let remembered = |display: &str| {
        Some(SavedMethod { token: MethodToken(SecretString::from("8kk8451t")), display: display.to_owned() })
    };
    let vault = || json!({"id": "8kk8451t", "status": "VAULTED", "customer": {"id": "c"}});
    assert_eq!(shown("awa@example.com", vault()).await, remembered("PayPal a•••@example.com"));
    assert_eq!(shown("\u{1b}[31m@x", vault()).await, remembered("PayPal"));
    assert_eq!(shown("awa@example.com", json!({"status": "APPROVED"})).await, None);
    assert_eq!(shown("awa@example.com", json!({"id": "a/b"})).await, None);
}

#[tokio::test]
async fn without_a_reference_the_same_key_makes_the_same_order_again() {
    let peer = Peer::start([]).await;
    let view = paypal(&peer.base).fetch(&Inquiry { reference: None, ..inquiry() }).await.unwrap();
    assert_eq!(view, View::NeverOpened);
    assert_eq!(peer.requests().len(), 0);
}

#[tokio::test]
async fn an_order_that_paypal_has_forgotten_claims_nothing_and_a_foreign_page_proves_nothing() {
    let peer = answering(problem(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")).await;
    assert_eq!(paypal(&peer.base).fetch(&inquiry()).await.unwrap(), known(vec![], false));
    let peer = answering(Reply::page(404)).await;
    assert_eq!(kind(&paypal(&peer.base).fetch(&inquiry()).await.unwrap_err()), "unknown");
}

#[tokio::test]
async fn an_answer_about_another_payment_is_not_believed() {
    let mut other = answer("COMPLETED", &json!({"captures": [capture("COMPLETED")]}));
    for name in ["custom_id", "reference_id"] {
        other["purchase_units"][0][name] = json!("019400c5-9c00-7000-8000-000000000002");
    }
    other["purchase_units"][0]["payments"]["captures"][0]["custom_id"] = json!("x");
    assert_eq!(kind(&fetched(other).await.unwrap_err()), "unknown");
}

#[tokio::test]
async fn a_capture_is_asked_for_under_a_key_of_its_own() {
    let peer = answering(Reply::json(
        201,
        &answer("COMPLETED", &json!({"captures": [capture("COMPLETED")]})).to_string(),
    ))
    .await;
    assert_eq!(paypal(&peer.base).capture(&inquiry()).await.unwrap(), known(vec![paid(5_999)], false));
    let request = peer.requests()[1].clone();
    assert_eq!(request.target, format!("/v2/checkout/orders/{ORDER}/capture"));
    let key = format!("{PAYMENT}:capture");
    assert_like(
        &request,
        &recorded("/v2/checkout/orders/5O1/capture"),
        &[("paypal-request-id", key.as_str())],
    );
    assert_eq!(request.header("content-length"), Some("0"));
}

#[tokio::test]
async fn what_was_captured_before_is_read() {
    let peer = Peer::start([
        token(),
        problem(422, "UNPROCESSABLE_ENTITY", "ORDER_ALREADY_CAPTURED"),
        Reply::json(200, &answer("COMPLETED", &json!({"captures": [capture("COMPLETED")]})).to_string()),
    ])
    .await;
    assert_eq!(paypal(&peer.base).capture(&inquiry()).await.unwrap(), known(vec![paid(5_999)], false));
}

#[tokio::test]
async fn a_capture_that_the_payer_stands_in_the_way_of_ends_nothing() {
    let capture = async |issue: &str| {
        let peer = answering(problem(422, "UNPROCESSABLE_ENTITY", issue)).await;
        paypal(&peer.base).capture(&inquiry()).await
    };
    for issue in PAYER_HAS_TO_ACT {
        assert_eq!(capture(issue).await.unwrap(), known(vec![], false), "{issue}");
    }
    for (issue, expected) in
        [("PAYEE_BLOCKED_TRANSACTION", "refused"), ("ORDER_COMPLETION_IN_PROGRESS", "unavailable")]
    {
        assert_eq!(kind(&capture(issue).await.unwrap_err()), expected, "{issue}");
    }
}

#[tokio::test]
async fn a_payment_is_closed_by_never_capturing_it() {
    let cancelled = async |order: Value| {
        let peer = answering(Reply::json(200, &order.to_string())).await;
        paypal(&peer.base).cancel(&inquiry()).await.unwrap()
    };
    for status in ["CREATED", "APPROVED", "VOIDED"] {
        assert_eq!(cancelled(answer(status, &json!(null))).await, Cancelled::Closed);
    }
    for status in ["PENDING", "COMPLETED"] {
        let order = answer("COMPLETED", &json!({"captures": [capture(status)]}));
        assert_eq!(cancelled(order).await, Cancelled::StillPayable, "{status}");
    }
    let peer = answering(problem(404, "RESOURCE_NOT_FOUND", "INVALID_RESOURCE_ID")).await;
    assert_eq!(paypal(&peer.base).cancel(&inquiry()).await.unwrap(), Cancelled::Closed);
}

#[tokio::test]
async fn an_order_whose_making_is_unknown_may_have_been_paid_from_a_remembered_account() {
    let nameless = Inquiry { reference: None, ..inquiry() };
    for (saves_methods, expected) in [(false, Cancelled::Closed), (true, Cancelled::StillPayable)] {
        let settings = Settings { saves_methods, ..settings("http://127.0.0.1:1") };
        let paypal = Paypal::new(settings, line()).unwrap();
        assert_eq!(paypal.cancel(&nameless).await.unwrap(), expected);
    }
}

#[test]
fn a_token_of_a_remembered_account_is_in_no_debug_output() {
    let token = MethodToken(SecretString::from("canary"));
    assert_eq!(token.0.expose_secret(), "canary");
    assert!(!format!("{token:?}").contains("canary"));
}
