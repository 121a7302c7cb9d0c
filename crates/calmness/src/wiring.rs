//! From a configuration to a product that is ready to serve.

mod keys;

use std::sync::Arc;
use std::time::Duration;

use application::App;
use application::access::UpdateSource;
use application::app::{Options, Peers};
use application::backup;
use application::clock::{Clock, SandboxClock, SystemClock};
use application::database::{self, DatabaseError, Rights};
use application::identity::SmsService;
use application::identity::passwords::Passwords;
use application::keys::{Keys, KeysError};
use application::retention::{self, Policy};
use application::settings::{FixedSettings, Key};
use application::tx::StoreError;
use crypto::password::{PasswordError, PasswordParams};
use crypto::random::{Random, SystemRandom};
use crypto::secret_key::SecretKeys;
use domain::payment::Mode;
use domain::plan::ChannelKey;
use domain::removal::Fuse;
use gateways::WallClock;
use gateways::http::HttpClient;
use gateways::mail::Mailer;
use gateways::payments::hmac_psp::{self, HmacPsp, OpeningMode, Settings};
use gateways::payments::{Line, PaymentProvider};
use gateways::sms::{ApiKey, Sender, Sending, Twilio, TwilioSettings};
use gateways::telegram::BotClient;
use reqwest::Url;
use secrecy::SecretString;
use sqlx::PgPool;
use thiserror::Error;
use web::{Limit, LimitSettings, TrustedProxies, WebOptions};

use crate::config::{self, Config, Environment, Opening, Severity, SmsMode, Updates};

/// How long a quote can be paid.
const QUOTE_LIFETIME: Duration = Duration::from_mins(30);
/// The channel that the plans of the first migration open.
const DEFAULT_CHANNEL: &str = "signaux";

/// Which clock decides business time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockKind {
    /// The machine's.
    System,
    /// The sandbox's, which can be moved forward.
    Sandbox,
}

/// Why the product cannot start.
#[derive(Debug, Error)]
pub enum WiringError {
    /// The configuration is unsafe or incomplete; each finding was told.
    #[error("the configuration has {0} errors: run `calmness config check` for what to do")]
    Configuration(usize),
    /// The database cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The database is older than the program.
    #[error("the database lacks {0} migrations: run `calmness migrate`")]
    NotMigrated(usize),
    /// The service's role may do too much.
    #[error("in production the service must not be able to rewrite history: {}", .0.join("; "))]
    ExcessiveRights(Vec<String>),
    /// Business time moves in a sandbox only.
    #[error("business time can be moved in a sandbox only: set sandbox = true, outside production")]
    MovableClock,
    /// The keys could not be made ready.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The memory of the product could not be filled.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Password hashing cannot run here.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    /// A peer's settings cannot be used.
    #[error("{peer} cannot be set up")]
    Peer {
        /// Which.
        peer: &'static str,
        /// Why not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl WiringError {
    fn peer<E: std::error::Error + Send + Sync + 'static>(peer: &'static str) -> impl FnOnce(E) -> Self {
        move |source| Self::Peer { peer, source: Box::new(source) }
    }
}

/// A product that is ready to serve.
pub struct Wired {
    /// The product.
    pub app: App,
    /// The door.
    pub web: WebOptions,
    /// How the bot hears from Telegram.
    pub updates: UpdateSource,
}

/// Refuses a configuration that has errors; warnings are logged.
pub fn refuse_errors(config: &Config) -> Result<(), WiringError> {
    let findings = config::check(config);
    for finding in &findings {
        let (key, sentence, remedy) = (finding.key, &finding.sentence, &finding.remedy);
        match finding.severity {
            Severity::Error => tracing::error!(config.key = key, remedy, "{sentence}"),
            Severity::Warning => tracing::warn!(config.key = key, remedy, "{sentence}"),
        }
    }
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
    if errors == 0 { Ok(()) } else { Err(WiringError::Configuration(errors)) }
}

