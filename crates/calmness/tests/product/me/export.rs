//! `/api/me/export`: everything about oneself, nothing about others, no secret.

use serde_json::Value;

use crate::support::{Customer, World};

fn names(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            found.extend(members.keys().cloned());
            members.values().for_each(|member| names(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

/// Somebody who has used everything.
async fn busy(world: &World, name: &str, account: i64) -> Customer {
    let customer = world.member(name, account).await;
    world.api_key(&customer, &["profile:read"]).await;
    world.enrol_app(&customer).await;
    customer
}

#[tokio::test]
async fn sec_59_an_export_holds_ones_own_data_and_nobody_elses() {
    let world = World::new().await;
    let (awa, ben) = (busy(&world, "awa", 7_001).await, busy(&world, "ben", 7_002).await);
    let admin = world.admin().await;
    world.drain().await;
    let export = world.get_by(&awa, "/api/me/export").await.expect(200);
    assert!(export.header("content-disposition").unwrap().starts_with("attachment"));
    assert_eq!(export.header("cache-control"), Some("no-store"));
    let document = &export.body;
    assert_eq!(document["account"]["email"], "awa@example.com");
    for list in
        ["devices", "sessions", "api_keys", "payments", "subscriptions", "telegram", "messages", "events"]
    {
        assert!(!document[list].as_array().unwrap().is_empty(), "{list} is empty");
    }
    assert!(document["second_factors"]["authenticator_app"].is_string());
    assert_eq!(document["payments"].as_array().unwrap().len(), 1);
    assert_eq!(document["telegram"][0]["account"], 7_001);
    for foreign in
        [&ben.email, &ben.id.to_string(), "7002", &admin.person.email, &admin.person.id.to_string()]
    {
        assert!(!export.text.contains(foreign), "{foreign}");
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_59_an_export_does_not_tell_where_others_acted_from() {
    let world = World::new().await;
    let (admin, awa) = (world.admin().await, world.made_customer("awa").await);
    world.freeze(&admin, &awa).await.expect(204);
    world.unfreeze(&admin, &awa).await.expect(204);
    let awa = world.log_in(&awa.email).await;
    let export = world.get_by(&awa, "/api/me/export").await.expect(200).body;
    let events = export["events"].as_array().unwrap();
    let from = |action: &str| {
        let event = events.iter().find(|event| event["action"] == action);
        event.unwrap_or_else(|| panic!("no {action}"))["from"].clone()
    };
    assert_eq!(from("user.frozen"), Value::Null);
    assert_eq!(from("login.succeeded"), "127.0.0.1");
    assert!(!export.to_string().contains("stolen cards"), "the reason is the operator's");
    world.finish().await;
}

#[tokio::test]
async fn sec_59_an_export_holds_no_hash_and_no_secret() {
    let world = World::new().await;
    let awa = busy(&world, "awa", 7_001).await;
    let export = world.get_by(&awa, "/api/me/export").await.expect(200);
    let mut found = Vec::new();
    names(&export.body, &mut found);
    for word in ["hash", "secret", "token", "encrypted", "cookie", "nonce", "signature", "invite_link"] {
        assert!(!found.iter().any(|name| name.contains(word)), "{word}");
    }
    let secrets = "SELECT password_hash AS text FROM users
                   UNION ALL SELECT encode(token_hash, 'hex') FROM refresh_tokens
                   UNION ALL SELECT encode(key_hash, 'hex') FROM api_keys
                   UNION ALL SELECT encode(code_hash, 'hex') FROM recovery_codes
                   UNION ALL SELECT encode(secret_encrypted, 'hex') FROM totp_factors
                   UNION ALL SELECT checkout_url FROM payments
                   UNION ALL SELECT invite_link FROM memberships WHERE invite_link IS NOT NULL";
    let secrets = world.rows(secrets).await;
    assert!(secrets.len() > 10);
    for secret in secrets {
        assert!(!export.text.contains(secret["text"].as_str().unwrap()), "{secret}");
    }
    for token in [&awa.access_token, &awa.refresh_token] {
        assert!(!export.text.contains(token.as_str()));
    }
    world.finish().await;
}
