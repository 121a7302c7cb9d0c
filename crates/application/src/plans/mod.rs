//! What is sold, as the operator keeps it: plans, their prices, and the channels that they open.
//!
//! A change names the version that it was decided from, so that two admins never overwrite each other. How long a plan
//! lasts and what it opens stay as they are once somebody has bought it. Quotes are frozen with their payment: no change
//! reaches those that are open. [`change`] is the whole change in a transaction of the caller's.

mod store;

use domain::money::Money;
use domain::plan::{ChannelKey, PlanCode, PlanLength, price_change_is_critical};
use scoped_futures::ScopedFutureExt;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

pub(crate) use self::store::{channel_of, first_of_channel};
use crate::actor::Context;
use crate::app::App;
use crate::approvals::{self, Action, ApprovalError, ApprovalView, Change, Summary};
use crate::audit;
use crate::tx::{StoreError, Tx, tx_error};

/// Why nothing about a plan changed.
#[derive(Debug, Error)]
pub enum PlanError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such plan.
    #[error("there is no such plan")]
    UnknownPlan,
    /// There is no such channel.
    #[error("there is no such channel")]
    UnknownChannel,
    /// A plan or channel of this name exists.
    #[error("there is one of this name")]
    Taken,
    /// Somebody has changed it since.
    #[error("the plan has changed since: its version is {0}")]
    Stale(i32),
    /// Somebody has bought it: its length and channel stay as they are.
    #[error("this plan was sold: its length and channel stay as they are")]
    Sold,
    /// Two prices in one currency, or one that is nothing.
    #[error("a plan has one price of at least one minor unit per currency")]
    Prices,
    /// A second confirmation is needed, and could not be asked for.
    #[error(transparent)]
    Approval(Box<ApprovalError>),
}
tx_error!(PlanError);

impl From<ApprovalError> for PlanError {
    fn from(error: ApprovalError) -> Self {
        match error {
            ApprovalError::Store(error) => Self::Store(error),
            other => Self::Approval(Box::new(other)),
        }
    }
}

/// What came of a change of a plan.
#[derive(Clone, Debug)]
pub enum PlanChanged {
    /// It is done.
    Done(PlanView),
    /// It could give away what is sold, and waits for a second confirmation (SEC-55).
    Pending(Box<ApprovalView>),
}

/// A plan as the operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanView {
    /// The code that payments name.
    pub code: PlanCode,
    /// The channel that it opens.
    pub channel: ChannelKey,
    /// How much time it adds.
    pub length: PlanLength,
    /// Whether it can be bought.
    pub active: bool,
    /// Its place on the price list.
    pub rank: i32,
    /// Counts its changes.
    pub version: i32,
    /// One price per currency.
    pub prices: Vec<Money>,
    /// Whether somebody has bought or been given it.
    pub sold: bool,
}

/// A channel that access is sold to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelView {
    /// The name that plans use.
    pub key: ChannelKey,
    /// What people call it.
    pub title: String,
}

/// A plan that is made.
#[derive(Clone, Debug)]
pub struct NewPlan {
    /// The code that payments will name.
    pub code: PlanCode,
    /// The channel that it opens.
    pub channel: ChannelKey,
    /// How much time it adds.
    pub length: PlanLength,
    /// Whether it can be bought.
    pub active: bool,
    /// Its place on the price list.
    pub rank: i32,
    /// One price per currency.
    pub prices: Vec<Money>,
}

/// What changes about a plan; what is absent stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanChange {
    /// The version that it was decided from.
    pub version: i32,
    /// Whether it can be bought.
    pub active: Option<bool>,
    /// Its place on the price list.
    pub rank: Option<i32>,
    /// All prices anew.
    pub prices: Option<Vec<Money>>,
    /// How much time it adds; only before it is sold.
    pub length: Option<PlanLength>,
    /// The channel that it opens; only before it is sold.
    pub channel: Option<ChannelKey>,
}

/// What an approval of a change of a plan is about.
pub(crate) fn object(code: &PlanCode) -> String {
    format!("plan:{code}")
}

/// The version of a plan, which stays until the commit.
pub(crate) async fn lock_version(tx: &mut Tx, code: &PlanCode) -> Result<i32, PlanError> {
    Ok(store::lock(tx, code).await?.ok_or(PlanError::UnknownPlan)?.version)
}

/// What a change of prices would change.
pub(crate) async fn describe(
    tx: &mut Tx,
    code: &PlanCode,
    wanted: &PlanChange,
) -> Result<Summary, PlanError> {
    let before = store::lock(tx, code).await?.ok_or(PlanError::UnknownPlan)?;
    let after = changed(&before, wanted)?;
    let (before, after) = (told(&before), told(&after));
    let fields = ["prices", "active", "rank", "days", "channel"];
    let changes = fields.iter().filter(|field| before[**field] != after[**field]).map(|field| {
        let value =
            |plan: &Value| plan[*field].as_str().map_or_else(|| plan[*field].to_string(), str::to_owned);
        Change::of(field, &value(&before), &value(&after))
    });
    Ok(Summary { subject: code.to_string(), changes: changes.collect() })
}

/// Changes a plan, if it still has the version that this was decided from. The plan as it is then.
pub(crate) async fn change(tx: &mut Tx, code: &PlanCode, change: &PlanChange) -> Result<PlanView, PlanError> {
    let before = store::lock(tx, code).await?.ok_or(PlanError::UnknownPlan)?;
    let after = changed(&before, change)?;
    check_channel(tx, &after.channel).await?;
    store::update(tx, &after).await?;
    let details = json!({ "before": told(&before), "after": told(&after) });
    audit::record(tx, entry("plan.changed", code, details)).await?;
    approvals::supersede(tx, &object(code)).await?;
    Ok(after)
}

