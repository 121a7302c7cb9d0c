//! What an operator does to accounts from the command line, beside a serving product.

use serde_json::json;

use super::program::Program;
use crate::support::World;

#[tokio::test]
async fn sec_61_an_operator_freezes_and_unfreezes_by_command() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    let freeze = ["user", "freeze", &customer.email, "--reason", "a call from the bank"];
    let run = Program::command_of(&world, &freeze).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    world.until_refused(&customer).await;
    let states = "SELECT DISTINCT state FROM periods";
    assert_eq!(world.rows(states).await, [json!({ "state": "withheld" })]);
    let unfreeze = ["user", "unfreeze", &customer.email, "--reason", "all is well"];
    let run = Program::command_of(&world, &unfreeze).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(world.rows(states).await, [json!({ "state": "live" })]);
    let customer = world.log_in(&customer.email).await;
    let left = world.subscription(&customer).await["seconds_left"].as_i64().unwrap();
    assert!((30 * 86_400 - 30..=30 * 86_400).contains(&left), "{left}");
    let audited = "SELECT action, actor_kind, details->>'reason' AS reason FROM audit_logs
                   WHERE action IN ('user.frozen', 'user.unfrozen') ORDER BY id";
    assert_eq!(
        world.rows(audited).await,
        [
            json!({ "action": "user.frozen", "actor_kind": "operator", "reason": "a call from the bank" }),
            json!({ "action": "user.unfrozen", "actor_kind": "operator", "reason": "all is well" }),
        ]
    );
    let nobody = ["user", "unfreeze", "nobody@example.com", "--reason", "x"];
    assert_ne!(Program::command_of(&world, &nobody).await.code, 0);
    world.finish().await;
}

#[tokio::test]
async fn an_operator_gives_and_takes_time_and_writes_the_books_by_command() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-monthly").await;
    let grant =
        ["subscription", "grant", &customer.email, "--days", "7", "--reason", "a thank you", "--once", "g"];
    for expected in ["given: ", "was given before: "] {
        let run = Program::command_of(&world, &grant).await;
        assert!(run.code == 0 && run.stdout.starts_with(expected), "{} {}", run.stdout, run.stderr);
    }
    let shown = Program::command_of(&world, &["subscription", "show", &customer.email]).await.stdout;
    assert!(shown.contains("active") && shown.contains("(succeeded)"), "{shown}");
    assert!(shown.contains("given: a thank you"), "{shown}");
    let id = shown.split_whitespace().next().unwrap();
    let revoke = ["subscription", "revoke", id, "--reason", "asked to leave"];
    let run = Program::command_of(&world, &revoke).await;
    assert!(run.code == 0 && run.stdout.starts_with("2 taken"), "{} {}", run.stdout, run.stderr);
    world.drain().await;
    assert_eq!(world.subscription(&customer).await["status"], "ended");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("journal.csv");
    let output = file.to_str().unwrap();
    let export = ["export", "journal", "--from", "2020-01-01", "--to", "2100-01-01", "--output", output];
    let run = Program::command_of(&world, &export).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.starts_with("booked_at,") && written.ends_with(",5999,59.99,5999,59.99\r\n"),
        "{written}"
    );
    let spoken = Program::command_of(&world, &export[..6]).await;
    assert_eq!(spoken.stdout, written);
    let turned = ["export", "payments", "--from", "2026-02-01", "--to", "2026-01-01"];
    assert_ne!(Program::command_of(&world, &turned).await.code, 0);
    world.finish().await;
}
