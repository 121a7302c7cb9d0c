-- What may be forgotten when its time is over, and that it was.

-- The body of a kept callback is forgotten; that it came is not, or it could be applied a second time.
ALTER TABLE webhook_events ALTER COLUMN body_encrypted DROP NOT NULL;

-- One row a day: whichever instance writes it first forgets for all of them. Wall time.
CREATE TABLE retention_runs (
    day         date PRIMARY KEY,
    started_at  timestamptz NOT NULL,
    finished_at timestamptz,
    -- How much went, by class.
    forgotten   jsonb NOT NULL DEFAULT '{}',
    CHECK (finished_at >= started_at)
);

-- What is looked for every night, where the tables are large.
CREATE INDEX webhook_events_kept_body ON webhook_events (received_at) WHERE body_encrypted IS NOT NULL;
CREATE INDEX notifications_kept_payload ON notifications (sent_at) WHERE payload <> '{}';
