//! `/api/admin/approvals`: sensitive changes wait for a second confirmation (SEC-55).

use application::approvals::{Action, ApprovalError};
use application::identity::Email;
use application::{Context, Role};
use domain::ids::{ApprovalId, UserId};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Customer, Staff, World};

/// Somebody asks for another role of somebody.
async fn ask_for_role(world: &World, by: &Staff, user: &Customer, role: &str) -> Answer {
    let path = format!("/api/admin/users/{}/role", user.id);
    world.confirmed(by, "POST", &path, &json!({ "role": role, "reason": "helps from May on" })).await
}

/// Confirms with the digest of what was shown.
async fn confirm(world: &World, by: &Staff, approval: &Value) -> Answer {
    confirm_with(world, by, approval, approval["digest"].as_str().unwrap()).await
}

async fn confirm_with(world: &World, by: &Staff, approval: &Value, digest: &str) -> Answer {
    let path = format!("/api/admin/approvals/{}/confirm", approval["id"].as_str().unwrap());
    world.confirmed(by, "POST", &path, &json!({ "digest": digest })).await
}

async fn look(world: &World, by: &Staff, approval: &Value) -> Value {
    let path = format!("/api/admin/approvals/{}", approval["id"].as_str().unwrap());
    world.get_by(&by.person, &path).await.expect(200).body
}

async fn role(world: &World, user: &Customer) -> Value {
    let found = world.rows(&format!("SELECT role FROM users WHERE id = '{}'", user.id)).await;
    found[0]["role"].clone()
}

fn id(approval: &Value) -> ApprovalId {
    approval["id"].as_str().unwrap().parse().unwrap()
}

async fn audited(world: &World) -> Vec<Value> {
    let query = "SELECT action, actor_kind FROM audit_logs WHERE action LIKE 'approval.%' ORDER BY id";
    world.rows(query).await
}

#[tokio::test]
async fn sec_55_a_role_changes_once_another_admin_has_confirmed_what_was_shown() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    world.drain().await;
    let asked = ask_for_role(&world, &one, &customer, "admin").await.expect(202).body;
    assert_eq!(role(&world, &customer).await, "user", "nothing is done yet");
    assert_eq!(asked["state"], "pending");
    assert_eq!(asked["subject"], customer.email.as_str());
    assert_eq!(asked["changes"], json!([{ "field": "role", "before": "user", "after": "admin" }]));
    assert_eq!(asked["another_admin_needed"], true);

    assert_eq!(confirm(&world, &one, &asked).await.problem(), (403, "another_admin_needed"));
    for digest in ["", "00", &"0".repeat(64), "no hex"] {
        let refused = confirm_with(&world, &other, &asked, digest).await;
        assert_eq!(refused.problem(), (409, "approval_differs"), "{digest:?}");
    }
    assert_eq!(role(&world, &customer).await, "user");
    let done = confirm(&world, &other, &look(&world, &other, &asked).await).await.expect(200).body;
    assert_eq!((&done["state"], &done["decided_by"]), (&json!("confirmed"), &json!(other.person.id)));
    assert_eq!(role(&world, &customer).await, "admin");
    world.until_refused(&customer).await;
    assert_eq!(confirm(&world, &other, &asked).await.problem(), (409, "approval_decided"));

    let by = |action: &str| json!({ "action": action, "actor_kind": "user" });
    assert_eq!(audited(&world).await, [by("approval.requested"), by("approval.confirmed")]);
    world.drain().await;
    for admin in [&one, &other] {
        let subjects = world.subjects_to(&admin.person.email).await;
        for expected in ["À confirmer\u{a0}: Changement de rôle", "Confirmé\u{a0}: Changement de rôle"] {
            let told = subjects.iter().filter(|subject| *subject == expected).count();
            assert_eq!(told, 1, "{expected}: {subjects:?}");
        }
    }
    world.finish().await;
}

#[tokio::test]
async fn sec_55_the_only_admin_confirms_alone_after_a_second_look() {
    let world = World::new().await;
    let admin = world.admin().await;
    let customer = world.made_customer("awa").await;
    let asked = ask_for_role(&world, &admin, &customer, "support").await.expect(202).body;
    assert_eq!(asked["another_admin_needed"], false);
    let blind = confirm_with(&world, &admin, &asked, &"0".repeat(64)).await;
    assert_eq!(blind.problem(), (409, "approval_differs"), "without a second look");
    confirm(&world, &admin, &look(&world, &admin, &asked).await).await.expect(200);
    assert_eq!(role(&world, &customer).await, "support");
    world.finish().await;
}