/// Opens the database as the service. In development, where one address serves for everything, it is migrated first
/// and the service's role is put on.
pub async fn open_database(config: &Config) -> Result<PgPool, WiringError> {
    let url = config.database.url.clone().ok_or(WiringError::Configuration(1))?;
    let one_address =
        config.environment == Environment::Development && config.database.migration_url.is_none();
    if one_address {
        let owner = database::connect(&url, Rights::OfLogin, 2).await?;
        if database::missing_migrations(&owner).await? > 0 {
            tracing::info!("development: migrating the database");
            database::migrate(&owner).await?;
        }
        owner.close().await;
        tracing::info!("development: one database address for everything, acting under the service's role");
    }
    let rights = if one_address { Rights::OfService } else { Rights::OfLogin };
    let db = database::connect(&url, rights, config.database.max_connections).await?;
    let missing = database::missing_migrations(&db).await?;
    if missing > 0 {
        return Err(WiringError::NotMigrated(missing));
    }
    let excessive = database::excessive_rights(&db).await?;
    if !excessive.is_empty() {
        if config.environment == Environment::Production {
            return Err(WiringError::ExcessiveRights(excessive));
        }
        tracing::warn!(findings = excessive.join("; "), "the service may do more than it needs");
    }
    Ok(db)
}

/// Wires the product over its database.
pub async fn wire(config: &Config, clock: ClockKind) -> Result<Wired, WiringError> {
    refuse_errors(config)?;
    if clock == ClockKind::Sandbox && (!config.sandbox || config.environment == Environment::Production) {
        return Err(WiringError::MovableClock);
    }
    let db = open_database(config).await?;
    wire_over(config, clock, db).await
}

/// Wires the product over a database that is open and migrated.
pub async fn wire_over(config: &Config, clock: ClockKind, db: PgPool) -> Result<Wired, WiringError> {
    let clock: Arc<dyn Clock> = match clock {
        ClockKind::System => Arc::new(SystemClock),
        ClockKind::Sandbox => Arc::new(SandboxClock::new(db.clone())),
    };
    wire_with(config, clock, PasswordParams::default(), db).await
}

/// Wires the product with a given clock and cost of passwords.
pub async fn wire_with(
    config: &Config,
    clock: Arc<dyn Clock>,
    password_params: PasswordParams,
    db: PgPool,
) -> Result<Wired, WiringError> {
    let random: Arc<dyn Random> = Arc::new(SystemRandom);
    let secret = config.secret_key.clone().ok_or(WiringError::Configuration(1))?;
    let secrets =
        SecretKeys::parse(&secret, &config.secret_key_previous).map_err(WiringError::peer("SECRET_KEY"))?;
    let told = Arc::clone(&clock);
    let backends = keys::backends(config, &secrets, &random, &(Arc::new(move || told.wall()) as WallClock))?;
    let patience = domain::time::Duration::hours(config.keys.serve_without_backend_hours.into());
    let public_url = config.public_url.as_str().trim_end_matches('/').to_owned();
    let wall = clock.wall();
    let keys = Keys::open(&db, &secrets, backends, patience, &public_url, &*random, wall).await?;
    let passwords = Passwords::new(password_params, Arc::clone(&random))?;
    let isolated = backup::is_isolated(&db).await?;
    let peers = if isolated {
        tracing::warn!(
            "this database is an ISOLATED copy: payment providers, mail, SMS and Telegram are not reached"
        );
        Peers::default()
    } else {
        peers(config, &clock, &keys)?
    };
    let options = Options {
        public_url,
        company_name: config.company.name.clone(),
        default_locale: config.default_locale,
        quote_lifetime: QUOTE_LIFETIME,
        default_channel: default_channel(),
        telegram_bot_username: None,
        removal_fuse: Fuse {
            max_people: config.removals.max_unforeseen,
            max_percent: config.removals.max_percent,
        },
        retention: retention(&config.retention),
        // A copy has a history of its own, which is not the one that the file anchors.
        audit_anchor_file: config.audit.anchor_file.clone().filter(|_| !isolated),
        telegram_api_url: config.telegram.api_url.as_str().trim_end_matches('/').to_owned(),
        fixed_settings: fixed_settings(config),
    };
    let app = App::start(db, clock, random, keys, passwords, options, peers).await?;
    Ok(Wired { app, web: web_options(config)?, updates: update_source(config) })
}

