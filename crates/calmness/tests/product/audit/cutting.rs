//! Retention: whole seals are cut, and the rest verifies from a signed checkpoint.

use application::audit::{Anchors, PruneError};

use super::{seal, verify, verify_in};
use crate::support::World;

#[tokio::test]
async fn old_seals_are_cut_by_the_owner_alone_and_the_rest_verifies() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    seal(&world).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors.jsonl");
    let mut anchors = Anchors::new(Some(file.clone()));
    let head = async || world.app.audit_head().await.unwrap().unwrap();
    anchors.keep(&head().await, world.wall()).await.unwrap();
    let (cut_at, old) = (world.wall(), head().await);
    world.member("binta", 7_002).await;
    seal(&world).await;
    anchors.keep(&head().await, world.wall()).await.unwrap();
    let refused = world.app.prune_audit(world.app.db(), cut_at).await.unwrap_err();
    assert!(matches!(refused, PruneError::NotTheOwner), "{refused:?}");
    let there = world.app.prunable_audit(cut_at).await.unwrap();
    let cut = world.app.prune_audit(&world.owner, cut_at).await.unwrap();
    assert_eq!((cut, cut.entries), (there, old.position));
    assert_eq!(world.app.prune_audit(&world.owner, cut_at).await.unwrap().seals, 0);
    assert_eq!(world.count("SELECT min(position) FROM audit_chain").await, old.position + 1);
    seal(&world).await;
    let report = verify_in(&world, &world.owner, Some(&file)).await;
    assert!(report.holds() && report.began_after == old.number, "{report:?}");
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'audit.pruned'").await, 1);
    assert_eq!(world.broken_invariants().await, [], "what was cut is not missed");
    world.sql("UPDATE audit_checkpoints SET position = position - 1").await;
    assert!(!verify(&world).await.holds(), "a checkpoint is signed");
    world.sql("DELETE FROM audit_checkpoints").await;
    assert!(!verify(&world).await.holds(), "and must be there");
    world.abandon().await;
}
