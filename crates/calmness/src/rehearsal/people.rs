//! What people do: customers through the product's API, payers at the checkout, accounts in the simulated Telegram.

use std::sync::{Arc, OnceLock};

use crypto::random::{SystemRandom, bytes};
use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use super::http::{self, Door, Failure, Played, Reply, demand, list, number, same, text, until, until_so};

pub(super) const PASSWORD: &str = "correct horse battery staple";
const PROVIDER: &str = "hmac_psp";

/// What is bought: a plan in a currency.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    pub(super) plan: &'static str,
    pub(super) currency: &'static str,
}

/// Thirty days, in euros.
pub(super) const MONTH: Offer = Offer { plan: "signaux-monthly", currency: "EUR" };
/// Seven days, in euros.
pub(super) const WEEK: Offer = Offer { plan: "signaux-weekly", currency: "EUR" };

/// Somebody who has no account yet.
pub(super) struct Newcomer {
    door: Door,
    name: String,
    pub(super) email: String,
}

impl Newcomer {
    pub(super) fn new(door: &Door, name: &str) -> Self {
        let number = Uuid::from_bytes(bytes(&SystemRandom)).simple().to_string();
        let email = format!("{}.{}@example.com", name.to_lowercase(), &number[..8]);
        Self { door: door.clone(), name: name.to_owned(), email }
    }

    pub(super) async fn register(&self) -> Played<()> {
        let body = json!({ "email": self.email, "password": PASSWORD, "locale": "en" });
        http::send(self.door.ask(Method::POST, "/api/auth/register").json(&body)).await?.expect(202)?;
        Ok(())
    }

    /// The link of the mail, once it is there.
    pub(super) async fn mailed_link(&self) -> Played<String> {
        let inbox = format!("/mailbox?to={}", self.email);
        until("a mail with a link", async || {
            let mails = self.door.world(&inbox).await?;
            let links = list(&mails, "/items").iter().flat_map(|mail| list(mail, "/links"));
            Ok(links.filter_map(Value::as_str).find(|link| link.contains("token=")).map(ToOwned::to_owned))
        })
        .await
    }

    /// Gives the token of a link together with a password.
    pub(super) async fn verify(&self, link: &str, password: Option<&str>) -> Played<Reply> {
        let token = link.split("token=").nth(1).ok_or_else(|| Failure("the link has no token".to_owned()))?;
        let body = json!({ "token": token, "password": password.unwrap_or(PASSWORD) });
        http::send(self.door.ask(Method::POST, "/api/auth/email/verify").json(&body)).await
    }

    pub(super) async fn log_in(&self) -> Played<Reply> {
        let body = json!({ "email": self.email, "password": PASSWORD });
        http::send(self.door.ask(Method::POST, "/api/auth/login").json(&body)).await
    }

    /// Logged in, with an account.
    pub(super) async fn into_customer(self) -> Played<Customer> {
        let tokens = self.log_in().await?.expect(200)?.body;
        Ok(Customer {
            token: text(&tokens, "/access_token")?.into(),
            door: self.door,
            name: self.name.into(),
            email: self.email.into(),
            telegram: Arc::default(),
        })
    }
}

/// Somebody with an account, logged in. Cheap to clone.
#[derive(Clone)]
pub(super) struct Customer {
    door: Door,
    pub(super) name: Arc<str>,
    pub(super) email: Arc<str>,
    token: Arc<str>,
    telegram: Arc<OnceLock<i64>>,
}

/// A subscription as its owner is told.
pub(super) struct Time {
    pub(super) status: String,
    pub(super) starts_at: OffsetDateTime,
    pub(super) ends_at: OffsetDateTime,
    pub(super) seconds_left: i64,
    pub(super) periods: usize,
}

impl Customer {
    /// The whole way from a name to a session.
    pub(super) async fn sign_up(door: &Door, name: &str) -> Played<Self> {
        let newcomer = Newcomer::new(door, name);
        newcomer.register().await?;
        let link = newcomer.mailed_link().await?;
        newcomer.verify(&link, None).await?.expect(204)?;
        newcomer.into_customer().await
    }

