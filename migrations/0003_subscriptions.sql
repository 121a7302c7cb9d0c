-- A user's right to one channel, as a schedule of periods (S1–S4). Instants are business time.

CREATE TABLE subscriptions (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users (id),
    channel    text NOT NULL REFERENCES channels (key),
    -- Of the running or last period.
    plan_code  text NOT NULL REFERENCES plans (code),
    -- End of the last period.
    ends_at    timestamptz NOT NULL,
    -- The one reminder of the last live period, until it is owed.
    remind_at  timestamptz,
    -- The end, until it has been acted upon.
    end_due_at timestamptz,
    version    integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    UNIQUE (user_id, channel)
);
CREATE INDEX subscriptions_plan_code ON subscriptions (plan_code);
CREATE INDEX subscriptions_remind_at ON subscriptions (remind_at) WHERE remind_at IS NOT NULL;
CREATE INDEX subscriptions_end_due_at ON subscriptions (end_due_at) WHERE end_due_at IS NOT NULL;

-- What one payment or one grant added. Lengths are microseconds, so that no time is lost to rounding.
CREATE TABLE periods (
    id              uuid PRIMARY KEY,
    subscription_id uuid NOT NULL REFERENCES subscriptions (id),
    -- None for a grant.
    payment_id      uuid REFERENCES payments (id),
    plan_code       text NOT NULL REFERENCES plans (code),
    position        integer NOT NULL,
    length_us       bigint NOT NULL CHECK (length_us > 0),
    used_before_us  bigint NOT NULL DEFAULT 0 CHECK (used_before_us >= 0),
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL,
    state           text NOT NULL CHECK (state IN ('live', 'withheld', 'revoked')),
    bought_at       timestamptz NOT NULL,
    CHECK (starts_at <= ends_at),
    -- Invariant 3 for one period: its parts never exceed what was paid, and a live one has no remainder.
    CHECK (used_before_us + (extract(epoch FROM ends_at - starts_at) * 1000000)::bigint <= length_us),
    CHECK (state <> 'live'
           OR used_before_us + (extract(epoch FROM ends_at - starts_at) * 1000000)::bigint = length_us)
);
-- One period per payment, whatever is delivered twice.
CREATE UNIQUE INDEX periods_payment_id ON periods (payment_id) WHERE payment_id IS NOT NULL;
CREATE UNIQUE INDEX periods_position ON periods (subscription_id, position);
