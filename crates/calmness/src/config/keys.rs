//! Every key there is: its name, how it is written in the environment, and what it expects.

/// How a value is written where everything is text: in the environment and in `.env`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As it stands.
    Text,
    /// `true` or `false`.
    Flag,
    /// Digits.
    Number,
    /// Separated by commas.
    List,
    /// Text that nobody may read; may stand in a file.
    Secret,
    /// Secrets separated by commas; in a file, one a line.
    Secrets,
}

impl Kind {
    /// Whether the value may stand in a file of its own and must never be shown.
    pub(super) fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::Secrets)
    }
}

/// One setting.
#[derive(Debug)]
pub(super) struct Key {
    /// Sections and name, with dots between them.
    pub(super) path: &'static str,
    /// How it is written as text.
    pub(super) kind: Kind,
    /// What it expects, to follow "expected".
    pub(super) expected: &'static str,
    /// Its shorter name in the environment, for the settings that other programs use as well.
    pub(super) alias: Option<&'static str>,
}

impl Key {
    /// Its usual name in the environment.
    pub(super) fn variable(&self) -> String {
        match self.alias {
            Some(alias) => alias.to_owned(),
            None => format!("{PREFIX}{}", self.path.replace('.', "__").to_uppercase()),
        }
    }
}

/// What the names of our variables begin with.
pub(super) const PREFIX: &str = "CALMNESS__";

/// The end of a key that names the file in which its secret stands.
pub(super) const FILE_SUFFIX: &str = "_file";

