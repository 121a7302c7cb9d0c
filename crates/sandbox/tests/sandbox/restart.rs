//! A sandbox started again finds its world.

use std::path::PathBuf;

use serde_json::json;

use crate::{
    mail::Client,
    stage::{CHANNEL, Stage, config},
};

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("calmness-sandbox-{}-{name}.json", std::process::id()))
}

#[tokio::test]
async fn payments_people_and_mails_survive_a_restart() {
    let path = file("world");
    let first = Stage::with_state(Some(path.clone())).await;
    first.open("p1").await;
    first.act("p1", "pay").await;
    first.until("told", || first.product.told().len() == 1).await;
    first.open("p2").await;
    first.fault(json!({ "peer": "psp_webhooks", "fault": "hold" })).await;
    first.act("p2", "refuse").await;
    first.person(7001).await;
    let link = first.invite().await;
    first.join(7001, &link).await;
    first.bot_ok("approveChatJoinRequest", json!({ "chat_id": CHANNEL, "user_id": 7001 })).await;
    Client::greet(&first).await.send("Subject: kept\r\n\r\nx").await;
    let books = first.get("/psp/ledger?payment_id=p1").await.1;
    first.stop().await;

    let second = Stage::with_state(Some(path.clone())).await;
    assert_eq!(second.get("/psp/ledger?payment_id=p1").await.1, books);
    assert_eq!(second.act("p1", "pay").await.0, 409, "still paid");
    assert_eq!(second.get("/mailbox").await.1["items"][0]["subject"], "kept");
    let member = second.bot_ok("getChatMember", json!({ "chat_id": CHANNEL, "user_id": 7001 })).await;
    assert_eq!(member["status"], "member");
    // The undelivered event still names the first product's address, where nobody takes it any more.
    second
        .until_json("/psp/events?payment_id=p2", |events| events["items"][0]["attempts"][0]["at"].is_string())
        .await;
    assert_eq!(second.get("/faults").await.1, json!({ "items": [] }), "faults are of one run");
    second.stop().await;
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn the_file_follows_changes_and_only_its_owner_reads_it() {
    let path = file("follows");
    let stage = Stage::with_state(Some(path.clone())).await;
    stage.open("p1").await;
    stage
        .until("it is written", || std::fs::read_to_string(&path).is_ok_and(|kept| kept.contains("\"p1\"")))
        .await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    stage.stop().await;
    std::fs::remove_file(path).unwrap();
}

#[tokio::test]
async fn a_broken_file_is_refused_and_not_overwritten() {
    let path = file("broken");
    for broken in ["{", "{\"version\":99}", "[]"] {
        std::fs::write(&path, broken).unwrap();
        let clock = std::sync::Arc::new(crate::stage::TestClock::default());
        let refused = sandbox::Sandbox::bind(config("http://127.0.0.1:1", Some(path.clone())), clock).await;
        assert!(matches!(refused, Err(sandbox::Error::StateFile { .. })), "{broken}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
    }
    std::fs::remove_file(path).unwrap();
}
