-- Logins on devices, without the hashes of cookies and tokens.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, user_id, user_agent, network, device_id, cookie_hash IS NOT NULL AS browser, second_factor_at,
           created_at, last_used_at, expires_at, revoked_at, revoked_for
    FROM sessions
    WHERE $2::uuid IS NULL AND ($1::uuid IS NULL OR user_id = $1)
      AND ($3::timestamptz IS NULL OR last_used_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
