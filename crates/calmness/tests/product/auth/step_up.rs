//! `/api/auth/step-up`: permission for one action (SEC-24).

use application::{Context, Role};
use aws_lc_rs::digest;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Authenticator, Customer, PASSWORD, World, hex, proof_with};

const REASON: &str = r#"{"reason":"stolen cards"}"#;

async fn promote(world: &World, customer: &Customer, role: Role) {
    let email = customer.email.parse().unwrap();
    world.app.set_role(&Context::operator(), &email, role).await.unwrap();
}

/// Somebody who runs the place, on a session with a second factor that is still young.
async fn admin(world: &World) -> (Customer, Authenticator) {
    let made = world.made_customer("admin").await;
    promote(world, &made, Role::Admin).await;
    let session = world.log_in(&made.email).await;
    let (app, _) = world.enrol_app(&session).await;
    (world.log_in_with(&made, &app).await, app)
}

/// The same a day later.
async fn old_admin(world: &World) -> (Customer, Authenticator) {
    let (admin, app) = admin(world).await;
    world.age_factors().await;
    (admin, app)
}

fn action(method: &str, path: &str, body: &str, code: &str) -> Value {
    let hash = hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
    json!({ "method": method, "path": path, "body_sha256": hash, "code": code })
}

async fn step_up(world: &World, admin: &Customer, app: &Authenticator, path: &str) -> Answer {
    world.free_codes().await;
    let body = action("POST", path, REASON, &app.code(world));
    world.by(admin, "POST", "/api/auth/step-up", &body).await
}

async fn permission(world: &World, admin: &Customer, app: &Authenticator, path: &str) -> String {
    step_up(world, admin, app, path).await.expect(200).text_of("step_up_token").to_owned()
}

async fn act(world: &World, admin: &Customer, path: &str, body: &str, token: &str) -> Answer {
    let call = world.call("POST", path).by(admin).header("Step-Up", token);
    call.header("Content-Type", "application/json").body(body.to_owned()).send().await
}

fn freeze(customer: &Customer) -> String {
    format!("/api/admin/users/{}/freeze", customer.id)
}

const NEEDED: (u16, &str) = (403, "step_up_required");

#[tokio::test]
async fn sec_24_a_factor_permits_actions_a_day_after_it_was_confirmed() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, app) = admin(&world).await;
    let young = step_up(&world, &admin, &app, &freeze(&customer)).await;
    assert_eq!(young.problem(), (403, "factor_not_trusted"));
    let factors = world.get_by(&admin, "/api/auth/factors").await.expect(200);
    assert!(factors.body["totp"]["trusted_from"].is_string());
    world.sql("UPDATE totp_factors SET trusted_from = trusted_from - interval '23 hours 59 minutes'").await;
    let nearly = step_up(&world, &admin, &app, &freeze(&customer)).await;
    assert_eq!(nearly.problem(), (403, "factor_not_trusted"));
    world.sql("UPDATE totp_factors SET trusted_from = trusted_from - interval '1 minute'").await;
    let given = step_up(&world, &admin, &app, &freeze(&customer)).await.expect(200);
    assert_eq!(given.body["expires_in"], 300);
    act(&world, &admin, &freeze(&customer), REASON, given.text_of("step_up_token")).await.expect(204);
    world.until_refused(&customer).await;
    world.finish().await;
}

#[tokio::test]
async fn sec_24_without_a_permission_nothing_is_done() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, _) = old_admin(&world).await;
    let path = freeze(&customer);
    let bare = world.call("POST", &path).by(&admin).header("Content-Type", "application/json");
    assert_eq!(bare.body(REASON).send().await.problem(), NEEDED);
    for nonsense in ["", "x", &"A".repeat(43), &admin.access_token] {
        assert_eq!(act(&world, &admin, &path, REASON, nonsense).await.problem(), NEEDED, "{nonsense}");
    }
    world.get_by(&customer, "/api/me").await.expect(200);
    assert!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'step_up.refused'").await > 0);
    world.finish().await;
}

