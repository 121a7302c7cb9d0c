//! How the business goes, in numbers over a range of business time. Money is told by provider, mode and currency: nothing
//! is ever added over two currencies, and play money never to real money.

use domain::money::Currency;
use domain::time::Instant;

use crate::app::App;
use crate::exports::Range;
use crate::tx::StoreError;

/// Money through one provider in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyStats {
    /// Through whom.
    pub provider: String,
    /// `live` or `test`.
    pub mode: String,
    /// In which currency; every amount is in its minor units.
    pub currency: Currency,
    /// Payments that money came for.
    pub payments: i64,
    /// What came.
    pub gross_minor: i64,
    /// What was sent back.
    pub refunded_minor: i64,
    /// What lost disputes took, less what came back.
    pub charged_back_minor: i64,
    /// What came less what left.
    pub net_minor: i64,
    /// What open disputes ask for now, whenever it came.
    pub disputed_minor: i64,
}

/// How the business goes.
#[derive(Clone, Debug)]
pub struct Stats {
    /// Money that moved in the range.
    pub money: Vec<MoneyStats>,
    /// Payments that were opened in the range.
    pub payments_opened: i64,
    /// Those of them that money has come for.
    pub payments_converted: i64,
    /// Money that came in the range after its payment had been given up.
    pub settled_late: i64,
    /// Users who came in the range (wall time).
    pub new_users: i64,
    /// Subscriptions whose time runs now.
    pub subscriptions_active: i64,
    /// Subscriptions that ended in the range and do not run now.
    pub subscriptions_ended: i64,
    /// Alerts that nobody looks after now.
    pub alerts_open: i64,
    /// Contradictions that wait for a decision now.
    pub quarantine_waiting: i64,
    /// Changes that wait for their second confirmation now.
    pub approvals_waiting: i64,
}

impl App {
    /// How the business went in a range, and stands now.
    pub async fn stats(&self, range: Range) -> Result<Stats, StoreError> {
        let now = self.now().await?;
        let row = sqlx::query!(
            r#"SELECT (SELECT count(*) FROM payments WHERE created_at >= $1 AND created_at < $2) AS "opened!",
                      (SELECT count(*) FROM payments
                       WHERE created_at >= $1 AND created_at < $2 AND settled_at IS NOT NULL) AS "converted!",
                      (SELECT count(*) FROM payments
                       WHERE recorded_at >= $1 AND recorded_at < $2
                         AND (settled_at > quote_expires_at OR closed_at <= settled_at)) AS "late!",
                      (SELECT count(*) FROM users WHERE created_at >= $1 AND created_at < $2) AS "users!",
                      (SELECT count(*) FROM subscriptions WHERE ends_at > $3) AS "active!",
                      (SELECT count(*) FROM subscriptions
                       WHERE ends_at >= $1 AND ends_at < $2 AND ends_at <= $3) AS "ended!",
                      (SELECT count(*) FROM alerts WHERE acknowledged_at IS NULL) AS "alerts!",
                      (SELECT count(*) FROM quarantine WHERE resolution IS NULL) AS "waiting!",
                      (SELECT count(*) FROM approvals WHERE state = 'pending' AND expires_at > $4) AS "approvals!""#,
            range.from,
            range.to,
            now.business,
            now.wall
        )
        .fetch_one(self.db())
        .await?;
        Ok(Stats {
            money: self.money_stats(range.from, range.to).await?,
            payments_opened: row.opened,
            payments_converted: row.converted,
            settled_late: row.late,
            new_users: row.users,
            subscriptions_active: row.active,
            subscriptions_ended: row.ended,
            alerts_open: row.alerts,
            quarantine_waiting: row.waiting,
            approvals_waiting: row.approvals,
        })
    }

    async fn money_stats(&self, from: Instant, to: Instant) -> Result<Vec<MoneyStats>, StoreError> {
        let rows = sqlx::query!(
            r#"SELECT provider, mode, currency,
                      (count(*) FILTER (WHERE kind = 'payment'))::bigint AS "payments!",
                      COALESCE(sum(minor) FILTER (WHERE kind = 'payment'), 0)::bigint AS "gross!",
                      COALESCE(-sum(minor) FILTER (WHERE kind = 'refund'), 0)::bigint AS "refunded!",
                      COALESCE(-sum(minor) FILTER (WHERE kind IN ('dispute_lost', 'dispute_won')), 0)::bigint AS "lost!",
                      COALESCE(sum(minor) FILTER (WHERE kind <> 'disputed'), 0)::bigint AS "net!",
                      COALESCE(sum(minor) FILTER (WHERE kind = 'disputed'), 0)::bigint AS "disputed!"
               FROM (SELECT id AS payment_id, 'payment' AS kind, amount_minor AS minor
                     FROM payments WHERE recorded_at >= $1 AND recorded_at < $2
                     UNION ALL
                     SELECT payment_id, kind, amount_minor FROM movements WHERE booked_at >= $1 AND booked_at < $2
                     UNION ALL
                     SELECT id, 'disputed', amount_minor - refunded_minor
                     FROM payments WHERE status = 'disputed') AS moved
               JOIN payments ON payments.id = moved.payment_id
               GROUP BY provider, mode, currency
               ORDER BY provider, mode, currency"#,
            from,
            to
        )
        .fetch_all(self.db())
        .await?;
        let stats = rows.into_iter().map(|row| {
            let currency = row.currency.parse();
            Ok(MoneyStats {
                currency: currency
                    .map_err(|_| StoreError::unknown_word("payments.currency", &row.currency))?,
                provider: row.provider,
                mode: row.mode,
                payments: row.payments,
                gross_minor: row.gross,
                refunded_minor: row.refunded,
                charged_back_minor: row.lost,
                net_minor: row.net,
                disputed_minor: row.disputed,
            })
        });
        stats.collect()
    }
}
