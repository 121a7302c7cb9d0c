-- Messages that were owed and sent: that they were, never what they said.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, kind, medium, user_id, locale, created_at, sent_at, given_up_at, given_up_for, due_at, attempts
    FROM notifications
    WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::uuid IS NULL OR payload ->> 'payment' = $2::text)
      AND ($3::timestamptz IS NULL OR created_at >= $3) AND ($4::timestamptz IS NULL OR created_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
