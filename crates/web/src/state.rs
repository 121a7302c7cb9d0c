//! What every handler can reach.

use std::sync::Arc;

use application::App;
use secrecy::SecretString;

use crate::middleware::address::TrustedProxies;
use crate::middleware::limits::{InMemory, LimitSettings, Limits, RateLimiter};

/// What the operator decides about the door.
#[derive(Clone, Debug, Default)]
pub struct WebOptions {
    /// Networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// Origins that may call the API from a browser, exactly as they say themselves.
    pub cors_origins: Vec<String>,
    /// Whether people reach us by HTTPS: cookies are `Secure` and HSTS is told.
    pub https: bool,
    /// Whether pages say that no real money moves here.
    pub sandbox: bool,
    /// Request limits.
    pub limits: LimitSettings,
    /// Where the pages lead people instead of `https://t.me`, without a trailing slash: a sandbox's stand-in.
    pub telegram_link_url: Option<String>,
    /// The secret that Telegram's webhook calls carry; none refuses them all.
    pub telegram_webhook_secret: Option<SecretString>,
}

/// What every handler can reach.
#[derive(Clone)]
pub struct WebState {
    /// The product.
    pub app: App,
    /// What the operator decided about the door.
    pub options: Arc<WebOptions>,
    /// Counters in memory.
    pub limits: Arc<Limits>,
}

impl WebState {
    /// The state of one server.
    pub fn new(app: App, options: WebOptions) -> Self {
        let limits =
            Arc::new(Limits::new(options.limits, &(Arc::<InMemory>::default() as Arc<dyn RateLimiter>)));
        Self { app, options: Arc::new(options), limits }
    }
}
