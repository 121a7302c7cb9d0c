//! The sandbox alone, with a clock of its own: to look at the pages, or to try another product against it.
//!
//! `cargo run -p sandbox --example standalone -- [http port] [smtp port] [product's address] [state file]`

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::future::{BoxFuture, FutureExt};
use sandbox::{
    Advanced, BtcPayConfig, BusinessClock, ChatConfig, ClockError, Config, FedaPayConfig, MtnMomoConfig,
    ProvidersConfig, PspConfig, Sandbox, SmsConfig, TelegramConfig, default_event_retry,
};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;

/// The system's time plus what it was moved forward.
#[derive(Default)]
struct MovedClock(AtomicU64);

impl BusinessClock for MovedClock {
    fn now(&self) -> BoxFuture<'_, Result<OffsetDateTime, ClockError>> {
        async { Ok(self.wall() + Duration::from_secs(self.0.load(Ordering::Acquire))) }.boxed()
    }

    fn advance(&self, seconds: u64) -> BoxFuture<'_, Result<Advanced, ClockError>> {
        async move {
            let offset_seconds = self.0.fetch_add(seconds, Ordering::AcqRel) + seconds;
            let now = self.wall() + Duration::from_secs(offset_seconds);
            Ok(Advanced { now, offset_seconds, still_due: Vec::new() })
        }
        .boxed()
    }

    #[expect(clippy::disallowed_methods, reason = "this example is the one who gives the time")]
    fn wall(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1);
    let mut port = || arguments.next().map_or(Ok(0), |port| port.parse::<u16>());
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let (http, smtp) = (loopback(port()?), loopback(port()?));
    let product_url = arguments.next().unwrap_or_else(|| "http://127.0.0.1:8080".to_owned());
    let config = Config {
        http,
        smtp,
        psp: PspConfig {
            request_secret: "request-secret".to_owned(),
            webhook_secret: "webhook-secret".to_owned(),
            link_secret: "link-secret".to_owned(),
            webhook_url: format!("{product_url}/api/webhooks/hmac_psp"),
            event_retry: default_event_retry(),
        },
        providers: ProvidersConfig {
            stripe: sandbox::StripeConfig::default(),
            paypal: sandbox::PaypalConfig::default(),
            btcpay: BtcPayConfig {
                store_id: "SandboxStore".to_owned(),
                api_key: "btcpay-key".to_owned(),
                webhook_secret: "btcpay-webhook-secret".to_owned(),
            },
            mtn_momo: MtnMomoConfig {
                api_user: "11111111-1111-4111-8111-111111111111".to_owned(),
                api_key: "api-key".to_owned(),
                collection_key: "collection-key".to_owned(),
                disbursement_key: "disbursement-key".to_owned(),
            },
            fedapay: FedaPayConfig {
                secret_key: "sk_sandbox_standalone".to_owned(),
                webhook_secret: "wh_sandbox_standalone".to_owned(),
            },
        },
        telegram: TelegramConfig {
            bot_token: "42:standalone".to_owned(),
            bot_username: "calmness_bot".to_owned(),
            chats: vec![ChatConfig { id: -1_001_000_000_001, title: "Signaux".to_owned() }],
        },
        sms: SmsConfig {
            account_sid: "AC0123456789abcdef0123456789abcdef".to_owned(),
            auth_token: "auth-token".to_owned(),
            from: "+15005550006".to_owned(),
            messaging_service_sid: "MG0123456789abcdef0123456789abcdef".to_owned(),
            verify_service_sid: "VA0123456789abcdef0123456789abcdef".to_owned(),
            delivery_step: Duration::from_millis(500),
        },
        state_file: arguments.next().map(Into::into),
        product_url,
    };
    let sandbox = Sandbox::bind(config, Arc::new(MovedClock::default())).await?;
    tracing::info!(http = %sandbox.http_addr(), smtp = %sandbox.smtp_addr(), "sandbox ready");
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.cancel();
        }
    });
    sandbox.serve(shutdown).await?;
    Ok(())
}
