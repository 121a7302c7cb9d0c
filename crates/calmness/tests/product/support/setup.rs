//! How a world is made: the product wired like `serve` does it, over the simulated peers, on ports of the system's choice.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::clock::{Clock, ManualClock};
use application::database::{self, Rights};
use application::settings::Key;
use application::text::Locale;
use application::{Context, work};
use calmness::config::{Config, Environment, Opening};
use calmness::wiring;
use crypto::password::PasswordParams;
use domain::money::Currency;
use futures_util::future::BoxFuture;
use sandbox::{Advanced, BusinessClock, ClockError};
use secrecy::SecretString;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use web::{LimitSettings, WebOptions};

use super::database::Database;
use super::http::client;
use super::telegram::{CHAT, OTHER_CHAT};
use super::world::World;

/// What the payment service signs its events with.
pub(crate) const WEBHOOK_SECRET: &str = "the-tests-webhook-secret-0123456789";
const REQUEST_SECRET: &str = "the-tests-request-secret-0123456789";
const LINK_SECRET: &str = "the-tests-link-secret-0123456789";
pub(super) const BOT_TOKEN: &str = "4200000042:AAEtheTestsOwnBotTokenOfThirtyFive0";
/// What Telegram shows when it calls.
pub(crate) const TELEGRAM_SECRET: &str = "the-tests-telegram-secret-0123456789";
const TWILIO_ACCOUNT: &str = "AC000000000000000000000000000000e1";
const TWILIO_AUTH_TOKEN: &str = "the-tests-twilio-auth-token-0123456789";
const TWILIO_VERIFY_SERVICE: &str = "VA000000000000000000000000000000e1";
const SMS_SENDER: &str = "+15005550006";
const SECRET_KEY: &str = "dGhlIHRlc3RzJyBvd24gc2VjcmV0IGtleSwgd2hpY2ggaXMgbG9uZyBlbm91Z2g/Kz0wMTIzNDU2Nzg5";
pub(crate) const MOMO_USER: &str = "11111111-1111-4111-8111-111111111111";
pub(crate) const MOMO_KEY: &str = "the-tests-momo-key-0123456789abcdef";
pub(crate) const MOMO_COLLECTION: &str = "the-tests-momo-collection-0123456789";
pub(crate) const MOMO_DISBURSEMENT: &str = "the-tests-momo-disbursement-0123456789";
pub(crate) const FEDAPAY_KEY: &str = "sk_sandbox_the-tests-fedapay-key-0123456789";
pub(crate) const BTCPAY_KEY: &str = "the-tests-btcpay-key-0123456789abcdef";
pub(crate) const BTCPAY_WEBHOOK: &str = "the-tests-btcpay-webhook-0123456789abcdef";
pub(crate) const FEDAPAY_WEBHOOK: &str = "wh_sandbox_the-tests-fedapay-0123456789";
/// Where the company hears of alerts.
pub(crate) const COMPANY: &str = "company@example.com";

/// Hashing that costs nothing: what it costs in earnest is tried where it is implemented.
const CHEAP: PasswordParams = PasswordParams { memory_kib: 64, passes: 1, lanes: 1 };

/// What a world is made like.
pub(crate) struct Setup {
    opening: Opening,
    limits: LimitSettings,
    worker: bool,
    web: fn(&mut WebOptions),
    config: Box<dyn FnOnce(&mut Config) + Send>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            opening: Opening::Api,
            limits: LimitSettings::default(),
            worker: false,
            web: |_| {},
            config: Box::new(|_| {}),
        }
    }
}

impl Setup {
    /// Checkouts are opened by a signed address alone.
    pub(crate) fn with_links(self) -> Self {
        Self { opening: Opening::Link, ..self }
    }

    /// Otherwise there are none, so that no test meets one by accident.
    pub(crate) fn with_limits(self, limits: LimitSettings) -> Self {
        Self { limits, ..self }
    }