#[tokio::test]
async fn sec_55_whoever_was_an_admin_within_seven_days_counts_frozen_or_not() {
    let world = World::new().await;
    let (thief, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    let asked = ask_for_role(&world, &thief, &customer, "admin").await.expect(202).body;
    let user = UserId::from_uuid(other.person.id);
    world.app.freeze(&Context::operator(), user, "a test").await.unwrap();
    assert_eq!(confirm(&world, &thief, &asked).await.problem(), (403, "another_admin_needed"), "frozen");
    world.app.unfreeze(&Context::operator(), user, "a test").await.unwrap();
    let email = Email::parse(&other.person.email).unwrap();
    world.app.set_role(&Context::operator(), &email, Role::User).await.unwrap();
    assert_eq!(confirm(&world, &thief, &asked).await.problem(), (403, "another_admin_needed"), "demoted");
    let aged = |days: u8| {
        format!(
            "UPDATE admin_terms SET began_at = began_at - interval '{days} days', ended_at = ended_at - interval '{days} days' WHERE ended_at IS NOT NULL"
        )
    };
    world.sql(&aged(6)).await;
    assert_eq!(confirm(&world, &thief, &asked).await.problem(), (403, "another_admin_needed"), "6 days");
    world.sql(&aged(1)).await;
    confirm(&world, &thief, &asked).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_a_confirmation_that_comes_after_a_day_is_too_late() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    let late = ask_for_role(&world, &one, &customer, "admin").await.expect(202).body;
    let swept = ask_for_role(&world, &one, &customer, "support").await.expect(202).body;
    let older = "UPDATE approvals SET requested_at = requested_at - interval '24 hours', expires_at = expires_at - interval '24 hours'";
    world.sql(older).await;
    assert_eq!(look(&world, &one, &late).await["state"], "expired");
    assert_eq!(confirm(&world, &other, &late).await.problem(), (409, "approval_expired"));
    assert_eq!(confirm(&world, &other, &late).await.problem(), (409, "approval_expired"), "and stays so");
    world.drain().await;
    let states = "SELECT state, action_encrypted IS NULL AS forgotten FROM approvals";
    let expired = json!({ "state": "expired", "forgotten": true });
    assert_eq!(world.rows(states).await, [expired.clone(), expired]);
    assert_eq!(confirm(&world, &other, &swept).await.problem(), (409, "approval_expired"));
    assert_eq!(role(&world, &customer).await, "user");
    let expired = "SELECT count(*) FROM audit_logs WHERE action = 'approval.expired'";
    assert_eq!(world.count(expired).await, 2);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_a_confirmation_of_an_older_version_is_refused() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    let asked = ask_for_role(&world, &one, &customer, "support").await.expect(202).body;
    let email = Email::parse(&customer.email).unwrap();
    for role in [Role::Support, Role::User] {
        // There and back again: the role is the same, and the version is not.
        world.app.set_role(&Context::operator(), &email, role).await.unwrap();
    }
    assert_eq!(look(&world, &one, &asked).await["state"], "superseded");
    assert_eq!(confirm(&world, &other, &asked).await.problem(), (409, "approval_stale"));
    // Also where nobody has said so yet.
    let asked = ask_for_role(&world, &one, &customer, "support").await.expect(202).body;
    world.sql("UPDATE users SET standing_version = standing_version + 1").await;
    assert_eq!(confirm(&world, &other, &asked).await.problem(), (409, "approval_stale"));
    assert_eq!(look(&world, &one, &asked).await["state"], "superseded");
    assert_eq!(role(&world, &customer).await, "user");
    world.finish().await;
}

#[tokio::test]
async fn sec_55_what_a_frozen_admin_asked_for_is_not_done_any_more() {
    let world = World::new().await;
    let (stolen, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    let asked = ask_for_role(&world, &stolen, &customer, "admin").await.expect(202).body;
    let user = UserId::from_uuid(stolen.person.id);
    world.app.freeze(&Context::operator(), user, "stolen").await.unwrap();
    assert_eq!(confirm(&world, &other, &asked).await.problem(), (409, "approval_stale"));
    assert_eq!(role(&world, &customer).await, "user");
    world.finish().await;
}

#[tokio::test]
async fn sec_55_freezing_an_admin_takes_another_one_and_the_last_one_stays() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let victim = world.person_of("victim", Role::Admin).await;
    let asked = world.freeze(&one, &victim).await.expect(202).body;
    assert_eq!(asked["kind"], "freeze_admin");
    let frozen = "SELECT count(*) FROM users WHERE frozen_at IS NOT NULL";
    assert_eq!(world.count(frozen).await, 0, "nothing is done yet");
    assert_eq!(confirm(&world, &one, &asked).await.problem(), (403, "another_admin_needed"));
    confirm(&world, &other, &asked).await.expect(200);
    world.until_refused(&victim).await;
    assert_eq!(world.count(frozen).await, 1);
    assert_eq!(world.freeze(&one, &one.person).await.problem(), (409, "not_yourself"));

    // Two requests that would together leave nobody.
    let first = ask_for_role(&world, &one, &other.person, "user").await.expect(202).body;
    let second = ask_for_role(&world, &other, &one.person, "user").await.expect(202).body;
    let operator = Context::operator();
    let digest = |approval: &Value| approval["digest"].as_str().unwrap().to_owned();
    world.app.confirm_approval(&operator, id(&first), &digest(&first)).await.unwrap();
    let refused = world.app.confirm_approval(&operator, id(&second), &digest(&second)).await.unwrap_err();
    assert!(matches!(refused, ApprovalError::Stale), "{refused}");
    let last = ask_for_role(&world, &one, &one.person, "user").await;
    assert_eq!(last.problem(), (409, "last_admin"));
    world.finish().await;
}

#[tokio::test]
async fn sec_55_the_operator_on_the_machine_is_another_person_and_a_rejection_is_final() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    let asked = ask_for_role(&world, &one, &customer, "support").await.expect(202).body;
    let operator = Context::operator();
    let digest = asked["digest"].as_str().unwrap();
    world.app.confirm_approval(&operator, id(&asked), digest).await.unwrap();
    assert_eq!(role(&world, &customer).await, "support");

    let asked = ask_for_role(&world, &one, &customer, "admin").await.expect(202).body;
    let path = format!("/api/admin/approvals/{}/reject", asked["id"].as_str().unwrap());
    let unsaid = world.confirmed(&other, "POST", &path, &json!({ "reason": " " })).await;
    assert_eq!(unsaid.status, 422, "a rejection has a reason");
    let rejected = world.confirmed(&other, "POST", &path, &json!({ "reason": "nobody knows why" })).await;
    assert_eq!(rejected.expect(200).body["state"], "rejected");
    assert_eq!(confirm(&world, &other, &asked).await.problem(), (409, "approval_decided"));
    assert_eq!(role(&world, &customer).await, "support");
    let states = async |state: &str| {
        let list = world.get_by(&one.person, &format!("/api/admin/approvals?state={state}")).await;
        list.expect(200).body["items"].as_array().unwrap().len()
    };
    assert_eq!((states("confirmed").await, states("rejected").await, states("pending").await), (1, 1, 0));
    let page = world.get_by(&one.person, "/api/admin/approvals?limit=1").await.expect(200).body;
    let cursor = page["next_cursor"].as_str().unwrap();
    let next = world.get_by(&one.person, &format!("/api/admin/approvals?limit=1&cursor={cursor}")).await;
    assert_eq!(next.expect(200).body["items"][0]["state"], "confirmed");
    let kinds = audited(&world).await;
    let kinds: Vec<_> = kinds
        .iter()
        .map(|row| (row["action"].as_str().unwrap(), row["actor_kind"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            ("approval.requested", "user"),
            ("approval.confirmed", "operator"),
            ("approval.requested", "user"),
            ("approval.rejected", "user")
        ]
    );
    world.finish().await;
}

#[tokio::test]
async fn sec_55_sixteen_confirmations_at_once_do_it_once() {
    let world = World::new().await;
    let one = world.admin().await;
    let customer = world.made_customer("awa").await;
    let asked = ask_for_role(&world, &one, &customer, "support").await.expect(202).body;
    let (operator, digest) = (Context::operator(), asked["digest"].as_str().unwrap());
    let tries = (0..16).map(|_| world.app.confirm_approval(&operator, id(&asked), digest));
    let done = join_all(tries).await.into_iter().flatten().count();
    assert_eq!(done, 1);
    let changes = "SELECT count(*) FROM audit_logs WHERE action = 'user.role_changed'";
    assert_eq!(world.count(changes).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_who_is_no_admin_any_more_decides_nothing() {
    let world = World::new().await;
    let (one, other) = (world.admin().await, world.staff("other", Role::Admin).await);
    let customer = world.made_customer("awa").await;
    let user = UserId::from_uuid(customer.id);
    let operator = Context::operator();
    let asked = world.app.propose(&operator, Action::Role { user, role: Role::Support }, "help");
    let asked = asked.await.unwrap();
    assert!(!asked.another_admin_needed, "nobody of them asked");
    let token = Context {
        actor: world.app.authenticate(&other.person.access_token).await.unwrap(),
        ..Context::operator()
    };
    let email = Email::parse(&other.person.email).unwrap();
    world.app.set_role(&Context::operator(), &email, Role::Support).await.unwrap();
    let refused = world.app.confirm_approval(&token, asked.id, &asked.digest).await.unwrap_err();
    assert!(matches!(refused, ApprovalError::NotAllowed), "{refused}");
    let refused = world.app.reject_approval(&token, asked.id, "no").await.unwrap_err();
    assert!(matches!(refused, ApprovalError::NotAllowed), "{refused}");
    let path = format!("/api/admin/approvals/{}/confirm", asked.id);
    world.confirmed(&one, "POST", &path, &json!({ "digest": asked.digest })).await.expect(200);
    world.finish().await;
}
