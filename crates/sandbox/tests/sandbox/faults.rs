//! Ordered faults of the APIs and the mail server.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpStream};

use crate::{
    mail::Client,
    stage::{CHANNEL, Stage},
};

#[tokio::test]
async fn a_fault_happens_as_often_as_ordered() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "psp_api", "fault": "error_500", "times": 2 })).await;
    assert_eq!(stage.open("p1").await.0, 500);
    assert_eq!(stage.get("/faults").await.1["items"][0]["used"], 1);
    assert_eq!(stage.open("p1").await.0, 500);
    assert_eq!(stage.get("/faults").await.1, json!({ "items": [] }));
    assert_eq!(stage.open("p1").await.0, 201, "nothing was done before");
}

#[tokio::test]
async fn an_error_after_the_work_leaves_the_work_done() {
    let stage = Stage::new().await;
    stage
        .fault(json!({ "peer": "psp_api", "fault": "error_500_after", "times": 1, "operation": "open" }))
        .await;
    assert_eq!(stage.ask("p1").await.0, 404, "another operation is not concerned");
    assert_eq!(stage.open("p1").await.0, 500);
    assert_eq!(stage.ask("p1").await.1["status"], "pending");
    let again = stage.signed("/psp/payments", "p1", &stage.terms("p1")).send().await.unwrap();
    assert_eq!(
        (again.status().as_u16(), again.headers()["idempotency-replayed"].to_str().unwrap()),
        (201, "true")
    );
}

#[tokio::test]
async fn a_time_out_does_the_work_and_loses_the_answer() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "psp_api", "fault": "time_out", "ms": 50, "times": 1 })).await;
    assert!(stage.signed("/psp/payments", "p1", &stage.terms("p1")).send().await.is_err());
    assert_eq!(stage.ask("p1").await.1["status"], "pending");
}

#[tokio::test]
async fn a_reset_cuts_the_connection_before_the_work() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "psp_api", "fault": "reset", "times": 1 })).await;
    let error = stage.signed("/psp/payments", "p1", &stage.terms("p1")).send().await.unwrap_err();
    assert!(!error.is_timeout(), "{error:?}");
    assert_eq!(stage.ask("p1").await.0, 404);
}

#[tokio::test]
async fn telegram_can_be_busy_broken_or_behind_a_broken_gateway() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "telegram", "fault": "error_429", "retry_after": 3, "times": 1, "method": "getMe" })).await;
    stage.bot_ok("getChatMemberCount", json!({ "chat_id": CHANNEL })).await;
    let (status, busy) = stage.bot("getMe", json!({})).await;
    assert_eq!(
        (status, busy),
        (
            429,
            json!({ "ok": false, "error_code": 429, "description": "Too Many Requests: retry after 3", "parameters": { "retry_after": 3 } })
        )
    );
    stage.fault(json!({ "peer": "telegram", "fault": "error_500", "times": 1 })).await;
    assert_eq!(stage.bot_err("getMe", json!({})).await, (500, "Internal Server Error".to_owned()));
    stage.fault(json!({ "peer": "telegram", "fault": "bad_gateway_html", "times": 1 })).await;
    let gateway = stage.bot("getMe", json!({})).await;
    assert_eq!(gateway, (502, Value::Null), "no JSON at all");
    stage.bot_ok("getMe", json!({})).await;
    let calls = stage.get("/telegram/calls?method=getMe").await.1;
    let faults: Vec<_> = calls["items"].as_array().unwrap().iter().map(|call| &call["fault"]).collect();
    assert_eq!(json!(faults), json!(["error_429", "error_500", "bad_gateway_html", null]));
}

