//! Canaries (SEC-28): whatever must stay secret is planted, used, and then looked for where nobody may find it.

mod everywhere;

use std::io::Write;
use std::sync::{Arc, Mutex};

use application::Context;
use application::settings::Key;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::support::{
    BTCPAY_KEY, BTCPAY_WEBHOOK, Customer, MOMO_COLLECTION, MOMO_DISBURSEMENT, MOMO_KEY, MOMO_USER, PASSWORD,
    TELEGRAM_SECRET, WEBHOOK_SECRET, World,
};

/// A log that is kept in memory until it is taken.
#[derive(Clone)]
struct Kept(Arc<Mutex<Option<Vec<u8>>>>);

impl Kept {
    /// What was told so far; from now on nothing more is kept.
    fn take(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap().take().unwrap()).into_owned()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if let Some(kept) = self.0.lock().unwrap().as_mut() {
            kept.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Plays the whole story, with what goes wrong, and answers every secret that was in it.
async fn play(world: &World) -> Vec<(&'static str, String)> {
    let customer = world.customer().await;
    let verification = world.mailed_token(&customer.email).await;
    let refused = json!({ "email": customer.email, "password": "a-wrong-password-canary" });
    world.post("/api/auth/login", &refused).await.expect(401);
    let pair = world
        .post("/api/auth/refresh", &json!({ "refresh_token": customer.refresh_token }))
        .await
        .expect(200);
    let payment = world.buy(&customer, "k1", "signaux-weekly").await;
    let link = world.deep_link(&customer).await;
    world.press_start(7_001, &link).await;
    world.drain().await;
    world.join(&customer, 7_001).await;
    let mut event = world.event("evt_canary", "payment.refunded", &payment);
    event["data"]["payer"] = json!("payer-detail-canary");
    world.deliver(&event).await.expect(200);
    world.deliver_signed("a-forged-body-canary", "t=1,v1=forged-signature-canary").await.expect(401);
    let card = world.init(&customer, "4242 4242 4242 4242", "signaux-weekly").await;
    assert_eq!(card.problem(), (422, "card_number_refused"));
    let providers = play_with_providers(world, &customer).await;
    world.fault(json!({ "peer": "telegram", "fault": "error_500", "times": 2 })).await;
    world.fault(json!({ "peer": "smtp", "fault": "down", "times": 2 })).await;
    let guarding = play_with_guards(world, &customer).await;
    world.call("POST", "/api/auth/logout").bearer(pair.text_of("access_token")).send().await.expect(204);
    for _ in 0..3 {
        world.advance(time::Duration::minutes(1)).await;
    }
    let config = world.config();
    let text = |secret: &Option<secrecy::SecretString>| secret.as_ref().unwrap().expose_secret().to_owned();
    let bot_token = text(&config.telegram.bot_token);
    let mut secrets = vec![
        ("the password", PASSWORD.to_owned()),
        ("a wrong password", "a-wrong-password-canary".to_owned()),
        ("the verification token", verification),
        ("an access token", customer.access_token),
        ("a refresh token", customer.refresh_token),
        ("the next refresh token", pair.text_of("refresh_token").to_owned()),
        ("the deep link's token", link.split_once("?start=").unwrap().1.to_owned()),
        ("the secret key", text(&config.secret_key)),
        ("the bot's token", bot_token.split_once(':').unwrap().1.to_owned()),
        ("Telegram's secret", TELEGRAM_SECRET.to_owned()),
        ("the webhook secret", WEBHOOK_SECRET.to_owned()),
        ("the request secret", config.providers.hmac_psp.request_secrets[0].expose_secret().to_owned()),
        ("the link secret", text(&config.providers.hmac_psp.link_secret)),
        ("a payer's detail", "payer-detail-canary".to_owned()),
        ("a forged body", "a-forged-body-canary".to_owned()),
        ("a card number", "4242 4242 4242".to_owned()),
        ("Twilio's auth token", config.sms.auth_tokens[0].expose_secret().to_owned()),
    ];
    secrets.extend(guarding);
    secrets.extend(providers);
    secrets
}

const STRIPE_KEY: &str = "sk_test_sandbox0123456789";
const STRIPE_WEBHOOK: &str = "whsec_sandbox0123456789abcdef";
const PAYPAL_SECRET: &str = "paypal-sandbox-secret";

/// The settings of providers, each with its secrets.
fn provider_settings(sandbox: &str) -> [(Key, Value); 4] {
    let momo = |key: &str| json!({ "api_user": MOMO_USER, "api_key": MOMO_KEY, "subscription_key": key });
    let mut documents = [
        (Key::Stripe, "stripe", json!({ "secret_key": STRIPE_KEY, "webhook_secrets": [STRIPE_WEBHOOK] })),
        (
            Key::Paypal,
            "paypal",
            json!({ "client_id": "paypal-sandbox-client", "client_secret": PAYPAL_SECRET, "webhook_id": "8PT597110X687430LKGECATA" }),
        ),
        (
            Key::MtnMomo,
            "mtn_momo",
            json!({ "collection": momo(MOMO_COLLECTION), "disbursement": momo(MOMO_DISBURSEMENT), "callbacks": true }),
        ),
        (
            Key::Btcpay,
            "btcpay",
            json!({ "store_id": "TheTestsStore", "api_key": BTCPAY_KEY, "webhook_secrets": [BTCPAY_WEBHOOK] }),
        ),
    ];
    for (_, path, document) in &mut documents {
        document["base_url"] = json!(format!("{sandbox}/{path}"));
        document["currencies"] = json!(["EUR"]);
        document["mode"] = json!("test");
    }
    documents.map(|(key, _, document)| (key, document))
}

/// Providers whose secrets stand in settings: set up, paid through, lied about.
async fn play_with_providers(world: &World, customer: &Customer) -> Vec<(&'static str, String)> {
    for (key, document) in provider_settings(&world.sandbox) {
        world.app.set_setting(&Context::operator(), key, &document.to_string()).await.unwrap();
    }
    for provider in ["stripe", "paypal", "mtn_momo", "btcpay"] {
        let mut order = json!({ "plan_code": "signaux-monthly", "provider": provider, "currency": "EUR" });
        if provider == "mtn_momo" {
            order["phone_number"] = json!("+22997808080");
        }
        world.init_with(customer, provider, &order).await.expect(201);
    }
    for (provider, header) in [("stripe", "Stripe-Signature"), ("btcpay", "BTCPay-Sig")] {
        let forged = world.call("POST", &format!("/api/webhooks/{provider}"));
        let forged = forged.header(header, "t=1,v1=forged-provider-signature-canary");
        forged.body("forged-provider-body-canary").send().await.expect(401);
    }
    let method = json!({ "provider": "mtn_momo", "phone_number": "+22997808081" });
    world.by(customer, "POST", "/api/billing/payment-methods", &method).await.expect(201);
    vec![
        ("Stripe's key", STRIPE_KEY.to_owned()),
        ("Stripe's webhook secret", STRIPE_WEBHOOK.to_owned()),
        ("PayPal's secret", PAYPAL_SECRET.to_owned()),
        ("MTN's key", MOMO_KEY.to_owned()),
        ("MTN's subscription", MOMO_COLLECTION.to_owned()),
        ("MTN's other subscription", MOMO_DISBURSEMENT.to_owned()),
        ("BTCPay's key", BTCPAY_KEY.to_owned()),
        ("BTCPay's webhook secret", BTCPAY_WEBHOOK.to_owned()),
        ("a payer's telephone", "97808080".to_owned()),
        ("a stored telephone", "97808081".to_owned()),
        ("a provider's forged signature", "forged-provider-signature-canary".to_owned()),
        ("a provider's forged body", "forged-provider-body-canary".to_owned()),
    ]
}

/// What guards the account, set up and used; every secret that was in it.
async fn play_with_guards(world: &World, customer: &Customer) -> Vec<(&'static str, String)> {
    let known = world.try_login(&customer.email, PASSWORD).await.expect(200);
    let wanted = json!({ "name": "x", "scopes": ["profile:read"], "days": 9, "password": PASSWORD });
    let key = world.by(customer, "POST", "/api/auth/api-keys", &wanted).await.expect(201);
    let key = key.text_of("key").to_owned();
    world.call("GET", "/api/me").bearer(&key).send().await.expect(200);
    world.call("GET", "/api/auth/sessions").bearer(&key).send().await.expect(403);

    let (app, recovery) = world.enrol_app(customer).await;
    world.enrol_phone(customer, &app, "+2250102030442").await;
    let asked = world.first_step(&customer.email).await;
    world.second_step(&asked, "totp", &app.wrong_code(world)).await.expect(401);
    world.post("/api/auth/mfa/sms", &json!({ "mfa_token": asked })).await.expect(202);
    let text = world.texted_code("+2250102030442").await;
    world.second_step(&asked, "sms", &text).await.expect(200);
    let again = world.first_step(&customer.email).await;
    world.second_step(&again, "recovery_code", &recovery[0]).await.expect(200);

    world.age_factors().await;
    world.free_codes().await;
    let code = app.code(world);
    let action = json!({ "method": "POST", "path": "/x", "body_sha256": "0".repeat(64), "code": code });
    let permission = world.by(customer, "POST", "/api/auth/step-up", &action).await.expect(200);
    let used = world.call("POST", &format!("/api/admin/users/{}/freeze", customer.id)).by(customer);
    used.header("Step-Up", permission.text_of("step_up_token")).json(&json!({})).send().await.expect(403);

    world.post("/api/auth/password/forgot", &json!({ "email": customer.email })).await.expect(202);
    world.drain().await;
    let reset = world.mailed_reset(&customer.email).await;
    world.post("/api/auth/password/reset", &json!({ "token": reset, "password": "short" })).await.expect(422);
    vec![
        ("a device token", known.text_of("device_token").to_owned()),
        ("an API key", key),
        ("the app's secret", app.secret.clone()),
        ("the app's secret as bytes", app.spellings()[2].clone()),
        ("the app's secret as base64", app.spellings()[3].clone()),
        ("a recovery code", recovery[0].clone()),
        ("a recovery code without dashes", recovery[1].replace('-', "")),
        ("the telephone", "0102030442".to_owned()),
        ("a text", format!("{text} est votre code")),
        ("the code of a text in JSON", format!("\"{text}\"")),
        ("the code of a text in a row", format!(",{text},")),
        ("a login's challenge", asked),
        ("a permission", permission.text_of("step_up_token").to_owned()),
        ("the token of a reset", reset),
    ]
}

#[tokio::test]
async fn no_secret_is_in_the_log_however_much_it_tells() {
    let kept = Kept(Arc::new(Mutex::new(Some(Vec::new()))));
    let writer = kept.clone();
    let log = tracing_subscriber::fmt().json().with_env_filter("trace,h2=off,hyper=off,hyper_util=off");
    // Of the whole process: where other tests run beside this one, their log is searched as well.
    log.with_writer(move || writer.clone()).init();
    let world = World::new().await;
    let secrets = play(&world).await;
    let told = kept.take();
    let lines: Vec<&str> = told.lines().filter(|line| !is_the_sandboxs(line)).collect();
    assert!(lines.len() > 100, "the log tells: {} lines", lines.len());
    for (name, secret) in secrets {
        let found = lines.iter().find(|line| line.contains(&secret));
        assert!(found.is_none(), "{name} is in the log: {found:?}");
    }
    world.finish().await;
}

/// The simulated peers know some of it, of course.
fn is_the_sandboxs(line: &str) -> bool {
    line.contains("\"target\":\"sandbox")
}

#[tokio::test]
async fn no_secret_is_readable_in_any_table() {
    let world = World::new().await;
    let secrets = play(&world).await;
    let tables = world.rows("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'").await;
    assert!(tables.len() > 15, "{tables:?}");
    for table in tables {
        let name = table["name"].as_str().unwrap();
        // Bytes are shown as text where they are text.
        let rows = world
            .rows(&format!("SELECT encode(convert_to({name}::text, 'UTF8'), 'escape') AS row FROM {name}"))
            .await;
        let hex_of = |text: &str| {
            let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap();
            text.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect::<String>()
        };
        for (what, secret) in &secrets {
            let found = rows
                .iter()
                .map(ToString::to_string)
                .find(|row| row.contains(secret) || row.contains(&hex_of(secret)));
            assert!(found.is_none(), "{what} is readable in {name}: {found:?}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_printed_for_developers_hides_secrets() {
    let world = World::new().await;
    let shown = format!("{:?}", world.config());
    for secret in [TELEGRAM_SECRET, WEBHOOK_SECRET, "TheTestsOwnBotToken", "dGhlIHRlc3Rz"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    world.finish().await;
}
