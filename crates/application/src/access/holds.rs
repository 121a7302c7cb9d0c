//! Lists of held removals: an admin looks at one and decides upon it as a whole.
//!
//! Confirmed, the removals are owed as always, and what is wanted is read again before each. Rejected, the people stay
//! until something about them changes.

use domain::ids::{RemovalHoldId, UserId};
use domain::plan::ChannelKey;
use domain::removal::Unforeseen;
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use thiserror::Error;

use super::{fuse_store, holds_store as store};
use crate::actor::Context;
use crate::app::App;
use crate::approvals::{self, Action, ApprovalError, Change, Summary};
use crate::audit;
use crate::tx::{StoreError, Tx, tx_error};

/// Why admins are asked.
const WHY: &str = "nobody could foresee these removals, and they are too many for one hour";

/// What an admin decides about a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovalDecision {
    /// They are removed.
    Confirm,
    /// They stay.
    Reject,
}

impl RemovalDecision {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirmed",
            Self::Reject => "rejected",
        }
    }
}

/// A list of removals that waits.
#[derive(Clone, Debug)]
pub struct RemovalHold {
    /// Its identifier.
    pub id: RemovalHoldId,
    /// Of which channel.
    pub channel: ChannelKey,
    /// Since when (business time).
    pub opened_at: Instant,
    /// Which state of it this is.
    pub version: i32,
    /// Who is on it.
    pub people: Vec<HeldRemoval>,
}

/// Somebody whose removal waits.
#[derive(Clone, Debug)]
pub struct HeldRemoval {
    /// Telegram's number of the account.
    pub telegram_user_id: i64,
    /// Whose it is, if it is anybody's.
    pub user: Option<UserId>,
    /// Why it could not be foreseen.
    pub reason: Unforeseen,
    /// Since when it waits (business time).
    pub held_at: Instant,
}

/// Why a list was not decided upon.
#[derive(Debug, Error)]
pub enum HoldError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such list waits.
    #[error("no such list of removals waits: `calmness removals list` tells which do")]
    NotFound,
    /// Somebody was put on the list or left it since.
    #[error("the list has changed: {now} people are on it in version {version}; look at it again")]
    Changed {
        /// Its version now.
        version: i32,
        /// How many are on it.
        now: i64,
    },
}
tx_error!(HoldError);

impl App {
    /// The lists that wait for a decision.
    pub async fn removal_holds(&self) -> Result<Vec<RemovalHold>, StoreError> {
        store::open(self.db()).await
    }

    /// Decides upon a list, as it was seen in this version.
    pub async fn decide_removals(
        &self,
        context: &Context,
        hold: RemovalHoldId,
        version: i32,
        decision: RemovalDecision,
    ) -> Result<u64, HoldError> {
        self.tx("decide_removals", context, |tx| {
            async move { decide(tx, hold, version, decision).await }.scope_boxed()
        })
        .await
    }

    /// Remembers which chat is the channel's, wakes what was held in another one, and tells admins of lists that wait.
    pub(crate) async fn watch_removals(&self) -> Result<(), StoreError> {
        let context = Context::system("removal_fuse");
        let channel = &self.options().default_channel;
        if let Some(chat) = self.settings().telegram_channel_id() {
            self.tx("note_chat", &context, |tx| {
                async move { store::note_chat(tx, channel, chat).await }.scope_boxed()
            })
            .await?;
        }
        for hold in store::untold(self.db(), self.now().await?.business).await? {
            self.tx("tell_of_held_removals", &context, |tx| {
                let hold = &hold;
                async move {
                    store::tell(tx, hold).await?;
                    // Also where nobody has answered in time: a list never waits without a question.
                    ask(self, tx, hold.id).await
                }
                .scope_boxed()
            })
            .await?;
        }
        Ok(())
    }
}

/// A list as approvals name it.
pub(crate) fn hold_object(hold: RemovalHoldId) -> String {
    format!("removals:{hold}")
}

/// Locks a list that waits; its version.
pub(crate) async fn lock_hold(tx: &mut Tx, hold: RemovalHoldId) -> Result<i32, HoldError> {
    let channel = store::channel_of(tx, hold).await?.ok_or(HoldError::NotFound)?;
    fuse_store::lock_channel(tx, &channel).await?;
    Ok(store::lock(tx, hold).await?.ok_or(HoldError::NotFound)?.version)
}

/// Who would be removed, by reason.
pub(crate) async fn describe_hold(tx: &mut Tx, hold: RemovalHoldId) -> Result<Summary, HoldError> {
    let channel = store::channel_of(tx, hold).await?.ok_or(HoldError::NotFound)?;
    let changes = store::accounts_by_reason(tx, hold).await?.into_iter();
    let changes = changes.map(|(field, accounts)| Change { field, before: Some(accounts), after: None });
    Ok(Summary { subject: channel.to_string(), changes: changes.collect() })
}

/// Decides upon a list whose version was looked at in this transaction.
pub(crate) async fn decide_hold(
    tx: &mut Tx,
    hold: RemovalHoldId,
    decision: RemovalDecision,
) -> Result<(), HoldError> {
    let version = lock_hold(tx, hold).await?;
    decide(tx, hold, version, decision).await?;
    Ok(())
}

/// Asks admins about a list as it is now; what was asked about its earlier states is over.
async fn ask(app: &App, tx: &mut Tx, hold: RemovalHoldId) -> Result<(), StoreError> {
    approvals::supersede(tx, &hold_object(hold)).await?;
    match approvals::request(app, tx, &Action::RemoveMembers { list: hold }, WHY).await {
        // Decided meanwhile: nothing is left to ask.
        Ok(_) | Err(ApprovalError::NotFound) => Ok(()),
        Err(ApprovalError::Store(error)) => Err(error),
        Err(error) => {
            tracing::error!(
                removal.hold = %hold,
                error = &error as &dyn std::error::Error,
                "admins were told of held removals, and not asked"
            );
            Ok(())
        }
    }
}

async fn decide(
    tx: &mut Tx,
    hold: RemovalHoldId,
    version: i32,
    decision: RemovalDecision,
) -> Result<u64, HoldError> {
    let channel = store::channel_of(tx, hold).await?.ok_or(HoldError::NotFound)?;
    fuse_store::lock_channel(tx, &channel).await?;
    let seen = store::lock(tx, hold).await?.ok_or(HoldError::NotFound)?;
    if seen.version != version {
        return Err(HoldError::Changed { version: seen.version, now: seen.people });
    }
    let decided = store::decide(tx, hold, decision).await?;
    approvals::supersede(tx, &hold_object(hold)).await?;
    if decision == RemovalDecision::Confirm {
        store::owe(tx, hold).await?;
        tx.owe_work();
    }
    let entry = audit::Entry {
        action: match decision {
            RemovalDecision::Confirm => "removals.confirmed",
            RemovalDecision::Reject => "removals.rejected",
        },
        subject_kind: "removal_hold",
        subject_id: hold.to_string(),
        user: None,
        details: json!({ "channel": channel.as_str(), "people": decided, "version": version }),
    };
    audit::record(tx, entry).await?;
    Ok(decided)
}
