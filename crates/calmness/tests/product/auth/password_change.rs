//! `/api/auth/password/change`.

use serde_json::{Value, json};

use crate::support::{Answer, Customer, PASSWORD, World};

const NEW: &str = "another horse, another battery";

async fn change(world: &World, customer: &Customer, current: &str, new: &str) -> Answer {
    let body = json!({ "current_password": current, "new_password": new });
    world.by(customer, "POST", "/api/auth/password/change", &body).await
}

#[tokio::test]
async fn sec_7_a_new_password_ends_every_session_and_opens_one_for_whoever_chose_it() {
    let world = World::new().await;
    let (here, elsewhere) = (world.customer().await, world.log_in("awa@example.com").await);
    let tokens = change(&world, &here, PASSWORD, NEW).await.expect(200);
    let renewed = here.with(&tokens);
    for old in [&here, &elsewhere] {
        world.until_refused(old).await;
        world.post("/api/auth/refresh", &json!({ "refresh_token": old.refresh_token })).await.expect(401);
    }
    world.get_by(&renewed, "/api/me").await.expect(200);
    world.post("/api/auth/refresh", &json!({ "refresh_token": renewed.refresh_token })).await.expect(200);
    assert_eq!(world.try_login(&here.email, PASSWORD).await.problem(), (401, "invalid_credentials"));
    world.try_login(&here.email, NEW).await.expect(200);
    world.drain().await;
    assert!(world.subjects_to(&here.email).await.contains(&"Votre mot de passe a changé".to_owned()));
    world.finish().await;
}

#[tokio::test]
async fn sec_7_a_wrong_current_password_is_refused_counted_and_told_at_last() {
    let world = World::new().await;
    let customer = world.customer().await;
    for _ in 0..3 {
        let refused = change(&world, &customer, "not my own password", NEW).await;
        assert_eq!(refused.problem(), (401, "password_wrong"));
    }
    world.prolong_waits().await;
    let waiting = change(&world, &customer, PASSWORD, NEW).await;
    assert_eq!(waiting.problem(), (429, "too_many_tries"));
    assert!(waiting.header("retry-after").is_some());
    // Whoever holds a session must not find the password out by it; the login is another count.
    world.log_in(&customer.email).await;
    world.sql("UPDATE guess_counters SET failures = 9").await;
    world.end_waits().await;
    change(&world, &customer, "not my own password", NEW).await.expect(401);
    world.drain().await;
    let told = "Des essais de mot de passe sur votre compte";
    assert_eq!(world.subjects_to(&customer.email).await.iter().filter(|subject| *subject == told).count(), 1);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'proof.refused'").await, 4);
    world.end_waits().await;
    change(&world, &customer, PASSWORD, NEW).await.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM guess_counters").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn sec_7_a_code_is_needed_where_a_second_factor_is_set_up() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (app, _) = world.enrol_app(&customer).await;
    assert_eq!(change(&world, &customer, PASSWORD, NEW).await.problem(), (403, "code_required"));
    let with = async |code: &str| {
        let body = json!({ "current_password": PASSWORD, "new_password": NEW, "code": code });
        world.by(&customer, "POST", "/api/auth/password/change", &body).await
    };
    assert_eq!(with(&app.wrong_code(&world)).await.problem(), (401, "code_invalid"));
    let tokens = with(&app.code(&world)).await.expect(200);
    let sessions = world.get_by(&customer.with(&tokens), "/api/auth/sessions").await.expect(200);
    assert_eq!(sessions.body["items"][0]["second_factor"], true);
    assert_eq!(world.try_login(&customer.email, NEW).await.expect(200).body["mfa_required"], true);
    world.finish().await;
}

#[tokio::test]
async fn sec_1_a_password_has_15_characters_or_8_beside_a_second_factor() {
    let world = World::new().await;
    let customer = world.customer().await;
    let refused = change(&world, &customer, PASSWORD, "k7Qzw2.nV-pR4t").await;
    assert_eq!(refused.problem(), (422, "validation_failed"));
    assert_eq!(problem_of(&refused), json!(["/new_password", "password_too_short"]));
    let tokens = change(&world, &customer, PASSWORD, "k7Qzw2.nV-pR4tç").await.expect(200);
    let customer = customer.with(&tokens);
    change(&world, &customer, "k7Qzw2.nV-pR4tç", &"é€ 𝄞a1".repeat(20)).await.expect(200);
    let customer = customer.with(&world.try_login(&customer.email, &"é€ 𝄞a1".repeat(20)).await.expect(200));
    let tokens = change(&world, &customer, &"é€ 𝄞a1".repeat(20), PASSWORD).await.expect(200);
    let customer = customer.with(&tokens);

    let (app, _) = world.enrol_app(&customer).await;
    let code = app.code(&world);
    // A password that is not taken uses no code up.
    for (new, status) in [("k7Qzw2.", 422), ("12345678", 422), ("k7Qzw2.n", 200)] {
        let body = json!({ "current_password": PASSWORD, "new_password": new, "code": code });
        let answer = world.by(&customer, "POST", "/api/auth/password/change", &body).await;
        assert_eq!(answer.status, status, "{new}: {}", answer.text);
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_2_what_a_guesser_tries_first_is_refused() {
    let world = World::new().await;
    let customer = world.customer().await;
    for (new, why) in [
        ("123456789987654321", "password_too_common"),
        ("PolniyPizdec0211", "password_too_common"),
        ("aaaaaaaaaaaaaaaa", "password_too_common"),
        ("awa@example.com", "password_of_context"),
        ("awa-example-2026", "password_of_context"),
    ] {
        let refused = change(&world, &customer, PASSWORD, new).await.expect(422);
        assert_eq!(problem_of(&refused), json!(["/new_password", why]), "{new}");
    }
    let register = json!({ "email": "moussa@example.com", "password": "123456789987654321" });
    let refused = world.post("/api/auth/register", &register).await.expect(422);
    assert_eq!(problem_of(&refused), json!(["/password", "password_too_common"]));
    world.log_in(&customer.email).await;
    world.finish().await;
}

#[tokio::test]
async fn sec_7_a_proof_is_worth_nothing_once_the_password_it_showed_was_replaced() {
    let world = World::new().await;
    let customer = world.customer().await;
    let routes: [(&str, &str, Value); 3] = [
        ("POST", "/api/auth/password/change", json!({ "current_password": PASSWORD, "new_password": NEW })),
        ("POST", "/api/auth/totp/enroll", json!({ "password": PASSWORD })),
        (
            "POST",
            "/api/auth/api-keys",
            json!({ "name": "x", "scopes": ["profile:read"], "days": 1, "password": PASSWORD }),
        ),
    ];
    for (method, path, body) in routes {
        // The thief's request has proved itself and stands before the door, when the owner's reset comes.
        let mut owner = world.owner.begin().await.unwrap();
        sqlx::query("UPDATE users SET password_changed_at = now()").execute(&mut *owner).await.unwrap();
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let (answer, ()) = tokio::join!(world.by(&customer, method, path, &body), async {
            world.until("the request waits", async || world.count(waiting).await == 1).await;
            owner.commit().await.unwrap();
        });
        assert_eq!(answer.problem(), (401, "unauthorized"), "{path}");
    }
    assert_eq!(world.count("SELECT count(*) FROM totp_factors").await, 0);
    assert_eq!(world.count("SELECT count(*) FROM api_keys").await, 0);
    world.log_in(&customer.email).await;
    world.finish().await;
}

fn problem_of(refused: &Answer) -> Value {
    json!([refused.body["errors"][0]["pointer"], refused.body["errors"][0]["code"]])
}
