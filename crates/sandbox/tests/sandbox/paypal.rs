//! PayPal's API, its approval and its signed events.

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::{Method, RequestBuilder};
use sandbox::PaypalConfig;
use serde_json::{Value, json};

use crate::stage::{Stage, Told, send};

async fn token(stage: &Stage) -> String {
    let config = PaypalConfig::default();
    let request = stage
        .request(Method::POST, "/paypal/v1/oauth2/token")
        .basic_auth(config.client_id, Some(config.client_secret))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let (status, answer) = send(request).await;
    assert_eq!(status, 200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

/// An application that holds a token.
struct Shop<'a> {
    stage: &'a Stage,
    token: String,
}

impl<'a> Shop<'a> {
    async fn of(stage: &'a Stage) -> Self {
        Self { stage, token: token(stage).await }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.stage.request(method, &format!("/paypal{path}")).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        send(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = self
            .request(Method::POST, path)
            .header("PayPal-Request-Id", key)
            .header("Prefer", "return=representation")
            .header("content-type", "application/json")
            .body(body);
        send(request).await
    }

    /// An order over 59.99 EUR; its name.
    async fn order(&self, payment_id: &str) -> String {
        let (status, order) = self.post("/v2/checkout/orders", payment_id, &terms(payment_id)).await;
        assert_eq!((status, &order["status"]), (201, &json!("PAYER_ACTION_REQUIRED")), "{order}");
        order["id"].as_str().unwrap().to_owned()
    }

    async fn capture(&self, order: &str) -> (u16, Value) {
        self.post(&format!("/v2/checkout/orders/{order}/capture"), &format!("{order}:capture"), &Value::Null)
            .await
    }

    /// A paid order; the name of its capture.
    async fn paid(&self, payment_id: &str) -> String {
        let order = self.order(payment_id).await;
        self.stage.act(payment_id, "pay").await;
        let (status, captured) = self.capture(&order).await;
        assert_eq!(status, 201, "{captured}");
        captured["purchase_units"][0]["payments"]["captures"][0]["id"].as_str().unwrap().to_owned()
    }
}

fn terms(payment_id: &str) -> Value {
    json!({
        "intent": "CAPTURE",
        "purchase_units": [{
            "reference_id": payment_id, "custom_id": payment_id, "invoice_id": payment_id,
            "amount": {"currency_code": "EUR", "value": "59.99"},
        }],
        "payment_source": {"paypal": {
            "experience_context": {"return_url": "https://shop.example/ok?a=1", "cancel_url": "https://shop.example/no"},
        }},
    })
}

fn issue(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["details"][0]["issue"].as_str().unwrap_or_default())
}

fn kinds(stage: &Stage) -> Vec<String> {
    let kind = |told: &Told| told.body["event_type"].as_str().unwrap_or_default().to_owned();
    stage.product.told().iter().map(kind).collect()
}

async fn told(stage: &Stage, kind: &str) -> Told {
    stage.until(kind, || kinds(stage).iter().any(|told| told == kind)).await;
    stage.product.told().into_iter().find(|told| told.body["event_type"] == kind).unwrap()
}

#[tokio::test]
async fn nothing_is_answered_without_credentials() {
    let stage = Stage::new().await;
    let wrong = stage
        .request(Method::POST, "/paypal/v1/oauth2/token")
        .basic_auth("paypal-sandbox-client", Some("guess"))
        .body("grant_type=client_credentials");
    let (status, answer) = send(wrong).await;
    assert_eq!((status, &answer["error"]), (401, &json!("invalid_client")));
    for guess in ["", "A21", "A21_000000000000000000000000"] {
        let request = stage.request(Method::GET, "/paypal/v2/checkout/orders/X").bearer_auth(guess);
        let (status, answer) = send(request).await;
        assert_eq!((status, &answer["error"]), (401, &json!("invalid_token")));
    }
}

#[tokio::test]
async fn an_order_is_approved_on_the_page_and_paid_by_its_capture() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let (_, made) = shop.post("/v2/checkout/orders", "p1", &terms("p1")).await;
    let order = made["id"].as_str().unwrap();
    assert_eq!(
        made["links"][1],
        json!({"href": format!("{}/psp/checkout/p1", stage.base), "rel": "payer-action", "method": "GET"})
    );
    assert_eq!(issue(&shop.capture(order).await), (422, "ORDER_NOT_APPROVED"));

    let page = press(&stage, "pay").await;
    let back = page.headers()["location"].to_str().unwrap();
    assert_eq!(back, format!("https://shop.example/ok?a=1&token={order}&PayerID=QYR5Z8XDVJNXQ"));
    let (_, approved) = shop.get(&format!("/v2/checkout/orders/{order}")).await;
    assert_eq!(approved["status"], "APPROVED");
    assert_eq!(approved["purchase_units"][0].get("payments"), None, "no money has moved");
    let event = told(&stage, "CHECKOUT.ORDER.APPROVED").await;
    assert_eq!(event.body["resource"]["purchase_units"][0]["custom_id"], "p1");

    let (status, captured) = shop.capture(order).await;
    assert_eq!((status, &captured["status"]), (201, &json!("COMPLETED")));
    let capture = &captured["purchase_units"][0]["payments"]["captures"][0];
    assert_eq!(
        (&capture["status"], &capture["amount"]),
        (&json!("COMPLETED"), &json!({"currency_code": "EUR", "value": "59.99"}))
    );
    let event = told(&stage, "PAYMENT.CAPTURE.COMPLETED").await;
    let resource = &event.body["resource"];
    assert_eq!((&resource["id"], &resource["custom_id"]), (&capture["id"], &json!("p1")));
    assert_eq!(resource["supplementary_data"]["related_ids"]["order_id"], order);

    let (status, again) = shop.capture(order).await;
    assert_eq!((status, &again), (200, &captured), "the same key, the same answer");
    let other = shop.post(&format!("/v2/checkout/orders/{order}/capture"), "other", &Value::Null).await;
    assert_eq!(issue(&other), (422, "ORDER_ALREADY_CAPTURED"));
}

