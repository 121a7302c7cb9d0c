//! Each finding, by what causes it, in each environment.

use super::super::Severity::{Error, Warning};
use super::super::{Config, Severity, check};
use super::{CANARY, config, folder, load};

/// A production that nothing is to be said against.
const GOOD: &str = r#"
environment = "production"
public_url = "https://calmness.example"
secret_key = "h7Qm2Tz9Lw4Kp6Rj3Vb8Nd5Hs1Xu0Yc-Fg_Ea.Wi+oPqZ"
secret_key_previous = ["Zb4Nf8Jx2Vt6Rp0Lk3Hd7Gs1Fa5Qw9Ey-Mu_Ci.Ol+rTzX"]
company.name = "Signaux SARL"
server.behind_proxy = true
server.trusted_proxies = ["127.0.0.1/32"]
server.cors_origins = ["https://app.example", "https://app.example:8443"]
database.url = "postgres://service:a@db.example/calmness?sslmode=verify-full"
database.migration_url = "postgres://owner:a@127.0.0.1/calmness"
mail.smtp_url = "smtps://user:password@mail.example:465"
mail.from = "Calmness <no-reply@calmness.example>"
telegram.bot_token = "123456789:AAF-abcdefghijklmnopqrstuvwxyz012345"
telegram.webhook_secret = "4f1d2c3b4a59687786a5b4c3d2e1f00112233445"
keys.allow_local = true
backup.directory = "/var/backups/calmness"
backup.recipients = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"]
[providers.hmac_psp]
enabled = true
base_url = "https://pay.example/v1"
request_secrets = ["one-0123456789abcdef0123456789"]
webhook_secrets = ["two-0123456789abcdef0123456789", "old-0123456789abcdef0123456789"]
link_secret = "three-0123456789abcdef0123456789"
currencies = ["EUR", "XOF"]
"#;

