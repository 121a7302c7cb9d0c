//! `/dashboard`: the access and its countdown, buying, the payments, Telegram.

use application::access::{AccessView, BindingView};
use application::billing::PaymentView as Payment;
use application::subscriptions::SubscriptionView;
use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use domain::ids::{PaymentId, UserId};
use domain::payment::Status;
use domain::subscription::SubscriptionStatus;
use domain::time::{Duration, Instant};

use super::session::{SignedIn, Visitor};
use super::telegram::{self, WaitingLink};
use super::views::{Countdown, DashboardView, Membership, Moment, Progress, SubscriptionCard, TelegramCard};
use super::{cookies, payments, redirect, sale};
use crate::problem::Problem;

/// So many payments stand on the page; older ones follow through a link.
const SHOWN_PAYMENTS: usize = 10;

/// How things stand for a user.
struct Standing {
    now: Instant,
    subscription: Option<SubscriptionView>,
    /// Where the shown payments begin, if not at the newest.
    before: Option<PaymentId>,
    payments: Vec<Payment>,
    older: Option<PaymentId>,
    binding: Option<BindingView>,
    access: Option<AccessView>,
    /// Whether all purchases pause.
    paused: bool,
}

/// The page that a user comes back to; `?before=` shows older payments.
pub(super) async fn page(
    SignedIn { visitor, user, session }: SignedIn,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let standing = Standing::load(&visitor, user).await?;
    let waiting = cookies::LINK.read(&headers, visitor.state.options.https);
    let (key, wall) = (visitor.app().keys().csrf(), visitor.app().clock().wall());
    let link = waiting.and_then(|cookie| WaitingLink::read(cookie, key, session, wall));
    let mut response = visitor.show(StatusCode::OK, &view(&visitor, &standing, link.as_ref()));
    if waiting.is_some() && (link.is_none() || standing.binding.is_some()) {
        visitor.take_away(&mut response, &cookies::LINK);
    }
    Ok(response)
}

/// What the script of the page asks while something is about to happen by itself.
pub(super) async fn watch(visitor: Visitor) -> Result<Json<Progress>, Problem> {
    let session = visitor.session.as_ref().ok_or(Problem::unauthorized())?;
    let standing = Standing::load(&visitor, session.user).await?;
    Ok(Json(standing.progress()))
}

fn view(visitor: &Visitor, standing: &Standing, link: Option<&WaitingLink>) -> DashboardView {
    let telegram = telegram::card(visitor, standing.binding.as_ref(), standing.membership(), link);
    let watched = standing.moves(&telegram);
    DashboardView {
        page: visitor.frame(),
        subscription: standing.subscription_card(visitor),
        plans: sale::plan_cards(visitor),
        paused: standing.paused,
        payments: standing.payments.iter().map(|payment| payments::row(visitor, payment)).collect(),
        more_payments: standing.older.map(|id| format!("/dashboard?before={id}#payments-title")),
        telegram,
        progress: standing.progress(),
        watched,
    }
}

impl Standing {
    async fn load(visitor: &Visitor, user: UserId) -> Result<Self, Problem> {
        let app = visitor.app();
        let before = redirect::query_word(&visitor.path, "before").and_then(|id| id.parse().ok());
        let channel = &app.options().default_channel;
        // One more than shown tells whether there are older ones.
        let limit = i64::try_from(SHOWN_PAYMENTS + 1).unwrap_or(i64::MAX);
        let mut payments = app.payments(user, before, limit).await?;
        let more = payments.len() > SHOWN_PAYMENTS;
        payments.truncate(SHOWN_PAYMENTS);
        let binding = app.telegram_binding(user).await?;
        let access = if binding.is_some() { app.telegram_access(user).await? } else { Vec::new() };
        Ok(Self {
            now: app.now().await?.business,
            subscription: app.subscription(user, channel).await?,
            before,
            older: payments.last().filter(|_| more).map(|payment| payment.id),
            payments,
            binding,
            access: access.into_iter().find(|access| access.channel == *channel),
            paused: app.purchase_pause().await?.is_some(),
        })
    }

    fn membership(&self) -> Membership {
        let active = |subscription: &SubscriptionView| subscription.status == SubscriptionStatus::Active;
        telegram::membership(self.subscription.as_ref().is_some_and(active), self.access.as_ref())
    }

    fn subscription_card(&self, visitor: &Visitor) -> SubscriptionCard {
        let locale = visitor.locale;
        let Some(subscription) = &self.subscription else { return SubscriptionCard::None };
        let channel = title(subscription.channel.as_str());
        let SubscriptionView { starts_at, ends_at, .. } = *subscription;
        match subscription.status {
            SubscriptionStatus::Active => SubscriptionCard::Active {
                channel,
                plan: sale::plan_name(visitor, &subscription.plan_code),
                countdown: Box::new(Countdown::new(locale, starts_at, ends_at, self.now)),
            },
            SubscriptionStatus::Suspended => SubscriptionCard::Suspended {
                channel,
                kept: locale.about(Duration::seconds(subscription.seconds_withheld)),
            },
            SubscriptionStatus::Ended => {
                SubscriptionCard::Ended { channel, ended_at: Moment::new(locale, ends_at) }
            }
        }
    }

    /// Whether the page may soon look different without anybody touching it.
    fn moves(&self, telegram: &TelegramCard) -> bool {
        let open = |payment: &Payment| payment.status == Status::Pending && self.now < payment.expires_at;
        let telegram_moves = match telegram {
            TelegramCard::LinkReady { .. } => true,
            TelegramCard::Linked { membership, .. } => {
                matches!(membership, Membership::Preparing | Membership::Invited { .. })
            }
            TelegramCard::Off | TelegramCard::Unlinked => false,
        };
        telegram_moves || self.payments.iter().any(open)
    }

    fn progress(&self) -> Progress {
        let query = self.before.map(|id| format!("?before={id}")).unwrap_or_default();
        Progress { href: format!("/dashboard/progress{query}"), state: self.state() }
    }

    /// Changes whenever the page would look different. The newest payment is enough of the list: it is what people
    /// wait for, and an older one that settles moves the end of the access.
    fn state(&self) -> String {
        let payment = self.payments.first().map_or_else(|| "-".to_owned(), payments::state);
        let access = self.subscription.as_ref().map_or_else(
            || "-".to_owned(),
            |held| {
                let days_left = held.seconds_left / 86_400;
                format!("{}.{}.{days_left}", held.status.as_str(), held.ends_at.unix_timestamp())
            },
        );
        let telegram = match (&self.binding, self.membership()) {
            (None, _) => "unlinked",
            (_, Membership::NoAccess) => "no-access",
            (_, Membership::Preparing) => "preparing",
            (_, Membership::Invited { .. }) => "invited",
            (_, Membership::Inside) => "inside",
            (_, Membership::Withheld) => "withheld",
        };
        format!("{payment}/{access}/{telegram}")
    }
}

/// What a channel is called: its key, written as a name.
fn title(key: &str) -> String {
    let mut letters = key.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|letter| if letter == '-' { ' ' } else { letter })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_is_called_by_its_key_written_as_a_name() {
        assert_eq!(title("signaux"), "Signaux");
        assert_eq!(title("gold-signals-2"), "Gold signals 2");
    }
}
