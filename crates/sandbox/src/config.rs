//! What the sandbox is told at its start, and why it may refuse.

use std::{fmt, io, net::SocketAddr, path::PathBuf, time::Duration};

use reqwest::Url;

use crate::sms::form::is_phone_number;

/// Everything the sandbox needs to know. `Debug` hides the secrets.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the pages and APIs; loopback only, port 0 lets the system choose.
    pub http: SocketAddr,
    /// Address of the mail server; loopback only, port 0 lets the system choose.
    pub smtp: SocketAddr,
    /// The payment service of our own scheme, and how often every provider tells an event.
    pub psp: PspConfig,
    /// What the product and the other payment providers know of each other.
    pub providers: ProvidersConfig,
    /// The Bot API.
    pub telegram: TelegramConfig,
    /// Twilio.
    pub sms: SmsConfig,
    /// Where the world is kept between runs; `None` forgets it.
    pub state_file: Option<PathBuf>,
    /// The product's public address: pages link to it, and its origin may POST here.
    pub product_url: String,
}

/// The payment service's secrets and where it tells its events.
#[derive(Clone)]
pub struct PspConfig {
    /// Verifies `X-Signature` on calls to the service.
    pub request_secret: String,
    /// Signs the events that the service sends.
    pub webhook_secret: String,
    /// Verifies the query of a checkout link.
    pub link_secret: String,
    /// Where events go when the payment named no `webhook_url` of its own.
    pub webhook_url: String,
    /// Waiting times between attempts to deliver one event; after the last one the service gives up.
    pub event_retry: Vec<Duration>,
}

/// The growing delays a payment service uses: 1 s, 2 s, 5 s, 10 s, then every 30 s for a quarter of an hour.
pub fn default_event_retry() -> Vec<Duration> {
    [1, 2, 5, 10].into_iter().chain(std::iter::repeat_n(30, 30)).map(Duration::from_secs).collect()
}

impl fmt::Debug for PspConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PspConfig")
            .field("webhook_url", &self.webhook_url)
            .field("event_retry", &self.event_retry)
            .finish_non_exhaustive()
    }
}

/// Credentials of the simulated payment providers. Each tells its events to `<product_url>/api/webhooks/<provider>`.
#[derive(Clone, Default)]
pub struct ProvidersConfig {
    /// The account at Stripe.
    pub stripe: StripeConfig,
    /// BTCPay Server.
    pub btcpay: BtcPayConfig,
    /// MTN MoMo.
    pub mtn_momo: MtnMomoConfig,
    /// FedaPay.
    pub fedapay: FedaPayConfig,
    /// PayPal.
    pub paypal: PaypalConfig,
}

/// The API user at MTN, and its subscriptions. Without them nobody gets a token.
#[derive(Clone, Default)]
pub struct MtnMomoConfig {
    /// A UUID.
    pub api_user: String,
    /// Its key.
    pub api_key: String,
    /// The key of the subscription to Collections.
    pub collection_key: String,
    /// The key of the subscription to Disbursements.
    pub disbursement_key: String,
}

/// The account at FedaPay. Without a key nobody may call.
#[derive(Clone, Default)]
pub struct FedaPayConfig {
    /// `sk_sandbox_…`
    pub secret_key: String,
    /// `wh_…`: signs events.
    pub webhook_secret: String,
}

/// The application at PayPal and its webhook.
#[derive(Clone)]
pub struct PaypalConfig {
    /// Of the application.
    pub client_id: String,
    /// Of the application.
    pub client_secret: String,
    /// PayPal's name for the product's webhook: signed with every event.
    pub webhook_id: String,
}

impl Default for PaypalConfig {
    fn default() -> Self {
        Self {
            client_id: "paypal-sandbox-client".to_owned(),
            client_secret: "paypal-sandbox-secret".to_owned(),
            webhook_id: "8PT597110X687430LKGECATA".to_owned(),
        }
    }
}

impl fmt::Debug for PaypalConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaypalConfig").field("webhook_id", &self.webhook_id).finish_non_exhaustive()
    }
}

/// An account at Stripe, in test mode. The defaults are known to everybody, as its money is worth nothing.
#[derive(Clone)]
pub struct StripeConfig {
    /// `sk_test_…`, which calls bring.
    pub secret_key: String,
    /// `whsec_…`, which signs events.
    pub webhook_secret: String,
}

impl Default for StripeConfig {
    fn default() -> Self {
        Self {
            secret_key: "sk_test_sandbox0123456789".to_owned(),
            webhook_secret: "whsec_sandbox0123456789abcdef".to_owned(),
        }
    }
}

impl fmt::Debug for ProvidersConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProvidersConfig")
            .field("paypal", &self.paypal)
            .field("btcpay", &self.btcpay)
            .finish_non_exhaustive()
    }
}

/// The store on the BTCPay Server. Without a key nobody may call.
#[derive(Clone, Default)]
pub struct BtcPayConfig {
    /// The store's identifier.
    pub store_id: String,
    /// The key that calls carry.
    pub api_key: String,
    /// Signs the webhooks.
    pub webhook_secret: String,
}