/// The plan as it would be.
fn changed(before: &PlanView, change: &PlanChange) -> Result<PlanView, PlanError> {
    if before.version != change.version {
        return Err(PlanError::Stale(before.version));
    }
    let after = PlanView {
        active: change.active.unwrap_or(before.active),
        rank: change.rank.unwrap_or(before.rank),
        length: change.length.unwrap_or(before.length),
        channel: change.channel.clone().unwrap_or_else(|| before.channel.clone()),
        prices: change.prices.clone().unwrap_or_else(|| before.prices.clone()),
        version: before.version + 1,
        ..before.clone()
    };
    if before.sold && (after.length, &after.channel) != (before.length, &before.channel) {
        return Err(PlanError::Sold);
    }
    check_prices(&after.prices)?;
    Ok(after)
}

async fn change_or_ask(
    app: &App,
    tx: &mut Tx,
    code: &PlanCode,
    wanted: &PlanChange,
    reason: &str,
) -> Result<PlanChanged, PlanError> {
    let before = store::lock(tx, code).await?.ok_or(PlanError::UnknownPlan)?;
    let after = changed(&before, wanted)?;
    check_channel(tx, &after.channel).await?;
    if price_change_is_critical(&before.prices, &after.prices) {
        let action = Action::PlanPrices { plan: code.clone(), change: wanted.clone() };
        let asked = approvals::request(app, tx, &action, reason).await?;
        return Ok(PlanChanged::Pending(Box::new(asked)));
    }
    Ok(PlanChanged::Done(change(tx, code, wanted).await?))
}

impl App {
    /// Every plan, those that are not sold any more too, in the order of the price list.
    pub async fn all_plans(&self) -> Result<Vec<PlanView>, StoreError> {
        store::all(self.db()).await
    }

    /// Makes a plan.
    pub async fn create_plan(&self, context: &Context, plan: &NewPlan) -> Result<PlanView, PlanError> {
        let made = self.tx("create_plan", context, |tx| async move { create(tx, plan).await }.scope_boxed());
        let made = made.await?;
        self.catalogue().reload(self.db()).await?;
        Ok(made)
    }

    /// Changes a plan. Every other instance sells the new one with its next look at the price list. Prices that fall by
    /// more than half wait for a second confirmation, for which there must be a reason (SEC-55).
    pub async fn change_plan(
        &self,
        context: &Context,
        code: &PlanCode,
        wanted: &PlanChange,
        reason: &str,
    ) -> Result<PlanChanged, PlanError> {
        let changed = self
            .tx("change_plan", context, |tx| {
                async move { change_or_ask(self, tx, code, wanted, reason).await }.scope_boxed()
            })
            .await?;
        self.catalogue().reload(self.db()).await?;
        Ok(changed)
    }

    /// Every channel.
    pub async fn channels(&self) -> Result<Vec<ChannelView>, StoreError> {
        store::channels(self.db()).await
    }

    /// Makes a channel that plans can open.
    pub async fn create_channel(&self, context: &Context, channel: &ChannelView) -> Result<(), PlanError> {
        self.tx("create_channel", context, |tx| {
            async move {
                if !store::insert_channel(tx, channel).await? {
                    return Err(PlanError::Taken);
                }
                let entry = audit::Entry {
                    action: "channel.created",
                    subject_kind: "channel",
                    subject_id: channel.key.to_string(),
                    user: None,
                    details: json!({ "title": channel.title }),
                };
                Ok(audit::record(tx, entry).await?)
            }
            .scope_boxed()
        })
        .await
    }
}

async fn create(tx: &mut Tx, plan: &NewPlan) -> Result<PlanView, PlanError> {
    check_prices(&plan.prices)?;
    check_channel(tx, &plan.channel).await?;
    let NewPlan { code, channel, length, active, rank, prices } = plan.clone();
    let made = PlanView { code, channel, length, active, rank, version: 1, prices, sold: false };
    if !store::insert(tx, &made).await? {
        return Err(PlanError::Taken);
    }
    audit::record(tx, entry("plan.created", &made.code, json!({ "after": told(&made) }))).await?;
    Ok(made)
}

fn check_prices(prices: &[Money]) -> Result<(), PlanError> {
    let once = |price: &Money| prices.iter().filter(|other| other.currency == price.currency).count() == 1;
    let sound = prices.iter().all(|price| price.minor > 0 && once(price));
    if sound { Ok(()) } else { Err(PlanError::Prices) }
}

async fn check_channel(tx: &mut Tx, channel: &ChannelKey) -> Result<(), PlanError> {
    let known = store::channels(tx.db()).await?;
    if known.iter().any(|known| known.key == *channel) { Ok(()) } else { Err(PlanError::UnknownChannel) }
}

fn entry(action: &'static str, code: &PlanCode, details: Value) -> audit::Entry {
    audit::Entry { action, subject_kind: "plan", subject_id: code.to_string(), user: None, details }
}

/// A plan for the audit log.
fn told(plan: &PlanView) -> Value {
    let prices = plan.prices.iter().map(|price| (price.currency.code().to_owned(), json!(price.minor)));
    json!({
        "channel": plan.channel,
        "days": plan.length.days(),
        "active": plan.active,
        "rank": plan.rank,
        "version": plan.version,
        "prices": prices.collect::<serde_json::Map<_, _>>(),
    })
}
