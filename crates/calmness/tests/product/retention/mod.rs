//! Each class of data goes when its time is over, and nothing else does (SEC-59).

use application::Context;
use application::billing::ReviewError;
use application::retention::{CLASSES, Class};
use domain::ids::WebhookEventId;
use serde_json::Value;

use crate::support::{Customer, World};

/// 32 bytes that nothing else has.
const HASH: &str = "decode(md5(random()::text) || md5(random()::text), 'hex')";

/// The statements that make one row of each of a class's tables, `{at}` being the instant that counts.
fn rows_of(class: &str, user: &str) -> Vec<String> {
    let expiring = |table: &str, columns: &str, values: &str| {
        format!("INSERT INTO {table} ({columns}, created_at, expires_at) VALUES ({values}, {{at}}, {{at}})")
    };
    match class {
        "webhook_bodies" => vec![format!(
            "INSERT INTO webhook_events (id, provider, event_id, event_type, outcome, body_encrypted, received_at)
             VALUES (gen_random_uuid(), 'tests', gen_random_uuid()::text, 'kept', 'ignored',
                     decode('01' || repeat('00', 60), 'hex'), {{at}})"
        )],
        "sessions" => vec![
            format!(
                "INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at)
                 VALUES (gen_random_uuid(), '{user}', {{at}}, {{at}}, {{at}})"
            ),
            format!(
                "INSERT INTO sessions (id, user_id, created_at, last_used_at, expires_at, revoked_at, revoked_for)
                 VALUES (gen_random_uuid(), '{user}', {{at}}, {{at}}, now() + interval '1 day', {{at}}, 'logout')"
            ),
        ],
        "devices" => vec![format!(
            "INSERT INTO known_devices (id, user_id, created_at, last_used_at)
             VALUES (gen_random_uuid(), '{user}', {{at}}, {{at}})"
        )],
        "expired_tokens" => vec![
            expiring(
                "registrations",
                "id, email, email_key, password_hash, locale, token_hash",
                &format!("gen_random_uuid(), 'a@b.cd', 'a@b.cd', '$argon2id$x', 'fr', {HASH}"),
            ),
            expiring("telegram_link_tokens", "token_hash, user_id", &format!("{HASH}, '{user}'")),
            expiring("password_resets", "id, email_key, token_hash", &format!("gen_random_uuid(), 'a', {HASH}")),
            expiring(
                "challenges",
                "id, user_id, purpose, token_hash",
                &format!("gen_random_uuid(), '{user}', 'login', {HASH}"),
            ),
            expiring(
                "step_ups",
                "token_hash, session_id, method, path, body_sha256",
                &format!(
                    "{HASH}, (SELECT id FROM sessions WHERE user_id = '{user}' AND revoked_at IS NULL
                              AND expires_at > now() LIMIT 1), 'POST', '/', {HASH}"
                ),
            ),
        ],
        "notifications" => vec![format!(
            "INSERT INTO notifications (id, dedupe_key, kind, medium, payload, created_at, sent_at)
             VALUES (gen_random_uuid(), gen_random_uuid()::text, 'tests', 'email', '{{\"said\": 1}}', {{at}}, {{at}})"
        )],
        "guess_counters" => vec![format!(
            "INSERT INTO guess_counters (key, failures, retry_at, counted_at) VALUES ({HASH}, 3, {{at}}, {{at}})"
        )],
        "sms_messages" => vec![format!(
            "INSERT INTO sms_messages (id, user_id, phone_key, prefix, requested_at)
             VALUES (gen_random_uuid(), '{user}', {HASH}, '+225', {{at}})"
        )],
        "quarantine_details" => vec![
            "INSERT INTO quarantine (id, provider, code, why, stated, created_at, resolution, resolved_at)
             VALUES (gen_random_uuid(), 'tests', 'a', 'b', '{\"amount\": 1}', {at}, 'rejected', {at})"
                .to_owned(),
        ],
        other => panic!("there are no rows for the class {other}"),
    }
}

/// Makes a row of each kind that is so many days old.
async fn make(world: &World, class: &Class, customer: &Customer, days: u32) -> u64 {
    let statements = rows_of(class.name, &customer.id.to_string());
    for statement in &statements {
        world.sql(&statement.replace("{at}", &format!("(now() - interval '{days} days')"))).await;
    }
    statements.len().try_into().unwrap()
}

/// What no class may touch, as one text each.
async fn untouched(world: &World) -> Vec<Value> {
    let mut found = Vec::new();
    for table in ["payments", "periods", "subscriptions", "idempotency_keys", "bindings", "refunds", "users"]
    {
        found.extend(world.rows(&format!("SELECT * FROM {table} ORDER BY 1, 2")).await);
    }
    found.extend(world.rows("SELECT * FROM audit_logs WHERE action <> 'retention.ran' ORDER BY id").await);
    found
}

