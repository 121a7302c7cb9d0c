//! Every documented operation, tried by everybody (SEC-21). What is expected comes from the document's own scopes and
//! from what each role may do, written down here a second time.

use application::identity::Email;
use application::{Context, Role};
use crypto::jwt::Claims;
use domain::ids::UserId;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{document, operations};
use crate::support::{Answer, Authenticator, Customer, PASSWORD, Staff, World};

/// What everybody may do about themselves.
const OWN: [&str; 8] = [
    "profile:read",
    "profile:write",
    "payments:read",
    "payments:write",
    "subscriptions:read",
    "telegram:read",
    "telegram:write",
    "security",
];
const SUPPORT: [&str; 5] =
    ["users:read", "payments:inspect", "subscriptions:inspect", "alerts:read", "stats:read"];
const ADMIN: [&str; 19] = [
    "users:read",
    "users:write",
    "payments:inspect",
    "payments:confirm",
    "payments:refund",
    "subscriptions:inspect",
    "subscriptions:manage",
    "plans:write",
    "settings:read",
    "settings:write",
    "approvals:read",
    "approvals:confirm",
    "alerts:read",
    "alerts:acknowledge",
    "audit:read",
    "keys:read",
    "keys:rotate",
    "incidents:manage",
    "stats:read",
];
/// What no key of a machine ever has.
const PERSONS_ONLY: [&str; 14] = [
    "security",
    "users:write",
    "payments:confirm",
    "payments:refund",
    "subscriptions:manage",
    "plans:write",
    "settings:read",
    "settings:write",
    "approvals:read",
    "approvals:confirm",
    "alerts:acknowledge",
    "keys:read",
    "keys:rotate",
    "incidents:manage",
];

/// Somebody who calls, and what they may do.
struct Caller {
    name: &'static str,
    credential: Credential,
    scopes: Vec<&'static str>,
}

enum Credential {
    None,
    /// One that is worth nothing.
    Dead(String),
    /// A session that a call may end; then they log in again.
    Session(Customer, Option<Authenticator>),
    Key(String),
}

impl Caller {
    fn dead(name: &'static str, token: &str) -> Self {
        Self { name, credential: Credential::Dead(token.to_owned()), scopes: Vec::new() }
    }

    fn person(name: &'static str, person: Customer, more: &[&'static str]) -> Self {
        Self { name, credential: Credential::Session(person, None), scopes: [&OWN, more].concat() }
    }

    fn token(&self) -> Option<&str> {
        match &self.credential {
            Credential::None => None,
            Credential::Dead(token) | Credential::Key(token) => Some(token),
            Credential::Session(person, _) => Some(&person.access_token),
        }
    }

    /// What the document makes us expect of an operation with this scope.
    fn expected(&self, scope: &str, step_up: bool) -> Expected {
        match self.credential {
            Credential::None | Credential::Dead(_) => Expected::Unauthorized,
            _ if !self.scopes.contains(&scope) => Expected::Forbidden,
            _ if step_up => Expected::StepUp,
            _ => Expected::Admitted,
        }
    }

    /// A call may have ended the session.
    async fn log_in_again(&mut self, world: &World) {
        let Credential::Session(person, authenticator) = &mut self.credential else { return };
        if world.get_by(person, "/api/me").await.status == 200 {
            return;
        }
        *person = match authenticator {
            Some(authenticator) => world.log_in_with(person, authenticator).await,
            None => world.log_in(&person.email).await,
        };
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Unauthorized,
    Forbidden,
    StepUp,
    Admitted,
}

fn outcome((status, code): (u16, &str)) -> Expected {
    match (status, code) {
        (401, "unauthorized") => Expected::Unauthorized,
        (403, "insufficient_scope" | "second_factor_required") => Expected::Forbidden,
        (403, "step_up_required") => Expected::StepUp,
        (401 | 403 | 500.., _) => panic!("{status} {code}"),
        _ => Expected::Admitted,
    }
}

