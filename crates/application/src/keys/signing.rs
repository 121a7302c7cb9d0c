//! The keys of access tokens: drawn, not derived, kept encrypted in the database, the same on every instance (SEC-16).
//!
//! The newest key whose time has come signs; one that was followed is believed for the life of its last token; a revoked
//! one never again. A new key signs only some seconds after it was made, when every instance knows it. The ring is read
//! again together with the revoked sessions, so a revoked key holds no longer than a revoked session does.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration as StdDuration, Instant as Moment};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::envelope::{DataKeys, Label, sealed_under};
use crypto::jwt::{AccessTokens, SigningKey};
use crypto::key::Key;
use crypto::random::Random;
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::{PgConnection, PgExecutor, PgPool};
use uuid::Uuid;

use super::KeysError;
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::database::Lent;
use crate::tx::StoreError;

const KEY: Label = Label::new("jwt_keys", "key_encrypted");
/// A new key signs after this long, when every instance has read it (wall time).
const HANDOVER: Duration = Duration::seconds(5);
/// A key that was followed is believed this long: the life of its last token (SEC-16).
const BELIEVED_AFTER: Duration = Duration::seconds(crypto::jwt::MAX_LIFE_SECONDS);
/// A key signs this long, then the worker makes the next one (wall time).
pub const ROTATE_EVERY: Duration = Duration::days(30);
/// Keys that were followed or revoked this long ago are forgotten (wall time).
const KEPT_FOR: Duration = Duration::days(90);
/// An unknown key's name makes the ring be read again at most this often.
const LOOK_EVERY: StdDuration = StdDuration::from_millis(100);
/// How long that may take.
const LOOK_LIMIT: StdDuration = StdDuration::from_secs(1);

/// Who tokens are from and for.
#[derive(Clone, Debug)]
pub(super) struct Names {
    pub(super) issuer: String,
    pub(super) audience: String,
}

/// The ring in memory.
pub(super) struct Ring {
    names: Names,
    state: RwLock<State>,
}

struct State {
    built: Built,
    read_began: Moment,
}

struct Built {
    tokens: Arc<AccessTokens>,
    /// What it was built from.
    rows: Vec<(String, Instant)>,
    keys: HashMap<String, Key>,
}

/// A key as the operator sees it: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKeyView {
    /// Its name in tokens.
    pub kid: String,
    /// When it was made.
    pub created_at: Instant,
    /// From when on it signs.
    pub signs_from: Instant,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Instant>,
}

struct StoredKey {
    kid: String,
    row_id: Uuid,
    key_encrypted: Vec<u8>,
    signs_from: Instant,
}

impl Ring {
    /// Reads the ring, making the first key in a new database.
    pub(super) async fn open(
        db: &PgPool,
        data: &DataKeys,
        names: Names,
        random: &dyn Random,
        wall: Instant,
    ) -> Result<Self, KeysError> {
        let read_began = Moment::now();
        let mut rows = read(db).await?;
        if rows.is_empty() {
            make_first(db, data, random, wall).await?;
            rows = read(db).await?;
        }
        let built = build(&names, data, rows, &HashMap::new())?;
        Ok(Self { names, state: RwLock::new(State { built, read_began }) })
    }

    pub(super) fn tokens(&self) -> Arc<AccessTokens> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner).built.tokens)
    }

    /// Reads the ring again; cheap where nothing changed.
    pub(super) async fn reload(&self, db: &mut PgConnection, data: &DataKeys) -> Result<(), KeysError> {
        let read_began = Moment::now();
        let rows = read(db).await?;
        let unchanged = |state: &State| {
            let known = &state.built.rows;
            known.len() == rows.len()
                && known.iter().zip(&rows).all(|(known, row)| known.0 == row.kid && known.1 == row.signs_from)
        };
        let known = {
            let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
            if unchanged(&state) {
                state.read_began = read_began;
                return Ok(());
            }
            state.built.keys.clone()
        };
        let built = build(&self.names, data, rows, &known)?;
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = State { built, read_began };
        Ok(())
    }

    pub(super) fn read_lately(&self) -> bool {
        self.state.read().unwrap_or_else(PoisonError::into_inner).read_began.elapsed() < LOOK_EVERY
    }
}

