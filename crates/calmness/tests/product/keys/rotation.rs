//! Data keys follow each other.

use application::Context;
use application::keys::KeyChangeError;
use application::settings::Key;
use crypto::secret_key::Purpose;
use serde_json::json;
use uuid::Uuid;

use super::{age, audited, beside, key_of};
use crate::support::World;

async fn set_email(app: &application::App, value: &str) {
    app.set_setting(&Context::operator(), Key::CompanyEmail, value).await.unwrap();
}

#[tokio::test]
async fn sec_31_a_new_data_key_seals_once_every_instance_has_it_and_old_values_open() {
    let world = World::new().await;
    let other = beside(&world, |_| {}).await;
    let old = key_of(&world, "admin_config", "value_encrypted").await;
    let new = world.app.rotate_data_key(&Context::operator()).await.unwrap();
    set_email(&world.app, "first@example.com").await;
    assert_eq!(key_of(&world, "admin_config", "value_encrypted").await, old, "not everybody has it yet");
    assert!(world.app.until_newest_data_key_seals().await.unwrap().as_secs() <= 15);
    age(&world, 15).await;
    assert!(world.app.until_newest_data_key_seals().await.unwrap().is_zero());
    world.sql("DELETE FROM admin_config WHERE key <> 'company_email'").await;
    set_email(&world.app, "second@example.com").await;
    assert_eq!(key_of(&world, "admin_config", "value_encrypted").await, new);
    // The other instance reads it without a restart, as soon as it has looked.
    let unread = other.settings().reload(other.db(), other.keys()).await.unwrap_err().to_string();
    assert!(unread.contains("is not loaded"), "{unread}");
    other.refresh_data_keys().await.unwrap();
    other.settings().reload(other.db(), other.keys()).await.unwrap();
    assert!(other.settings().holds(Key::CompanyEmail, "second@example.com"));
    set_email(&other, "third@example.com").await;
    assert_eq!(key_of(&world, "admin_config", "value_encrypted").await, new);
    world.abandon().await;
}

#[tokio::test]
async fn sec_27_what_a_key_sealed_is_counted_over_every_instance() {
    let world = World::new().await;
    let other = beside(&world, |_| {}).await;
    world.app.refresh_data_keys().await.unwrap();
    let seals = "SELECT seals FROM data_keys";
    let before = world.count(seals).await;
    assert!(before >= 3, "a key of tokens and two settings: {before}");
    for app in [&world.app, &other, &other] {
        set_email(app, "another@example.com").await;
    }
    for app in [&world.app, &other, &other, &world.app] {
        app.refresh_data_keys().await.unwrap();
    }
    assert_eq!(world.count(seals).await, before + 6, "each once: the value, and the same in the history");
    world.finish().await;
}

#[tokio::test]
async fn sec_31_a_data_key_is_revoked_only_when_nothing_can_be_lost() {
    let world = World::new().await;
    let operator = Context::operator();
    let old = key_of(&world, "admin_config", "value_encrypted").await;
    let revoke = async |id| world.app.revoke_data_key(&operator, id).await;
    assert!(matches!(revoke(old).await, Err(KeyChangeError::InUse(_))));
    assert!(matches!(revoke(Uuid::from_u128(1)).await, Err(KeyChangeError::Unknown)));
    let new = world.app.rotate_data_key(&operator).await.unwrap();
    age(&world, 15).await;
    assert!(matches!(revoke(old).await, Err(KeyChangeError::InUse(_))), "an instance may lag");
    age(&world, 2 * 3_600).await;
    let Err(KeyChangeError::StillNeeded { rows, .. }) = revoke(old).await else { panic!("it is needed") };
    assert!(rows >= 3, "{rows}");
    world.app.rewrap_values(&operator, &mut |_| {}).await.unwrap();
    revoke(old).await.unwrap();
    assert!(matches!(revoke(old).await, Err(KeyChangeError::Unknown)), "twice is once");
    assert!(matches!(revoke(new).await, Err(KeyChangeError::InUse(_))));
    let gone = "SELECT count(*) FROM data_keys WHERE revoked_at IS NOT NULL AND wrapped = ''";
    assert_eq!(world.count(gone).await, 1);
    assert_eq!(audited(&world, "data_key.revoked").await[0]["subject_id"], json!(old));
    let fresh = beside(&world, |_| {}).await;
    assert!(fresh.settings().holds(Key::CompanyEmail, crate::support::COMPANY));
    world.finish().await;
}

#[tokio::test]
async fn sec_24_an_admin_rotates_keys_with_a_step_up_and_sees_no_key() {
    let world = World::new().await;
    let admin = world.admin().await;
    let customer = world.made_customer("awa").await;
    let path = "/api/admin/keys/rotate";
    world.get_by(&customer, "/api/admin/keys").await.expect(403);
    world.by(&admin.person, "POST", path, &json!({ "purpose": "data" })).await.expect(403);
    world.confirmed(&admin, "POST", path, &json!({ "purpose": "kek" })).await.expect(422);
    let data = world.confirmed(&admin, "POST", path, &json!({ "purpose": "data" })).await.expect(200);
    let jwt = world.confirmed(&admin, "POST", path, &json!({ "purpose": "jwt" })).await.expect(200);
    assert_eq!(audited(&world, "data_key.rotated").await[0]["subject_id"], data.text_of("id"));
    let seen = world.get_by(&admin.person, "/api/admin/keys").await.expect(200).body;
    assert_eq!(seen["environment"], "development");
    assert_eq!(
        seen["service"],
        json!({ "backend": "local", "status": "ok", "last_answered_at": null, "why": null })
    );
    assert_eq!(seen["derived"].as_array().unwrap().len(), Purpose::ALL.len());
    assert_eq!(
        (&seen["data_keys"][0]["id"], &seen["data_keys"][0]["rows"]),
        (&data.body["id"], &json!(null))
    );
    assert_eq!(seen["jwt_keys"][0]["kid"], jwt.body["id"]);
    let counted = world.get_by(&admin.person, "/api/admin/keys?count=true").await.expect(200).body;
    let rows = |key: usize| counted["data_keys"][key]["rows"].as_i64().unwrap();
    assert!(rows(0) == 0 && rows(1) >= 4, "{counted}");
    world.get_by(&admin.person, "/api/admin/keys?counted=1").await.expect(422);
    world.finish().await;
}
