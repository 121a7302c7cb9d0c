//! `/api/admin/audit`: looking through, verifying a part, exporting.

use application::audit;
use serde_json::json;

use super::seal;
use crate::support::World;

#[tokio::test]
async fn entries_are_filtered_and_paged_and_say_where_they_are_sealed() {
    let world = World::new().await;
    let customer = world.member("awa", 7_001).await;
    let admin = world.admin().await;
    seal(&world).await;
    let get = async |query: &str| world.get_by(&admin.person, &format!("/api/admin/audit?{query}")).await;
    let settled = get("action=payment.settled").await.expect(200);
    let items = settled.body["items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(
        (&items[0]["sealed"], items[0]["user_id"].as_str()),
        (&json!(true), Some(customer.id.to_string().as_str()))
    );
    assert!(items[0]["position"].as_i64().unwrap() > 0);
    let payments = get("action=payment.").await.expect(200);
    assert!(
        payments.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["action"].as_str().unwrap().starts_with("payment."))
    );
    let (mut cursor, mut seen) = (String::new(), Vec::new());
    loop {
        let page = get(&format!("user_id={}&limit=3{cursor}", customer.id)).await.expect(200);
        seen.extend(page.body["items"].as_array().unwrap().iter().map(|item| item["id"].as_i64().unwrap()));
        let Some(next) = page.body["next_cursor"].as_i64() else { break };
        cursor = format!("&cursor={next}");
    }
    let all =
        world.count(&format!("SELECT count(*) FROM audit_logs WHERE user_id = '{}'", customer.id)).await;
    assert_eq!(i64::try_from(seen.len()).unwrap(), all);
    assert!(seen.is_sorted_by(|newer, older| newer > older));
    for bad in ["limit=0", "limit=101", "user_id=x", "from=yesterday", "surprise=1", "action=%00"] {
        assert_eq!(get(bad).await.problem(), (422, "validation_failed"), "{bad}");
    }
    assert_eq!(get("from=2100-01-01T00:00:00Z").await.expect(200).body["items"], json!([]));
    world.finish().await;
}

#[tokio::test]
async fn an_exported_file_verifies_without_the_database_and_not_when_a_byte_of_it_was_changed() {
    let world = World::new().await;
    let (awa, admin) = (world.member("awa", 7_001).await, world.admin().await);
    seal(&world).await;
    world.member("binta", 7_002).await;
    seal(&world).await;
    let keys = world.app.keys().audit_keys();
    let told = world.get_by(&admin.person, "/api/admin/audit/head").await.expect(200);
    assert_eq!(told.body["keys"], serde_json::to_value(keys).unwrap());
    for query in [String::new(), format!("?user_id={}", awa.id)] {
        let file =
            world.get_by(&admin.person, &format!("/api/admin/audit/export{query}")).await.expect(200).text;
        let verify = |text: &str| audit::verify_file(text.as_bytes(), keys, None, &|_| {});
        let report = verify(&file).unwrap();
        assert!(
            report.holds() && report.complete && report.last_seal == told.body["head"]["number"],
            "{report:?}"
        );
        // With what stands before it: a digest may hold the digits, too.
        let binta = file.contains(":7002");
        assert_eq!(binta, query.is_empty(), "only what was asked for is told");
        let lines: Vec<&str> = file.lines().collect();
        for cut in 1..lines.len() {
            let cut = lines[..cut].join("\n");
            assert!(!verify(&cut).unwrap().holds(), "a file that was cut");
        }
        let mut changed = file.clone().into_bytes();
        for at in (0..changed.len()).step_by(changed.len() / 300) {
            let before = changed[at];
            changed[at] = if before == b'7' { b'8' } else { b'7' };
            let text = String::from_utf8_lossy(&changed).into_owned();
            assert!(verify(&text).is_err() || !verify(&text).unwrap().holds(), "byte {at}");
            changed[at] = before;
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn a_part_is_verified_and_says_where_to_go_on() {
    let world = World::new().await;
    let admin = world.admin().await;
    let verify = async |body| world.by(&admin.person, "POST", "/api/admin/audit/verify", &body).await;
    assert_eq!(verify(json!({})).await.expect(200).body["ok"], true, "an empty chain is whole");
    for name in ["awa", "binta", "cheikh"] {
        world.made_customer(name).await;
        world.customer_named(&format!("{name}-two")).await;
        seal(&world).await;
    }
    let (mut from, mut entries) = (Some(1), 0);
    while let Some(seal) = from {
        let part = verify(json!({ "from_seal": seal, "entries": 1 })).await.expect(200).body;
        assert_eq!((&part["ok"], part["first_seal"].as_i64()), (&json!(true), Some(seal)), "{part}");
        entries += part["entries"].as_i64().unwrap();
        from = part["next_seal"].as_i64();
    }
    assert_eq!(entries, world.count("SELECT count(*) FROM audit_chain").await);
    for bad in [json!({ "entries": 0 }), json!({ "entries": 20_001 }), json!({ "from_seal": 0 })] {
        assert_eq!(verify(bad).await.problem(), (422, "validation_failed"));
    }
    world.finish().await;
}
