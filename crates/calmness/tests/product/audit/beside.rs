//! Who somebody was stands beside the entries: it is erased, and the chain stays whole.

use application::Context;
use serde_json::json;
use time::Duration;

use super::{seal, verify};
use crate::support::{PASSWORD, World};

#[tokio::test]
async fn sec_59_an_erased_person_leaves_a_chain_that_verifies() {
    let world = World::new().await;
    let awa = world.member("awa", 7_001).await;
    let binta = world.member("binta", 7_002).await;
    seal(&world).await;
    let beside = format!(
        "SELECT count(*) FROM audit_personal JOIN audit_logs ON id = entry_id WHERE user_id = '{}'",
        awa.id
    );
    assert!(world.count(&beside).await > 0);
    let leave = world.call("DELETE", "/api/me").by(&awa).json(&json!({ "password": PASSWORD })).send().await;
    leave.expect(202);
    world.advance(Duration::days(7)).await;
    seal(&world).await;
    let after = format!(
        "SELECT count(*) FROM audit_personal JOIN audit_logs ON id = entry_id WHERE user_id = '{}'
           AND id < (SELECT id FROM audit_logs WHERE action = 'user.erased')",
        awa.id
    );
    assert_eq!(world.count(&after).await, 0);
    let named = r"SELECT count(*) FROM audit_logs WHERE subject_id ~ '(^|/)7001$' OR details ->> 'telegram_user_id' = '7001'";
    assert_eq!(world.count(named).await, 0, "no entry names the Telegram account itself");
    assert!(world.count(&beside.replace(&awa.id.to_string(), &binta.id.to_string())).await > 0);
    let report = verify(&world).await;
    assert!(report.holds() && report.erased > 0, "{report:?}");
    world.finish().await;
}

#[tokio::test]
async fn personal_data_is_forgotten_by_age_and_the_log_says_so() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    seal(&world).await;
    let before = world.wall() + Duration::seconds(2);
    let gone = world.app.forget_audit_personal(&Context::system("retention"), before).await.unwrap();
    assert!(gone > 0);
    seal(&world).await;
    let report = verify(&world).await;
    assert!(report.holds() && report.erased > 0, "{report:?}");
    world.sql("DELETE FROM audit_logs WHERE action = 'audit.forgotten'").await;
    assert!(!verify(&world).await.holds(), "without the entry that tells of it they are missed");
    world.abandon().await;
}
