//! Authenticator apps and telephones, as their owners handle them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::totp::{TotpSecret, step};
use serde_json::{Value, json};

use super::people::Customer;
use super::{Answer, PASSWORD, World, hex};

/// An app that knows the secret of one account.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) secret: String,
    totp: TotpSecret,
}

impl Authenticator {
    /// Types the secret into an app.
    pub(crate) fn typing(secret: &str) -> Self {
        Self { secret: secret.to_owned(), totp: TotpSecret::from_bytes(&base32(secret)).unwrap() }
    }

    /// What the app shows now.
    pub(crate) fn code(&self, world: &World) -> String {
        self.code_in(world, 0)
    }

    /// What it shows so many steps from now.
    pub(crate) fn code_in(&self, world: &World, steps: i64) -> String {
        self.totp.code_at(world.step() + steps)
    }

    /// The secret in the ways that it could be written down.
    pub(crate) fn spellings(&self) -> Vec<String> {
        let bytes = self.totp.expose();
        vec![self.secret.clone(), self.secret.to_lowercase(), hex(bytes), STANDARD.encode(bytes)]
    }

    /// Six digits that it shows neither now nor around now.
    pub(crate) fn wrong_code(&self, world: &World) -> String {
        let near: Vec<String> = (-3..=3).map(|steps| self.code_in(world, steps)).collect();
        let mut wrong = (0..).map(|number| format!("{number:06}"));
        wrong.find(|code| !near.contains(code)).unwrap()
    }
}

impl World {
    /// The half minute that the wall clock is in.
    pub(crate) fn step(&self) -> i64 {
        step(self.wall().unix_timestamp())
    }

    /// Sets up an authenticator app. Its codes of now can be used at once. The app, and the recovery codes.
    pub(crate) async fn enrol_app(&self, customer: &Customer) -> (Authenticator, Vec<String>) {
        let enrolled = self.by(customer, "POST", "/api/auth/totp/enroll", &proof()).await.expect(200);
        let app = Authenticator::typing(enrolled.text_of("secret"));
        let code = json!({ "code": app.code(self) });
        let confirmed = self.by(customer, "POST", "/api/auth/totp/confirm", &code).await.expect(200);
        self.free_codes().await;
        let codes = confirmed.body["recovery_codes"].as_array().unwrap();
        (app, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect())
    }

    /// A code works once; this makes those of now good again, where a test needs more of them than time brings.
    pub(crate) async fn free_codes(&self) {
        self.sql("UPDATE totp_factors SET last_step = last_step - 100").await;
    }

    /// Makes every factor a day older.
    pub(crate) async fn age_factors(&self) {
        self.sql(
            "UPDATE totp_factors SET trusted_from = trusted_from - interval '1 day', created_at = created_at - interval '1 day'",
        )
        .await;
        self.sql("UPDATE sms_factors SET trusted_from = trusted_from - interval '1 day'").await;
    }

    /// Lets every wait after failures be over.
    pub(crate) async fn end_waits(&self) {
        self.sql("UPDATE guess_counters SET retry_at = retry_at - interval '2 hours'").await;
    }

    /// Lets every wait last for an hour more, however long the test takes.
    pub(crate) async fn prolong_waits(&self) {
        self.sql(
            "UPDATE guess_counters SET retry_at = retry_at + interval '1 hour' WHERE retry_at > counted_at",
        )
        .await;
    }

    /// The failures in a row that are counted, the least first.
    pub(crate) async fn failures(&self) -> Vec<i64> {
        let counters = self.rows("SELECT failures FROM guess_counters ORDER BY failures").await;
        counters.iter().map(|counter| counter["failures"].as_i64().unwrap()).collect()
    }

    /// A login that asks for a code; its token.
    pub(crate) async fn first_step(&self, email: &str) -> String {
        let asked = self.try_login(email, PASSWORD).await.expect(200);
        assert_eq!(asked.body["mfa_required"], true, "{}", asked.text);
        asked.text_of("mfa_token").to_owned()
    }

    /// Answers a login with a code.
    pub(crate) async fn second_step(&self, mfa_token: &str, method: &str, code: &str) -> Answer {
        let body = json!({ "mfa_token": mfa_token, "method": method, "code": code });
        self.post("/api/auth/mfa/verify", &body).await
    }

    /// Logs in with the app.
    pub(crate) async fn log_in_with(&self, customer: &Customer, app: &Authenticator) -> Customer {
        let asked = self.first_step(&customer.email).await;
        self.free_codes().await;
        let tokens = self.second_step(&asked, "totp", &app.code(self)).await.expect(200);
        customer.with(&tokens)
    }

    /// Adds a telephone beside the app, and confirms it.
    pub(crate) async fn enrol_phone(&self, customer: &Customer, app: &Authenticator, phone: &str) {
        self.ask_for_phone(customer, app, phone).await.expect(202);
        let code = json!({ "code": self.texted_code(phone).await });
        self.by(customer, "POST", "/api/auth/sms/confirm", &code).await.expect(204);
    }

    /// Asks to add a telephone.
    pub(crate) async fn ask_for_phone(
        &self,
        customer: &Customer,
        app: &Authenticator,
        phone: &str,
    ) -> Answer {
        self.free_codes().await;
        let body = json!({ "phone": phone, "password": PASSWORD, "code": app.code(self) });
        self.by(customer, "POST", "/api/auth/sms/enroll", &body).await
    }

    /// The texts that a telephone got, oldest first.
    pub(crate) async fn texts_to(&self, phone: &str) -> Vec<Value> {
        let texts = self.sandbox_get(&format!("/sms?to={}", phone.replace('+', "%2B"))).await;
        texts["items"].as_array().unwrap().clone()
    }

    /// The code in the newest of them.
    pub(crate) async fn texted_code(&self, phone: &str) -> String {
        let texts = self.texts_to(phone).await;
        texts.last().unwrap_or_else(|| panic!("no text to {phone}"))["code"].as_str().unwrap().to_owned()
    }
}

/// The password alone.
pub(crate) fn proof() -> Value {
    json!({ "password": PASSWORD })
}

/// The password and a code of the app.
pub(crate) fn proof_with(code: &str) -> Value {
    json!({ "password": PASSWORD, "code": code })
}

/// RFC 4648, written a second time.
fn base32(text: &str) -> Vec<u8> {
    let value =
        |character: u8| if character.is_ascii_digit() { character - b'2' + 26 } else { character - b'A' };
    let bits = text.bytes().flat_map(|character| (0..5).rev().map(move |bit| value(character) >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |value, bit| value << 1 | bit)).collect()
}
