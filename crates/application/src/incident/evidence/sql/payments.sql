-- Payments, without the payer’s sealed details and without links that could be paid.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, user_id, plan_code, channel, plan_days, provider, mode, amount_minor, currency, quote_expires_at,
           phase, status, provider_reference, transaction_reference, settled_at, recorded_at, refunded_minor, dispute,
           disputed_at, closed, closed_at, failure_reason, quarantined_at, created_at, late_until
    FROM payments
    WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR id = $2)
      AND ($3::timestamptz IS NULL OR created_at >= $3 OR recorded_at >= $3)
      AND ($4::timestamptz IS NULL OR created_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
