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
