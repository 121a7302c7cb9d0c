//! The keys in memory: one per purpose, and the data keys that open encrypted columns.
//!
//! [`data`] keeps the data keys equal to those of the database and watches the key service, [`rotation`] makes and ends
//! them, [`rewrap`] moves every value of the [`columns`] under the newest one, [`inventory`] tells what there is.

mod backends;
mod columns;
mod data;
mod inventory;
mod rewrap;
mod rotation;
mod signing;
mod store;

use std::sync::Arc;

use crypto::audit_signature::AuditKey;
use crypto::envelope::Label;
use crypto::evidence::EvidenceKey;
use crypto::jwt::AccessTokens;
use crypto::key::Key;
use crypto::random::Random;
use crypto::receipt::{PublicKeys, ReceiptKey};
use crypto::secret_key::{Purpose, SecretKeys};
use crypto::signature::SigningSecret;
use domain::time::{Duration, Instant};
use secrecy::SecretString;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

pub use self::backends::Backends;
pub use self::columns::{COLUMNS, Column};
use self::data::DataStore;
pub use self::data::MAX_DATA_KEYS;
pub use self::inventory::{DataKeyView, KeysView};
pub use self::rewrap::{RewrapProgress, Rewrapped};
pub use self::rotation::{KeyChangeError, ROTATE_DATA_KEY_EVERY, RewrappedKeys};
use self::signing::{Names, Ring};
pub use self::signing::{ROTATE_EVERY, SigningKeyView};
use crate::tx::StoreError;

/// Why the keys could not be made ready. The product does not start without them.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key-encryption key is not to be had, or is another one.
    #[error("the data keys could not be opened: {0}")]
    Backend(#[from] crypto::envelope::KeyBackendError),
    /// Signing keys or names are unusable.
    #[error("access tokens cannot be signed: {0}")]
    AccessTokens(#[from] crypto::jwt::AccessTokensError),
    /// Two data keys with one name.
    #[error(transparent)]
    Duplicate(#[from] crypto::envelope::DuplicateDataKey),
    /// None of the stored data keys is in memory.
    #[error("no data key could be opened")]
    NoDataKey,
    /// The database holds another environment's secrets.
    #[error(
        "this database belongs to {database}, and this process runs as {here}: its keys are not opened. Set \
         CALMNESS__ENVIRONMENT={database}, or DATABASE_URL to a database of {here}"
    )]
    OtherEnvironment {
        /// Whose it is.
        database: String,
        /// Who asks.
        here: String,
    },
}

/// How the key service is, as far as this process knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyService {
    /// It opened a data key within the last minute or so.
    Answers,
    /// It does not; what is in memory goes on.
    Away {
        /// When it last answered.
        since: Instant,
        /// What it says.
        why: String,
    },
    /// It was away for too long: nothing is sealed or opened here until it is back.
    Closed {
        /// When it last answered.
        since: Instant,
        /// What it says.
        why: String,
    },
}

/// Keys in memory.
#[derive(Clone)]
pub struct Keys(Arc<Parts>);

struct Parts {
    ring: Ring,
    refresh: Vec<Key>,
    csrf: Vec<Key>,
    address_index: Key,
    device_token: Vec<Key>,
    provider_request: Key,
    link_nonce: Key,
    /// Also those of previous secrets.
    link_nonces: Vec<Key>,
    setting_fingerprint: Key,
    receipts: ReceiptKey,
    receipt_keys: PublicKeys,
    evidence: EvidenceKey,
    evidence_keys: PublicKeys,
    audit: AuditKey,
    audit_keys: PublicKeys,
    data: DataStore,
    patience: Duration,
}

impl Keys {
    /// Derives the keys of the secret and opens the data keys, making the first one in a new database. While the key
    /// service is away later, what is in memory serves for `patience`.
    pub async fn open(
        db: &PgPool,
        secrets: &SecretKeys,
        backends: Backends,
        patience: Duration,
        public_url: &str,
        random: &dyn Random,
        wall: Instant,
    ) -> Result<Self, KeysError> {
        let data = DataStore::open(db, backends, random, wall).await?;
        let names = Names { issuer: public_url.to_owned(), audience: "calmness-api".to_owned() };
        let receipts = ReceiptKey::new(&secrets.current(Purpose::ReceiptSigning));
        let older = secrets.previous(Purpose::ReceiptSigning);
        let older = older.iter().map(|seed| ReceiptKey::new(seed).public().clone());
        let receipt_keys =
            PublicKeys { keys: std::iter::once(receipts.public().clone()).chain(older).collect() };
        let evidence = EvidenceKey::new(&secrets.current(Purpose::EvidenceSigning));
        let older = secrets.previous(Purpose::EvidenceSigning);
        let older = older.iter().map(|seed| EvidenceKey::new(seed).public().clone());
        let evidence_keys =
            PublicKeys { keys: std::iter::once(evidence.public().clone()).chain(older).collect() };
        let audit = AuditKey::new(&secrets.current(Purpose::AuditSigning));
        let audit_keys = audit_keys(secrets);
        Ok(Self(Arc::new(Parts {
            evidence,
            evidence_keys,
            audit,
            audit_keys,
            receipts,
            receipt_keys,
            ring: Ring::open(db, &data.loaded(), names, random, wall).await?,
            refresh: newest_first(secrets, Purpose::RefreshToken),
            csrf: newest_first(secrets, Purpose::Csrf),
            address_index: secrets.current(Purpose::AddressIndex),
            device_token: newest_first(secrets, Purpose::DeviceToken),
            provider_request: secrets.current(Purpose::ProviderRequest),
            link_nonce: secrets.current(Purpose::LinkNonce),
            link_nonces: std::iter::once(secrets.current(Purpose::LinkNonce))
                .chain(secrets.previous(Purpose::LinkNonce))
                .collect(),
            setting_fingerprint: secrets.current(Purpose::SettingFingerprint),
            data,
            patience,
        })))
    }

