//! BTCPay Server's invoices: searched for by order, paid too little, too much and too late, told with signed webhooks.

use reqwest::Method;
use serde_json::{Value, json};

use crate::stage::{Stage, mac, send};

const ORDER: &str = "019400c5-9c00-7000-8000-000000000001";
const STORE: &str = "/btcpay/api/v1/stores/SandboxStore/invoices";
const KEY: &str = "token btcpay-key";

async fn call(stage: &Stage, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = stage.request(method, path).header("Authorization", KEY);
    send(match body {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

fn terms() -> Value {
    json!({
        "amount": "59.90", "currency": "EUR",
        "metadata": { "orderId": ORDER, "itemDesc": "Signaux · un mois", "buyerEmail": "awa@example.com" },
        "checkout": { "expirationMinutes": 60, "monitoringMinutes": 1440, "redirectURL": "http://127.0.0.1/back" },
    })
}

async fn open(stage: &Stage) -> Value {
    let (status, invoice) = call(stage, Method::POST, STORE, Some(terms())).await;
    assert_eq!(status, 200, "{invoice}");
    invoice
}

async fn search(stage: &Stage) -> Vec<Value> {
    let (status, found) = call(stage, Method::GET, &format!("{STORE}?orderId={ORDER}"), None).await;
    assert_eq!(status, 200, "{found}");
    found.as_array().unwrap().clone()
}

/// The statuses of the order's only invoice.
async fn standing(stage: &Stage) -> (String, String) {
    let found = search(stage).await;
    assert_eq!(found.len(), 1, "{found:?}");
    let word = |name: &str| found[0][name].as_str().unwrap().to_owned();
    (word("status"), word("additionalStatus"))
}

fn words(status: &str, additional: &str) -> (String, String) {
    (status.to_owned(), additional.to_owned())
}

async fn mark(stage: &Stage, invoice: &Value, status: &str) -> (u16, Value) {
    let path = format!("/btcpay/api/v1/invoices/{}/status", invoice["id"].as_str().unwrap());
    call(stage, Method::POST, &path, Some(json!({ "status": status }))).await
}

#[tokio::test]
async fn an_opened_invoice_is_found_by_its_order_and_by_its_name() {
    let stage = Stage::new().await;
    assert_eq!(search(&stage).await, Vec::<Value>::new());
    let invoice = open(&stage).await;
    assert_eq!(
        (&invoice["amount"], &invoice["status"], &invoice["additionalStatus"]),
        (&json!("59.90"), &json!("New"), &json!("None"))
    );
    assert_eq!(invoice["checkoutLink"], format!("{}/psp/checkout/{ORDER}", stage.base));
    let open_for = invoice["expirationTime"].as_i64().unwrap() - invoice["createdTime"].as_i64().unwrap();
    assert_eq!(open_for, 3_600);
    assert_eq!(search(&stage).await, std::slice::from_ref(&invoice));
    let id = invoice["id"].as_str().unwrap();
    for path in [format!("/btcpay/api/v1/invoices/{id}"), format!("{STORE}/{id}")] {
        assert_eq!(call(&stage, Method::GET, &path, None).await, (200, invoice.clone()));
    }
    let (status, none) = call(&stage, Method::GET, &format!("{STORE}?orderId=another"), None).await;
    assert_eq!((status, none), (200, json!([])));
    let (status, problem) = call(&stage, Method::GET, "/btcpay/api/v1/invoices/unknown", None).await;
    assert_eq!((status, &problem["code"]), (404, &json!("invoice-not-found")));
}

#[tokio::test]
async fn there_are_no_idempotency_keys_so_a_second_call_makes_a_second_invoice() {
    let stage = Stage::new().await;
    let (first, second) = (open(&stage).await, open(&stage).await);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(search(&stage).await.len(), 2);
    let books = stage.get("/psp/ledger?provider=btcpay").await.1;
    assert_eq!(books["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn without_the_key_or_in_another_store_nothing_can_be_done() {
    let stage = Stage::new().await;
    for key in ["token wrong", "Bearer btcpay-key", ""] {
        let request = stage.request(Method::POST, STORE).header("Authorization", key).json(&terms());
        assert_eq!(send(request).await.0, 401, "{key}");
    }
    let other = STORE.replace("SandboxStore", "Other");
    assert_eq!(call(&stage, Method::POST, &other, Some(terms())).await.0, 403);
    assert_eq!(search(&stage).await, Vec::<Value>::new());
}

#[tokio::test]
async fn terms_that_the_server_would_not_take_are_refused_by_field() {
    let stage = Stage::new().await;
    for (pointer, value, field) in [
        ("/amount", json!("-1"), "amount"),
        ("/amount", json!("1.234"), "amount"),
        ("/checkout/expirationMinutes", json!(0), "checkout.expirationMinutes"),
        ("/checkout/monitoringMinutes", json!("soon"), "checkout.monitoringMinutes"),
    ] {
        let mut terms = terms();
        *terms.pointer_mut(pointer).unwrap() = value;
        let (status, problems) = call(&stage, Method::POST, STORE, Some(terms)).await;
        assert_eq!((status, &problems[0]["path"]), (422, &json!(field)), "{problems}");
    }
}

#[tokio::test]
async fn coins_too_few_too_many_and_too_late_stand_as_the_server_says_it() {
    for (outcome, amount, expected) in [
        ("pay", None, words("Settled", "None")),
        ("wrong_amount", Some(5_989), words("New", "PaidPartial")),
        ("wrong_amount", Some(5_991), words("Settled", "PaidOver")),
        ("pay_late", None, words("Settled", "PaidLate")),
        ("refuse", None, words("Invalid", "None")),
        ("expire", None, words("Expired", "None")),
    ] {
        let stage = Stage::new().await;
        open(&stage).await;
        let act = json!({ "outcome": outcome, "amount": amount });
        assert_eq!(stage.post(&format!("/psp/checkouts/{ORDER}"), act).await.0, 200);
        assert_eq!(standing(&stage).await, expected, "{outcome}");
    }
}

#[tokio::test]
async fn a_partly_paid_invoice_expires_with_time_and_its_owner_decides() {
    let stage = Stage::new().await;
    let invoice = open(&stage).await;
    let act = json!({ "outcome": "wrong_amount", "amount": 100 });
    stage.post(&format!("/psp/checkouts/{ORDER}"), act).await;
    assert_eq!(mark(&stage, &invoice, "Invalid").await.0, 422, "it has seen coins");
    let advanced = stage.post("/clock", json!({ "advance_seconds": 3_700 })).await;
    assert_eq!(advanced.0, 200, "{advanced:?}");
    assert_eq!(standing(&stage).await, words("Expired", "PaidPartial"));
    let (status, settled) = mark(&stage, &invoice, "Settled").await;
    assert_eq!(
        (status, &settled["status"], &settled["additionalStatus"]),
        (200, &json!("Settled"), &json!("Marked"))
    );
}

#[tokio::test]
async fn an_invoice_marked_invalid_can_no_longer_be_paid_until_it_is_marked_settled() {
    let stage = Stage::new().await;
    let invoice = open(&stage).await;
    let (status, marked) = mark(&stage, &invoice, "Invalid").await;
    assert_eq!(
        (status, &marked["status"], &marked["additionalStatus"]),
        (200, &json!("Invalid"), &json!("Marked"))
    );
    assert_eq!(stage.act(ORDER, "pay").await.0, 409);
    assert_eq!(mark(&stage, &invoice, "Invalid").await.0, 422);
    assert_eq!(mark(&stage, &invoice, "Settled").await.0, 200);
    assert_eq!(standing(&stage).await, words("Settled", "Marked"));
    assert_eq!(mark(&stage, &invoice, "Invalid").await.0, 422);
}

#[tokio::test]
async fn a_payment_is_told_step_by_step_with_signed_webhooks() {
    let stage = Stage::new().await;
    let invoice = open(&stage).await;
    stage.act(ORDER, "pay").await;
    stage.until("told", || stage.product.told().len() == 5).await;
    assert_eq!(
        stage.product.types(),
        [
            "InvoiceCreated",
            "InvoiceReceivedPayment",
            "InvoiceProcessing",
            "InvoicePaymentSettled",
            "InvoiceSettled"
        ]
    );
    for told in stage.product.told() {
        let raw = std::str::from_utf8(&told.raw).unwrap();
        assert_eq!(told.headers["btcpay-sig"], format!("sha256={}", mac("btcpay-webhook-secret", raw)));
        assert_eq!(
            (&told.body["invoiceId"], &told.body["metadata"]["orderId"]),
            (&invoice["id"], &json!(ORDER))
        );
        assert_eq!(told.body["deliveryId"], told.body["originalDeliveryId"]);
    }
    let last = stage.product.told().pop().unwrap().body;
    assert_eq!((&last["manuallyMarked"], &last["overPaid"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn too_few_coins_are_told_as_received_and_never_as_settled() {
    let stage = Stage::new().await;
    open(&stage).await;
    let act = json!({ "outcome": "wrong_amount", "amount": 100 });
    stage.post(&format!("/psp/checkouts/{ORDER}"), act).await;
    let over = |events: &Value| {
        events["items"]
            .as_array()
            .is_some_and(|all| all.len() == 5 && all.iter().all(|one| one["state"] != "pending"))
    };
    stage.until_json("/psp/events?provider=btcpay", over).await;
    assert_eq!(stage.product.types(), ["InvoiceCreated", "InvoiceReceivedPayment", "InvoicePaymentSettled"]);
}

#[tokio::test]
async fn a_redelivery_has_a_name_of_its_own_and_the_first_ones_too_and_a_refusal_ends_it() {
    let stage = Stage::new().await;
    stage.product.answer_next(&[503, 429, 200]);
    open(&stage).await;
    stage.until("delivered", || stage.product.told().len() == 3).await;
    let told = stage.product.told();
    let member = |name: &str| told.iter().map(|told| told.body[name].clone()).collect::<Vec<_>>();
    let (deliveries, originals) = (member("deliveryId"), member("originalDeliveryId"));
    assert!(deliveries[0] != deliveries[1] && deliveries[1] != deliveries[2], "{deliveries:?}");
    assert!(originals.iter().all(|original| *original == deliveries[0]), "{originals:?}");
    assert_eq!(member("isRedelivery"), [json!(false), json!(true), json!(true)]);

    stage.product.answer_next(&[401]);
    stage.act(ORDER, "expire").await;
    let over = |events: &Value| events["items"][1]["state"] == "delivered";
    let events = stage.until_json("/psp/events?provider=btcpay", over).await;
    assert_eq!(events["items"][1]["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_after_the_work_leaves_an_invoice_to_be_found() {
    let stage = Stage::new().await;
    stage
        .fault(json!({ "peer": "btcpay_api", "fault": "error_500_after", "operation": "open", "times": 1 }))
        .await;
    assert_eq!(call(&stage, Method::POST, STORE, Some(terms())).await.0, 500);
    assert_eq!(standing(&stage).await, words("New", "None"));
}