    /// Owed work is done in the background, as in `serve`.
    pub(crate) fn with_worker(self) -> Self {
        Self { worker: true, ..self }
    }

    pub(crate) fn with_web(self, web: fn(&mut WebOptions)) -> Self {
        Self { web, ..self }
    }

    pub(crate) fn with_config(self, config: impl FnOnce(&mut Config) + Send + 'static) -> Self {
        Self { config: Box::new(config), ..self }
    }

    pub(crate) async fn start(self) -> World {
        let database = Database::new().await;
        let clock = Arc::new(ManualClock::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = format!("http://{address}");
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        let peers = sandbox::Sandbox::bind(sandbox_config(&base), Arc::new(Handle(Arc::clone(&clock))))
            .await
            .unwrap();
        let (peers_http, peers_smtp) = (peers.http_addr(), peers.smtp_addr());
        tasks.spawn({
            let stop = stop.clone();
            async move { drop(peers.serve(stop).await) }
        });
        let mut config = product_config(&base, &database.url(), peers_http, peers_smtp, self.opening);
        (self.config)(&mut config);
        let owner = database::connect(&database.url(), Rights::OfLogin, 2).await.unwrap();
        let service = database::connect(&database.url(), Rights::OfService, 12).await.unwrap();
        let wired =
            wiring::wire_with(&config, Arc::<ManualClock>::clone(&clock), CHEAP, service).await.unwrap();
        let app = wired.app;
        for (key, value) in
            [(Key::TelegramChannelId, CHAT.to_string()), (Key::CompanyEmail, COMPANY.to_owned())]
        {
            app.set_setting(&Context::operator(), key, &value).await.unwrap();
        }
        let mut options = WebOptions { limits: self.limits, ..wired.web };
        (self.web)(&mut options);
        let router = web::router(app.clone(), options).into_make_service_with_connect_info::<SocketAddr>();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        tasks.spawn({
            let (app, updates, stop) = (app.clone(), wired.updates, stop.clone());
            async move { app.run_bot(updates, stop).await }
        });
        tasks.spawn({
            let app = app.clone();
            async move { app.keep_revocations_fresh().await }
        });
        let worker = self.worker.then(|| {
            let stop = CancellationToken::new();
            (tokio::spawn(work::run(app.clone(), stop.clone())), stop)
        });
        let sandbox = format!("http://{peers_http}");
        let server_errors = Mutex::default();
        let http = client();
        let database = Some(database);
        let world = World {
            app,
            clock,
            owner,
            base,
            sandbox,
            http,
            server_errors,
            stop,
            tasks,
            worker,
            config,
            database,
        };
        world.until("the bot is introduced", async || world.app.bot_username().is_some()).await;
        world
    }
}

/// The sandbox's handle of the clock. A test says itself when what became due is done.
struct Handle(Arc<ManualClock>);

impl BusinessClock for Handle {
    fn now(&self) -> BoxFuture<'_, Result<OffsetDateTime, ClockError>> {
        Box::pin(async move {
            self.0.now().await.map(|now| now.business).map_err(|error| ClockError(error.to_string()))
        })
    }

    fn advance(&self, seconds: u64) -> BoxFuture<'_, Result<Advanced, ClockError>> {
        Box::pin(async move {
            self.0.advance(time::Duration::seconds(seconds.cast_signed()));
            let now = self.now().await?;
            let offset_seconds = (now - self.0.wall()).whole_seconds().unsigned_abs();
            Ok(Advanced { now, offset_seconds, still_due: Vec::new() })
        })
    }

    fn wall(&self) -> OffsetDateTime {
        self.0.wall()
    }
}