/// Opens the keys that are not known yet, and says when each stops being believed.
fn build(
    names: &Names,
    data: &DataKeys,
    rows: Vec<StoredKey>,
    known: &HashMap<String, Key>,
) -> Result<Built, KeysError> {
    let mut keys = HashMap::new();
    let mut ring = Vec::with_capacity(rows.len());
    for (place, row) in rows.iter().enumerate() {
        let key = match known.get(&row.kid) {
            Some(key) => key.clone(),
            // Its data key is not in memory while the key service is away: its tokens are not believed here till then.
            None if !known.is_empty() && !opens(data, row) => continue,
            None => open_key(data, row)?,
        };
        let followed_at = rows.get(place + 1).map(|next| next.signs_from);
        let verifies_until = followed_at.map_or(i64::MAX, |at| (at + BELIEVED_AFTER).unix_timestamp());
        // Where nothing older is believed, an instance whose clock is behind the maker's must still be able to sign.
        let signs_from = if place == 0 { i64::MIN } else { row.signs_from.unix_timestamp() };
        ring.push(SigningKey { key: key.clone(), signs_from, verifies_until });
        keys.insert(row.kid.clone(), key);
    }
    let tokens = AccessTokens::new(&ring, &names.issuer, &names.audience)?;
    let rows = rows.into_iter().filter(|row| keys.contains_key(&row.kid));
    let rows = rows.map(|row| (row.kid, row.signs_from)).collect();
    Ok(Built { tokens: Arc::new(tokens), rows, keys })
}

fn opens(data: &DataKeys, row: &StoredKey) -> bool {
    sealed_under(&row.key_encrypted).is_none_or(|id| data.holds(id))
}

fn open_key(data: &DataKeys, row: &StoredKey) -> Result<Key, KeysError> {
    let damaged = || StoreError::Corrupt("jwt_keys.key_encrypted".to_owned());
    let text = data.open_text(&KEY, row.row_id, &row.key_encrypted).map_err(|_| damaged())?;
    let key = Key::from_base64(&text).map_err(|_| damaged())?;
    if key.id() == row.kid { Ok(key) } else { Err(damaged().into()) }
}

async fn read(db: impl PgExecutor<'_>) -> Result<Vec<StoredKey>, StoreError> {
    let rows = sqlx::query_as!(
        StoredKey,
        "SELECT kid, row_id, key_encrypted, signs_from
         FROM jwt_keys
         WHERE revoked_at IS NULL
         ORDER BY signs_from, created_at, kid"
    );
    Ok(rows.fetch_all(db).await?)
}

/// Two instances that start together on a new database take turns, and the later one finds the key of the other.
async fn make_first(
    db: &PgPool,
    data: &DataKeys,
    random: &dyn Random,
    wall: Instant,
) -> Result<(), StoreError> {
    let mut turn = db.begin().await?;
    lock(&mut turn).await?;
    let any =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM jwt_keys WHERE revoked_at IS NULL) AS "any!""#)
            .fetch_one(&mut *turn)
            .await?;
    if !any {
        insert(&mut turn, data, random, wall, wall).await?;
    }
    turn.commit().await?;
    Ok(())
}

async fn lock(db: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('calmness/jwt-keys'))").execute(db).await?;
    Ok(())
}

async fn insert(
    db: &mut PgConnection,
    data: &DataKeys,
    random: &dyn Random,
    wall: Instant,
    signs_from: Instant,
) -> Result<String, StoreError> {
    let key = Key::random(random);
    let (kid, row_id) =
        (key.id(), uuid::Builder::from_random_bytes(crypto::random::bytes(random)).into_uuid());
    let text = SecretString::from(STANDARD.encode(key.expose_for_wrapping()));
    let sealed = data.seal(random, &KEY, row_id, text.expose_secret().as_bytes());
    let sealed = sealed.map_err(|error| StoreError::Encryption(error.to_string()))?;
    sqlx::query!(
        "INSERT INTO jwt_keys (kid, row_id, key_encrypted, created_at, signs_from) VALUES ($1, $2, $3, $4, $5)",
        kid,
        row_id,
        sealed,
        wall,
        signs_from
    )
    .execute(db)
    .await?;
    Ok(kid)
}

