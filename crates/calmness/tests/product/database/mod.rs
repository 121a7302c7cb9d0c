//! What the service's database role may and may not do (SEC-53), and migrations that meet.

use application::database::{self, Rights};
use sqlx::AssertSqlSafe;

use crate::support::{Database, World};

#[tokio::test]
async fn the_service_cannot_rewrite_history_or_the_clock_or_the_tables() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    let service = world.app.db();
    let forbidden = [
        "UPDATE audit_logs SET actor_kind = 'system'",
        "DELETE FROM audit_logs",
        "TRUNCATE audit_logs",
        "UPDATE business_clock SET offset_seconds = offset_seconds + 1",
        "DELETE FROM business_clock",
        "INSERT INTO business_clock (offset_seconds) VALUES (0)",
        "DELETE FROM payments",
        "DELETE FROM periods",
        "DELETE FROM subscriptions",
        "DELETE FROM webhook_events",
        "DELETE FROM idempotency_keys",
        "DELETE FROM bindings",
        "TRUNCATE payments CASCADE",
        "ALTER TABLE audit_logs DISABLE TRIGGER ALL",
        "ALTER TABLE payments DROP COLUMN status",
        "DROP TABLE periods",
        "CREATE TABLE mine (id integer)",
        "DELETE FROM _sqlx_migrations",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "COPY users TO PROGRAM 'cat'",
    ];
    for statement in forbidden {
        let refused = sqlx::raw_sql(AssertSqlSafe(statement)).execute(service).await.unwrap_err();
        let code =
            refused.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
    assert_eq!(database::excessive_rights(service).await.unwrap(), Vec::<String>::new());
    assert!(!database::excessive_rights(&world.owner).await.unwrap().is_empty(), "the owner may all of it");
    world.finish().await;
}

#[tokio::test]
async fn business_time_never_moves_back_whoever_asks() {
    let world = World::new().await;
    world.sql("UPDATE business_clock SET offset_seconds = 100").await;
    let back = sqlx::raw_sql("UPDATE business_clock SET offset_seconds = 99").execute(&world.owner).await;
    assert!(back.is_err());
    assert_eq!(world.count("SELECT offset_seconds FROM business_clock").await, 100);
    world.finish().await;
}

#[tokio::test]
async fn the_auditor_reads_the_audit_log_and_nothing_else() {
    let world = World::new().await;
    let as_auditor = async |statement: &str| {
        let mut tx = world.owner.begin().await.unwrap();
        sqlx::raw_sql("SET LOCAL ROLE calmness_auditor").execute(&mut *tx).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *tx).await.is_ok()
    };
    assert!(as_auditor("SELECT * FROM audit_logs").await);
    for other in [
        "SELECT * FROM users",
        "SELECT * FROM payments",
        "DELETE FROM audit_logs",
        "INSERT INTO audit_logs DEFAULT VALUES",
    ] {
        assert!(!as_auditor(other).await, "{other}");
    }
    world.finish().await;
}

#[tokio::test]
async fn two_migrations_at_the_same_moment_are_fine_and_a_third_has_nothing_to_do() {
    let database = Database::empty().await;
    let (one, other) = (
        database::connect(&database.url(), Rights::OfLogin, 2).await.unwrap(),
        database::connect(&database.url(), Rights::OfLogin, 2).await.unwrap(),
    );
    assert!(database::missing_migrations(&one).await.unwrap() > 0);
    let (first, second) = tokio::join!(database::migrate(&one), database::migrate(&other));
    first.unwrap();
    second.unwrap();
    database::migrate(&one).await.unwrap();
    assert_eq!(database::missing_migrations(&other).await.unwrap(), 0);
    let service = database::connect(&database.url(), Rights::OfService, 1).await.unwrap();
    assert_eq!(database::excessive_rights(&service).await.unwrap(), Vec::<String>::new());
    for pool in [one, other, service] {
        pool.close().await;
    }
}

/// Applies the migrations of these numbers as they stand in their files.
async fn apply(owner: &sqlx::PgPool, numbers: std::ops::RangeInclusive<u32>) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations");
    for number in numbers {
        let mut files = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
        let prefix = format!("{number:04}_");
        let file =
            files.find(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix)).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(owner)
            .await
            .unwrap_or_else(|error| panic!("{error}: {}", file.display()));
    }
}

#[tokio::test]
async fn payments_from_before_the_real_providers_are_asked_about_for_thirty_days_after_their_quote() {
    let database = Database::empty().await;
    let owner = database::connect(&database.url(), Rights::OfLogin, 1).await.unwrap();
    apply(&owner, 1..=7).await;
    let before = "
        INSERT INTO users (id, email, email_key, password_hash, created_at)
        VALUES ('00000000-0000-7000-8000-000000000001', 'a@example.com', 'a@example.com', '$argon2id$x', '2026-01-01Z');
        INSERT INTO channels (key, title) VALUES ('old', 'Old') ON CONFLICT DO NOTHING;
        INSERT INTO plans (code, channel, days) VALUES ('old-plan', 'old', 7);
        INSERT INTO payments (id, user_id, plan_code, channel, plan_days, provider, amount_minor, currency, quote_expires_at,
                              nonce, created_at, is_open, closed, closed_at, status, check_due_at)
        VALUES ('00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000001', 'old-plan', 'old', 7, 'hmac_psp',
                100, 'EUR', '2026-01-01 00:30Z', repeat('0', 32), '2026-01-01Z', true, NULL, NULL, 'pending', '2026-01-01Z'),
               ('00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-000000000001', 'old-plan', 'old', 7, 'hmac_psp',
                100, 'EUR', '2026-02-01 00:30Z', repeat('0', 32), '2026-02-01Z', false, 'expired', '2026-02-01 00:30Z',
                'expired', NULL)";
    sqlx::raw_sql(before).execute(&owner).await.unwrap();
    apply(&owner, 8..=8).await;
    let query = "SELECT late_until - quote_expires_at = interval '30 days' FROM payments ORDER BY id";
    let thirty_days: Vec<Option<bool>> = sqlx::query_scalar(query).fetch_all(&owner).await.unwrap();
    assert_eq!(thirty_days, [Some(true), Some(true)]);
    let query = "SELECT DISTINCT mode FROM payments";
    let modes: Vec<String> = sqlx::query_scalar(query).fetch_all(&owner).await.unwrap();
    assert_eq!(modes, ["live"], "what was asked for in real money stays real");
    owner.close().await;
}
