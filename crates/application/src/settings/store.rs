//! Settings in the database: what is in force, and every version that was.

use crypto::envelope::Label;
use domain::ids::ApprovalId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use uuid::Uuid;

use super::memory::VALUE;
use super::{CHANNEL, Key};
use crate::app::App;
use crate::approvals;
use crate::audit;
use crate::keys::Keys;
use crate::tx::{StoreError, Tx};

pub(super) const HISTORY: Label = Label::new("admin_config_history", "value_encrypted");
/// How much of a fingerprint people are shown, in bytes.
const SHOWN: usize = 8;

/// A setting as the object of an approval.
pub(crate) fn object(key: Key) -> String {
    format!("setting:{}", key.as_str())
}

/// A setting that nobody else changes until the commit.
pub(super) struct Locked {
    row: Option<Uuid>,
    /// The newest version there was; zero if the key was never set.
    pub(super) version: i32,
    /// Whether that version is among those that are kept.
    kept: bool,
    pub(super) value: Option<SecretString>,
    /// The value that waits for the end of its cooling time.
    pub(super) cooling: Option<Uuid>,
}

impl Locked {
    pub(super) const fn set_before(&self) -> bool {
        self.version > 0
    }
}

/// For what a version is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin {
    pub(super) approval: Option<ApprovalId>,
    pub(super) reason: String,
}

/// Locks a key, set or not.
pub(super) async fn lock(app: &App, tx: &mut Tx, key: Key) -> Result<Locked, StoreError> {
    let name = format!("calmness/setting/{}", key.as_str());
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(tx.db()).await?;
    let row = sqlx::query!(
        r#"SELECT wanted.key AS "key!", now.row_id AS "row_id?", now.version AS "version?",
                  now.value_encrypted AS "value_encrypted?", cooling.row_id AS "cooling?",
                  (SELECT max(version) FROM admin_config_history WHERE key = wanted.key) AS kept
           FROM (VALUES ($1)) AS wanted (key)
           LEFT JOIN admin_config AS now ON now.key = wanted.key
           LEFT JOIN admin_config_cooling AS cooling ON cooling.key = wanted.key"#,
        key.as_str()
    )
    .fetch_one(tx.db())
    .await?;
    let value = match (row.row_id, row.value_encrypted) {
        (Some(id), Some(sealed)) => Some(app.keys().open_text(&VALUE, id, &sealed)?),
        _ => None,
    };
    let version = row.version.max(row.kept).unwrap_or(0);
    Ok(Locked { row: row.row_id, version, kept: row.kept == Some(version), value, cooling: row.cooling })
}

/// The version of a setting, for an approval of its change: also what cools down belongs to it.
pub(crate) async fn lock_version(app: &App, tx: &mut Tx, key: Key) -> Result<String, StoreError> {
    let locked = lock(app, tx, key).await?;
    Ok(locked.cooling.map_or_else(|| locked.version.to_string(), |row| format!("{}+{row}", locked.version)))
}

/// Writes a new version: a value, or its deletion. What waits for a confirmation of the older version is at its end,
/// and so is a value that cools down.
pub(super) async fn write(
    app: &App,
    tx: &mut Tx,
    key: Key,
    locked: &Locked,
    value: Option<&SecretString>,
    origin: &Origin,
) -> Result<i32, StoreError> {
    if let Some(known) = locked.value.as_ref().filter(|_| !locked.kept) {
        // Set by a program that kept no history.
        keep(app, tx, key, locked.version, Some(known), &Origin::default()).await?;
    }
    let version = locked.version + 1;
    keep(app, tx, key, version, value, origin).await?;
    put(app, tx, key, locked, version, value).await?;
    sqlx::query!("DELETE FROM admin_config_cooling WHERE key = $1", key.as_str()).execute(tx.db()).await?;
    approvals::supersede(tx, &object(key)).await?;
    tell(tx).await?;
    let shown = |value: Option<&SecretString>| value.map(|value| fingerprint(app.keys(), key, value));
    let details = json!({
        "version": version,
        "before": shown(locked.value.as_ref()),
        "after": shown(value),
        "approval": origin.approval,
        "reason": origin.reason,
    });
    let action = if value.is_some() { "setting.changed" } else { "setting.deleted" };
    audit::record(tx, entry(action, key, details)).await?;
    Ok(version)
}

async fn put(
    app: &App,
    tx: &mut Tx,
    key: Key,
    locked: &Locked,
    version: i32,
    value: Option<&SecretString>,
) -> Result<(), StoreError> {
    let Some(value) = value else {
        sqlx::query!("DELETE FROM admin_config WHERE key = $1", key.as_str()).execute(tx.db()).await?;
        return Ok(());
    };
    // The row keeps its id for life: the ciphertext is bound to it.
    let row = locked.row.unwrap_or_else(|| new_row(tx));
    let sealed = app.keys().seal(&**app.random(), &VALUE, row, value.expose_secret().as_bytes())?;
    let now = tx.wall();
    sqlx::query!(
        "INSERT INTO admin_config AS old (key, row_id, value_encrypted, version, updated_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (key)
         DO UPDATE SET value_encrypted = EXCLUDED.value_encrypted, version = EXCLUDED.version,
                       updated_at = EXCLUDED.updated_at",
        key.as_str(),
        row,
        sealed,
        version,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Keeps a version for good, sealed, so that it can be restored.
async fn keep(
    app: &App,
    tx: &mut Tx,
    key: Key,
    version: i32,
    value: Option<&SecretString>,
    origin: &Origin,
) -> Result<(), StoreError> {
    let row = new_row(tx);
    let seal = |value: &SecretString| {
        app.keys().seal(&**app.random(), &HISTORY, row, value.expose_secret().as_bytes())
    };
    let sealed = value.map(seal).transpose()?;
    let mac = value.map(|value| mac(app.keys(), key, value));
    let (now, context) = (tx.wall(), tx.context().clone());
    sqlx::query!(
        "INSERT INTO admin_config_history (key, version, row_id, value_encrypted, fingerprint, set_at, actor_kind,
                                           actor_id, approval_id, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        key.as_str(),
        version,
        row,
        sealed,
        mac.as_ref().map(<[u8; 32]>::as_slice),
        now,
        context.actor.kind(),
        context.actor.id(),
        origin.approval.map(ApprovalId::uuid),
        origin.reason
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Tells every instance, once this is committed.
async fn tell(tx: &mut Tx) -> Result<(), StoreError> {
    sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(tx.db()).await?;
    Ok(())
}

pub(super) fn new_row(tx: &Tx) -> Uuid {
    uuid::Builder::from_random_bytes(tx.random()).into_uuid()
}

pub(super) fn mac(keys: &Keys, key: Key, value: &SecretString) -> [u8; 32] {
    keys.setting_fingerprint().mac(&[b"setting", key.as_str().as_bytes(), value.expose_secret().as_bytes()])
}

/// What people are shown of a secret: whether it is the same as another time, and nothing of what it is.
pub(super) fn fingerprint(keys: &Keys, key: Key, value: &SecretString) -> String {
    shown(&mac(keys, key, value))
}

pub(super) fn shown(mac: &[u8]) -> String {
    hex::encode(mac.get(..SHOWN).unwrap_or(mac))
}

pub(super) fn entry(action: &'static str, key: Key, details: serde_json::Value) -> audit::Entry {
    audit::Entry { action, subject_kind: "setting", subject_id: key.as_str().to_owned(), user: None, details }
}
