-- Real providers: test and live mode, ways to pay without a page, money that goes back, and what an operator decides.

ALTER TABLE payments
    -- Whether it was asked for in real money: play money never pays a real quote.
    ADD COLUMN mode text NOT NULL DEFAULT 'live' CHECK (mode IN ('test', 'live')),
    -- The provider's own name for the movement of the money.
    ADD COLUMN transaction_reference text CHECK (length(transaction_reference) <= 255),
    -- What the payer was told to do instead of visiting a page; what was told once stays true for this payment.
    ADD COLUMN instructions jsonb,
    -- The payer's telephone and remembered way to pay, where the provider needs them (D1).
    ADD COLUMN payer_encrypted bytea,
    -- Until when money may still turn out to have come: so long the provider is asked (business time).
    ADD COLUMN late_until timestamptz;

-- Those that are open already were all opened at the generic service, which says by itself when one can no longer be paid.
UPDATE payments SET late_until = quote_expires_at + interval '30 days';

-- One transfer never confirms two payments.
CREATE UNIQUE INDEX payments_transaction ON payments (provider, transaction_reference)
    WHERE transaction_reference IS NOT NULL;
CREATE INDEX payments_reference ON payments (provider, provider_reference) WHERE provider_reference IS NOT NULL;
-- Where the last digits of the amount tell payments apart, no two open ones ask for the same.
CREATE UNIQUE INDEX payments_exact_amount ON payments (currency, amount_minor)
    WHERE is_open AND provider = 'crypto_address';

-- Money on its way back. A refund is owed work until its end is known.
CREATE TABLE refunds (
    id                 uuid PRIMARY KEY,
    payment_id         uuid NOT NULL REFERENCES payments (id),
    amount_minor       bigint NOT NULL CHECK (amount_minor > 0),
    state              text NOT NULL DEFAULT 'requested'
                       CHECK (state IN ('requested', 'sent', 'pending', 'succeeded', 'failed')),
    provider_reference text CHECK (length(provider_reference) <= 255),
    failure_reason     text CHECK (length(failure_reason) <= 255),
    reason             text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    requested_by       uuid NOT NULL REFERENCES users (id),
    idempotency_key    text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    fingerprint        bytea NOT NULL CHECK (length(fingerprint) = 32),
    created_at         timestamptz NOT NULL,
    finished_at        timestamptz,
    -- Owed work: send it or ask how it stands. due in business time, lease in wall time.
    due_at             timestamptz,
    attempts           integer NOT NULL DEFAULT 0,
    lease_until        timestamptz,
    lease_token        uuid,
    UNIQUE (requested_by, idempotency_key),
    CHECK ((state IN ('succeeded', 'failed')) = (finished_at IS NOT NULL)),
    CHECK ((state IN ('succeeded', 'failed')) = (due_at IS NULL)),
    CHECK ((state = 'failed') = (failure_reason IS NOT NULL)),
    CHECK ((lease_until IS NULL) = (lease_token IS NULL))
);
CREATE INDEX refunds_payment_id ON refunds (payment_id);
CREATE INDEX refunds_due_at ON refunds (due_at) WHERE due_at IS NOT NULL;

-- What is verified and incomplete is kept too, and each processing of a kept event is counted.
ALTER TABLE webhook_events
    DROP CONSTRAINT webhook_events_outcome_check,
    ADD CONSTRAINT webhook_events_outcome_check
        CHECK (outcome IN ('applied', 'already_applied', 'ignored', 'hinted', 'quarantined')),
    -- What the event names, where that is no payment of ours yet.
    ADD COLUMN subject text CHECK (length(subject) <= 255),
    ADD COLUMN attempts integer NOT NULL DEFAULT 1,
    ADD COLUMN last_attempt_at timestamptz;
CREATE INDEX webhook_events_subject ON webhook_events (provider, subject) WHERE payment_id IS NULL AND subject IS NOT NULL;
CREATE INDEX webhook_events_received_at ON webhook_events (received_at, id);

-- What contradicts a quote and waits for an admin: one row per contradiction.
CREATE TABLE quarantine (
    id                uuid PRIMARY KEY,
    provider          text NOT NULL,
    payment_id        uuid REFERENCES payments (id),
    webhook_event_id  uuid REFERENCES webhook_events (id),
    code              text NOT NULL CHECK (length(code) BETWEEN 1 AND 64),
    why               text NOT NULL CHECK (length(why) BETWEEN 1 AND 500),
    -- What was stated: amount, currency, mode, transaction, instant.
    stated            jsonb NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL,
    resolution        text CHECK (resolution IN ('accepted', 'rejected', 'replayed')),
    resolution_reason text CHECK (length(resolution_reason) BETWEEN 1 AND 500),
    resolved_by       uuid REFERENCES users (id),
    resolved_at       timestamptz,
    CHECK ((resolution IS NULL) = (resolved_at IS NULL)),
    -- None where the operator did it on the machine.
    CHECK (resolved_by IS NULL OR resolution IS NOT NULL)
);
CREATE INDEX quarantine_created_at ON quarantine (created_at, id);
CREATE INDEX quarantine_payment_id ON quarantine (payment_id);
CREATE INDEX quarantine_webhook_event_id ON quarantine (webhook_event_id);
