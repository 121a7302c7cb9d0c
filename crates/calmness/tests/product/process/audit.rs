//! `calmness audit`: verifying, exporting and cutting from the command line.

use application::audit;
use serde_json::Value;

use super::program::Program;
use crate::support::World;

#[tokio::test]
async fn the_chain_is_verified_exported_and_cut_from_the_command_line() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    let sealed = async || {
        world.app.seal_audit_wholly().await.unwrap();
        audit::oldest_unsealed(&world.owner).await.unwrap().is_none()
    };
    world.until("everything is sealed", sealed).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = async |arguments: &[&str]| Program::command_of(&world, &[&["audit"], arguments].concat()).await;
    let verified = run(&["verify"]).await;
    assert!(
        verified.code == 0 && verified.stdout.starts_with("✓ the chain verifies: "),
        "{}{}",
        verified.stdout,
        verified.stderr
    );
    let key = run(&["key"]).await;
    assert_eq!(serde_json::from_str::<Value>(&key.stdout).unwrap()["keys"][0]["crv"], "Ed25519");
    std::fs::write(path("keys.json"), &key.stdout).unwrap();
    let exported = run(&["export", "--output", &path("audit.jsonl")]).await;
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    assert_ne!(run(&["export", "--output", &path("audit.jsonl")]).await.code, 0, "no file is written over");
    // Nothing of the configuration is there.
    let offline = ["audit", "verify", "--file", &path("audit.jsonl"), "--keys", &path("keys.json")];
    let offline = Program::new().say(&offline).await;
    assert!(offline.code == 0 && offline.stdout.starts_with('✓'), "{}{}", offline.stdout, offline.stderr);
    let dry = run(&["prune", "--before", "2100-01-01", "--dry-run"]).await;
    assert!(dry.code == 0 && dry.stdout.contains("would be cut"), "{}", dry.stderr);
    let refused = run(&["prune", "--before", "2100-01-01"]).await;
    assert!(refused.code == 1 && refused.stderr.contains("MIGRATION_DATABASE_URL"), "{}", refused.stderr);
    world.sql("UPDATE audit_logs SET subject_id = 'x' WHERE id = (SELECT entry_id FROM audit_chain WHERE position = 2)").await;
    let broken = run(&["verify"]).await;
    assert_eq!(broken.code, 1);
    assert!(
        broken.stdout.contains("position 2") && broken.stdout.contains("✗ the chain is broken"),
        "{}",
        broken.stdout
    );
    let json = run(&["verify", "--json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&json.stdout).unwrap()["wrong"], 1);
    world.abandon().await;
}
