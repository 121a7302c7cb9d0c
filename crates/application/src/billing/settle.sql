-- Hot path: everything that a first verified success writes, in one statement. It spans the rooms of billing,
-- subscriptions, access, notifications and audit. It is guarded by the versions that the decision was made from: if
-- the payment or the subscription changed since, nothing is written, no row comes back, and the caller reads and
-- decides again. So it does if an admin has frozen the account since: then the time must be withheld. Locks are taken in
-- the usual order: payment, then user, then subscription. An asking that is due stays owed: a hint may have wanted it.
WITH locked AS (
    SELECT payments.id, user_id, channel, plan_code
    FROM payments JOIN users ON users.id = payments.user_id
    WHERE payments.id = $1 AND payments.version = $2
      AND (users.frozen_at IS NULL OR users.frozen_by = 'rule')
    FOR UPDATE OF payments FOR SHARE OF users
), subscription AS (
    INSERT INTO subscriptions AS known (id, user_id, channel, plan_code, ends_at, remind_at, end_due_at, created_at,
                                        recorded_end, end_recorded_at)
    SELECT $3, user_id, channel, plan_code, $4, $5, $6, $7, $4, $7 FROM locked
    ON CONFLICT (user_id, channel) DO UPDATE
    SET plan_code = EXCLUDED.plan_code, ends_at = EXCLUDED.ends_at, remind_at = EXCLUDED.remind_at,
        end_due_at = EXCLUDED.end_due_at, recorded_end = EXCLUDED.recorded_end,
        end_recorded_at = EXCLUDED.end_recorded_at, version = known.version + 1
    WHERE known.version = $8
    RETURNING id, user_id, channel, plan_code
), payment AS (
    UPDATE payments
    SET phase = 'awaiting', provider_reference = $9, transaction_reference = $28, settled_at = $10, recorded_at = $7, status = 'succeeded',
        is_open = false, check_due_at = CASE WHEN check_due_at <= $7 THEN check_due_at END, quarantined_at = NULL, version = payments.version + 1
    FROM subscription
    WHERE payments.id = $1
    RETURNING payments.id
), event AS (
    INSERT INTO webhook_events (id, provider, event_id, event_type, payment_id, outcome, body_encrypted, received_at)
    SELECT $11, $12, $13, $14, id, 'applied', $15, $16 FROM payment
), period AS (
    INSERT INTO periods (id, subscription_id, payment_id, plan_code, position, length_us, starts_at, ends_at, state,
                         bought_at)
    SELECT $17, subscription.id, payment.id, subscription.plan_code, $18, $19, $20, $4, 'live', $7
    FROM subscription, payment
), entries AS (
    INSERT INTO audit_logs (occurred_at, business_at, actor_kind, actor_id, action, subject_kind, subject_id, user_id,
                            request_id, address, details)
    SELECT $16, $7, 'provider', $12, entry.action, entry.kind, entry.subject, subscription.user_id, $21, $22,
           entry.details
    FROM subscription, payment,
         LATERAL (VALUES ('payment.settled', 'payment', payment.id::text, $23::jsonb),
                         ('subscription.extended', 'subscription', subscription.id::text, $24::jsonb))
                 AS entry (action, kind, subject, details)
), notification AS (
    INSERT INTO notifications (id, dedupe_key, kind, medium, user_id, payload, created_at, due_at)
    SELECT $25, $26, 'payment_confirmed', 'email', subscription.user_id, $27, $7, $7 FROM subscription, payment
    ON CONFLICT (dedupe_key) DO NOTHING
), membership AS (
    INSERT INTO memberships (telegram_user_id, channel, due_at)
    SELECT DISTINCT bindings.telegram_user_id, subscription.channel, $7::timestamptz
    FROM payment, subscription JOIN bindings ON bindings.user_id = subscription.user_id
    ORDER BY 1
    ON CONFLICT (telegram_user_id, channel) DO UPDATE SET due_at = EXCLUDED.due_at, attempts = 0
)
SELECT id FROM payment
