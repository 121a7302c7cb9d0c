-- Paid and given time.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT periods.*, subscriptions.user_id, subscriptions.channel
    FROM periods JOIN subscriptions ON subscriptions.id = periods.subscription_id
    WHERE ($1::uuid IS NULL OR subscriptions.user_id = $1) AND ($2::uuid IS NULL OR payment_id = $2)
      AND ($3::timestamptz IS NULL OR bought_at >= $3) AND ($4::timestamptz IS NULL OR bought_at < $4)
    ORDER BY periods.id
    LIMIT $5
) AS found
