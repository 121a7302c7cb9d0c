-- Changes of what matters: a second confirmation, the history of settings, receiving addresses that become valid later.

-- Who was an admin when (wall time): somebody else must confirm where two were at any time of the last week, and a thief
-- who freezes or demotes the other one gains nothing by it (SEC-55).
CREATE TABLE admin_terms (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id  uuid NOT NULL REFERENCES users (id),
    began_at timestamptz NOT NULL,
    ended_at timestamptz,
    CHECK (ended_at >= began_at)
);
CREATE UNIQUE INDEX admin_terms_running ON admin_terms (user_id) WHERE ended_at IS NULL;
CREATE INDEX admin_terms_ended_at ON admin_terms (ended_at);
INSERT INTO admin_terms (user_id, began_at, ended_at)
SELECT id, created_at, erased_at FROM users WHERE role = 'admin';

-- Counts the changes of what an account may do, so that a confirmation of an older state is refused.
ALTER TABLE users ADD COLUMN standing_version integer NOT NULL DEFAULT 1;

-- A sensitive change that waits for a second confirmation, and what became of it (wall time).
CREATE TABLE approvals (
    id                uuid PRIMARY KEY,
    kind              text NOT NULL CHECK (kind ~ '^[a-z_]{1,64}$'),
    -- What would change, and in which version it was when somebody asked.
    object            text NOT NULL CHECK (length(object) <= 200),
    object_version    text NOT NULL CHECK (length(object_version) <= 200),
    -- Exactly what will be done; forgotten once decided, because secrets may be in it.
    action_encrypted  bytea,
    -- What people are shown of it: secrets as fingerprints.
    summary_encrypted bytea NOT NULL,
    -- Of exactly what will be done; whoever confirms repeats it.
    digest            bytea NOT NULL CHECK (length(digest) = 32),
    reason            text NOT NULL CHECK (length(reason) <= 500),
    state             text NOT NULL DEFAULT 'pending'
                      CHECK (state IN ('pending', 'confirmed', 'rejected', 'expired', 'superseded')),
    -- Whose request it is; none: the product's own, or the operator's on the machine.
    requested_by      uuid REFERENCES users (id),
    requested_at      timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    -- None: the operator on the machine, or the passing of time.
    decided_by        uuid REFERENCES users (id),
    decided_at        timestamptz,
    decided_for       text CHECK (length(decided_for) <= 500),
    CHECK ((state = 'pending') = (action_encrypted IS NOT NULL)),
    CHECK ((state = 'pending') = (decided_at IS NULL)),
    CHECK (expires_at > requested_at)
);
CREATE INDEX approvals_pending ON approvals (expires_at) WHERE state = 'pending';
CREATE INDEX approvals_object ON approvals (object) WHERE state = 'pending';

-- Every version of every setting, also of deleted ones (wall time). A key that is here was set before: changing it needs
-- a second confirmation where it matters, even if it is not set now.
CREATE TABLE admin_config_history (
    key             text NOT NULL CHECK (key ~ '^[a-z0-9_]{1,64}$'),
    version         integer NOT NULL CHECK (version > 0),
    -- Binds the ciphertext to this row.
    row_id          uuid NOT NULL UNIQUE,
    -- None: this version deleted the setting.
    value_encrypted bytea,
    -- A MAC of the value: tells versions apart, and nobody what they were.
    fingerprint     bytea CHECK (length(fingerprint) = 32),
    set_at          timestamptz NOT NULL,
    actor_kind      text NOT NULL,
    actor_id        text,
    approval_id     uuid REFERENCES approvals (id),
    reason          text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    PRIMARY KEY (key, version),
    CHECK ((value_encrypted IS NULL) = (fingerprint IS NULL))
);

-- A receiving address that was confirmed and becomes valid only after its cooling time (active_from: business time).
CREATE TABLE admin_config_cooling (
    key             text PRIMARY KEY CHECK (key ~ '^[a-z0-9_]{1,64}$'),
    -- Binds the ciphertext to this row.
    row_id          uuid NOT NULL UNIQUE,
    value_encrypted bytea NOT NULL,
    fingerprint     bytea NOT NULL CHECK (length(fingerprint) = 32),
    set_at          timestamptz NOT NULL,
    active_from     timestamptz NOT NULL,
    actor_kind      text NOT NULL,
    actor_id        text,
    approval_id     uuid REFERENCES approvals (id),
    reason          text NOT NULL DEFAULT '' CHECK (length(reason) <= 500)
);
CREATE INDEX admin_config_cooling_active_from ON admin_config_cooling (active_from);
