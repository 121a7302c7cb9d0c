//! What belongs to somebody else is not there (SEC-22).

use serde_json::{Value, json};

use super::{METHODS, document};
use crate::support::{Answer, Customer, PASSWORD, World};

const MISSING: &str = "018f2b7e-0000-7000-8000-000000000000";

/// Something of the owner for every documented address that names one object of a user.
async fn owned(world: &World, owner: &Customer) -> Vec<(&'static str, String)> {
    let payment = world.open(owner, "k", "signaux-monthly").await;
    let body = json!({ "name": "m", "scopes": ["profile:read"], "days": 1, "password": PASSWORD });
    let key = world.call("POST", "/api/auth/api-keys").by(owner).json(&body).send().await.expect(201);
    let sessions = world.get_by(owner, "/api/auth/sessions").await.expect(200);
    let session = sessions.body["items"][0]["id"].as_str().unwrap();
    let method = "018f2b7e-0000-7000-8000-00000000000a";
    world
        .sql(&format!(
            "INSERT INTO payment_methods (id, user_id, provider, details_encrypted, created_at)
             VALUES ('{method}', (SELECT user_id FROM payments LIMIT 1), 'mtn_momo', (SELECT value_encrypted FROM admin_config LIMIT 1), '2026-01-01Z')"
        ))
        .await;
    vec![
        ("/api/billing/payment-methods/{id}", method.to_owned()),
        ("/api/billing/payments/{id}/receipt", payment["id"].as_str().unwrap().to_owned()),
        ("/api/billing/payments/{id}", payment["id"].as_str().unwrap().to_owned()),
        ("/api/auth/api-keys/{id}", key.text_of("id").to_owned()),
        ("/api/auth/sessions/{id}", session.to_owned()),
    ]
}

/// All that a client sees, but for the name of the request.
fn seen(answer: &Answer) -> (u16, Value, Vec<String>) {
    let mut body = answer.body.clone();
    body["request_id"].take();
    let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
    names.sort();
    (answer.status, body, names)
}

#[tokio::test]
async fn sec_22_somebody_elses_object_is_the_same_as_a_missing_one() {
    let world = World::new().await;
    let (owner, other) = (world.made_customer("owner").await, world.made_customer("other").await);
    let objects = owned(&world, &owner).await;
    let document = document(&world).await;
    let mut tried = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        if !path.contains("{id}") || path.starts_with("/api/admin/") {
            continue;
        }
        let (_, id) = objects.iter().find(|(known, _)| known == path).unwrap_or_else(|| panic!("{path}"));
        for method in METHODS.into_iter().filter(|method| item.get(*method).is_some()) {
            let method = method.to_uppercase();
            let foreign = world.call(&method, &path.replace("{id}", id)).by(&other).send().await;
            let missing = world.call(&method, &path.replace("{id}", MISSING)).by(&other).send().await;
            let nonsense = world.call(&method, &path.replace("{id}", "1")).by(&other).send().await;
            assert_eq!(foreign.status, 404, "{method} {path}: {}", foreign.text);
            assert_eq!(seen(&foreign), seen(&missing), "{method} {path}");
            assert_eq!(seen(&foreign), seen(&nonsense), "{method} {path}");
            tried += 1;
        }
    }
    assert_eq!(tried, objects.len());
    // Nothing of it was touched.
    world.get_by(&owner, "/api/me").await.expect(200);
    assert_eq!(world.get_by(&owner, "/api/auth/api-keys").await.body["items"].as_array().unwrap().len(), 1);
    world.finish().await;
}