#[tokio::test]
async fn a_key_makes_one_order() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let (first, made) = shop.post("/v2/checkout/orders", "p1", &terms("p1")).await;
    assert_eq!((first, shop.post("/v2/checkout/orders", "p1", &terms("p1")).await), (201, (200, made)));
    let other = shop.post("/v2/checkout/orders", "p1", &terms("p2")).await;
    assert_eq!(issue(&other), (422, "DUPLICATE_REQUEST_ID"));
    let mut cheaper = terms("p1");
    cheaper["purchase_units"][0]["amount"]["value"] = json!("1.00");
    let duplicate = shop.post("/v2/checkout/orders", "k2", &cheaper).await;
    assert_eq!(issue(&duplicate), (422, "DUPLICATE_INVOICE_ID"));
}

#[tokio::test]
async fn amounts_that_paypal_does_not_take_are_refused() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    for (currency, value, status, expected) in [
        ("XOF", "100", 422, "INVALID_CURRENCY_CODE"),
        ("JPY", "100.00", 422, "DECIMALS_NOT_SUPPORTED"),
        ("EUR", "1.001", 422, "DECIMAL_PRECISION"),
        ("EUR", "1e3", 400, "INVALID_PARAMETER_SYNTAX"),
        ("EUR", "-1.00", 400, "INVALID_PARAMETER_SYNTAX"),
        ("EUR", "0.00", 400, "INVALID_PARAMETER_VALUE"),
    ] {
        let mut terms = terms("p1");
        terms["purchase_units"][0]["amount"] = json!({"currency_code": currency, "value": value});
        let answer = shop.post("/v2/checkout/orders", &format!("{currency}{value}"), &terms).await;
        assert_eq!(issue(&answer), (status, expected), "{value} {currency}");
    }
    let mut yen = terms("p1");
    yen["purchase_units"][0]["amount"] = json!({"currency_code": "JPY", "value": "1500"});
    let (_, made) = shop.post("/v2/checkout/orders", "yen", &yen).await;
    assert_eq!(made["purchase_units"][0]["amount"], yen["purchase_units"][0]["amount"]);
}

