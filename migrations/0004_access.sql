-- Telegram: which account is whose, and what was last seen of it in a channel.

-- Single-use tokens of deep links. Wall time; only the hash is kept.
CREATE TABLE telegram_link_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    user_id    uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX telegram_link_tokens_user_id ON telegram_link_tokens (user_id);

-- Never deleted while the account may be inside: it is how we know whom we may remove.
CREATE TABLE bindings (
    id               uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES users (id),
    telegram_user_id bigint NOT NULL CHECK (telegram_user_id > 0),
    -- What to show: a first name or @username; never an identity.
    display_name     text NOT NULL DEFAULT '' CHECK (length(display_name) <= 128),
    bound_at         timestamptz NOT NULL,
    ended_at         timestamptz CHECK (ended_at >= bound_at)
);
CREATE UNIQUE INDEX bindings_one_per_user ON bindings (user_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX bindings_one_per_account ON bindings (telegram_user_id) WHERE ended_at IS NULL;
CREATE INDEX bindings_user_id ON bindings (user_id);
CREATE INDEX bindings_telegram_user_id ON bindings (telegram_user_id);

-- One row per account and channel: two workers never meet on it.
CREATE TABLE memberships (
    telegram_user_id  bigint NOT NULL,
    channel           text NOT NULL REFERENCES channels (key),
    observed          text NOT NULL DEFAULT 'outside' CHECK (observed IN ('outside', 'member', 'untouchable')),
    observed_at       timestamptz,
    -- A join request waits since then.
    join_requested_at timestamptz,
    -- The account's own join-request link, and the chat that it was made for.
    invite_link       text CHECK (length(invite_link) <= 255),
    invite_chat_id    bigint,
    -- The link has been sent for the time that runs now.
    invited_at        timestamptz,
    -- Owed work: bring what is observed to what is wanted. due in business time, lease in wall time.
    due_at            timestamptz,
    attempts          integer NOT NULL DEFAULT 0,
    lease_until       timestamptz,
    lease_token       uuid,
    PRIMARY KEY (telegram_user_id, channel),
    CHECK ((lease_until IS NULL) = (lease_token IS NULL)),
    CHECK ((invite_link IS NULL) = (invite_chat_id IS NULL))
);
CREATE INDEX memberships_due_at ON memberships (due_at) WHERE due_at IS NOT NULL;