/// The good production with lines in place of others; a line `key = …` replaces the line of that key.
pub(super) fn with(changes: &str, environment: &str) -> Config {
    let environment = format!("environment = \"{environment}\"");
    let changes: Vec<&str> = changes.lines().map(str::trim).chain([environment.as_str()]).collect();
    let name =
        |line: &str| line.trim_start_matches('-').split('=').next().unwrap_or_default().trim().to_owned();
    let kept = GOOD.lines().map(|line| {
        let change = changes.iter().find(|change| !line.is_empty() && name(change) == name(line));
        change.map_or(line, |change| if change.starts_with('-') { "" } else { *change })
    });
    let text: Vec<&str> = kept.collect();
    let new = changes
        .iter()
        .filter(|change| !change.is_empty() && !text.contains(change) && !change.starts_with('-'));
    let mut toml: String = new.flat_map(|line| [*line, "\n"]).collect();
    toml.push_str(&text.join("\n"));
    config(&toml, &[]).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

pub(super) fn found(config: &Config) -> Vec<(Severity, &'static str)> {
    check(config).into_iter().map(|finding| (finding.severity, finding.key)).collect()
}

#[test]
fn a_complete_production_has_no_findings() {
    for environment in ["production", "staging", "development"] {
        assert_eq!(check(&with("", environment)), [], "{environment}");
    }
}

#[test]
fn an_empty_configuration_is_refused_in_production_and_only_lacks_its_key_in_development() {
    let production = config("", &[]).expect("the defaults");
    let errors = check(&production).into_iter().filter(|finding| finding.severity == Error);
    let keys: Vec<_> = errors.map(|finding| finding.key).collect();
    assert_eq!(keys, ["public_url", "secret_key", "database.url", "telegram.webhook_secret", "keys.backend"]);
    let development = config("environment = 'development'", &[]).expect("the defaults");
    assert_eq!(found(&development), [(Error, "secret_key")]);
}

#[test]
fn every_weakness_is_found_with_the_severity_that_fits_the_environment() {
    // The change; the setting; the severity in production, staging and development.
    let everywhere = [Some(Error), Some(Error), Some(Error)];
    let deployed = [Some(Error), Some(Error), Some(Warning)];
    let deployed_only = [Some(Error), Some(Error), None];
    let production = [Some(Error), Some(Warning), None];
    let advice = [Some(Warning), Some(Warning), None];
    let cases: &[(&str, &str, [Option<Severity>; 3])] = &[
        ("-secret_key", "secret_key", everywhere),
        ("secret_key = 'short'", "secret_key", everywhere),
        ("secret_key = 'change-me-change-me-change-me-change-me'", "secret_key", everywhere),
        ("secret_key = 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'", "secret_key", everywhere),
        ("secret_key_previous = ['weak']", "secret_key_previous", everywhere),
        ("sandbox = true", "sandbox", production),
        ("company.name = ' '", "company.name", everywhere),
        ("company.name = \"a\\nBcc: b\"", "company.name", everywhere),
        ("log.level = 'a=b=c'", "log.level", everywhere),
        ("public_url = 'https://calmness.example/shop'", "public_url", everywhere),
        ("public_url = 'https://user@calmness.example'", "public_url", everywhere),
        ("public_url = 'ftp://calmness.example'", "public_url", everywhere),
        ("public_url = 'http://calmness.example'", "public_url", advice),
        ("public_url = 'https://localhost'", "public_url", advice),
        ("public_url = 'https://calmness.example:9443'", "public_url", advice),
        (
            "public_url = 'http://a.example'\nserver.behind_proxy = false\n-server.trusted_proxies",
            "public_url",
            deployed_only,
        ),
        ("server.behind_proxy = false\n-server.trusted_proxies", "server.behind_proxy", deployed),
        ("server.trusted_proxies = []", "server.trusted_proxies", deployed),
        ("server.trusted_proxies = ['::/0']", "server.trusted_proxies", everywhere),
        ("server.cors_origins = ['*']", "server.cors_origins", deployed),
        ("server.cors_origins = ['null']", "server.cors_origins", everywhere),
        ("server.cors_origins = ['https://*.example']", "server.cors_origins", everywhere),
        ("server.cors_origins = ['https://app.example/']", "server.cors_origins", everywhere),
        ("server.cors_origins = ['http://app.example']", "server.cors_origins", deployed),
        ("-database.url", "database.url", deployed_only),
        ("database.url = 'mysql://a:b@127.0.0.1/c'", "database.url", everywhere),
        ("database.url = 'postgres://a:b@db.example/c'", "database.url", advice),
        ("-database.migration_url", "database.migration_url", advice),
        ("database.migration_url = 'nonsense'", "database.migration_url", everywhere),
        ("database.url = 'postgres://owner:a@127.0.0.1/calmness'", "database.migration_url", production),
        ("database.max_connections = 0", "database.max_connections", everywhere),
        ("-mail.smtp_url", "mail.smtp_url", advice),
        ("mail.smtp_url = 'https://mail.example'", "mail.smtp_url", everywhere),
        ("mail.smtp_url = 'smtp://user@mail.example'", "mail.smtp_url", everywhere),
        ("-mail.from", "mail.from", advice),
        ("mail.from = 'nobody'", "mail.from", everywhere),
        ("mail.from = \"a <b@c.example>\\nBcc: d@e.example\"", "mail.from", everywhere),
        ("telegram.api_url = 'https://api.telegram.org/?a'", "telegram.api_url", everywhere),
        ("telegram.api_url = 'http://telegram.example'", "telegram.api_url", production),
        ("-telegram.bot_token", "telegram.bot_token", advice),
        ("telegram.bot_token = 'bot'", "telegram.bot_token", everywhere),
        ("-telegram.webhook_secret", "telegram.webhook_secret", production),
        ("telegram.webhook_secret = 'short'", "telegram.webhook_secret", everywhere),
        ("enabled = false", "providers.hmac_psp.enabled", advice),
        ("-base_url", "providers.hmac_psp.base_url", everywhere),
        ("base_url = 'https://pay.example/?a=b'", "providers.hmac_psp.base_url", everywhere),
        ("base_url = 'http://pay.example'", "providers.hmac_psp.base_url", production),
        ("-currencies", "providers.hmac_psp.currencies", everywhere),
        ("-request_secrets", "providers.hmac_psp.request_secrets", everywhere),
        ("request_secrets = ['short']", "providers.hmac_psp.request_secrets", everywhere),
        ("-webhook_secrets", "providers.hmac_psp.webhook_secrets", everywhere),
        ("webhook_secrets = ['']", "providers.hmac_psp.webhook_secrets", everywhere),
        (
            "webhook_secrets = ['one-0123456789abcdef0123456789']",
            "providers.hmac_psp.webhook_secrets",
            everywhere,
        ),
        ("-link_secret", "providers.hmac_psp.link_secret", everywhere),
    ];
    for (change, key, severities) in cases {
        for (environment, severity) in ["production", "staging", "development"].into_iter().zip(severities) {
            let expected: Vec<_> = severity.iter().map(|severity| (*severity, *key)).collect();
            assert_eq!(found(&with(change, environment)), expected, "{change} in {environment}");
        }
    }
}

#[test]
fn networks_are_not_trusted_without_a_proxy() {
    let config = with("server.behind_proxy = false", "production");
    assert_eq!(found(&config), [(Error, "server.behind_proxy"), (Error, "server.trusted_proxies")]);
}

#[test]
fn polling_needs_no_secret_for_telegram_and_no_special_port() {
    let polling = "telegram.updates = 'polling'\n-telegram.webhook_secret\npublic_url = 'https://calmness.example:9443'";
    assert_eq!(found(&with(polling, "production")), []);
}

#[test]
fn an_env_file_that_is_not_read_is_mentioned() {
    let folder = folder(&[("calmness.toml", GOOD), (".env", "CALMNESS__COMPANY__NAME=Dev")]);
    let config = load(folder.path(), &[]).expect("a configuration");
    assert_eq!(found(&config), [(Warning, "environment")]);
}

#[test]
fn a_finding_says_where_to_mend_it_and_where_the_value_is_now() {
    let findings = check(&with("sandbox = true\nsecret_key = 'short'", "production"));
    let [key, sandbox] = findings.as_slice() else { panic!("{findings:?}") };
    assert!(
        key.remedy.starts_with(
            "SECRET_KEY or SECRET_KEY_FILE in the environment, or secret_key in calmness.toml: "
        )
    );
    assert!(
        sandbox
            .remedy
            .starts_with("CALMNESS__SANDBOX in the environment, or sandbox in calmness.toml: set false")
    );
    assert!(sandbox.remedy.contains("now from ") && sandbox.remedy.contains("calmness.toml)"), "{sandbox:?}");
    for finding in findings {
        assert!(finding.sentence.ends_with('.') && !finding.sentence.contains(CANARY), "{finding:?}");
    }
}

/// SEC-30.
#[test]
fn sec_30_a_key_that_wraps_everything_is_not_kept_beside_the_database_unless_that_is_accepted() {
    assert_eq!(found(&with("-keys.allow_local", "production")), [(Error, "keys.backend")]);
    assert_eq!(found(&with("-keys.allow_local", "staging")), [(Warning, "keys.backend")]);
    assert_eq!(found(&with("-keys.allow_local", "development")), []);
    let vault = "keys.backend = 'vault'\nkeys.vault.address = 'https://vault.example'\nkeys.vault.role_id = 'r'\nkeys.vault.secret_id = 's'";
    assert_eq!(found(&with(vault, "production")), []);
    let kms = "keys.backend = 'aws_kms'\nkeys.aws_kms.region = 'eu-west-3'\nkeys.aws_kms.key_id = 'alias/c'\n\
               keys.aws_kms.access_key_id = 'a'\nkeys.aws_kms.secret_access_key = 's'";
    assert_eq!(found(&with(kms, "production")), []);
}

#[test]
fn a_key_service_that_is_incomplete_or_can_be_listened_to_is_refused_everywhere() {
    for environment in ["production", "staging", "development"] {
        let missing: Vec<_> = found(&with("keys.backend = 'vault'", environment));
        let keys = ["keys.vault.address", "keys.vault.role_id", "keys.vault.secret_id"];
        assert_eq!(missing, keys.map(|key| (Error, key)));
        let missing: Vec<_> = found(&with("keys.previous_backend = 'aws_kms'", environment));
        let keys = ["region", "key_id", "access_key_id", "secret_access_key"];
        assert_eq!(missing.iter().map(|(_, key)| key.rsplit('.').next().unwrap()).collect::<Vec<_>>(), keys);
        let plain = "keys.backend = 'vault'\nkeys.vault.address = 'http://vault.example'\nkeys.vault.role_id = 'r'\nkeys.vault.secret_id = 's'";
        assert_eq!(found(&with(plain, environment)), [(Error, "keys.vault.address")]);
        assert_eq!(found(&with(&plain.replace("vault.example", "127.0.0.1:8200"), environment)), []);
        assert_eq!(
            found(&with("keys.previous_backend = 'local'", environment)),
            [(Error, "keys.previous_backend")]
        );
        let long = "keys.serve_without_backend_hours = 25";
        assert_eq!(found(&with(long, environment)), [(Error, "keys.serve_without_backend_hours")]);
    }
}

/// Q4.
#[test]
fn q4_one_role_for_service_and_migration_is_found_under_any_spelling_of_its_address() {
    let one = "database.url = 'postgres://owner:a@127.0.0.1/calmness'\ndatabase.migration_url = 'postgres://owner:b@127.0.0.1/calmness?application_name=x'";
    assert_eq!(found(&with(one, "production")), [(Error, "database.migration_url")]);
    assert_eq!(found(&with(one, "staging")), [(Warning, "database.migration_url")]);
}
