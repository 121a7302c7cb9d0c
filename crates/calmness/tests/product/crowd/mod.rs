//! Many people at once, with the worker running as in earnest.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Customer, World};

const PEOPLE: i64 = 12;

/// Buys, links an account and joins, as fast as the product lets.
async fn live(world: &World, number: i64) -> Customer {
    let customer = world.made_customer(&format!("u{number}")).await;
    let payment = world.open(&customer, "k1", "signaux-monthly").await;
    let link = world.deep_link(&customer).await;
    let account = 7_000 + number;
    world.account(account).await;
    world.act_with(&payment, json!({ "outcome": "pay" })).await;
    let start = format!("/telegram/users/{account}/start");
    world.sandbox_post(&start, &json!({ "link": link })).await.expect(204);
    let invited = async || {
        let access = world.get_by(&customer, "/api/telegram/access").await;
        access.body["items"][0]["invite_link"].is_string()
    };
    world.until("there is a way in", invited).await;
    let join = json!({ "invite_link": world.invite_link(&customer).await });
    world.sandbox_post(&format!("/telegram/users/{account}/join"), &join).await.expect(200);
    world.until("the customer is inside", async || world.is_inside(account).await).await;
    customer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_comes_in_while_the_peers_stumble_and_leaves_together() {
    let mut world = World::setup().with_worker().start().await;
    world.fault(json!({ "peer": "psp_webhooks", "fault": "duplicate", "copies": 3, "times": PEOPLE })).await;
    world
        .fault(
            json!({ "peer": "telegram", "fault": "reset", "times": 3, "method": "approveChatJoinRequest" }),
        )
        .await;
    let mover = async {
        // What failed comes back with business time.
        for _ in 0..40 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            world.move_clock(time::Duration::seconds(3)).await;
        }
    };
    let (customers, ()) = tokio::join!(join_all((1..=PEOPLE).map(|number| live(&world, number))), mover);
    for customer in &customers {
        assert_eq!(world.subscription(customer).await["periods"].as_array().unwrap().len(), 1);
    }
    world.move_clock(time::Duration::days(31)).await;
    let outside = async || {
        let inside = join_all((1..=PEOPLE).map(|number| world.is_inside(7_000 + number))).await;
        inside.into_iter().all(|inside| !inside)
    };
    world.until("everybody is outside", outside).await;
    world.until("nothing is left to do", async || world.due().await.is_empty()).await;
    world.stop_worker().await;
    for customer in &customers {
        assert_eq!(world.subjects_to(&customer.email).await.len(), 2, "confirmed and ended");
    }
    world.finish().await;
}