impl App {
    /// Makes the next key of access tokens. In an emergency every earlier one is worth nothing at once, so everybody
    /// exchanges their refresh token; else earlier tokens live out their half hour. Names the new key.
    pub async fn rotate_jwt_key(&self, context: &Context, emergency: bool) -> Result<String, StoreError> {
        let kid = self
            .tx("rotate_jwt_key", context, |tx| {
                async move {
                    lock(tx.db()).await?;
                    let wall = tx.wall();
                    let signs_from = if emergency { wall } else { wall + HANDOVER };
                    let mut revoked = 0;
                    if emergency {
                        let query = sqlx::query!(
                            "UPDATE jwt_keys SET revoked_at = $1 WHERE revoked_at IS NULL",
                            wall
                        );
                        revoked = query.execute(tx.db()).await?.rows_affected();
                    }
                    let random = std::sync::Arc::clone(self.random());
                    let data = self.keys().store().to_seal()?;
                    let kid = insert(tx.db(), &data, &*random, wall, signs_from).await?;
                    let entry = audit::Entry {
                        action: "jwt_key.rotated",
                        subject_kind: "jwt_key",
                        subject_id: kid.clone(),
                        user: None,
                        details: json!({ "emergency": emergency, "revoked": revoked }),
                    };
                    audit::record(tx, entry).await?;
                    Ok::<_, StoreError>(kid)
                }
                .scope_boxed()
            })
            .await?;
        if let Err(error) = self.read_ring().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the new key could not be read");
        }
        Ok(kid)
    }

    /// Makes the next key when the newest one has signed for long enough, and forgets old ones. Part of the retention
    /// sweep.
    pub(crate) async fn rotate_jwt_key_when_due(&self) -> Result<(), StoreError> {
        let wall = self.clock().wall();
        let newest = sqlx::query_scalar!("SELECT max(created_at) FROM jwt_keys WHERE revoked_at IS NULL");
        let newest = newest.fetch_one(self.db()).await?;
        let context = Context::system("key_rotation");
        if newest.is_some_and(|made| wall - made >= ROTATE_EVERY) {
            self.rotate_jwt_key(&context, false).await?;
        }
        sqlx::query!(
            "DELETE FROM jwt_keys AS old
             WHERE revoked_at < $1
                OR EXISTS (SELECT FROM jwt_keys AS next WHERE next.signs_from > old.signs_from AND next.signs_from < $1)",
            wall - KEPT_FOR
        )
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// Every key of access tokens, the newest first.
    pub async fn jwt_keys(&self) -> Result<Vec<SigningKeyView>, StoreError> {
        let keys = sqlx::query_as!(
            SigningKeyView,
            "SELECT kid, created_at, signs_from, revoked_at FROM jwt_keys ORDER BY signs_from DESC, created_at DESC"
        );
        Ok(keys.fetch_all(self.db()).await?)
    }

    /// A token names a key that is not in memory: perhaps it was made a moment ago elsewhere. Says whether the ring was
    /// read again.
    pub(crate) async fn look_for_new_keys(&self) -> Result<bool, StoreError> {
        if self.keys().ring_was_read_lately() {
            return Ok(false);
        }
        self.read_ring().await?;
        Ok(true)
    }

    async fn read_ring(&self) -> Result<(), StoreError> {
        let until = tokio::time::Instant::now() + LOOK_LIMIT;
        let mut lent = Lent::until(self.db(), until).await?;
        match tokio::time::timeout_at(until, self.keys().reload_ring(lent.db())).await {
            Ok(read) => read?,
            Err(_) => return Err(StoreError::Database(sqlx::Error::PoolTimedOut)),
        }
        lent.give_back();
        Ok(())
    }
}
