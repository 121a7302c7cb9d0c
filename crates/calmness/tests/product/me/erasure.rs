//! `DELETE /api/me`: an account is erased after a cooling time, and nobody can be read out of what stays.

use serde_json::{Value, json};
use time::Duration;

use web::TrustedProxies;

use crate::support::{Answer, Customer, PASSWORD, World};

/// What stays of somebody by intent: their Telegram account's number keeps it out of the channel, and its removal from there is
/// told after they are nobody.
const STAYS: [(&str, &str); 4] =
    [("audit_personal", "7001"), ("bindings", "7001"), ("memberships", "7001"), ("notifications", "7001")];

async fn leave(world: &World, customer: &Customer) -> Answer {
    let call = world.call("DELETE", "/api/me").by(customer);
    call.json(&json!({ "password": PASSWORD })).send().await
}

/// Every place where a text stands, in whatever table and column: text, lists, documents and bytes.
async fn traces(world: &World, text: &str) -> Vec<(String, String)> {
    let columns = "SELECT table_name AS place, column_name AS name, data_type AS kind
                   FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
                   WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1, 2";
    let mut found = Vec::new();
    for column in world.rows(columns).await {
        let [place, name, kind] = ["place", "name", "kind"].map(|member| column[member].as_str().unwrap());
        let read = match kind {
            "bytea" => format!("encode({name}, 'escape')"),
            _ => format!("{name}::text"),
        };
        let count = format!("SELECT count(*) FROM {place} WHERE position('{text}' IN lower({read})) > 0");
        if world.count(&count).await > 0 {
            found.push((place.to_owned(), name.to_owned()));
        }
    }
    found
}

async fn ledger(world: &World, customer: &Customer) -> Vec<Value> {
    let payments = "SELECT payments.id, amount_minor, currency, status, settled_at, state, length_us
                    FROM payments JOIN periods ON periods.payment_id = payments.id WHERE user_id =";
    world.rows(&format!("{payments} '{}' ORDER BY payments.id", customer.id)).await
}

#[tokio::test]
async fn sec_59_an_account_is_erased_after_seven_days() {
    let world = World::setup()
        .with_web(|web| web.trusted_proxies = TrustedProxies::parse(["127.0.0.0/8"]).unwrap())
        .start()
        .await;
    let awa = world.customer().await;
    let traceable = world.call("POST", "/api/auth/login").header("X-Forwarded-For", "203.0.113.77");
    let traceable = traceable.header("User-Agent", "Traceable/1.0");
    traceable.json(&json!({ "email": awa.email, "password": PASSWORD })).send().await.expect(200);
    world.buy(&awa, "k1", "signaux-monthly").await;
    world.link_telegram(&awa, 7_001).await;
    world.join(&awa, 7_001).await;
    let key = world.api_key(&awa, &["profile:read"]).await;
    world.post("/api/auth/password/forgot", &json!({ "email": awa.email })).await.expect(202);
    world.post("/api/auth/email/resend", &json!({ "email": awa.email })).await.expect(202);
    world.register(&awa.email.to_uppercase(), "another horse battery staple").await;
    world.drain().await;
    assert!(world.is_inside(7_001).await);
    let paid = ledger(&world, &awa).await;
    for trace in ["awa@example", "traceable", "203.0.113", "7001"] {
        assert!(!traces(&world, trace).await.is_empty(), "{trace} is looked for where it is not");
    }

    let refused = world.call("DELETE", "/api/me").by(&awa);
    let refused = refused.json(&json!({ "password": "not the right password" })).send().await;
    assert_eq!(refused.problem(), (401, "password_wrong"));
    let asked = leave(&world, &awa).await.expect(202);
    let me = world.get_by(&awa, "/api/me").await.expect(200);
    assert_eq!(me.body["erases_at"], asked.body["erases_at"]);
    world.advance(Duration::days(7) - Duration::minutes(5)).await;
    world.get_by(&awa, "/api/me").await.expect(200);
    assert!(world.is_inside(7_001).await, "nothing happens before");
    world.advance(Duration::minutes(5)).await;

    world.until_refused(&awa).await;
    let login = async |email: &str| {
        world.post("/api/auth/login", &json!({ "email": email, "password": PASSWORD })).await
    };
    assert_eq!(login(&awa.email).await.problem(), (401, "invalid_credentials"));
    let nobody = format!("erased-{}@invalid.invalid", awa.id);
    assert_eq!(login(&nobody).await.problem(), (401, "invalid_credentials"));
    let refresh = world.post("/api/auth/refresh", &json!({ "refresh_token": awa.refresh_token })).await;
    assert_eq!(refresh.problem(), (401, "unauthorized"));
    world.call("GET", "/api/me").bearer(&key).send().await.expect(401);
    assert!(!world.is_inside(7_001).await, "removed from the channel");
    assert_eq!(ledger(&world, &awa).await, paid, "the ledger stays as it was");
    let subjects = world.subjects_to(&awa.email).await;
    for told in ["Votre compte sera effacé", "Votre compte est effacé"] {
        assert_eq!(subjects.iter().filter(|subject| *subject == told).count(), 1, "{told}: {subjects:?}");
    }
    for trace in ["awa@example", "another horse", "traceable"] {
        assert_eq!(traces(&world, trace).await, [], "{trace}");
    }
    for trace in ["203.0.113", "7001"] {
        for (place, name) in traces(&world, trace).await {
            let known = STAYS.iter().any(|(known, text)| *known == place && text.contains(trace));
            assert!(known, "{trace} stands in {place}.{name}");
        }
    }
    // The end of the time that was paid for is told to nobody.
    world.advance(Duration::days(40)).await;
    let mails = world.sandbox_get("/mailbox").await;
    assert!(!mails.to_string().contains("invalid.invalid"));
    world.finish().await;
}

