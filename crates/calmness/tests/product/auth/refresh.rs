//! `/api/auth/refresh`: rotation that neither loses a client nor lets a thief stay.

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{Answer, World};

async fn refresh(world: &World, token: &str) -> Answer {
    world.post("/api/auth/refresh", &json!({ "refresh_token": token })).await
}

fn token_of(answer: &Answer) -> String {
    answer.text_of("refresh_token").to_owned()
}

#[tokio::test]
async fn a_refresh_hands_out_the_next_pair() {
    let world = World::new().await;
    let customer = world.customer().await;
    let next = refresh(&world, &customer.refresh_token).await.expect(200);
    assert_ne!(token_of(&next), customer.refresh_token);
    world.call("GET", "/api/me").bearer(next.text_of("access_token")).send().await.expect(200);
    // The token of before lives on until its half hour is over.
    world.get_by(&customer, "/api/me").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_client_that_lost_the_answer_gets_the_identical_successor() {
    let world = World::new().await;
    let customer = world.customer().await;
    let first = token_of(&refresh(&world, &customer.refresh_token).await.expect(200));
    let again = token_of(&refresh(&world, &customer.refresh_token).await.expect(200));
    assert_eq!(first, again);
    refresh(&world, &first).await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_18_fifty_parallel_refreshes_leave_one_head_and_log_nobody_out() {
    let world = World::new().await;
    let mut head = world.made_customer("awa").await.refresh_token;
    for _ in 0..100 {
        let answers = join_all((0..50).map(|_| refresh(&world, &head))).await;
        let mut tokens: Vec<String> =
            answers.iter().map(|answer| token_of(&answer.clone().expect(200))).collect();
        tokens.sort_unstable();
        tokens.dedup();
        assert_eq!(tokens.len(), 1);
        assert_eq!(world.count("SELECT count(*) FROM refresh_tokens WHERE rotated_at IS NULL").await, 1);
        head = tokens.remove(0);
    }
    refresh(&world, &head).await.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM sessions WHERE revoked_at IS NOT NULL").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_token_older_than_the_parent_ends_the_whole_session() {
    let world = World::new().await;
    let customer = world.customer().await;
    let child = token_of(&refresh(&world, &customer.refresh_token).await.expect(200));
    let grandchild = refresh(&world, &child).await.expect(200);
    // Within the grace of its own exchange, but its successor has been used: only a thief still has it.
    assert_eq!(refresh(&world, &customer.refresh_token).await.problem(), (401, "unauthorized"));
    refresh(&world, &token_of(&grandchild)).await.expect(401);
    world.until_refused(&customer).await;
    world.call("GET", "/api/me").bearer(grandchild.text_of("access_token")).send().await.expect(401);
    let causes = world
        .rows("SELECT details ->> 'cause' AS cause FROM audit_logs WHERE action = 'session.ended'")
        .await;
    assert_eq!(causes, [json!({ "cause": "token_reuse" })]);
    world.finish().await;
}

#[tokio::test]
async fn the_parent_is_refused_once_its_grace_is_over() {
    let world = World::new().await;
    let customer = world.customer().await;
    let child = token_of(&refresh(&world, &customer.refresh_token).await.expect(200));
    world.sql("UPDATE refresh_tokens SET rotated_at = rotated_at - interval '11 seconds' WHERE rotated_at IS NOT NULL").await;
    refresh(&world, &customer.refresh_token).await.expect(401);
    refresh(&world, &child).await.expect(401);
    world.finish().await;
}

#[tokio::test]
async fn tokens_that_were_never_handed_out_are_refused() {
    let world = World::new().await;
    world.customer().await;
    for token in ["", "x", &"A".repeat(43), &"A".repeat(3_000)] {
        assert_eq!(refresh(&world, token).await.problem(), (401, "unauthorized"));
    }
    world.finish().await;
}

#[tokio::test]
async fn a_session_ends_after_its_absolute_life() {
    let world = World::new().await;
    let customer = world.customer().await;
    world.sql("UPDATE sessions SET expires_at = now() - interval '1 second'").await;
    refresh(&world, &customer.refresh_token).await.expect(401);
    world.finish().await;
}
