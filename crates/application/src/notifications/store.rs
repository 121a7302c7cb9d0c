//! The table of notifications.

use crypto::envelope::Label;
use domain::ids::{LeaseToken, NotificationId};
use domain::time::Instant;
use secrecy::SecretString;

use super::{Content, Recipient, SECRET};
use crate::app::App;
use crate::text::Locale;
use crate::tx::{StoreError, Tx};
use crate::work::Lease;

/// A claimed message with everything that its words need.
pub(crate) struct Owed {
    pub(super) id: NotificationId,
    pub(super) content: Content,
    pub(super) medium: String,
    /// An address or a Telegram account.
    pub(super) recipient: Option<String>,
    pub(super) locale: Option<Locale>,
    pub(super) secret: Option<SecretString>,
    pub(super) attempts: i32,
    pub(super) token: LeaseToken,
}

pub(super) async fn insert(
    tx: &mut Tx,
    id: NotificationId,
    dedupe_key: &str,
    recipient: &Recipient,
    content: &Content,
    secret: Option<Vec<u8>>,
) -> Result<bool, StoreError> {
    let (medium, user, address, locale) = match recipient {
        Recipient::User(user) => ("email", Some(user.uuid()), None, None),
        Recipient::Address { address, locale } => ("email", None, Some(address.clone()), Some(locale.code())),
        Recipient::Company => ("email", None, None, None),
        Recipient::Telegram { account, user, locale } => {
            ("telegram", user.map(domain::ids::UserId::uuid), Some(account.to_string()), Some(locale.code()))
        }
    };
    let payload = serde_json::to_value(content).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let now = tx.now();
    let done = sqlx::query!(
        "INSERT INTO notifications (id, dedupe_key, kind, medium, user_id, recipient, locale, payload,
                                    secret_encrypted, created_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
         ON CONFLICT (dedupe_key) DO NOTHING",
        id.uuid(),
        dedupe_key,
        content.kind(),
        medium,
        user,
        address,
        locale,
        payload,
        secret,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes due messages.
pub(super) async fn claim(app: &App, lease: Lease) -> Result<Vec<Owed>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH claimed AS (
               UPDATE notifications
               SET lease_until = $1, lease_token = $2, attempts = attempts + 1
               WHERE id IN (SELECT id FROM notifications
                            WHERE due_at <= $3 AND (lease_until IS NULL OR lease_until < $4)
                            ORDER BY due_at
                            LIMIT $5
                            FOR UPDATE SKIP LOCKED)
               RETURNING id, medium, user_id, recipient, locale, payload, secret_encrypted, attempts)
           SELECT claimed.id, medium, payload, secret_encrypted, attempts,
                  COALESCE(recipient, CASE WHEN users.erased_at IS NULL THEN users.email END) AS recipient,
                  COALESCE(users.locale, claimed.locale) AS locale
           FROM claimed LEFT JOIN users ON users.id = claimed.user_id
           ORDER BY claimed.id"#,
        lease.until,
        lease.token.uuid(),
        lease.due_by,
        lease.wall,
        lease.limit
    )
    .fetch_all(app.db())
    .await?;
    let label: &Label = &SECRET;
    let mut claimed = Vec::with_capacity(rows.len());
    for row in rows {
        let secret = row.secret_encrypted.as_deref();
        let secret = secret.map(|sealed| app.keys().open_text(label, row.id, sealed)).transpose();
        let content = serde_json::from_value(row.payload)
            .map_err(|error| StoreError::Corrupt(format!("notifications.payload: {error}")));
        match (content, secret) {
            (Ok(content), Ok(secret)) => claimed.push(Owed {
                id: NotificationId::from_uuid(row.id),
                content,
                medium: row.medium,
                recipient: row.recipient,
                locale: row.locale.as_deref().and_then(|word| word.parse().ok()),
                secret,
                attempts: row.attempts,
                token: lease.token,
            }),
            // One that cannot be read must not hold up the others; it comes back when its lease ends.
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(notification.id = %row.id, error = &error as &dyn std::error::Error, "a message cannot be read");
            }
        }
    }
    Ok(claimed)
}

/// Whoever was told is forgotten with it, unless it is a user, who is forgotten with their account (SEC-59).
pub(super) async fn finish_sent(tx: &mut Tx, owed: &Owed) -> Result<bool, StoreError> {
    let now = tx.now();
    let done = sqlx::query!(
        "UPDATE notifications
         SET sent_at = $3, due_at = NULL, lease_until = NULL, lease_token = NULL, secret_encrypted = NULL,
             recipient = NULL
         WHERE id = $1 AND lease_token = $2",
        owed.id.uuid(),
        owed.token.uuid(),
        now
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn finish_given_up(tx: &mut Tx, owed: &Owed, reason: &str) -> Result<bool, StoreError> {
    let now = tx.now();
    let done = sqlx::query!(
        "UPDATE notifications
         SET given_up_at = $3, given_up_for = left($4, 255), due_at = NULL, lease_until = NULL, lease_token = NULL,
             secret_encrypted = NULL, recipient = NULL
         WHERE id = $1 AND lease_token = $2",
        owed.id.uuid(),
        owed.token.uuid(),
        now,
        reason
    )
    .execute(tx.db())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn finish_later(app: &App, owed: &Owed, due_at: Instant) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE notifications
         SET due_at = $3, lease_until = NULL, lease_token = NULL
         WHERE id = $1 AND lease_token = $2",
        owed.id.uuid(),
        owed.token.uuid(),
        due_at
    )
    .execute(app.db())
    .await?;
    Ok(())
}
