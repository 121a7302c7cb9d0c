//! Password hashing behind a bounded queue (SEC-5): it costs memory and a whole core on purpose, so no more run at
//! once than there are cores, and who would wait too long is told to come back. Other routes keep their latency.

use std::sync::Arc;
use std::time::Duration;

use crypto::password::strength::{self, Verdict};
use crypto::password::{Hasher, PasswordError, PasswordParams, Verified};
use crypto::random::Random;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::hashing_threads::HashingThreads;
use super::{IdentityError, MAX_PASSWORD_BYTES};

/// How long a password waits for its turn before the client is told to come back.
const MAX_WAIT: Duration = Duration::from_secs(2);

const NOTHING: Verified = Verified { ok: false, needs_rehash: false };

/// Hashes and verifies, a few at a time.
pub struct Passwords {
    hasher: Arc<Hasher>,
    permits: Arc<Semaphore>,
    threads: HashingThreads,
    random: Arc<dyn Random>,
}

impl Passwords {
    /// Makes the dummy hash too, so this takes as long as one login.
    pub fn new(params: PasswordParams, random: Arc<dyn Random>) -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let hasher = Arc::new(Hasher::new(params, &*random)?);
        let threads = HashingThreads::start(cores);
        Ok(Self { hasher, permits: Arc::new(Semaphore::new(cores)), threads, random })
    }

    /// Hashes a password that somebody chose, for storing; refused if it is too short, or among the first that a guesser
    /// would try (SEC-1, 2). `context` is what a guesser knows: the address, the name of the place.
    pub async fn hash(
        &self,
        password: &SecretString,
        min_chars: usize,
        context: &[&str],
    ) -> Result<String, IdentityError> {
        let salt: [u8; 16] = crypto::random::bytes(&*self.random);
        check_length(password, min_chars)?;
        let (password, context) = (password.clone(), owned(context));
        let hashed = self.run(move |hasher| {
            check_strength(&password, &context)?;
            Ok(hasher.hash(&password, salt)?)
        });
        hashed.await?
    }

    /// The same without hashing: whether the password would be taken.
    pub(super) async fn check(
        &self,
        password: &SecretString,
        min_chars: usize,
        context: &[&str],
    ) -> Result<(), IdentityError> {
        check_length(password, min_chars)?;
        let (password, context) = (password.clone(), owned(context));
        self.run(move |_| check_strength(&password, &context)).await?
    }

    /// Hashes a password that is stored already, because hashes have become stronger.
    pub(super) async fn hash_again(&self, password: &SecretString) -> Result<String, IdentityError> {
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
    ) -> Result<Verified, IdentityError> {
        let password = password.clone();
        let known = stored.is_some();
        let tried = self.run(move |hasher| {
            let phc = stored.as_deref().unwrap_or_else(|| hasher.dummy());
            hasher.verify(&password, phc)
        });
        match tried.await? {
            Ok(verified) if known => Ok(verified),
            Ok(_) => Ok(NOTHING),
            Err(PasswordError::DamagedHash) => {
                tracing::error!("a stored password hash is damaged");
                Ok(NOTHING)
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
        let done = self.threads.run(move || {
            let outcome = work(&hasher);
            drop(permit);
            outcome
        });
        done.await.ok_or(IdentityError::Busy)
    }
}

fn owned(context: &[&str]) -> Vec<String> {
    context.iter().map(|word| (*word).to_owned()).collect()
}

fn check_strength(password: &SecretString, context: &[String]) -> Result<(), IdentityError> {
    let context: Vec<&str> = context.iter().map(String::as_str).collect();
    match strength::assess(password, &context).verdict {
        Verdict::Acceptable => Ok(()),
        Verdict::TooCommon => Err(IdentityError::PasswordTooCommon),
        Verdict::ContextWord => Err(IdentityError::PasswordOfContext),
    }
}

fn check_length(password: &SecretString, min_chars: usize) -> Result<(), IdentityError> {
    let text = password.expose_secret();
    if text.len() > MAX_PASSWORD_BYTES {
        Err(IdentityError::PasswordTooLong)
    } else if text.chars().count() < min_chars {
        Err(IdentityError::PasswordTooShort)
    } else {
        Ok(())
    }
}
