//! `/pause-purchases` and `/resume-purchases`: nobody buys, and everything that was bought goes on.

use serde_json::json;

use crate::support::World;

const PAUSE: &str = "/api/admin/incident/pause-purchases";
const RESUME: &str = "/api/admin/incident/resume-purchases";

#[tokio::test]
async fn i2_while_purchases_pause_nobody_opens_a_payment_and_what_is_under_way_settles() {
    let world = World::new().await;
    let admin = world.admin().await;
    let (awa, ben) = (world.made_customer("awa").await, world.made_customer("ben").await);
    let open = world.open(&awa, "k1", "signaux-weekly").await;
    let why = json!({ "reason": "a wrong receiving address" });
    let paused = world.confirmed(&admin, "POST", PAUSE, &why).await.expect(200);
    assert_eq!(paused.body["changed"], true);

    for (customer, key) in [(&ben, "k1"), (&awa, "k2")] {
        let refused = world.init(customer, key, "signaux-weekly").await;
        assert_eq!(refused.problem(), (503, "purchases_paused"));
        assert_eq!(refused.header("retry-after"), Some("600"));
    }
    let french = world.call("POST", "/api/billing/payments/init").by(&ben).header("Accept-Language", "fr");
    let body = json!({ "plan_code": "signaux-weekly", "provider": "hmac_psp", "currency": "EUR" });
    let refused = french.header("Idempotency-Key", "k2").json(&body).send().await;
    assert_eq!(refused.body["title"], "Achats suspendus");
    let known = world.init(&awa, "k1", "signaux-weekly").await.expect(201);
    assert_eq!(known.body["id"], open["id"], "a known key answers as before");

    world.pay(&open).await;
    world.drain().await;
    assert_eq!(world.status_of(&awa, &open).await, "succeeded");
    assert_eq!(world.subscription(&awa).await["status"], "active");
    world.log_in(&ben.email).await;
    let status = world.get_by(&admin.person, "/api/admin/incident").await.expect(200).body;
    assert_eq!(status["purchases_paused"]["reason"], why["reason"]);
    let again = world.confirmed(&admin, "POST", PAUSE, &why).await.expect(200);
    assert_eq!(again.body["changed"], false);

    let resumed = world.confirmed(&admin, "POST", RESUME, &json!({ "reason": "mended" })).await.expect(200);
    assert_eq!(resumed.body["changed"], true);
    world.init(&ben, "k1", "signaux-weekly").await.expect(201);
    let acts = "SELECT action FROM audit_logs WHERE action LIKE 'incident.%' ORDER BY id";
    let expected =
        ["purchases_paused", "purchases_resumed"].map(|act| json!({ "action": format!("incident.{act}") }));
    assert_eq!(world.rows(acts).await, expected);
    assert_eq!(world.take_server_errors().len(), 3, "the refusals are 503");
    world.finish().await;
}

#[tokio::test]
async fn i2_of_many_at_once_one_pause_begins_and_none_that_was_asked_before_is_lost() {
    let world = World::new().await;
    let awa = world.made_customer("awa").await;
    let context = application::Context::operator();
    let pauses = (0..8).map(|_| world.app.pause_purchases(&context, "flood"));
    let begun = futures_util::future::join_all(pauses).await;
    assert_eq!(begun.into_iter().filter(|begun| *begun.as_ref().unwrap()).count(), 1);
    assert_eq!(world.count("SELECT count(*) FROM purchase_pauses").await, 1);
    assert_eq!(world.init(&awa, "k", "signaux-weekly").await.problem(), (503, "purchases_paused"));
    assert!(world.app.resume_purchases(&context, "over").await.unwrap());
    assert!(!world.app.resume_purchases(&context, "over").await.unwrap());
    // The very key that was refused is free: nothing was written under it.
    world.init(&awa, "k", "signaux-weekly").await.expect(201);
    assert_eq!(world.take_server_errors().len(), 1);
    world.finish().await;
}