#[tokio::test]
async fn sec_59_each_class_forgets_what_is_old_and_nothing_that_is_younger() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let mut expected = Vec::new();
    for class in CLASSES {
        let old = make(&world, class, &customer, class.default_days + 1).await;
        make(&world, class, &customer, class.default_days - 1).await;
        expected.push((class.name, old));
    }
    let before = untouched(&world).await;
    let due = world.app.retention_counts().await.unwrap();
    assert_eq!(due.iter().map(|(name, rows)| (*name, *rows)).collect::<Vec<_>>(), {
        expected.sort_unstable();
        expected.clone()
    });
    assert_eq!(world.app.retention_counts().await.unwrap(), due, "a dry run changes nothing");

    let gone = world.app.run_retention(&Context::operator()).await.unwrap();
    assert_eq!(gone, due);
    let left = world.app.retention_counts().await.unwrap();
    assert!(left.values().all(|rows| *rows == 0), "{left:?}");
    assert_eq!(untouched(&world).await, before);
    // What was younger is there, and what is emptied keeps its row.
    for (query, rows) in [
        ("SELECT count(*) FROM webhook_events WHERE provider = 'tests'", 2),
        ("SELECT count(*) FROM webhook_events WHERE provider = 'tests' AND body_encrypted IS NULL", 1),
        ("SELECT count(*) FROM notifications WHERE kind = 'tests'", 2),
        ("SELECT count(*) FROM notifications WHERE kind = 'tests' AND payload = '{}'", 1),
        ("SELECT count(*) FROM quarantine WHERE provider = 'tests' AND stated = '{}'", 1),
        ("SELECT count(*) FROM quarantine WHERE provider = 'tests'", 2),
        ("SELECT count(*) FROM sms_messages", 1),
        ("SELECT count(*) FROM guess_counters WHERE failures = 3", 1),
        ("SELECT count(*) FROM registrations WHERE email = 'a@b.cd'", 1),
    ] {
        assert_eq!(world.count(query).await, rows, "{query}");
    }
    let entry = world.rows("SELECT details FROM audit_logs WHERE action = 'retention.ran'").await;
    assert_eq!(entry[0]["details"]["sessions"], 2);
    world.sql("DELETE FROM quarantine WHERE provider = 'tests'").await;
    world.finish().await;
}

#[tokio::test]
async fn what_is_kept_for_ever_and_what_somebody_still_needs_stays() {
    fn for_ever(config: &mut calmness::config::Config) {
        config.retention.sms_messages_days = 0;
    }
    let world = World::setup().with_config(for_ever).start().await;
    let customer = world.made_customer("awa").await;
    make(&world, CLASSES.iter().find(|class| class.name == "sms_messages").unwrap(), &customer, 5_000).await;
    // An account that only a mailed link opens, and a contradiction that nobody has decided.
    world
        .sql(&format!("INSERT INTO guess_counters VALUES ({HASH}, 100, now(), now() - interval '900 days')"))
        .await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    world.act(&payment, "wrong_amount").await;
    world.drain().await;
    world.sql("UPDATE webhook_events SET received_at = now() - interval '900 days'").await;
    world.sql("UPDATE quarantine SET created_at = now() - interval '900 days'").await;
    let gone = world.app.run_retention(&Context::operator()).await.unwrap();
    for class in ["sms_messages", "guess_counters", "webhook_bodies", "quarantine_details"] {
        assert_eq!(gone[class], 0, "{class}");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_forgotten_callback_is_still_known_and_cannot_be_applied_again() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k", "signaux-weekly").await;
    world.sql("UPDATE webhook_events SET received_at = now() - interval '91 days'").await;
    assert_eq!(world.app.run_retention(&Context::operator()).await.unwrap()["webhook_bodies"], 1);
    let id: uuid::Uuid =
        sqlx::query_scalar("SELECT id FROM webhook_events").fetch_one(&world.owner).await.unwrap();
    let replayed =
        world.app.replay_event(&Context::operator(), None, WebhookEventId::from_uuid(id), "a test").await;
    assert!(matches!(replayed, Err(ReviewError::BodyForgotten)), "{replayed:?}");
    // Sent again by the provider it changes nothing.
    let known: String =
        sqlx::query_scalar("SELECT event_id FROM webhook_events").fetch_one(&world.owner).await.unwrap();
    world.deliver(&world.event(&known, "payment.succeeded", &payment)).await.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM webhook_events").await, 1);
    assert_eq!(world.count("SELECT count(*) FROM periods").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn one_instance_forgets_once_a_day_and_another_takes_over_what_died() {
    let world = World::new().await;
    let (one, other) = tokio::join!(world.app.run_retention_if_due(), world.app.run_retention_if_due());
    let ran = [one.unwrap(), other.unwrap()].into_iter().flatten().count();
    assert_eq!(ran, 1);
    assert!(world.app.run_retention_if_due().await.unwrap().is_none());
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'retention.ran'").await, 1);
    world
        .sql("UPDATE retention_runs SET started_at = now() - interval '61 minutes', finished_at = NULL")
        .await;
    assert!(world.app.run_retention_if_due().await.unwrap().is_some());
    world.finish().await;
}

#[tokio::test]
async fn more_rows_than_one_batch_all_go() {
    let world = World::new().await;
    world
        .sql(&format!(
            "INSERT INTO guess_counters SELECT {HASH}, 1, now(), now() - interval '91 days' FROM generate_series(1, 4500)"
        ))
        .await;
    assert_eq!(world.app.run_retention(&Context::operator()).await.unwrap()["guess_counters"], 4_500);
    world.finish().await;
}
