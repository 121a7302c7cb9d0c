//! The opened data keys in memory, and the format of what they seal: `version ‖ data key id ‖ nonce ‖
//! ciphertext ‖ tag`.
//!
//! Beside the text the tag covers the version, the environment, the label, the row's id and the data key's
//! id, each behind its length. So a ciphertext that is moved to another row, column, environment or key does
//! not open.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::backend::DataKeyBytes;
use super::label::Label;
use crate::SecretBytes;
use crate::aead::{Cipher, NONCE_LEN, TAG_LEN, associated_data};
use crate::random::{self, Random};

const VERSION: u8 = 1;
const ID_LEN: usize = 16;
const HEADER_LEN: usize = 1 + ID_LEN + NONCE_LEN;

/// With random nonces of 96 bits, NIST SP 800-38D allows one key this many encryptions (SEC-27).
pub const MAX_SEALS_PER_KEY: u64 = 1 << 32;

/// The longest text that one value may hold: a limit, far above any column.
pub const MAX_PLAINTEXT_LEN: usize = 1 << 20;

/// A data key, ready for use.
///
/// Its encryptions are counted in two parts: those of this process that nobody else knows of yet, and what all
/// processes together had stored when it was last read. Whoever stores the first ([`DataKey::take_seals`]) and tells
/// the second ([`DataKey::learn_seals`]) keeps the sum of all instances below [`MAX_SEALS_PER_KEY`].
pub struct DataKey {
    id: Uuid,
    cipher: Cipher,
    /// Sealed here and not stored yet.
    own: AtomicU64,
    /// Sealed anywhere, as stored.
    stored: AtomicU64,
}

impl DataKey {
    pub(super) fn new(id: Uuid, bytes: &DataKeyBytes) -> Self {
        Self { id, cipher: Cipher::new(bytes.expose()), own: AtomicU64::new(0), stored: AtomicU64::new(0) }
    }

    /// Its name in ciphertexts and in the database.
    pub fn id(&self) -> Uuid {
        self.id
    }

    /// Counts on from what is stored to be sealed under it.
    #[must_use]
    pub fn counting_from(self, stored: u64) -> Self {
        self.learn_seals(stored);
        self
    }

    /// What all processes have stored by now.
    pub fn learn_seals(&self, stored: u64) {
        self.stored.store(stored, Ordering::Relaxed);
    }

    /// Takes what this process sealed and has not stored, to be stored now; what could not be stored is
    /// [given back](Self::give_seals_back).
    pub fn take_seals(&self) -> u64 {
        self.own.swap(0, Ordering::Relaxed)
    }

    /// What was taken is not stored after all.
    pub fn give_seals_back(&self, seals: u64) {
        self.own.fetch_add(seals, Ordering::Relaxed);
    }

    /// How often it has sealed, as far as this process knows.
    pub fn seals(&self) -> u64 {
        self.own.load(Ordering::Relaxed).saturating_add(self.stored.load(Ordering::Relaxed))
    }

    /// Reserves one encryption, or refuses at the limit. Refusing does not count, so the counter can't wrap
    /// around.
    fn count_seal(&self) -> Result<(), SealError> {
        let stored = self.stored.load(Ordering::Relaxed);
        self.own
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |own| {
                (own.saturating_add(stored) < MAX_SEALS_PER_KEY).then_some(own + 1)
            })
            .map(|_| ())
            .map_err(|_| SealError::Exhausted { data_key: self.id })
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a value was not sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The current data key has sealed as often as it may: rotate it.
    #[error("data key {data_key} has reached its limit of encryptions; rotate the data key")]
    Exhausted {
        /// The key to replace.
        data_key: Uuid,
    },
    /// Longer than [`MAX_PLAINTEXT_LEN`].
    #[error("the value is longer than {MAX_PLAINTEXT_LEN} bytes")]
    TooLong,
}

/// Why a value did not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not a ciphertext of ours.
    #[error("the value is not a ciphertext of this format")]
    Malformed,
    /// Its data key is not loaded.
    #[error("the data key {0} is not loaded")]
    UnknownDataKey(Uuid),
    /// Changed, or moved from another row, column or environment.
    #[error("the value was changed, or belongs to another row, column or environment")]
    Tampered,
    /// It opened, but is not text.
    #[error("the value is not UTF-8 text")]
    NotText,
}

/// Two data keys of one id were given: one of them would silently be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("two data keys have the id {0}")]
pub struct DuplicateDataKey(pub Uuid);