#[tokio::test]
async fn sec_59_the_address_is_free_for_somebody_new_who_sees_nothing_of_before() {
    let world = World::new().await;
    let before = world.customer().await;
    world.buy(&before, "k1", "signaux-monthly").await;
    leave(&world, &before).await.expect(202);
    world.advance(Duration::days(7)).await;
    let after = world.customer().await;
    assert_ne!(after.id, before.id);
    assert_eq!(world.get_by(&after, "/api/billing/payments").await.body["items"], json!([]));
    world.get_by(&after, "/api/billing/subscription").await.expect(404);
    let export = world.get_by(&after, "/api/me/export").await.expect(200);
    assert!(!export.text.contains(&before.id.to_string()));
    world.finish().await;
}

#[tokio::test]
async fn sec_59_an_account_can_be_kept_until_then() {
    let world = World::new().await;
    let awa = world.made_customer("awa").await;
    let keep = async || world.call("DELETE", "/api/me/erasure").by(&awa).send().await;
    keep().await.expect(404);
    let first = leave(&world, &awa).await.expect(202).body;
    world.advance(Duration::days(3)).await;
    assert_eq!(leave(&world, &awa).await.expect(202).body, first, "asking again changes nothing");
    world.advance(Duration::days(3)).await;
    keep().await.expect(204);
    keep().await.expect(404);
    world.advance(Duration::days(30)).await;
    assert_eq!(world.get_by(&awa, "/api/me").await.expect(200).body["erases_at"], Value::Null);
    let subjects = world.subjects_to(&awa.email).await;
    assert!(subjects.iter().any(|subject| subject == "Votre compte est conservé"), "{subjects:?}");
    let audited = "SELECT action FROM audit_logs WHERE action LIKE 'user.erasure%' ORDER BY id";
    let audited: Vec<Value> =
        world.rows(audited).await.into_iter().map(|mut row| row["action"].take()).collect();
    assert_eq!(audited, ["user.erasure_requested", "user.erasure_requested", "user.erasure_cancelled"]);
    world.finish().await;
}

#[tokio::test]
async fn sec_59_with_a_second_factor_the_password_alone_erases_nothing() {
    let world = World::new().await;
    let awa = world.made_customer("awa").await;
    let (authenticator, _) = world.enrol_app(&awa).await;
    assert_eq!(leave(&world, &awa).await.problem(), (403, "code_required"));
    let with = async |code: &str| {
        let call = world.call("DELETE", "/api/me").by(&awa);
        call.json(&json!({ "password": PASSWORD, "code": code })).send().await
    };
    let right = world.fresh_code(&authenticator).await;
    let wrong = if right == "000000" { "000001" } else { "000000" };
    assert_eq!(with(wrong).await.problem(), (401, "code_invalid"));
    with(&right).await.expect(202);
    world.finish().await;
}

#[tokio::test]
async fn sec_59_money_that_comes_after_the_erasure_is_in_the_books() {
    let world = World::new().await;
    let awa = world.made_customer("awa").await;
    let payment = world.open(&awa, "k1", "signaux-monthly").await;
    leave(&world, &awa).await.expect(202);
    world.advance(Duration::days(7)).await;
    world.deliver(&world.event("evt_late", "payment.succeeded", &payment)).await.expect(200);
    world.drain().await;
    let rows = world
        .rows("SELECT status, state FROM payments JOIN periods ON periods.payment_id = payments.id")
        .await;
    assert_eq!(rows, [json!({ "status": "succeeded", "state": "withheld" })]);
    world.finish().await;
}
