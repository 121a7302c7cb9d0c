//! Password hashing behind a bounded queue (SEC-5): it costs memory and a whole core on purpose, so no more run at
//! once than there are cores, and who would wait too long is told to come back. Other routes keep their latency.

use std::sync::Arc;
use std::time::Duration;

use crypto::password::{Hasher, PasswordError, PasswordParams};
use crypto::random::Random;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;

use super::{IdentityError, MAX_PASSWORD_BYTES, MIN_PASSWORD_CHARS};

/// How long a password waits for its turn before the client is told to come back.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Hashes and verifies, a few at a time.
pub struct Passwords {
    hasher: Arc<Hasher>,
    permits: Arc<Semaphore>,
    random: Arc<dyn Random>,
}

impl Passwords {
    /// Makes the dummy hash too, so this takes as long as one login.
    pub fn new(params: PasswordParams, random: Arc<dyn Random>) -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let hasher = Arc::new(Hasher::new(params, &*random)?);
        Ok(Self { hasher, permits: Arc::new(Semaphore::new(cores)), random })
    }

    /// Hashes a password that is long enough, for storing.
    pub async fn hash(&self, password: &SecretString) -> Result<String, IdentityError> {
        check_length(password)?;
        let salt: [u8; 16] = crypto::random::bytes(&*self.random);
        let password = password.clone();
        let hashed = self.run(move |hasher| hasher.hash(&password, salt)).await?;
        Ok(hashed?)
    }

    /// Whether it is the password; without a stored hash it takes just as long and never is (SEC-4).
    pub async fn verify(
        &self,
        password: &SecretString,
        stored: Option<String>,
    ) -> Result<bool, IdentityError> {
        let password = password.clone();
        let known = stored.is_some();
        let tried = self.run(move |hasher| {
            let phc = stored.as_deref().unwrap_or_else(|| hasher.dummy());
            hasher.verify(&password, phc)
        });
        match tried.await? {
            Ok(verified) => Ok(known && verified.ok),
            Err(PasswordError::DamagedHash) => {
                tracing::error!("a stored password hash is damaged");
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Hasher) -> T + Send + 'static,
    ) -> Result<T, IdentityError> {
        let turn = tokio::time::timeout(MAX_WAIT, Arc::clone(&self.permits).acquire_owned()).await;
        let permit: OwnedSemaphorePermit = turn.ok().and_then(Result::ok).ok_or(IdentityError::Busy)?;
        let hasher = Arc::clone(&self.hasher);
        // The permit goes along: a client that disconnects frees nothing early.
        let done = spawn_blocking(move || {
            let outcome = work(&hasher);
            drop(permit);
            outcome
        });
        done.await.map_err(|_| IdentityError::Busy)
    }
}

fn check_length(password: &SecretString) -> Result<(), IdentityError> {
    let text = password.expose_secret();
    if text.len() > MAX_PASSWORD_BYTES {
        Err(IdentityError::PasswordTooLong)
    } else if text.chars().count() < MIN_PASSWORD_CHARS {
        Err(IdentityError::PasswordTooShort)
    } else {
        Ok(())
    }
}