#[tokio::test]
async fn sec_24_a_permission_is_for_one_method_path_body_and_session_and_burns_at_its_first_use() {
    let world = World::new().await;
    let (customer, other) = (world.made_customer("awa").await, world.made_customer("moussa").await);
    let (admin, app) = old_admin(&world).await;
    let elsewhere = world.log_in_with(&admin, &app).await;
    let path = freeze(&customer);
    let unfreeze = path.replace("freeze", "unfreeze");
    let with_query = format!("{path}?x=1");
    let changed = r#"{"reason":"stolen cards "}"#;
    let strayed = [
        (&admin, unfreeze.as_str(), REASON),
        (&admin, &freeze(&other), REASON),
        (&admin, &with_query, REASON),
        (&admin, &path, changed),
        (&elsewhere, &path, REASON),
    ];
    for (who, where_to, body) in strayed {
        let token = permission(&world, &admin, &app, &path).await;
        assert_eq!(act(&world, who, where_to, body, &token).await.problem(), NEEDED, "{where_to} {body}");
        assert_eq!(act(&world, &admin, &path, REASON, &token).await.problem(), NEEDED, "it is burnt");
    }
    world.free_codes().await;
    let body = action("DELETE", &path, REASON, &app.code(&world));
    let for_delete = world.by(&admin, "POST", "/api/auth/step-up", &body).await.expect(200);
    let refused = act(&world, &admin, &path, REASON, for_delete.text_of("step_up_token")).await;
    assert_eq!(refused.problem(), NEEDED, "another method");

    let token = permission(&world, &admin, &app, &path).await;
    act(&world, &admin, &path, REASON, &token).await.expect(204);
    assert_eq!(act(&world, &admin, &path, REASON, &token).await.problem(), NEEDED, "once");
    world.get_by(&other, "/api/me").await.expect(200);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sec_24_of_many_who_show_one_permission_at_once_one_acts() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, app) = old_admin(&world).await;
    let path = freeze(&customer);
    let token = permission(&world, &admin, &app, &path).await;
    let answers = join_all((0..20).map(|_| act(&world, &admin, &path, REASON, &token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 204).count(), 1, "{answers:?}");
    world.finish().await;
}

#[tokio::test]
async fn sec_24_a_permission_ends_after_five_minutes() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, app) = old_admin(&world).await;
    let path = freeze(&customer);
    for (age, outcome) in [("4 minutes 50 seconds", 204), ("5 minutes", 403)] {
        let token = permission(&world, &admin, &app, &path).await;
        world.sql(&format!("UPDATE step_ups SET expires_at = expires_at - interval '{age}'")).await;
        assert_eq!(act(&world, &admin, &path, REASON, &token).await.status, outcome, "{age}");
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_24_admins_and_supporters_act_only_with_a_second_factor() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let users = "/api/admin/users";
    assert_eq!(world.get_by(&customer, users).await.problem(), (403, "insufficient_scope"));
    // So that the other is not the last.
    promote(&world, &world.made_customer("boss").await, Role::Admin).await;
    let made = world.made_customer("staff").await;
    for role in [Role::Support, Role::Admin] {
        promote(&world, &made, role).await;
        let session = world.log_in(&made.email).await;
        assert_eq!(
            world.get_by(&session, users).await.problem(),
            (403, "second_factor_required"),
            "{role:?}"
        );
        let me = world.get_by(&session, "/api/me").await.expect(200);
        assert!(!me.body["scopes"].to_string().contains("users:"), "{}", me.text);
    }
    let session = world.log_in(&made.email).await;
    let (app, _) = world.enrol_app(&session).await;
    assert_eq!(world.get_by(&session, users).await.status, 403, "the token of before is a user's");
    let body = json!({ "refresh_token": session.refresh_token });
    let refreshed = session.with(&world.post("/api/auth/refresh", &body).await.expect(200));
    world.get_by(&refreshed, users).await.expect(200);
    let admin = world.log_in_with(&made, &app).await;
    world.get_by(&admin, users).await.expect(200);

    // Without the factor nobody of them is on any session what they were.
    world.free_codes().await;
    let proof = proof_with(&app.code(&world));
    world.by(&admin, "DELETE", "/api/auth/totp", &proof).await.expect(204);
    world.until_refused(&admin).await;
    let session = world.log_in(&made.email).await;
    assert_eq!(world.get_by(&session, users).await.problem(), (403, "second_factor_required"));
    promote(&world, &made, Role::Support).await;
    let session = world.log_in(&made.email).await;
    let (app, _) = world.enrol_app(&session).await;
    let support = world.log_in_with(&made, &app).await;
    world.get_by(&support, users).await.expect(200);
    let refused = act(&world, &support, &freeze(&customer), REASON, "x").await;
    assert_eq!(refused.problem(), (403, "insufficient_scope"));
    world.finish().await;
}