#[tokio::test]
async fn a_held_call_is_done_when_the_hold_is_cleared() {
    let stage = Stage::new().await;
    let id = stage.fault(json!({ "peer": "telegram", "fault": "hold", "times": 1 })).await;
    let held = stage.bot_ok("createChatInviteLink", json!({ "chat_id": CHANNEL }));
    let clear = async {
        stage.until_json("/faults", |faults| faults["items"][0]["used"] == 1).await;
        assert_eq!(stage.get("/telegram/chats").await.1["items"][0]["invite_links"], json!([]));
        assert_eq!(stage.delete(&format!("/faults/{id}")).await.0, 204);
    };
    let (link, ()) = tokio::join!(held, clear);
    assert_eq!(
        stage.get("/telegram/chats").await.1["items"][0]["invite_links"][0]["invite_link"],
        link["invite_link"]
    );
}

#[tokio::test]
async fn a_lost_answer_of_telegram_leaves_the_work_done() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "telegram", "fault": "time_out", "ms": 20, "times": 1 })).await;
    let request =
        stage.request(reqwest::Method::POST, &format!("/bot{}/createChatInviteLink", crate::stage::TOKEN));
    assert!(request.json(&json!({ "chat_id": CHANNEL })).send().await.is_err());
    assert_eq!(stage.get("/telegram/chats").await.1["items"][0]["invite_links"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn the_mail_server_refuses_for_now_or_for_good() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "smtp", "fault": "temporary_451", "times": 1 })).await;
    stage.fault(json!({ "peer": "smtp", "fault": "permanent_550", "times": 1 })).await;
    let mut client = Client::greet(&stage).await;
    client.say("MAIL FROM:<a@b>").await;
    assert_eq!(client.say("RCPT TO:<c@d>").await, "451");
    assert_eq!(client.say("RCPT TO:<c@d>").await, "550");
    assert_eq!(client.say("RCPT TO:<c@d>").await, "250");
}

#[tokio::test]
async fn a_mail_server_that_is_down_hangs_up_at_once() {
    let stage = Stage::new().await;
    let mut before = Client::greet(&stage).await;
    stage.fault(json!({ "peer": "smtp", "fault": "down" })).await;
    assert_eq!(before.say("NOOP").await, "", "also on a connection that was open");
    let mut stream = TcpStream::connect(stage.smtp).await.unwrap();
    let mut greeting = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut greeting)).await.unwrap();
    assert!(read.is_err() || greeting.is_empty());
    stage.delete("/faults").await;
    assert_eq!(Client::greet(&stage).await.send("Subject: x\r\n\r\ny").await, "250");
}

#[tokio::test]
async fn a_mail_can_be_kept_without_the_sender_knowing() {
    let stage = Stage::new().await;
    stage.fault(json!({ "peer": "smtp", "fault": "drop_after_data", "times": 1 })).await;
    assert_eq!(Client::greet(&stage).await.send("Subject: x\r\n\r\ny").await, "");
    assert_eq!(stage.get("/mailbox").await.1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn orders_that_make_no_sense_are_refused() {
    let stage = Stage::new().await;
    for bad in [
        json!({}),
        json!({ "peer": "smtp", "fault": "duplicate" }),
        json!({ "peer": "moon", "fault": "down" }),
        json!({ "peer": "smtp", "fault": "down", "times": 0 }),
        json!({ "peer": "smtp", "fault": "down", "times": -1 }),
        json!({ "peer": "psp_api", "fault": "time_out", "ms": 99_999_999 }),
        json!({ "peer": "psp_api", "fault": "reset", "operation": "steal" }),
        json!({ "peer": "psp_webhooks", "fault": "duplicate", "copies": 0 }),
        json!({ "peer": "psp_webhooks", "fault": "drop", "provider": "bank_of_the_moon" }),
        json!({ "peer": "psp_api", "fault": "reset", "provider": "hmac_psp" }),
        json!({ "peer": "smtp", "fault": "down", "surprise": 1 }),
    ] {
        assert_eq!(stage.post("/faults", bad.clone()).await.0, 422, "{bad}");
    }
    assert_eq!(stage.delete("/faults/1").await.0, 404);
    for _ in 0..100 {
        stage.fault(json!({ "peer": "smtp", "fault": "permanent_550" })).await;
    }
    assert_eq!(
        stage.post("/faults", json!({ "peer": "smtp", "fault": "down" })).await.0,
        503,
        "there is an end"
    );
}
