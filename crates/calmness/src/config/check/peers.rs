//! What the product talks to: its database, the mail server, Telegram, the payment service.

use std::str::FromStr;

use crypto::signature::SigningSecret;
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;

use super::Findings;
use super::reach::{is_loopback, is_plain_address};
use crate::config::Updates;

/// The most connections that one process may ask for.
const MAX_CONNECTIONS: u32 = 1000;

/// What Telegram accepts, and what can't be guessed.
const WEBHOOK_SECRET_LENGTH: std::ops::RangeInclusive<usize> = 32..=256;

/// A mail address is no longer (RFC 5321 §4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

pub(super) fn check(findings: &mut Findings) {
    database(findings);
    mail(findings);
    telegram(findings);
    payments(findings);
}

fn database(findings: &mut Findings) {
    let database = &findings.config.database;
    if database.url.is_none() && findings.deployed() {
        findings.error(
            "database.url",
            "There is no database.",
            "set the address of a PostgreSQL 15 or newer, for the service's own role",
        );
    }
    for (key, address) in
        [("database.url", &database.url), ("database.migration_url", &database.migration_url)]
    {
        let Some(address) = address else { continue };
        let Some(url) = postgres(address) else {
            findings.error(
                key,
                "The address of the database can't be understood.",
                "write postgres://user:password@host/database, with special characters of the password as %XX",
            );
            continue;
        };
        let verified = url.query_pairs().any(|(name, value)| name == "sslmode" && value == "verify-full");
        let is_far = url.host_str().is_some_and(|host| !host.is_empty()) && !is_loopback(&url);
        if is_far && !verified {
            findings.warning_if_deployed(
                key,
                "The database is on another machine, and its certificate is not checked.",
                "add ?sslmode=verify-full&sslrootcert=… to the address",
            );
        }
    }
    match (&database.url, &database.migration_url) {
        (Some(url), Some(migration)) if one_role(url, migration) => {
            findings.error_in_production(
                "database.migration_url",
                "The service would own its tables: service and migration have one role.",
                "set the address of the role that owns the tables, and another one's in database.url",
            );
        }
        (Some(_), None) => findings.warning_if_deployed(
            "database.migration_url",
            "There is no address to migrate with.",
            "set the address of the role that owns the tables where `calmness migrate` runs",
        ),
        _ => {}
    }
    if !(1..=MAX_CONNECTIONS).contains(&database.max_connections) {
        findings.error(
            "database.max_connections",
            "The number of connections is out of range.",
            "set 1 to 1000",
        );
    }
}

/// Whether both addresses log in as one role of one server.
fn one_role(one: &SecretString, other: &SecretString) -> bool {
    let parts = |address: &SecretString| {
        let url = postgres(address)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        Some((url.username().to_owned(), host, url.port()))
    };
    one.expose_secret() == other.expose_secret() || parts(one).is_some_and(|one| Some(one) == parts(other))
}

fn postgres(address: &SecretString) -> Option<Url> {
    let address = address.expose_secret().trim();
    PgConnectOptions::from_str(address).ok()?;
    Url::parse(address).ok().filter(|url| matches!(url.scheme(), "postgres" | "postgresql"))
}

fn mail(findings: &mut Findings) {
    let mail = &findings.config.mail;
    match &mail.smtp_url {
        None => findings.warning_if_deployed(
            "mail.smtp_url",
            "The configuration names no mail server: until a setting does, nobody can verify an address or be reminded.",
            "set the address of one, here or with `calmness settings set smtp_url -`",
        ),
        Some(address) => {
            if !is_mail_server(address.expose_secret()) {
                findings.error(
                    "mail.smtp_url",
                    "The address of the mail server can't be understood.",
                    "write smtps://user:password@host:465, or smtp://user:password@host:587 for STARTTLS",
                );
            }
        }
    }
    match &mail.from {
        None => findings.warning_if_deployed(
            "mail.from",
            "The configuration names no sender of mail.",
            "set one, like Calmness <no-reply@calmness.example>, here or with `calmness settings set mail_from -`",
        ),
        Some(from) if !is_sender(from) => findings.error(
            "mail.from",
            "The sender of mail is not an address.",
            "set one, like Calmness <no-reply@calmness.example>",
        ),
        Some(_) => {}
    }
}

fn is_mail_server(address: &str) -> bool {
    Url::parse(address.trim()).is_ok_and(|url| {
        matches!(url.scheme(), "smtp" | "smtps")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.query().is_none()
            && url.fragment().is_none()
            && matches!(url.path(), "" | "/")
            // A user without a password would silently mean no log-in at all.
            && url.username().is_empty() == url.password().is_none()
    })
}

