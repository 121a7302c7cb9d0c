-- The accounts that the subject names, without what guards them.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, email, role, locale, created_at, frozen_at, frozen_by, frozen_for, password_changed_at,
           erasure_requested_at, erased_at
    FROM users
    WHERE (id = $1::uuid OR id IN (SELECT user_id FROM payments WHERE id = $2::uuid))
      AND ($3::timestamptz IS NULL OR true) AND ($4::timestamptz IS NULL OR true)
    ORDER BY id
    LIMIT $5
) AS found
