//! Where else a secret could come out: a dump, an archive of evidence, what clients are answered, what commands print, what
//! `Debug` shows. Each search first proves that it finds what is there.

use std::fmt::Write;
use std::process::Stdio;

use calmness::config::Config;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::play;
use crate::incident::evidence::unpacked;
use crate::process::program::Program;
use crate::support::{Customer, PASSWORD, World};

/// A place that was searched.
struct Place {
    name: String,
    text: String,
}

impl Place {
    fn new(name: &str, text: impl Into<String>) -> Self {
        Self { name: name.to_owned(), text: text.into() }
    }

    /// What must be there, if the search is worth anything.
    fn with(self, marker: &str) -> Self {
        assert!(self.text.contains(marker), "{}: {marker} is not found in {}", self.name, self.text);
        self
    }

    fn hides(&self, secrets: &[(&'static str, String)]) {
        for (what, secret) in secrets {
            for spelled in spellings(secret) {
                let at = self.text.find(&spelled);
                assert!(at.is_none(), "{what} is in {} as {spelled}", self.name);
            }
        }
    }
}

/// A secret as it stands, as PostgreSQL writes bytes, and as mail and tokens carry it.
fn spellings(secret: &str) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
    let hex = secret.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    vec![secret.to_owned(), hex, STANDARD_NO_PAD.encode(secret), URL_SAFE_NO_PAD.encode(secret)]
}

/// The whole database as `pg_dump` writes it.
async fn dump(world: &World) -> String {
    let url = world.config().database.url.as_ref().unwrap().expose_secret().to_owned();
    let mut command = tokio::process::Command::new("pg_dump");
    let ran = command.arg(url).stdin(Stdio::null()).output().await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test]
async fn sec_28_no_secret_is_in_a_full_dump_of_the_database() {
    let world = World::new().await;
    let secrets = play(&world).await;
    Place::new("the dump", dump(&world).await)
        .with("awa@example.com")
        .with("provider_stripe")
        .hides(&secrets);
    world.finish().await;
}

#[tokio::test]
async fn sec_28_no_secret_is_in_evidence() {
    let world = World::new().await;
    let secrets = play(&world).await;
    let admin = world.admin().await;
    let at = |hours| {
        let at = world.wall() + time::Duration::hours(hours);
        at.format(&time::format_description::well_known::Rfc3339).unwrap()
    };
    let path = "/api/admin/incident/evidence";
    let body = json!({ "from": at(-1), "to": at(1), "reason": "a drill" });
    let archive = world.confirmed_bytes(&admin, "POST", path, &body).await;
    let whole: String = unpacked(&archive).into_values().collect();
    Place::new("the evidence", whole).with("payment.settled").with("\"sha256\"").hides(&secrets);
    world.finish().await;
}

/// Sends what will be refused, with a secret in every place, and keeps what is answered.
async fn refusals(world: &World, customer: &Customer) -> String {
    let canary = "refused-request-canary";
    let mut told = String::new();
    let posts = [
        ("/api/auth/login", json!({ "email": "a@example.com", "password": canary })),
        ("/api/auth/login", json!({ "email": canary, "password": canary })),
        ("/api/auth/login", json!({ "email": "a@example.com", "password": 7, "totp": canary })),
        ("/api/auth/register", json!({ "email": canary, "password": canary })),
        ("/api/auth/register", json!({ "email": "b@example.com", "password": "canary" })),
        ("/api/auth/refresh", json!({ "refresh_token": canary })),
        ("/api/auth/email/verify", json!({ "token": canary, "password": canary })),
        ("/api/auth/password/reset", json!({ "token": canary, "password": canary })),
        ("/api/auth/mfa/verify", json!({ "mfa_token": canary, "method": canary, "code": canary })),
        (
            "/api/billing/payments/init",
            json!({ "plan_code": canary, "provider": canary, "idempotency_key": canary }),
        ),
        ("/api/billing/payment-methods", json!({ "provider": canary, "phone_number": canary })),
        (
            "/api/auth/password/change",
            json!({ "password": PASSWORD, "new_password": canary, "code": canary }),
        ),
    ];
    for (path, body) in posts {
        let answer = world.by(customer, "POST", path, &body).await;
        told += &answer.text;
        let broken = format!("{{\"password\": \"{canary}\"");
        let call = world.call("POST", path).header("Content-Type", "application/json").by(customer);
        told += &call.body(broken).send().await.text;
    }
    for provider in ["hmac_psp", "stripe", "paypal", "mtn_momo", "fedapay", "btcpay", "nobody"] {
        let call = world.call("POST", &format!("/api/webhooks/{provider}")).header("X-Signature", canary);
        told += &call.header("Stripe-Signature", canary).body(canary).send().await.text;
    }
    let call = world.call("GET", "/api/me").bearer(canary);
    told += &call.send().await.text;
    told
}

#[tokio::test]
async fn sec_28_no_answer_repeats_what_was_refused() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let told = refusals(&world, &customer).await;
    // Where the server itself stumbles nothing of it shows either.
    world.fault(json!({ "peer": "psp_api", "fault": "error_500", "times": 3 })).await;
    let opened = world.init(&customer, "k1", "signaux-weekly").await;
    world.sql("ALTER TABLE payments RENAME TO away").await;
    let broken = world.init(&customer, "k2", "signaux-weekly").await.expect(500);
    world.sql("ALTER TABLE away RENAME TO payments").await;
    let told = format!("{told}{}{}", opened.text, broken.text);
    let config = world.config();
    let secrets = [
        ("what was refused", "refused-request-canary".to_owned()),
        ("a token", customer.access_token.clone()),
        ("the secret key", config.secret_key.as_ref().unwrap().expose_secret().to_owned()),
        ("the database's words", "payments\" does not exist".to_owned()),
    ];
    Place::new("an answer", told)
        .with("\"code\":\"validation_failed\"")
        .with("\"code\":\"internal\"")
        .hides(&secrets);
    world.take_server_errors();
    world.finish_with_work_left().await;
}

