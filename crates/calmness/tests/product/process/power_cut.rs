//! `kill -9` at the worst moment: what was acknowledged is there, and what it owes is done once (invariant 2).

use serde_json::{Value, json};

use super::program::Server;
use crate::support::World;

async fn paid(world: &World, server: &Server, token: &str) -> Value {
    let body = json!({ "plan_code": "signaux-monthly", "provider": "hmac_psp", "currency": "EUR" });
    let call =
        server.call("POST", "/api/billing/payments/init").bearer(token).header("Idempotency-Key", "k1");
    let payment = call.json(&body).send().await.expect(201).body;
    world.act_with(&payment, json!({ "outcome": "pay" })).await;
    let path = format!("/psp/events?payment_id={}", payment["id"].as_str().unwrap());
    let told = async || world.sandbox_get(&path).await["items"][0]["state"] == "delivered";
    world.until("the callback was answered 200", told).await;
    payment
}

#[tokio::test]
async fn a_kill_between_the_payments_commit_and_the_membership_grants_access_once() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.link_telegram(&customer, 7_001).await;
    let mut server = Server::start(&world, &["--no-worker"]).await;
    let token = server.log_in(&customer.email).await;
    let payment = paid(&world, &server, &token).await;
    server.kill().await;
    assert_eq!(world.calls_of("createChatInviteLink").await.len(), 0, "nothing was done outside yet");
    assert_eq!(
        world.count("SELECT count(*) FROM memberships WHERE due_at IS NOT NULL").await,
        1,
        "and it is owed"
    );
    server.start_again(&[]).await;
    let invited =
        async || world.count("SELECT count(*) FROM memberships WHERE invited_at IS NOT NULL").await == 1;
    world.until("the restarted server has done it", invited).await;
    let link = world.invite_link(&customer).await;
    world.sandbox_post("/telegram/users/7001/join", &json!({ "invite_link": link })).await.expect(200);
    world.until("the customer is inside", async || world.is_inside(7_001).await).await;
    let mailed = async || world.subjects_to(&customer.email).await.len() == 1;
    world.until("the payment is confirmed by mail", mailed).await;
    // The service tells it once more, as services do.
    let event =
        world.sandbox_get(&format!("/psp/events?payment_id={}", payment["id"].as_str().unwrap())).await;
    let again = format!("/psp/events/{}/resend", event["items"][0]["event_id"].as_str().unwrap());
    world.sandbox_post(&again, &json!({})).await.expect(200);
    assert_eq!(world.subscription(&customer).await["periods"].as_array().unwrap().len(), 1);
    assert_eq!(world.calls_of("createChatInviteLink").await.len(), 1);
    assert_eq!(world.calls_of("approveChatJoinRequest").await.len(), 1);
    assert_eq!(world.subjects_to(&customer.email).await.len(), 1);
    // Nobody takes what Telegram still has to tell once the server is gone; and killed in the middle of an act, its lease
    // would hold the row for a minute.
    world.until_peers_are_quiet().await;
    let idle = async || world.count("SELECT count(*) FROM memberships WHERE due_at IS NOT NULL").await == 0;
    world.until("nothing is owed any more", idle).await;
    server.kill().await;
    world.finish().await;
}

#[tokio::test]
async fn a_kill_while_the_provider_is_asked_is_completed_after_the_restart() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let mut server = Server::start(&world, &["--no-worker"]).await;
    let token = server.log_in(&customer.email).await;
    world
        .fault(
            json!({ "peer": "psp_api", "fault": "time_out", "ms": 5_000, "times": 1, "operation": "open" }),
        )
        .await;
    let body = json!({ "plan_code": "signaux-monthly", "provider": "hmac_psp", "currency": "EUR" });
    let init = |server: &Server| {
        let call = server.call("POST", "/api/billing/payments/init").bearer(&token);
        call.header("Idempotency-Key", "k1").json(&body)
    };
    let request = tokio::spawn(init(&server).send_unanswered());
    let asked = async || world.sandbox_get("/log?kind=psp.opened").await["items"] != json!([]);
    world.until("the provider has it", asked).await;
    server.kill().await;
    assert!(request.await.unwrap().is_err(), "the client never heard");
    assert_eq!(world.rows("SELECT phase FROM payments").await, [json!({ "phase": "sent" })]);
    server.start_again(&["--no-worker"]).await;
    let too_early = init(&server).send().await;
    assert_eq!(too_early.problem(), (409, "idempotency_in_progress"), "the lease of the dead request runs");
    world.sql("UPDATE idempotency_keys SET lease_until = now() - interval '1 second'").await;
    let payment = init(&server).send().await.expect(201).body;
    assert_eq!(payment["phase"], "awaiting");
    assert_eq!(world.sandbox_get("/log?kind=psp.opened").await["items"].as_array().unwrap().len(), 1);
    world.act_with(&payment, json!({ "outcome": "pay" })).await;
    world.until("it has settled", async || world.status_of(&customer, &payment).await == "succeeded").await;
    assert_eq!(world.charges_of(&payment).await, 1);
    server.kill().await;
    world.finish().await;
}
