//! The dashboard: the running access with its countdown, buying time, the payments, Telegram.

use askama::Template;

use super::{Countdown, Moment, PageFrame, PaymentRow, PlanCard, Progress};

/// The page that a user comes back to.
#[derive(Template)]
#[template(path = "dashboard.html")]
pub struct DashboardView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The access.
    pub subscription: SubscriptionCard,
    /// What can be bought now; each form posts `plan_code`, `offer`, `idempotency_key`.
    pub plans: Vec<PlanCard>,
    /// Whether all purchases pause: nothing can be bought now.
    pub paused: bool,
    /// The latest payments, newest first.
    pub payments: Vec<PaymentRow>,
    /// The address of older payments, if there are any.
    pub more_payments: Option<String>,
    /// Telegram.
    pub telegram: TelegramCard,
    /// What the page would be shown for now.
    pub progress: Progress,
    /// Whether to keep asking for it, because something is about to happen by itself; otherwise the page asks when
    /// its reader comes back to it.
    pub watched: bool,
}

/// A user's access to the channel.
#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionCard {
    /// There never was one.
    None,
    /// It runs.
    Active {
        /// What the channel is called.
        channel: String,
        /// What the running plan is called.
        plan: String,
        /// The time left.
        countdown: Box<Countdown>,
    },
    /// Its time is set aside.
    Suspended {
        /// What the channel is called.
        channel: String,
        /// The time that is set aside, in words.
        kept: String,
    },
    /// It is over.
    Ended {
        /// What the channel is called.
        channel: String,
        /// Since when.
        ended_at: Moment,
    },
}

/// A user's Telegram account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TelegramCard {
    /// The company has not configured bot or channel.
    Off,
    /// No account is bound; a button posts to make a link.
    Unlinked,
    /// A link waits to be opened.
    LinkReady {
        /// The address that opens Telegram with the token.
        deep_link: String,
        /// Until when it works.
        expires_at: Moment,
    },
    /// An account is bound.
    Linked {
        /// What Telegram calls it: `@name` or a first name.
        account: String,
        /// Since when.
        since: Moment,
        /// How it stands with the channel.
        membership: Membership,
    },
}

/// How a bound account stands with the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Membership {
    /// There is no running access.
    NoAccess,
    /// The invite link is being made.
    Preparing,
    /// The invite link is there.
    Invited {
        /// The personal invite link.
        invite_link: String,
    },
    /// The account is in the channel.
    Inside,
    /// An admin withholds the access.
    Withheld,
}
