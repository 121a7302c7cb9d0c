use serde_json::json;

use super::{LINES, Line};
use crate::support::World;

/// The payment that the provider has in its books, which nobody here has an answer about yet.
async fn opened_there(world: &World, line: &Line) -> Option<String> {
    let books = world.sandbox_get(&format!("/psp/ledger?provider={}", line.code)).await;
    books["items"][0]["payment_id"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_callback_that_overtakes_the_answer_of_the_api_is_taken_and_charges_once() {
    for line in LINES {
        let (world, customer) = line.world().await;
        world.fault(json!({ "peer": line.api(), "fault": "hold", "operation": "open", "times": 1 })).await;
        let order = line.order();
        let answered = world.init_with(&customer, "k", &order);
        let meanwhile = async {
            world.until("the provider has it", async || opened_there(&world, line).await.is_some()).await;
            let payment = json!({ "id": opened_there(&world, line).await });
            world.act(&payment, "pay").await;
            world.drain().await;
            let early = world.status_of(&customer, &payment).await;
            world.clear_faults().await;
            early
        };
        let (answered, early) = tokio::join!(answered, meanwhile);
        assert_eq!(early, if line.takes_at_once() { "succeeded" } else { "pending" }, "{line:?}");
        let payment = answered.expect(201).body;
        world.advance(time::Duration::minutes(1)).await;
        assert_eq!(world.status_of(&customer, &payment).await, "succeeded", "{line:?}");
        assert_eq!(world.charges_of(&payment).await, 1, "{line:?}");
        assert_eq!(world.count("SELECT count(*) FROM periods").await, 1, "{line:?}");
        assert_eq!(world.count("SELECT count(*) FROM quarantine").await, 0, "{line:?}");
        let books = world.sandbox_get(&format!("/psp/ledger?provider={}", line.code)).await;
        assert_eq!(books["items"].as_array().unwrap().len(), 1, "{line:?}");
        world.finish().await;
    }
}
