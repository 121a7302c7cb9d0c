//! Request limits, by address and by user (R1, SEC-48, 51).
//!
//! Whole towns share an address behind carrier NAT, so logins count per address only where they fail, and callbacks
//! only where they could not be verified.

mod engine;

use std::fmt::Display;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub use self::engine::{InMemory, Named, RateLimiter};
use super::address::ClientAddress;
use crate::problem::Problem;
use crate::state::WebState;

/// A burst, and how much comes back each minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// So many at once.
    pub burst: u32,
    /// So many come back each minute.
    pub per_minute: u32,
}

/// The limits in force; the default is none at all.
#[derive(Clone, Copy, Debug, Default)]
pub struct LimitSettings {
    /// Every request of one address.
    pub address: Limit,
    /// Every request of one user.
    pub user: Limit,
    /// Failed logins of one address.
    pub login_failures: Limit,
    /// Sign-ups and resends of one address: each sends a mail.
    pub mails: Limit,
    /// Payments opened by one user.
    pub init_user: Limit,
    /// Payments opened from one address.
    pub init_address: Limit,
    /// Callbacks of one address that could not be verified.
    pub unverified_webhooks: Limit,
    /// Callbacks in one provider's name that could not be verified, from wherever they came.
    pub unverified_of_provider: Limit,
}

impl Limit {
    /// So many each minute, all of them at once if need be; zero is no limit.
    pub const fn per_minute(count: u32) -> Self {
        Self { burst: count, per_minute: count }
    }
}

/// One limit with its counts.
pub struct Bucket {
    named: Named,
    engine: Arc<dyn RateLimiter>,
}

impl Bucket {
    fn new(engine: &Arc<dyn RateLimiter>, name: &'static str, limit: Limit) -> Self {
        Self { named: Named { name, limit }, engine: Arc::clone(engine) }
    }

    /// Counts one, or refuses.
    pub async fn take(&self, key: impl Display) -> Result<(), Exceeded> {
        if self.named.limit.burst == 0 {
            return Ok(());
        }
        let wait = self.engine.take(self.named, &key.to_string()).await;
        wait.map_or(Ok(()), |wait| Err(self.exceeded(wait)))
    }

    const fn exceeded(&self, wait: Duration) -> Exceeded {
        Exceeded { name: self.named.name, limit: self.named.limit, wait }
    }
}

/// A limit on failures: who has failed too often is refused before anything is tried, and only failures count.
pub struct Failures(Bucket);

impl Failures {
    /// Refuses whoever has used their failures up.
    pub async fn check(&self, key: impl Display) -> Result<(), Exceeded> {
        let wait = self.0.engine.refused_for(self.0.named, &key.to_string()).await;
        wait.map_or(Ok(()), |wait| Err(self.0.exceeded(wait)))
    }

    /// Counts a failure.
    pub async fn count(&self, key: impl Display) {
        // Too many are refused by the next look.
        let _exceeded = self.0.take(key).await;
    }
}

/// Every limit with its counts.
pub struct Limits {
    /// Every request of one address.
    pub address: Bucket,
    /// Every request of one user.
    pub user: Bucket,
    /// Failed logins of one address.
    pub login_failures: Failures,
    /// Sign-ups and resends of one address.
    pub mails: Bucket,
    /// Payments opened by one user.
    pub init_user: Bucket,
    /// Payments opened from one address.
    pub init_address: Bucket,
    /// Unverified callbacks of one address.
    pub unverified_webhooks: Failures,
    /// Unverified callbacks in one provider's name.
    pub unverified_of_provider: Failures,
}

impl Limits {
    /// Every limit, counted by this engine.
    pub fn new(settings: LimitSettings, engine: &Arc<dyn RateLimiter>) -> Self {
        let bucket = |name, limit| Bucket::new(engine, name, limit);
        Self {
            address: bucket("address", settings.address),
            user: bucket("user", settings.user),
            login_failures: Failures(bucket("login-failures", settings.login_failures)),
            mails: bucket("mails", settings.mails),
            init_user: bucket("init-user", settings.init_user),
            init_address: bucket("init-address", settings.init_address),
            unverified_webhooks: Failures(bucket("unverified-webhooks", settings.unverified_webhooks)),
            unverified_of_provider: Failures(bucket("unverified-of-provider", settings.unverified_of_provider)),
        }
    }
}

/// A limit was exceeded.
#[derive(Clone, Copy, Debug)]
pub struct Exceeded {
    name: &'static str,
    limit: Limit,
    wait: Duration,
}

impl Exceeded {
    /// The wait of an account after failures in a row, which is counted in the database (SEC-48).
    pub(crate) const fn failures_in_a_row(wait: Duration) -> Self {
        Self { name: "failures", limit: Limit { burst: 1, per_minute: 60 }, wait }
    }

    /// Until the next one is let through, in whole seconds.
    pub const fn wait_seconds(&self) -> u64 {
        self.wait.as_secs() + 1
    }

    /// `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let window = u64::from(self.limit.burst) * 60 / u64::from(self.limit.per_minute.max(1));
        let fields = [
            ("ratelimit", format!("\"{}\";r=0;t={}", self.name, self.wait_seconds())),
            ("ratelimit-policy", format!("\"{}\";q={};w={}", self.name, self.limit.burst, window.max(1))),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// The address that counts: IPv6 by /64 (SEC-50).
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// The general limit of one address.
pub(super) async fn limit_address(State(state): State<WebState>, request: Request, next: Next) -> Response {
    if let Some(ClientAddress(address)) = request.extensions().get().copied() {
        let provider_call = request.uri().path().starts_with("/api/webhooks/");
        if !provider_call && let Err(exceeded) = state.limits.address.take(counted(address)).await {
            return Problem::from(exceeded).into_response();
        }
    }
    next.run(request).await
}
