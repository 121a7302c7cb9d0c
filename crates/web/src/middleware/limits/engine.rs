//! Where counts are kept. One engine keeps them in this process; an engine that several processes share fits behind the
//! same trait.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use super::Limit;

/// After so many checks the keys that have recovered are forgotten, so that memory stays bounded.
const FORGET_EVERY: u32 = 10_000;

/// A limit by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The name, in answers and as the place of the counts.
    pub name: &'static str,
    /// A burst, and how much comes back each minute.
    pub limit: Limit,
}

/// Counts what keys do, in one atomic step each.
pub trait RateLimiter: Send + Sync {
    /// Counts one for a key. Where it is too much: how long until the next is let through.
    fn take<'a>(&'a self, limit: Named, key: &'a str) -> BoxFuture<'a, Option<Duration>>;

    /// How long a key that took too much is still refused. Counts nothing.
    fn refused_for<'a>(&'a self, limit: Named, key: &'a str) -> BoxFuture<'a, Option<Duration>>;
}

/// Counts in this process.
#[derive(Default)]
pub struct InMemory(RwLock<HashMap<&'static str, Arc<Counts>>>);

struct Counts {
    limiter: DefaultKeyedRateLimiter<String>,
    refused_until: Mutex<HashMap<String, Instant>>,
    checks: AtomicU32,
}

impl InMemory {
    /// The counts of a limit; none where there is no limit.
    fn counts(&self, Named { name, limit }: Named) -> Option<Arc<Counts>> {
        let (burst, per_minute) = NonZeroU32::new(limit.burst).zip(NonZeroU32::new(limit.per_minute))?;
        if let Some(counts) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Some(Arc::clone(counts));
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let fresh = || {
            let limiter = governor::RateLimiter::keyed(Quota::per_minute(per_minute).allow_burst(burst));
            Arc::new(Counts { limiter, refused_until: Mutex::default(), checks: AtomicU32::new(0) })
        };
        Some(Arc::clone(all.entry(name).or_insert_with(fresh)))
    }
}

impl Counts {
    fn take(&self, key: &str) -> Option<Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let refused = self.limiter.check_key(&key.to_owned()).err()?;
        let wait = refused.wait_time_from(DefaultClock::default().now());
        let now = Instant::now();
        let mut refused = self.refused_until.lock().unwrap_or_else(PoisonError::into_inner);
        refused.retain(|_, until| now < *until);
        refused.insert(key.to_owned(), now + wait);
        Some(wait)
    }

    fn refused_for(&self, key: &str) -> Option<Duration> {
        let refused = self.refused_until.lock().unwrap_or_else(PoisonError::into_inner);
        let wait = refused.get(key)?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }
}

impl RateLimiter for InMemory {
    fn take<'a>(&'a self, limit: Named, key: &'a str) -> BoxFuture<'a, Option<Duration>> {
        Box::pin(async move { self.counts(limit)?.take(key) })
    }

    fn refused_for<'a>(&'a self, limit: Named, key: &'a str) -> BoxFuture<'a, Option<Duration>> {
        Box::pin(async move { self.counts(limit)?.refused_for(key) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Named = Named { name: "tests", limit: Limit { burst: 3, per_minute: 60 } };

    #[tokio::test]
    async fn a_burst_is_let_through_and_the_next_one_waits() {
        let engine = InMemory::default();
        for _ in 0..3 {
            assert_eq!(engine.take(LIMIT, "a").await, None);
        }
        let wait = engine.take(LIMIT, "a").await.unwrap();
        assert!(wait <= Duration::from_secs(1), "{wait:?}");
        assert!(engine.refused_for(LIMIT, "a").await.is_some());
        assert_eq!(engine.take(LIMIT, "b").await, None, "another key");
        assert_eq!(engine.refused_for(LIMIT, "b").await, None);
        assert_eq!(engine.take(Named { name: "others", ..LIMIT }, "a").await, None, "another limit");
    }

    #[tokio::test]
    async fn zero_is_no_limit() {
        let engine = InMemory::default();
        let none = Named { name: "none", limit: Limit::default() };
        for _ in 0..1_000 {
            assert_eq!(engine.take(none, "a").await, None);
        }
        assert_eq!(engine.refused_for(none, "a").await, None);
    }
}
