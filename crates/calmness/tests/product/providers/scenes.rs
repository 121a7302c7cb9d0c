use serde_json::json;

use super::LINES;

#[tokio::test]
async fn every_provider_takes_a_payment_once_and_opens_the_way_in() {
    for line in LINES {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        assert_eq!((payment["amount"].as_i64(), payment["mode"].as_str()), (Some(line.amount), Some("test")));
        world.act(&payment, "pay").await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?}");
        assert_eq!(world.subscription(&customer).await["status"], "active", "{line:?}");
        assert_eq!(world.charges_of(&payment).await, 1, "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn every_provider_refuses_without_a_trace_of_access() {
    for line in LINES {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "refuse").await;
        world.drain().await;
        assert_eq!(world.status_of(&customer, &payment).await, "failed", "{line:?}");
        assert_eq!(world.get_by(&customer, "/api/billing/subscription").await.status, 404, "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn every_provider_lets_an_abandoned_payment_end_and_a_late_one_settle() {
    for line in LINES {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.advance(time::Duration::days(40)).await;
        let status = world.status_of(&customer, &payment).await;
        assert!(["expired", "failed"].contains(&status.as_str()), "{line:?}: {status}");
        let late = line.open(&world, &customer, "k2").await;
        world.act(&late, "pay_late").await;
        world.drain().await;
        let shown = world.payment(&customer, &late).await;
        assert_eq!(shown["status"], "succeeded", "{line:?}: {shown}");
        assert_eq!(world.charges_of(&late).await, 1, "{line:?}");
        world.finish().await;
    }
}

#[tokio::test]
async fn sec_45_no_provider_buys_anything_with_a_wrong_amount_or_currency() {
    for line in LINES {
        for outcome in ["wrong_amount", "wrong_currency"] {
            let (world, customer) = line.world().await;
            let payment = line.open(&world, &customer, "k").await;
            world.act(&payment, outcome).await;
            world.drain().await;
            let shown = world.payment(&customer, &payment).await;
            assert_eq!(shown["status"], "pending", "{line:?} {outcome}: {shown}");
            // Too few coins leave a BTCPay invoice open: the payer may still send the rest.
            let waits_for_the_rest = line.code == "btcpay" && outcome == "wrong_amount";
            assert_eq!(shown["under_review"], !waits_for_the_rest, "{line:?} {outcome}: {shown}");
            assert_eq!(world.get_by(&customer, "/api/billing/subscription").await.status, 404);
            world.finish().await;
        }
    }
}

#[tokio::test]
async fn every_provider_may_say_it_five_times() {
    for line in LINES {
        let (world, customer) = line.world().await;
        let payment = line.open(&world, &customer, "k").await;
        world.fault(json!({ "peer": "psp_webhooks", "fault": "duplicate", "copies": 5 })).await;
        world.act(&payment, "pay").await;
        world.drain().await;
        let periods = world.count("SELECT count(*) FROM periods").await;
        assert_eq!(
            (world.status_of(&customer, &payment).await.as_str(), periods),
            ("succeeded", 1),
            "{line:?}"
        );
        world.finish().await;
    }
}
