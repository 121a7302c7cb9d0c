//! Looking through the log.

use domain::ids::UserId;
use domain::time::Instant;
use serde_json::Value;
use uuid::Uuid;

use crate::app::App;
use crate::tx::StoreError;

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// This action; all actions of a subject where it ends with a dot (`payment.`).
    pub action: Option<String>,
    /// What acted, such as `user` or `operator`.
    pub actor_kind: Option<String>,
    /// Which one acted.
    pub actor_id: Option<String>,
    /// Whose it is.
    pub user: Option<UserId>,
    /// What kind of thing it happened to.
    pub subject_kind: Option<String>,
    /// Which one.
    pub subject_id: Option<String>,
    /// From then on (wall time).
    pub from: Option<Instant>,
    /// Before then.
    pub to: Option<Instant>,
}

/// An entry as admins see it.
#[derive(Clone, Debug)]
pub struct EntryView {
    /// Its number.
    pub id: i64,
    /// Its position in the chain, once it is sealed.
    pub position: Option<i64>,
    /// When it happened (wall time).
    pub occurred_at: Instant,
    /// The same in business time.
    pub business_at: Instant,
    /// What acted.
    pub actor_kind: String,
    /// Which one.
    pub actor_id: Option<String>,
    /// What was done.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// To which one.
    pub subject_id: String,
    /// Whose it is.
    pub user_id: Option<Uuid>,
    /// On which request.
    pub request_id: Option<String>,
    /// What changed.
    pub details: Value,
    /// From where, and what else identifies a person; erased with them.
    pub personal: Option<Value>,
    /// The address of the server that acted.
    pub address: Option<String>,
}

impl App {
    /// Entries, the newest first.
    pub async fn audit_entries(
        &self,
        filter: &Filter,
        limit: i64,
        cursor: Option<i64>,
    ) -> Result<Vec<EntryView>, StoreError> {
        let rows = sqlx::query_as!(
            EntryView,
            r#"SELECT audit_logs.id, audit_chain.position AS "position?", occurred_at, business_at, actor_kind, actor_id,
                      action, subject_kind, subject_id, user_id, request_id, details,
                      audit_personal.content::jsonb AS "personal?", address
               FROM audit_logs
               LEFT JOIN audit_chain ON audit_chain.entry_id = audit_logs.id
               LEFT JOIN audit_personal ON audit_personal.entry_id = audit_logs.id
               WHERE ($1::bigint IS NULL OR audit_logs.id < $1)
                 AND ($2::text IS NULL OR action = $2 OR ($2 LIKE '%.' AND starts_with(action, $2)))
                 AND ($3::text IS NULL OR actor_kind = $3)
                 AND ($4::text IS NULL OR actor_id = $4)
                 AND ($5::uuid IS NULL OR user_id = $5)
                 AND ($6::text IS NULL OR subject_kind = $6)
                 AND ($7::text IS NULL OR subject_id = $7)
                 AND ($8::timestamptz IS NULL OR occurred_at >= $8)
                 AND ($9::timestamptz IS NULL OR occurred_at < $9)
               ORDER BY audit_logs.id DESC
               LIMIT $10"#,
            cursor,
            filter.action,
            filter.actor_kind,
            filter.actor_id,
            filter.user.map(UserId::uuid),
            filter.subject_kind,
            filter.subject_id,
            filter.from,
            filter.to,
            limit
        );
        Ok(rows.fetch_all(self.db()).await?)
    }
}
