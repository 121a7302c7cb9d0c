//! `/api/auth/logout` and `/api/auth/logout-all`.

use serde_json::json;

use crate::support::World;

#[tokio::test]
async fn after_a_logout_both_tokens_are_refused_at_once() {
    let world = World::new().await;
    let (here, elsewhere) = (world.customer().await, world.log_in("awa@example.com").await);
    world.get_by(&here, "/api/me").await.expect(200);
    world.call("POST", "/api/auth/logout").by(&here).send().await.expect(204);
    assert_eq!(world.get_by(&here, "/api/me").await.problem(), (401, "unauthorized"));
    let refreshed = world.post("/api/auth/refresh", &json!({ "refresh_token": here.refresh_token })).await;
    assert_eq!(refreshed.problem(), (401, "unauthorized"));
    world.get_by(&elsewhere, "/api/me").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_of_that_user_only() {
    let world = World::new().await;
    let sessions = [
        world.customer().await,
        world.log_in("awa@example.com").await,
        world.log_in("awa@example.com").await,
    ];
    let other = world.customer_named("moussa").await;
    world.call("POST", "/api/auth/logout-all").by(&sessions[1]).send().await.expect(204);
    for session in &sessions {
        world.get_by(session, "/api/me").await.expect(401);
        world.post("/api/auth/refresh", &json!({ "refresh_token": session.refresh_token })).await.expect(401);
    }
    world.get_by(&other, "/api/me").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_change_of_role_ends_the_sessions_of_the_old_one() {
    let world = World::new().await;
    let customer = world.customer().await;
    let email = customer.email.parse().unwrap();
    world.app.set_role(&application::Context::operator(), &email, application::Role::Support).await.unwrap();
    world.until_refused(&customer).await;
    let again = world.log_in(&customer.email).await;
    assert_eq!(world.get_by(&again, "/api/me").await.body["role"], "support");
    world.finish().await;
}
