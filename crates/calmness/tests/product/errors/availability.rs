//! Peers and the database away.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn without_its_database_the_process_lives_and_says_come_back() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.get("/readyz").await.expect(200);
    world.app.db().close().await;
    world.get("/healthz").await.expect(200);
    for path in ["/readyz", "/api/billing/payments"] {
        let away = world.get_by(&customer, path).await;
        assert_eq!(away.problem(), (503, "service_unavailable"), "{path}");
        assert!(away.header("retry-after").is_some());
    }
    let login = json!({ "email": "awa@example.com", "password": "anything at all" });
    assert_eq!(world.post("/api/auth/login", &login).await.status, 503);
    let webhook = world.deliver(&json!({ "id": "evt_1", "type": "service.hello" })).await;
    assert_eq!(webhook.status, 503, "nothing was kept, so the service must come again");
    world.get("/api/billing/plans").await.expect(200);
    world.abandon().await;
}

#[tokio::test]
async fn a_payment_goes_on_with_mail_and_telegram_away() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.link_telegram(&customer, 7_001).await;
    world.fault(json!({ "peer": "smtp", "fault": "down" })).await;
    world.fault(json!({ "peer": "telegram", "fault": "error_500" })).await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.act_with(&payment, json!({ "outcome": "pay" })).await;
    world.until("it has settled", async || world.status_of(&customer, &payment).await == "succeeded").await;
    world.drain_once().await;
    assert_eq!(world.subscription(&customer).await["status"], "active");
    world.clear_faults().await;
    for _ in 0..3 {
        world.advance(time::Duration::minutes(1)).await;
    }
    assert_eq!(world.subjects_to(&customer.email).await.len(), 1);
    world.invite_link(&customer).await;
    world.finish().await;
}
