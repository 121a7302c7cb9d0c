//! `/api/admin/users/{id}/freeze` and `/unfreeze`: what an admin's freeze stops, withholds and gives back (SEC-61).

use application::identity::{Email, IdentityError};
use application::subscriptions::SubscriptionView;
use application::{Context, Role};
use domain::ids::UserId;
use domain::plan::ChannelKey;
use futures_util::future::join_all;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Customer, PASSWORD, World};

const DAY: i64 = 86_400;

/// The subscription of somebody who may not ask for themselves.
async fn subscription(world: &World, customer: &Customer) -> SubscriptionView {
    let channel: ChannelKey = "signaux".parse().unwrap();
    world.app.subscription(UserId::from_uuid(customer.id), &channel).await.unwrap().unwrap()
}

async fn left(world: &World, customer: &Customer) -> i64 {
    subscription(world, customer).await.seconds_left
}

/// Its status, with the seconds that are left and those that are set aside, which a test may have used a few of.
async fn assert_time(world: &World, customer: &Customer, status: &str, left: i64, withheld: i64) {
    let found = subscription(world, customer).await;
    let near = |found: i64, expected: i64| (expected - 15..=expected).contains(&found);
    assert!(
        found.status.as_str() == status
            && near(found.seconds_left, left)
            && near(found.seconds_withheld, withheld),
        "{status} {left} {withheld}: {found:?}"
    );
}

/// What periods have not used, to the microsecond: of withheld ones what is set aside, of live ones their span.
async fn remainders(world: &World) -> Vec<Value> {
    let span = "(extract(epoch FROM ends_at - starts_at) * 1000000)::bigint";
    let remainder =
        format!("CASE state WHEN 'live' THEN {span} ELSE length_us - used_before_us - {span} END");
    world.rows(&format!("SELECT {remainder} AS remainder FROM periods ORDER BY position")).await
}

fn without_request_id(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    body["request_id"].take();
    (answer.status, body)
}

#[tokio::test]
async fn sec_61_a_freeze_stops_every_way_in_at_once() {
    let world = World::new().await;
    let admin = world.admin().await;
    let victim = world.member("awa", 7_001).await;
    let key = world.api_key(&victim, &["profile:read", "payments:write"]).await;
    let (authenticator, _) = world.enrol_app(&victim).await;
    let mfa_token = world.first_step(&victim.email).await;
    world.call("GET", "/api/me").bearer(&key).send().await.expect(200);

    world.freeze(&admin, &victim).await.expect(204);

    world.until_refused(&victim).await;
    assert_eq!(world.init(&victim, "k", "signaux-monthly").await.problem(), (401, "unauthorized"));
    let refresh = world.post("/api/auth/refresh", &json!({ "refresh_token": victim.refresh_token })).await;
    assert_eq!(refresh.problem(), (401, "unauthorized"));
    let code = world.fresh_code(&authenticator).await;
    let answer = json!({ "mfa_token": mfa_token, "method": "totp", "code": code });
    assert_eq!(world.post("/api/auth/mfa/verify", &answer).await.status, 401, "a challenge in flight");
    let login = async |email: &str| {
        world.post("/api/auth/login", &json!({ "email": email, "password": PASSWORD })).await
    };
    let frozen = without_request_id(&login(&victim.email).await);
    assert_eq!(frozen, without_request_id(&login("nobody@example.com").await), "nothing tells");
    for path in ["/api/me", "/api/billing/payments"] {
        let machine = world.call("GET", path).bearer(&key).send().await;
        assert_eq!(machine.problem(), (401, "unauthorized"), "a machine's key");
    }
    world.drain().await;
    assert!(!world.is_inside(7_001).await, "removed from the channel");
    let subjects = world.subjects_to(&victim.email).await;
    assert_eq!(
        subjects.iter().filter(|subject| *subject == "Votre compte est gelé").count(),
        1,
        "{subjects:?}"
    );
    let shown = world.get_by(&admin.person, &format!("/api/admin/users/{}", victim.id)).await.expect(200);
    assert_eq!(
        (&shown.body["frozen"]["by"], &shown.body["frozen"]["reason"]),
        (&json!("admin"), &json!("stolen cards"))
    );
    let audited = "SELECT actor_kind, actor_id, subject_id, details->>'reason' AS reason, content::jsonb ? 'address' AS located
                   FROM audit_logs JOIN audit_personal ON entry_id = id WHERE action = 'user.frozen'";
    assert_eq!(
        world.rows(audited).await,
        [json!({ "actor_kind": "user", "actor_id": admin.person.id, "subject_id": victim.id,
                 "reason": "stolen cards", "located": true })]
    );
    world.finish().await;
}

