//! The settings as types, one struct per concern, with their defaults.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use application::text::Locale;
use domain::money::Currency;
use gateways::sms::CallingPrefix;
use ipnet::IpNet;
use reqwest::Url;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de};

use super::KeyService;

/// Everything that an operator decides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What this installation is for. Production, unless somebody says otherwise.
    pub environment: Environment,
    /// Where people reach the product: links in mails, the addresses that providers and Telegram call.
    #[serde(deserialize_with = "url")]
    pub public_url: Url,
    /// The language of those who have not chosen one.
    pub default_locale: Locale,
    /// What every key of the product is derived from.
    #[serde(deserialize_with = "secret")]
    pub secret_key: Option<SecretString>,
    /// Earlier secret keys, which still decrypt and verify.
    #[serde(deserialize_with = "secrets")]
    pub secret_key_previous: Vec<SecretString>,
    /// Whether the peers are the simulated world's.
    pub sandbox: bool,
    /// Who sells.
    pub company: Company,
    /// The HTTP server.
    pub server: Server,
    /// How often something may be asked for.
    pub limits: Limits,
    /// PostgreSQL.
    pub database: Database,
    /// The log.
    pub log: Log,
    /// Outgoing mail.
    pub mail: Mail,
    /// The bot.
    pub telegram: Telegram,
    /// Who takes the money.
    pub providers: Providers,
    /// Codes by SMS.
    pub sms: Sms,
    /// How many removals need no question.
    pub removals: Removals,
    /// Where the key-encryption key is.
    pub keys: KeyService,
    /// Encrypted copies of the database.
    pub backup: Backup,
    /// How long what is kept is kept.
    pub retention: Retention,
    /// The audit chain.
    pub audit: Audit,
    /// Where each value came from that is not a default, by key.
    #[serde(skip)]
    pub(super) origins: BTreeMap<&'static str, String>,
    /// A `.env` that lies there and was not read.
    #[serde(skip)]
    pub(super) ignored_env_file: Option<PathBuf>,
}

/// What an installation is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine.
    Development,
    /// A rehearsal of production, with its rules and without real money.
    Staging,
    /// Real people, real money.
    #[default]
    Production,
}

/// Who sells.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Company {
    /// The name that people read on pages and in mails.
    pub name: String,
}

/// The HTTP server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where to listen.
    pub bind: SocketAddr,
    /// Whether a proxy in front of the server speaks HTTPS with the world.
    pub behind_proxy: bool,
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API with a browser, other than the product's own.
    pub cors_origins: Vec<String>,
}

/// How often something may be asked for, each minute and at once. Zero turns a limit off.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Every request of one address but callbacks.
    pub requests_per_address: u32,
    /// Every request of one user or of one of their keys.
    pub requests_per_user: u32,
    /// Failed logins of one address; successful ones never count.
    pub login_failures_per_address: u32,
    /// Sign-ups and resends of one address: each sends a mail.
    pub mails_per_address: u32,
    /// Payments opened by one user.
    pub payments_per_user: u32,
    /// Payments opened from one address.
    pub payments_per_address: u32,
    /// Callbacks of one address that could not be verified.
    pub unverified_webhooks_per_address: u32,
    /// Callbacks in one provider's name that could not be verified, from all addresses together.
    pub unverified_webhooks_per_provider: u32,
}

/// PostgreSQL.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// The address that `serve` and `worker` use.
    #[serde(deserialize_with = "secret")]
    pub url: Option<SecretString>,
    /// The address that `migrate` uses: the role that owns the tables.
    #[serde(deserialize_with = "secret")]
    pub migration_url: Option<SecretString>,
    /// The most connections that one process opens.
    pub max_connections: u32,
    /// The folder with `postgres` and `initdb` for private clusters, where they are not found by themselves.
    pub postgresql_bin: Option<PathBuf>,
}

/// The log.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// How a line looks.
    pub format: LogFormat,
    /// What is logged: a level, or levels by module (`info,sqlx=warn`).
    pub level: String,
    /// A file that `serve` and `worker` write the same lines to, as JSON.
    pub file: Option<PathBuf>,
    /// The file starts anew above this size, in MB, and with each day.
    pub file_max_mb: u32,
    /// How many older files are kept.
    pub keep_files: u32,
    /// For how many days they are kept. Zero keeps them as long as their number allows.
    pub keep_days: u32,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, else JSON.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Pretty,
}

