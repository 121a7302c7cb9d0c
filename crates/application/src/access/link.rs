//! Linking a Telegram account, by a deep link that a logged-in user opens: 43 characters, once, 15 minutes.

use crypto::token::OpaqueToken;
use domain::access::Observed;
use domain::ids::{BindingId, UserId};
use domain::plan::ChannelKey;
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::{AccessError, store};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, Tx};

/// How long a deep link works (wall time).
const LINK_LIFE: Duration = Duration::minutes(15);

/// A deep link to open in Telegram.
#[derive(Debug)]
pub struct DeepLink {
    /// `https://t.me/<bot>?start=<token>`.
    pub url: SecretString,
    /// Until when it works (wall time).
    pub expires_at: Instant,
}

/// Which account is bound.
#[derive(Clone, Debug)]
pub struct BindingView {
    /// Telegram's number of the account.
    pub telegram_user_id: i64,
    /// A name to show.
    pub display_name: String,
    /// Since when.
    pub bound_at: Instant,
}

/// A user's way into one channel.
#[derive(Clone, Debug)]
pub struct AccessView {
    /// Which channel.
    pub channel: ChannelKey,
    /// The user's own link, while they have running time.
    pub invite_link: Option<String>,
    /// Whether the bound account is inside.
    pub member: bool,
    /// Whether a join request waits.
    pub requested: bool,
}

impl App {
    /// Makes a deep link; earlier ones that were not used stop working.
    pub async fn create_telegram_link(
        &self,
        context: &Context,
        user: UserId,
    ) -> Result<DeepLink, AccessError> {
        let bot = self.bot_username().ok_or(AccessError::NotSetUp)?;
        let token = OpaqueToken::random(&**self.random());
        let expires_at = self
            .tx("create_telegram_link", context, |tx| {
                let token = &token;
                async move {
                    let expires_at = tx.wall() + LINK_LIFE;
                    store::insert_token(tx, user, &token.hash(), expires_at).await?;
                    Ok::<_, AccessError>(expires_at)
                }
                .scope_boxed()
            })
            .await?;
        let url = format!("https://t.me/{bot}?start={}", token.reveal().expose_secret());
        Ok(DeepLink { url: url.into(), expires_at })
    }

    /// Which account is bound to a user now.
    pub async fn telegram_binding(&self, user: UserId) -> Result<Option<BindingView>, AccessError> {
        let row = sqlx::query_as!(
            BindingView,
            "SELECT telegram_user_id, display_name, bound_at FROM bindings WHERE user_id = $1 AND ended_at IS NULL",
            user.uuid()
        );
        Ok(row.fetch_optional(self.db()).await?)
    }

    /// Lets the bound account go. Says whether there was one; it is removed from the channels.
    pub async fn unlink_telegram(&self, context: &Context, user: UserId) -> Result<bool, AccessError> {
        self.tx("unlink_telegram", context, |tx| async move { Ok(unbind(tx, user).await?) }.scope_boxed())
            .await
    }

    /// A user's way into each channel that they have or had time for.
    pub async fn telegram_access(&self, user: UserId) -> Result<Vec<AccessView>, AccessError> {
        let now = self.now().await?.business;
        let rows = sqlx::query!(
            r#"SELECT subscriptions.channel, memberships.invite_link AS "invite_link?",
                      COALESCE(memberships.observed, 'outside') AS "observed!",
                      memberships.join_requested_at IS NOT NULL AS "requested!",
                      EXISTS (SELECT FROM periods
                              WHERE subscription_id = subscriptions.id AND starts_at <= $2 AND $2 < periods.ends_at)
                      AS "running!"
               FROM subscriptions
               LEFT JOIN bindings ON bindings.user_id = subscriptions.user_id AND bindings.ended_at IS NULL
               LEFT JOIN memberships ON memberships.telegram_user_id = bindings.telegram_user_id
                                    AND memberships.channel = subscriptions.channel
               WHERE subscriptions.user_id = $1
               ORDER BY subscriptions.channel"#,
            user.uuid(),
            now
        )
        .fetch_all(self.db())
        .await?;
        let views = rows.into_iter().map(|row| {
            let channel = row.channel.parse();
            Ok(AccessView {
                channel: channel
                    .map_err(|_| StoreError::unknown_word("subscriptions.channel", &row.channel))?,
                invite_link: row.invite_link.filter(|_| row.running),
                member: store::observed(&row.observed)? != Observed::Outside,
                requested: row.requested,
            })
        });
        Ok(views.collect::<Result<_, StoreError>>()?)
    }
}

/// Lets a user's account go. Says whether there was one.
pub(crate) async fn unbind(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let ended = store::end_bindings(tx, user, None).await?;
    for (owner, account) in &ended {
        record_unbound(tx, *owner, *account).await?;
    }
    Ok(!ended.is_empty())
}

/// Binds an account to a user. What either was bound to before is let go first, and removed from the channels.
pub(super) async fn bind(
    tx: &mut Tx,
    user: UserId,
    account: i64,
    display_name: &str,
) -> Result<(), StoreError> {
    for (owner, old) in store::end_bindings(tx, user, Some(account)).await? {
        // Linked again by the same person: nothing was let go.
        if (owner, old) != (user, account) {
            record_unbound(tx, owner, old).await?;
        }
    }
    let id = BindingId::new(tx.wall(), &tx.entropy());
    store::insert_binding(tx, id, user, account, display_name).await?;
    store::owe_of_account(tx, account, true).await?;
    tx.owe_work();
    let entry = audit::Entry {
        action: "telegram.bound",
        subject_kind: "binding",
        subject_id: id.to_string(),
        user: Some(user),
        details: json!({}),
    };
    audit::record_with(tx, entry, identifying(account)).await
}

/// The number of a Telegram account is somebody's: it stands beside the entry.
pub(super) fn identifying(account: i64) -> serde_json::Map<String, serde_json::Value> {
    std::iter::once(("telegram_user_id".to_owned(), json!(account))).collect()
}

async fn record_unbound(tx: &mut Tx, user: UserId, account: i64) -> Result<(), StoreError> {
    store::owe_of_account(tx, account, false).await?;
    tx.owe_work();
    let entry = audit::Entry {
        action: "telegram.unbound",
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({}),
    };
    audit::record_with(tx, entry, identifying(account)).await
}
