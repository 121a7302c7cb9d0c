//! Failures in a row, and the wait that grows with them (SEC-11, SEC-48).
//!
//! A try is counted before it is made, in one statement: however many come at once, none slips between the look and
//! the count. Success forgives. Tries of one key take turns within an instance, so that people who type the right
//! password on two devices at the same moment don't stand in each other's way.

use std::time::Duration as StdDuration;

use crypto::key::Key;
use domain::ids::{DeviceId, UserId};
use sqlx::PgPool;
use tokio::sync::{Mutex, MutexGuard};

use super::IdentityError;
use crate::app::App;
use crate::tx::{StoreError, Tx};

/// The first failures cost nothing but the failure; from then on each doubles the wait, from a second to an hour. Codes
/// are mistyped more often, and five wrong ones end their challenge anyway.
const FREE_PASSWORDS: i32 = 3;
const FREE_CODES: i32 = 6;
const LONGEST_WAIT_SECONDS: u32 = 3_600;
/// After so many in a row only a known device or a mailed link helps.
const MOST_FAILURES: i32 = 100;
/// When the owner of the account hears of it; of wrong codes sooner, since whoever types them knows the password.
pub(super) const NOTEWORTHY_FAILURES: i32 = 10;
pub(super) const NOTEWORTHY_CODES: i32 = 5;

/// How long a try waits for its turn before its client is told to come back.
const MAX_WAIT: StdDuration = StdDuration::from_secs(2);
const STRIPES: usize = 256;

/// Whose failures are counted. The stored key is a MAC: unknown addresses are counted like known ones, and nobody
/// reads them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Counted<'a> {
    /// Passwords for an address, from anywhere.
    Address(&'a str),
    /// Passwords from one device that its owner has used before.
    Device(DeviceId),
    /// Codes of an account, from anywhere.
    Codes(UserId),
    /// Codes from one known device.
    DeviceCodes(DeviceId),
    /// Passwords that are asked again of somebody who is logged in.
    Proof(UserId),
}

impl Counted<'_> {
    const fn first_to_wait(self) -> i32 {
        match self {
            Self::Address(_) | Self::Device(_) | Self::Proof(_) => FREE_PASSWORDS,
            Self::Codes(_) | Self::DeviceCodes(_) => FREE_CODES,
        }
    }

    fn key(self, key: &Key) -> [u8; 32] {
        match self {
            Self::Address(address) => key.mac(&[b"address", address.as_bytes()]),
            Self::Device(device) => key.mac(&[b"device", device.uuid().as_bytes()]),
            Self::Codes(user) => key.mac(&[b"codes", user.uuid().as_bytes()]),
            Self::DeviceCodes(device) => key.mac(&[b"device-codes", device.uuid().as_bytes()]),
            Self::Proof(user) => key.mac(&[b"proof", user.uuid().as_bytes()]),
        }
    }
}

/// The turns that tries take, by key.
pub(crate) struct Turns(Vec<Mutex<()>>);

impl Default for Turns {
    fn default() -> Self {
        Self((0..STRIPES).map(|_| Mutex::default()).collect())
    }
}

/// A try that was counted. Unless it is forgiven it stays a failure.
pub(super) struct Try<'a> {
    key: [u8; 32],
    /// How many in a row this one would make, if it fails.
    pub(super) failures: i32,
    _turn: MutexGuard<'a, ()>,
}

impl App {
    /// Counts a try, or refuses it without any more work.
    pub(super) async fn count_try(&self, counted: Counted<'_>) -> Result<Try<'_>, IdentityError> {
        let key = counted.key(self.keys().address_index());
        let stripe = &self.turns().0[usize::from(key[0]) % STRIPES];
        let turn = tokio::time::timeout(MAX_WAIT, stripe.lock()).await.map_err(|_| IdentityError::Busy)?;
        let wall = self.clock().wall();
        let failures = sqlx::query_scalar!(
            "INSERT INTO guess_counters AS known (key, failures, retry_at, counted_at)
             VALUES ($1, 1, $2, $2)
             ON CONFLICT (key) DO UPDATE
             SET failures = known.failures + 1,
                 counted_at = $2,
                 retry_at = $2 + make_interval(secs => CASE
                     WHEN known.failures + 1 < $3 THEN 0
                     ELSE least(2 ^ least(known.failures + 1 - $3, 20), $4)
                 END)
             WHERE known.retry_at <= $2 AND known.failures < $5
             RETURNING failures",
            key.as_slice(),
            wall,
            counted.first_to_wait(),
            f64::from(LONGEST_WAIT_SECONDS),
            MOST_FAILURES
        )
        .fetch_optional(self.db())
        .await?;
        match failures {
            Some(failures) => Ok(Try { key, failures, _turn: turn }),
            None => Err(self.too_many(&key).await?),
        }
    }

    async fn too_many(&self, key: &[u8; 32]) -> Result<IdentityError, StoreError> {
        let wall = self.clock().wall();
        let row =
            sqlx::query!("SELECT failures, retry_at FROM guess_counters WHERE key = $1", key.as_slice())
                .fetch_optional(self.db())
                .await?;
        let wait = match row {
            Some(row) if row.failures >= MOST_FAILURES => i64::from(LONGEST_WAIT_SECONDS),
            Some(row) => (row.retry_at - wall).whole_seconds() + 1,
            None => 1,
        };
        Ok(IdentityError::TooManyTries { retry_after_seconds: u64::try_from(wait.max(1)).unwrap_or(1) })
    }

    /// Forgets the failures before a try that succeeded.
    pub(super) async fn forgive(&self, succeeded: Try<'_>) -> Result<(), StoreError> {
        forget(self.db(), &succeeded.key).await
    }

    /// Forgets the failures of an account's passwords and codes: its owner has proved themselves in another way.
    pub(super) async fn forgive_in(&self, tx: &mut Tx, counted: &[Counted<'_>]) -> Result<(), StoreError> {
        let keys: Vec<Vec<u8>> =
            counted.iter().map(|counted| counted.key(self.keys().address_index()).to_vec()).collect();
        let query = sqlx::query!("DELETE FROM guess_counters WHERE key = ANY($1)", keys.as_slice());
        query.execute(tx.db()).await?;
        Ok(())
    }
}

async fn forget(db: &PgPool, key: &[u8; 32]) -> Result<(), StoreError> {
    sqlx::query!("DELETE FROM guess_counters WHERE key = $1", key.as_slice()).execute(db).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::random::SeededRandom;
    use uuid::Uuid;

    #[test]
    fn no_two_kinds_of_failures_share_a_count() {
        let key = Key::random(&SeededRandom::new(1));
        let (user, device) = (UserId::from_uuid(Uuid::nil()), DeviceId::from_uuid(Uuid::nil()));
        let keys = [
            Counted::Address("a@b.cd"),
            Counted::Address("a@b.ce"),
            Counted::Device(device),
            Counted::Codes(user),
            Counted::DeviceCodes(device),
            Counted::Proof(user),
        ]
        .map(|counted| counted.key(&key));
        for (place, one) in keys.iter().enumerate() {
            assert!(!keys[..place].contains(one));
        }
    }
}
