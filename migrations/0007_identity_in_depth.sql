-- Accounts that guard money: known devices, second factors, failures counted, step-up, API keys, keys of access tokens.
-- Every instant here is wall time, but for the erasure of an account, whose cooling time is business time.

-- A freeze says who put it: an admin's withholds access and paid time, a rule's only stops logins and payments (SEC-61).
-- A freeze without a word is an admin's.
ALTER TABLE users
    ADD COLUMN frozen_by            text CHECK (frozen_by IN ('admin', 'rule')),
    ADD COLUMN frozen_for           text CHECK (length(frozen_for) BETWEEN 1 AND 500),
    ADD COLUMN password_changed_at  timestamptz,
    -- Business time. The account is erased after the cooling time, unless its owner thinks again.
    ADD COLUMN erasure_requested_at timestamptz,
    ADD COLUMN erased_at            timestamptz,
    ADD CONSTRAINT users_frozen_by CHECK (frozen_at IS NOT NULL OR (frozen_by IS NULL AND frozen_for IS NULL));
CREATE INDEX users_erasure_requested_at ON users (erasure_requested_at) WHERE erasure_requested_at IS NOT NULL;

-- A device from which somebody has logged in with everything that was asked. Its holder keeps a signed token that names
-- it, and from there its owner still gets in while the account is attacked from elsewhere (SEC-49).
CREATE TABLE known_devices (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    user_agent   text NOT NULL DEFAULT '' CHECK (length(user_agent) <= 255),
    -- The network, never the whole address.
    network      text NOT NULL DEFAULT '' CHECK (length(network) <= 64),
    created_at   timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX known_devices_user_id ON known_devices (user_id);

ALTER TABLE sessions
    ADD COLUMN device_id        uuid REFERENCES known_devices (id),
    ADD COLUMN network          text NOT NULL DEFAULT '' CHECK (length(network) <= 64),
    -- When a second factor was shown on this session; admins and supporters act as such only then (SEC-24).
    ADD COLUMN second_factor_at timestamptz,
    DROP CONSTRAINT sessions_revoked_for_check,
    ADD CONSTRAINT sessions_revoked_for_check CHECK (revoked_for IN (
        'logout', 'logout_all', 'revoked', 'token_reuse', 'role_changed', 'password_changed', 'password_reset',
        'factor_changed', 'frozen', 'erased'));

-- Failures in a row: of an account, a known device, a second factor. The key is a MAC, so unknown addresses are counted
-- like known ones and none is readable (SEC-4, SEC-48). A try is counted before it is made; success deletes the row.
CREATE TABLE guess_counters (
    key        bytea PRIMARY KEY CHECK (length(key) = 32),
    failures   integer NOT NULL CHECK (failures > 0),
    retry_at   timestamptz NOT NULL,
    counted_at timestamptz NOT NULL
);
CREATE INDEX guess_counters_counted_at ON guess_counters (counted_at);

-- A mailed link to choose a new password. Made for unknown addresses too, so that nothing of the answer tells (SEC-4, 6).
CREATE TABLE password_resets (
    id         uuid PRIMARY KEY,
    email_key  text NOT NULL,
    token_hash bytea NOT NULL CHECK (length(token_hash) = 32),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX password_resets_token_hash ON password_resets (token_hash);
CREATE INDEX password_resets_email_key ON password_resets (email_key);
CREATE INDEX password_resets_expires_at ON password_resets (expires_at);

-- Secrets of authenticator apps: at most one confirmed and one that waits for its first code, per user.
CREATE TABLE totp_factors (
    id               uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES users (id),
    secret_encrypted bytea NOT NULL,
    created_at       timestamptz NOT NULL,
    confirmed_at     timestamptz,
    -- The last time step whose code was used; only later ones are taken (SEC-9).
    last_step        bigint,
    -- From when on it may approve what needs a step-up: a day after it was confirmed, or as soon as the factor that
    -- approved its enrolment may, which is known before it is confirmed (SEC-24).
    trusted_from     timestamptz,
    CHECK (confirmed_at IS NULL OR trusted_from IS NOT NULL),
    CHECK (confirmed_at IS NULL OR last_step IS NOT NULL)
);
CREATE UNIQUE INDEX totp_factors_confirmed ON totp_factors (user_id) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX totp_factors_waiting ON totp_factors (user_id) WHERE confirmed_at IS NULL;

-- Telephones that codes are sent to.
CREATE TABLE sms_factors (
    id              uuid PRIMARY KEY,
    user_id         uuid NOT NULL REFERENCES users (id),
    phone_encrypted bytea NOT NULL,
    -- As people recognise it: `+225 •• •• •• 42`.
    phone_masked    text NOT NULL CHECK (length(phone_masked) <= 32),
    created_at      timestamptz NOT NULL,
    confirmed_at    timestamptz,
    trusted_from    timestamptz,
    CHECK (confirmed_at IS NULL OR trusted_from IS NOT NULL)
);
CREATE UNIQUE INDEX sms_factors_confirmed ON sms_factors (user_id) WHERE confirmed_at IS NOT NULL;
CREATE UNIQUE INDEX sms_factors_waiting ON sms_factors (user_id) WHERE confirmed_at IS NULL;

-- Messages that were sent, for the caps on spending and for what the network says of them.
CREATE TABLE sms_messages (
    id          uuid PRIMARY KEY,
    user_id     uuid NOT NULL REFERENCES users (id),
    -- A MAC of the number, and the prefix that is capped.
    phone_key   bytea NOT NULL CHECK (length(phone_key) = 32),
    prefix      text NOT NULL CHECK (prefix ~ '^\+[0-9]{1,4}$'),
    requested_at timestamptz NOT NULL,
    reference   text CHECK (length(reference) <= 64),
    status      text NOT NULL DEFAULT 'requested' CHECK (length(status) <= 32),
    error_code  integer
);
CREATE INDEX sms_messages_requested_at ON sms_messages (requested_at);
CREATE INDEX sms_messages_user_id ON sms_messages (user_id, requested_at);
CREATE UNIQUE INDEX sms_messages_reference ON sms_messages (reference) WHERE reference IS NOT NULL;

-- The way in when the telephone is lost: ten codes, each once.
CREATE TABLE recovery_codes (
    user_id    uuid NOT NULL REFERENCES users (id),
    code_hash  bytea NOT NULL CHECK (length(code_hash) = 32),
    created_at timestamptz NOT NULL,
    used_at    timestamptz,
    PRIMARY KEY (user_id, code_hash)
);

-- A question that waits for a code: after the password at a login, when a telephone is confirmed, before what needs a
-- proof. Five wrong codes end it (SEC-11).
CREATE TABLE challenges (
    id             uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES users (id),
    purpose        text NOT NULL CHECK (purpose IN ('login', 'sms_confirm', 'proof')),
    -- Where somebody holds a token for it.
    token_hash     bytea CHECK (length(token_hash) = 32),
    -- For a login: a browser's, which gets a cookie, or a program's, which gets tokens.
    browser        boolean NOT NULL DEFAULT false,
    tries          smallint NOT NULL DEFAULT 0 CHECK (tries BETWEEN 0 AND 5),
    -- The code that was sent, or the provider's name of its own check.
    sms_code_hash  bytea CHECK (length(sms_code_hash) = 32),
    sms_reference  text CHECK (length(sms_reference) <= 64),
    sms_expires_at timestamptz,
    sms_sent       smallint NOT NULL DEFAULT 0 CHECK (sms_sent BETWEEN 0 AND 5),
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    CHECK ((sms_expires_at IS NULL) = (sms_code_hash IS NULL AND sms_reference IS NULL))
);
CREATE UNIQUE INDEX challenges_token_hash ON challenges (token_hash) WHERE token_hash IS NOT NULL;
CREATE UNIQUE INDEX challenges_one_of_a_kind ON challenges (user_id, purpose) WHERE token_hash IS NULL;
CREATE INDEX challenges_user_id ON challenges (user_id);
CREATE INDEX challenges_expires_at ON challenges (expires_at);

-- Permission for one action, given for a fresh second factor (SEC-24).
CREATE TABLE step_ups (
    token_hash  bytea PRIMARY KEY CHECK (length(token_hash) = 32),
    session_id  uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    method      text NOT NULL CHECK (length(method) <= 16),
    path        text NOT NULL CHECK (length(path) <= 2048),
    body_sha256 bytea NOT NULL CHECK (length(body_sha256) = 32),
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX step_ups_session_id ON step_ups (session_id);
CREATE INDEX step_ups_expires_at ON step_ups (expires_at);

-- Keys of machines. Only a hash is kept, and the start of the key so that people know which one it is.
CREATE TABLE api_keys (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users (id),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    key_hash     bytea NOT NULL CHECK (length(key_hash) = 32),
    shown_prefix text NOT NULL CHECK (length(shown_prefix) <= 16),
    scopes       text[] NOT NULL CHECK (cardinality(scopes) BETWEEN 1 AND 32),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    -- When its owner was told that it ends soon.
    warned_at    timestamptz
);
CREATE UNIQUE INDEX api_keys_key_hash ON api_keys (key_hash);
CREATE INDEX api_keys_user_id ON api_keys (user_id);
CREATE INDEX api_keys_expires_at ON api_keys (expires_at) WHERE revoked_at IS NULL AND warned_at IS NULL;

-- Keys that sign access tokens, encrypted. The newest whose time has come signs; one that was followed is believed for
-- the life of its last token; a revoked one never again (SEC-16). They replace the names of keys that were derived from
-- `SECRET_KEY`: their rotation needed a restart.
CREATE TABLE jwt_keys (
    kid           text PRIMARY KEY CHECK (length(kid) <= 64),
    -- Binds the ciphertext to this row.
    row_id        uuid NOT NULL UNIQUE,
    key_encrypted bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    -- A little later than its making, so that every instance knows it before it meets a token of it.
    signs_from    timestamptz NOT NULL,
    revoked_at    timestamptz
);
DROP TABLE signing_keys;

-- Machines act too.
ALTER TABLE audit_logs
    DROP CONSTRAINT audit_logs_actor_kind_check,
    ADD CONSTRAINT audit_logs_actor_kind_check CHECK (actor_kind IN (
        'anonymous', 'user', 'api_key', 'provider', 'telegram', 'system', 'operator'));
