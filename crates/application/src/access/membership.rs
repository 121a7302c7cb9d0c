//! Bringing what is observed in a channel to what is wanted, one account at a time.

use domain::access::{Act, Observed, Standing, Wanted, next_act, wanted};
use domain::ids::NotificationId;
use domain::time::{Duration, Instant, microseconds_between};
use futures_util::future::BoxFuture;
use gateways::telegram::{BotClient, TelegramError};
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::fuse_store;
use super::store::{self, Change, Claimed, Situation};
use crate::actor::Context;
use crate::alerts;
use crate::app::App;
use crate::audit;
use crate::notifications::{self, Content, Recipient};
use crate::tx::{StoreError, Tx};
use crate::work::{Backoff, Lease, OwedWork};

const BACKOFF: Backoff = Backoff { first: Duration::seconds(2), longest: Duration::seconds(30) };
/// What only an operator can mend is tried again this often.
const OPERATOR_BACKOFF: Backoff = Backoff { first: Duration::minutes(1), longest: Duration::minutes(5) };
/// How soon to look again whether the user's old account is out.
const OLD_ACCOUNT_WAIT: Duration = Duration::seconds(2);
/// Telegram sometimes does not know a person whom it let in (a known defect): so often it is asked again.
const UNKNOWN_USER_ATTEMPTS: i32 = 4;

/// How many mismatches one look owes.
const MAX_HEALED: i64 = 500;

/// Memberships to mend, as owed work.
pub(crate) struct MembershipWork;

impl OwedWork for MembershipWork {
    type Item = Claimed;

    const NAME: &'static str = "membership";

    fn claim(app: &App, lease: Lease) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(store::claim(app.db(), lease))
    }

    fn act(app: &App, claimed: Claimed) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async move { app.mend(&claimed).await })
    }
}

/// What an act came to.
enum Outcome {
    /// It was done: write this.
    Done(Change, &'static str),
    /// Again after this long.
    Later(Duration),
    /// Only an operator can mend it; again after this long.
    Operator(Duration, alerts::Kind, String),
}

impl App {
    async fn mend(&self, claimed: &Claimed) -> Result<(), StoreError> {
        let now = self.now().await?.business;
        let (Some(telegram), Some(chat)) = (self.telegram(), self.settings().telegram_channel_id()) else {
            tracing::warn!(
                telegram.account = claimed.place.account,
                "no bot or no telegram_channel_id is set up"
            );
            let due = now + OPERATOR_BACKOFF.after(claimed.attempts, &**self.random());
            return store::release(self.db(), claimed, Some(due)).await;
        };
        // Read right before the act: what was true when the work was owed may not be any more.
        let situation = store::situation(self.db(), &claimed.place, now).await?;
        let act = decide(&situation);
        if act == Act::Remove {
            if !self.passes_fuse(claimed, &situation, chat).await? {
                return Ok(());
            }
        } else if situation.held {
            self.forget_held(claimed).await?;
        }
        if act == Act::Rest && !must_look(&situation, claimed) {
            self.forget_invitation(claimed, &situation).await?;
            return store::release(self.db(), claimed, None).await;
        }
        let wants_in = matches!(act, Act::Approve | Act::Invite);
        if wants_in && situation.old_account_inside {
            return store::release(self.db(), claimed, Some(now + OLD_ACCOUNT_WAIT)).await;
        }
        let outcome = match self.perform(&telegram, chat, claimed, &situation, act).await {
            Outcome::Done(change, action) => Outcome::Done(Change { chat: Some(chat), ..change }, action),
            other => other,
        };
        self.finish_act(claimed, &situation, outcome).await
    }

