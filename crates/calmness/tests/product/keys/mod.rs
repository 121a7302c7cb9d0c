//! Keys of what is stored: rotated, moved and revoked while the product serves; the service that wraps them.

mod environment;
mod rewrap;
mod rotation;
mod secret_key;
mod service;

use application::App;
use calmness::config::Config;
use calmness::wiring::{self, ClockKind};
use serde_json::Value;
use uuid::Uuid;

use crate::support::World;

/// One more instance over the same database, with a configuration of its own.
async fn beside(world: &World, change: impl FnOnce(&mut Config)) -> App {
    try_beside(world, change).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn try_beside(world: &World, change: impl FnOnce(&mut Config)) -> Result<App, wiring::WiringError> {
    let mut config = world.config().clone();
    change(&mut config);
    let wired = wiring::wire_over(&config, ClockKind::System, world.app.db().clone()).await;
    wired.map(|wired| wired.app)
}

/// The time of every data key passes, as every instance sees it.
async fn age(world: &World, seconds: u32) {
    let earlier = ["created_at", "seals_from", "retired_at"]
        .map(|column| format!("{column} = {column} - interval '{seconds} seconds'"))
        .join(", ");
    world.sql(&format!("UPDATE data_keys SET {earlier}")).await;
    world.app.refresh_data_keys().await.unwrap();
}

/// The data key that a stored value is under.
async fn key_of(world: &World, table: &str, column: &str) -> Uuid {
    let query = format!("SELECT encode(substring({column} FROM 2 FOR 16), 'hex') AS id FROM {table} LIMIT 1");
    world.rows(&query).await[0]["id"].as_str().unwrap().parse().unwrap()
}

async fn audited(world: &World, action: &str) -> Vec<Value> {
    let query = format!(
        "SELECT actor_kind, subject_id, details FROM audit_logs WHERE action = '{action}' ORDER BY id"
    );
    world.rows(&query).await
}
