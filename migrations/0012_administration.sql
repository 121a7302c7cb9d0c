-- The operator's side: time that is given and taken by hand, what is sold, what was done about alerts, and the books.

-- A change of a plan names the version that it was decided from.
ALTER TABLE plans ADD COLUMN version integer NOT NULL DEFAULT 1;

-- What an admin has taken stays taken, whatever its payment does later.
ALTER TABLE periods
    ADD COLUMN withdrawn_at  timestamptz,
    ADD COLUMN withdrawn_for text CHECK (length(withdrawn_for) BETWEEN 1 AND 500),
    ADD CONSTRAINT periods_withdrawn CHECK ((withdrawn_at IS NULL) = (withdrawn_for IS NULL)),
    ADD CONSTRAINT periods_withdrawn_state CHECK (withdrawn_at IS NULL OR state = 'revoked');
CREATE INDEX periods_subscription_id ON periods (subscription_id);
CREATE INDEX periods_plan_code ON periods (plan_code);

-- Who gave a period without a payment, and why; once per key.
CREATE TABLE grants (
    period_id       uuid PRIMARY KEY REFERENCES periods (id),
    days            integer NOT NULL CHECK (days BETWEEN 1 AND 3660),
    reason          text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    -- None where the operator did it on the machine.
    granted_by      uuid REFERENCES users (id),
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint     bytea NOT NULL CHECK (length(fingerprint) = 32),
    created_at      timestamptz NOT NULL,
    CONSTRAINT grants_key UNIQUE NULLS NOT DISTINCT (granted_by, idempotency_key)
);

-- Who looks after an alert.
ALTER TABLE alerts
    ADD COLUMN acknowledged_by uuid REFERENCES users (id),
    ADD COLUMN acknowledged_note text CHECK (length(acknowledged_note) BETWEEN 1 AND 500);

-- Money that moved after it had come: what went back, and what a lost dispute took or a reversal returned. That it came is
-- the payment's own line. Appended in the transaction that learned of it, never changed, so a month that was closed stays
-- as it was exported. booked_at is business time; value_at is the instant that the provider names.
CREATE TABLE movements (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment_id   uuid NOT NULL REFERENCES payments (id),
    kind         text NOT NULL CHECK (kind IN ('refund', 'dispute_lost', 'dispute_won')),
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    booked_at    timestamptz NOT NULL,
    value_at     timestamptz NOT NULL,
    CHECK ((kind = 'dispute_won') = (amount_minor > 0))
);
CREATE INDEX movements_payment_id ON movements (payment_id);
CREATE INDEX movements_booked_at ON movements (booked_at, id);
CREATE INDEX payments_recorded_at ON payments (recorded_at, id) WHERE recorded_at IS NOT NULL;

-- What moved before there were books is booked as a whole, at the last instant that is known of it.
INSERT INTO movements (payment_id, kind, amount_minor, booked_at, value_at)
SELECT payments.id,
       CASE WHEN dispute = 'lost' THEN 'dispute_lost' ELSE 'refund' END,
       CASE WHEN dispute = 'lost' THEN -amount_minor ELSE -refunded_minor END,
       moved.at, moved.at
FROM payments,
     LATERAL (SELECT GREATEST(recorded_at, disputed_at,
                              (SELECT max(finished_at) FROM refunds
                               WHERE payment_id = payments.id AND state = 'succeeded')) AS at) AS moved
WHERE settled_at IS NOT NULL AND (dispute = 'lost' OR refunded_minor > 0)
ORDER BY moved.at, payments.id;
