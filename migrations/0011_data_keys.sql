-- Data keys that are rotated, counted and revoked while the product serves.

ALTER TABLE data_keys
    -- Which environment it belongs to, so that a database of production says so in staging instead of only not opening.
    -- Filled by the first process that opens the key: its ciphertexts prove it.
    ADD COLUMN environment text,
    -- A new key seals only from here on, when every instance has loaded it (wall time).
    ADD COLUMN seals_from timestamptz,
    -- How often it has sealed, over all processes: SP 800-38D allows 2^32 with random nonces.
    ADD COLUMN seals bigint NOT NULL DEFAULT 0,
    -- Nothing is under it any more and its wrapped bytes are gone: it can never open anything again.
    ADD COLUMN revoked_at timestamptz;

UPDATE data_keys SET seals_from = created_at;

ALTER TABLE data_keys
    ALTER COLUMN seals_from SET NOT NULL,
    ADD CHECK (seals >= 0),
    ADD CHECK (revoked_at IS NULL OR (retired_at IS NOT NULL AND wrapped = ''));