    /// Signs and verifies access tokens.
    pub fn access_tokens(&self) -> Arc<AccessTokens> {
        self.0.ring.tokens()
    }

    /// Reads the keys of access tokens again.
    pub(crate) async fn reload_ring(&self, db: &mut PgConnection) -> Result<(), StoreError> {
        self.0.ring.reload(db, &self.0.data.loaded()).await.map_err(|error| match error {
            KeysError::Store(error) => error,
            other => StoreError::Corrupt(other.to_string()),
        })
    }

    pub(crate) fn ring_was_read_lately(&self) -> bool {
        self.0.ring.read_lately()
    }

    fn store(&self) -> &DataStore {
        &self.0.data
    }

    fn patience(&self) -> Duration {
        self.0.patience
    }

    /// How the key service is.
    pub fn service(&self) -> KeyService {
        self.0.data.service()
    }

    /// Turns addresses and numbers into keys for counting and looking up, which nobody can read.
    pub fn address_index(&self) -> &Key {
        &self.0.address_index
    }

    /// Signs the tokens of known devices.
    pub fn device_token(&self) -> &Key {
        newest(&self.0.device_token)
    }

    /// What tokens of known devices are believed by, the newest first: also those of previous secrets.
    pub fn device_tokens(&self) -> &[Key] {
        &self.0.device_token
    }

    /// Signs receipts.
    pub fn receipts(&self) -> &ReceiptKey {
        &self.0.receipts
    }

    /// Signs the heads of the audit chain.
    pub(crate) fn audit(&self) -> &AuditKey {
        &self.0.audit
    }

    /// What the audit chain is verified with: also those of previous secrets.
    pub fn audit_keys(&self) -> &PublicKeys {
        &self.0.audit_keys
    }

    /// What receipts are verified with: also those of previous secrets.
    pub fn receipt_keys(&self) -> &PublicKeys {
        &self.0.receipt_keys
    }

    /// Signs exported evidence.
    pub(crate) fn evidence(&self) -> &EvidenceKey {
        &self.0.evidence
    }

    /// What evidence is verified with: also that of previous secrets.
    pub fn evidence_keys(&self) -> &PublicKeys {
        &self.0.evidence_keys
    }

    /// What our requests to a payment provider are signed with, where no secret was agreed on: one for each provider.
    pub fn provider_request(&self, code: &str) -> Result<SigningSecret, StoreError> {
        let tag = self.0.provider_request.mac(&[code.as_bytes()]);
        SigningSecret::parse(&SecretString::from(hex::encode(tag)))
            .map_err(|error| StoreError::Encryption(error.to_string()))
    }

    /// Makes the nonces of links that lead back from elsewhere.
    pub fn link_nonce(&self) -> &Key {
        &self.0.link_nonce
    }

    /// What those nonces are verified with: also those of previous secrets.
    pub fn link_nonces(&self) -> &[Key] {
        &self.0.link_nonces
    }

    /// Makes fingerprints of settings and of changes that wait for a confirmation.
    pub(crate) fn setting_fingerprint(&self) -> &Key {
        &self.0.setting_fingerprint
    }

    /// Makes successors of refresh tokens.
    pub fn refresh(&self) -> &Key {
        newest(&self.0.refresh)
    }

    /// What successors may have been made with, the newest first: also keys of previous secrets.
    pub fn refreshes(&self) -> &[Key] {
        &self.0.refresh
    }

    /// Protects the forms of the pages.
    pub fn csrf(&self) -> &Key {
        newest(&self.0.csrf)
    }

    /// What forms are believed by, the newest first: also keys of previous secrets.
    pub fn csrfs(&self) -> &[Key] {
        &self.0.csrf
    }

    /// Encrypts a value for one column of one row.
    pub fn seal(
        &self,
        random: &dyn Random,
        label: &Label,
        row: Uuid,
        text: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let sealed = self.0.data.to_seal()?.seal(random, label, row, text);
        sealed.map_err(|error| StoreError::Encryption(error.to_string()))
    }

    /// Decrypts the text that was sealed for this column and row.
    pub fn open_text(&self, label: &Label, row: Uuid, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let opened = self.0.data.to_open()?.open_text(label, row, sealed);
        opened.map_err(|error| StoreError::Encryption(error.to_string()))
    }
}

/// What the audit chain is verified with, the key in use first.
pub fn audit_keys(secrets: &SecretKeys) -> PublicKeys {
    let current = std::iter::once(secrets.current(Purpose::AuditSigning));
    let all = current.chain(secrets.previous(Purpose::AuditSigning));
    PublicKeys { keys: all.map(|seed| AuditKey::new(&seed).public().clone()).collect() }
}

/// The keys of the secret in use and of those before it.
fn newest_first(secrets: &SecretKeys, purpose: Purpose) -> Vec<Key> {
    std::iter::once(secrets.current(purpose)).chain(secrets.previous(purpose)).collect()
}

fn newest(keys: &[Key]) -> &Key {
    keys.first().expect("the list begins with the key of the secret in use")
}
