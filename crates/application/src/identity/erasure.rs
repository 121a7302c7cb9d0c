//! Leaving: an account is erased after a cooling time, in which its owner may think again (SEC-59).
//!
//! What is erased is who it was: address, password, factors, devices, keys, the Telegram binding. Payments, periods and
//! the audit log stay under the account's number, which names nobody any more.

use domain::ids::{NotificationId, UserId};
use domain::time::Duration;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::proof::Proof;
use super::second_factor;
use super::{IdentityError, notices, sessions, store};
use crate::access;
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::{self, Content, Recipient, SecurityEvent};
use crate::text::Locale;
use crate::tx::{StoreError, Tx};

/// How long an account can still be kept after its owner asked to erase it (business time).
pub const COOLING_TIME: Duration = Duration::days(7);

impl App {
    /// Asks for the erasure of an account, for a fresh proof.
    pub async fn request_erasure(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<(), IdentityError> {
        let proved = self.verify_proof(context, user, proof).await?;
        self.tx("request_erasure", context, |tx| {
            async move {
                proved.still_holds(tx).await?;
                store::keep_an_admin(tx, user).await?;
                let now = tx.now();
                let query = sqlx::query!(
                    "UPDATE users SET erasure_requested_at = COALESCE(erasure_requested_at, $2) WHERE id = $1",
                    user.uuid(),
                    now
                );
                query.execute(tx.db()).await?;
                audit::record(tx, entry("user.erasure_requested", user)).await?;
                let here = notices::here(tx);
                Ok(notices::tell(tx, user, SecurityEvent::ErasureRequested, &here).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Keeps the account after all; says whether it was to be erased.
    pub async fn cancel_erasure(&self, context: &Context, user: UserId) -> Result<bool, IdentityError> {
        self.tx("cancel_erasure", context, |tx| {
            async move {
                let query = sqlx::query!(
                    "UPDATE users SET erasure_requested_at = NULL
                     WHERE id = $1 AND erasure_requested_at IS NOT NULL AND erased_at IS NULL",
                    user.uuid()
                );
                let kept = query.execute(tx.db()).await?.rows_affected() == 1;
                if kept {
                    audit::record(tx, entry("user.erasure_cancelled", user)).await?;
                    let here = notices::here(tx);
                    notices::tell(tx, user, SecurityEvent::ErasureCancelled, &here).await?;
                }
                Ok(kept)
            }
            .scope_boxed()
        })
        .await
    }

    /// Erases the accounts whose cooling time is over. Part of the sweeps.
    pub(crate) async fn erase_due(&self) -> Result<u64, StoreError> {
        let context = Context::system("erasure");
        let due_before = self.now().await?.business - COOLING_TIME;
        let due = sqlx::query_scalar!(
            "SELECT id FROM users WHERE erasure_requested_at <= $1 AND erased_at IS NULL LIMIT 50",
            due_before
        )
        .fetch_all(self.db())
        .await?;
        let mut erased = 0;
        for id in due {
            let user = UserId::from_uuid(id);
            let ended = self
                .tx("erase", &context, |tx| async move { erase(tx, user, due_before).await }.scope_boxed())
                .await?;
            if let Some(ended) = ended {
                self.revoked(&ended);
                erased += 1;
            }
        }
        Ok(erased)
    }
}

/// None if its owner has kept it at the last moment.
async fn erase(
    tx: &mut Tx,
    user: UserId,
    due_before: domain::time::Instant,
) -> Result<Option<Vec<domain::ids::SessionId>>, StoreError> {
    let row = sqlx::query!(
        "SELECT email, locale FROM users
         WHERE id = $1 AND erasure_requested_at <= $2 AND erased_at IS NULL
         FOR NO KEY UPDATE",
        user.uuid(),
        due_before
    )
    .fetch_optional(tx.db())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let ended = sessions::end_all(tx, user, "erased", None).await?;
    access::unbind(tx, user).await?;
    second_factor::remove_all(tx, user).await?;
    let (now, nobody) = (tx.wall(), format!("erased-{user}@invalid.invalid"));
    for statement in ERASING {
        sqlx::query(*statement).bind(user.uuid()).execute(tx.db()).await?;
    }
    sqlx::query!(
        "UPDATE users
         SET email = $2, email_key = $2, erased_at = $3, frozen_at = COALESCE(frozen_at, $3),
             frozen_by = COALESCE(frozen_by, 'admin'), frozen_for = 'erased',
             password_hash = '$argon2id$v=19$m=19456,t=2,p=1$ZXJhc2Vk$ZXJhc2Vk'
         WHERE id = $1",
        user.uuid(),
        nobody,
        now
    )
    .execute(tx.db())
    .await?;
    super::terms::end(tx, user).await?;
    super::standing::changed(tx, user).await?;
    audit::record(tx, entry("user.erased", user)).await?;
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    let locale = row.locale.parse().unwrap_or(Locale::Fr);
    let recipient = Recipient::Address { address: row.email, locale };
    notifications::owe(tx, id, &format!("erased:{user}"), recipient, Content::Erased, None).await?;
    Ok(Some(ended))
}

/// What goes with the account. Sessions and devices lose what they tell about a person, and stay as numbers.
const ERASING: &[&str] = &[
    "DELETE FROM api_keys WHERE user_id = $1",
    "DELETE FROM password_resets WHERE email_key = (SELECT email_key FROM users WHERE id = $1)",
    "DELETE FROM registrations WHERE email_key = (SELECT email_key FROM users WHERE id = $1)",
    "DELETE FROM sms_messages WHERE user_id = $1",
    "UPDATE sessions SET user_agent = '', network = '', device_id = NULL, cookie_hash = NULL WHERE user_id = $1",
    "DELETE FROM known_devices WHERE user_id = $1",
    // That a payment was confirmed belongs to the payment, and tells of nobody.
    "DELETE FROM notifications WHERE user_id = $1 AND kind <> 'payment_confirmed'",
    "DELETE FROM payment_methods WHERE user_id = $1",
    "UPDATE payments SET payer_encrypted = NULL WHERE user_id = $1 AND payer_encrypted IS NOT NULL",
    "UPDATE bindings SET display_name = '' WHERE user_id = $1",
];

fn entry(action: &'static str, user: UserId) -> audit::Entry {
    audit::Entry {
        action,
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({}),
    }
}
