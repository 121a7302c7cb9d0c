//! What hangs on an account, for those who help its owner: numbers, never contents.

use domain::ids::UserId;
use domain::time::Instant;

use super::sessions::IDLE_LIMIT;
use super::users::UserView;
use crate::app::App;
use crate::tx::StoreError;

/// A user with what hangs on the account.
#[derive(Clone, Debug)]
pub struct UserDetail {
    /// The user.
    pub user: UserView,
    /// Payments of any status.
    pub payments: i64,
    /// Payments that money came for.
    pub payments_settled: i64,
    /// Subscriptions, running or not.
    pub subscriptions: i64,
    /// Subscriptions whose time runs now.
    pub subscriptions_active: i64,
    /// The Telegram account that is bound, since when.
    pub binding: Option<(i64, Instant)>,
    /// Whether an authenticator app is set up.
    pub totp: bool,
    /// Whether a telephone is set up.
    pub sms: bool,
    /// Recovery codes that were not used yet.
    pub recovery_codes: i64,
    /// Devices that are logged in.
    pub sessions: i64,
    /// Keys of machines that work.
    pub api_keys: i64,
}

impl App {
    /// One user with what hangs on the account.
    pub async fn user_detail(&self, id: UserId) -> Result<Option<UserDetail>, StoreError> {
        let Some(user) = self.user(id).await? else { return Ok(None) };
        let now = self.now().await?;
        let row = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM payments WHERE user_id = $1) AS "payments!",
                      (SELECT count(*) FROM payments WHERE user_id = $1 AND settled_at IS NOT NULL) AS "settled!",
                      (SELECT count(*) FROM subscriptions WHERE user_id = $1) AS "subscriptions!",
                      (SELECT count(*) FROM subscriptions WHERE user_id = $1 AND ends_at > $2) AS "active!",
                      (SELECT telegram_user_id FROM bindings WHERE user_id = $1 AND ended_at IS NULL) AS account,
                      (SELECT bound_at FROM bindings WHERE user_id = $1 AND ended_at IS NULL) AS bound_at,
                      EXISTS (SELECT FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS "totp!",
                      EXISTS (SELECT FROM sms_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL) AS "sms!",
                      (SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL) AS "codes!",
                      (SELECT count(*) FROM sessions
                       WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $3 AND last_used_at > $4
                         AND created_at > (SELECT not_before FROM session_cutoff)) AS "sessions!",
                      (SELECT count(*) FROM api_keys
                       WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $3) AS "api_keys!""#,
            id.uuid(),
            now.business,
            now.wall,
            now.wall - IDLE_LIMIT
        )
        .fetch_one(self.db())
        .await?;
        Ok(Some(UserDetail {
            user,
            payments: row.payments,
            payments_settled: row.settled,
            subscriptions: row.subscriptions,
            subscriptions_active: row.active,
            binding: row.account.zip(row.bound_at),
            totp: row.totp,
            sms: row.sms,
            recovery_codes: row.codes,
            sessions: row.sessions,
            api_keys: row.api_keys,
        }))
    }
}
