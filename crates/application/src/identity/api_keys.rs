//! Keys of machines: scoped, expiring, kept as hashes (A4).
//!
//! A key can do at most what its owner may do now, and never what guards money, people or keys. It is dead while its
//! owner is frozen, and loses what a demotion takes from them.

use crypto::token::{API_KEY_PREFIX, OpaqueToken};
use domain::ids::{ApiKeyId, NotificationId, UserId};
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::proof::Proof;
use super::revocations::ASK_LIMIT;
use super::scope::{Scope, Scopes};
use super::{IdentityError, notices, store};
use crate::actor::{Actor, Context};
use crate::app::App;
use crate::audit;
use crate::database::{Lent, in_time};
use crate::notifications::{self, Content, Recipient, SecurityEvent};
use crate::tx::{StoreError, Tx};

/// The longest life of a key (wall time).
pub const MAX_KEY_LIFE: Duration = Duration::days(365);
/// So many living keys a user has at most.
pub const MAX_KEYS: i64 = 20;
/// The longest name, in characters.
const MAX_NAME_CHARS: usize = 100;
/// How much of a key is kept readable, its prefix included.
const SHOWN_CHARS: usize = 10;
/// A use is written down at most this often (wall time).
const NOTE_USE_EVERY: Duration = Duration::minutes(1);
/// How long before its end the owner of a key is told (wall time).
const WARN_BEFORE: Duration = Duration::days(7);

/// A key to be made.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scopes: Scopes,
    /// How long it lives, in days.
    pub days: u16,
}

/// A key just made.
#[derive(Debug)]
pub struct IssuedApiKey {
    /// The key itself, shown once.
    pub key: SecretString,
    /// What is kept of it.
    pub view: ApiKeyView,
}

/// A key in its owner's list.
#[derive(Clone, Debug)]
pub struct ApiKeyView {
    /// Which.
    pub id: ApiKeyId,
    /// What its owner calls it.
    pub name: String,
    /// How it starts.
    pub shown_prefix: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends.
    pub expires_at: Instant,
    /// When it was last used, to within a minute.
    pub last_used_at: Option<Instant>,
}

impl App {
    /// Makes a key for a fresh proof.
    pub async fn create_api_key(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
        new: NewApiKey,
    ) -> Result<IssuedApiKey, IdentityError> {
        check(context, &new)?;
        let proved = self.verify_proof(context, user, proof).await?;
        let token = OpaqueToken::random(&**self.random());
        let key = token.reveal_prefixed(API_KEY_PREFIX);
        let shown_prefix: String = key.expose_secret().chars().take(SHOWN_CHARS).collect();
        let view = self
            .tx("create_api_key", context, |tx| {
                let (token, new, shown_prefix) = (&token, &new, &shown_prefix);
                async move {
                    proved.still_holds(tx).await?;
                    if count_living(tx, user).await? >= MAX_KEYS {
                        return Err(IdentityError::KeyNotAllowed("there are too many already"));
                    }
                    let view = ApiKeyView {
                        id: ApiKeyId::new(tx.wall(), &tx.entropy()),
                        name: new.name.trim().to_owned(),
                        shown_prefix: shown_prefix.clone(),
                        scopes: new.scopes,
                        created_at: tx.wall(),
                        expires_at: tx.wall() + Duration::days(new.days.into()),
                        last_used_at: None,
                    };
                    insert(tx, user, &view, &token.hash()).await?;
                    audit::record(tx, entry("api_key.created", user, view.id, new.scopes)).await?;
                    let here = notices::here(tx);
                    notices::tell(tx, user, SecurityEvent::ApiKeyCreated, &here).await?;
                    Ok(view)
                }
                .scope_boxed()
            })
            .await?;
        Ok(IssuedApiKey { key, view })
    }

