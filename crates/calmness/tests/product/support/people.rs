//! Customers and their mail.

use application::Context;
use application::Role;
use application::identity::{Email, NewUser};
use application::text::Locale;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, World};

/// Long enough, and everybody's.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// Somebody with an account and a session.
#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
}

impl Customer {
    /// The same on the session that these tokens opened.
    pub(crate) fn with(&self, tokens: &Answer) -> Self {
        Self {
            access_token: tokens.text_of("access_token").to_owned(),
            refresh_token: tokens.text_of("refresh_token").to_owned(),
            ..self.clone()
        }
    }
}

impl World {
    /// Somebody who signed up, followed the mailed link and logged in.
    pub(crate) async fn customer(&self) -> Customer {
        self.customer_named("awa").await
    }

    pub(crate) async fn customer_named(&self, name: &str) -> Customer {
        let email = format!("{name}@example.com");
        self.register(&email, PASSWORD).await;
        self.drain().await;
        let token = self.mailed_token(&email).await;
        self.post("/api/auth/email/verify", &json!({ "token": token, "password": PASSWORD }))
            .await
            .expect(204);
        self.log_in(&email).await
    }

    /// Somebody whom the operator made: without mail, for tests that need many.
    pub(crate) async fn made_customer(&self, name: &str) -> Customer {
        let email = format!("{name}@example.com");
        let user = NewUser {
            email: Email::parse(&email).unwrap(),
            password: SecretString::from(PASSWORD),
            role: Role::User,
            locale: Locale::Fr,
        };
        self.app.create_user(&Context::operator(), user).await.unwrap();
        self.log_in(&email).await
    }

    pub(crate) async fn register(&self, email: &str, password: &str) {
        self.post("/api/auth/register", &json!({ "email": email, "password": password })).await.expect(202);
    }

    pub(crate) async fn try_login(&self, email: &str, password: &str) -> Answer {
        self.post("/api/auth/login", &json!({ "email": email, "password": password })).await
    }

    /// The same on a device that shows the token of an earlier login.
    pub(crate) async fn try_login_from(&self, device_token: &str, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password, "device_token": device_token });
        self.post("/api/auth/login", &body).await
    }

    pub(crate) async fn log_in(&self, email: &str) -> Customer {
        let tokens = self.try_login(email, PASSWORD).await.expect(200);
        self.holder_of(&tokens, email).await
    }

    /// Who holds these tokens.
    pub(super) async fn holder_of(&self, tokens: &Answer, email: &str) -> Customer {
        let access_token = tokens.text_of("access_token").to_owned();
        let me = self.call("GET", "/api/me").bearer(&access_token).send().await.expect(200);
        Customer {
            id: me.text_of("id").parse().unwrap(),
            email: email.to_owned(),
            access_token,
            refresh_token: tokens.text_of("refresh_token").to_owned(),
        }
    }

    /// Waits until an access token is refused, which the end of its session takes a second for at most (SEC-20).
    pub(crate) async fn until_refused(&self, customer: &Customer) {
        let began = self.wall();
        self.until("the token is refused", async || self.get_by(customer, "/api/me").await.status == 401)
            .await;
        assert!(self.wall() - began < time::Duration::SECOND);
    }

    /// The mails that an address got, oldest first.
    pub(crate) async fn mails_to(&self, email: &str) -> Vec<Value> {
        let mails = self.sandbox_get(&format!("/mailbox?to={}", email.replace('+', "%2B"))).await;
        mails["items"].as_array().unwrap().clone()
    }

    /// Their subjects.
    pub(crate) async fn subjects_to(&self, email: &str) -> Vec<String> {
        let mails = self.mails_to(email).await;
        mails.iter().map(|mail| mail["subject"].as_str().unwrap().to_owned()).collect()
    }

    /// The token in the newest verification mail of an address.
    pub(crate) async fn mailed_token(&self, email: &str) -> String {
        let mails = self.mails_to(email).await;
        let token = mails.iter().rev().find_map(token_in);
        token.unwrap_or_else(|| panic!("no token among {} mails to {email}", mails.len()))
    }

    /// The token in the newest mail that lets choose a new password.
    pub(crate) async fn mailed_reset(&self, email: &str) -> String {
        let mails = self.mails_to(email).await;
        let token = mails.iter().rev().find_map(|mail| token_after(mail, "/password/reset?token="));
        token.unwrap_or_else(|| panic!("no link among {} mails to {email}", mails.len()))
    }

    /// The tokens in all verification mails of an address, oldest first.
    pub(crate) async fn mailed_tokens(&self, email: &str) -> Vec<String> {
        self.mails_to(email).await.iter().filter_map(token_in).collect()
    }
}

fn token_in(mail: &Value) -> Option<String> {
    token_after(mail, "/verify?token=")
}

fn token_after(mail: &Value, path: &str) -> Option<String> {
    let links = mail["links"].as_array()?;
    links.iter().find_map(|link| Some(link.as_str()?.split_once(path)?.1.to_owned()))
}