    async fn perform(
        &self,
        telegram: &BotClient,
        chat: i64,
        claimed: &Claimed,
        situation: &Situation,
        act: Act,
    ) -> Outcome {
        let account = claimed.place.account;
        let called = match act {
            Act::Approve => telegram.approve_chat_join_request(chat, account).await.map(|()| {
                let change =
                    Change { observed: Some(Observed::Member), request_answered: true, ..Change::default() };
                (change, "membership.approved")
            }),
            Act::Decline => telegram
                .decline_chat_join_request(chat, account)
                .await
                .map(|()| (Change { request_answered: true, ..Change::default() }, "membership.declined")),
            Act::Remove => telegram.unban_chat_member(chat, account).await.map(|()| {
                let change =
                    Change { observed: Some(Observed::Outside), invited: Some(false), ..Change::default() };
                (change, "membership.removed")
            }),
            Act::Invite => invite(telegram, chat, claimed, situation).await,
            Act::Rest => look(telegram, chat, account).await.map(|(change, action)| {
                let inside = change.observed != Some(Observed::Outside);
                // Looked for once: the invitation of time that is over is over too.
                let invited = (wanted_now(situation) == Wanted::Out).then_some(false);
                (Change { request_answered: inside, invited, ..change }, action)
            }),
        };
        match called {
            Ok((change, action)) => Outcome::Done(change, action),
            // Answered by somebody else, or twice: what is true now decides.
            Err(TelegramError::AlreadyDone(_)) if matches!(act, Act::Approve | Act::Decline) => {
                match look(telegram, chat, account).await {
                    Ok((change, action)) => {
                        Outcome::Done(Change { request_answered: true, ..change }, action)
                    }
                    Err(error) => self.explain(&error, claimed),
                }
            }
            Err(ref error @ (TelegramError::AlreadyDone(_) | TelegramError::Untouchable)) => {
                let observed = match error {
                    TelegramError::Untouchable => Observed::Untouchable,
                    _ if act == Act::Remove => Observed::Outside,
                    _ => situation.observed,
                };
                Outcome::Done(Change { observed: Some(observed), ..Change::default() }, "membership.observed")
            }
            Err(error) => self.explain(&error, claimed),
        }
    }

    fn explain(&self, error: &TelegramError, claimed: &Claimed) -> Outcome {
        let random = &**self.random();
        tracing::warn!(
            telegram.account = claimed.place.account,
            work.attempts = claimed.attempts,
            error = error as &dyn std::error::Error,
            "Telegram did not do it yet"
        );
        let operator = OPERATOR_BACKOFF.after(claimed.attempts, random);
        match error {
            TelegramError::RetryAfter { after } => {
                Outcome::Later(Duration::try_from(*after).unwrap_or(BACKOFF.longest))
            }
            TelegramError::UnknownUser(_) if claimed.attempts >= UNKNOWN_USER_ATTEMPTS => {
                let change =
                    Change { observed: Some(Observed::Outside), request_answered: true, ..Change::default() };
                Outcome::Done(change, "membership.observed")
            }
            TelegramError::TooManyChats => {
                Outcome::Done(Change { request_answered: true, ..Change::default() }, "membership.observed")
            }
            TelegramError::MissingRights(_) | TelegramError::ChatGone(_) | TelegramError::BadToken => {
                Outcome::Operator(operator, alerts::Kind::TelegramRights, error.to_string())
            }
            TelegramError::Migrated { .. } | TelegramError::Refused(_) => {
                Outcome::Operator(operator, alerts::Kind::TelegramUnreachable, error.to_string())
            }
            _ => Outcome::Later(BACKOFF.after(claimed.attempts, random)),
        }
    }

    async fn finish_act(
        &self,
        claimed: &Claimed,
        situation: &Situation,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        let context = Context::system("membership");
        match outcome {
            Outcome::Done(change, action) => {
                self.tx("membership_done", &context, |tx| {
                    let change = &change;
                    async move {
                        if store::write_change(tx, claimed, change).await? {
                            if situation.held {
                                fuse_store::settle(tx, &claimed.place).await?;
                            }
                            tell(tx, claimed, situation, change, action).await?;
                        }
                        // What is wanted is read again: if it changed meanwhile, the next act is due at once.
                        let now = tx.now();
                        let after = store::situation(&mut *tx.db(), &claimed.place, now).await?;
                        let again = (decide(&after) != Act::Rest).then_some(now);
                        if again.is_some() {
                            tx.owe_work();
                        }
                        store::release(&mut *tx.db(), claimed, again).await
                    }
                    .scope_boxed()
                })
                .await
            }
            Outcome::Later(after) => {
                let due = self.now().await?.business + after;
                store::release(self.db(), claimed, Some(due)).await
            }
            Outcome::Operator(after, kind, said) => {
                self.tx("membership_refused", &context, |tx| {
                    let details = json!({ "telegram": said });
                    async move {
                        alerts::raise(tx, kind, kind.as_str(), details).await?;
                        let due = tx.now() + after;
                        store::release(&mut *tx.db(), claimed, Some(due)).await
                    }
                    .scope_boxed()
                })
                .await
            }
        }
    }

    /// Owes memberships where what is observed is not what is wanted and nobody owes it.
    pub(crate) async fn heal_memberships(&self) -> Result<(), StoreError> {
        let context = Context::system("heal_memberships");
        let healed = self.tx("heal_memberships", &context, |tx| {
            async move { store::owe_mismatches(tx, MAX_HEALED).await }.scope_boxed()
        });
        let healed = healed.await?;
        if healed > 0 {
            tracing::warn!(
                memberships.healed = healed,
                "memberships were not what is wanted and nobody owed them"
            );
            self.wake_workers();
        }
        Ok(())
    }

