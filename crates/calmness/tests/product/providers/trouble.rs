use serde_json::json;

use super::LINES;

#[tokio::test]
async fn a_lost_callback_of_any_provider_costs_no_sale() {
    for line in LINES {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.fault(json!({ "peer": "psp_webhooks", "fault": "drop" })).await;
        world.act(&payment, "pay").await;
        world.advance(time::Duration::minutes(3)).await;
        assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?}");
        assert_eq!(world.charges_of(&payment).await, 1, "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_provider_accepted_opens_no_second_checkout() {
    for line in LINES {
        for fault in ["error_500_after", "error_500", "reset"] {
            let (world, customer) = line.world().await;
            world.fault(json!({ "peer": line.api(), "fault": fault, "operation": "open", "times": 1 })).await;
            let opened = world.init_with(&customer, "k", &line.order()).await.expect(201).body;
            world.clear_faults().await;
            world.advance(time::Duration::seconds(40)).await;
            let shown = world.payment(&customer, &opened).await;
            assert_eq!(shown["phase"], "awaiting", "{line:?} {fault}: {shown}");
            world.act(&opened, "pay").await;
            world.drain().await;
            assert_eq!(world.status_of(&customer, &opened).await, "succeeded", "{line:?} {fault}");
            let books = world.sandbox_get(&format!("/psp/ledger?provider={}", line.code)).await;
            assert_eq!(books["items"].as_array().unwrap().len(), 1, "{line:?} {fault}");
            assert_eq!(world.charges_of(&opened).await, 1, "{line:?} {fault}");
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn a_dispute_that_overtakes_the_money_counts_once_the_money_is_known() {
    for line in LINES.iter().filter(|line| line.disputes.is_told() && line.takes_at_once()) {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        // Stripe's dispute names the charge alone, which nobody here knows yet.
        world.fault(json!({ "peer": "psp_webhooks", "fault": "reorder", "count": 2, "times": 2 })).await;
        world.act_with(&payment, json!({ "outcome": "pay" })).await;
        world.act_with(&payment, json!({ "outcome": "dispute_open" })).await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "disputed", "{line:?}");
        world.clear_faults().await;
        world.act(&payment, "dispute_won").await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "active", "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn events_that_come_backwards_end_in_the_same_place_and_no_hint_is_lost_to_a_settlement() {
    for line in LINES.iter().filter(|line| line.dashboard.is_told() && line.takes_at_once()) {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.fault(json!({ "peer": "psp_webhooks", "fault": "reorder", "count": 2, "times": 2 })).await;
        world.act_with(&payment, json!({ "outcome": "pay" })).await;
        world.act_with(&payment, json!({ "outcome": "refund" })).await;
        world.clear_faults().await;
        world.drain().await;
        world.advance(time::Duration::minutes(3)).await;
        assert_eq!(world.status_of(&customer, &payment).await, "refunded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "ended", "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn p2_a_callback_with_a_wrong_signature_or_a_stale_time_is_refused_and_the_truth_asked_for() {
    for line in LINES {
        for fault in ["wrong_signature", "stale_timestamp"] {
            let (world, customer) = line.world().await;
            let payment = line.open(&world, &customer, "k").await;
            world.fault(json!({ "peer": "psp_webhooks", "fault": fault, "times": 1 })).await;
            world.act_with(&payment, json!({ "outcome": "pay" })).await;
            world.advance(time::Duration::minutes(3)).await;
            assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?} {fault}");
            assert_eq!(world.count("SELECT count(*) FROM periods").await, 1, "{line:?} {fault}");
            world.finish().await;
        }
    }
}