#[tokio::test]
async fn a_refusing_payer_leaves_a_declined_capture_and_goes_back() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let order = shop.order("p1").await;
    let page = press(&stage, "refuse").await;
    assert_eq!(page.headers()["location"], format!("https://shop.example/no?token={order}"));
    let (_, refused) = shop.get(&format!("/v2/checkout/orders/{order}")).await;
    assert_eq!(refused["purchase_units"][0]["payments"]["captures"][0]["status"], "DECLINED");
    assert_eq!(told(&stage, "PAYMENT.CAPTURE.DENIED").await.body["resource"]["custom_id"], "p1");
    assert_eq!(issue(&shop.capture(&order).await), (422, "INSTRUMENT_DECLINED"));
}

#[tokio::test]
async fn an_order_runs_out_with_business_time_and_only_tells_so_if_it_was_approved() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let (idle, approved) = (shop.order("p1").await, shop.order("p2").await);
    stage.act("p2", "pay").await;
    stage.post("/clock", json!({"advance_seconds": 3 * 60 * 60 + 1})).await;
    for order in [idle, approved] {
        let (_, gone) = shop.get(&format!("/v2/checkout/orders/{order}")).await;
        assert_eq!(gone["status"], "VOIDED");
    }
    let event = told(&stage, "CHECKOUT.PAYMENT-APPROVAL.REVERSED").await;
    assert_eq!(event.body["resource"]["purchase_units"][0]["custom_id"], "p2");
    let events =
        stage.until_json("/psp/events?payment_id=p1", |events| events["items"][0]["state"] == "untold").await;
    assert_eq!(events["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn refunds_add_up_and_each_can_be_read() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let capture = shop.paid("p1").await;
    let path = format!("/v2/payments/captures/{capture}/refund");
    let part = |value: &str, name: &str| json!({"amount": {"currency_code": "EUR", "value": value}, "invoice_id": name});
    let (status, first) = shop.post(&path, "r1", &part("4.00", "r1")).await;
    assert_eq!((status, &first["status"]), (201, &json!("COMPLETED")));
    assert_eq!(shop.post(&path, "r1", &part("4.00", "r1")).await, (200, first));
    let (_, second) = shop.post(&path, "r2", &part("1.50", "r2")).await;
    assert_eq!(second["seller_payable_breakdown"]["total_refunded_amount"]["value"], "5.50");
    let name = second["id"].as_str().unwrap();
    assert_eq!(shop.get(&format!("/v2/payments/refunds/{name}")).await, (200, second.clone()));
    assert_eq!(issue(&shop.post(&path, "r3", &part("59.99", "r3")).await), (422, "REFUND_AMOUNT_EXCEEDED"));
    let (status, least) =
        send(shop.request(Method::POST, &path).header("PayPal-Request-Id", "r4").body("{}")).await;
    assert_eq!((status, least.get("amount")), (201, None), "the least, unless the whole is preferred");
    assert_eq!(shop.get(&format!("/v2/payments/captures/{capture}")).await.1["status"], "REFUNDED");
    assert_eq!(issue(&shop.post(&path, "r5", &json!({})).await), (422, "CAPTURE_FULLY_REFUNDED"));
    assert_eq!(told(&stage, "PAYMENT.CAPTURE.REFUNDED").await.body["resource"]["custom_id"], "p1");
}

#[tokio::test]
async fn a_dispute_names_the_capture() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let capture = shop.paid("p1").await;
    stage.act("p1", "dispute_open").await;
    stage.act("p1", "dispute_lost").await;
    let opened = told(&stage, "CUSTOMER.DISPUTE.CREATED").await;
    assert_eq!(opened.body["resource"]["disputed_transactions"][0]["seller_transaction_id"], capture);
    let closed = told(&stage, "CUSTOMER.DISPUTE.RESOLVED").await;
    assert_eq!(closed.body["resource"]["dispute_outcome"]["outcome_code"], "RESOLVED_BUYER_FAVOUR");
}

#[tokio::test]
async fn a_remembered_account_pays_the_next_order_at_once() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let mut first = terms("p1");
    first["payment_source"]["paypal"]["attributes"] =
        json!({"vault": {"store_in_vault": "ON_SUCCESS", "usage_type": "MERCHANT"}});
    let (_, made) = shop.post("/v2/checkout/orders", "p1", &first).await;
    let order = made["id"].as_str().unwrap();
    stage.act("p1", "pay").await;
    let (_, captured) = shop.capture(order).await;
    let vault = &captured["payment_source"]["paypal"]["attributes"]["vault"];
    assert_eq!(vault["status"], "VAULTED");

    let mut next = terms("p2");
    next["payment_source"]["paypal"]["vault_id"] = vault["id"].clone();
    let (status, paid) = shop.post("/v2/checkout/orders", "p2", &next).await;
    assert_eq!((status, &paid["status"]), (201, &json!("COMPLETED")));
    assert_eq!(paid["purchase_units"][0]["payments"]["captures"][0]["status"], "COMPLETED");
    next["payment_source"]["paypal"]["vault_id"] = json!("guess");
    next["purchase_units"][0]["custom_id"] = json!("p3");
    assert_eq!(issue(&shop.post("/v2/checkout/orders", "p3", &next).await), (422, "TOKEN_ID_NOT_FOUND"));
}