#[tokio::test]
async fn sec_28_no_command_prints_a_secret() {
    let world = World::new().await;
    let secrets = play(&world).await;
    let commands: [&[&str]; 9] = [
        &["config", "check"],
        &["settings", "list"],
        &["settings", "set", "provider_stripe", "not-a-document-canary"],
        &["doctor"],
        &["keys", "list"],
        &["webhook", "list"],
        &["incident", "status"],
        &["incident", "pause-purchases", "--reason", "a drill"],
        &["incident", "rotate-keys", "--reason", "a drill"],
    ];
    let mut printed = String::new();
    for command in commands {
        let run = Program::command_of(&world, command).await;
        assert!(!run.stdout.is_empty() || !run.stderr.is_empty(), "{command:?} says something");
        printed += &run.stdout;
        printed += &run.stderr;
    }
    let place = Place::new("what commands print", printed).with("provider_stripe").with("purchases   open");
    place.hides(&secrets);
    place.hides(&[("a refused value", "not-a-document-canary".to_owned())]);
    world.drain().await;
    world.finish_with_work_left().await;
}

/// A secret in every place of the configuration that holds one.
const PLANTED: [(&str, &str); 12] = [
    ("secret_key", "Qm9uam91ciBjYW5hcnkgc2VjcmV0IGtleSBvbmUsIGxvbmcgZW5vdWdoPzE5ODc2NTQzMjEw"),
    ("secret_key_previous", "Qm9uam91ciBjYW5hcnkgc2VjcmV0IGtleSB0d28sIGxvbmcgZW5vdWdoPzE5ODc2NTQzMjEw"),
    ("database.url", "database-password-canary"),
    ("database.migration_url", "owner-password-canary"),
    ("mail.smtp_url", "smtp-password-canary"),
    ("telegram.bot_token", "AAEcanaryBotTokenOfThirtyFiveLetter"),
    ("telegram.webhook_secret", "telegram-webhook-secret-canary-0123456789"),
    ("providers.hmac_psp.request_secrets", "request-secret-canary-0123456789abcdef"),
    ("providers.hmac_psp.webhook_secrets", "webhook-secret-canary-0123456789abcdef"),
    ("providers.hmac_psp.link_secret", "link-secret-canary-0123456789abcdef"),
    ("sms.auth_tokens", "twilio-token-canary-0123456789abcdef"),
    ("sms.api_key_secret", "twilio-key-secret-canary-0123456789"),
];

fn planted(name: &str) -> &'static str {
    PLANTED.iter().find(|(known, _)| *known == name).unwrap().1
}

