-- What contradicted a quote.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT *
    FROM quarantine
    WHERE ($1::uuid IS NULL OR payment_id IN (SELECT id FROM payments WHERE user_id = $1))
      AND ($2::uuid IS NULL OR payment_id = $2)
      AND ($3::timestamptz IS NULL OR created_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
