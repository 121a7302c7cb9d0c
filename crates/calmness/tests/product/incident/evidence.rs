//! `/evidence`: one signed archive, of what it is asked for and nothing else.

use std::collections::BTreeMap;
use std::io::Read;

use application::incident::verify_archive;
use crypto::receipt::PublicKeys;
use flate2::read::GzDecoder;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;

use crate::support::{Staff, World};

const EVIDENCE: &str = "/api/admin/incident/evidence";

/// The files of an archive that verifies.
async fn gather(world: &World, admin: &Staff, body: &Value) -> BTreeMap<String, String> {
    let bytes = world.confirmed_bytes(admin, "POST", EVIDENCE, body).await;
    let status = world.get_by(&admin.person, "/api/admin/incident").await.expect(200).body;
    let keys: PublicKeys = serde_json::from_value(status["evidence_keys"].clone()).unwrap();
    let verified = verify_archive(bytes.as_slice(), &keys).unwrap();
    assert_eq!(verified.manifest.created_by, format!("user {}", admin.person.id));
    unpacked(&bytes)
}

pub(crate) fn unpacked(archive: &[u8]) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(archive)).entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        assert!(files.insert(name, text).is_none());
    }
    files
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn i2_evidence_of_a_user_holds_what_is_theirs_and_nothing_that_opens_an_account() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (awa, ben) = (world.member("awa", 7_001).await, world.member("ben", 7_002).await);
    let key = world.api_key(&awa, &["profile:read"]).await;
    let files = gather(&world, &admin, &json!({ "user_id": awa.id, "reason": "a complaint" })).await;
    assert_eq!(lines(&files["payments.jsonl"]).len(), 1);
    assert_eq!(lines(&files["accounts.jsonl"])[0]["email"], awa.email);
    for (name, at_least) in
        [("audit_log", 4), ("sessions", 1), ("webhook_events", 1), ("periods", 1), ("messages", 1)]
    {
        let found = lines(&files[&format!("{name}.jsonl")]).len();
        assert!(found >= at_least, "{name}: {found}");
    }
    let whole: String = files.values().map(String::as_str).collect();
    let bens = ben.id.to_string();
    for hidden in
        ["argon2", "_hash", "_encrypted", bens.as_str(), &awa.refresh_token, &awa.access_token, &key[4..10]]
    {
        assert!(!whole.contains(hidden), "{hidden}");
    }
    assert!(!files.contains_key("webhook_bodies.jsonl"));
    world.drain().await;
    let subjects = world.subjects_to(&admin.person.email).await;
    assert!(subjects.iter().any(|subject| subject == "Des preuves ont été exportées"), "{subjects:?}");
    world.finish().await;
}

#[tokio::test]
async fn i2_evidence_of_a_payment_opens_its_callbacks_only_if_asked() {
    let world = World::new().await;
    let admin = world.admin().await;
    let awa = world.made_customer("awa").await;
    let payment = world.buy(&awa, "k1", "signaux-weekly").await;
    let other = world.buy(&awa, "k2", "signaux-monthly").await;
    let body = json!({ "payment_id": payment["id"], "with_bodies": true, "reason": "a dispute" });
    let files = gather(&world, &admin, &body).await;
    let bodies = lines(&files["webhook_bodies.jsonl"]);
    assert_eq!(bodies.len(), 1);
    assert!(bodies[0]["body"].as_str().unwrap().contains(payment["id"].as_str().unwrap()));
    let whole: String = files.values().map(String::as_str).collect();
    assert!(!whole.contains(other["id"].as_str().unwrap()));
    let exported = "SELECT details->>'with_bodies' AS bodies FROM audit_logs WHERE action = 'incident.evidence_exported'";
    assert_eq!(world.rows(exported).await, [json!({ "bodies": "true" })]);
    world.finish().await;
}

#[tokio::test]
async fn evidence_of_nobody_is_404_and_of_an_endless_period_422() {
    let world = World::new().await;
    let admin = world.admin().await;
    let nobody = uuid::Uuid::nil();
    let (now, later) = (world.wall(), world.wall() + Duration::HOUR);
    let [now, later] = [now, later].map(|at| at.format(&Rfc3339).unwrap());
    let cases = [
        (json!({ "user_id": nobody, "reason": "r" }), (404, "not_found")),
        (json!({ "payment_id": nobody, "reason": "r" }), (404, "not_found")),
        (json!({ "user_id": nobody, "payment_id": nobody, "reason": "r" }), (422, "validation_failed")),
        (json!({ "reason": "r" }), (422, "validation_failed")),
        (json!({ "from": now, "reason": "r" }), (422, "validation_failed")),
        (json!({ "from": later, "to": now, "reason": "r" }), (422, "validation_failed")),
    ];
    for (body, expected) in cases {
        assert_eq!(world.confirmed(&admin, "POST", EVIDENCE, &body).await.problem(), expected, "{body}");
    }
    world.finish().await;
}

#[tokio::test]
async fn i2_evidence_of_a_period_ends_where_the_period_ends() {
    let world = World::new().await;
    let admin = world.admin().await;
    let awa = world.made_customer("awa").await;
    let payment = world.buy(&awa, "k1", "signaux-weekly").await;
    let at = |shift: Duration| (world.wall() + shift).format(&Rfc3339).unwrap();
    let (past, now, soon) = (at(-Duration::HOUR), at(Duration::ZERO), at(Duration::HOUR));
    let files = gather(&world, &admin, &json!({ "from": past, "to": now, "reason": "r" })).await;
    assert!(files["payments.jsonl"].contains(payment["id"].as_str().unwrap()));
    assert!(!files["audit_log.jsonl"].contains("incident.evidence_exported"));
    let files = gather(&world, &admin, &json!({ "from": now, "to": soon, "reason": "r" })).await;
    assert_eq!(files["webhook_events.jsonl"], "");
    assert!(files["audit_log.jsonl"].contains("incident.evidence_exported"), "the first one is told of");
    world.finish().await;
}