#[tokio::test]
async fn sec_61_a_mailed_link_does_not_open_a_frozen_account() {
    let world = World::new().await;
    let (admin, victim) = (world.admin().await, world.made_customer("awa").await);
    world.freeze(&admin, &victim).await.expect(204);
    world.post("/api/auth/password/forgot", &json!({ "email": victim.email })).await.expect(202);
    world.drain().await;
    let mails = world.mails_to(&victim.email).await;
    let mut links = mails.iter().flat_map(|mail| mail["links"].as_array().unwrap());
    let token = links.find_map(|link| link.as_str()?.split_once("/password/reset?token="));
    let new = "another horse battery staple";
    if let Some((_, token)) = token {
        world.post("/api/auth/password/reset", &json!({ "token": token, "password": new })).await;
    }
    for password in [PASSWORD, new] {
        let login =
            world.post("/api/auth/login", &json!({ "email": victim.email, "password": password })).await;
        assert_eq!(login.status, 401, "{password}");
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_61_paid_time_waits_for_the_unfreeze_and_comes_back_whole() {
    let world = World::new().await;
    let (admin, victim) = (world.admin().await, world.member("awa", 7_001).await);
    world.advance(Duration::days(3)).await;
    let before = left(&world, &victim).await;
    world.freeze(&admin, &victim).await.expect(204);
    assert_time(&world, &victim, "suspended", 0, before).await;
    world.advance(Duration::days(45)).await;
    assert_time(&world, &victim, "suspended", 0, before).await;
    assert!(!world.is_inside(7_001).await);
    let set_aside = remainders(&world).await;

    world.unfreeze(&admin, &victim).await.expect(204);
    assert_eq!(remainders(&world).await, set_aside, "to the microsecond");
    world.drain().await;
    assert_time(&world, &victim, "active", before, 0).await;
    world.advance(Duration::days(1)).await;
    assert_time(&world, &victim, "active", before - DAY, 0).await;
    let victim = world.log_in(&victim.email).await;
    world.join(&victim, 7_001).await;
    assert!(world.is_inside(7_001).await, "let in again");
    let subjects = world.subjects_to(&victim.email).await;
    assert_eq!(
        subjects.iter().filter(|subject| *subject == "Votre compte est rouvert").count(),
        1,
        "{subjects:?}"
    );
    let endings = "SELECT count(*) FROM notifications WHERE kind IN ('reminder', 'subscription_ended')";
    assert_eq!(world.count(endings).await, 0, "nothing ended meanwhile");
    let audited = "SELECT actor_id FROM audit_logs WHERE action = 'user.unfrozen'";
    assert_eq!(world.rows(audited).await, [json!({ "actor_id": admin.person.id })]);
    world.finish().await;
}

#[tokio::test]
async fn sec_61_several_periods_wait_and_come_back_whole() {
    let world = World::new().await;
    let (admin, victim) = (world.admin().await, world.made_customer("awa").await);
    for key in ["k1", "k2", "k3"] {
        world.buy(&victim, key, "signaux-monthly").await;
    }
    world.advance(Duration::days(40)).await;
    let before = left(&world, &victim).await;
    for _ in 0..2 {
        world.freeze(&admin, &victim).await.expect(204);
        world.freeze(&admin, &victim).await.expect(204);
        world.advance(Duration::days(7)).await;
        world.unfreeze(&admin, &victim).await.expect(204);
        world.unfreeze(&admin, &victim).await.expect(204);
        assert_time(&world, &victim, "active", before, 0).await;
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_61_money_that_arrives_while_frozen_is_kept_and_its_time_starts_at_the_unfreeze() {
    let world = World::new().await;
    let (admin, victim) = (world.admin().await, world.made_customer("awa").await);
    let payment = world.open(&victim, "k1", "signaux-monthly").await;
    world.freeze(&admin, &victim).await.expect(204);
    world.pay(&payment).await;
    world.drain().await;
    let settled = "SELECT status, settled_at IS NOT NULL AS settled FROM payments";
    assert_eq!(world.rows(settled).await, [json!({ "status": "succeeded", "settled": true })]);
    assert_time(&world, &victim, "suspended", 0, 30 * DAY).await;
    world.advance(Duration::days(5)).await;
    world.unfreeze(&admin, &victim).await.expect(204);
    assert_time(&world, &victim, "active", 30 * DAY, 0).await;
    world.finish().await;
}

#[tokio::test]
async fn sec_61_what_a_dispute_withholds_stays_withheld_after_the_unfreeze() {
    let world = World::new().await;
    let (admin, victim) = (world.admin().await, world.made_customer("awa").await);
    let disputed = world.buy(&victim, "k1", "signaux-monthly").await;
    let good = world.buy(&victim, "k2", "signaux-monthly").await;
    world.freeze(&admin, &victim).await.expect(204);
    world.act(&disputed, "dispute_open").await;
    world.drain().await;
    world.unfreeze(&admin, &victim).await.expect(204);
    assert_time(&world, &victim, "active", 30 * DAY, 30 * DAY).await;
    world.freeze(&admin, &victim).await.expect(204);
    world.act(&disputed, "dispute_won").await;
    world.act(&good, "refund").await;
    world.drain().await;
    assert_time(&world, &victim, "suspended", 0, 30 * DAY).await;
    world.unfreeze(&admin, &victim).await.expect(204);
    assert_time(&world, &victim, "active", 30 * DAY, 0).await;
    world.finish().await;
}

/// What is written in the very moment of a freeze or of its end is not overlooked by it.
#[tokio::test]
async fn sec_61_a_first_payment_that_races_a_freeze_is_withheld_and_given_back() {
    let world = World::new().await;
    let operator = Context::operator();
    let mut payers = Vec::new();
    for number in 0..12 {
        let payer = world.made_customer(&format!("payer{number}")).await;
        let payment = world.open(&payer, "k", "signaux-monthly").await;
        payers.push((payer, world.event(&format!("evt_{number}"), "payment.succeeded", &payment)));
    }
    let id = |payer: &Customer| UserId::from_uuid(payer.id);
    join_all(payers.iter().map(|(payer, event)| async {
        let (frozen, told) =
            tokio::join!(world.app.freeze(&operator, id(payer), "a race"), world.deliver(event));
        frozen.unwrap();
        told.expect(200);
    }))
    .await;
    for (payer, _) in &payers {
        assert_time(&world, payer, "suspended", 0, 30 * DAY).await;
    }
    let mut others = Vec::new();
    for number in 0..12 {
        let payer = world.made_customer(&format!("other{number}")).await;
        let payment = world.open(&payer, "k", "signaux-monthly").await;
        world.app.freeze(&operator, id(&payer), "a race").await.unwrap();
        others.push((payer, world.event(&format!("evt_o{number}"), "payment.succeeded", &payment)));
    }
    join_all(others.iter().map(|(payer, event)| async {
        let (lifted, told) =
            tokio::join!(world.app.unfreeze(&operator, id(payer), "a race"), world.deliver(event));
        lifted.unwrap();
        told.expect(200);
    }))
    .await;
    for (payer, _) in &others {
        assert_time(&world, payer, "active", 30 * DAY, 0).await;
    }
    world.abandon().await;
}

#[tokio::test]
async fn sec_55_nobody_freezes_themselves_and_two_admins_cannot_freeze_each_other() {
    let world = World::new().await;
    let (ada, bo) = (world.staff("ada", Role::Admin).await, world.staff("bo", Role::Admin).await);
    assert_eq!(world.freeze(&ada, &ada.person).await.problem(), (409, "not_yourself"));
    // Each asks, and somebody on the machine agrees with both in the same moment.
    let (by_ada, by_bo) = (world.freeze(&ada, &bo.person).await, world.freeze(&bo, &ada.person).await);
    let operator = Context::operator();
    let agree = async |asked: Answer| {
        let asked = asked.expect(202);
        let id = asked.text_of("id").parse().unwrap();
        world.app.confirm_approval(&operator, id, asked.text_of("digest")).await
    };
    let both = tokio::join!(agree(by_ada), agree(by_bo));
    let done = [both.0.is_ok(), both.1.is_ok()].into_iter().filter(|done| *done).count();
    assert_eq!(done, 1, "{both:?}");
    let able = "SELECT count(*) FROM users WHERE role = 'admin' AND frozen_at IS NULL";
    assert_eq!(world.count(able).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_the_last_admin_is_not_frozen_demoted_or_erased_by_anybody() {
    let world = World::new().await;
    let (last, leaving) = (world.admin().await, world.person_of("leaving", Role::Admin).await);
    world.person_of("helper", Role::Support).await;
    let operator = Context::operator();
    let leave = world.call("DELETE", "/api/me").by(&leaving).json(&json!({ "password": PASSWORD }));
    leave.send().await.expect(202);
    let email = Email::parse(&last.person.email).unwrap();
    let frozen = world.app.freeze(&operator, UserId::from_uuid(last.person.id), "a mistake").await;
    assert!(matches!(frozen, Err(IdentityError::LastAdmin)), "one who is leaving does not count");
    let demoted = world.app.set_role(&operator, &email, Role::User).await;
    assert!(matches!(demoted, Err(IdentityError::LastAdmin)));
    let code = world.fresh_code(&last.authenticator).await;
    let leave = world.call("DELETE", "/api/me").by(&last.person);
    let leave = leave.json(&json!({ "password": PASSWORD, "code": code })).send().await;
    assert_eq!(leave.problem(), (409, "last_admin"));
    world.get_by(&last.person, "/api/admin/users").await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn a_freeze_needs_a_reason_and_somebody_to_freeze() {
    let world = World::new().await;
    let (admin, user) = (world.admin().await, world.made_customer("awa").await);
    let path = format!("/api/admin/users/{}/freeze", user.id);
    for reason in ["", "   ", &"x".repeat(501)] {
        let refused = world.confirmed(&admin, "POST", &path, &json!({ "reason": reason })).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{reason:?}");
    }
    let nobody = "/api/admin/users/018f2b7e-0000-7000-8000-000000000000/freeze";
    let refused = world.confirmed(&admin, "POST", nobody, &json!({ "reason": "a mistake" })).await;
    assert_eq!(refused.status, 404);
    world.get_by(&user, "/api/me").await.expect(200);
    world.finish().await;
}