#[tokio::test]
async fn sec_24_recovery_codes_and_used_codes_permit_nothing() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, app) = old_admin(&world).await;
    world.free_codes().await;
    let proof = proof_with(&app.code(&world));
    let codes = world.by(&admin, "POST", "/api/auth/recovery-codes", &proof).await.expect(200);
    let mut body =
        action("POST", &freeze(&customer), REASON, codes.body["recovery_codes"][0].as_str().unwrap());
    body["factor"] = json!("recovery_code");
    let refused = world.by(&admin, "POST", "/api/auth/step-up", &body).await;
    assert_eq!(refused.problem(), (403, "factor_not_trusted"));
    assert_eq!(world.count("SELECT count(*) FROM recovery_codes WHERE used_at IS NULL").await, 10);

    world.free_codes().await;
    let body = action("POST", &freeze(&customer), REASON, &app.code(&world));
    world.by(&admin, "POST", "/api/auth/step-up", &body).await.expect(200);
    let again = world.by(&admin, "POST", "/api/auth/step-up", &body).await;
    assert_eq!(again.problem(), (401, "code_invalid"), "a code works once here too");
    for (member, value) in [("method", "PO ST"), ("path", "api"), ("body_sha256", "abc")] {
        let mut nonsense = body.clone();
        nonsense[member] = json!(value);
        let refused = world.by(&admin, "POST", "/api/auth/step-up", &nonsense).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{member}");
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_24_a_text_permits_where_an_old_app_approved_the_telephone() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, app) = old_admin(&world).await;
    world.enrol_phone(&admin, &app, "+2250102030442").await;
    world.call("POST", "/api/auth/sms/send").by(&admin).send().await.expect(202);
    let code = world.texted_code("+2250102030442").await;
    let mut body = action("POST", &freeze(&customer), REASON, &code);
    body["factor"] = json!("sms");
    let given = world.by(&admin, "POST", "/api/auth/step-up", &body).await.expect(200);
    act(&world, &admin, &freeze(&customer), REASON, given.text_of("step_up_token")).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn sec_24_a_young_factor_makes_no_other_one_older() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let (admin, young) = admin(&world).await;
    let replace = async |proof: &Value| {
        let enrolled = world.by(&admin, "POST", "/api/auth/totp/enroll", proof).await.expect(200);
        let app = Authenticator::typing(enrolled.text_of("secret"));
        let code = json!({ "code": app.code(&world) });
        world.by(&admin, "POST", "/api/auth/totp/confirm", &code).await.expect(200);
        app
    };
    let refused = (403, "factor_not_trusted");
    world.enrol_phone(&admin, &young, "+2250102030442").await;
    world.call("POST", "/api/auth/sms/send").by(&admin).send().await.expect(202);
    let text = world.texted_code("+2250102030442").await;
    let mut by_text = action("POST", &freeze(&customer), REASON, &text);
    by_text["factor"] = json!("sms");
    assert_eq!(world.by(&admin, "POST", "/api/auth/step-up", &by_text).await.problem(), refused);
    world.free_codes().await;
    let second = replace(&proof_with(&young.code(&world))).await;
    assert_eq!(step_up(&world, &admin, &second, &freeze(&customer)).await.problem(), refused);

    // A factor that has grown old approves another at once; what only a recovery code approved grows old first.
    world.age_factors().await;
    world.free_codes().await;
    let third = replace(&proof_with(&second.code(&world))).await;
    step_up(&world, &admin, &third, &freeze(&customer)).await.expect(200);
    world.free_codes().await;
    let renewed =
        world.by(&admin, "POST", "/api/auth/recovery-codes", &proof_with(&third.code(&world))).await;
    let code = renewed.expect(200).body["recovery_codes"][0].clone();
    let lost = json!({ "password": PASSWORD, "method": "recovery_code", "code": code });
    let fourth = replace(&lost).await;
    assert_eq!(step_up(&world, &admin, &fourth, &freeze(&customer)).await.problem(), refused);
    world.finish().await;
}
