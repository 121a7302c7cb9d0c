//! The operator's people, with what lets them act.

use application::identity::{Email, NewUser};
use application::text::Locale;
use application::{Context, Role};
use aws_lc_rs::digest;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::factors::Authenticator;
use super::http::{Answer, Call};
use super::people::{Customer, PASSWORD};
use super::signature::hex;
use super::world::World;

/// Somebody with an authenticator app, logged in with it.
#[derive(Clone, Debug)]
pub(crate) struct Staff {
    pub(crate) person: Customer,
    pub(crate) authenticator: Authenticator,
}

impl World {
    /// Somebody of a role who has not set up a second factor.
    pub(crate) async fn person_of(&self, name: &str, role: Role) -> Customer {
        let email = format!("{name}@example.com");
        let user = NewUser {
            email: Email::parse(&email).unwrap(),
            password: SecretString::from(PASSWORD),
            role,
            locale: Locale::Fr,
        };
        self.app.create_user(&Context::operator(), user).await.unwrap();
        self.log_in(&email).await
    }

    /// Somebody of a role who has shown a second factor that may approve actions.
    pub(crate) async fn staff(&self, name: &str, role: Role) -> Staff {
        let person = self.person_of(name, role).await;
        let (authenticator, _) = self.enrol_app(&person).await;
        self.age_factors().await;
        let person = self.log_in_with(&person, &authenticator).await;
        Staff { person, authenticator }
    }

    pub(crate) async fn admin(&self) -> Staff {
        self.staff("admin", Role::Admin).await
    }

    /// A code that was not used before: a test needs more of them than one each half minute.
    pub(crate) async fn fresh_code(&self, authenticator: &Authenticator) -> String {
        self.free_codes().await;
        authenticator.code(self)
    }

    /// Permission for one request.
    pub(crate) async fn step_up(&self, staff: &Staff, method: &str, path: &str, body: &str) -> String {
        let code = self.fresh_code(&staff.authenticator).await;
        let hash = hex(digest::digest(&digest::SHA256, body.as_bytes()).as_ref());
        let ask = json!({ "method": method, "path": path, "body_sha256": hash, "code": code });
        let call = self.call("POST", "/api/auth/step-up").by(&staff.person);
        call.json(&ask).send().await.expect(200).text_of("step_up_token").to_owned()
    }

    /// A request that needs a permission of its own, with one.
    pub(crate) async fn confirmed(&self, staff: &Staff, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        let token = self.step_up(staff, method, path, &body).await;
        let call: Call<'_> = self.call(method, path).by(&staff.person).header("Step-Up", &token);
        call.header("Content-Type", "application/json").body(body).send().await
    }

    /// The same where the answer is no text.
    pub(crate) async fn confirmed_bytes(
        &self,
        staff: &Staff,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Vec<u8> {
        let body = body.to_string();
        let token = self.step_up(staff, method, path, &body).await;
        let call: Call<'_> = self.call(method, path).by(&staff.person).header("Step-Up", &token);
        call.header("Content-Type", "application/json").body(body).send_for_bytes().await
    }

    /// An admin freezes somebody.
    pub(crate) async fn freeze(&self, admin: &Staff, user: &Customer) -> Answer {
        let path = format!("/api/admin/users/{}/freeze", user.id);
        self.confirmed(admin, "POST", &path, &json!({ "reason": "stolen cards" })).await
    }

    /// An admin lifts a freeze.
    pub(crate) async fn unfreeze(&self, admin: &Staff, user: &Customer) -> Answer {
        let path = format!("/api/admin/users/{}/unfreeze", user.id);
        self.confirmed(admin, "POST", &path, &json!({ "reason": "it was their own card" })).await
    }

    /// A machine's key of somebody who has no second factor.
    pub(crate) async fn api_key(&self, owner: &Customer, scopes: &[&str]) -> String {
        let body = json!({ "name": "machine", "scopes": scopes, "days": 30, "password": PASSWORD });
        let made = self.call("POST", "/api/auth/api-keys").by(owner).json(&body).send().await.expect(201);
        made.text_of("key").to_owned()
    }
}
