//! The sealer beside writers, and what it may do.

use application::{Context, audit};
use scoped_futures::ScopedFutureExt;
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use tokio::task::JoinSet;

use super::{seal, verify};
use crate::support::World;

/// So many write at once.
const WRITERS: usize = 64;
/// So many transactions each.
const WRITES: usize = 10;

fn entry(subject: String) -> audit::Entry {
    audit::Entry {
        action: "test.noted",
        subject_kind: "test",
        subject_id: subject,
        user: None,
        details: json!({}),
    }
}

#[tokio::test]
async fn sec_54_64_writers_and_two_sealers_leave_no_fork_and_no_gap() {
    let world = World::new().await;
    let before = world.count("SELECT count(*) FROM audit_logs").await;
    let (mut writers, mut sealers) = (JoinSet::new(), JoinSet::new());
    for writer in 0..WRITERS {
        let app = world.app.clone();
        writers.spawn(async move {
            let context = Context::system("test");
            for number in 0..WRITES {
                let subject = format!("{writer}/{number}");
                let write = app.tx("note", &context, |tx| {
                    let subject = subject.clone();
                    async move {
                        audit::record(tx, entry(subject.clone())).await?;
                        // Others commit between the two entries of this one.
                        tokio::task::yield_now().await;
                        audit::record(tx, entry(subject)).await?;
                        // Every fifth is taken back: its number is used, its entries are not.
                        if number % 5 == 4 {
                            return Err(application::StoreError::Corrupt("taken back".to_owned()));
                        }
                        Ok(())
                    }
                    .scope_boxed()
                });
                assert_eq!(write.await.is_ok(), number % 5 != 4);
            }
        });
    }
    let stop = tokio_util::sync::CancellationToken::new();
    for _ in 0..2 {
        let (app, stop) = (world.app.clone(), stop.clone());
        sealers.spawn(async move {
            while !stop.is_cancelled() {
                app.seal_audit().await.unwrap();
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    stop.cancel();
    while let Some(done) = sealers.join_next().await {
        done.unwrap();
    }
    seal(&world).await;
    let written = i64::try_from(WRITERS * (WRITES - WRITES / 5) * 2).unwrap();
    assert_eq!(world.count("SELECT count(*) FROM audit_logs").await, before + written);
    let chain = world.rows("SELECT count(*), min(position), max(position), count(DISTINCT entry_id) AS entries FROM audit_chain").await;
    let all = before + written;
    assert_eq!(chain, [json!({ "count": all, "min": 1, "max": all, "entries": all })]);
    let forks = "SELECT count(*) FROM audit_seals AS one JOIN audit_seals AS other ON other.number = one.number + 1
                 WHERE other.previous <> one.hash OR other.first_position <> one.first_position + one.entries";
    assert_eq!(world.count(forks).await, 0);
    let seals = world.rows("SELECT count(*), max(number) FROM audit_seals").await;
    assert_eq!(seals[0]["count"], seals[0]["max"]);
    let report = verify(&world).await;
    assert!(report.holds() && report.entries == all && report.unsealed == 0, "{report:?}");
    world.finish().await;
}

#[tokio::test]
async fn an_entry_waits_for_every_transaction_that_could_still_come_before_it() {
    let world = World::new().await;
    seal(&world).await;
    let early =
        "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
                 VALUES (now(), now(), 'system', 'test.early', 'test', 'x')";
    let mut slow = world.owner.begin().await.unwrap();
    sqlx::raw_sql(early).execute(&mut *slow).await.unwrap();
    let context = Context::system("test");
    let write = world.app.tx("note", &context, |tx| {
        async move { audit::record(tx, entry("late".to_owned())).await }.scope_boxed()
    });
    write.await.unwrap();
    world.app.seal_audit().await.unwrap();
    let sealed = "SELECT action FROM audit_logs JOIN audit_chain ON entry_id = id WHERE subject_kind = 'test' ORDER BY position";
    assert_eq!(world.rows(sealed).await, Vec::<Value>::new(), "the later one waits");
    slow.commit().await.unwrap();
    seal(&world).await;
    assert_eq!(
        world.rows(sealed).await,
        [json!({ "action": "test.early" }), json!({ "action": "test.noted" })]
    );
    world.finish().await;
}

#[tokio::test]
async fn sec_53_the_service_cannot_rewrite_the_chain() {
    let world = World::new().await;
    seal(&world).await;
    for statement in [
        "UPDATE audit_chain SET position = position + 1",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
        "UPDATE audit_seals SET number = number + 1",
        "DELETE FROM audit_seals",
        "TRUNCATE audit_seals",
        "INSERT INTO audit_checkpoints SELECT 1, 1, hash, now(), now(), 'x', hash FROM audit_seals",
        "DELETE FROM audit_checkpoints",
        "UPDATE audit_personal SET content = '{}'",
        "TRUNCATE audit_personal",
    ] {
        let refused = sqlx::raw_sql(AssertSqlSafe(statement)).execute(world.app.db()).await.unwrap_err();
        let code =
            refused.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
    world.finish().await;
}

#[tokio::test]
async fn the_worker_seals_by_itself_and_keeps_the_head_in_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::setup()
        .with_worker()
        .with_config(|config| {
            // Named by the process, so that no other test writes to it.
            let name = format!("calmness-anchors-{}.jsonl", std::process::id());
            config.audit.anchor_file = Some(std::env::temp_dir().join(name));
        })
        .start()
        .await;
    drop(folder);
    let file = world.config().audit.anchor_file.clone().unwrap();
    let sealed = async || world.app.audit_head().await.unwrap().is_some();
    world.until("the worker has sealed", sealed).await;
    world.stop_worker().await;
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let last: Value = serde_json::from_str(kept.lines().last().unwrap()).unwrap();
    let head = serde_json::to_value(world.app.audit_head().await.unwrap().unwrap()).unwrap();
    for member in ["number", "position", "hash", "sealed_at", "kid", "signature"] {
        assert_eq!(last[member], head[member], "{member}");
    }
    world.finish().await;
}
