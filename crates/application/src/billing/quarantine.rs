//! What contradicts is kept and shown, and changes nothing until an admin decides (P4, SEC-45).

use domain::ids::{PaymentId, QuarantineId, WebhookEventId};
use domain::payment::{Contradiction, Event};
use domain::time::{Instant, microseconds_between};
use serde_json::{Value, json};

use crate::alerts;
use crate::audit;
use crate::tx::{StoreError, Tx};

/// Where a contradiction came from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    /// An event of its own: each counts.
    Callback(&'a Event, WebhookEventId),
    /// The provider's answer to our asking, which we repeat.
    Asked(&'a Event),
}

/// Marks a payment whose provider contradicts the quote: an operator decides. Its place is freed, so that the user can
/// pay anew.
pub(super) async fn quarantine_payment(
    tx: &mut Tx,
    payment: PaymentId,
    provider: &str,
    contradiction: &Contradiction,
    source: Source<'_>,
) -> Result<(), StoreError> {
    let now = tx.now();
    let marked = sqlx::query!(
        "UPDATE payments
         SET quarantined_at = $2, is_open = false, version = version + 1
         WHERE id = $1 AND quarantined_at IS NULL",
        payment.uuid(),
        now
    )
    .execute(tx.db())
    .await?;
    let (event, stored_event) = match source {
        Source::Callback(event, id) => (event, Some(id)),
        Source::Asked(event) => (event, None),
    };
    let stated = stated(event);
    if stored_event.is_none() && is_known(tx, payment, contradiction.code(), &stated).await? {
        // Asked again and told the same: the operator knows, and may have decided.
        return Ok(());
    }
    let case = Case {
        provider,
        payment: Some(payment),
        event: stored_event,
        code: contradiction.code(),
        why: contradiction.to_string(),
        stated,
    };
    keep(tx, &case).await?;
    if marked.rows_affected() == 1 {
        let entry = audit::Entry {
            action: "payment.quarantined",
            subject_kind: "payment",
            subject_id: payment.to_string(),
            user: None,
            details: json!({ "reason": contradiction.code() }),
        };
        audit::record(tx, entry).await?;
    }
    let condition = format!("{}:{payment}", contradiction.code());
    let details = json!({ "payment": payment, "provider": provider, "why": contradiction.to_string() });
    alerts::raise(tx, alerts::Kind::WebhookQuarantined, &condition, details).await
}

/// Keeps and tells of a signed statement about a payment of our form that does not exist.
pub(super) async fn keep_unknown_payment(
    tx: &mut Tx,
    provider: &str,
    payment: &str,
    event: WebhookEventId,
) -> Result<(), StoreError> {
    let why = format!("there is no such payment: {payment}");
    let case = Case {
        provider,
        payment: None,
        event: Some(event),
        code: "unknown_payment",
        why: why.clone(),
        stated: json!({}),
    };
    keep(tx, &case).await?;
    let details = json!({ "payment": payment, "provider": provider, "why": why });
    let condition = format!("unknown_payment:{provider}:{payment}");
    alerts::raise(tx, alerts::Kind::WebhookQuarantined, &condition, details).await
}

/// One contradiction.
struct Case<'a> {
    provider: &'a str,
    payment: Option<PaymentId>,
    event: Option<WebhookEventId>,
    code: &'a str,
    why: String,
    stated: Value,
}

async fn keep(tx: &mut Tx, case: &Case<'_>) -> Result<(), StoreError> {
    let id = QuarantineId::new(tx.wall(), &tx.entropy());
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO quarantine (id, provider, payment_id, webhook_event_id, code, why, stated, created_at)
         VALUES ($1, $2, $3, $4, $5, left($6, 500), $7, $8)",
        id.uuid(),
        case.provider,
        case.payment.map(PaymentId::uuid),
        case.event.map(WebhookEventId::uuid),
        case.code,
        case.why,
        case.stated,
        now
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// The same contradiction with the same amount: more coins than last time are another case.
async fn is_known(
    tx: &mut Tx,
    payment: PaymentId,
    code: &str,
    stated: &Value,
) -> Result<bool, StoreError> {
    let query = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM quarantine
                          WHERE payment_id = $1 AND code = $2
                            AND stated->'amount' IS NOT DISTINCT FROM $3::jsonb->'amount') AS "known!""#,
        payment.uuid(),
        code,
        stated
    );
    Ok(query.fetch_one(tx.db()).await?)
}

/// What was stated, for the admin who decides.
fn stated(event: &Event) -> Value {
    let Event::Stated(statement) = event else { return json!({}) };
    json!({
        "at_us": microseconds_between(Instant::UNIX_EPOCH, statement.at),
        "amount": statement.amount.map(|amount| amount.minor),
        "currency": statement.amount.map(|amount| amount.currency.code()),
        "mode": statement.mode.map(domain::payment::Mode::as_str),
        "reference": statement.reference,
        "transaction": statement.transaction,
    })
}
