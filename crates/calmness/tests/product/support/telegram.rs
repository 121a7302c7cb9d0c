//! People in Telegram.

use serde_json::{Value, json};

use super::people::Customer;
use super::world::World;

/// The chat that is sold.
pub(crate) const CHAT: i64 = -1_001_000_000_001;
/// A chat in which the bot can do the same, and that is not sold.
pub(crate) const OTHER_CHAT: i64 = -1_001_000_000_002;

impl World {
    /// Somebody with this Telegram account.
    pub(crate) async fn account(&self, id: i64) {
        let person = json!({ "id": id, "first_name": "Awa", "language_code": "fr" });
        assert!(matches!(self.sandbox_post("/telegram/users", &person).await.status, 200 | 201));
    }

    /// A fresh deep link of a customer.
    pub(crate) async fn deep_link(&self, customer: &Customer) -> String {
        let link = self.call("POST", "/api/telegram/link").by(customer).send().await.expect(201);
        link.text_of("url").to_owned()
    }

    /// Presses start on a deep link; the bot has heard of it when this returns.
    pub(crate) async fn press_start(&self, account: i64, link: &str) {
        self.account(account).await;
        let path = format!("/telegram/users/{account}/start");
        self.sandbox_post(&path, &json!({ "link": link })).await.expect(204);
        self.until_peers_are_quiet().await;
    }

    /// Links an account, and does what follows.
    pub(crate) async fn link_telegram(&self, customer: &Customer, account: i64) {
        let link = self.deep_link(customer).await;
        self.press_start(account, &link).await;
        self.drain().await;
    }

    /// The customer's own invite link.
    pub(crate) async fn invite_link(&self, customer: &Customer) -> String {
        let access = self.get_by(customer, "/api/telegram/access").await.expect(200);
        let link = access.body["items"][0]["invite_link"].as_str();
        link.unwrap_or_else(|| panic!("no invite link in {}", access.text)).to_owned()
    }

    /// Asks to join by a link; the product has heard of it when this returns.
    pub(crate) async fn ask_to_join(&self, account: i64, link: &str) {
        let path = format!("/telegram/users/{account}/join");
        let asked = self.sandbox_post(&path, &json!({ "invite_link": link })).await.expect(200);
        assert_eq!(asked.body["state"], "requested");
        self.until_peers_are_quiet().await;
    }

    /// A customer with running time, a linked account and a place in the channel.
    pub(crate) async fn member(&self, name: &str, account: i64) -> Customer {
        let customer = self.made_customer(name).await;
        self.buy(&customer, "first", "signaux-monthly").await;
        self.link_telegram(&customer, account).await;
        self.join(&customer, account).await;
        assert!(self.is_inside(account).await);
        customer
    }

    /// Asks to join by the customer's own link, and does what follows.
    pub(crate) async fn join(&self, customer: &Customer, account: i64) {
        let link = self.invite_link(customer).await;
        self.ask_to_join(account, &link).await;
        self.drain().await;
    }

    /// What the chat looks like from Telegram's side.
    pub(crate) async fn chat(&self) -> Value {
        self.sandbox_get(&format!("/telegram/chats/{CHAT}/members")).await
    }

    pub(crate) async fn is_inside(&self, account: i64) -> bool {
        let chat = self.chat().await;
        let is_in =
            |status: &Value| ["member", "administrator", "creator"].iter().any(|inside| status == inside);
        items(&chat["items"]).iter().any(|member| member["user_id"] == account && is_in(&member["status"]))
    }

    pub(crate) async fn is_banned(&self, account: i64) -> bool {
        self.chat().await["banned"].to_string().contains(&account.to_string())
    }

    pub(crate) async fn is_waiting(&self, account: i64) -> bool {
        items(&self.chat().await["requests"]).iter().any(|request| request["user_id"] == account)
    }

    /// What the bot wrote to an account.
    pub(crate) async fn bot_said(&self, account: i64) -> Vec<String> {
        let messages = self.sandbox_get(&format!("/telegram/users/{account}/messages")).await;
        items(&messages["items"]).iter().map(|message| message["text"].as_str().unwrap().to_owned()).collect()
    }

    /// The calls of one method that Telegram answered with success, as `parameters`.
    pub(crate) async fn calls_of(&self, method: &str) -> Vec<Value> {
        let calls = self.sandbox_get(&format!("/telegram/calls?method={method}")).await;
        let done = items(&calls["items"]).iter().filter(|call| call["status"] == 200);
        done.map(|call| call["parameters"].clone()).collect()
    }
}

fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
