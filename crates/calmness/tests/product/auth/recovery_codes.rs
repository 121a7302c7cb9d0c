//! `/api/auth/recovery-codes`: the way in when the telephone is lost (SEC-13).

use futures_util::future::join_all;
use serde_json::json;

use crate::support::{World, proof, proof_with};

#[tokio::test]
async fn sec_13_a_recovery_code_works_once_however_it_is_typed_and_is_told() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (_, codes) = world.enrol_app(&customer).await;
    let typed = format!(" {} ", codes[0].to_lowercase().replace('-', " "));
    let asked = world.first_step(&customer.email).await;
    world.second_step(&asked, "recovery_code", &typed).await.expect(200);
    let asked = world.first_step(&customer.email).await;
    let again = world.second_step(&asked, "recovery_code", &codes[0]).await;
    assert_eq!(again.problem(), (401, "code_invalid"));
    world.second_step(&asked, "recovery_code", &codes[1]).await.expect(200);
    let factors = world.get_by(&customer, "/api/auth/factors").await.expect(200);
    assert_eq!(factors.body["recovery_codes_left"], 8);
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    assert_eq!(told.iter().filter(|subject| *subject == "Un code de secours a servi").count(), 2, "{told:?}");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_13_of_many_who_show_one_recovery_code_at_once_one_gets_in() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (_, codes) = world.enrol_app(&customer).await;
    let challenges = join_all((0..20).map(|_| world.first_step(&customer.email))).await;
    let tries = challenges.iter().map(|token| world.second_step(token, "recovery_code", &codes[0]));
    let answers = join_all(tries).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    world.finish().await;
}

#[tokio::test]
async fn new_recovery_codes_need_a_proof_and_make_the_old_ones_worthless() {
    let world = World::new().await;
    let (customer, other) = (world.customer().await, world.customer_named("moussa").await);
    let path = "/api/auth/recovery-codes";
    let none = world.by(&customer, "POST", path, &proof()).await;
    assert_eq!(none.problem(), (409, "nothing_to_confirm"), "there is nothing to recover");
    let (app, old) = world.enrol_app(&customer).await;
    let (_, theirs) = world.enrol_app(&other).await;
    assert_eq!(world.by(&customer, "POST", path, &proof()).await.problem(), (403, "code_required"));
    let renewed = world.by(&customer, "POST", path, &proof_with(&app.code(&world))).await.expect(200);
    let new = renewed.body["recovery_codes"].as_array().unwrap();
    assert_eq!(new.len(), 10);
    let asked = world.first_step(&customer.email).await;
    for worthless in [&old[0], &theirs[0]] {
        let refused = world.second_step(&asked, "recovery_code", worthless).await;
        assert_eq!(refused.problem(), (401, "code_invalid"));
    }
    world.second_step(&asked, "recovery_code", new[9].as_str().unwrap()).await.expect(200);
    world.drain().await;
    let told = world.subjects_to(&customer.email).await;
    assert!(
        told.contains(&"De nouveaux codes de secours".to_owned())
            || told.contains(&"Nouveaux codes de secours".to_owned()),
        "{told:?}"
    );
    world.finish().await;
}

#[tokio::test]
async fn sec_13_what_is_kept_of_recovery_codes_is_no_code() {
    let world = World::new().await;
    let customer = world.customer().await;
    let (_, codes) = world.enrol_app(&customer).await;
    let rows =
        format!("{:?}", world.rows("SELECT encode(code_hash, 'escape') AS kept FROM recovery_codes").await);
    for code in &codes {
        assert!(!rows.contains(code) && !rows.contains(&code.replace('-', "")), "{code}");
    }
    assert_eq!(world.count("SELECT count(*) FROM recovery_codes WHERE length(code_hash) = 32").await, 10);
    let asked = json!({ "mfa_token": world.first_step(&customer.email).await, "method": "recovery_code" });
    assert_eq!(world.post("/api/auth/mfa/verify", &asked).await.problem(), (422, "validation_failed"));
    world.finish().await;
}
