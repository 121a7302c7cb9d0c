//! The classes of data that are kept for a time only: what each is, for how long by default, and which rows are old.
//!
//! One condition serves the count of a dry run and the run itself, so that the two can't differ. `$1` in it is the instant
//! before which a row is old.

/// A class of data.
#[derive(Debug)]
pub struct Class {
    /// Its name, in settings, counts and the audit log.
    pub name: &'static str,
    /// What goes, in words.
    pub what: &'static str,
    /// For how many days it is kept unless somebody decides otherwise.
    pub default_days: u32,
    /// What of it is old.
    pub(super) rules: &'static [Rule],
}

/// Which rows of one table are old, and what becomes of them.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) table: &'static str,
    /// The clock that its instants come from.
    pub(super) stamped: Stamped,
    pub(super) condition: &'static str,
    pub(super) kept: Kept,
}

/// The clock that an instant comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stamped {
    Wall,
    Business,
}

/// What is left of a row that is old.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    /// Nothing.
    Nothing,
    /// All but this column, which is set so.
    AllBut(&'static str),
}

impl Rule {
    /// The statement that forgets up to `$2` rows. Rows that somebody works on wait for the next run.
    pub(super) fn statement(&self) -> String {
        let Self { table, condition, .. } = self;
        let rows = format!(
            "ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE {condition} LIMIT $2 FOR UPDATE SKIP LOCKED))"
        );
        match self.kept {
            Kept::Nothing => format!("DELETE FROM {table} WHERE {rows}"),
            Kept::AllBut(column) => format!("UPDATE {table} SET {column} WHERE {rows}"),
        }
    }
}

/// The bodies of callbacks.
pub const WEBHOOK_BODIES: Class = Class {
    name: "webhook_bodies",
    what: "bodies of callbacks, after they came; that they came stays, and open cases keep theirs",
    default_days: 90,
    rules: &[Rule {
        table: "webhook_events",
        stamped: Stamped::Wall,
        condition: "body_encrypted IS NOT NULL AND received_at < $1
            AND NOT EXISTS (SELECT FROM quarantine
                            WHERE quarantine.webhook_event_id = webhook_events.id AND quarantine.resolved_at IS NULL)",
        kept: Kept::AllBut("body_encrypted = NULL"),
    }],
};

/// Sessions that have ended.
pub const SESSIONS: Class = Class {
    name: "sessions",
    what: "sessions with their tokens, after they ended",
    default_days: 30,
    rules: &[Rule {
        table: "sessions",
        stamped: Stamped::Wall,
        condition: "(expires_at < $1 OR revoked_at < $1)",
        kept: Kept::Nothing,
    }],
};

/// Devices that nobody uses any more.
pub const DEVICES: Class = Class {
    name: "devices",
    what: "known devices, after their last use, unless a session names them",
    default_days: 180,
    rules: &[Rule {
        table: "known_devices",
        stamped: Stamped::Wall,
        condition: "(last_used_at < $1 OR revoked_at < $1)
            AND NOT EXISTS (SELECT FROM sessions WHERE sessions.device_id = known_devices.id)",
        kept: Kept::Nothing,
    }],
};

/// What was good once, for a short time.
pub const EXPIRED_TOKENS: Class = Class {
    name: "expired_tokens",
    what: "registrations, links, resets, challenges and permissions, after they expired",
    default_days: 1,
    rules: &[
        expired("registrations"),
        expired("telegram_link_tokens"),
        expired("password_resets"),
        expired("challenges"),
        expired("step_ups"),
    ],
};

const fn expired(table: &'static str) -> Rule {
    Rule { table, stamped: Stamped::Wall, condition: "expires_at < $1", kept: Kept::Nothing }
}

/// What messages said.
pub const NOTIFICATIONS: Class = Class {
    name: "notifications",
    what: "what a message said, after it was sent or given up; that it was sent stays",
    default_days: 90,
    rules: &[Rule {
        table: "notifications",
        stamped: Stamped::Business,
        condition: "payload <> '{}' AND (sent_at < $1 OR given_up_at < $1)",
        kept: Kept::AllBut("payload = '{}'"),
    }],
};

/// Failed tries.
pub const GUESS_COUNTERS: Class = Class {
    name: "guess_counters",
    what: "counts of failed tries, after the last one; those that only a mailed link ends stay",
    default_days: 90,
    rules: &[Rule {
        table: "guess_counters",
        stamped: Stamped::Wall,
        condition: "counted_at < $1 AND failures < 100",
        kept: Kept::Nothing,
    }],
};

/// Text messages.
pub const SMS_MESSAGES: Class = Class {
    name: "sms_messages",
    what: "traces of text messages, after they were asked for",
    default_days: 90,
    rules: &[Rule {
        table: "sms_messages",
        stamped: Stamped::Wall,
        condition: "requested_at < $1",
        kept: Kept::Nothing,
    }],
};

/// What contradicted a quote.
pub const QUARANTINE_DETAILS: Class = Class {
    name: "quarantine_details",
    what: "what a contradiction of a payment stated, after it was decided; the decision stays",
    default_days: 365,
    rules: &[Rule {
        table: "quarantine",
        stamped: Stamped::Wall,
        condition: "stated <> '{}' AND resolved_at < $1",
        kept: Kept::AllBut("stated = '{}'"),
    }],
};

/// Every class, in the order in which they are forgotten: sessions before the devices that they name.
pub const CLASSES: &[&Class] = &[
    &WEBHOOK_BODIES,
    &SESSIONS,
    &DEVICES,
    &EXPIRED_TOKENS,
    &NOTIFICATIONS,
    &GUESS_COUNTERS,
    &SMS_MESSAGES,
    &QUARANTINE_DETAILS,
];
