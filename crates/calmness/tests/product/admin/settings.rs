//! `/api/admin/settings`: values that are checked, sealed, kept and followed (M1–M3), and money that a thief cannot
//! redirect (SEC-55).

use application::settings::Key;
use application::{Context, Role};
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, COMPANY, FEDAPAY_KEY, Staff, World};

const IBAN: &str = "FR7630006000011234567890189";
const OTHER_IBAN: &str = "DE89370400440532013000";
const CANARY: &str = "wh_sandbox_first-canary-0123456789abcdef";
const OTHER_CANARY: &str = "wh_sandbox_second-canary-0123456789abcdef";
const TOKEN: &str = "4200000042:AAEanotherBotTokenOfThirtyFiveChars";

fn bank(iban: &str) -> Value {
    json!({ "account_holder": "Calmness SARL", "iban": iban, "bic": "AGRIFRPP", "currencies": ["EUR"], "mode": "test" })
}

fn path(key: &str) -> String {
    format!("/api/admin/settings/{key}")
}

async fn put(world: &World, by: &Staff, key: &str, value: &Value) -> Answer {
    let body = json!({ "value": value, "reason": "a test" });
    world.confirmed(by, "PUT", &path(key), &body).await
}

async fn shown(world: &World, by: &Staff, key: &str) -> Value {
    world.get_by(&by.person, &path(key)).await.expect(200).body
}

async fn confirm(world: &World, by: &Staff, asked: &Value) -> Answer {
    let path = format!("/api/admin/approvals/{}/confirm", asked["id"].as_str().unwrap());
    world.confirmed(by, "POST", &path, &json!({ "digest": asked["digest"] })).await
}

fn contains_secret(text: &str) -> bool {
    [CANARY, OTHER_CANARY, FEDAPAY_KEY].iter().any(|secret| text.contains(secret))
}

/// The account that a new payment is told.
async fn told(world: &World, name: &str) -> Value {
    let customer = world.made_customer(name).await;
    let body = json!({ "plan_code": "signaux-monthly", "provider": "bank_transfer", "currency": "EUR" });
    let payment = world.init_with(&customer, "k", &body).await.expect(201).body;
    json!(payment["instructions"]["iban"].as_str().unwrap().replace(' ', ""))
}

