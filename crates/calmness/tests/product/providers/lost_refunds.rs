//! A refund whose answer is lost for so long that the provider has forgotten its key.

use application::Role;
use serde_json::json;

use super::{GENERIC, Line, MTN_MOMO, PAYPAL, STRIPE};

/// Those that send money back through their API; FedaPay's and BTCPay's is sent by hand.
const THROUGH_THE_API: [Line; 4] = [GENERIC, STRIPE, PAYPAL, MTN_MOMO];

#[tokio::test]
async fn a_refund_whose_answers_were_lost_for_two_days_is_sent_once() {
    for line in THROUGH_THE_API {
        let (world, customer) = line.world().await;
        let admin = world.staff("boss", Role::Admin).await;
        let payment = line.open(&world, &customer, "k").await;
        world.act(&payment, "pay").await;
        world.drain().await;
        // No callback tells of it either, or nobody would have to look.
        world.fault(json!({ "peer": "psp_webhooks", "fault": "drop" })).await;
        world.fault(json!({ "peer": line.api(), "fault": "error_500_after", "operation": "refund" })).await;
        world.fault(json!({ "peer": line.api(), "fault": "error_500", "operation": "ask" })).await;
        let path = format!("/api/admin/payments/{}/refund", payment["id"].as_str().unwrap());
        let body = json!({ "amount": 1_000, "reason": "asked for", "idempotency_key": "r" });
        world.confirmed(&admin, "POST", &path, &body).await.expect(202);
        for _ in 0..8 {
            world.move_clock(time::Duration::hours(6)).await;
            world.drain_once().await;
        }
        assert_eq!(world.count("SELECT count(*) FROM refunds WHERE state = 'sent'").await, 1, "{line:?}");
        world.clear_faults().await;
        // Once to hear that it is there, once to hear how it stands.
        world.advance(time::Duration::hours(2)).await;
        world.advance(time::Duration::hours(2)).await;
        assert_eq!(world.count("SELECT count(*) FROM refunds WHERE state = 'succeeded'").await, 1, "{line:?}");
        let books = world.books_of(&payment).await;
        let sent = books["refunds"].as_array().unwrap();
        assert_eq!(sent.len(), 1, "{line:?}: {books}");
        assert_eq!(sent[0]["amount"], 1_000, "{line:?}");
        assert_eq!(world.status_of(&customer, &payment).await, "partially_refunded", "{line:?}");
        world.finish().await;
    }
}