fn retention(settings: &config::Retention) -> Policy {
    Policy::default()
        .with(&retention::WEBHOOK_BODIES, settings.webhook_bodies_days)
        .with(&retention::SESSIONS, settings.sessions_days)
        .with(&retention::DEVICES, settings.devices_days)
        .with(&retention::EXPIRED_TOKENS, settings.expired_tokens_days)
        .with(&retention::NOTIFICATIONS, settings.notifications_days)
        .with(&retention::GUESS_COUNTERS, settings.guess_counters_days)
        .with(&retention::SMS_MESSAGES, settings.sms_messages_days)
        .with(&retention::QUARANTINE_DETAILS, settings.quarantine_details_days)
}

fn default_channel() -> ChannelKey {
    DEFAULT_CHANNEL.parse().expect("a constant that fits the form of a channel's key")
}

pub(crate) const fn environment_word(environment: Environment) -> &'static str {
    match environment {
        Environment::Development => "development",
        Environment::Staging => "staging",
        Environment::Production => "production",
    }
}

fn peers(config: &Config, clock: &Arc<dyn Clock>, keys: &Keys) -> Result<Peers, WiringError> {
    let clock = Arc::clone(clock);
    let wall: WallClock = Arc::new(move || clock.wall());
    let http = HttpClient::new().map_err(WiringError::peer("the HTTP client"))?;
    let mut providers: Vec<Arc<dyn PaymentProvider>> = Vec::new();
    if let Some(settings) = generic_service(config) {
        // Its own requests carry the secrets that were agreed on.
        let request_key = keys.provider_request(hmac_psp::CODE)?;
        let line = Line { http: http.clone(), wall: Arc::clone(&wall), request_key };
        let provider = HmacPsp::new(settings, line);
        providers.push(Arc::new(provider.map_err(WiringError::peer("providers.hmac_psp"))?));
    }
    let sms = sms(config, &http)?;
    try_fixed(config, &http, wall)?;
    Ok(Peers { providers, http: Some(http), sms })
}

/// The product connects the bot and the mail server itself, from its settings; what the configuration gives of them is
/// tried here, so that a mistake is told at the start.
fn try_fixed(config: &Config, http: &HttpClient, wall: WallClock) -> Result<(), WiringError> {
    if let Some(token) = config.telegram.bot_token.clone() {
        let api_url = config.telegram.api_url.as_str().trim_end_matches('/');
        BotClient::new(api_url, token, http.clone()).map_err(WiringError::peer("telegram"))?;
    }
    if let Some((url, from)) = config.mail.smtp_url.as_ref().zip(config.mail.from.as_deref()) {
        Mailer::new(url, from, wall).map_err(WiringError::peer("mail"))?;
    }
    Ok(())
}