/// The same values under the names of the settings.
fn written() -> String {
    let p = planted;
    let sections: [(&str, Value); 7] = [
        (
            "",
            json!({
                "environment": "development",
                "public_url": "http://127.0.0.1:1",
                "secret_key": p("secret_key"),
                "secret_key_previous": [p("secret_key_previous")],
                "sandbox": true,
            }),
        ),
        (
            "database",
            json!({
                "url": format!("postgres://service:{}@127.0.0.1:1/calmness", p("database.url")),
                "migration_url": format!("postgres://owner:{}@127.0.0.1:1/calmness", p("database.migration_url")),
            }),
        ),
        (
            "mail",
            json!({
                "smtp_url": format!("smtps://user:{}@127.0.0.1:1", p("mail.smtp_url")),
                "from": "Signaux <no-reply@example.com>",
            }),
        ),
        (
            "telegram",
            json!({
                "bot_token": format!("4200000042:{}", p("telegram.bot_token")),
                "webhook_secret": p("telegram.webhook_secret"),
            }),
        ),
        (
            "providers.hmac_psp",
            json!({
                "enabled": true,
                "base_url": "http://127.0.0.1:1/psp",
                "request_secrets": [p("providers.hmac_psp.request_secrets")],
                "webhook_secrets": [p("providers.hmac_psp.webhook_secrets")],
                "link_secret": p("providers.hmac_psp.link_secret"),
                "currencies": ["EUR"],
            }),
        ),
        (
            "sms",
            json!({
                "enabled": true,
                "account_sid": "AC000000000000000000000000000000e1",
                "auth_tokens": [p("sms.auth_tokens")],
                "api_key_sid": "SK000000000000000000000000000000e1",
                "api_key_secret": p("sms.api_key_secret"),
                "from": "+15005550006",
            }),
        ),
        ("company", json!({ "name": "Public Marker" })),
    ];
    let mut written = String::new();
    for (name, values) in sections {
        if !name.is_empty() {
            writeln!(written, "[{name}]").unwrap();
        }
        for (key, value) in values.as_object().unwrap() {
            writeln!(written, "{key} = {value}").unwrap();
        }
    }
    written
}

#[tokio::test]
async fn sec_28_no_secret_of_the_configuration_is_printed_whatever_fails() {
    let program = Program::new();
    let config = program.write("calmness.toml", &written());
    let config = config.to_str().unwrap();
    let secrets = PLANTED.map(|(name, secret)| (name, secret.to_owned()));
    let commands: [&[&str]; 5] =
        [&["config", "check"], &["doctor"], &["migrate"], &["settings", "list"], &["incident", "status"]];
    for command in commands {
        let run =
            program.run(&[&["--config", config], command].concat(), &[("RUST_BACKTRACE", "1")], "").await;
        let name = command.join(" ");
        assert!(command[0] == "config" || run.code != 0, "{name} needs a database that is not there");
        let said = format!("{}{}", run.stdout, run.stderr);
        assert!(!said.trim().is_empty(), "{name}");
        Place::new(&name, said).hides(&secrets);
    }
    // A file that is no TOML: its lines are not repeated.
    let broken = program.write("broken.toml", &format!("{}\n= broken", written()));
    let run = program.say(&["--config", broken.to_str().unwrap(), "config", "check"]).await;
    assert_eq!(run.code, 1);
    Place::new("a file that is no TOML", format!("{}{}", run.stdout, run.stderr)).hides(&secrets);
}

#[test]
fn sec_28_debug_of_the_configuration_hides_every_secret_and_shows_the_rest() {
    let secret = |name: &str| Some(SecretString::from(planted(name)));
    let mut config = Config::default();
    config.company.name = "Public Marker".to_owned();
    config.secret_key = secret("secret_key");
    config.secret_key_previous = vec![planted("secret_key_previous").into()];
    config.database.url = secret("database.url");
    config.database.migration_url = secret("database.migration_url");
    config.mail.smtp_url = secret("mail.smtp_url");
    config.telegram.bot_token = secret("telegram.bot_token");
    config.telegram.webhook_secret = secret("telegram.webhook_secret");
    let psp = &mut config.providers.hmac_psp;
    psp.request_secrets = vec![planted("providers.hmac_psp.request_secrets").into()];
    psp.webhook_secrets = vec![planted("providers.hmac_psp.webhook_secrets").into()];
    psp.link_secret = secret("providers.hmac_psp.link_secret");
    config.sms.auth_tokens = vec![planted("sms.auth_tokens").into()];
    config.sms.api_key_secret = secret("sms.api_key_secret");
    let secrets = PLANTED.map(|(name, secret)| (name, secret.to_owned()));
    for shown in [format!("{config:?}"), format!("{config:#?}")] {
        Place::new("Debug", shown).with("Public Marker").hides(&secrets);
    }
}

#[test]
#[should_panic(expected = "a planted one is in a page")]
fn the_search_finds_what_is_there_in_every_spelling() {
    let secrets = [("a planted one", "a-planted-canary".to_owned())];
    for spelled in &spellings(&secrets[0].1)[1..] {
        let page = Place::new("a page", format!("before {spelled} after"));
        let found = std::panic::catch_unwind(|| page.hides(&secrets));
        assert!(found.is_err(), "{spelled} was overlooked");
    }
    Place::new("a page", "before a-planted-canary after").hides(&secrets);
}
