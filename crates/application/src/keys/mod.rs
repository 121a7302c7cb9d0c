//! The keys in memory: one per purpose, and the data keys that open encrypted columns.

mod signing;

use std::sync::Arc;

use crypto::envelope::{
    DataKey, DataKeys, KeyBackend, Label, StoredDataKey, WrappedKey, generate_data_key, open_data_key,
};
use crypto::evidence::EvidenceKey;
use crypto::jwt::AccessTokens;
use crypto::key::Key;
use crypto::random::Random;
use crypto::receipt::{PublicKeys, ReceiptKey};
use crypto::secret_key::{Purpose, SecretKeys};
use crypto::signature::SigningSecret;
use domain::time::Instant;
use secrecy::SecretString;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

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
}

/// Keys in memory.
#[derive(Clone)]
pub struct Keys(Arc<Parts>);

struct Parts {
    ring: Ring,
    refresh: Key,
    csrf: Key,
    address_index: Key,
    device_token: Key,
    provider_request: Key,
    link_nonce: Key,
    /// Also those of previous secrets.
    link_nonces: Vec<Key>,
    setting_fingerprint: Key,
    receipts: ReceiptKey,
    receipt_keys: PublicKeys,
    evidence: EvidenceKey,
    evidence_keys: PublicKeys,
    data: DataKeys,
}

impl Keys {
    /// Derives the keys of the secret and opens the data keys, making the first one in a new database.
    pub async fn open(
        db: &PgPool,
        secrets: &SecretKeys,
        backend: &dyn KeyBackend,
        environment: &str,
        public_url: &str,
        random: &dyn Random,
        wall: Instant,
    ) -> Result<Self, KeysError> {
        let mut opened = open_all(db, backend, environment).await?;
        if opened.is_empty() {
            make_first(db, backend, environment, random, wall).await?;
            opened = open_all(db, backend, environment).await?;
        }
        let current = opened.remove(0);
        let data = DataKeys::new(environment, current, opened)?;
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
        Ok(Self(Arc::new(Parts {
            evidence,
            evidence_keys,
            receipts,
            receipt_keys,
            ring: Ring::open(db, &data, names, random, wall).await?,
            refresh: secrets.current(Purpose::RefreshToken),
            csrf: secrets.current(Purpose::Csrf),
            address_index: secrets.current(Purpose::AddressIndex),
            device_token: secrets.current(Purpose::DeviceToken),
            provider_request: secrets.current(Purpose::ProviderRequest),
            link_nonce: secrets.current(Purpose::LinkNonce),
            link_nonces: std::iter::once(secrets.current(Purpose::LinkNonce))
                .chain(secrets.previous(Purpose::LinkNonce))
                .collect(),
            setting_fingerprint: secrets.current(Purpose::SettingFingerprint),
            data,
        })))
    }

    /// Signs and verifies access tokens.
    pub fn access_tokens(&self) -> Arc<AccessTokens> {
        self.0.ring.tokens()
    }

    /// Reads the keys of access tokens again.
    pub(crate) async fn reload_ring(&self, db: &mut PgConnection) -> Result<(), StoreError> {
        self.0.ring.reload(db, &self.0.data).await.map_err(|error| match error {
            KeysError::Store(error) => error,
            other => StoreError::Corrupt(other.to_string()),
        })
    }

    pub(crate) fn ring_was_read_lately(&self) -> bool {
        self.0.ring.read_lately()
    }

    pub(crate) fn data(&self) -> &DataKeys {
        &self.0.data
    }

    /// Turns addresses and numbers into keys for counting and looking up, which nobody can read.
    pub fn address_index(&self) -> &Key {
        &self.0.address_index
    }

    /// Signs the tokens of known devices.
    pub fn device_token(&self) -> &Key {
        &self.0.device_token
    }

    /// Signs receipts.
    pub fn receipts(&self) -> &ReceiptKey {
        &self.0.receipts
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
        &self.0.refresh
    }

    /// Protects the forms of the pages.
    pub fn csrf(&self) -> &Key {
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
        let sealed = self.0.data.seal(random, label, row, text);
        sealed.map_err(|error| StoreError::Encryption(error.to_string()))
    }

    /// Decrypts the text that was sealed for this column and row.
    pub fn open_text(&self, label: &Label, row: Uuid, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let opened = self.0.data.open_text(label, row, sealed);
        opened.map_err(|error| StoreError::Encryption(error.to_string()))
    }
}

/// All data keys, the newest unretired one first.
async fn open_all(
    db: &PgPool,
    backend: &dyn KeyBackend,
    environment: &str,
) -> Result<Vec<DataKey>, KeysError> {
    let rows = sqlx::query!(
        "SELECT id, backend, wrapped_by, wrapped
         FROM data_keys
         ORDER BY retired_at IS NOT NULL, created_at DESC, id"
    )
    .fetch_all(db)
    .await
    .map_err(StoreError::from)?;
    let mut opened = Vec::with_capacity(rows.len());
    for row in rows {
        let wrapped = WrappedKey { bytes: row.wrapped, backend: row.backend, kek_id: row.wrapped_by };
        opened.push(open_data_key(backend, environment, &StoredDataKey { id: row.id, wrapped }).await?);
    }
    Ok(opened)
}

/// Two instances that start together on a new database may both come here: they take turns, and the later one finds
/// the key of the other.
async fn make_first(
    db: &PgPool,
    backend: &dyn KeyBackend,
    environment: &str,
    random: &dyn Random,
    wall: Instant,
) -> Result<(), KeysError> {
    let (stored, _) = generate_data_key(backend, random, environment).await?;
    let mut turn = db.begin().await.map_err(StoreError::from)?;
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('calmness/first-data-key'))")
        .execute(&mut *turn)
        .await
        .map_err(StoreError::from)?;
    sqlx::query!(
        "INSERT INTO data_keys (id, backend, wrapped_by, wrapped, created_at)
         SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (SELECT FROM data_keys WHERE retired_at IS NULL)",
        stored.id,
        stored.wrapped.backend,
        stored.wrapped.kek_id,
        stored.wrapped.bytes,
        wall
    )
    .execute(&mut *turn)
    .await
    .map_err(StoreError::from)?;
    turn.commit().await.map_err(StoreError::from)?;
    Ok(())
}
