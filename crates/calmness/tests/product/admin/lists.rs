//! The operator's lists: filters, pages that stay whole while rows are added, and what is wrong said with its place.

use application::Role;
use serde_json::{Value, json};

use crate::support::{Staff, World};

async fn items(world: &World, staff: &Staff, path: &str) -> Vec<Value> {
    let page = world.get_by(&staff.person, path).await.expect(200);
    page.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn sec_52_a_list_is_read_whole_and_once_while_rows_are_added() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    for number in 0..7 {
        let customer = world.made_customer(&format!("c{number}")).await;
        let payment = world.buy(&customer, "k", "signaux-monthly").await;
        let path = format!("/api/admin/payments/{}/refund", payment["id"].as_str().unwrap());
        let refund = json!({ "reason": "r", "amount": 1, "idempotency_key": format!("r{number}") });
        world.confirmed(&admin, "POST", &path, &refund).await.expect(202);
        world.act(&payment, "dispute_open").await;
    }
    world.drain().await;
    let mut more = 0;
    for list in ["users", "payments", "refunds", "subscriptions", "webhook-events", "alerts"] {
        let known = items(&world, &admin, &format!("/api/admin/{list}?limit=100")).await;
        assert!(known.len() >= 7, "{list}");
        let (mut read, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/api/admin/{list}?limit=3{cursor}");
            let page = world.get_by(&admin.person, &path).await.expect(200).body;
            read.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].clone()));
            // Between two pages something new comes, at the list's beginning.
            let customer = world.made_customer(&format!("more{more}")).await;
            world.buy(&customer, "k", "signaux-weekly").await;
            more += 1;
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let known: Vec<Value> = known.iter().map(|item| item["id"].clone()).collect();
        assert_eq!(read, known, "{list}");
    }
    world.finish().await;
}

#[tokio::test]
async fn lists_are_filtered_by_what_staff_know() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let (awa, bob) = (world.made_customer("Awa.Diop").await, world.made_customer("bob").await);
    let monthly = world.buy(&awa, "k", "signaux-monthly").await;
    let francs = json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "XOF" });
    let weekly = world.init_with(&bob, "k", &francs).await.expect(201).body;
    world.pay(&weekly).await;
    world.drain().await;
    world.freeze(&admin, &bob).await.expect(204);
    let reference = items(&world, &admin, &format!("/api/admin/payments?user_id={}", awa.id)).await;
    let reference = reference[0]["provider_reference"].as_str().unwrap().to_owned();
    let (m, w) = (monthly["id"].clone(), weekly["id"].clone());
    let (a, b) = (json!(awa.id), json!(bob.id));
    let cases = [
        ("payments?amount=5999".to_owned(), "id", vec![m.clone()]),
        ("payments?currency=XOF".to_owned(), "id", vec![w.clone()]),
        (format!("payments?reference={reference}"), "id", vec![m.clone()]),
        ("payments?to=2020-01-01".to_owned(), "id", vec![]),
        ("payments?from=2020-01-01&status=succeeded".to_owned(), "id", vec![w.clone(), m.clone()]),
        (format!("webhook-events?payment_id={}", w.as_str().unwrap()), "payment_id", vec![w]),
        ("webhook-events?to=2020-01-01".to_owned(), "id", vec![]),
        ("users?email_prefix=AWA.".to_owned(), "id", vec![a.clone()]),
        ("users?frozen=true".to_owned(), "id", vec![b.clone()]),
        ("users?role=admin".to_owned(), "id", vec![json!(admin.person.id)]),
        ("users?created_to=2020-01-01".to_owned(), "id", vec![]),
        ("subscriptions?status=active".to_owned(), "user_id", vec![a.clone()]),
        ("subscriptions?status=suspended".to_owned(), "user_id", vec![b.clone()]),
        ("subscriptions?status=ended".to_owned(), "user_id", vec![]),
        ("subscriptions?plan_code=signaux-monthly".to_owned(), "user_id", vec![a.clone()]),
        (format!("subscriptions?user_id={}&channel=signaux", bob.id), "user_id", vec![b]),
        ("subscriptions?ends_before=2020-01-01".to_owned(), "user_id", vec![]),
        ("subscriptions?ends_after=2020-01-01&status=active".to_owned(), "user_id", vec![a]),
        ("refunds?state=failed".to_owned(), "id", vec![]),
    ];
    for (query, member, expected) in cases {
        let found = items(&world, &admin, &format!("/api/admin/{query}")).await;
        let found: Vec<Value> = found.iter().map(|item| item[member].clone()).collect();
        assert_eq!(found, expected, "{query}");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_query_is_said_with_its_place() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let cases = [
        ("payments?limit=0", "/limit"),
        ("payments?limit=101", "/limit"),
        ("payments?limit=many", "/limit"),
        ("payments?cursor=7", "/cursor"),
        ("payments?currency=eur", "/currency"),
        ("payments?amount=5.5", "/amount"),
        ("payments?from=yesterday", "/from"),
        ("payments?surprise=1", "/surprise"),
        ("payments?status=settled", "/status"),
        ("webhook-events?outcome=odd", "/outcome"),
        ("users?frozen=perhaps", "/frozen"),
        ("users?role=boss", "/role"),
        ("users?email=nobody", "/email"),
        ("subscriptions?status=asleep", "/status"),
        ("subscriptions?channel=No%20Channel", "/channel"),
        ("alerts?state=loud", "/state"),
        ("webhook-events?to=31/12/2026", "/to"),
        ("quarantine?all=maybe", "/all"),
        ("stats?from=2026-01-01", "/to"),
    ];
    for (query, pointer) in cases {
        let refused = world.get_by(&admin.person, &format!("/api/admin/{query}")).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{query}");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{query}: {}", refused.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn a_user_is_told_in_numbers_and_logged_out_everywhere_by_an_admin() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let member = world.member("awa", 7_001).await;
    let elsewhere = world.log_in(&member.email).await;
    let path = format!("/api/admin/users/{}", member.id);
    let told = world.get_by(&admin.person, &path).await.expect(200).body;
    let numbers =
        ["payments", "payments_settled", "subscriptions", "subscriptions_active", "sessions", "api_keys"];
    assert_eq!(numbers.map(|name| told[name].as_i64().unwrap()), [1, 1, 1, 1, 2, 0], "{told}");
    assert_eq!(told["binding"]["telegram_user_id"], 7_001);
    assert_eq!(told["factors"], json!({ "totp": false, "sms": false, "recovery_codes": 0 }));
    let out = format!("{path}/sessions/revoke");
    world.confirmed(&admin, "POST", &out, &json!({ "reason": "lost telephone" })).await.expect(204);
    world.until_refused(&member).await;
    world.until_refused(&elsewhere).await;
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'user.logged_out'").await, 1);
    let nobody = "/api/admin/users/018f2b7e-0000-7000-8000-000000000000/sessions/revoke";
    let missing = world.confirmed(&admin, "POST", nobody, &json!({ "reason": "r" })).await;
    assert_eq!(missing.problem(), (404, "not_found"));
    world.finish().await;
}