/// What the configuration gives wins over an admin's setting.
fn fixed_settings(config: &Config) -> FixedSettings {
    let named = config.origin("company.name").is_some();
    let text = |text: &String| SecretString::from(text.as_str());
    let given = [
        (Key::CompanyName, named.then(|| text(&config.company.name))),
        (Key::MailFrom, config.mail.from.as_ref().map(text)),
        (Key::SmtpUrl, config.mail.smtp_url.clone()),
        (Key::TelegramBotToken, config.telegram.bot_token.clone()),
    ];
    given.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn generic_service(config: &Config) -> Option<Settings> {
    let service = &config.providers.hmac_psp;
    let base_url = service.base_url.as_ref().filter(|_| service.enabled)?;
    Some(Settings {
        base_url: base_url.as_str().trim_end_matches('/').to_owned(),
        opening: match service.opening {
            Opening::Api => OpeningMode::Api,
            Opening::Link => OpeningMode::Link,
        },
        request_secrets: service.request_secrets.clone(),
        webhook_secrets: service.webhook_secrets.clone(),
        link_secret: service.link_secret.clone().unwrap_or_else(|| SecretString::from(String::new())),
        currencies: service.currencies.clone(),
        mode: if config.sandbox { Mode::Test } else { Mode::Live },
        networks: service.networks.clone(),
    })
}

/// Codes by SMS, if they are on. Their status callbacks go to `/api/webhooks/twilio`.
pub fn sms(config: &Config, http: &HttpClient) -> Result<Option<SmsService>, WiringError> {
    let sms = &config.sms;
    if !sms.enabled {
        return Ok(None);
    }
    let text = |given: &Option<String>| given.clone().unwrap_or_default();
    let base = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    let public_url = base(&config.public_url);
    let sending = match sms.mode {
        SmsMode::Messages => Sending::Messages {
            api_url: base(&sms.api_url),
            sender: match &sms.messaging_service_sid {
                Some(service) => Sender::Service(service.clone()),
                None => Sender::From(text(&sms.from)),
            },
            status_callback_url: format!("{public_url}/api/webhooks/twilio"),
        },
        SmsMode::Verify => {
            Sending::Verify { verify_url: base(&sms.verify_url), service_sid: text(&sms.verify_service_sid) }
        }
    };
    let api_key = sms.api_key_sid.clone().zip(sms.api_key_secret.clone());
    let settings = TwilioSettings {
        account_sid: text(&sms.account_sid),
        auth_tokens: sms.auth_tokens.clone(),
        api_key: api_key.map(|(sid, secret)| ApiKey { sid, secret }),
        sending,
    };
    let twilio = Twilio::new(settings, http.clone()).map_err(WiringError::peer("sms"))?;
    Ok(Some(SmsService {
        twilio,
        daily_cap: cap(sms.daily_cap),
        daily_cap_per_prefix: cap(sms.daily_cap_per_prefix),
        allowed_prefixes: sms.allowed_prefixes.clone(),
    }))
}

/// Zero turns a cap off.
fn cap(setting: u32) -> i64 {
    if setting == 0 { i64::MAX } else { setting.into() }
}

fn web_options(config: &Config) -> Result<WebOptions, WiringError> {
    let networks: Vec<String> = config.server.trusted_proxies.iter().map(ToString::to_string).collect();
    let trusted_proxies = TrustedProxies::parse(networks.iter().map(String::as_str));
    Ok(WebOptions {
        trusted_proxies: trusted_proxies.map_err(WiringError::peer("server.trusted_proxies"))?,
        cors_origins: config.server.cors_origins.clone(),
        https: config.public_url.scheme() == "https",
        sandbox: config.sandbox,
        limits: limits(&config.limits),
        telegram_link_url: config
            .telegram
            .link_url
            .as_ref()
            .map(|url| url.as_str().trim_end_matches('/').to_owned()),
        telegram_webhook_secret: config.telegram.webhook_secret.clone(),
    })
}

/// The whole of a minute may come at once.
fn limits(settings: &config::Limits) -> LimitSettings {
    LimitSettings {
        address: Limit::per_minute(settings.requests_per_address),
        user: Limit::per_minute(settings.requests_per_user),
        login_failures: Limit::per_minute(settings.login_failures_per_address),
        mails: Limit::per_minute(settings.mails_per_address),
        init_user: Limit::per_minute(settings.payments_per_user),
        init_address: Limit::per_minute(settings.payments_per_address),
        unverified_webhooks: Limit::per_minute(settings.unverified_webhooks_per_address),
        unverified_of_provider: Limit::per_minute(settings.unverified_webhooks_per_provider),
    }
}

fn update_source(config: &Config) -> UpdateSource {
    match (&config.telegram.updates, &config.telegram.webhook_secret) {
        (Updates::Webhook, Some(secret)) => UpdateSource::Webhook(secret.clone()),
        // Without a secret a webhook would believe nobody.
        _ => UpdateSource::Polling,
    }
}
