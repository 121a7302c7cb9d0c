//! Who may talk to the sandbox, and the shape of its refusals.

use std::net::SocketAddr;

use reqwest::Method;
use sandbox::{Error, Sandbox};
use serde_json::{Value, json};

use crate::stage::{Stage, config, send};

const SMS: &str = "/twilio/2010-04-01/Accounts/AC0/Messages.json";

#[tokio::test]
async fn foreign_names_are_refused() {
    let stage = Stage::new().await;
    let port = stage.http.port();
    for (host, expected) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        (format!("evil.example:{port}"), 403),
        ("127.0.0.1:1".to_owned(), 403),
        ("localhost".to_owned(), 403),
    ] {
        let answer = send(stage.request(Method::GET, "/clock").header("Host", &host)).await;
        assert_eq!(answer.0, expected, "{host}");
    }
}

#[tokio::test]
async fn foreign_origins_change_nothing() {
    let stage = Stage::new().await;
    let order = json!({ "peer": "smtp", "fault": "down" });
    for (origin, expected) in [
        (stage.base.clone(), 201),
        (stage.product_url.clone(), 201),
        ("https://evil.example".to_owned(), 403),
        ("null".to_owned(), 403),
        (String::new(), 403),
    ] {
        let answer =
            send(stage.request(Method::POST, "/faults").header("Origin", &origin).json(&order)).await;
        assert_eq!(answer.0, expected, "{origin}");
    }
    let delete = stage.request(Method::DELETE, "/faults").header("Origin", "https://evil.example");
    assert_eq!(send(delete).await.0, 403);
    assert_eq!(stage.get("/faults").await.1["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let stage = Stage::new().await;
    for (method, path, body, expected) in [
        (Method::GET, "/nowhere", "", 404),
        (Method::DELETE, "/clock", "", 405),
        (Method::POST, "/clock", "{", 400),
        (Method::POST, "/clock", "[]", 422),
        (Method::GET, "/telegram/users/notanumber/messages", "", 400),
        (Method::GET, "/log?after=x", "", 400),
        (Method::POST, "/ui/faults", "which=x", 415),
    ] {
        let answer = stage.request(method, path).body(body).send().await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let status = answer.status().as_u16();
        let problem: Value = answer.json().await.unwrap();
        assert_eq!((status, kind.as_str()), (expected, "application/problem+json"), "{path}");
        assert_eq!(problem["status"], expected, "{path}");
        assert!(
            problem["code"].is_string() && problem["title"].is_string() && problem["detail"].is_string(),
            "{path}"
        );
    }
    let missing = stage.request(Method::GET, "/nowhere").header("Accept", "text/html").send().await.unwrap();
    assert!(missing.text().await.unwrap().contains("Nothing is here"));
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let stage = Stage::new().await;
    let large = "x".repeat(1024 * 1024 + 1);
    for path in ["/clock", "/faults", "/ui/faults", "/psp/payments", "/bot42:test-token/getMe", SMS] {
        let request =
            stage.request(Method::POST, path).header("Content-Type", "application/x-www-form-urlencoded");
        let status = request.body(large.clone()).send().await.unwrap().status().as_u16();
        assert_eq!(status, 413, "{path}");
    }
}

#[tokio::test]
async fn pages_are_shown_to_browsers_and_json_to_programs() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    stage.person(7001).await;
    let link = "https://t.me/calmness_bot?start=<b>";
    let followed = format!("/telegram?person=7001&link={}", link.replace('<', "%3C").replace('?', "%3F"));
    for path in [
        "/",
        "/mailbox",
        "/sms",
        "/clock",
        "/faults",
        "/psp/ledger",
        "/telegram",
        "/psp/checkout/p1",
        &followed,
    ] {
        let answer = stage
            .request(Method::GET, path)
            .header("Accept", "text/html,application/xhtml+xml")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.headers()["content-type"], "text/html; charset=utf-8", "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let page = answer.text().await.unwrap();
        assert!(page.contains("Sandbox: no real money"), "{path}");
        assert!(!page.contains("<b>\"") && !page.contains("start=<b>"), "{path}");
    }
    for path in ["/mailbox", "/sms", "/clock", "/faults", "/psp/ledger"] {
        let answer = stage.request(Method::GET, path).header("Accept", "*/*").send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
    }
    let follow = stage.request(Method::GET, "/t.me/calmness_bot?start=abc").send().await.unwrap();
    let target = follow.headers()["location"].to_str().unwrap();
    assert_eq!(target, "/telegram?link=https%3A%2F%2Ft.me%2Fcalmness_bot%3Fstart%3Dabc");
}

#[tokio::test]
async fn forms_of_the_pages_do_what_they_say() {
    let stage = Stage::new().await;
    stage.open("p1").await;
    let submit = async |path: &str, body: &str| {
        let request =
            stage.request(Method::POST, path).header("Content-Type", "application/x-www-form-urlencoded");
        let answer = request.header("Origin", &stage.base).body(body.to_owned()).send().await.unwrap();
        (answer.status().as_u16(), answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()))
    };
    assert_eq!(submit("/ui/clock", "days=1&hours=1").await, (303, Some("/clock".to_owned())));
    assert_eq!(stage.get("/clock").await.1["offset_seconds"], 90_000);
    assert_eq!(submit("/ui/clock", "days=-1").await.0, 422);
    assert_eq!(
        submit("/ui/faults", "which=telegram/error_429&times=2&option=retry_after&value=7").await.0,
        303
    );
    let fault = stage.get("/faults").await.1["items"][0].clone();
    assert_eq!((&fault["times"], &fault["retry_after"]), (&json!(2), &json!(7)));
    assert_eq!(submit(&format!("/ui/faults/{}/clear", fault["id"]), "").await.0, 303);
    assert_eq!(submit("/ui/faults", "which=telegram/down&times=&option=&value=").await.0, 422);
    assert_eq!(submit("/ui/psp/p1", "outcome=expire").await.0, 303);
    assert_eq!(stage.ask("p1").await.1["status"], "expired");
    let (_, location) =
        submit("/ui/telegram/people", "first_name=Awa&act=start&link=https://t.me/b?start%3Dabc").await;
    let id: i64 = location.unwrap().strip_prefix("/telegram?person=").unwrap().parse().unwrap();
    let said = stage.get(&format!("/telegram/users/{id}/messages?all=true")).await.1;
    assert_eq!(said["items"][0]["text"], "/start abc");
    let link = stage.invite().await.replace('+', "%2B");
    let join = format!("about={}/t.me/{}", stage.base, link.rsplit('/').next().unwrap());
    assert_eq!(submit(&format!("/ui/telegram/people/{id}/join"), &join).await.0, 303);
    let rights = "/ui/telegram/chats/-1001000000001/rights";
    assert_eq!(submit(rights, "can_invite_users=on").await.0, 303);
    assert_eq!(
        stage.get("/telegram/chats").await.1["items"][0]["bot"]["rights"]["can_restrict_members"],
        false
    );
}