    pub(super) async fn get(&self, path: &str) -> Played<Reply> {
        http::send(self.door.ask(Method::GET, path).bearer_auth(&self.token)).await
    }

    // Paying

    /// Asks for a payment under a key of one's own.
    pub(super) async fn init(&self, offer: Offer, key: &str) -> Played<Reply> {
        let body = json!({ "plan_code": offer.plan, "provider": PROVIDER, "currency": offer.currency });
        self.init_with(&body, key).await
    }

    /// The same with a body of one's own.
    pub(super) async fn init_with(&self, body: &Value, key: &str) -> Played<Reply> {
        let asked = self.door.ask(Method::POST, "/api/billing/payments/init").bearer_auth(&self.token);
        http::send(asked.header("idempotency-key", key).json(body)).await
    }

    /// Opens a payment; says its id.
    pub(super) async fn open(&self, offer: Offer) -> Played<String> {
        let opened = self.init(offer, &fresh_key()).await?.expect(201)?.body;
        same("phase", text(&opened, "/phase")?.as_str(), "awaiting")?;
        text(&opened, "/id")
    }

    /// Opens a payment and does something with it at the checkout; says its id.
    pub(super) async fn open_and(&self, offer: Offer, outcome: &str) -> Played<String> {
        let payment = self.open(offer).await?;
        self.at_checkout(&payment, outcome).await?;
        Ok(payment)
    }

    /// What the payer, or the payment service, does.
    pub(super) async fn at_checkout(&self, payment: &str, outcome: &str) -> Played<Value> {
        self.door.make_world(&format!("/psp/checkouts/{payment}"), &json!({ "outcome": outcome })).await
    }

    /// Buys, and waits until the product knows.
    pub(super) async fn buy(&self, offer: Offer) -> Played<String> {
        let payment = self.open_and(offer, "pay").await?;
        self.until_payment(&payment, "succeeded").await?;
        Ok(payment)
    }

    pub(super) async fn payment(&self, payment: &str) -> Played<Value> {
        Ok(self.get(&format!("/api/billing/payments/{payment}")).await?.expect(200)?.body)
    }

    /// Every payment of this customer.
    pub(super) async fn payments(&self) -> Played<Vec<Value>> {
        let page = self.get("/api/billing/payments?limit=100").await?.expect(200)?.body;
        Ok(list(&page, "/items").to_vec())
    }

    /// Waits until a payment has a status.
    pub(super) async fn until_payment(&self, payment: &str, status: &str) -> Played<Value> {
        until(&format!("the payment of {} is {status}", self.name), async || {
            let found = self.payment(payment).await?;
            Ok((found["status"] == status).then_some(found))
        })
        .await
    }

    // Time

    /// This customer's time; none if there never was any.
    pub(super) async fn time(&self) -> Played<Option<Time>> {
        let reply = self.get("/api/billing/subscription").await?;
        if reply.status == 404 {
            return Ok(None);
        }
        let body = reply.expect(200)?.body;
        Ok(Some(Time {
            status: text(&body, "/status")?,
            starts_at: instant(&body, "/starts_at")?,
            ends_at: instant(&body, "/ends_at")?,
            seconds_left: number(&body, "/seconds_left")?,
            periods: list(&body, "/periods").len(),
        }))
    }

    /// This customer's time, which must be running.
    pub(super) async fn running_time(&self) -> Played<Time> {
        let time = self.time().await?.ok_or_else(|| Failure(format!("{} has no subscription", self.name)))?;
        same("status of the subscription", time.status.as_str(), "active")?;
        Ok(time)
    }

    /// Waits until the subscription has a status.
    pub(super) async fn until_time(&self, status: &str) -> Played<Time> {
        until(&format!("the subscription of {} is {status}", self.name), async || {
            Ok(self.time().await?.filter(|time| time.status == status))
        })
        .await
    }

    // Telegram

    /// The linked account.
    pub(super) fn telegram(&self) -> Played<i64> {
        self.telegram.get().copied().ok_or_else(|| Failure(format!("{} has linked no account", self.name)))
    }

    /// The linked account, if there is one.
    pub(super) fn telegram_if_any(&self) -> Option<i64> {
        self.telegram.get().copied()
    }