/// Whether a text is an address, or a name with an address in angle brackets. The mailer reads it in full later.
fn is_sender(text: &str) -> bool {
    let text = text.trim();
    let address = match text.split_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or_default(),
        None => text,
    };
    let parts = address.rsplit_once('@');
    !text.contains(char::is_control)
        && address.len() <= MAX_ADDRESS
        && !address.contains(|character: char| character.is_whitespace() || "<>,;".contains(character))
        && parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

fn telegram(findings: &mut Findings) {
    let telegram = &findings.config.telegram;
    if !is_plain_address(&telegram.api_url) {
        findings.error(
            "telegram.api_url",
            "The address of the Bot API is more than scheme, host and path.",
            "set https://api.telegram.org",
        );
    } else if telegram.api_url.scheme() == "http" && !is_loopback(&telegram.api_url) {
        findings.error_in_production(
            "telegram.api_url",
            "The Bot API is called over plain HTTP: the bot's token could be read on the way.",
            "set https://api.telegram.org",
        );
    }
    if telegram.link_url.is_some() && !findings.config.sandbox {
        findings.error_in_production(
            "telegram.link_url",
            "People would be led to a stand-in instead of Telegram.",
            "remove telegram.link_url",
        );
    }
    match &telegram.bot_token {
        None => findings.warning_if_deployed(
            "telegram.bot_token",
            "The configuration names no bot: until a setting does, nobody can be let into a channel.",
            "set the token that @BotFather gives, here or with `calmness settings set telegram_bot_token -`",
        ),
        Some(token) => {
            if !is_bot_token(token.expose_secret().trim()) {
                findings.error(
                    "telegram.bot_token",
                    "This is no token of a bot.",
                    "copy it whole from @BotFather",
                );
            }
        }
    }
    if telegram.updates == Updates::Polling {
        return;
    }
    match &telegram.webhook_secret {
        None => findings.error_in_production(
            "telegram.webhook_secret",
            "There is no secret by which Telegram's calls are known, so all of them are refused.",
            "make one with `openssl rand -hex 32`, or set telegram.updates = \"polling\"",
        ),
        Some(secret) => {
            if !is_webhook_secret(secret.expose_secret()) {
                findings.error(
                    "telegram.webhook_secret",
                    "The secret of Telegram's calls is too short, or has characters that Telegram refuses.",
                    "make one with `openssl rand -hex 32`",
                );
            }
        }
    }
}

fn is_bot_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, secret)| {
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        is_id && secret.len() >= 20 && is_url_safe(secret)
    })
}

fn is_webhook_secret(secret: &str) -> bool {
    WEBHOOK_SECRET_LENGTH.contains(&secret.len()) && is_url_safe(secret)
}

fn is_url_safe(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn payments(findings: &mut Findings) {
    let service = &findings.config.providers.hmac_psp;
    if !service.enabled {
        findings.warning_if_deployed(
            "providers.hmac_psp.enabled",
            "No payment provider is on, so nothing can be bought.",
            "set true, with the service's address and secrets",
        );
        return;
    }
    match &service.base_url {
        Some(url) if is_plain_address(url) => {
            if url.scheme() == "http" && !is_loopback(url) {
                findings.error_in_production(
                    "providers.hmac_psp.base_url",
                    "The payment service is reached over plain HTTP: people's payments could be led elsewhere.",
                    "set an https address",
                );
            }
        }
        _ => findings.error(
            "providers.hmac_psp.base_url",
            "The payment service has no address.",
            "set one without user, query and fragment, like https://pay.example/v1",
        ),
    }
    if service.currencies.is_empty() {
        findings.error(
            "providers.hmac_psp.currencies",
            "The payment service takes no currency.",
            "list those that it takes, like EUR, XOF",
        );
    }
    let link: Vec<SecretString> = service.link_secret.iter().cloned().collect();
    let purposes = [
        ("providers.hmac_psp.request_secrets", "our requests", &service.request_secrets),
        ("providers.hmac_psp.webhook_secrets", "the service's callbacks", &service.webhook_secrets),
        ("providers.hmac_psp.link_secret", "checkout addresses", &link),
    ];
    for (index, (key, purpose, secrets)) in purposes.iter().enumerate() {
        if secrets.is_empty() {
            findings.error(
                key,
                format!("Nothing signs {purpose}."),
                "agree with the service on a secret, made with `openssl rand -hex 32`",
            );
        }
        for secret in *secrets {
            if let Err(weak) = SigningSecret::parse(secret) {
                findings.error(key, format!("A secret for {purpose} is refused: {weak}."), "replace it");
            }
            let elsewhere = purposes[..index].iter().flat_map(|(_, _, others)| others.iter());
            if elsewhere.into_iter().any(|other| other.expose_secret() == secret.expose_secret()) {
                findings.error(
                    key,
                    format!("The secret for {purpose} serves another purpose too: one leak would open both."),
                    "use one secret for each purpose",
                );
            }
        }
    }
}
