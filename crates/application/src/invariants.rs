//! The invariants of the domain, asked of the database by name. Each answers with what breaks it.
//!
//! `calmness doctor` and rehearsals run them. They read committed rows only, so they can run beside a serving product.

use domain::time::{Duration, Instant};
use sqlx::PgPool;

use crate::tx::StoreError;

/// So long the outside may lag behind what is wanted (invariant 5), and work behind its due instant.
const LAG: Duration = Duration::seconds(60);
/// How many offenders are named.
const MAX_NAMED: i64 = 20;

/// One invariant and what breaks it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// A stable name.
    pub name: &'static str,
    /// What it demands, in a sentence.
    pub demand: &'static str,
    /// What breaks it; empty when it holds.
    pub broken_by: Vec<String>,
}

impl Finding {
    /// Whether it holds.
    pub fn holds(&self) -> bool {
        self.broken_by.is_empty()
    }
}

/// Asks all of them. `now` is business time.
pub async fn check(db: &PgPool, now: Instant) -> Result<Vec<Finding>, StoreError> {
    let finding = |name, demand, broken_by| Finding { name, demand, broken_by };
    Ok(vec![
        finding(
            "one_charge_per_payment",
            "1: at most one successful charge for each payment",
            one_charge_per_payment(db).await?,
        ),
        finding(
            "settled_payments_have_their_period",
            "2: what was acknowledged has its effect, and nothing else has one",
            settled_payments_have_their_period(db).await?,
        ),
        finding(
            "time_adds_up",
            "3: used + still due + withheld + revoked = paid and granted, for each subscription",
            time_adds_up(db).await?,
        ),
        finding(
            "periods_do_not_overlap",
            "3: no two periods of a subscription share an instant",
            periods_do_not_overlap(db).await?,
        ),
        finding(
            "books_add_up",
            "4: what a payment's facts say has left is what its movements took",
            books_add_up(db).await?,
        ),
        finding(
            "status_is_what_the_facts_say",
            "4: a payment's status is what its facts say",
            status_is_what_the_facts_say(db).await?,
        ),
        finding(
            "settled_is_verified",
            "4: nothing is settled without a verified statement, a provider's answer or an admin",
            settled_is_verified(db).await?,
        ),
        finding(
            "nobody_inside_without_access",
            "5: no account ever bound stays in a channel for more than 60 s without access",
            nobody_inside_without_access(db, now).await?,
        ),
        finding(
            "no_entitled_request_waits",
            "5: no entitled join request waits for more than 60 s",
            no_entitled_request_waits(db, now).await?,
        ),
        finding(
            "messages_are_sent_once",
            "6: each notification is owed and sent once",
            messages_are_sent_once(db).await?,
        ),
        finding(
            "settled_payments_are_audited_once",
            "7: every change of a payment's state has exactly one audit entry",
            settled_payments_are_audited_once(db).await?,
        ),
        finding(
            "details_are_encrypted",
            "8: no secret, token or payment detail is readable in the database",
            details_are_encrypted(db).await?,
        ),
    ])
}

