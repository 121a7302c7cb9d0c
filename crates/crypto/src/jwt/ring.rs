//! The keys of access tokens: which one signs, and which still verify.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header};

use super::{AccessTokensError, TYPE};
use crate::key::Key;

/// A key of the ring. Times are in whole seconds since 1970, by the wall clock.
#[derive(Debug, Clone)]
pub struct SigningKey {
    /// The key.
    pub key: Key,
    /// From this second on it signs, until a newer one does.
    pub signs_from: i64,
    /// From this second on nothing under it is believed, and it signs no more: 30 minutes after a newer key
    /// began to sign (SEC-16), or the moment it was revoked. `i64::MAX` while nothing follows it.
    pub verifies_until: i64,
}

impl SigningKey {
    /// The only key of a ring: it signs always.
    pub fn sole(key: Key) -> Self {
        Self { key, signs_from: i64::MIN, verifies_until: i64::MAX }
    }
}

pub(super) struct RingKey {
    pub(super) kid: String,
    pub(super) header: Header,
    pub(super) signing: EncodingKey,
    pub(super) verifying: DecodingKey,
    signs_from: i64,
    verifies_until: i64,
}

/// The keys, the newest last.
pub(super) struct Ring(Vec<RingKey>);

impl Ring {
    pub(super) fn new(keys: &[SigningKey]) -> Result<Self, AccessTokensError> {
        if keys.is_empty() {
            return Err(AccessTokensError::NoKey);
        }
        let mut ring: Vec<RingKey> = Vec::with_capacity(keys.len());
        for SigningKey { key, signs_from, verifies_until } in keys {
            let kid = key.id();
            if ring.iter().any(|known| known.kid == kid) {
                return Err(AccessTokensError::DuplicateKey);
            }
            let mut header = Header::new(Algorithm::HS256);
            header.typ = Some(TYPE.to_owned());
            header.kid = Some(kid.clone());
            ring.push(RingKey {
                kid,
                header,
                signing: EncodingKey::from_secret(key.expose()),
                verifying: DecodingKey::from_secret(key.expose()),
                signs_from: *signs_from,
                verifies_until: *verifies_until,
            });
        }
        // Of two that began in one second the name decides, so that every instance signs with the same.
        ring.sort_by(|left, right| (left.signs_from, &left.kid).cmp(&(right.signs_from, &right.kid)));
        Ok(Self(ring))
    }

    /// The newest key whose time to sign has come and whose tokens are believed.
    pub(super) fn signing_at(&self, now: i64) -> Option<&RingKey> {
        self.0.iter().rev().find(|key| key.signs_from <= now && now < key.verifies_until)
    }

    /// The key of this name, if it is believed now. One that does not sign yet verifies: the clock of the
    /// instance that signed may be ahead of ours.
    pub(super) fn verifying_at(&self, kid: &str, now: i64) -> Option<&RingKey> {
        self.0.iter().find(|key| key.kid == kid && now < key.verifies_until)
    }

    pub(super) fn kids(&self) -> Vec<&str> {
        self.0.iter().map(|key| key.kid.as_str()).collect()
    }
}
