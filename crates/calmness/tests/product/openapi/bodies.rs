//! What a client may write is what the document lists, and nothing more (SEC-23).

use application::Role;
use serde_json::{Map, Value, json};

use super::{document, operations};
use crate::support::{Staff, World};

/// What somebody would try to write beside what is asked for.
const SMUGGLED: [&str; 12] = [
    "surprise",
    "role",
    "user_id",
    "id",
    "amount",
    "amount_minor",
    "status",
    "owner",
    "frozen_at",
    "second_factor",
    "verified",
    "__proto__",
];

/// The members that the document gives a body.
fn members(document: &Value, operation: &Value) -> Option<Map<String, Value>> {
    let schema = &operation.get("requestBody")?["content"]["application/json"]["schema"];
    let reference = schema["$ref"].as_str()?;
    let schema = document.pointer(reference.strip_prefix('#').unwrap()).unwrap();
    Some(schema["properties"].as_object().unwrap().clone())
}

/// Something of the right type.
fn sample(schema: &Value) -> Value {
    let example = schema.get("example").cloned();
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str()).unwrap_or("string").to_owned();
    example.unwrap_or_else(|| match kind.as_str() {
        _ if schema["format"] == "uuid" => json!("018f2b7e-0000-7000-8000-000000000000"),
        _ if schema["format"] == "date-time" => json!("2026-01-01T00:00:00Z"),
        "integer" | "number" => json!(1),
        "boolean" => json!(true),
        "array" => json!([]),
        "object" => json!({}),
        _ => json!("something"),
    })
}

async fn send(
    world: &World,
    caller: &Staff,
    method: &str,
    address: &str,
    body: &Value,
    confirm: bool,
) -> String {
    let answer = if confirm {
        world.confirmed(caller, method, address, body).await
    } else {
        world.call(method, address).by(&caller.person).json(body).send().await
    };
    let (status, code) = answer.problem();
    let found = &answer.body["errors"][0];
    format!(
        "{status} {code} {} {}",
        found["pointer"].as_str().unwrap_or(""),
        found["code"].as_str().unwrap_or("")
    )
}

#[tokio::test]
async fn sec_23_no_documented_body_takes_a_field_that_is_not_documented() {
    let world = World::new().await;
    let document = document(&world).await;
    let admin = world.staff("admin", Role::Admin).await;
    let mut tried = 0;
    for (method, address, operation) in operations(&document) {
        // Providers may send anything more, and prove themselves before their body is read.
        if operation.get("requestBody").is_none() || address.starts_with("/api/webhooks/") {
            continue;
        }
        let members = members(&document, &operation);
        let members = members.unwrap_or_else(|| panic!("{method} {address} does not say what its body is"));
        let confirm = operation["parameters"].to_string().contains("Step-Up");
        let whole: Map<String, Value> =
            members.iter().map(|(name, schema)| (name.clone(), sample(schema))).collect();
        for name in SMUGGLED.into_iter().filter(|name| !members.contains_key(*name)) {
            let mut body = whole.clone();
            body.insert(name.to_owned(), json!("admin"));
            let said = send(&world, &admin, &method, &address, &Value::Object(body), confirm).await;
            assert_eq!(said, format!("422 validation_failed /{name} unknown_field"), "{method} {address}");
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
    world.finish().await;
}

#[tokio::test]
async fn sec_23_nobody_makes_themselves_an_admin() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let change = world.call("PATCH", "/api/me").by(&customer);
    change.json(&json!({ "locale": "en", "role": "admin" })).send().await.expect(422);
    let me = world.get_by(&customer, "/api/me").await.expect(200);
    assert_eq!((me.text_of("role"), me.text_of("locale")), ("user", "fr"));
    world.finish().await;
}
