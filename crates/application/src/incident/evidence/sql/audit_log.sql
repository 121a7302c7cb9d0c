-- What the audit log tells; by its own rule it holds no secrets.
-- $1 user, $2 payment, $3 from, $4 before, $5 rows at most.
SELECT to_jsonb(found)::text AS "line!" FROM (
    SELECT id, position, occurred_at, business_at, actor_kind, actor_id, action, subject_kind, subject_id, user_id,
           request_id, address, details, content::jsonb AS personal
    FROM audit_logs
    LEFT JOIN audit_chain ON audit_chain.entry_id = id
    LEFT JOIN audit_personal ON audit_personal.entry_id = id
    WHERE ($1::uuid IS NULL OR user_id = $1 OR actor_id = $1::text OR subject_id = $1::text)
      AND ($2::uuid IS NULL OR subject_id = $2::text
           OR subject_id IN (SELECT id::text FROM webhook_events WHERE payment_id = $2
                             UNION ALL SELECT id::text FROM refunds WHERE payment_id = $2
                             UNION ALL SELECT id::text FROM quarantine WHERE payment_id = $2))
      AND ($3::timestamptz IS NULL OR occurred_at >= $3) AND ($4::timestamptz IS NULL OR occurred_at < $4)
    ORDER BY id
    LIMIT $5
) AS found