/// Every key, in the order of the example file.
pub(super) const KEYS: &[Key] = &[
    key("environment", Kind::Text, "development, staging or production"),
    key("public_url", Kind::Text, "an address like https://calmness.example"),
    key("default_locale", Kind::Text, "fr or en"),
    Key { alias: Some("SECRET_KEY"), ..key("secret_key", Kind::Secret, "a text of 32 random bytes or more") },
    Key {
        alias: Some("SECRET_KEY_PREVIOUS"),
        ..key("secret_key_previous", Kind::Secrets, "a list of earlier secret keys")
    },
    key("sandbox", Kind::Flag, "true or false"),
    key("company.name", Kind::Text, "a name"),
    key("server.bind", Kind::Text, "an IP address and a port like 127.0.0.1:8080"),
    key("server.behind_proxy", Kind::Flag, "true or false"),
    key("server.trusted_proxies", Kind::List, "a list of networks like 10.0.0.0/8 or 127.0.0.1/32"),
    key("server.cors_origins", Kind::List, "a list of origins like https://app.example"),
    key("limits.requests_per_address", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.requests_per_user", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.login_failures_per_address", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.mails_per_address", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.payments_per_user", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.payments_per_address", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.unverified_webhooks_per_address", Kind::Number, "a number; 0 turns the limit off"),
    key("limits.unverified_webhooks_per_provider", Kind::Number, "a number; 0 turns the limit off"),
    Key {
        alias: Some("DATABASE_URL"),
        ..key("database.url", Kind::Secret, "an address like postgres://user:password@host/database")
    },
    Key {
        alias: Some("MIGRATION_DATABASE_URL"),
        ..key(
            "database.migration_url",
            Kind::Secret,
            "an address like postgres://owner:password@host/database",
        )
    },
    key("database.max_connections", Kind::Number, "a number from 1 to 1000"),
    key("database.postgresql_bin", Kind::Text, "a folder that holds the programs postgres and initdb"),
    key("log.format", Kind::Text, "auto, json or pretty"),
    key("log.level", Kind::Text, "a level like info, or levels by module like info,sqlx=warn"),
    key("log.file", Kind::Text, "a path like /var/log/calmness/calmness.log"),
    key("log.file_max_mb", Kind::Number, "a number of megabytes from 1 to 10000"),
    key("log.keep_files", Kind::Number, "a number of files from 1 to 10000"),
    key("log.keep_days", Kind::Number, "a number of days; 0 keeps them as long as their number allows"),
    key("mail.smtp_url", Kind::Secret, "an address like smtps://user:password@mail.example:465"),
    key("mail.from", Kind::Text, "a sender like Calmness <no-reply@calmness.example>"),
    key("telegram.api_url", Kind::Text, "an address like https://api.telegram.org"),
    key("telegram.bot_token", Kind::Secret, "a token from @BotFather like 123456:ABC-DEF…"),
    key("telegram.webhook_secret", Kind::Secret, "32 to 256 letters, digits, _ and -"),
    key("telegram.updates", Kind::Text, "webhook or polling"),
    key("telegram.link_url", Kind::Text, "an address like http://127.0.0.1:8025/t.me"),
    key("providers.hmac_psp.enabled", Kind::Flag, "true or false"),
    key("providers.hmac_psp.base_url", Kind::Text, "an address like https://pay.example/v1"),
    key("providers.hmac_psp.opening", Kind::Text, "api or link"),
    key("providers.hmac_psp.request_secrets", Kind::Secrets, "a list of shared secrets, newest first"),
    key("providers.hmac_psp.webhook_secrets", Kind::Secrets, "a list of shared secrets, newest first"),
    key("providers.hmac_psp.link_secret", Kind::Secret, "a shared secret"),
    key("providers.hmac_psp.currencies", Kind::List, "a list of currencies like EUR, XOF"),
    key("providers.hmac_psp.networks", Kind::List, "a list of networks like 192.0.2.0/24"),
    key("sms.enabled", Kind::Flag, "true or false"),
    key("sms.mode", Kind::Text, "messages or verify"),
    key("sms.api_url", Kind::Text, "an address like https://api.twilio.com"),
    key("sms.verify_url", Kind::Text, "an address like https://verify.twilio.com"),
    key("sms.account_sid", Kind::Text, "a SID like AC and 32 hex digits"),
    key("sms.auth_tokens", Kind::Secrets, "a list of auth tokens, newest first"),
    key("sms.api_key_sid", Kind::Text, "a SID like SK and 32 hex digits"),
    key("sms.api_key_secret", Kind::Secret, "the secret of the API key"),
    key("sms.from", Kind::Text, "a number like +15005550006, a short code, or a name"),
    key("sms.messaging_service_sid", Kind::Text, "a SID like MG and 32 hex digits"),
    key("sms.verify_service_sid", Kind::Text, "a SID like VA and 32 hex digits"),
    key("sms.daily_cap", Kind::Number, "a number; 0 turns the cap off"),
    key("sms.daily_cap_per_prefix", Kind::Number, "a number; 0 turns the cap off"),
    key("sms.allowed_prefixes", Kind::List, "a list of calling codes like +225, +33"),
    key("removals.max_unforeseen", Kind::Number, "a number; 0 asks about each"),
    key("removals.max_percent", Kind::Number, "a number of per cent"),
    key("keys.backend", Kind::Text, "local, vault or aws_kms"),
    key("keys.previous_backend", Kind::Text, "local, vault or aws_kms"),
    key("keys.allow_local", Kind::Flag, "true or false"),
    key("keys.serve_without_backend_hours", Kind::Number, "a number from 0 to 24"),
    key("keys.vault.address", Kind::Text, "an address like https://vault.example:8200"),
    key("keys.vault.mount", Kind::Text, "the path of the transit engine"),
    key("keys.vault.key", Kind::Text, "the name of a derived transit key"),
    key("keys.vault.auth_mount", Kind::Text, "the path of AppRole"),
    key("keys.vault.role_id", Kind::Text, "the role_id of an AppRole"),
    key("keys.vault.secret_id", Kind::Secret, "a secret_id of the AppRole"),
    key("keys.vault.namespace", Kind::Text, "a namespace"),
    key("keys.aws_kms.region", Kind::Text, "a region like eu-west-3"),
    key("keys.aws_kms.endpoint", Kind::Text, "an address like https://kms.eu-west-3.amazonaws.com"),
    key("keys.aws_kms.key_id", Kind::Text, "the ARN, id or alias of a key"),
    Key {
        alias: Some("AWS_ACCESS_KEY_ID"),
        ..key("keys.aws_kms.access_key_id", Kind::Secret, "the id of an access key")
    },
    Key {
        alias: Some("AWS_SECRET_ACCESS_KEY"),
        ..key("keys.aws_kms.secret_access_key", Kind::Secret, "the secret of the access key")
    },
    Key {
        alias: Some("AWS_SESSION_TOKEN"),
        ..key("keys.aws_kms.session_token", Kind::Secret, "the token of temporary credentials")
    },
    key("backup.directory", Kind::Text, "a folder like /var/backups/calmness"),
    key("backup.recipients", Kind::List, "a list of public keys like age1…"),
    key("backup.hour", Kind::Number, "an hour from 0 to 23, in UTC"),
    key("backup.keep_daily", Kind::Number, "a number of days"),
    key("backup.keep_weekly", Kind::Number, "a number of weeks"),
    key("backup.keep_monthly", Kind::Number, "a number of months"),
    key("retention.webhook_bodies_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.sessions_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.devices_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.expired_tokens_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.notifications_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.guess_counters_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.sms_messages_days", Kind::Number, "a number of days; 0 is for ever"),
    key("retention.quarantine_details_days", Kind::Number, "a number of days; 0 is for ever"),
    key("audit.anchor_file", Kind::Text, "a file that the service may append to"),
];

const fn key(path: &'static str, kind: Kind, expected: &'static str) -> Key {
    Key { path, kind, expected, alias: None }
}

/// The key of a name, and whether the name is that of its file.
pub(super) fn find(path: &str) -> Option<(&'static Key, bool)> {
    if let Some(key) = KEYS.iter().find(|key| key.path == path) {
        return Some((key, false));
    }
    let path = path.strip_suffix(FILE_SUFFIX)?;
    KEYS.iter().find(|key| key.path == path && key.kind.is_secret()).map(|key| (key, true))
}

/// Whether some keys lie below this name.
pub(super) fn is_section(path: &str) -> bool {
    KEYS.iter().any(|key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}

/// The key that was probably meant.
pub(super) fn nearest(path: &str) -> Option<&'static Key> {
    const ALIKE: f64 = 0.85;
    let last = |path: &str| path.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |key: &Key| {
        // Right name, wrong section is as likely a mistake as a slip of the fingers.
        let whole = strsim::jaro_winkler(path, key.path);
        let name = strsim::jaro_winkler(&last(path), &last(key.path)) - 0.01;
        whole.max(name)
    };
    let ranked = KEYS.iter().map(|key| (likeness(key), key));
    ranked
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .map(|(_, key)| key)
}
