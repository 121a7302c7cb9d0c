//! The keys in memory: one per purpose, and the data keys that open encrypted columns.

use std::sync::Arc;

use crypto::envelope::{
    DataKey, DataKeys, KeyBackend, Label, StoredDataKey, WrappedKey, generate_data_key, open_data_key,
};
use crypto::jwt::{AccessTokens, SigningKey};
use crypto::key::Key;
use crypto::random::Random;
use crypto::secret_key::{Purpose, SecretKeys};
use domain::time::Instant;
use secrecy::SecretString;
use sqlx::PgPool;
use uuid::Uuid;

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
    access_tokens: AccessTokens,
    refresh: Key,
    csrf: Key,
    data: DataKeys,
}

/// How long access tokens under an earlier `SECRET_KEY` are believed after its retirement: their whole life (SEC-16).
const EARLIER_KEY_LIFE_SECONDS: i64 = crypto::jwt::MAX_LIFE_SECONDS;

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
        let signing = secrets.current(Purpose::JwtSigning);
        note_current(db, &signing).await?;
        let mut ring = Vec::new();
        for key in secrets.previous(Purpose::JwtSigning) {
            let verifies_until =
                retired_at(db, &key, wall).await?.unix_timestamp() + EARLIER_KEY_LIFE_SECONDS;
            ring.push(SigningKey { key, signs_from: i64::MIN, verifies_until });
        }
        // No token is issued before 1970, so this one is newer than the earlier ones and signs always.
        ring.push(SigningKey { key: signing, signs_from: 0, verifies_until: i64::MAX });
        let access_tokens = AccessTokens::new(&ring, public_url, "calmness-api")?;
        let mut opened = open_all(db, backend, environment).await?;
        if opened.is_empty() {
            make_first(db, backend, environment, random, wall).await?;
            opened = open_all(db, backend, environment).await?;
        }
        let current = opened.remove(0);
        Ok(Self(Arc::new(Parts {
            access_tokens,
            refresh: secrets.current(Purpose::RefreshToken),
            csrf: secrets.current(Purpose::Csrf),
            data: DataKeys::new(environment, current, opened)?,
        })))
    }

    /// Signs and verifies access tokens.
    pub fn access_tokens(&self) -> &AccessTokens {
        &self.0.access_tokens
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

/// The key that signs now; one that had been retired comes back to life by the operator's will.
async fn note_current(db: &PgPool, key: &Key) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO signing_keys (kid) VALUES ($1) ON CONFLICT (kid) DO UPDATE SET retired_at = NULL",
        key.id()
    )
    .execute(db)
    .await?;
    Ok(())
}

/// When a key was first seen among the earlier ones: a restart must not give it another life.
async fn retired_at(db: &PgPool, key: &Key, wall: Instant) -> Result<Instant, StoreError> {
    let row = sqlx::query_scalar!(
        r#"INSERT INTO signing_keys AS known (kid, retired_at) VALUES ($1, $2)
           ON CONFLICT (kid) DO UPDATE SET retired_at = COALESCE(known.retired_at, EXCLUDED.retired_at)
           RETURNING retired_at AS "retired_at!""#,
        key.id(),
        wall
    );
    Ok(row.fetch_one(db).await?)
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
