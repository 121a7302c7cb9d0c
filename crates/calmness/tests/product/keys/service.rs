//! The service that wraps the data keys is away, comes back, and is exchanged (SEC-30, SEC-33).

use application::Context;
use application::keys::{KeyChangeError, RewrappedKeys};
use application::settings::Key;
use calmness::config::KeyBackendKind;
use crypto::envelope::Rotation;
use serde_json::json;

use super::{audited, beside, try_beside};
use crate::support::{COMPANY, Vault, World};

async fn world_with(vault: &Vault, hours: u32) -> World {
    let vault = vault.clone();
    let setup = World::setup().with_config(move |config| {
        vault.configure(config);
        config.keys.serve_without_backend_hours = hours;
    });
    setup.start().await
}

#[tokio::test]
async fn sec_33_while_the_key_service_is_away_the_keys_in_memory_serve_and_readyz_says_degraded() {
    let vault = Vault::start().await;
    let world = world_with(&vault, 24).await;
    world.app.look_at_key_service().await.unwrap();
    assert_eq!(world.get("/readyz").await.expect(200).body, json!({ "status": "ok" }));
    vault.seal(true);
    for _ in 0..3 {
        world.app.look_at_key_service().await.unwrap();
    }
    let degraded = json!({ "status": "degraded", "degraded": ["keys"] });
    assert_eq!(world.get("/readyz").await.expect(200).body, degraded);
    let alerts = world.rows("SELECT kind, occurrences, details FROM alerts").await;
    let why = "the key service is away: it answered 503: Vault is sealed";
    let details = json!({ "service": "vault", "why": why });
    assert_eq!(alerts, [json!({ "kind": "key_backend_away", "occurrences": 1, "details": details })]);

    // What is in memory goes on, both ways.
    let customer = world.customer().await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    world.app.set_setting(&Context::operator(), Key::CompanyEmail, "new@example.com").await.unwrap();
    // Rotation and start refuse; a key is never made without its service.
    let before = world.count("SELECT count(*) FROM data_keys").await;
    let refused = world.app.rotate_data_key(&Context::operator()).await.unwrap_err();
    assert!(matches!(refused, KeyChangeError::Backend(_)), "{refused}");
    assert_eq!(world.count("SELECT count(*) FROM data_keys").await, before);
    let refused = try_beside(&world, |_| {}).await.err().expect("no keys").to_string();
    assert!(refused.contains("Vault is sealed"), "{refused}");

    vault.seal(false);
    world.app.look_at_key_service().await.unwrap();
    assert_eq!(world.get("/readyz").await.expect(200).body, json!({ "status": "ok" }));
    world.app.rotate_data_key(&Context::operator()).await.unwrap();
    world.finish().await;
}

#[tokio::test]
async fn sec_33_away_for_too_long_nothing_is_sealed_or_opened_until_it_is_back() {
    let vault = Vault::start().await;
    let world = world_with(&vault, 0).await;
    world.app.refresh_data_keys().await.unwrap();
    vault.seal(true);
    world.app.look_at_key_service().await.unwrap();
    world.get("/readyz").await.expect(503);
    let before = world.rows("SELECT value_encrypted::text FROM admin_config").await;
    let refused = world.app.set_setting(&Context::operator(), Key::CompanyEmail, "plain@example.com").await;
    assert!(refused.unwrap_err().to_string().contains("away for too long"));
    assert_eq!(world.rows("SELECT value_encrypted::text FROM admin_config").await, before, "never plaintext");
    assert!(world.app.settings().reload(world.app.db(), world.app.keys()).await.is_err());
    vault.seal(false);
    world.app.look_at_key_service().await.unwrap();
    world.get("/readyz").await.expect(200);
    world.app.settings().reload(world.app.db(), world.app.keys()).await.unwrap();
    assert!(world.app.settings().holds(Key::CompanyEmail, COMPANY));
    world.take_server_errors();
    world.finish().await;
}

#[tokio::test]
async fn sec_30_data_keys_move_from_the_configuration_to_a_key_service_and_leave_it_behind() {
    let world = World::new().await;
    let vault = Vault::start().await;
    let refused = try_beside(&world, |config| vault.configure(config)).await.err().expect("not moved");
    assert!(refused.to_string().contains("wrapped by `local`, not by `vault`"), "{refused}");
    let moving = beside(&world, |config| {
        vault.configure(config);
        config.keys.previous_backend = Some(KeyBackendKind::Local);
    })
    .await;
    let operator = Context::operator();
    let moved = moving.rewrap_data_keys(&operator).await.unwrap();
    assert_eq!(moved, RewrappedKeys { moved: 1, unchanged: 0 });
    let again = moving.rewrap_data_keys(&operator).await.unwrap();
    assert_eq!(again, RewrappedKeys { moved: 0, unchanged: 1 });
    let after = beside(&world, |config| vault.configure(config)).await;
    assert!(after.settings().holds(Key::CompanyEmail, COMPANY));
    let refused = try_beside(&world, |_| {}).await.err().expect("local holds it no more");
    assert!(refused.to_string().contains("wrapped by `vault`, not by `local`"), "{refused}");

    // The service's own next key: what is wrapped moves, not one value does.
    let values = world.rows("SELECT value_encrypted::text FROM admin_config").await;
    assert_eq!(after.rotate_kek(&operator).await.unwrap(), Rotation::Done);
    assert_eq!(after.rewrap_data_keys(&operator).await.unwrap(), RewrappedKeys { moved: 1, unchanged: 0 });
    assert_eq!(world.rows("SELECT value_encrypted::text FROM admin_config").await, values);
    let keks = world.rows("SELECT backend, wrapped_by FROM data_keys").await;
    assert_eq!(keks, [json!({ "backend": "vault", "wrapped_by": "transit/calmness:v2" })]);
    assert_eq!(audited(&world, "kek.rotated").await.len(), 1);
    assert_eq!(audited(&world, "data_key.rewrapped").await.len(), 2);
    let Rotation::ByOperator(how) = world.app.rotate_kek(&operator).await.unwrap() else { panic!("local") };
    assert!(how.contains("SECRET_KEY_PREVIOUS"));
    world.finish().await;
}
