-- Messages owed to people. A unique key makes each owed once (invariant 6).

CREATE TABLE notifications (
    id               uuid PRIMARY KEY,
    dedupe_key       text NOT NULL CHECK (length(dedupe_key) <= 255),
    kind             text NOT NULL,
    medium           text NOT NULL CHECK (medium IN ('email', 'telegram')),
    -- None: to the company, or to an address that is not a user's yet.
    user_id          uuid REFERENCES users (id),
    -- An address or a Telegram account, where it is not the user's own address at the time of sending.
    recipient        text CHECK (length(recipient) <= 254),
    -- None: the user's own at the time of sending.
    locale           text CHECK (locale IN ('fr', 'en')),
    payload          jsonb NOT NULL DEFAULT '{}',
    -- What must not be readable here, such as the token of a mailed link; forgotten once sent.
    secret_encrypted bytea,
    created_at       timestamptz NOT NULL,
    sent_at          timestamptz,
    -- The recipient cannot be reached, ever: the bot was blocked, the address refused.
    given_up_at      timestamptz,
    given_up_for     text CHECK (length(given_up_for) <= 255),
    -- Owed work: send it. due in business time, lease in wall time.
    due_at           timestamptz,
    attempts         integer NOT NULL DEFAULT 0,
    lease_until      timestamptz,
    lease_token      uuid,
    CHECK ((lease_until IS NULL) = (lease_token IS NULL)),
    CHECK (sent_at IS NULL OR (due_at IS NULL AND secret_encrypted IS NULL)),
    CHECK ((given_up_at IS NULL) = (given_up_for IS NULL)),
    -- Nothing is forgotten: it is owed, sent or given up for a reason.
    CHECK (num_nonnulls(due_at, sent_at, given_up_at) = 1)
);
CREATE UNIQUE INDEX notifications_dedupe_key ON notifications (dedupe_key);
CREATE INDEX notifications_due_at ON notifications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notifications_user_id ON notifications (user_id);
