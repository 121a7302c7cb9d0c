//! The chain as it is stored, and reading it in its order.

use domain::time::Instant;
use sqlx::PgPool;
use uuid::Uuid;

use crate::tx::StoreError;

/// The most entries of one seal.
pub(super) const MAX_ENTRIES: i64 = 4_096;
/// How many rows are read at once.
const PAGE: i64 = 2_048;

/// An entry as it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recorded {
    pub(super) id: i64,
    pub(super) xact_id: i64,
    pub(super) occurred_at: Instant,
    pub(super) business_at: Instant,
    pub(super) actor_kind: String,
    pub(super) actor_id: Option<String>,
    pub(super) action: String,
    pub(super) subject_kind: String,
    pub(super) subject_id: String,
    pub(super) user_id: Option<Uuid>,
    pub(super) request_id: Option<String>,
    pub(super) address: Option<String>,
    /// JSON, as PostgreSQL writes it.
    pub(super) details: String,
    pub(super) personal_hash: Option<Vec<u8>>,
}

/// What stands beside an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beside {
    pub(super) salt: Vec<u8>,
    pub(super) content: String,
}

/// A position of the chain with what should stand there.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) position: i64,
    pub(super) entry_id: i64,
    /// As it was stored when the entry was sealed.
    pub(super) hash: Vec<u8>,
    pub(super) entry: Option<Recorded>,
    /// Left out of a file on purpose: the hash stands for it.
    pub(super) withheld: bool,
    pub(super) beside: Option<Beside>,
    /// Something in the log says why nothing stands beside it any more.
    pub(super) erased: bool,
}

/// A seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) number: i64,
    pub(super) first_position: i64,
    pub(super) entries: i64,
    pub(super) previous: Vec<u8>,
    pub(super) hash: Vec<u8>,
    pub(super) horizon: i64,
    pub(super) epoch: String,
    pub(super) sealed_at: Instant,
    pub(super) kid: String,
    pub(super) signature: Vec<u8>,
}

impl Seal {
    /// The position after its last one.
    pub(super) const fn end(&self) -> i64 {
        self.first_position.saturating_add(self.entries)
    }

    /// Its last position.
    pub(super) const fn last(&self) -> i64 {
        self.end().saturating_sub(1)
    }
}

/// Where a chain begins whose beginning was cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checkpoint {
    pub(super) seal_number: i64,
    pub(super) position: i64,
    pub(super) hash: Vec<u8>,
    pub(super) business_until: Instant,
    pub(super) cut_at: Instant,
    pub(super) kid: String,
    pub(super) signature: Vec<u8>,
}

macro_rules! select_seal {
    ($rest:literal $(, $argument:expr)*) => {
        sqlx::query_as!(
            Seal,
            r#"SELECT number, first_position, entries::bigint AS "entries!", previous, hash,
                      horizon::text::bigint AS "horizon!", epoch, sealed_at, kid, signature
               FROM audit_seals "# + $rest
            $(, $argument)*
        )
    };
}

/// The newest seal.
pub(super) async fn last_seal<'c>(db: impl sqlx::PgExecutor<'c>) -> Result<Option<Seal>, StoreError> {
    Ok(select_seal!("ORDER BY number DESC LIMIT 1").fetch_optional(db).await?)
}

/// One seal.
pub(super) async fn seal<'c>(db: impl sqlx::PgExecutor<'c>, number: i64) -> Result<Option<Seal>, StoreError> {
    Ok(select_seal!("WHERE number = $1", number).fetch_optional(db).await?)
}

/// Seals after a number, in their order.
pub(super) async fn seals_after(db: &PgPool, number: i64, up_to: i64) -> Result<Vec<Seal>, StoreError> {
    let seals =
        select_seal!("WHERE number > $1 AND number <= $2 ORDER BY number LIMIT $3", number, up_to, PAGE);
    Ok(seals.fetch_all(db).await?)
}

