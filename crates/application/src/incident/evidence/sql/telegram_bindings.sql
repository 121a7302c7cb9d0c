-- Which Telegram account was whose.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT *
    FROM bindings
    WHERE $2::uuid IS NULL AND ($1::uuid IS NULL OR user_id = $1)
      AND ($3::timestamptz IS NULL OR ended_at IS NULL OR ended_at >= $3)
      AND ($4::timestamptz IS NULL OR bound_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
