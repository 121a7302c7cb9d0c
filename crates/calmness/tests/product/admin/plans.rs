//! What is sold: versions, what stays once it is sold, and quotes that no change reaches.

use application::Role;
use serde_json::{Value, json};

use crate::support::{Answer, Staff, World};

async fn change(world: &World, admin: &Staff, code: &str, body: &Value) -> Answer {
    world.confirmed(admin, "PATCH", &format!("/api/admin/plans/{code}"), body).await
}

fn euros(amount: i64) -> Value {
    json!([{ "amount": amount, "currency": "EUR" }])
}

/// The three prices of the monthly plan.
fn prices(euros: i64, francs: i64) -> Value {
    json!([
        { "amount": euros, "currency": "EUR" },
        { "amount": francs, "currency": "XOF" },
        { "amount": francs, "currency": "XAF" },
    ])
}

async fn monthly(world: &World, admin: &Staff) -> Value {
    let plans = world.get_by(&admin.person, "/api/admin/plans").await.expect(200);
    plans.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|plan| plan["code"] == "signaux-monthly")
        .unwrap()
        .clone()
}

#[tokio::test]
async fn sec_55_prices_that_fall_far_or_end_wait_for_another_admin() {
    let world = World::new().await;
    let (boss, other) = (world.staff("boss", Role::Admin).await, world.staff("other", Role::Admin).await);
    let before = monthly(&world, &boss).await;
    let nothing = json!({ "version": 1, "prices": prices(1, 39_000) });
    let silent = change(&world, &boss, "signaux-monthly", &nothing).await;
    assert_eq!((silent.problem().0, &silent.body["errors"][0]["pointer"]), (422, &json!("/reason")));
    let given_away = json!({ "version": 1, "prices": prices(1, 39_000), "reason": "a gift" });
    let asked = change(&world, &boss, "signaux-monthly", &given_away).await.expect(202).body;
    assert_eq!((&asked["kind"], &asked["changes"][0]["field"]), (&json!("plan_prices"), &json!("prices")));
    assert!(asked["changes"][0]["after"].as_str().unwrap().contains(r#""EUR":1"#), "{asked}");
    assert_eq!(monthly(&world, &boss).await, before, "nothing is done yet");
    let path = format!("/api/admin/approvals/{}/confirm", asked["id"].as_str().unwrap());
    let digest = json!({ "digest": asked["digest"] });
    assert_eq!(world.confirmed(&boss, "POST", &path, &digest).await.problem(), (403, "another_admin_needed"));
    world.confirmed(&other, "POST", &path, &digest).await.expect(200);
    let customer = world.made_customer("awa").await;
    assert_eq!(world.open(&customer, "k", "signaux-monthly").await["amount"], 1);

    // What was decided from a version that is gone is never done.
    let ended = json!({ "version": 2, "prices": euros(5_999), "reason": "euros only" });
    let asked = change(&world, &boss, "signaux-monthly", &ended).await.expect(202).body;
    change(&world, &other, "signaux-monthly", &json!({ "version": 2, "rank": 7 })).await.expect(200);
    let path = format!("/api/admin/approvals/{}/confirm", asked["id"].as_str().unwrap());
    let stale = world.confirmed(&other, "POST", &path, &json!({ "digest": asked["digest"] })).await;
    assert_eq!(stale.problem(), (409, "approval_stale"));
    assert_eq!(monthly(&world, &boss).await["prices"].as_array().unwrap().len(), 3);
    world.finish().await;
}

#[tokio::test]
async fn an_open_quote_keeps_its_price_and_the_next_one_has_the_new_one() {
    let world = World::new().await;
    let (early, late) = (world.made_customer("early").await, world.made_customer("late").await);
    let admin = world.staff("boss", Role::Admin).await;
    let open = world.open(&early, "k", "signaux-monthly").await;
    let dearer = json!({ "version": 1, "prices": prices(9_999, 39_000) });
    let changed = change(&world, &admin, "signaux-monthly", &dearer).await;
    assert_eq!(changed.expect(200).body["version"], 2);
    let again = world.init(&early, "k", "signaux-monthly").await.expect(201);
    assert_eq!((&again.body["amount"], &again.body["id"]), (&json!(5_999), &open["id"]));
    world.pay(&open).await;
    world.drain().await;
    assert_eq!(world.status_of(&early, &open).await, "succeeded");
    assert_eq!(world.books_of(&open).await["charges"][0]["amount"], 5_999);
    assert_eq!(world.open(&late, "k", "signaux-monthly").await["amount"], 9_999);
    world.finish().await;
}

#[tokio::test]
async fn a_change_from_an_older_version_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    change(&world, &admin, "signaux-weekly", &json!({ "version": 1, "rank": 9 })).await.expect(200);
    let stale = change(&world, &admin, "signaux-weekly", &json!({ "version": 1, "active": false })).await;
    assert_eq!(stale.problem(), (409, "stale"));
    let plans = world.get_by(&admin.person, "/api/admin/plans").await.expect(200);
    let weekly = plans.body["items"].as_array().unwrap().iter().find(|plan| plan["code"] == "signaux-weekly");
    let weekly = weekly.unwrap();
    assert_eq!(
        (&weekly["version"], &weekly["rank"], &weekly["active"]),
        (&json!(2), &json!(9), &json!(true))
    );
    world.finish().await;
}

#[tokio::test]
async fn a_sold_plan_keeps_its_length_and_channel_and_an_unsold_one_may_change() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let admin = world.staff("boss", Role::Admin).await;
    let new = json!({ "code": "vip-yearly", "channel": "vip", "days": 365, "prices": euros(49_900) });
    let unknown = world.confirmed(&admin, "POST", "/api/admin/plans", &new).await;
    assert_eq!(unknown.body["errors"][0]["pointer"], "/channel", "{}", unknown.text);
    let channel = json!({ "key": "vip", "title": "VIP" });
    world.confirmed(&admin, "POST", "/api/admin/channels", &channel).await.expect(201);
    world.confirmed(&admin, "POST", "/api/admin/plans", &new).await.expect(201);
    let taken = world.confirmed(&admin, "POST", "/api/admin/plans", &new).await;
    assert_eq!(taken.problem(), (409, "name_taken"));
    let shorter = json!({ "version": 1, "days": 360, "channel": "signaux" });
    change(&world, &admin, "vip-yearly", &shorter).await.expect(200);
    let payment = world.open(&customer, "k", "vip-yearly").await;
    assert_eq!(payment["amount"], 49_900);
    let sold = change(&world, &admin, "vip-yearly", &json!({ "version": 2, "days": 365 })).await;
    assert_eq!(sold.problem(), (409, "plan_sold"));
    world.pay(&payment).await;
    world.drain().await;
    let left = world.subscription(&customer).await["seconds_left"].as_i64().unwrap();
    assert!((360 * 86_400 - 60..=360 * 86_400).contains(&left), "{left}");
    world.finish().await;
}