    /// Time that ended takes its invitation along: the next time sends a new one.
    async fn forget_invitation(&self, claimed: &Claimed, situation: &Situation) -> Result<(), StoreError> {
        if situation.running_until.is_some() || !situation.invited {
            return Ok(());
        }
        let context = Context::system("membership");
        self.tx("forget_invitation", &context, |tx| {
            async move {
                store::write_change(tx, claimed, &Change { invited: Some(false), ..Change::default() })
                    .await?;
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }
}

fn wanted_now(situation: &Situation) -> Wanted {
    wanted(Standing {
        bound: situation.user.is_some(),
        running: situation.running_until.is_some(),
        withheld: situation.withheld,
    })
}

fn decide(situation: &Situation) -> Act {
    next_act(
        wanted_now(situation),
        situation.observed,
        situation.join_requested,
        situation.invited,
        situation.ever_bound,
    )
}

/// Two cases in which what is on our books may be stale, and Telegram is asked. An account of ours that should be
/// outside and has an invitation: the update that told of its entry may be lost. And a member that asks to join: either
/// the request was delivered twice, or its leaving was missed.
fn must_look(situation: &Situation, claimed: &Claimed) -> bool {
    let should_be_out = wanted_now(situation) == Wanted::Out
        && situation.ever_bound
        && situation.observed == Observed::Outside
        && situation.invited;
    let member_asks = situation.observed == Observed::Member && situation.join_requested;
    (should_be_out || member_asks) && claimed.attempts <= UNKNOWN_USER_ATTEMPTS
}

async fn look(
    telegram: &BotClient,
    chat: i64,
    account: i64,
) -> Result<(Change, &'static str), TelegramError> {
    let member = telegram.get_chat_member(chat, account).await?;
    let observed = match member.is_in() {
        None => return Err(TelegramError::UnknownUser("its status is not known here".to_owned())),
        Some(false) => Observed::Outside,
        Some(true) if member.is_untouchable() || member.user.is_bot => Observed::Untouchable,
        Some(true) => Observed::Member,
    };
    Ok((Change { observed: Some(observed), ..Change::default() }, "membership.observed"))
}

/// Makes the account's own join-request link, unless it has one for this chat, and marks it as sent.
async fn invite(
    telegram: &BotClient,
    chat: i64,
    claimed: &Claimed,
    situation: &Situation,
) -> Result<(Change, &'static str), TelegramError> {
    let known = situation.invite.clone().filter(|(_, made_for)| *made_for == chat);
    let link = if let Some((link, _)) = known {
        link
    } else {
        let name = format!("calmness {}", claimed.place.account);
        telegram.create_chat_invite_link(chat, &name, true).await?.invite_link
    };
    let change = Change { invite: Some((link, chat)), invited: Some(true), ..Change::default() };
    Ok((change, "membership.invited"))
}

/// The audit entry of an act, and what the bot says about it.
async fn tell(
    tx: &mut Tx,
    claimed: &Claimed,
    situation: &Situation,
    change: &Change,
    action: &'static str,
) -> Result<(), StoreError> {
    let entry = audit::Entry {
        action,
        subject_kind: "membership",
        subject_id: match situation.user {
            Some(user) => format!("{}/{user}", claimed.place.channel),
            None => format!("{}/nobody", claimed.place.channel),
        },
        user: situation.user,
        details: json!({}),
    };
    audit::record_with(tx, entry, super::link::identifying(claimed.place.account)).await?;
    let content = match (action, &change.invite, situation.running_until) {
        ("membership.invited", Some((link, _)), Some(until)) => {
            // A later invitation (time given back, a new purchase) is about the time, not about the link.
            let linked_after_buying =
                situation.invite.is_none() && situation.bound_at > situation.running_since;
            if linked_after_buying {
                Content::BotLinkedWithInvite { link: link.clone() }
            } else {
                let ends_at_us = microseconds_between(Instant::UNIX_EPOCH, until);
                Content::BotOpened { ends_at_us, link: link.clone() }
            }
        }
        ("membership.removed", ..) => Content::BotRemoved,
        _ => return Ok(()),
    };
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    let locale = situation.locale.as_deref().and_then(|word| word.parse().ok());
    let account = claimed.place.account;
    let recipient = Recipient::Telegram {
        account,
        user: situation.user,
        locale: locale.unwrap_or(crate::text::Locale::Fr),
    };
    // The lease names this one act: a repetition of its transaction owes nothing twice.
    let dedupe_key = format!("{}:{account}:{}", content.kind(), claimed.token);
    notifications::owe(tx, id, &dedupe_key, recipient, content, None).await?;
    Ok(())
}