async fn one_charge_per_payment(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'payment ' || subject_id || ' was settled ' || count(*) || ' times' AS "line!"
           FROM audit_logs
           WHERE subject_kind = 'payment' AND action = 'payment.settled'
           GROUP BY subject_id
           HAVING count(*) > 1
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn settled_payments_have_their_period(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'payment ' || payments.id || ' is settled and has no period' AS "line!"
           FROM payments LEFT JOIN periods ON periods.payment_id = payments.id
           WHERE payments.settled_at IS NOT NULL AND periods.id IS NULL
           UNION ALL
           SELECT 'period ' || periods.id || ' belongs to payment ' || payments.id || ' without money'
           FROM periods JOIN payments ON payments.id = periods.payment_id
           WHERE payments.settled_at IS NULL
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn time_adds_up(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'period ' || periods.id || ' has another length than what was paid for' AS "line!"
           FROM periods JOIN payments ON payments.id = periods.payment_id
           WHERE periods.length_us <> payments.plan_days * 86400000000
           UNION ALL
           SELECT 'subscription ' || subscriptions.id || ' ends at another instant than its last period'
           FROM subscriptions JOIN periods ON periods.subscription_id = subscriptions.id
           GROUP BY subscriptions.id
           HAVING max(periods.ends_at) <> subscriptions.ends_at
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn periods_do_not_overlap(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'periods ' || one.id || ' and ' || other.id || ' overlap' AS "line!"
           FROM periods AS one
           JOIN periods AS other ON other.subscription_id = one.subscription_id AND other.id > one.id
           WHERE one.starts_at < other.ends_at AND other.starts_at < one.ends_at
             AND one.starts_at < one.ends_at AND other.starts_at < other.ends_at
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn books_add_up(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'payment ' || payments.id || ' has movements of ' || COALESCE(sum(movements.amount_minor), 0)
               AS "line!"
           FROM payments LEFT JOIN movements ON movements.payment_id = payments.id
           WHERE refunded_minor > 0 OR dispute IS NOT NULL OR movements.id IS NOT NULL
           GROUP BY payments.id
           HAVING COALESCE(sum(movements.amount_minor), 0) <> CASE
               WHEN settled_at IS NULL THEN 0
               WHEN dispute = 'lost' THEN -payments.amount_minor
               ELSE -refunded_minor
           END
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

/// The formula of the domain, written a second time on purpose: `payment::Facts::status`.
async fn status_is_what_the_facts_say(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'payment ' || id || ' says ' || status AS "line!"
           FROM payments
           WHERE status <> CASE
               WHEN settled_at IS NULL THEN COALESCE(closed, 'pending')
               WHEN dispute = 'lost' THEN 'charged_back'
               WHEN refunded_minor >= amount_minor THEN 'refunded'
               WHEN dispute = 'open' THEN 'disputed'
               WHEN refunded_minor > 0 THEN 'partially_refunded'
               ELSE 'succeeded'
           END
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn settled_is_verified(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'payment ' || id || ' is settled by nobody' AS "line!"
           FROM payments
           WHERE settled_at IS NOT NULL
             AND created_at > (SELECT COALESCE(max(business_until), '-infinity') FROM audit_checkpoints)
             AND NOT EXISTS (SELECT FROM audit_logs
                             WHERE subject_kind = 'payment' AND subject_id = payments.id::text
                               AND action = 'payment.settled' AND actor_kind IN ('provider', 'user', 'operator'))
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn nobody_inside_without_access(db: &PgPool, now: Instant) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'account ' || memberships.telegram_user_id || ' is in ' || memberships.channel || ' without access'
               AS "line!"
           FROM memberships
           WHERE observed = 'member'
             AND EXISTS (SELECT FROM bindings WHERE telegram_user_id = memberships.telegram_user_id)
             -- An admin is asked, or has decided that they stay.
             AND NOT EXISTS (SELECT FROM held_removals
                             WHERE held_removals.telegram_user_id = memberships.telegram_user_id
                               AND held_removals.channel = memberships.channel AND state <> 'confirmed')
             AND NOT EXISTS (
                 SELECT FROM bindings
                 JOIN subscriptions ON subscriptions.user_id = bindings.user_id
                                   AND subscriptions.channel = memberships.channel
                 JOIN periods ON periods.subscription_id = subscriptions.id
                 WHERE bindings.telegram_user_id = memberships.telegram_user_id
                   AND COALESCE(bindings.ended_at, 'infinity') > $1
                   AND periods.starts_at <= $2 AND $1 < periods.ends_at)
           LIMIT $3"#,
        now - LAG,
        now,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn no_entitled_request_waits(db: &PgPool, now: Instant) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'join request of ' || memberships.telegram_user_id || ' waits since ' || join_requested_at AS "line!"
           FROM memberships
           JOIN bindings ON bindings.telegram_user_id = memberships.telegram_user_id AND bindings.ended_at IS NULL
           JOIN subscriptions ON subscriptions.user_id = bindings.user_id
                             AND subscriptions.channel = memberships.channel
           JOIN periods ON periods.subscription_id = subscriptions.id
           WHERE join_requested_at < $1 AND periods.starts_at <= $1 AND $2 < periods.ends_at
           LIMIT $3"#,
        now - LAG,
        now,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn messages_are_sent_once(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'notification ' || subject_id || ' was sent ' || count(*) || ' times' AS "line!"
           FROM audit_logs
           WHERE action = 'notification.sent'
           GROUP BY subject_id
           HAVING count(*) > 1
           UNION ALL
           SELECT 'payment ' || id || ' was never confirmed to its payer'
           FROM payments
           WHERE settled_at IS NOT NULL
             AND NOT EXISTS (SELECT FROM notifications WHERE dedupe_key = 'payment_confirmed:' || payments.id)
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

async fn settled_payments_are_audited_once(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'payment ' || payments.id || ' has ' || count(audit_logs.id) || ' entries of its settlement' AS "line!"
           FROM payments
           LEFT JOIN audit_logs ON subject_kind = 'payment' AND subject_id = payments.id::text
                               AND action = 'payment.settled'
           WHERE settled_at IS NOT NULL
             AND created_at > (SELECT COALESCE(max(business_until), '-infinity') FROM audit_checkpoints)
           GROUP BY payments.id
           HAVING count(audit_logs.id) <> 1
           UNION ALL
           SELECT 'payment ' || payments.id || ' was created without an audit entry'
           FROM payments
           WHERE created_at > (SELECT COALESCE(max(business_until), '-infinity') FROM audit_checkpoints)
             AND NOT EXISTS (SELECT FROM audit_logs
                             WHERE subject_kind = 'payment' AND subject_id = payments.id::text
                               AND action = 'payment.created')
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}

/// A sealed value starts with its format's version and is never shorter than its header and tag.
async fn details_are_encrypted(db: &PgPool) -> Result<Vec<String>, StoreError> {
    let named = sqlx::query_scalar!(
        r#"SELECT 'admin_config ' || key || ' is not encrypted' AS "line!"
           FROM admin_config
           WHERE length(value_encrypted) < 45 OR get_byte(value_encrypted, 0) <> 1
              OR NOT EXISTS (SELECT FROM data_keys WHERE revoked_at IS NULL AND uuid_send(data_keys.id) = substring(value_encrypted FROM 2 FOR 16))
           UNION ALL
           SELECT 'webhook event ' || id || ' is not encrypted'
           FROM webhook_events
           WHERE length(body_encrypted) < 45 OR get_byte(body_encrypted, 0) <> 1
           UNION ALL
           SELECT 'payer of payment ' || id || ' is not encrypted'
           FROM payments
           WHERE length(payer_encrypted) < 45 OR get_byte(payer_encrypted, 0) <> 1
           UNION ALL
           SELECT 'payment method ' || id || ' is not encrypted'
           FROM payment_methods
           WHERE length(details_encrypted) < 45 OR get_byte(details_encrypted, 0) <> 1
           UNION ALL
           SELECT 'notification ' || id || ' was sent and still holds its secret'
           FROM notifications
           WHERE sent_at IS NOT NULL AND secret_encrypted IS NOT NULL
           LIMIT $1"#,
        MAX_NAMED
    )
    .fetch_all(db)
    .await?;
    Ok(named)
}
