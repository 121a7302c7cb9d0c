//! What is unsafe or missing in a configuration, in sentences, with where to mend it.
//!
//! Pure: no file, no network. Production and staging are held to the same rules, except that a rehearsal may use the
//! simulated world and go without mail, bot and encrypted connections to its peers.

mod keeping;
mod key_service;
mod peers;
mod reach;
mod sms;

use crypto::secret_key::{SecretKey, SecretKeys};
use tracing_subscriber::EnvFilter;

use super::keys::{FILE_SUFFIX, KEYS};
use super::{Config, Environment};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works; somebody should know.
    Warning,
    /// The product does not start.
    Error,
}

/// Something that is unsafe or missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The setting.
    pub key: &'static str,
    /// What is wrong.
    pub sentence: String,
    /// What to do, and where.
    pub remedy: String,
}

/// Everything that is unsafe or missing in a configuration, in the order of its keys.
pub fn check(config: &Config) -> Vec<Finding> {
    let mut findings = Findings { config, list: Vec::new() };
    general(&mut findings);
    secret_keys(&mut findings);
    reach::check(&mut findings);
    peers::check(&mut findings);
    sms::check(&mut findings);
    key_service::check(&mut findings);
    keeping::check(&mut findings);
    let place = |finding: &Finding| KEYS.iter().position(|key| key.path == finding.key);
    findings.list.sort_by_key(place);
    findings.list
}

struct Findings<'a> {
    config: &'a Config,
    list: Vec<Finding>,
}

impl Findings<'_> {
    /// Whether real people are meant to reach this installation.
    fn deployed(&self) -> bool {
        self.config.environment != Environment::Development
    }

    /// An error everywhere.
    fn error(&mut self, key: &'static str, sentence: impl Into<String>, remedy: impl Into<String>) {
        self.add(Severity::Error, key, sentence, remedy);
    }

    /// An error in production and staging, a warning in development.
    fn error_if_deployed(
        &mut self,
        key: &'static str,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let severity = if self.deployed() { Severity::Error } else { Severity::Warning };
        self.add(severity, key, sentence, remedy);
    }

    /// An error in production, a warning in staging, nothing in development.
    fn error_in_production(
        &mut self,
        key: &'static str,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        match self.config.environment {
            Environment::Production => self.add(Severity::Error, key, sentence, remedy),
            Environment::Staging => self.add(Severity::Warning, key, sentence, remedy),
            Environment::Development => {}
        }
    }

    /// A warning in production and staging, nothing in development.
    fn warning_if_deployed(
        &mut self,
        key: &'static str,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        if self.deployed() {
            self.add(Severity::Warning, key, sentence, remedy);
        }
    }

    fn add(
        &mut self,
        severity: Severity,
        key: &'static str,
        sentence: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let origin =
            self.config.origin(key).map(|origin| format!(" (now from {origin})")).unwrap_or_default();
        let remedy = format!("{}: {}{origin}", place(key), remedy.into());
        self.list.push(Finding { severity, key, sentence: sentence.into(), remedy });
    }
}

/// Where a setting is made.
fn place(path: &'static str) -> String {
    let Some(key) = KEYS.iter().find(|key| key.path == path) else { return path.to_owned() };
    let variable = key.variable();
    if key.kind.is_secret() {
        let file = FILE_SUFFIX.to_uppercase();
        return format!("{variable} or {variable}{file} in the environment, or {path} in calmness.toml");
    }
    format!("{variable} in the environment, or {path} in calmness.toml")
}

fn general(findings: &mut Findings) {
    let config = findings.config;
    if let Some(path) = &config.ignored_env_file {
        findings.add(
            Severity::Warning,
            "environment",
            format!("{} is not read, because .env is for development only.", path.display()),
            "set development if this is a developer's machine, else move the settings to the environment",
        );
    }
    if config.sandbox {
        findings.error_in_production(
            "sandbox",
            "The simulated world is on: whoever reaches it gets access without paying.",
            "set false",
        );
    }
    let name = config.company.name.trim();
    if name.is_empty() || name.contains(char::is_control) {
        findings.error(
            "company.name",
            "The company has no name that a mail could carry.",
            "set a name, on one line",
        );
    }
    if EnvFilter::try_new(&config.log.level).is_err() {
        findings.error(
            "log.level",
            "The level of the log can't be understood.",
            "set info, or info,sqlx=warn",
        );
    }
}

fn secret_keys(findings: &mut Findings) {
    let config = findings.config;
    let Some(current) = &config.secret_key else {
        findings.error(
            "secret_key",
            "There is no secret key, so nothing can be signed or encrypted.",
            "make one with `openssl rand -base64 48` and keep it: what it encrypted is lost without it",
        );
        return;
    };
    if let Err(weak) = SecretKey::parse(current) {
        findings.error("secret_key", format!("The secret key can be guessed: {weak}."), "replace it");
        return;
    }
    if let Err(refused) = SecretKeys::parse(current, &config.secret_key_previous) {
        findings.error(
            "secret_key_previous",
            format!("An earlier secret key is refused: {refused}."),
            "remove it from the list",
        );
    }
}
