//! The audit log: who did what to what, when, from where (SEC-53).
//!
//! An entry is a plain insert in the transaction of the change that it tells of, so there is never one without the
//! other (invariant 7). The service's database role may insert and read, nothing else.
//!
//! A sealer then gives each entry its position in a chain ([`sealer`]), and signed heads are kept outside ([`anchor`]), so
//! that whoever rewrites the tables is found ([`verify`]). Who a person is stands beside the entry, which holds only a salted
//! hash of it ([`personal`]). The format is in `docs/AUDIT.md`.

mod anchor;
mod canonical;
mod export;
mod file;
mod lines;
mod list;
mod personal;
mod prune;
mod sealer;
mod stored;
mod verify;
mod verifying;

use std::net::IpAddr;

use domain::ids::UserId;
use serde_json::{Map, Value, json};

pub use self::anchor::{Anchor, Anchors, AnchorsError};
pub use self::export::{Export, ExportError, ExportFilter, ExportSummary};
pub use self::file::{FileError, verify_file};
pub use self::list::{EntryView, Filter};
pub(crate) use self::personal::forget_user;
pub use self::prune::{PruneError, Pruned};
pub(crate) use self::sealer::keep_sealed;
pub use self::sealer::{Head, MAX_LAG, Sealed, oldest_unsealed};
pub use self::verify::{Finding, Kind, Report};
pub use self::verifying::{AnchorsOrStore, Progress, Range, verify_database};
use crate::actor::Actor;
use crate::tx::{StoreError, Tx};

/// What one entry tells.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `subject.verb`, such as `payment.settled`.
    pub action: &'static str,
    /// What kind of thing it happened to.
    pub subject_kind: &'static str,
    /// Which one.
    pub subject_id: String,
    /// Whose it is.
    pub user: Option<UserId>,
    /// What changed; never secrets or personal data.
    pub details: Value,
}

/// Appends an entry to the log, in the transaction of the change itself.
pub async fn record(tx: &mut Tx, entry: Entry) -> Result<(), StoreError> {
    record_with(tx, entry, Map::new()).await
}

/// The same, with what identifies a person: it stands beside the entry and can be erased.
pub async fn record_with(
    tx: &mut Tx,
    entry: Entry,
    identifying: Map<String, Value>,
) -> Result<(), StoreError> {
    let context = tx.context().clone();
    let (wall, business) = (tx.wall(), tx.now());
    let beside = Beside::of(&context.actor, context.address, entry.user, identifying, tx.random());
    let (personal, server) = (beside.personal, beside.server);
    sqlx::query!(
        "WITH entry AS (
             INSERT INTO audit_logs (occurred_at, business_at, actor_kind, actor_id, action, subject_kind, subject_id,
                                     user_id, request_id, address, details, personal_hash)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             RETURNING id)
         INSERT INTO audit_personal (entry_id, owner, salt, content)
         SELECT id, $13, $14, $15 FROM entry WHERE $14::bytea IS NOT NULL",
        wall,
        business,
        context.actor.kind(),
        context.actor.id(),
        entry.action,
        entry.subject_kind,
        entry.subject_id,
        entry.user.map(UserId::uuid),
        context.request_id.as_deref(),
        server,
        entry.details,
        personal.as_ref().map(|personal| personal.hash.to_vec()),
        personal.as_ref().and_then(|personal| personal.owner).map(UserId::uuid),
        personal.as_ref().map(|personal| personal.salt.to_vec()),
        personal.as_ref().map(|personal| personal.content.clone())
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// What stands beside an entry, and what may stand in it.
pub(crate) struct Beside {
    /// What identifies a person, if anything does.
    pub(crate) personal: Option<Personal>,
    /// The address of a server, which is nobody's.
    pub(crate) server: Option<String>,
}

/// What identifies a person, ready to be stored.
pub(crate) struct Personal {
    /// Whose it is, where it is not the user of the entry.
    pub(crate) owner: Option<UserId>,
    pub(crate) salt: [u8; 32],
    /// JSON.
    pub(crate) content: String,
    /// What the entry holds of it.
    pub(crate) hash: [u8; 32],
}

impl Beside {
    pub(crate) fn of(
        actor: &Actor,
        address: Option<IpAddr>,
        user: Option<UserId>,
        mut identifying: Map<String, Value>,
        salt: [u8; 32],
    ) -> Self {
        let address = address.map(|address| address.to_string());
        let by_server = matches!(actor, Actor::Provider(_) | Actor::Telegram);
        let (server, person_s) = if by_server { (address, None) } else { (None, address) };
        if let Some(address) = person_s {
            identifying.insert("address".to_owned(), json!(address));
        }
        if identifying.is_empty() {
            return Self { personal: None, server };
        }
        let acting = match actor {
            Actor::User { id, .. } | Actor::ApiKey { user: id, .. } => Some(*id),
            _ => None,
        };
        let content = Value::Object(identifying).to_string();
        let hash = canonical::personal_hash(&salt, content.as_bytes());
        let owner = acting.filter(|acting| user != Some(*acting));
        Self { personal: Some(Personal { owner, salt, content, hash }), server }
    }
}
