use application::Role;
use serde_json::json;

use super::LINES;

#[tokio::test]
async fn what_an_admin_sends_back_through_any_provider_arrives_once() {
    for line in LINES {
        let (world, customer) = line.world().await;
        let admin = world.staff("boss", Role::Admin).await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "pay").await;
        world.drain().await;
        let path = format!("/api/admin/payments/{}/refund", payment["id"].as_str().unwrap());
        let body = json!({ "reason": "asked for", "idempotency_key": "r" });
        world.confirmed(&admin, "POST", &path, &body).await.expect(202);
        world.drain().await;
        world.advance(time::Duration::hours(1)).await;
        assert_eq!(world.status_of(&customer, &payment).await, "refunded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "ended", "{line:?}");
        world.finish().await;
    }
}
