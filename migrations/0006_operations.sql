-- The operator's side: settings, keys, audit, alerts.

-- Data keys, wrapped by a key-encryption key that is not in this database.
CREATE TABLE data_keys (
    id         uuid PRIMARY KEY,
    backend    text NOT NULL,
    wrapped_by text NOT NULL,
    wrapped    bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- No longer used to encrypt; still decrypts.
    retired_at timestamptz
);

-- Names of the keys that sign access tokens, never the keys: when one was retired is remembered over restarts, so that
-- it is believed for the life of its last token and then never again (SEC-16).
CREATE TABLE signing_keys (
    kid        text PRIMARY KEY,
    retired_at timestamptz
);

-- Encrypted admin values (M2).
CREATE TABLE admin_config (
    key             text PRIMARY KEY CHECK (key ~ '^[a-z0-9_]{1,64}$'),
    -- Binds the ciphertext to this row.
    row_id          uuid NOT NULL UNIQUE,
    value_encrypted bytea NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    updated_at      timestamptz NOT NULL
);

-- Who did what to what, when, from where (SEC-53). Entries are only ever appended: the service's role may
-- INSERT and SELECT, nothing else. The transaction id lets a sealer chain them in commit order later.
CREATE TABLE audit_logs (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    xact_id      xid8 NOT NULL DEFAULT pg_current_xact_id(),
    occurred_at  timestamptz NOT NULL,
    business_at  timestamptz NOT NULL,
    actor_kind   text NOT NULL CHECK (actor_kind IN ('anonymous', 'user', 'provider', 'telegram', 'system', 'operator')),
    actor_id     text,
    action       text NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    subject_kind text NOT NULL,
    subject_id   text NOT NULL,
    user_id      uuid,
    request_id   text,
    address      text,
    details      jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_logs_user_id ON audit_logs (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX audit_logs_subject ON audit_logs (subject_kind, subject_id);

-- Where inconsistencies land, one open row per condition.
CREATE TABLE alerts (
    id              uuid PRIMARY KEY,
    condition       text NOT NULL CHECK (length(condition) <= 255),
    kind            text NOT NULL,
    details         jsonb NOT NULL DEFAULT '{}',
    occurrences     integer NOT NULL DEFAULT 1,
    first_at        timestamptz NOT NULL,
    last_at         timestamptz NOT NULL,
    acknowledged_at timestamptz
);
CREATE UNIQUE INDEX alerts_open_condition ON alerts (condition) WHERE acknowledged_at IS NULL;

-- The business clock of a sandbox. `serve` never reads it; in production nothing moves business time.
CREATE TABLE business_clock (
    only_row       boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    offset_seconds bigint NOT NULL DEFAULT 0 CHECK (offset_seconds >= 0)
);
INSERT INTO business_clock DEFAULT VALUES;

CREATE FUNCTION business_clock_only_moves_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.offset_seconds < OLD.offset_seconds THEN
        RAISE EXCEPTION 'business time never moves back';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER business_clock_only_moves_forward BEFORE UPDATE ON business_clock
    FOR EACH ROW EXECUTE FUNCTION business_clock_only_moves_forward();
