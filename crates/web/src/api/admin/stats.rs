//! `/api/admin/stats`: how the business goes.

use application::exports::Range;
use application::stats::{MoneyStats, Stats};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::moment::{Moment, range};
use crate::extract::{Caller, Query};
use crate::problem::{Problem, ProblemDocument};
use crate::state::WebState;

/// Of which time.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsQuery {
    /// From then on: an instant, or a day (its beginning in UTC).
    #[param(value_type = String, example = "2026-11-01")]
    from: Moment,
    /// Before then: an instant, or a day (its beginning in UTC).
    #[param(value_type = String, example = "2026-12-01")]
    to: Moment,
}

/// Money through one provider in one currency; amounts are in its minor units.
#[derive(Serialize, ToSchema)]
pub(crate) struct MoneyStatsBody {
    provider: String,
    /// `live` or `test`.
    mode: String,
    currency: &'static str,
    /// Payments that money came for in the range.
    payments: i64,
    /// What came.
    gross: i64,
    /// What was sent back.
    refunded: i64,
    /// What lost disputes took, less what came back.
    charged_back: i64,
    /// What came less what left.
    net: i64,
    /// What open disputes ask for now.
    disputed: i64,
}

/// How the business goes.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsResponse {
    /// Never added over two currencies.
    money: Vec<MoneyStatsBody>,
    /// Opened in the range.
    payments_opened: i64,
    /// Those of them that money has come for.
    payments_converted: i64,
    /// Of payments opened in the range, 0 to 1; null if there were none.
    conversion: Option<f64>,
    /// Money that came in the range after its payment had been given up.
    settled_late: i64,
    new_users: i64,
    subscriptions_active: i64,
    /// Ended in the range, and not running now.
    subscriptions_ended: i64,
    alerts_open: i64,
    quarantine_waiting: i64,
    approvals_waiting: i64,
}

impl From<MoneyStats> for MoneyStatsBody {
    fn from(stats: MoneyStats) -> Self {
        Self {
            provider: stats.provider,
            mode: stats.mode,
            currency: stats.currency.code(),
            payments: stats.payments,
            gross: stats.gross_minor,
            refunded: stats.refunded_minor,
            charged_back: stats.charged_back_minor,
            net: stats.net_minor,
            disputed: stats.disputed_minor,
        }
    }
}

impl From<Stats> for StatsResponse {
    fn from(stats: Stats) -> Self {
        let (opened, converted) = (stats.payments_opened, stats.payments_converted);
        // To four decimals; counts of payments are far from where a float loses ones.
        let ten_thousandths = (opened > 0).then(|| converted.saturating_mul(10_000) / opened);
        let ten_thousandths = ten_thousandths.and_then(|share| i32::try_from(share).ok());
        Self {
            money: stats.money.into_iter().map(Into::into).collect(),
            payments_opened: opened,
            payments_converted: converted,
            conversion: ten_thousandths.map(|share| f64::from(share) / 10_000.0),
            settled_late: stats.settled_late,
            new_users: stats.new_users,
            subscriptions_active: stats.subscriptions_active,
            subscriptions_ended: stats.subscriptions_ended,
            alerts_open: stats.alerts_open,
            quarantine_waiting: stats.quarantine_waiting,
            approvals_waiting: stats.approvals_waiting,
        }
    }
}

/// How the business went in a range, and what waits now.
#[utoipa::path(get, path = "/api/admin/stats", tag = "admin", params(StatsQuery), responses(
    (status = 200, body = StatsResponse),
    (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 403, body = ProblemDocument, content_type = "application/problem+json"),
    (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
))]
pub(crate) async fn stats(
    State(state): State<WebState>,
    _: Caller,
    Query(query): Query<StatsQuery>,
) -> Result<axum::Json<StatsResponse>, Problem> {
    let (from, to) = range(query.from, query.to)?;
    Ok(axum::Json(state.app.stats(Range { from, to }).await?.into()))
}