/// The newest checkpoint.
pub(super) async fn checkpoint<'c>(db: impl sqlx::PgExecutor<'c>) -> Result<Option<Checkpoint>, StoreError> {
    let checkpoint = sqlx::query_as!(
        Checkpoint,
        "SELECT seal_number, position, hash, business_until, cut_at, kid, signature
         FROM audit_checkpoints ORDER BY seal_number DESC LIMIT 1"
    );
    Ok(checkpoint.fetch_optional(db).await?)
}

/// Positions from one on, in their order.
///
/// What identified a person may be gone if the log tells of their erasure, or of a cut by age that reached the entry.
pub(super) async fn links_from(db: &PgPool, position: i64) -> Result<Vec<Link>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT link.position, link.entry_id, link.hash, logs.id AS "id?", logs.xact_id::text::bigint AS xact_id,
                  logs.occurred_at AS "occurred_at?", logs.business_at AS "business_at?",
                  logs.actor_kind AS "actor_kind?", logs.actor_id, logs.action AS "action?",
                  logs.subject_kind AS "subject_kind?", logs.subject_id AS "subject_id?", logs.user_id,
                  logs.request_id, logs.address, logs.details::text AS details, logs.personal_hash,
                  personal.salt AS "salt?", personal.content AS "content?",
                  (personal.entry_id IS NULL AND logs.personal_hash IS NOT NULL AND
                   (EXISTS (SELECT FROM audit_logs AS erasure
                            WHERE erasure.subject_kind = 'user' AND erasure.action = 'user.erased'
                              AND erasure.subject_id IN (logs.user_id::text, logs.actor_id))
                    OR EXISTS (SELECT FROM audit_logs AS forgetting
                               WHERE forgetting.subject_kind = 'audit' AND forgetting.action = 'audit.forgotten'
                                 AND logs.occurred_at < to_timestamp((forgetting.details ->> 'before')::bigint))))
                      AS "erased!"
           FROM (SELECT * FROM audit_chain WHERE position >= $1 ORDER BY position LIMIT $2) AS link
           LEFT JOIN audit_logs AS logs ON logs.id = link.entry_id
           LEFT JOIN audit_personal AS personal ON personal.entry_id = link.entry_id
           ORDER BY link.position"#,
        position,
        PAGE
    )
    .fetch_all(db)
    .await?;
    let links = rows.into_iter().map(|row| {
        let entry = (|| {
            Some(Recorded {
                id: row.id?,
                xact_id: row.xact_id?,
                occurred_at: row.occurred_at?,
                business_at: row.business_at?,
                actor_kind: row.actor_kind?,
                actor_id: row.actor_id,
                action: row.action?,
                subject_kind: row.subject_kind?,
                subject_id: row.subject_id?,
                user_id: row.user_id,
                request_id: row.request_id,
                address: row.address,
                details: row.details?,
                personal_hash: row.personal_hash,
            })
        })();
        let beside = row.salt.zip(row.content).map(|(salt, content)| Beside { salt, content });
        Link {
            position: row.position,
            entry_id: row.entry_id,
            hash: row.hash,
            entry,
            withheld: false,
            beside,
            erased: row.erased,
        }
    });
    Ok(links.collect())
}

/// The chain's positions in their order, a page in memory at a time.
pub(super) struct Links {
    db: PgPool,
    next: i64,
    page: std::vec::IntoIter<Link>,
    over: bool,
}

impl Links {
    pub(super) fn from(db: &PgPool, position: i64) -> Self {
        Self { db: db.clone(), next: position, page: Vec::new().into_iter(), over: false }
    }

    /// The next one, if it stands before `end`.
    pub(super) async fn before(&mut self, end: i64) -> Result<Option<Link>, StoreError> {
        if self.page.as_slice().is_empty() && !self.over {
            let page = links_from(&self.db, self.next).await?;
            self.over = i64::try_from(page.len()).unwrap_or(PAGE) < PAGE;
            if let Some(last) = page.last() {
                self.next = last.position.saturating_add(1);
            }
            self.page = page.into_iter();
        }
        let stands_before = self.page.as_slice().first().is_some_and(|link| link.position < end);
        Ok(if stands_before { self.page.next() } else { None })
    }
}
