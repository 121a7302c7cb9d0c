//! The audit chain: what is sealed stays as it was, and whoever changes it is found (SEC-53, SEC-54).

mod beside;
mod campaign;
mod cutting;
mod list;
mod restoring;
mod sealing;

use std::path::Path;

use application::audit::{self, Range, Report};
use sqlx::PgPool;

use crate::support::World;

/// Everything, from the first seal to what no seal holds.
async fn verify(world: &World) -> Report {
    verify_in(world, &world.owner, None).await
}

async fn verify_in(world: &World, db: &PgPool, anchors: Option<&Path>) -> Report {
    let keys = world.app.keys().audit_keys();
    audit::verify_database(db, Range::All, keys, anchors, &|_, _| {}).await.unwrap()
}

/// Seals until nothing waits: transactions of other tests on the same server hold the sealer up.
async fn seal(world: &World) {
    let sealed = async || {
        world.app.seal_audit_wholly().await.unwrap();
        audit::oldest_unsealed(&world.owner).await.unwrap().is_none()
    };
    world.until("everything is sealed", sealed).await;
}
