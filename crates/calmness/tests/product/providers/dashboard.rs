//! Money that somebody sends back at the provider, without us.

use serde_json::json;

use super::LINES;

#[tokio::test]
async fn a_whole_refund_at_the_provider_ends_what_it_paid_for_once() {
    for line in LINES.iter().filter(|line| line.dashboard.is_told()) {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "pay").await;
        world.drain().await;
        world.fault(json!({ "peer": "psp_webhooks", "fault": "duplicate", "copies": 5 })).await;
        world.act(&payment, "refund").await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "refunded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "ended", "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn parts_sent_back_at_the_provider_add_up_and_take_no_time_until_all_is_back() {
    for line in LINES.iter().filter(|line| line.dashboard_part.is_told()) {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "pay").await;
        world.drain().await;
        for part in [1_000, 2_000] {
            world.act_with(&payment, json!({ "outcome": "refund", "amount": part })).await;
            world.drain().await;
            assert_eq!(world.status_of(&customer, &payment).await, "partially_refunded", "{line:?}");
            assert_eq!(world.subscription(&customer).await["status"], "active", "{line:?}");
        }
        assert_eq!(world.count("SELECT refunded_minor FROM payments").await, 3_000, "{line:?}");
        world.act(&payment, "refund").await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "refunded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "ended", "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn what_a_provider_does_not_tell_of_changes_nothing_here() {
    for line in LINES.iter().filter(|line| !line.dashboard_part.is_told()) {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "pay").await;
        world.drain().await;
        world.act_with(&payment, json!({ "outcome": "refund", "amount": 100 })).await;
        world.advance(time::Duration::hours(2)).await;
        assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "active", "{line:?}");
        world.finish().await;
    }
}
