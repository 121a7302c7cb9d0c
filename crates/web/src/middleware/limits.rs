//! Request limits in memory, by address and by user (R1, SEC-48, 51).
//!
//! Whole towns share an address behind carrier NAT, so logins count per address only where they fail, and callbacks
//! only where they could not be verified.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::ids::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::address::ClientAddress;
use crate::problem::Problem;
use crate::state::WebState;

/// After so many checks the keys that have recovered are forgotten, so that memory stays bounded.
const FORGET_EVERY: u32 = 10_000;

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
}

impl Limit {
    /// So many each minute, all of them at once if need be; zero is no limit.
    pub const fn per_minute(count: u32) -> Self {
        Self { burst: count, per_minute: count }
    }
}

/// One limit with its counters.
pub struct Bucket<K: Hash + Eq + Clone> {
    name: &'static str,
    limit: Limit,
    /// None where there is no limit.
    limiter: Option<DefaultKeyedRateLimiter<K>>,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Bucket<K> {
    fn new(name: &'static str, limit: Limit) -> Self {
        let limiter = NonZeroU32::new(limit.burst).zip(NonZeroU32::new(limit.per_minute));
        let limiter = limiter
            .map(|(burst, per_minute)| RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(burst)));
        Self { name, limit, limiter, checks: AtomicU32::new(0) }
    }

    /// Counts one, or refuses.
    pub fn take(&self, key: &K) -> Result<(), Exceeded> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|refused| Exceeded {
            name: self.name,
            limit: self.limit,
            wait: refused.wait_time_from(DefaultClock::default().now()),
        })
    }
}

/// A limit on failures: who has failed too often is refused before anything is tried, and only failures count.
pub struct Failures {
    bucket: Bucket<IpAddr>,
    refused_until: Mutex<HashMap<IpAddr, Instant>>,
}

impl Failures {
    fn new(name: &'static str, limit: Limit) -> Self {
        Self { bucket: Bucket::new(name, limit), refused_until: Mutex::default() }
    }

    /// Refuses an address that has used its failures up.
    pub fn check(&self, address: IpAddr) -> Result<(), Exceeded> {
        let now = Instant::now();
        let mut refused = self.refused_until.lock().unwrap_or_else(PoisonError::into_inner);
        match refused.get(&address) {
            Some(until) if now < *until => {
                Err(Exceeded { name: self.bucket.name, limit: self.bucket.limit, wait: *until - now })
            }
            Some(_) => {
                refused.remove(&address);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Counts a failure.
    pub fn count(&self, address: IpAddr) {
        if let Err(exceeded) = self.bucket.take(&address) {
            let mut refused = self.refused_until.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            refused.retain(|_, until| now < *until);
            refused.insert(address, now + exceeded.wait);
        }
    }
}

/// Every limit with its counters.
pub struct Limits {
    /// Every request of one address.
    pub address: Bucket<IpAddr>,
    /// Every request of one user.
    pub user: Bucket<UserId>,
    /// Failed logins of one address.
    pub login_failures: Failures,
    /// Sign-ups and resends of one address.
    pub mails: Bucket<IpAddr>,
    /// Payments opened by one user.
    pub init_user: Bucket<UserId>,
    /// Payments opened from one address.
    pub init_address: Bucket<IpAddr>,
    /// Unverified callbacks of one address.
    pub unverified_webhooks: Failures,
}

impl Limits {
    /// Fresh counters.
    pub fn new(settings: LimitSettings) -> Self {
        Self {
            address: Bucket::new("address", settings.address),
            user: Bucket::new("user", settings.user),
            login_failures: Failures::new("login-failures", settings.login_failures),
            mails: Bucket::new("mails", settings.mails),
            init_user: Bucket::new("init-user", settings.init_user),
            init_address: Bucket::new("init-address", settings.init_address),
            unverified_webhooks: Failures::new("unverified-webhooks", settings.unverified_webhooks),
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
        if !provider_call && let Err(exceeded) = state.limits.address.take(&counted(address)) {
            return Problem::from(exceeded).into_response();
        }
    }
    next.run(request).await
}