#[tokio::test]
async fn a_plan_that_is_not_active_is_not_sold_and_is_still_shown_to_staff() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let admin = world.staff("boss", Role::Admin).await;
    change(&world, &admin, "signaux-weekly", &json!({ "version": 1, "active": false })).await.expect(200);
    let refused = world.init(&customer, "k", "signaux-weekly").await;
    assert_eq!(refused.problem(), (422, "plan_unknown"));
    let shown = world.get_by(&admin.person, "/api/admin/plans").await.expect(200);
    assert_eq!(shown.body["items"].as_array().unwrap().len(), 2);
    world.finish().await;
}

#[tokio::test]
async fn prices_that_are_nothing_twice_or_in_no_currency_are_refused_with_their_place() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let eur = json!({ "amount": 100, "currency": "EUR" });
    let cases = [
        (json!([{ "amount": 0, "currency": "EUR" }]), "/prices/0/amount"),
        (json!([eur, { "amount": -5, "currency": "XOF" }]), "/prices/1/amount"),
        (json!([eur, eur]), "/prices/1/currency"),
        (json!([{ "amount": 5, "currency": "eur" }]), "/prices/0/currency"),
    ];
    for (prices, pointer) in cases {
        let refused =
            change(&world, &admin, "signaux-weekly", &json!({ "version": 1, "prices": prices })).await;
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{}", refused.text);
    }
    let missing = change(&world, &admin, "no-such-plan", &json!({ "version": 1 })).await;
    assert_eq!(missing.problem(), (404, "not_found"));
    world.finish().await;
}
