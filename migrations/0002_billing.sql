-- What is sold, and the payments. Instants are business time unless a column says wall.

CREATE TABLE channels (
    key   text PRIMARY KEY CHECK (key ~ '^[a-z0-9-]{1,64}$'),
    title text NOT NULL
);

CREATE TABLE plans (
    code    text PRIMARY KEY CHECK (code ~ '^[a-z0-9-]{1,64}$'),
    channel text NOT NULL REFERENCES channels (key),
    days    integer NOT NULL CHECK (days BETWEEN 1 AND 3660),
    active  boolean NOT NULL DEFAULT true,
    -- Order on the price list.
    rank    integer NOT NULL DEFAULT 0
);

CREATE TABLE plan_prices (
    plan_code    text NOT NULL REFERENCES plans (code),
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3,4}$'),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (plan_code, currency)
);

-- The two plans of the reference document (S1); an operator changes the prices.
INSERT INTO channels (key, title) VALUES ('signaux', 'Signaux');
INSERT INTO plans (code, channel, days, rank) VALUES
    ('signaux-weekly', 'signaux', 7, 1),
    ('signaux-monthly', 'signaux', 30, 2);
INSERT INTO plan_prices (plan_code, currency, amount_minor) VALUES
    ('signaux-weekly', 'EUR', 1999),
    ('signaux-weekly', 'XOF', 13000),
    ('signaux-weekly', 'XAF', 13000),
    ('signaux-monthly', 'EUR', 5999),
    ('signaux-monthly', 'XOF', 39000),
    ('signaux-monthly', 'XAF', 39000);

-- A reusable way to pay: a provider's token and display details, encrypted, never a card number (D1, D2).
CREATE TABLE payment_methods (
    id                uuid PRIMARY KEY,
    user_id           uuid NOT NULL REFERENCES users (id),
    provider          text NOT NULL,
    details_encrypted bytea NOT NULL,
    created_at        timestamptz NOT NULL
);
CREATE INDEX payment_methods_user_id ON payment_methods (user_id);

-- A payment keeps facts that only grow; status is what they say (doctor compares the two).
CREATE TABLE payments (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users (id),
    plan_code       text NOT NULL REFERENCES plans (code),
    channel         text NOT NULL REFERENCES channels (key),
    plan_days       integer NOT NULL CHECK (plan_days BETWEEN 1 AND 3660),
    provider        text NOT NULL,
    amount_minor    bigint NOT NULL CHECK (amount_minor > 0),
    currency        text NOT NULL CHECK (currency ~ '^[A-Z]{3,4}$'),
    quote_expires_at timestamptz NOT NULL,
    checkout_url    text CHECK (length(checkout_url) <= 4096),
    -- The link's nonce: kept so that asking again opens the same checkout.
    nonce           text NOT NULL CHECK (nonce ~ '^[0-9a-f]{32}$'),

    phase           text NOT NULL DEFAULT 'created' CHECK (phase IN ('created', 'sent', 'awaiting')),
    provider_reference text CHECK (length(provider_reference) <= 255),
    settled_at      timestamptz,
    refunded_minor  bigint NOT NULL DEFAULT 0 CHECK (refunded_minor BETWEEN 0 AND amount_minor),
    dispute         text CHECK (dispute IN ('open', 'won', 'lost')),
    disputed_at     timestamptz,
    closed          text CHECK (closed IN ('failed', 'expired')),
    closed_at       timestamptz,
    failure_reason  text CHECK (length(failure_reason) <= 255),
    status          text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed', 'expired',
                        'refunded', 'partially_refunded', 'disputed', 'charged_back')),
    -- When we first knew of the money; settled_at is the provider's own instant.
    recorded_at     timestamptz,
    -- Takes the place of this user, plan, provider and currency: a second init finds this payment.
    is_open         boolean NOT NULL DEFAULT true,
    -- A statement contradicted the quote; an operator decides.
    quarantined_at  timestamptz,
    -- Guards every write: whoever read an older version reads and decides again.
    version         integer NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL,

    -- Owed work: ask the provider. due in business time, lease in wall time.
    check_due_at    timestamptz,
    check_attempts  integer NOT NULL DEFAULT 0,
    lease_until     timestamptz,
    lease_token     uuid,

    CHECK ((dispute IS NULL) = (disputed_at IS NULL)),
    CHECK ((closed IS NULL) = (closed_at IS NULL)),
    CHECK ((closed = 'failed') = (failure_reason IS NOT NULL) OR closed IS NULL),
    CHECK ((settled_at IS NULL) = (recorded_at IS NULL)),
    CHECK (settled_at IS NULL OR NOT is_open),
    -- Nothing is settled, refunded or disputed without money.
    CHECK ((settled_at IS NOT NULL) = (status NOT IN ('pending', 'failed', 'expired'))),
    -- A payment whose end is unknown is always asked about again.
    CHECK (status <> 'pending' OR check_due_at IS NOT NULL),
    CHECK ((lease_until IS NULL) = (lease_token IS NULL))
);
CREATE INDEX payments_user_id ON payments (user_id, id);
CREATE INDEX payments_status ON payments (status) WHERE status IN ('pending', 'disputed');
CREATE INDEX payments_plan_code ON payments (plan_code);
CREATE UNIQUE INDEX payments_one_open ON payments (user_id, plan_code, provider, currency) WHERE is_open;
CREATE INDEX payments_check_due ON payments (check_due_at) WHERE check_due_at IS NOT NULL;

-- Idempotency keys belong to a user and an operation and live as long as the payment (SEC-42, 43).
CREATE TABLE idempotency_keys (
    user_id         uuid NOT NULL REFERENCES users (id),
    operation       text NOT NULL,
    idempotency_key text NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    -- SHA-256 of what was asked for: another body under the same key is refused.
    fingerprint     bytea NOT NULL CHECK (length(fingerprint) = 32),
    payment_id      uuid NOT NULL REFERENCES payments (id),
    -- Wall time: while it lasts, the first request is at work.
    lease_until     timestamptz,
    -- 201 for the key that opened the payment, 200 for one that found it open.
    answer_code     smallint NOT NULL CHECK (answer_code IN (200, 201)),
    -- The first answer, once its outcome is known: everything else in it never changes.
    answered_status text,
    answered_phase  text,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (user_id, operation, idempotency_key),
    CHECK ((answered_status IS NULL) = (answered_phase IS NULL))
);
CREATE INDEX idempotency_keys_payment_id ON idempotency_keys (payment_id);

-- One signed statement of a provider, stored raw once (P4, SEC-36). Unsigned hints are not events.
CREATE TABLE webhook_events (
    id             uuid PRIMARY KEY,
    provider       text NOT NULL,
    event_id       text NOT NULL CHECK (length(event_id) BETWEEN 1 AND 255),
    event_type     text NOT NULL CHECK (length(event_type) BETWEEN 1 AND 255),
    payment_id     uuid REFERENCES payments (id),
    outcome        text NOT NULL CHECK (outcome IN ('applied', 'already_applied', 'ignored', 'quarantined')),
    reason         text CHECK (length(reason) <= 255),
    body_encrypted bytea NOT NULL,
    received_at    timestamptz NOT NULL,
    UNIQUE (provider, event_id),
    CHECK ((outcome = 'quarantined') = (reason IS NOT NULL))
);
CREATE INDEX webhook_events_payment_id ON webhook_events (payment_id);
CREATE INDEX webhook_events_quarantined ON webhook_events (received_at) WHERE outcome = 'quarantined';