#[tokio::test]
async fn addresses_beyond_this_machine_and_useless_settings_are_refused() {
    let clock = || std::sync::Arc::new(crate::stage::TestClock::default());
    let outside: SocketAddr = "0.0.0.0:0".parse().unwrap();
    let mut open = config("http://127.0.0.1:1", None);
    open.http = outside;
    assert!(matches!(Sandbox::bind(open, clock()).await, Err(Error::NotLoopback(_))));
    let mut open = config("http://127.0.0.1:1", None);
    open.smtp = outside;
    assert!(matches!(Sandbox::bind(open, clock()).await, Err(Error::NotLoopback(_))));
    let mut unsigned = config("http://127.0.0.1:1", None);
    unsigned.psp.link_secret.clear();
    assert!(matches!(Sandbox::bind(unsigned, clock()).await, Err(Error::Setting(_))));
    let mut nobody = config("http://127.0.0.1:1", None);
    nobody.telegram.bot_token = "no-colon".to_owned();
    assert!(matches!(Sandbox::bind(nobody, clock()).await, Err(Error::Setting(_))));
    let useless: [fn(&mut sandbox::SmsConfig); 4] = [
        |sms| sms.auth_token.clear(),
        |sms| sms.account_sid.truncate(33),
        |sms| sms.verify_service_sid = sms.account_sid.clone(),
        |sms| sms.from = "15005550006".to_owned(),
    ];
    for change in useless {
        let mut sms = config("http://127.0.0.1:1", None);
        change(&mut sms.sms);
        assert!(matches!(Sandbox::bind(sms, clock()).await, Err(Error::Setting(_))));
    }
}

#[test]
fn debug_shows_no_secret() {
    let mut config = config("http://127.0.0.1:1", None);
    config.psp.request_secret = "hush-1".to_owned();
    config.psp.webhook_secret = "hush-2".to_owned();
    config.psp.link_secret = "hush-3".to_owned();
    config.telegram.bot_token = "42:hush-4".to_owned();
    config.sms.auth_token = "hush-5".to_owned();
    let shown = format!("{config:?}");
    assert!(shown.contains("calmness_bot") && !shown.contains("hush"), "{shown}");
}
