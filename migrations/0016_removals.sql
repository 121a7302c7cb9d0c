-- The removal fuse: people whose time simply ends are removed as always; many removals that nobody could foresee wait
-- for an admin. Instants are business time.

-- The end as the product itself recorded it, and when. An end that was edited elsewhere is not the recorded one.
ALTER TABLE subscriptions
    ADD COLUMN recorded_end    timestamptz,
    ADD COLUMN end_recorded_at timestamptz;
-- What is there was recorded by the product, no later than we know of the subscription.
UPDATE subscriptions SET recorded_end = ends_at, end_recorded_at = created_at;

-- Whose wish the end of a binding was.
ALTER TABLE bindings ADD COLUMN ended_by_owner boolean NOT NULL DEFAULT false;
UPDATE bindings SET ended_by_owner = true WHERE ended_at IS NOT NULL;

-- The chat in which the account was seen: not the one that is set now, if that was changed since.
ALTER TABLE memberships ADD COLUMN observed_chat_id bigint;
CREATE INDEX memberships_members ON memberships (channel) WHERE observed = 'member';

-- Every chat that was ever a channel's, and since when it was first.
CREATE TABLE channel_chats (
    channel text NOT NULL REFERENCES channels (key),
    chat_id bigint NOT NULL,
    since   timestamptz NOT NULL,
    PRIMARY KEY (channel, chat_id)
);

-- Spans that the machine's clock leapt over: what ended in them ended too early, as far as anybody knows.
CREATE TABLE clock_jumps (
    from_at timestamptz NOT NULL,
    to_at   timestamptz NOT NULL,
    PRIMARY KEY (from_at, to_at),
    CHECK (from_at < to_at)
);

-- Unforeseen removals that were let through: the count of the last hour, shared by all instances.
CREATE TABLE unforeseen_removals (
    channel          text NOT NULL REFERENCES channels (key),
    telegram_user_id bigint NOT NULL,
    reason           text NOT NULL,
    allowed_at       timestamptz NOT NULL,
    PRIMARY KEY (channel, telegram_user_id)
);
CREATE INDEX unforeseen_removals_allowed_at ON unforeseen_removals (channel, allowed_at);

-- One list of held removals that an admin decides upon as a whole.
CREATE TABLE removal_holds (
    id               uuid PRIMARY KEY,
    channel          text NOT NULL REFERENCES channels (key),
    opened_at        timestamptz NOT NULL,
    -- Grows with everybody who joins or leaves the list, so that a decision is about the list that was seen.
    version          integer NOT NULL DEFAULT 1,
    -- The version that the alert tells of.
    told_version     integer NOT NULL DEFAULT 0,
    decision         text CHECK (decision IN ('confirmed', 'rejected', 'dissolved')),
    decided_at       timestamptz,
    CHECK ((decision IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX removal_holds_open ON removal_holds (channel) WHERE decision IS NULL;

-- A removal that waits, or that was decided upon and stands for as long as these facts do.
CREATE TABLE held_removals (
    telegram_user_id bigint NOT NULL,
    channel          text NOT NULL REFERENCES channels (key),
    hold_id          uuid NOT NULL REFERENCES removal_holds (id),
    state            text NOT NULL CHECK (state IN ('held', 'confirmed', 'rejected')),
    held_at          timestamptz NOT NULL,
    -- The facts.
    reason           text NOT NULL,
    user_id          uuid REFERENCES users (id),
    chat_id          bigint NOT NULL,
    ended_at         timestamptz,
    PRIMARY KEY (telegram_user_id, channel),
    FOREIGN KEY (telegram_user_id, channel) REFERENCES memberships (telegram_user_id, channel)
);
CREATE INDEX held_removals_hold_id ON held_removals (hold_id);
CREATE INDEX held_removals_user_id ON held_removals (user_id);

-- Ways back from a provider that were used: each asks the provider once (Q3).
CREATE TABLE payment_returns (
    payment_id  uuid PRIMARY KEY REFERENCES payments (id),
    returned_at timestamptz NOT NULL
);