fn scope_of(operation: &Value) -> Option<&str> {
    let security = operation.get("security")?.as_array().unwrap();
    assert_eq!(security.len(), 1, "one way in");
    let scopes = security[0]["bearer"].as_array().unwrap();
    assert_eq!(scopes.len(), 1, "one scope");
    scopes[0].as_str()
}

fn needs_step_up(operation: &Value) -> bool {
    let parameters = operation["parameters"].as_array();
    parameters.is_some_and(|all| all.iter().any(|one| one["name"] == "Step-Up" && one["required"] == true))
}

/// Those who are not who they say, or not any more.
async fn nobodies(world: &World) -> Vec<Caller> {
    let expired = world.made_customer("expired").await;
    let now = world.wall().unix_timestamp();
    let claims = Claims {
        sub: expired.id,
        sid: Uuid::from_u128(1),
        jti: Uuid::from_u128(2),
        role: "admin".to_owned(),
        iat: now - 3_600,
        exp: now - 1_800,
    };
    let expired = world.app.keys().access_tokens().issue(&claims).unwrap();
    let ended = world.made_customer("ended").await;
    world.call("POST", "/api/auth/logout").by(&ended).send().await.expect(204);
    let frozen = world.made_customer("frozen").await;
    let frozen_key = world.api_key(&frozen, &["profile:read", "payments:read"]).await;
    world.app.freeze(&Context::operator(), UserId::from_uuid(frozen.id), "a test").await.unwrap();
    vec![
        Caller { name: "anonymous", credential: Credential::None, scopes: Vec::new() },
        Caller::dead("garbage", "eyJhbGciOiJub25lIn0.e30."),
        Caller::dead("no key", "cfi_0000000000000000000000000000000000000000000"),
        Caller::dead("refresh token", &ended.refresh_token),
        Caller::dead("expired token", &expired),
        Caller::dead("ended session", &ended.access_token),
        Caller::dead("frozen", &frozen.access_token),
        Caller::dead("frozen user's key", &frozen_key),
    ]
}

async fn everybody(world: &World) -> Vec<Caller> {
    let mut all = nobodies(world).await;
    all.push(Caller::person("user", world.made_customer("user").await, &[]));
    all.push(Caller::person("other user", world.made_customer("other").await, &[]));
    let young = world.person_of("young-support", Role::Support).await;
    all.push(Caller::person("support without a factor", young, &[]));
    let young = world.person_of("young-admin", Role::Admin).await;
    all.push(Caller::person("admin without a factor", young, &[]));
    let support = world.staff("support", Role::Support).await;
    let credential = Credential::Session(support.person, Some(support.authenticator));
    all.push(Caller { name: "support", credential, scopes: [&OWN[..], &SUPPORT].concat() });
    let admin = world.admin().await;
    let credential = Credential::Session(admin.person, Some(admin.authenticator));
    all.push(Caller { name: "admin", credential, scopes: [&OWN[..], &ADMIN].concat() });
    let demoted = world.staff("demoted", Role::Admin).await;
    let email = Email::parse(&demoted.person.email).unwrap();
    world.app.set_role(&Context::operator(), &email, Role::User).await.unwrap();
    world.until_refused(&demoted.person).await;
    all.push(Caller::dead("demoted", &demoted.person.access_token));
    all
}

/// Keys of admins: for each scope that a key may have, one with only it and one with all but it.
async fn keys(world: &World) -> Vec<Caller> {
    let grantable: Vec<&str> =
        [&OWN[..], &ADMIN].concat().into_iter().filter(|scope| !PERSONS_ONLY.contains(scope)).collect();
    let owner = world.staff("owner", Role::Admin).await;
    for scope in PERSONS_ONLY {
        assert_eq!(make_key(world, &owner, &[scope]).await.problem(), (422, "validation_failed"), "{scope}");
    }
    let mut all = Vec::new();
    for (number, scope) in grantable.iter().enumerate() {
        // An owner has so many keys at most.
        let owner = world.staff(&format!("owner-{number}"), Role::Admin).await;
        let without: Vec<&str> = grantable.iter().copied().filter(|other| other != scope).collect();
        for (name, scopes) in [("key with one scope", vec![*scope]), ("key without one scope", without)] {
            let key = make_key(world, &owner, &scopes).await.expect(201).text_of("key").to_owned();
            all.push(Caller { name, credential: Credential::Key(key), scopes });
        }
    }
    all
}