/// Presses a button of the page.
async fn press(stage: &Stage, outcome: &str) -> reqwest::Response {
    let request = stage.request(Method::POST, "/psp/checkout/p1");
    let form = "application/x-www-form-urlencoded";
    request.header("content-type", form).body(format!("outcome={outcome}")).send().await.unwrap()
}

/// What the product would ask PayPal about an event.
fn question(told: &Told) -> Value {
    let header = |name: &str| told.headers[name].to_str().unwrap().to_owned();
    json!({
        "auth_algo": header("paypal-auth-algo"), "cert_url": header("paypal-cert-url"),
        "transmission_id": header("paypal-transmission-id"), "transmission_sig": header("paypal-transmission-sig"),
        "transmission_time": header("paypal-transmission-time"), "webhook_id": PaypalConfig::default().webhook_id,
    })
}

async fn verdict(shop: &Shop<'_>, question: &Value, event: &[u8]) -> String {
    let open = question.to_string();
    let body = [open.trim_end_matches('}').as_bytes(), br#","webhook_event":"#, event, b"}"].concat();
    let request = shop.request(Method::POST, "/v1/notifications/verify-webhook-signature").body(body);
    let (status, answer) = send(request).await;
    assert_eq!(status, 200, "{answer}");
    answer["verification_status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn events_are_signed_with_a_key_that_can_be_had_and_checked_on_request() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    shop.paid("p1").await;
    let event = told(&stage, "PAYMENT.CAPTURE.COMPLETED").await;
    let asked = question(&event);
    assert_eq!(verdict(&shop, &asked, &event.raw).await, "SUCCESS");
    let changed = String::from_utf8(event.raw.to_vec()).unwrap().replace("59.99", "99.99");
    assert_eq!(verdict(&shop, &asked, changed.as_bytes()).await, "FAILURE");
    let mut other = asked.clone();
    other["webhook_id"] = json!("OTHER");
    assert_eq!(verdict(&shop, &other, &event.raw).await, "FAILURE");

    let pem =
        stage.client.get(asked["cert_url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
    let der =
        STANDARD.decode(pem.lines().filter(|line| !line.starts_with("---")).collect::<String>()).unwrap();
    let text = |name: &str| asked[name].as_str().unwrap().to_owned();
    let crc = crc32fast::hash(&event.raw);
    let message =
        format!("{}|{}|{}|{crc}", text("transmission_id"), text("transmission_time"), text("webhook_id"));
    let signature = STANDARD.decode(text("transmission_sig")).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).verify(message.as_bytes(), &signature).unwrap();
}

#[tokio::test]
async fn faults_bend_events_and_break_calls_as_for_every_provider() {
    let stage = Stage::new().await;
    let shop = Shop::of(&stage).await;
    let order = shop.order("p1").await;
    stage.act("p1", "pay").await;
    told(&stage, "CHECKOUT.ORDER.APPROVED").await;
    stage
        .fault(json!({"peer": "psp_webhooks", "fault": "wrong_signature", "provider": "paypal", "times": 1}))
        .await;
    stage
        .fault(json!({"peer": "paypal_api", "fault": "error_500_after", "operation": "capture", "times": 1}))
        .await;
    let (status, broken) = shop.capture(&order).await;
    assert_eq!((status, &broken["name"]), (500, &json!("INTERNAL_SERVER_ERROR")));
    let event = told(&stage, "PAYMENT.CAPTURE.COMPLETED").await;
    assert_eq!(verdict(&shop, &question(&event), &event.raw).await, "FAILURE");
    assert_eq!(shop.capture(&order).await.0, 200, "it was done all the same");
}
