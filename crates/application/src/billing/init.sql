-- Hot path: everything that opening a payment writes, in one statement and so one durable round trip. It spans the
-- rooms of billing and audit. Nothing is written where the key is known, where a payment of the same user, plan,
-- provider and currency is open, where the user may not pay, or while purchases pause: then no row comes back, and the slow path finds out
-- why. A key that another request is just inserting makes the whole statement fail on its primary key.
WITH payment AS (
    INSERT INTO payments (id, user_id, plan_code, channel, plan_days, provider, amount_minor, currency,
                          quote_expires_at, checkout_url, nonce, phase, created_at, check_due_at, mode, instructions,
                          provider_reference, payer_encrypted, late_until)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $26, $27, $28, $29, $30
    WHERE NOT EXISTS (SELECT FROM idempotency_keys
                      WHERE user_id = $2 AND operation = 'payments.init' AND idempotency_key = $15)
      AND EXISTS (SELECT FROM users WHERE id = $2 AND frozen_at IS NULL)
      AND NOT EXISTS (SELECT FROM purchase_pauses WHERE resumed_at IS NULL)
    ON CONFLICT (user_id, plan_code, provider, currency) WHERE is_open DO NOTHING
    RETURNING id
), key AS (
    INSERT INTO idempotency_keys (user_id, operation, idempotency_key, fingerprint, payment_id, lease_until,
                                  answer_code, answered_status, answered_phase, created_at)
    SELECT $2, 'payments.init', $15, $16, id, $17, 201, $18, $19, $20 FROM payment
), entry AS (
    INSERT INTO audit_logs (occurred_at, business_at, actor_kind, actor_id, action, subject_kind, subject_id, user_id,
                            request_id, address, details, personal_hash)
    SELECT $20, $13, $21, $22, 'payment.created', 'payment', id::text, $2, $23, $24, $25, $31 FROM payment
    RETURNING id
), personal AS (
    INSERT INTO audit_personal (entry_id, owner, salt, content)
    SELECT id, $32, $33, $34 FROM entry WHERE $33::bytea IS NOT NULL
)
SELECT id FROM payment