/// The data keys of one environment: one seals, all open.
#[derive(Debug, Clone)]
pub struct DataKeys {
    environment: String,
    current: Arc<DataKey>,
    all: HashMap<Uuid, Arc<DataKey>>,
}

impl DataKeys {
    /// `current` seals; `older` only open.
    pub fn new(environment: &str, current: DataKey, older: Vec<DataKey>) -> Result<Self, DuplicateDataKey> {
        Self::shared(environment, Arc::new(current), older.into_iter().map(Arc::new))
    }

    /// As [`DataKeys::new`], with keys that other sets hold as well: their counts are shared.
    pub fn shared(
        environment: &str,
        current: Arc<DataKey>,
        older: impl IntoIterator<Item = Arc<DataKey>>,
    ) -> Result<Self, DuplicateDataKey> {
        let mut keys = Self {
            environment: environment.to_owned(),
            all: HashMap::from([(current.id, Arc::clone(&current))]),
            current,
        };
        for key in older {
            keys.add(key)?;
        }
        Ok(keys)
    }

    /// Every key that is held.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<DataKey>> {
        self.all.values()
    }

    /// The key of this name, if it is held.
    pub fn get(&self, data_key: Uuid) -> Option<&Arc<DataKey>> {
        self.all.get(&data_key)
    }

    /// The same keys with a new one that seals from now on. Counts are shared with `self`.
    pub fn rotated(&self, current: DataKey) -> Result<Self, DuplicateDataKey> {
        let mut next = self.clone();
        next.current = Arc::new(current);
        next.add(Arc::clone(&next.current))?;
        Ok(next)
    }

    fn add(&mut self, key: Arc<DataKey>) -> Result<(), DuplicateDataKey> {
        let id = key.id;
        if self.all.insert(id, key).is_some() { Err(DuplicateDataKey(id)) } else { Ok(()) }
    }

    /// The key that seals now.
    pub fn current_id(&self) -> Uuid {
        self.current.id
    }

    /// How often the current key has sealed, as far as this process knows.
    pub fn current_seals(&self) -> u64 {
        self.current.seals()
    }

    /// Whether a ciphertext under this key can be opened.
    pub fn holds(&self, data_key: Uuid) -> bool {
        self.all.contains_key(&data_key)
    }

    /// Encrypts one value for one place: this column of this row.
    pub fn seal(
        &self,
        random: &dyn Random,
        label: &Label,
        row: Uuid,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, SealError> {
        if plaintext.len() > MAX_PLAINTEXT_LEN {
            return Err(SealError::TooLong);
        }
        let key = &self.current;
        key.count_seal()?;
        let nonce: [u8; NONCE_LEN] = random::bytes(random);
        let mut out = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN);
        out.push(VERSION);
        out.extend_from_slice(key.id.as_bytes());
        out.extend_from_slice(&nonce);
        key.cipher
            .seal(nonce, &self.associated(label, row, key.id), plaintext, &mut out)
            .map_err(|_| SealError::TooLong)?;
        Ok(out)
    }

    /// Decrypts a value that was sealed for this place.
    pub fn open(&self, label: &Label, row: Uuid, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let id = sealed_under(sealed).ok_or(OpenError::Malformed)?;
        let key = self.all.get(&id).ok_or(OpenError::UnknownDataKey(id))?;
        let (nonce, rest) = sealed[1 + ID_LEN..].split_at(NONCE_LEN);
        key.cipher.open(nonce, &self.associated(label, row, id), rest).map_err(|_| OpenError::Tampered)
    }

    /// As [`DataKeys::open`], for a value that is text.
    pub fn open_text(&self, label: &Label, row: Uuid, sealed: &[u8]) -> Result<SecretString, OpenError> {
        let opened = self.open(label, row, sealed)?;
        std::str::from_utf8(opened.expose_secret()).map(SecretString::from).map_err(|_| OpenError::NotText)
    }

    fn associated(&self, label: &Label, row: Uuid, data_key: Uuid) -> Vec<u8> {
        associated_data(
            VERSION,
            &[self.environment.as_bytes(), label.to_string().as_bytes(), row.as_bytes(), data_key.as_bytes()],
        )
    }
}

/// The data key that a ciphertext names (SEC-31); `None` if it is not one of ours.
pub fn sealed_under(sealed: &[u8]) -> Option<Uuid> {
    if sealed.len() < HEADER_LEN + TAG_LEN || sealed[0] != VERSION {
        return None;
    }
    Uuid::from_slice(&sealed[1..=ID_LEN]).ok()
}
