//! A restored database counts its transactions anew; nothing is skipped and nothing is sealed twice.

use std::process::Stdio;
use std::sync::Arc;

use application::audit::{self, Anchors, Range};
use application::clock::{Clock, ManualClock};
use application::database::{self, Rights};
use application::{App, Context};
use calmness::wiring;
use crypto::password::PasswordParams;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::PgPool;
use tokio::process::Command;

use super::{seal, verify};
use crate::support::{Database, World};

/// As from a server that has counted five milliards of transactions more than the one that it is restored on.
const AHEAD: &str = "UPDATE audit_logs SET xact_id = (xact_id::text::bigint + 5000000000)::text::xid8
                     WHERE NOT EXISTS (SELECT FROM audit_chain WHERE entry_id = id)";

async fn note(app: &App, subject: &str) {
    let context = Context::system("test");
    let write = app.tx("note", &context, |tx| {
        let entry = audit::Entry {
            action: "test.noted",
            subject_kind: "test",
            subject_id: subject.to_owned(),
            user: None,
            details: json!({}),
        };
        async move { audit::record(tx, entry).await }.scope_boxed()
    });
    write.await.unwrap();
}

async fn dump_and_restore(from: &SecretString, to: &SecretString) {
    let dump = Command::new("pg_dump").arg("--no-owner").arg(from.expose_secret()).output().await.unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let mut restore = Command::new("psql");
    restore.args(["--quiet", "--set", "ON_ERROR_STOP=1", to.expose_secret()]);
    let mut child =
        restore.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stdin, &dump.stdout).await.unwrap();
    drop(stdin);
    let done = child.wait_with_output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn product_over(world: &World, url: &SecretString) -> (App, PgPool) {
    let mut config = world.config().clone();
    config.database.url = Some(url.clone());
    let owner = database::connect(url, Rights::OfLogin, 2).await.unwrap();
    let service = database::connect(url, Rights::OfService, 4).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
    let cheap = PasswordParams { memory_kib: 64, passes: 1, lanes: 1 };
    (wiring::wire_with(&config, clock, cheap, service).await.unwrap().app, owner)
}

async fn seal_there(world: &World, app: &App, owner: &PgPool) {
    let sealed = async || {
        app.seal_audit_wholly().await.unwrap();
        let all: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM audit_logs WHERE NOT EXISTS (SELECT FROM audit_chain WHERE entry_id = id)",
        )
        .fetch_one(owner)
        .await
        .unwrap();
        all == 0
    };
    world.until("everything there is sealed", sealed).await;
}

#[tokio::test]
async fn sec_54_a_restored_database_seals_its_remainder_first_and_nothing_twice() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    world.sql(AHEAD).await;
    seal(&world).await;
    assert!(verify(&world).await.holds());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors.jsonl");
    let head = world.app.audit_head().await.unwrap().unwrap();
    Anchors::new(Some(file.clone())).keep(&head, world.wall()).await.unwrap();
    for subject in ["one", "two", "three"] {
        note(&world.app, subject).await;
    }
    world.sql(AHEAD).await;
    let elsewhere = Database::empty().await;
    let from = world.config().database.url.clone().unwrap();
    dump_and_restore(&from, &elsewhere.url()).await;
    let (app, owner) = product_over(&world, &elsewhere.url()).await;
    note(&app, "there").await;
    seal_there(&world, &app, &owner).await;
    note(&app, "later").await;
    seal_there(&world, &app, &owner).await;
    let order: Vec<String> = sqlx::query_scalar(
        "SELECT subject_id FROM audit_logs JOIN audit_chain ON entry_id = id WHERE subject_kind = 'test' ORDER BY position",
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(order, ["one", "two", "three", "there", "later"]);
    let report = audit::verify_database(&owner, Range::All, app.keys().audit_keys(), Some(&file), &|_, _| {})
        .await
        .unwrap();
    let entries: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_logs").fetch_one(&owner).await.unwrap();
    assert!(report.holds() && report.entries == entries && report.anchors == 1, "{report:?}");
    app.db().close().await;
    owner.close().await;
    world.finish().await;
}
