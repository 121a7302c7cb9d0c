//! Checkout links and the page that payers see.

use reqwest::Method;
use serde_json::json;

use crate::stage::{Stage, mac};

fn link(stage: &Stage, payment_id: &str) -> String {
    let query = format!(
        "payment_id={payment_id}&amount=25000&currency=XAF&return_url={}%2Fback&expires_at=2099-01-01T00%3A00%3A00Z&nonce=n1",
        stage.product_url.replace(':', "%3A").replace('/', "%2F")
    );
    format!("/psp/checkout?{query}&sig={}", mac("link", &query))
}

#[tokio::test]
async fn the_first_visit_of_a_link_opens_the_payment() {
    let stage = Stage::new().await;
    assert_eq!(stage.ask("p1").await.0, 404);
    let link = link(&stage, "p1");
    for _ in 0..2 {
        let answer = stage.request(Method::GET, &link).send().await.unwrap();
        assert_eq!(
            (answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()),
            (303, "/psp/checkout/p1")
        );
    }
    let told = stage.ask("p1").await.1;
    assert_eq!(
        (&told["amount"], &told["currency"], &told["status"]),
        (&json!(25000), &json!("XAF"), &json!("pending"))
    );
}

#[tokio::test]
async fn a_changed_link_is_refused_with_a_clear_page() {
    let stage = Stage::new().await;
    let changed = link(&stage, "p1").replace("25000", "1");
    let answer = stage.request(Method::GET, &changed).header("Accept-Language", "fr").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 403);
    assert!(answer.text().await.unwrap().contains("Lien de paiement modifié"));
    assert_eq!(stage.ask("p1").await.0, 404);
}

#[tokio::test]
async fn a_program_can_pay_a_link_nobody_visited() {
    let stage = Stage::new().await;
    let url = format!("{}{}", stage.base, link(&stage, "p1"));
    let body = json!({ "outcome": "pay", "checkout_url": url });
    assert_eq!(stage.post("/psp/checkouts/p2", body.clone()).await.0, 422, "the link of another payment");
    let (status, paid) = stage.post("/psp/checkouts/p1", body).await;
    assert_eq!((status, &paid["status"]), (200, &json!("succeeded")));
    stage.until("the default address is told", || stage.product.types() == ["payment.succeeded"]).await;
    let forged = json!({ "outcome": "pay", "checkout_url": url.replace("25000", "1").replace("p1", "p3") });
    assert_eq!(stage.post("/psp/checkouts/p3", forged).await.0, 403);
}

#[tokio::test]
async fn the_page_speaks_the_payers_language_and_may_lead_back_to_the_product() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let english = stage.request(Method::GET, "/psp/checkout/p1").send().await.unwrap();
    let policy = english.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains(&format!("form-action 'self' {};", stage.product_url)), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let english = english.text().await.unwrap();
    assert!(english.contains("€59.99") && english.contains("HMAC PSP"), "{english}");
    let french = stage
        .request(Method::GET, "/psp/checkout/p1")
        .header("Accept-Language", "fr-FR,en;q=0.5")
        .send()
        .await;
    let french = french.unwrap().text().await.unwrap();
    assert!(french.contains("59,99\u{a0}€") && french.contains("aucun argent réel"), "{french}");
}

#[tokio::test]
async fn the_buttons_do_what_they_say() {
    let stage = Stage::new().await;
    let press = async |payment_id: &str, outcome: &str| {
        stage.open(payment_id).await;
        let request = stage.request(Method::POST, &format!("/psp/checkout/{payment_id}"));
        let request = request
            .header("Content-Type", "application/x-www-form-urlencoded")
            .body(format!("outcome={outcome}"));
        let answer = request.header("Origin", &stage.base).send().await.unwrap();
        let back = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        (answer.status().as_u16(), back, stage.ask(payment_id).await.1["status"].as_str().unwrap().to_owned())
    };
    let back = Some(format!("{}/back", stage.product_url));
    assert_eq!(press("p1", "pay").await, (303, back.clone(), "succeeded".to_owned()));
    assert_eq!(press("p2", "refuse").await, (303, back, "failed".to_owned()));
    assert_eq!(press("p3", "walk_away").await, (200, None, "pending".to_owned()));
    assert_eq!(press("p4", "pay_late").await, (200, None, "succeeded".to_owned()));
    assert_eq!(press("p5", "wrong_amount").await, (200, None, "succeeded".to_owned()));
    assert_eq!(press("p6", "dispute_open").await.0, 422, "payers can't do that");
    assert_eq!(press("p1", "pay").await.0, 200, "pressed twice, the page shows that it is paid");
    assert_eq!(stage.ask("p1").await.1["paid_amount"], 5999);
}
