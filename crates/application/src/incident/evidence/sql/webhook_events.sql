-- Callbacks that were kept; their bodies stay sealed.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, provider, event_id, event_type, payment_id, subject, outcome, reason, attempts, last_attempt_at,
           received_at
    FROM webhook_events
    WHERE ($1::uuid IS NULL OR payment_id IN (SELECT id FROM payments WHERE user_id = $1))
      AND ($2::uuid IS NULL OR payment_id = $2)
      AND ($3::timestamptz IS NULL OR received_at >= $3) AND ($4::timestamptz IS NULL OR received_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
