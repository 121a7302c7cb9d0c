-- The audit chain (SEC-53, SEC-54): every entry gets a position, a second's worth of positions gets a seal that holds the
-- seal before it, and each seal is signed with a key that is not in this database. docs/AUDIT.md has the format.

-- Who a person is stands beside the entry, and the entry keeps a salted hash of it: destroying the row erases the person and
-- leaves the chain as it was. A provider's or Telegram's server is nobody, and stays in the entry.
ALTER TABLE audit_logs ADD COLUMN personal_hash bytea CHECK (length(personal_hash) = 32);

CREATE TABLE audit_personal (
    entry_id bigint PRIMARY KEY,
    -- Whose it is, where that is not the user of the entry: an admin acts on somebody else from an address of their own.
    owner    uuid,
    salt     bytea NOT NULL CHECK (length(salt) = 32),
    -- JSON, byte for byte as it was hashed.
    content  text NOT NULL
);
CREATE INDEX audit_personal_owner ON audit_personal (owner) WHERE owner IS NOT NULL;

-- What was written before: addresses, and the numbers of Telegram accounts.
INSERT INTO audit_personal (entry_id, owner, salt, content)
SELECT id,
       CASE WHEN actor_kind = 'user' AND actor_id IS DISTINCT FROM user_id::text THEN actor_id::uuid END,
       uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
       jsonb_strip_nulls(jsonb_build_object('address', address, 'telegram_user_id', telegram))::text
FROM (SELECT id, actor_kind, actor_id, user_id,
             CASE WHEN actor_kind NOT IN ('provider', 'telegram') THEN address END AS address,
             CASE action WHEN 'telegram.bound' THEN details -> 'telegram_user_id'
                         WHEN 'telegram.unbound' THEN to_jsonb(subject_id) END AS telegram
      FROM audit_logs) AS written
WHERE address IS NOT NULL OR telegram IS NOT NULL;

UPDATE audit_logs
SET personal_hash = sha256(convert_to('calmness/audit/personal/1', 'UTF8') || '\x00'::bytea || salt
                           || convert_to(content, 'UTF8')),
    address = CASE WHEN actor_kind IN ('provider', 'telegram') THEN address END,
    details = CASE WHEN action = 'telegram.bound' THEN details - 'telegram_user_id' ELSE details END,
    subject_kind = CASE WHEN action = 'telegram.unbound' THEN 'user' ELSE subject_kind END,
    subject_id = CASE WHEN action = 'telegram.unbound' THEN COALESCE(user_id::text, '') ELSE subject_id END
FROM audit_personal
WHERE audit_personal.entry_id = audit_logs.id;

ALTER TABLE audit_logs
    ADD CONSTRAINT audit_logs_address_is_a_server_s
    CHECK (address IS NULL OR actor_kind IN ('provider', 'telegram'));

-- The sealer takes what was committed since its last look in this order.
CREATE INDEX audit_logs_xact_id ON audit_logs (xact_id);

-- One link of the chain: which entry stands where.
CREATE TABLE audit_chain (
    position bigint PRIMARY KEY CHECK (position > 0),
    entry_id bigint NOT NULL UNIQUE,
    -- Of the entry's canonical bytes.
    hash     bytea NOT NULL CHECK (length(hash) = 32)
);

-- One seal: the entries of a second. Its number and its predecessor make it a chain without forks.
CREATE TABLE audit_seals (
    number         bigint PRIMARY KEY CHECK (number > 0),
    first_position bigint NOT NULL,
    entries        integer NOT NULL CHECK (entries >= 0),
    -- The hash of the seal before; zeros before the first one.
    previous       bytea NOT NULL CHECK (length(previous) = 32),
    hash           bytea NOT NULL CHECK (length(hash) = 32),
    -- Every entry of this database whose transaction is older stands in this seal or before it.
    horizon        xid8 NOT NULL,
    -- Which database that was: a restored one counts its transactions anew.
    epoch          text NOT NULL,
    sealed_at      timestamptz NOT NULL,
    kid            text NOT NULL,
    signature      bytea NOT NULL
);
CREATE INDEX audit_seals_sealed_at ON audit_seals (sealed_at);

-- Where a chain begins whose beginning was cut by the owner (retention).
CREATE TABLE audit_checkpoints (
    -- The last seal that was cut, its last position, and its hash.
    seal_number    bigint PRIMARY KEY,
    position       bigint NOT NULL,
    hash           bytea NOT NULL CHECK (length(hash) = 32),
    -- Up to this business time, what happened may have no entry any more.
    business_until timestamptz NOT NULL,
    cut_at         timestamptz NOT NULL,
    kid            text NOT NULL,
    signature      bytea NOT NULL
);