/// Outgoing mail.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mail {
    /// The server that mail is handed to.
    #[serde(deserialize_with = "secret")]
    pub smtp_url: Option<SecretString>,
    /// Who mail is from.
    pub from: Option<String>,
}

/// The bot.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telegram {
    /// Where the Bot API is.
    #[serde(deserialize_with = "url")]
    pub api_url: Url,
    /// The bot's token from `@BotFather`.
    #[serde(deserialize_with = "secret")]
    pub bot_token: Option<SecretString>,
    /// What Telegram shows us when it calls.
    #[serde(deserialize_with = "secret")]
    pub webhook_secret: Option<SecretString>,
    /// How updates arrive.
    pub updates: Updates,
    /// Where the pages lead people instead of `https://t.me`: a sandbox's stand-in.
    #[serde(deserialize_with = "optional_url")]
    pub link_url: Option<Url>,
}

/// How the bot's updates arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Updates {
    /// Telegram calls the product's public address.
    #[default]
    Webhook,
    /// The product asks Telegram, for those who have no public address.
    Polling,
}

/// Who takes the money.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Providers {
    /// Any service of the signed generic contract.
    pub hmac_psp: HmacPsp,
}

/// A payment service of the signed generic contract.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HmacPsp {
    /// Whether it is offered.
    pub enabled: bool,
    /// Where the service is.
    #[serde(deserialize_with = "optional_url")]
    pub base_url: Option<Url>,
    /// How a checkout is opened.
    pub opening: Opening,
    /// What our requests are signed with, newest first.
    #[serde(deserialize_with = "secrets")]
    pub request_secrets: Vec<SecretString>,
    /// What the service signs its callbacks with, newest first.
    #[serde(deserialize_with = "secrets")]
    pub webhook_secrets: Vec<SecretString>,
    /// What checkout addresses are signed with.
    #[serde(deserialize_with = "secret")]
    pub link_secret: Option<SecretString>,
    /// The currencies that the service takes.
    pub currencies: Vec<Currency>,
    /// The networks that the service's callbacks come from; empty is anywhere.
    pub networks: Vec<IpNet>,
}

/// How a checkout is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Opening {
    /// By a call to the service.
    #[default]
    Api,
    /// By a signed address alone.
    Link,
}

/// Codes by SMS, through Twilio.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sms {
    /// Whether SMS is offered as a second factor.
    pub enabled: bool,
    /// Who makes and checks the codes.
    pub mode: SmsMode,
    /// Where Programmable Messaging is.
    #[serde(deserialize_with = "url")]
    pub api_url: Url,
    /// Where Verify is.
    #[serde(deserialize_with = "url")]
    pub verify_url: Url,
    /// The account.
    pub account_sid: Option<String>,
    /// The account's auth tokens, newest first.
    #[serde(deserialize_with = "secrets")]
    pub auth_tokens: Vec<SecretString>,
    /// An API key that calls in place of the auth token.
    pub api_key_sid: Option<String>,
    /// Its secret.
    #[serde(deserialize_with = "secret")]
    pub api_key_secret: Option<SecretString>,
    /// The number or name that messages are from.
    pub from: Option<String>,
    /// The messaging service that chooses the sender instead.
    pub messaging_service_sid: Option<String>,
    /// The Verify service.
    pub verify_service_sid: Option<String>,
    /// The most messages of a day. Zero turns the cap off.
    pub daily_cap: u32,
    /// The most messages of a day to one country's calling code. Zero turns the cap off.
    pub daily_cap_per_prefix: u32,
    /// How the numbers begin that are written to; empty means all.
    pub allowed_prefixes: Vec<CallingPrefix>,
}

/// Who makes and checks the codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmsMode {
    /// The product; Twilio carries texts.
    #[default]
    Messages,
    /// Twilio's Verify.
    Verify,
}

/// How many removals that nobody could foresee pass within an hour without a question.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Removals {
    /// So many people of a channel. Zero asks about each.
    pub max_unforeseen: u32,
    /// This part of its members, in per cent.
    pub max_percent: u32,
}

/// Encrypted copies of the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backup {
    /// The folder that they lie in. With it and a recipient, `serve` makes one every night.
    pub directory: Option<PathBuf>,
    /// The public keys (`age1…`) that can open them.
    pub recipients: Vec<String>,
    /// The hour of the day, in UTC, from which the nightly one is made.
    pub hour: u32,
    /// For how many days the newest of each day is kept.
    pub keep_daily: u32,
    /// For how many weeks the newest of each week is kept.
    pub keep_weekly: u32,
    /// For how many months the newest of each month is kept.
    pub keep_monthly: u32,
}