    /// The living keys of a user, the newest first.
    pub async fn api_keys(&self, user: UserId) -> Result<Vec<ApiKeyView>, StoreError> {
        let wall = self.clock().wall();
        let rows = sqlx::query!(
            "SELECT id, name, shown_prefix, scopes, created_at, expires_at, last_used_at
             FROM api_keys
             WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
             ORDER BY id DESC",
            user.uuid(),
            wall
        )
        .fetch_all(self.db())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| ApiKeyView {
                id: ApiKeyId::from_uuid(row.id),
                name: row.name,
                shown_prefix: row.shown_prefix,
                scopes: read_scopes(&row.scopes),
                created_at: row.created_at,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
            })
            .collect())
    }

    /// Ends a key; says whether it was one of this user's that lived.
    pub async fn revoke_api_key(
        &self,
        context: &Context,
        user: UserId,
        key: ApiKeyId,
    ) -> Result<bool, IdentityError> {
        self.tx("revoke_api_key", context, |tx| {
            async move {
                let wall = tx.wall();
                let revoked = sqlx::query!(
                    "UPDATE api_keys SET revoked_at = $3 WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
                    key.uuid(),
                    user.uuid(),
                    wall
                );
                let revoked = revoked.execute(tx.db()).await?.rows_affected() == 1;
                if revoked {
                    audit::record(tx, entry("api_key.revoked", user, key, Scopes::NONE)).await?;
                }
                Ok(revoked)
            }
            .scope_boxed()
        })
        .await
    }

    /// Which machine presents this key, and what it may do now. Asks the database each time: a key lives long, so its end
    /// must hold at once.
    pub(super) async fn authenticate_key(&self, text: &str) -> Result<Actor, IdentityError> {
        let token =
            OpaqueToken::parse_prefixed(API_KEY_PREFIX, text).map_err(|_| IdentityError::SessionEnded)?;
        let (wall, hash) = (self.clock().wall(), token.hash());
        let row = sqlx::query!(
            "SELECT api_keys.id, user_id, scopes, last_used_at, users.role
             FROM api_keys JOIN users ON users.id = api_keys.user_id
             WHERE key_hash = $1 AND revoked_at IS NULL AND expires_at > $2
               AND users.frozen_at IS NULL AND users.erased_at IS NULL",
            hash.as_slice(),
            wall
        );
        let until = tokio::time::Instant::now() + ASK_LIMIT;
        let mut lent = Lent::until(self.db(), until).await?;
        let row = in_time(until, row.fetch_optional(lent.db())).await?;
        lent.give_back();
        let row = row.ok_or(IdentityError::SessionEnded)?;
        if row.last_used_at.is_none_or(|last| wall - last > NOTE_USE_EVERY) {
            sqlx::query!("UPDATE api_keys SET last_used_at = $2 WHERE id = $1", row.id, wall)
                .execute(self.db())
                .await?;
        }
        let scopes = read_scopes(&row.scopes).and(Scopes::of_role(store::role(&row.role)?));
        Ok(Actor::ApiKey { id: ApiKeyId::from_uuid(row.id), user: UserId::from_uuid(row.user_id), scopes })
    }

    /// Tells the owners of keys that end soon, once per key. Part of the sweeps.
    pub(crate) async fn warn_of_ending_keys(&self) -> Result<u64, StoreError> {
        let context = Context::system("api_keys");
        self.tx("warn_of_ending_keys", &context, |tx| {
            async move {
                let (wall, soon) = (tx.wall(), tx.wall() + WARN_BEFORE);
                let ending = sqlx::query!(
                    "UPDATE api_keys SET warned_at = $1
                     WHERE id IN (SELECT id FROM api_keys
                                  WHERE revoked_at IS NULL AND warned_at IS NULL AND expires_at > $1 AND expires_at <= $2
                                    AND created_at <= $1 - interval '1 day'
                                  LIMIT 100
                                  FOR UPDATE SKIP LOCKED)
                     RETURNING id, user_id, name, expires_at",
                    wall,
                    soon
                )
                .fetch_all(tx.db())
                .await?;
                for key in &ending {
                    let id = NotificationId::new(tx.wall(), &tx.entropy());
                    let ends_at_us = i64::try_from(key.expires_at.unix_timestamp_nanos() / 1_000).unwrap_or_default();
                    let told = Content::ApiKeyEnding { name: key.name.clone(), ends_at_us };
                    let recipient = Recipient::User(UserId::from_uuid(key.user_id));
                    let dedupe_key = format!("api_key_ending:{}", key.id);
                    notifications::owe(tx, id, &dedupe_key, recipient, told, None).await?;
                }
                Ok(ending.len() as u64)
            }
            .scope_boxed()
        })
        .await
    }
}

fn check(context: &Context, new: &NewApiKey) -> Result<(), IdentityError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
        return Err(IdentityError::KeyNotAllowed("its name has 1 to 100 printable characters"));
    }
    if new.days == 0 || Duration::days(new.days.into()) > MAX_KEY_LIFE {
        return Err(IdentityError::KeyNotAllowed("it lives for 1 to 365 days"));
    }
    let grantable: Scopes = Scope::ALL.into_iter().filter(|scope| scope.may_be_a_keys()).collect();
    let allowed = context.actor.scopes().and(grantable);
    if new.scopes == Scopes::NONE || !new.scopes.within(allowed) {
        return Err(IdentityError::ScopeNotAllowed);
    }
    Ok(())
}

/// A scope that no longer exists is none.
fn read_scopes(words: &[String]) -> Scopes {
    words.iter().filter_map(|word| word.parse::<Scope>().ok()).collect()
}

async fn count_living(tx: &mut Tx, user: UserId) -> Result<i64, StoreError> {
    let wall = tx.wall();
    let query = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2"#,
        user.uuid(),
        wall
    );
    Ok(query.fetch_one(tx.db()).await?)
}

async fn insert(tx: &mut Tx, user: UserId, view: &ApiKeyView, key_hash: &[u8; 32]) -> Result<(), StoreError> {
    let scopes: Vec<String> = view.scopes.iter().map(|scope| scope.to_string()).collect();
    sqlx::query!(
        "INSERT INTO api_keys (id, user_id, name, key_hash, shown_prefix, scopes, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        view.id.uuid(),
        user.uuid(),
        view.name,
        key_hash.as_slice(),
        view.shown_prefix,
        &scopes,
        view.created_at,
        view.expires_at
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

fn entry(action: &'static str, user: UserId, key: ApiKeyId, scopes: Scopes) -> audit::Entry {
    let scopes: Vec<&str> = scopes.iter().map(Scope::as_str).collect();
    audit::Entry {
        action,
        subject_kind: "api_key",
        subject_id: key.to_string(),
        user: Some(user),
        details: json!({ "scopes": scopes }),
    }
}