impl fmt::Debug for BtcPayConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BtcPayConfig").field("store_id", &self.store_id).finish_non_exhaustive()
    }
}

/// The bot and the chats it administers.
#[derive(Clone)]
pub struct TelegramConfig {
    /// `<bot id>:<secret>`, as BotFather hands out.
    pub bot_token: String,
    /// Name without `@`.
    pub bot_username: String,
    /// Chats that exist from the start, with the bot as administrator.
    pub chats: Vec<ChatConfig>,
}

impl fmt::Debug for TelegramConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TelegramConfig")
            .field("bot_username", &self.bot_username)
            .field("chats", &self.chats)
            .finish_non_exhaustive()
    }
}

/// The account at Twilio, with one number, one messaging service and one Verify service.
#[derive(Clone)]
pub struct SmsConfig {
    /// `AC…`
    pub account_sid: String,
    /// Verifies calls to the APIs, and signs callbacks.
    pub auth_token: String,
    /// The number that messages may be from.
    pub from: String,
    /// `MG…`
    pub messaging_service_sid: String,
    /// `VA…`
    pub verify_service_sid: String,
    /// How long a message stays in each status on its way.
    pub delivery_step: Duration,
}

impl fmt::Debug for SmsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsConfig")
            .field("account_sid", &self.account_sid)
            .field("from", &self.from)
            .field("delivery_step", &self.delivery_step)
            .finish_non_exhaustive()
    }
}

/// A channel that exists from the start.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    /// Telegram's id of a channel: negative, starting with `-100`.
    pub id: i64,
    /// What people see.
    pub title: String,
}

/// Why the sandbox can't start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Money and tokens of a simulated world stay on this machine.
    #[error("the sandbox listens on loopback only, not on {0}")]
    NotLoopback(SocketAddr),
    /// A setting that can't be used; the text says which and why.
    #[error("{0}")]
    Setting(&'static str),
    /// A port is taken or not allowed.
    #[error("the sandbox can't listen for {what}")]
    Bind {
        /// Which listener.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The file with the world of an earlier run can't be read or written.
    #[error("the sandbox's state file {} can't be used", path.display())]
    StateFile {
        /// Which file.
        path: PathBuf,
        /// What the system or the parser said.
        source: io::Error,
    },
    /// The HTTP client for webhooks can't be built.
    #[error("the sandbox's HTTP client can't be built")]
    Client(#[source] reqwest::Error),
    /// Serving ended early.
    #[error("the sandbox stopped serving")]
    Serve(#[source] io::Error),
}

impl Config {
    /// Refuses what could leave this machine or can't work.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for address in [self.http, self.smtp] {
            if !address.ip().is_loopback() {
                return Err(Error::NotLoopback(address));
            }
        }
        let psp = &self.psp;
        if [&psp.request_secret, &psp.webhook_secret, &psp.link_secret].iter().any(|secret| secret.is_empty())
        {
            return Err(Error::Setting("each of the payment service's three secrets needs a value"));
        }
        if web_address(&psp.webhook_url).is_none() {
            return Err(Error::Setting("the payment service's webhook_url must be an http(s) address"));
        }
        if web_address(&self.product_url).is_none() {
            return Err(Error::Setting("product_url must be an http(s) address"));
        }
        if self.telegram.bot_id().is_none() {
            return Err(Error::Setting("the bot's token must look like <digits>:<secret>"));
        }
        if self.telegram.chats.iter().any(|chat| chat.id >= 0) {
            return Err(Error::Setting("the id of a chat is negative"));
        }
        self.sms.check()
    }
}

impl SmsConfig {
    fn check(&self) -> Result<(), Error> {
        let sids = [
            (&self.account_sid, "AC"),
            (&self.messaging_service_sid, "MG"),
            (&self.verify_service_sid, "VA"),
        ];
        if !sids.iter().all(|(sid, kind)| is_sid(sid, kind)) {
            return Err(Error::Setting("Twilio's SIDs are AC…, MG… and VA… with 32 hex digits"));
        }
        if self.auth_token.is_empty() {
            return Err(Error::Setting("the account at Twilio needs an auth token"));
        }
        if !is_phone_number(&self.from) {
            return Err(Error::Setting("messages are from a number like +15005550006"));
        }
        Ok(())
    }
}

fn is_sid(text: &str, kind: &str) -> bool {
    let rest = text.strip_prefix(kind);
    rest.is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl TelegramConfig {
    /// The account id of the bot, which is the first half of its token.
    pub(crate) fn bot_id(&self) -> Option<i64> {
        let (id, secret) = self.bot_token.split_once(':')?;
        (!secret.is_empty()).then(|| id.parse().ok()).flatten().filter(|id| *id > 0)
    }
}

/// An absolute http(s) address with a host and of bounded length.
pub(crate) fn web_address(text: &str) -> Option<Url> {
    let url = (text.len() <= 2048).then(|| Url::parse(text).ok()).flatten()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}
