-- The switches of a bad day: every session ends at once, purchases pause.

-- Whoever logged in before this instant has to do it again (wall time). One row instead of a mark on every session, so that
-- ending all of them costs the same however many there are. A login shares a lock on the row and opens its session later
-- than what stands in it, so none can slip through while it moves.
CREATE TABLE session_cutoff (
    only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    not_before timestamptz NOT NULL
);
INSERT INTO session_cutoff (not_before) VALUES ('1970-01-01 00:00:00+00');

-- While a pause lasts no payment is opened; what was opened is settled as always. Wall time: it meets an emergency.
CREATE TABLE purchase_pauses (
    id         uuid PRIMARY KEY,
    reason     text NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
    paused_at  timestamptz NOT NULL,
    resumed_at timestamptz CHECK (resumed_at >= paused_at)
);
CREATE UNIQUE INDEX purchase_pauses_one ON purchase_pauses ((true)) WHERE resumed_at IS NULL;