async fn make_key(world: &World, owner: &Staff, scopes: &[&str]) -> Answer {
    let code = world.fresh_code(&owner.authenticator).await;
    let body = json!({ "name": "m", "scopes": scopes, "days": 1, "password": PASSWORD, "code": code });
    world.call("POST", "/api/auth/api-keys").by(&owner.person).json(&body).send().await
}

#[tokio::test]
async fn sec_21_every_operation_admits_exactly_whom_the_document_says() {
    let world = World::new().await;
    let document = document(&world).await;
    let mut callers = everybody(&world).await;
    callers.extend(keys(&world).await);
    let (mut tried, mut seen) = (0, Vec::new());
    for (method, address, operation) in operations(&document) {
        let scope = scope_of(&operation);
        seen.extend(scope.map(ToOwned::to_owned));
        for caller in &mut callers {
            let mut call = world.call(&method, &address);
            if let Some(token) = caller.token() {
                call = call.bearer(token);
            }
            let answer = call.json(&json!({})).send().await;
            let what = format!("{method} {address} by {} {:?}: {}", caller.name, caller.scopes, answer.text);
            match scope {
                Some(scope) => {
                    let expected = caller.expected(scope, needs_step_up(&operation));
                    assert_eq!(outcome(answer.problem()), expected, "{what}");
                }
                // What proves itself in another way may refuse that proof, and asks for no session.
                None => {
                    assert!(answer.status != 403 && answer.problem() != (401, "unauthorized"), "{what}");
                }
            }
            caller.log_in_again(&world).await;
            tried += 1;
        }
    }
    for scope in [&OWN[..], &ADMIN].concat() {
        assert!(seen.iter().any(|known| known == scope), "no operation needs {scope}");
    }
    assert!(tried > 1_000, "{tried}");
    world.finish().await;
}

#[tokio::test]
async fn sec_24_staff_without_a_second_factor_hear_what_is_missing_and_others_do_not() {
    let world = World::new().await;
    let (admin, user) =
        (world.person_of("young-admin", Role::Admin).await, world.made_customer("user").await);
    let refused = world.get_by(&admin, "/api/admin/users").await;
    assert_eq!(refused.problem(), (403, "second_factor_required"));
    let refused = world.get_by(&user, "/api/admin/users").await;
    assert_eq!(refused.problem(), (403, "insufficient_scope"));
    let denied =
        "SELECT count(*) FROM audit_logs WHERE action = 'access.denied' AND details->>'scope' = 'users:read'";
    assert_eq!(world.count(denied).await, 2);
    world.finish().await;
}

#[tokio::test]
async fn sec_21_a_key_loses_what_its_owner_loses() {
    let world = World::new().await;
    let owner = world.staff("owner", Role::Admin).await;
    let code = world.fresh_code(&owner.authenticator).await;
    let scopes = ["users:read", "profile:read"];
    let body = json!({ "name": "m", "scopes": scopes, "days": 1, "password": PASSWORD, "code": code });
    let made =
        world.call("POST", "/api/auth/api-keys").by(&owner.person).json(&body).send().await.expect(201);
    let key = made.text_of("key");
    world.call("GET", "/api/admin/users").bearer(key).send().await.expect(200);
    world.person_of("another", Role::Admin).await;
    let email = Email::parse(&owner.person.email).unwrap();
    world.app.set_role(&Context::operator(), &email, Role::User).await.unwrap();
    let refused = world.call("GET", "/api/admin/users").bearer(key).send().await;
    assert_eq!(refused.problem(), (403, "insufficient_scope"));
    world.call("GET", "/api/me").bearer(key).send().await.expect(200);
    world.finish().await;
}
