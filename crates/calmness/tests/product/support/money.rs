//! Payments: opening them, what payers do, what the payment service says.

use serde_json::{Value, json};

use super::people::Customer;
use super::setup::WEBHOOK_SECRET;
use super::{Answer, World, signed_at};

impl World {
    /// Asks for a payment in euros under a key.
    pub(crate) async fn init(&self, customer: &Customer, key: &str, plan: &str) -> Answer {
        let body = json!({ "plan_code": plan, "provider": "hmac_psp", "currency": "EUR" });
        self.init_with(customer, key, &body).await
    }

    pub(crate) async fn init_with(&self, customer: &Customer, key: &str, body: &Value) -> Answer {
        let call = self.call("POST", "/api/billing/payments/init").by(customer);
        call.header("Idempotency-Key", key).json(body).send().await
    }

    /// Opens a payment that must be new; as the API shows it.
    pub(crate) async fn open(&self, customer: &Customer, key: &str, plan: &str) -> Value {
        self.init(customer, key, plan).await.expect(201).body
    }

    /// What a payer, or the service, does to a payment; the books of the service say how it stands then. Waits until
    /// the events that follow were delivered.
    pub(crate) async fn act(&self, payment: &Value, outcome: &str) -> Value {
        let books = self.act_with(payment, json!({ "outcome": outcome })).await;
        self.until_peers_are_quiet().await;
        books
    }

    /// The same with more than an outcome, and without waiting.
    pub(crate) async fn act_with(&self, payment: &Value, mut act: Value) -> Value {
        act["checkout_url"] = payment["checkout_url"].clone();
        let path = format!("/psp/checkouts/{}", id(payment));
        self.sandbox_post(&path, &act).await.expect(200).body
    }

    pub(crate) async fn pay(&self, payment: &Value) {
        self.act(payment, "pay").await;
    }

    /// Buys a plan and does what follows. The payment, as it was opened.
    pub(crate) async fn buy(&self, customer: &Customer, key: &str, plan: &str) -> Value {
        let payment = self.open(customer, key, plan).await;
        self.pay(&payment).await;
        self.drain().await;
        payment
    }

    /// A payment as its owner sees it now.
    pub(crate) async fn payment(&self, customer: &Customer, payment: &Value) -> Value {
        self.get_by(customer, &format!("/api/billing/payments/{}", id(payment))).await.expect(200).body
    }

    pub(crate) async fn status_of(&self, customer: &Customer, payment: &Value) -> String {
        self.payment(customer, payment).await["status"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn subscription(&self, customer: &Customer) -> Value {
        self.get_by(customer, "/api/billing/subscription").await.expect(200).body
    }

    /// What the service's books say of a payment.
    pub(crate) async fn books_of(&self, payment: &Value) -> Value {
        let books = self.sandbox_get(&format!("/psp/ledger?payment_id={}", id(payment))).await;
        books["items"][0].clone()
    }

    /// Where the service sends the payer back to, as a path of ours.
    pub(crate) async fn way_back(&self, payment: &Value) -> String {
        let books = self.books_of(payment).await;
        let address = books["return_url"].as_str().unwrap();
        address.strip_prefix(&self.base).unwrap_or_else(|| panic!("not ours: {address}")).to_owned()
    }

    /// How often the payer was charged.
    pub(crate) async fn charges_of(&self, payment: &Value) -> usize {
        self.books_of(payment).await["charges"].as_array().map_or(0, Vec::len)
    }

    /// An event of the service about a payment of ours, in the quote's own money.
    pub(crate) fn event(&self, name: &str, kind: &str, payment: &Value) -> Value {
        json!({
            "id": name,
            "type": kind,
            "created": self.wall().unix_timestamp(),
            "data": { "payment_id": payment["id"], "amount": payment["amount"], "currency": payment["currency"] },
        })
    }

    /// Delivers an event as the service would: signed now, by an implementation of its own.
    pub(crate) async fn deliver(&self, event: &Value) -> Answer {
        let body = event.to_string();
        let signature = signed_at(WEBHOOK_SECRET, self.wall().unix_timestamp(), &body);
        self.deliver_signed(&body, &signature).await
    }

    pub(crate) async fn deliver_signed(&self, body: &str, signature: &str) -> Answer {
        let call = self.call("POST", "/api/webhooks/hmac_psp").header("Content-Type", "application/json");
        call.header("X-Signature", signature).body(body.to_owned()).send().await
    }
}

#[track_caller]
fn id(payment: &Value) -> &str {
    payment["id"].as_str().unwrap_or_else(|| panic!("no payment: {payment}"))
}