    /// Links a fresh Telegram account by pressing start on the deep link.
    pub(super) async fn link(&self) -> Played<i64> {
        let asked = self.door.ask(Method::POST, "/api/telegram/link").bearer_auth(&self.token);
        let link = text(&http::send(asked).await?.expect(201)?.body, "/url")?;
        let account = telegram_account(&self.door, &self.name).await?;
        self.door.make_world(&format!("/telegram/users/{account}/start"), &json!({ "link": link })).await?;
        until_so("the product knows the account", async || {
            Ok(self.get("/api/telegram/link").await?.body["telegram_user_id"] == account)
        })
        .await?;
        demand(self.telegram.set(account).is_ok(), || format!("{} links twice", self.name))?;
        Ok(account)
    }

    /// What the bot has written to this customer, oldest first.
    pub(super) async fn heard(&self) -> Played<Vec<String>> {
        let said = self.door.world(&format!("/telegram/users/{}/messages", self.telegram()?)).await?;
        list(&said, "/items").iter().map(|message| text(message, "/text")).collect()
    }

    /// The personal invitation, once the bot has sent it and the API shows it.
    pub(super) async fn invitation(&self) -> Played<String> {
        until(&format!("the bot sends {} an invitation", self.name), async || {
            let access = self.get("/api/telegram/access").await?.expect(200)?.body;
            let Some(link) = access.pointer("/items/0/invite_link").and_then(Value::as_str) else {
                return Ok(None);
            };
            let heard = self.heard().await?;
            Ok(heard.iter().any(|said| said.contains(link)).then(|| link.to_owned()))
        })
        .await
    }

    /// Asks to come in.
    pub(super) async fn knock(&self, invitation: &str) -> Played<()> {
        knock(&self.door, self.telegram()?, invitation).await
    }

    /// Asks to come in, and is let in.
    pub(super) async fn enter(&self) -> Played<()> {
        self.knock(&self.invitation().await?).await?;
        self.until_inside(true).await
    }

    /// Waits until this customer is in the channel, or is no longer.
    pub(super) async fn until_inside(&self, inside: bool) -> Played<()> {
        let account = self.telegram()?;
        let what = format!("{} is {} the channel", self.name, if inside { "in" } else { "out of" });
        until_so(&what, async || Ok(channel(&self.door).await?.has("items", account) == inside)).await
    }
}

/// Who is where in the channel.
pub(super) struct Channel(Value);

/// The channel as Telegram has it.
pub(super) async fn channel(door: &Door) -> Played<Channel> {
    Ok(Channel(door.world(&format!("/telegram/chats/{}/members", door.chat)).await?))
}

impl Channel {
    /// Whether an account is on one of its lists: `items`, `requests`, `banned` or `left`.
    pub(super) fn has(&self, of: &str, account: i64) -> bool {
        list(&self.0, &format!("/{of}")).iter().any(|one| one["user_id"] == account)
    }

    /// Everybody inside who is an ordinary member.
    pub(super) fn members(&self) -> impl Iterator<Item = i64> {
        let inside = list(&self.0, "/items").iter().filter(|one| one["status"] == "member");
        inside.filter_map(|one| one["user_id"].as_i64())
    }
}

/// Somebody in Telegram; says the account's number.
pub(super) async fn telegram_account(door: &Door, name: &str) -> Played<i64> {
    let person = json!({ "first_name": name, "language_code": "en" });
    number(&door.make_world("/telegram/users", &person).await?, "/id")
}

/// An account asks to come in.
pub(super) async fn knock(door: &Door, account: i64, invitation: &str) -> Played<()> {
    let path = format!("/telegram/users/{account}/join");
    let asked = door.make_world(&path, &json!({ "invite_link": invitation })).await?;
    same("asking to join", asked["state"].as_str(), Some("requested"))
}

/// An idempotency key that nobody used.
pub(super) fn fresh_key() -> String {
    Uuid::from_bytes(bytes(&SystemRandom)).to_string()
}

fn instant(body: &Value, pointer: &str) -> Played<OffsetDateTime> {
    let shown = text(body, pointer)?;
    OffsetDateTime::parse(&shown, &Rfc3339)
        .map_err(|error| Failure(format!("{shown} is no instant: {error}")))
}