impl Backup {
    /// Whether there is a place and a key to make them with.
    pub fn is_configured(&self) -> bool {
        self.directory.is_some() && !self.recipients.is_empty()
    }
}

/// For how many days what is kept is kept. Zero is for ever.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Bodies of callbacks, after they came.
    pub webhook_bodies_days: u32,
    /// Sessions with their tokens, after they ended.
    pub sessions_days: u32,
    /// Known devices, after their last use.
    pub devices_days: u32,
    /// Links, challenges and permissions, after they expired.
    pub expired_tokens_days: u32,
    /// What a message said, after it was sent.
    pub notifications_days: u32,
    /// Counts of failed tries, after the last one.
    pub guess_counters_days: u32,
    /// Traces of text messages, after they were asked for.
    pub sms_messages_days: u32,
    /// What a decided contradiction of a payment stated, after the decision.
    pub quarantine_details_days: u32,
}

impl Default for Backup {
    fn default() -> Self {
        Self {
            directory: None,
            recipients: Vec::new(),
            hour: 2,
            keep_daily: 7,
            keep_weekly: 5,
            keep_monthly: 12,
        }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            webhook_bodies_days: 90,
            sessions_days: 30,
            devices_days: 180,
            expired_tokens_days: 1,
            notifications_days: 90,
            guess_counters_days: 90,
            sms_messages_days: 90,
            quarantine_details_days: 365,
        }
    }
}

/// The audit chain.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Audit {
    /// The file that only grows and keeps the heads of the chain outside the database.
    pub anchor_file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            environment: Environment::default(),
            public_url: constant("http://127.0.0.1:8080"),
            default_locale: Locale::Fr,
            secret_key: None,
            secret_key_previous: Vec::new(),
            sandbox: false,
            company: Company::default(),
            server: Server::default(),
            limits: Limits::default(),
            database: Database::default(),
            log: Log::default(),
            mail: Mail::default(),
            telegram: Telegram::default(),
            providers: Providers::default(),
            sms: Sms::default(),
            removals: Removals::default(),
            keys: KeyService::default(),
            backup: Backup::default(),
            retention: Retention::default(),
            audit: Audit::default(),
            origins: BTreeMap::new(),
            ignored_env_file: None,
        }
    }
}

impl Default for Company {
    fn default() -> Self {
        Self { name: "Calmness".to_owned() }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            behind_proxy: false,
            trusted_proxies: Vec::new(),
            cors_origins: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_address: 0,
            requests_per_user: 0,
            login_failures_per_address: 30,
            mails_per_address: 120,
            payments_per_user: 200,
            payments_per_address: 1_200,
            unverified_webhooks_per_address: 60,
            unverified_webhooks_per_provider: 6_000,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self { url: None, migration_url: None, max_connections: 20, postgresql_bin: None }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::default(),
            level: "info".to_owned(),
            file: None,
            file_max_mb: 100,
            keep_files: 30,
            keep_days: 30,
        }
    }
}

impl Default for Telegram {
    fn default() -> Self {
        Self {
            api_url: constant("https://api.telegram.org"),
            bot_token: None,
            webhook_secret: None,
            updates: Updates::default(),
            link_url: None,
        }
    }
}

impl Default for Sms {
    fn default() -> Self {
        Self {
            enabled: false,
            mode: SmsMode::default(),
            api_url: constant("https://api.twilio.com"),
            verify_url: constant("https://verify.twilio.com"),
            account_sid: None,
            auth_tokens: Vec::new(),
            api_key_sid: None,
            api_key_secret: None,
            from: None,
            messaging_service_sid: None,
            verify_service_sid: None,
            daily_cap: 500,
            daily_cap_per_prefix: 200,
            allowed_prefixes: Vec::new(),
        }
    }
}

impl Default for Removals {
    fn default() -> Self {
        Self { max_unforeseen: 10, max_percent: 20 }
    }
}

fn constant(address: &str) -> Url {
    Url::parse(address).expect("an address written in this file, which the tests parse")
}

fn url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Url, D::Error> {
    String::deserialize(deserializer)?.trim().parse().map_err(de::Error::custom)
}

pub(super) fn optional_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Url>, D::Error> {
    url(deserializer).map(Some)
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Some(SecretString::from(String::deserialize(deserializer)?)))
}

fn secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SecretString>, D::Error> {
    Ok(Vec::<String>::deserialize(deserializer)?.into_iter().map(SecretString::from).collect())
}
