//! What is sold, in memory: plans and prices change rarely and are read by every request.

use std::sync::{Arc, PoisonError, RwLock};

use domain::money::{Currency, Money};
use domain::plan::{Plan, PlanCode, PlanLength};
use sqlx::{PgExecutor, PgPool};

use super::{BillingError, store};
use crate::app::App;
use crate::tx::StoreError;

/// The price list.
pub struct Catalogue(RwLock<Arc<Vec<Plan>>>);

/// A plan at one price through one provider.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) plan: Plan,
    pub(crate) price: Money,
}

impl Catalogue {
    /// Reads the price list.
    pub async fn load(db: &PgPool) -> Result<Self, StoreError> {
        Ok(Self(RwLock::new(Arc::new(read(db).await?))))
    }

    /// Reads it again.
    pub async fn reload(&self, db: impl PgExecutor<'_>) -> Result<(), StoreError> {
        let plans = read(db).await?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(plans);
        Ok(())
    }

    /// Every plan that is sold, in the order of the price list.
    pub fn plans(&self) -> Arc<Vec<Plan>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The plan of this code.
    pub fn plan(&self, code: &PlanCode) -> Option<Plan> {
        self.plans().iter().find(|plan| plan.code == *code).cloned()
    }
}

async fn read(db: impl PgExecutor<'_>) -> Result<Vec<Plan>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT plans.code, plans.channel, plans.days,
                  COALESCE(array_agg(plan_prices.currency ORDER BY plan_prices.currency)
                           FILTER (WHERE plan_prices.currency IS NOT NULL), '{}') AS "currencies!",
                  COALESCE(array_agg(plan_prices.amount_minor ORDER BY plan_prices.currency)
                           FILTER (WHERE plan_prices.currency IS NOT NULL), '{}') AS "amounts!"
           FROM plans LEFT JOIN plan_prices ON plan_prices.plan_code = plans.code
           WHERE plans.active
           GROUP BY plans.code
           ORDER BY plans.rank, plans.code"#
    )
    .fetch_all(db)
    .await?;
    let mut plans = Vec::with_capacity(rows.len());
    for row in rows {
        let days = u16::try_from(row.days).map_err(|_| StoreError::Corrupt("plans.days".to_owned()))?;
        let mut prices = Vec::with_capacity(row.amounts.len());
        for (code, minor) in row.currencies.iter().zip(row.amounts) {
            prices.push(Money::new(minor, store::currency(code)?));
        }
        plans.push(Plan {
            code: store::plan_code(&row.code)?,
            channel: store::channel(&row.channel)?,
            length: PlanLength::from_days(days).map_err(|error| StoreError::Corrupt(error.to_string()))?,
            prices,
        });
    }
    Ok(plans)
}

impl App {
    /// The price of a plan through a provider; the currency must be named where several fit.
    pub(crate) fn offer(
        &self,
        code: &PlanCode,
        provider: &str,
        currency: Option<Currency>,
    ) -> Result<Offer, BillingError> {
        let plan = self.catalogue().plan(code).ok_or(BillingError::UnknownPlan)?;
        let provider = self.provider(provider).ok_or(BillingError::UnknownProvider)?;
        let taken = &provider.capabilities().currencies;
        let fitting: Vec<Money> =
            plan.prices.iter().copied().filter(|price| taken.contains(&price.currency)).collect();
        let price = match (currency, fitting.as_slice()) {
            (Some(currency), prices) => prices.iter().find(|price| price.currency == currency).copied(),
            (None, [only]) => Some(*only),
            (None, []) => None,
            (None, several) => {
                return Err(BillingError::CurrencyRequired(
                    several.iter().map(|price| price.currency).collect(),
                ));
            }
        };
        let price = price.ok_or(BillingError::CurrencyNotOffered)?;
        Ok(Offer { plan, price })
    }
}