#[tokio::test]
async fn m1_a_value_that_cannot_be_right_is_refused_and_never_repeated() {
    let world = World::new().await;
    let admin = world.admin().await;
    let crypto = |currency: &str, network: &str, address: &str| json!({ "addresses": [{ "currency": currency, "network": network, "address": address }], "mode": "live" });
    let matrix = [
        ("telegram_channel_id", json!("1001")),
        ("telegram_channel_id", json!("-9999999999999999999")),
        ("telegram_channel_id", json!("signaux")),
        ("telegram_channel_id", json!(-1001)),
        ("company_email", json!("nobody")),
        ("company_email", json!("a@b@c.example")),
        ("company_email", json!("a@b.example\r\nBcc: thief@example.com")),
        ("company_name", json!("")),
        ("company_name", json!(" Calmness")),
        ("company_name", json!("Calm\nness")),
        ("company_name", json!("x".repeat(101))),
        ("receiving_cooling_hours", json!("0")),
        ("receiving_cooling_hours", json!("721")),
        ("receiving_cooling_hours", json!("one")),
        ("provider_bank_transfer", bank("FR7630006000011234567890180")),
        ("provider_bank_transfer", bank("FR0030006000011234567890189")),
        ("provider_bank_transfer", json!("no document")),
        ("provider_bank_transfer", json!([1])),
        ("provider_crypto_address", crypto("BTC", "bitcoin", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb")),
        ("provider_crypto_address", crypto("BTC", "bitcoin", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")),
        ("provider_crypto_address", crypto("BTC", "bitcoin", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx")),
        ("provider_crypto_address", crypto("USDT", "ethereum", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe")),
        ("provider_crypto_address", crypto("USDT", "ethereum", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed")),
        ("provider_crypto_address", crypto("USDT", "tron", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6u")),
        ("provider_stripe", json!({ "secret_key": "sk_live_canary" })),
        ("provider_fedapay", json!({})),
    ];
    let refused = async |key: &str, value: &Value| {
        let answer = put(&world, &admin, key, value).await;
        assert_eq!(answer.status, 422, "{key} {value}: {}", answer.text);
        if let Some(text) = value.as_str().filter(|text| text.len() > 8) {
            assert!(!answer.text.contains(text), "{key} {value}: {}", answer.text);
        }
    };
    for (key, value) in &matrix {
        refused(key, value).await;
    }
    assert_eq!(put(&world, &admin, "nothing", &json!("x")).await.problem(), (404, "not_found"));
    let set = "SELECT key FROM admin_config ORDER BY key";
    let untouched = [json!({ "key": "company_email" }), json!({ "key": "telegram_channel_id" })];
    assert_eq!(world.rows(set).await, untouched, "nothing was kept");
    assert_eq!(world.count("SELECT count(*) FROM approvals").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn m1_what_the_configuration_gives_wins_and_is_shown_read_only() {
    let world = World::new().await;
    let admin = world.admin().await;
    for key in ["smtp_url", "mail_from", "telegram_bot_token"] {
        let setting = shown(&world, &admin, key).await;
        assert_eq!((&setting["source"], &setting["read_only"]), (&json!("environment"), &json!(true)));
        let value = if key == "telegram_bot_token" { TOKEN } else { "smtp://127.0.0.1:1" };
        let refused = put(&world, &admin, key, &json!(value)).await;
        assert_eq!(refused.problem(), (409, "setting_read_only"), "{key}");
    }
    assert_eq!(shown(&world, &admin, "smtp_url").await["value"], Value::Null, "a secret");
    let hours = shown(&world, &admin, "receiving_cooling_hours").await;
    assert_eq!((&hours["source"], &hours["value"]), (&json!("default"), &json!("24")));
    let list = world.get_by(&admin.person, "/api/admin/settings").await.expect(200).body;
    assert_eq!(list["items"].as_array().unwrap().len(), Key::ALL.len());
    world.finish().await;
}

#[tokio::test]
async fn sec_55_the_first_value_counts_at_once_and_the_next_one_waits_for_another_admin() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let name = put(&world, &one, "company_name", &json!("Signaux du Sud")).await.expect(200).body;
    assert_eq!(name["outcome"], "applied");
    assert_eq!(world.app.company_name(), "Signaux du Sud", "followed at once");
    assert!(world.get("/login").await.text.contains("Signaux du Sud"));

    let asked = put(&world, &one, "company_email", &json!("thief@example.com")).await.expect(202).body;
    let change = json!([{ "field": "company_email", "before": COMPANY, "after": "thief@example.com" }]);
    assert_eq!(asked["changes"], change);
    assert_eq!(shown(&world, &one, "company_email").await["value"], COMPANY);
    assert_eq!(confirm(&world, &one, &asked).await.problem(), (403, "another_admin_needed"));
    confirm(&world, &other, &asked).await.expect(200);
    assert_eq!(shown(&world, &one, "company_email").await["value"], "thief@example.com");
    world.drain().await;
    for address in [COMPANY, "thief@example.com"] {
        let subjects = world.subjects_to(address).await;
        assert!(subjects.iter().any(|subject| subject == "Un réglage sensible a changé"), "{subjects:?}");
    }

    let delete = json!({ "reason": "a test" });
    let asked = world.confirmed(&one, "DELETE", &path("company_email"), &delete).await.expect(202).body;
    assert_eq!(shown(&world, &one, "company_email").await["source"], "setting", "a deletion waits too");
    confirm(&world, &other, &asked).await.expect(200);
    assert_eq!(shown(&world, &one, "company_email").await["source"], "default");
    // Who deletes first gains nothing: it was set before.
    put(&world, &one, "company_email", &json!("thief@example.com")).await.expect(202);
    let restore = json!({ "version": 1, "reason": "a test" });
    let restored =
        world.confirmed(&one, "POST", &format!("{}/restore", path("company_email")), &restore).await;
    confirm(&world, &other, &restored.expect(202).body).await.expect(200);
    assert_eq!(shown(&world, &one, "company_email").await["value"], COMPANY);
    let history =
        world.get_by(&one.person, &format!("{}/history", path("company_email"))).await.expect(200).body;
    let versions: Vec<_> = history["items"].as_array().unwrap().iter().map(|item| &item["version"]).collect();
    assert_eq!(versions, [4, 3, 2, 1]);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_a_confirmed_receiving_address_cools_down_and_open_quotes_keep_theirs() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    put(&world, &one, "provider_bank_transfer", &bank(IBAN)).await.expect(200);
    let payer = world.made_customer("payer").await;
    let body = json!({ "plan_code": "signaux-monthly", "provider": "bank_transfer", "currency": "EUR" });
    let open = world.init_with(&payer, "k", &body).await.expect(201).body;
    world.drain().await;

    let asked = put(&world, &one, "provider_bank_transfer", &bank(OTHER_IBAN)).await.expect(202).body;
    let changes = asked["changes"].as_array().unwrap();
    let iban = json!({ "field": "iban", "before": IBAN, "after": OTHER_IBAN });
    assert!(changes.contains(&iban), "old and new in full: {asked}");
    confirm(&world, &other, &asked).await.expect(200);
    assert_eq!(told(&world, "early").await, IBAN, "confirmed, and not valid yet");
    let setting = shown(&world, &one, "provider_bank_transfer").await;
    assert!(setting["cooling"]["value"].as_str().unwrap().contains(OTHER_IBAN), "{setting}");
    world.drain().await;
    for admin in [&one, &other] {
        let mails = world.mails_to(&admin.person.email).await;
        let told =
            mails.iter().find(|mail| mail["subject"] == "Une adresse de réception va changer").unwrap();
        let text = told["text"].as_str().unwrap();
        assert!(text.contains(IBAN) && text.contains(OTHER_IBAN), "{text}");
    }
    world.advance(Duration::hours(23)).await;
    assert_eq!(told(&world, "later").await, IBAN);
    world.advance(Duration::hours(1) + Duration::seconds(1)).await;
    assert_eq!(told(&world, "after").await, OTHER_IBAN, "its time has come");
    let kept = world.payment(&payer, &open).await;
    assert_eq!(kept["instructions"], open["instructions"], "an open quote keeps its address");
    assert_eq!(shown(&world, &one, "provider_bank_transfer").await["cooling"], Value::Null);

    let asked = put(&world, &other, "provider_bank_transfer", &bank(IBAN)).await.expect(202).body;
    confirm(&world, &one, &asked).await.expect(200);
    let cancel = format!("{}/cancel", path("provider_bank_transfer"));
    world.confirmed(&other, "POST", &cancel, &json!({ "reason": "not mine" })).await.expect(204);
    let again = world.confirmed(&other, "POST", &cancel, &json!({ "reason": "not mine" })).await;
    assert_eq!(again.problem(), (409, "nothing_to_change"));
    world.advance(Duration::hours(25)).await;
    assert_eq!(told(&world, "last").await, OTHER_IBAN, "cancelled");
    world.finish().await;
}

#[tokio::test]
async fn sec_55_a_thief_with_a_stolen_admin_session_redirects_no_money() {
    let world = World::new().await;
    let (stolen, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    put(&world, &stolen, "provider_bank_transfer", &bank(IBAN)).await.expect(200);
    // Without the telephone: nothing at all.
    let body = json!({ "value": bank(OTHER_IBAN), "reason": "mine now" });
    let call = world.call("PUT", &path("provider_bank_transfer")).by(&stolen.person);
    assert_eq!(call.json(&body).send().await.problem(), (403, "step_up_required"));
    // With it: whatever they ask for waits for somebody else, and so does every way around.
    for (key, value) in [
        ("provider_bank_transfer", bank(OTHER_IBAN)),
        ("company_email", json!("thief@example.com")),
        ("telegram_channel_id", json!("-1009999")),
        ("receiving_cooling_hours", json!("1")),
    ] {
        let asked = put(&world, &stolen, key, &value).await.expect(202).body;
        assert_eq!(confirm(&world, &stolen, &asked).await.problem(), (403, "another_admin_needed"), "{key}");
    }
    let delete = json!({ "reason": "mine now" });
    world.confirmed(&stolen, "DELETE", &path("provider_bank_transfer"), &delete).await.expect(202);
    let frozen = world.freeze(&stolen, &other.person).await.expect(202).body;
    assert_eq!(confirm(&world, &stolen, &frozen).await.problem(), (403, "another_admin_needed"));
    let role = format!("/api/admin/users/{}/role", other.person.id);
    let demoted = world.confirmed(&stolen, "POST", &role, &json!({ "role": "user", "reason": "x" })).await;
    assert_eq!(
        confirm(&world, &stolen, &demoted.expect(202).body).await.problem(),
        (403, "another_admin_needed")
    );
    assert_eq!(told(&world, "payer").await, IBAN);
    world.drain().await;
    let told_of = world.subjects_to(&other.person.email).await;
    let asked = told_of.iter().filter(|subject| subject.starts_with("À confirmer")).count();
    assert_eq!(asked, 7, "{told_of:?}");
    world.finish().await;
}

#[tokio::test]
async fn m2_values_stand_sealed_and_secrets_come_out_nowhere() {
    let world = World::new().await;
    let admin = world.admin().await;
    let document = |secret: &str| json!({ "secret_key": FEDAPAY_KEY, "webhook_secrets": [secret], "currencies": ["XOF"], "mode": "test" });
    put(&world, &admin, "provider_fedapay", &document(CANARY)).await.expect(200);
    let asked = put(&world, &admin, "provider_fedapay", &document(OTHER_CANARY)).await.expect(202);
    let seen = confirm(&world, &admin, &asked.body).await.expect(200);
    let list = world.get_by(&admin.person, "/api/admin/settings").await.expect(200);
    let history =
        world.get_by(&admin.person, &format!("{}/history", path("provider_fedapay"))).await.expect(200);
    for (place, text) in
        [("asked", &asked.text), ("done", &seen.text), ("list", &list.text), ("history", &history.text)]
    {
        assert!(!contains_secret(text), "{place}: {text}");
    }
    let fingerprints: Vec<_> =
        history.body["items"].as_array().unwrap().iter().map(|item| item["fingerprint"].clone()).collect();
    assert_eq!(fingerprints.len(), 2);
    assert_ne!(fingerprints[0], fingerprints[1]);
    for table in ["admin_config", "admin_config_history", "approvals", "audit_logs", "notifications"] {
        for row in world.rows(&format!("SELECT * FROM {table}")).await {
            let text = row.to_string();
            assert!(!contains_secret(&text), "{table}: {text}");
        }
    }
    let audited = "SELECT details->>'before' AS before, details->>'after' AS after FROM audit_logs
                   WHERE action = 'setting.changed' AND subject_id = 'provider_fedapay' ORDER BY id";
    let audited = world.rows(audited).await;
    assert_eq!((&audited[0]["before"], &audited[0]["after"]), (&Value::Null, &fingerprints[1]));
    assert_eq!((&audited[1]["before"], &audited[1]["after"]), (&fingerprints[1], &fingerprints[0]));
    world.finish().await;
}

#[tokio::test]
async fn the_operator_needs_no_second_person_and_the_cooling_time_holds_for_them_too() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (operator, key) = (Context::operator(), Key::BankTransfer);
    let set = async |iban: &str| {
        let value = bank(iban).to_string().into();
        world.app.change_setting(&operator, key, &value, "at the desk").await.unwrap();
    };
    set(IBAN).await;
    set(OTHER_IBAN).await;
    assert_eq!(told(&world, "early").await, IBAN);
    world.drain().await;
    let subjects = world.subjects_to(&admin.person.email).await;
    assert!(subjects.iter().any(|subject| subject == "Une adresse de réception va changer"), "{subjects:?}");
    world.advance(Duration::hours(24) + Duration::seconds(1)).await;
    assert_eq!(told(&world, "after").await, OTHER_IBAN);
    // The way of whoever sets up a machine.
    world.app.set_setting(&operator, key, &bank(IBAN).to_string()).await.unwrap();
    assert_eq!(told(&world, "now").await, IBAN);
    world.finish().await;
}

#[tokio::test]
async fn m3_mail_waits_for_its_settings_and_leaves_without_a_restart() {
    let world = World::setup().with_config(|config| config.mail.from = None).start().await;
    let admin = world.admin().await;
    world.register("awa@example.com", "correct horse battery staple").await;
    world.drain().await;
    assert_eq!(world.mails_to("awa@example.com").await.len(), 0, "nobody to send as");
    let sender = json!("Signaux <bonjour@example.com>");
    assert_eq!(
        put(&world, &admin, "mail_from", &json!("not a sender\r\nBcc: a@b.example")).await.status,
        422
    );
    put(&world, &admin, "mail_from", &sender).await.expect(200);
    world.advance(Duration::minutes(11)).await;
    let mails = world.mails_to("awa@example.com").await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].to_string().contains("bonjour@example.com"), "{}", mails[0]);
    world.finish().await;
}