fn sandbox_config(product: &str) -> sandbox::Config {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    sandbox::Config {
        http: any_port,
        smtp: any_port,
        psp: sandbox::PspConfig {
            request_secret: REQUEST_SECRET.to_owned(),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            link_secret: LINK_SECRET.to_owned(),
            webhook_url: format!("{product}/api/webhooks/hmac_psp"),
            event_retry: [10, 20, 50, 100, 200].map(Duration::from_millis).to_vec(),
        },
        providers: sandbox::ProvidersConfig {
            stripe: sandbox::StripeConfig::default(),
            paypal: sandbox::PaypalConfig::default(),
            btcpay: sandbox::BtcPayConfig {
                store_id: "TheTestsStore".to_owned(),
                api_key: BTCPAY_KEY.to_owned(),
                webhook_secret: BTCPAY_WEBHOOK.to_owned(),
            },
            mtn_momo: sandbox::MtnMomoConfig {
                api_user: MOMO_USER.to_owned(),
                api_key: MOMO_KEY.to_owned(),
                collection_key: MOMO_COLLECTION.to_owned(),
                disbursement_key: MOMO_DISBURSEMENT.to_owned(),
            },
            fedapay: sandbox::FedaPayConfig {
                secret_key: FEDAPAY_KEY.to_owned(),
                webhook_secret: FEDAPAY_WEBHOOK.to_owned(),
            },
        },
        telegram: sandbox::TelegramConfig {
            bot_token: BOT_TOKEN.to_owned(),
            bot_username: "signaux_test_bot".to_owned(),
            chats: vec![
                sandbox::ChatConfig { id: CHAT, title: "Signaux".to_owned() },
                sandbox::ChatConfig { id: OTHER_CHAT, title: "Talk".to_owned() },
            ],
        },
        sms: sandbox::SmsConfig {
            account_sid: TWILIO_ACCOUNT.to_owned(),
            auth_token: TWILIO_AUTH_TOKEN.to_owned(),
            from: SMS_SENDER.to_owned(),
            messaging_service_sid: "MG000000000000000000000000000000e1".to_owned(),
            verify_service_sid: TWILIO_VERIFY_SERVICE.to_owned(),
            delivery_step: Duration::from_millis(5),
        },
        state_file: None,
        product_url: product.to_owned(),
    }
}

fn product_config(
    base: &str,
    database: &SecretString,
    peers_http: SocketAddr,
    peers_smtp: SocketAddr,
    opening: Opening,
) -> Config {
    let secret = |text: &str| Some(SecretString::from(text));
    let mut config = Config::default();
    config.environment = Environment::Development;
    config.public_url = base.parse().unwrap();
    config.default_locale = Locale::Fr;
    config.secret_key = secret(SECRET_KEY);
    config.sandbox = true;
    config.database.url = Some(database.clone());
    config.mail.smtp_url = secret(&format!("smtp://{peers_smtp}"));
    config.mail.from = Some("Signaux <no-reply@example.com>".to_owned());
    config.telegram.api_url = format!("http://{peers_http}").parse().unwrap();
    config.telegram.bot_token = secret(BOT_TOKEN);
    config.telegram.webhook_secret = secret(TELEGRAM_SECRET);
    let psp = &mut config.providers.hmac_psp;
    psp.enabled = true;
    psp.base_url = Some(format!("http://{peers_http}/psp").parse().unwrap());
    psp.opening = opening;
    psp.request_secrets = vec![REQUEST_SECRET.into()];
    psp.webhook_secrets = vec![WEBHOOK_SECRET.into()];
    psp.link_secret = secret(LINK_SECRET);
    psp.currencies = vec![Currency::Eur, Currency::Xof, Currency::Xaf];
    let sms = &mut config.sms;
    sms.enabled = true;
    sms.api_url = format!("http://{peers_http}/twilio").parse().unwrap();
    sms.verify_url = sms.api_url.clone();
    sms.account_sid = Some(TWILIO_ACCOUNT.to_owned());
    sms.auth_tokens = vec![TWILIO_AUTH_TOKEN.into()];
    sms.from = Some(SMS_SENDER.to_owned());
    sms.verify_service_sid = Some(TWILIO_VERIFY_SERVICE.to_owned());
    config
}
