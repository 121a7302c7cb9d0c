//! Passwords, with Argon2id (SEC-3).
//!
//! Hashing takes tens of milliseconds and some 19 MiB on purpose: call it on a blocking thread, behind a
//! limit. An unknown user must cost as much as a known one (SEC-4): verify against [`Hasher::dummy`], which
//! the same hasher made with the same parameters.

pub mod strength;

use std::fmt;
use std::sync::{Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::fingerprint::constant_time_eq;
use crate::random::{self, Random};

const HASH_LEN: usize = 32;
const SALT_LEN: usize = 16;

/// A stored hash may ask for this much at most, so that a changed row can't take the machine's memory.
const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_PASSES: u32 = 64;
const MAX_LANES: u32 = 64;
/// Memory of more blocks than this, of 1 KiB each, is not kept for the next hash.
const MOST_KEPT_BLOCKS: usize = 64 * 1024;

/// What one hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordParams {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes, which this process fills one after the other.
    pub lanes: u32,
}

impl PasswordParams {
    /// The least that is safe for people's passwords (SEC-3). Less is for tests.
    pub const FLOOR: Self = Self { memory_kib: 19_456, passes: 2, lanes: 1 };

    /// Whether each is at least as high as in the other.
    pub fn at_least(self, other: Self) -> bool {
        self.memory_kib >= other.memory_kib && self.passes >= other.passes && self.lanes >= other.lanes
    }

    fn argon2(self) -> Result<Argon2<'static>, PasswordError> {
        let allowed =
            self.memory_kib <= MAX_MEMORY_KIB && self.passes <= MAX_PASSES && self.lanes <= MAX_LANES;
        if !allowed {
            return Err(PasswordError::BadParams);
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(HASH_LEN))
            .map_err(|_| PasswordError::BadParams)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for PasswordParams {
    fn default() -> Self {
        Self::FLOOR
    }
}

/// Why no answer was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Argon2 does not allow these parameters, or they are beyond all measure.
    #[error("the parameters of Argon2id are out of range")]
    BadParams,
    /// The memory was not there.
    #[error("there is not enough memory to hash a password")]
    OutOfMemory,
    /// The stored hash can't be read. Its cost was spent all the same: answer as for a wrong password, and
    /// tell the operator.
    #[error("the stored password hash is damaged")]
    DamagedHash,
}

/// What a try told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    /// It is the password.
    pub ok: bool,
    /// It is, and its hash is cheaper than today's: hash again and store.
    pub needs_rehash: bool,
}

/// Hashes and verifies with one set of parameters.
pub struct Hasher {
    params: PasswordParams,
    argon2: Argon2<'static>,
    memory: Memory,
    dummy: String,
}

/// The memory that hashing fills, used again and again: as much as there ever were hashes at once. Allocators keep what a
/// thread of many has given back, so memory that is allocated for each hash grows with the threads.
#[derive(Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

impl Memory {
    fn fill(
        &self,
        argon2: &Argon2<'_>,
        password: &[u8],
        salt: &[u8],
        hash: &mut [u8; HASH_LEN],
    ) -> Result<(), PasswordError> {
        let needed = argon2.params().block_count();
        let mut blocks = self.free().pop().unwrap_or_default();
        if blocks.len() < needed {
            blocks.try_reserve_exact(needed - blocks.len()).map_err(|_| PasswordError::OutOfMemory)?;
            blocks.resize(needed, Block::default());
        }
        let filled = argon2.hash_password_into_with_memory(password, salt, hash, &mut blocks[..needed]);
        if blocks.len() <= MOST_KEPT_BLOCKS {
            self.free().push(blocks);
        }
        filled.map_err(|_| PasswordError::OutOfMemory)
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hasher {
    /// Makes the dummy hash too, so this costs as much as one login.
    pub fn new(params: PasswordParams, random: &dyn Random) -> Result<Self, PasswordError> {
        let (argon2, memory) = (params.argon2()?, Memory::default());
        // Nobody knows this password, so nothing verifies against the dummy.
        let unknown = Zeroizing::new(random::bytes::<32>(random));
        let dummy = hash_with(&memory, &argon2, params, unknown.as_ref(), random::bytes(random))?;
        Ok(Self { params, argon2, memory, dummy })
    }

    /// What a hash costs now.
    pub fn params(&self) -> PasswordParams {
        self.params
    }

    /// A hash that no password fits, for users who do not exist.
    pub fn dummy(&self) -> &str {
        &self.dummy
    }

    /// The hash to store, as a PHC string: `$argon2id$v=19$m=19456,t=2,p=1$…$…`. Any password is taken as it
    /// is, nothing is cut off; how long one may be is the caller's rule.
    pub fn hash(&self, password: &SecretString, salt: [u8; SALT_LEN]) -> Result<String, PasswordError> {
        hash_with(&self.memory, &self.argon2, self.params, password.expose_secret().as_bytes(), salt)
    }

    /// Tries a password against a stored hash.
    pub fn verify(&self, password: &SecretString, phc: &str) -> Result<Verified, PasswordError> {
        let password = password.expose_secret().as_bytes();
        let Some(stored) = Stored::parse(phc) else {
            // An unreadable hash that answers at once would tell that this user is a special one.
            hash_with(&self.memory, &self.argon2, self.params, password, [0; SALT_LEN])?;
            return Err(PasswordError::DamagedHash);
        };
        let mut computed = Zeroizing::new([0; HASH_LEN]);
        self.memory.fill(&stored.params.argon2()?, password, &stored.salt, &mut computed)?;
        let ok = constant_time_eq(computed.as_ref(), &stored.hash);
        Ok(Verified { ok, needs_rehash: ok && !stored.params.at_least(self.params) })
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

fn hash_with(
    memory: &Memory,
    argon2: &Argon2<'_>,
    params: PasswordParams,
    password: &[u8],
    salt: [u8; SALT_LEN],
) -> Result<String, PasswordError> {
    let mut hash = Zeroizing::new([0; HASH_LEN]);
    memory.fill(argon2, password, &salt, &mut hash)?;
    let PasswordParams { memory_kib, passes, lanes } = params;
    let (salt, hash) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash.as_ref()));
    Ok(format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${hash}"))
}

/// A PHC string of ours, taken apart.
struct Stored {
    params: PasswordParams,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl Stored {
    fn parse(phc: &str) -> Option<Self> {
        let parsed = PasswordHash::new(phc).ok()?;
        if parsed.algorithm != argon2::ARGON2ID_IDENT || parsed.version != Some(Version::V0x13.into()) {
            return None;
        }
        let read = Params::try_from(&parsed).ok()?;
        let params =
            PasswordParams { memory_kib: read.m_cost(), passes: read.t_cost(), lanes: read.p_cost() };
        params.argon2().ok()?;
        let salt = parsed.salt.as_ref()?.to_vec();
        let hash = parsed.hash.as_ref()?.as_bytes().to_vec();
        (hash.len() == HASH_LEN).then_some(Self { params, salt, hash })
    }
}

#[cfg(test)]
mod tests;
