//! Callbacks that could not be verified: nothing of them is stored but a count, one audit entry per provider, network
//! and minute with the hash of the last body (P4). A stranger can't fill the database.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use crate::actor::{Actor, Context};
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

/// How many (provider, network, minute) are counted apart; what comes above is counted together.
const MAX_COUNTED: usize = 1_024;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Source {
    provider: String,
    network: String,
    minute: i64,
}

#[derive(Clone, Debug)]
struct Count {
    refused: u64,
    last_reason: String,
    last_body_sha256: String,
}

/// The counts of the running minute.
#[derive(Default)]
pub struct Refusals(Mutex<HashMap<Source, Count>>);

impl Refusals {
    /// Counts one refused callback.
    pub fn count(&self, provider: &str, address: Option<IpAddr>, body: &[u8], reason: &str, wall: Instant) {
        let minute = wall.unix_timestamp().div_euclid(60);
        let mut source = Source { provider: provider.to_owned(), network: network(address), minute };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MAX_COUNTED && !counts.contains_key(&source) {
            "others".clone_into(&mut source.network);
        }
        let count = counts.entry(source).or_insert_with(|| Count {
            refused: 0,
            last_reason: String::new(),
            last_body_sha256: String::new(),
        });
        count.refused += 1;
        reason.clone_into(&mut count.last_reason);
        count.last_body_sha256 = hex::encode(crypto::fingerprint::sha256(body));
    }

    fn take(&self, wall: Instant, unfinished_too: bool) -> Vec<(Source, Count)> {
        let minute = wall.unix_timestamp().div_euclid(60);
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.extract_if(|source, _| unfinished_too || source.minute < minute).collect()
    }
}

/// The network that an address is counted under: /24, or /48 for IPv6.
fn network(address: Option<IpAddr>) -> String {
    match address {
        None => "unknown".to_owned(),
        Some(IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        Some(IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

impl App {
    /// Counts a call of somebody who says to be Telegram without its secret.
    pub fn count_refused_update(&self, context: &Context, body: &[u8]) {
        self.refusals().count("telegram", context.address, body, "wrong secret", self.clock().wall());
    }

    /// Writes the counts of finished minutes to the audit log; at the end of the process all of them.
    pub(crate) async fn flush_refusals(&self, unfinished_too: bool) -> Result<(), StoreError> {
        for (source, count) in self.refusals().take(self.clock().wall(), unfinished_too) {
            let context = Context { actor: Actor::Anonymous, request_id: None, address: None };
            self.tx("webhooks_refused", &context, |tx| {
                let entry = audit::Entry {
                    action: "webhook.refused",
                    subject_kind: "provider",
                    subject_id: source.provider.clone(),
                    user: None,
                    details: json!({
                        "network": source.network,
                        "minute": source.minute * 60,
                        "count": count.refused,
                        "last_reason": count.last_reason,
                        "last_body_sha256": count.last_body_sha256,
                    }),
                };
                async move { audit::record(tx, entry).await }.scope_boxed()
            })
            .await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_network_and_minute_without_end() {
        let refusals = Refusals::default();
        let start = Instant::UNIX_EPOCH;
        for last in 0..=255 {
            refusals.count("hmac_psp", Some(IpAddr::from([192, 0, 2, last])), b"x", "forged", start);
        }
        assert!(refusals.take(start, false).is_empty(), "the minute is not over");
        let over = refusals.take(start + domain::time::Duration::MINUTE, false);
        assert_eq!(over.len(), 1);
        assert_eq!((over[0].1.refused, over[0].0.network.as_str()), (256, "192.0.2.0/24"));
        for number in 0..u32::try_from(MAX_COUNTED).unwrap() + 100 {
            let address = IpAddr::from((number << 8).to_be_bytes());
            refusals.count("hmac_psp", Some(address), b"x", "forged", start);
        }
        assert_eq!(refusals.take(start, true).len(), MAX_COUNTED + 1);
    }
}
