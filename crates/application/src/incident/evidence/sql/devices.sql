-- Known devices.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, user_id, user_agent, network, created_at, last_used_at, revoked_at
    FROM known_devices
    WHERE $2::uuid IS NULL AND ($1::uuid IS NULL OR user_id = $1)
      AND ($3::timestamptz IS NULL OR last_used_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
