-- Who may come in: registrations, users, sessions, refresh tokens, revocations.
-- Every instant here is wall time: it meets security. Secrets are kept as hashes only.

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    -- The address folded to one case: addresses are unique without regard to it.
    email_key     text NOT NULL,
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    role          text NOT NULL DEFAULT 'user' CHECK (role IN ('user', 'support', 'admin')),
    locale        text NOT NULL DEFAULT 'fr' CHECK (locale IN ('fr', 'en')),
    frozen_at     timestamptz,
    created_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_email_key ON users (email_key);

-- A sign-up is not a user yet. Several may exist for one address; each is activated by its own password only,
-- so that nobody activates somebody else's.
CREATE TABLE registrations (
    id            uuid PRIMARY KEY,
    email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
    email_key     text NOT NULL,
    password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    locale        text NOT NULL CHECK (locale IN ('fr', 'en')),
    token_hash    bytea NOT NULL CHECK (length(token_hash) = 32),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX registrations_token_hash ON registrations (token_hash);
CREATE INDEX registrations_email_key ON registrations (email_key);
CREATE INDEX registrations_expires_at ON registrations (expires_at);

-- One login on one device.
CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    -- Set for a browser's session: the hash of its cookie.
    cookie_hash  bytea CHECK (length(cookie_hash) = 32),
    user_agent   text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 255),
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    revoked_for  text CHECK (revoked_for IN ('logout', 'logout_all', 'token_reuse', 'role_changed', 'password_changed', 'frozen')),
    CHECK ((revoked_at IS NULL) = (revoked_for IS NULL))
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE UNIQUE INDEX sessions_cookie_hash ON sessions (cookie_hash) WHERE cookie_hash IS NOT NULL;
-- Instances read this to refuse access tokens whose session ended before they did.
CREATE INDEX sessions_revoked_at ON sessions (revoked_at) WHERE revoked_at IS NOT NULL;

-- Refresh tokens of a session, all of them: the newest is the live head, its parent may be retried for some
-- seconds, anything older is theft. The successor is derived from the parent and its nonce, so a retry gets the same.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    issued_at  timestamptz NOT NULL,
    -- Set when it was exchanged.
    rotated_at timestamptz,
    nonce      bytea CHECK (length(nonce) = 16),
    successor_hash bytea CHECK (length(successor_hash) = 32),
    CHECK ((rotated_at IS NULL) = (nonce IS NULL) AND (rotated_at IS NULL) = (successor_hash IS NULL))
);
CREATE INDEX refresh_tokens_session_id ON refresh_tokens (session_id);
-- One live head per session, whatever races.
CREATE UNIQUE INDEX refresh_tokens_one_head ON refresh_tokens (session_id) WHERE rotated_at IS NULL;
