-- Alerts of the period; they are nobody’s.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT *
    FROM alerts
    WHERE $1::uuid IS NULL AND $2::uuid IS NULL
      AND ($3::timestamptz IS NULL OR last_at >= $3) AND ($4::timestamptz IS NULL OR first_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
