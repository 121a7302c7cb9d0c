//! What is read from where, and what a mistake is answered with.

use std::fs;

use application::text::Locale;
use secrecy::{ExposeSecret, SecretString};

use super::super::{Config, ConfigError, Environment, LoadOptions, LogFormat, Opening, Updates};
use super::{CANARY, config, folder, load, report};

fn exposed(secret: Option<&SecretString>) -> &str {
    secret.map(ExposeSecret::expose_secret).unwrap_or_default()
}

#[test]
fn nothing_at_all_is_production_with_the_defaults() {
    let config = load(folder(&[]).path(), &[]).expect("the defaults");
    assert_eq!(config.environment, Environment::Production);
    assert_eq!(config.public_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(config.default_locale, Locale::Fr);
    assert_eq!(config.server.bind.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database.max_connections, 20);
    assert_eq!(config.log.format, LogFormat::Auto);
    assert_eq!(config.telegram.api_url.as_str(), "https://api.telegram.org/");
    assert_eq!(config.telegram.updates, Updates::Webhook);
    assert_eq!(config.providers.hmac_psp.opening, Opening::Api);
    assert!(!config.sandbox && !config.server.behind_proxy && !config.providers.hmac_psp.enabled);
    assert!(config.secret_key.is_none() && config.database.url.is_none() && config.mail.smtp_url.is_none());
    assert_eq!(config.origin("server.bind"), None);
}

#[test]
fn the_environment_wins_over_env_file_and_that_over_the_configuration_file() {
    let folder = folder(&[
        (
            "calmness.toml",
            "environment = 'development'\n[server]\nbind = '127.0.0.1:1'\n[log]\nlevel = 'error'\n[company]\nname = 'File'",
        ),
        (".env", "CALMNESS__SERVER__BIND=127.0.0.1:2\nCALMNESS__LOG__LEVEL=warn\nOTHER='of another program'"),
    ]);
    let config = load(folder.path(), &[("CALMNESS__SERVER__BIND", "127.0.0.1:3")]).expect("a configuration");
    assert_eq!(config.server.bind.port(), 3);
    assert_eq!(config.log.level, "warn");
    assert_eq!(config.company.name, "File");
    assert_eq!(config.origin("server.bind"), Some("CALMNESS__SERVER__BIND in the environment"));
    assert!(config.origin("log.level").is_some_and(|origin| origin.ends_with("/.env")));
    assert!(config.origin("company.name").is_some_and(|origin| origin.ends_with("calmness.toml")));
}

#[test]
fn every_kind_of_value_can_stand_in_the_environment() {
    let variables = [
        ("CALMNESS__ENVIRONMENT", "staging"),
        ("CALMNESS__SERVER__BEHIND_PROXY", "true"),
        ("CALMNESS__SERVER__TRUSTED_PROXIES", "10.0.0.0/8, ::1/128"),
        ("CALMNESS__DATABASE__MAX_CONNECTIONS", "7"),
        ("CALMNESS__PROVIDERS__HMAC_PSP__CURRENCIES", "EUR,XOF"),
        ("CALMNESS__PROVIDERS__HMAC_PSP__OPENING", "link"),
        ("CALMNESS__PROVIDERS__HMAC_PSP__REQUEST_SECRETS", "new,old"),
        ("CALMNESS__TELEGRAM__UPDATES", "polling"),
        ("CALMNESS__TELEGRAM__BOT_TOKEN", "0123"),
        ("DATABASE_URL", "postgres://a:b@localhost/c"),
        ("SECRET_KEY", "1e5"),
        ("SECRET_KEY_PREVIOUS", "one, two"),
        ("CALMNESS_CONFIG", "for the command line, not a setting"),
        ("CALMNESS__MAIL__FROM", ""),
    ];
    let config = config("", &variables).expect("a configuration");
    assert_eq!(config.environment, Environment::Staging);
    assert!(config.server.behind_proxy);
    assert_eq!(config.server.trusted_proxies.len(), 2);
    assert_eq!(config.database.max_connections, 7);
    assert_eq!(config.providers.hmac_psp.currencies.len(), 2);
    assert_eq!(config.providers.hmac_psp.request_secrets.len(), 2);
    assert_eq!(exposed(config.telegram.bot_token.as_ref()), "0123");
    assert_eq!(exposed(config.secret_key.as_ref()), "1e5");
    assert_eq!(config.secret_key_previous[1].expose_secret(), "two");
    assert_eq!(exposed(config.database.url.as_ref()), "postgres://a:b@localhost/c");
    assert_eq!(config.mail.from, None);
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let folder = folder(&[
        ("calmness.toml", "secret_key_file = 'key'\n[providers.hmac_psp]\nwebhook_secrets_file = 'list'"),
        ("key", "the key\n"),
        ("list", "new\n\nold\n"),
        ("token", "the token\r\n"),
        ("url", "postgres://from/file"),
    ]);
    let token = folder.path().join("token").display().to_string();
    let variables = [("CALMNESS__TELEGRAM__BOT_TOKEN_FILE", token.as_str()), ("DATABASE_URL_FILE", "url")];
    let config = load(folder.path(), &variables).expect("a configuration");
    assert_eq!(exposed(config.secret_key.as_ref()), "the key");
    assert_eq!(exposed(config.telegram.bot_token.as_ref()), "the token");
    assert_eq!(exposed(config.database.url.as_ref()), "postgres://from/file");
    let list: Vec<_> =
        config.providers.hmac_psp.webhook_secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert_eq!(list, ["new", "old"]);

    fs::remove_file(folder.path().join("key")).expect("removed");
    let error = load(folder.path(), &[]).expect_err("no file");
    assert!(matches!(&error, ConfigError::SecretFile { key: "secret_key", .. }), "{error}");
    assert!(error.to_string().contains("secret_key_file in"), "{error}");
    // What is no secret has no file.
    let error = config_error("log.level_file = 'x'");
    assert!(matches!(error, ConfigError::Unknown { .. }), "{error}");
}

fn config_error(toml: &str) -> ConfigError {
    config(toml, &[]).expect_err("a mistake")
}

#[test]
fn the_same_secret_given_twice_in_one_place_is_refused_and_once_in_each_is_not() {
    let folder = folder(&[("calmness.toml", "secret_key_file = 'key'"), ("key", "of the file")]);
    let twice = [("SECRET_KEY", CANARY), ("CALMNESS__SECRET_KEY", "b")];
    let error = load(folder.path(), &twice).expect_err("twice");
    assert_eq!(
        error.to_string(),
        "secret_key is given twice, by SECRET_KEY in the environment and by CALMNESS__SECRET_KEY in the \
         environment: keep one"
    );
    let twice = [("SECRET_KEY", CANARY), ("SECRET_KEY_FILE", "key")];
    assert!(matches!(load(folder.path(), &twice), Err(ConfigError::Twice { key: "secret_key", .. })));
    let config = load(folder.path(), &[("SECRET_KEY", "of the environment")]).expect("the stronger one");
    assert_eq!(exposed(config.secret_key.as_ref()), "of the environment");
}

#[test]
fn an_unknown_name_is_an_error_that_guesses_what_was_meant() {
    let guesses = [
        (
            "[server]\ntrusted_proxys = []",
            "there is no setting server.trusted_proxys; did you mean server.trusted_proxies?",
        ),
        ("smtp_url = ''", "there is no setting smtp_url; did you mean mail.smtp_url?"),
        ("[databse]\nurl = ''", "there is no setting databse; did you mean database"),
        ("zebra = 1", "there is no setting zebra"),
    ];
    for (toml, sentence) in guesses {
        let error = config_error(toml);
        assert!(matches!(error, ConfigError::Unknown { .. }), "{error}");
        assert!(error.to_string().contains(sentence), "{error}");
    }
    let error = config("", &[("CALMNESS__DATABASE__URI", CANARY)]).expect_err("unknown");
    assert_eq!(
        error.to_string(),
        "the environment: there is no setting CALMNESS__DATABASE__URI; did you mean DATABASE_URL?"
    );
    assert!(!report(&error).contains(CANARY));
    assert!(!config_error("zebra = 1").to_string().contains("did you mean"));
}

#[test]
fn a_wrong_value_is_named_by_key_source_and_what_was_expected_and_never_repeated() {
    let mistakes = [
        ("environment", "environment = 'canary-prod'"),
        ("public_url", "public_url = 'canary'"),
        ("default_locale", "default_locale = 'canary'"),
        ("secret_key", "secret_key = ['canary']"),
        ("secret_key_previous", "secret_key_previous = [['canary']]"),
        ("sandbox", "sandbox = 'canary'"),
        ("company.name", "company.name = ['canary']"),
        ("server.bind", "server.bind = 'canary'"),
        ("server.behind_proxy", "server.behind_proxy = 'canary'"),
        ("server.trusted_proxies", "server.trusted_proxies = ['canary']"),
        ("server.cors_origins", "server.cors_origins = 'canary'"),
        ("server", "server = 'canary'"),
        ("database.url", "database.url = { canary = 'canary' }"),
        ("database.max_connections", "database.max_connections = -1"),
        ("log.format", "log.format = 'canary'"),
        ("telegram.updates", "telegram.updates = 'canary'"),
        ("providers.hmac_psp.opening", "providers.hmac_psp.opening = 'canary'"),
        ("providers.hmac_psp.currencies", "providers.hmac_psp.currencies = ['canary']"),
        ("sms.mode", "sms.mode = 'canary'"),
        ("sms.api_url", "sms.api_url = 'canary'"),
        ("sms.daily_cap", "sms.daily_cap = -1"),
        ("sms.allowed_prefixes", "sms.allowed_prefixes = ['225']"),
    ];
    for (wrong, toml) in mistakes {
        let error = config_error(toml);
        assert!(matches!(&error, ConfigError::Invalid { key, .. } if key == wrong), "{toml}: {error}");
        let sentence = error.to_string();
        assert!(sentence.contains("calmness.toml: expected "), "{sentence}");
        assert!(!report(&error).contains("canary"), "{}", report(&error));
    }
    let error = config("", &[("CALMNESS__SERVER__BIND", "8080")]).expect_err("no address");
    assert_eq!(
        error.to_string(),
        "server.bind, from CALMNESS__SERVER__BIND in the environment: expected an IP address and a port like \
         127.0.0.1:8080"
    );
}

#[test]
fn broken_files_are_named_by_line_without_showing_it() {
    let error = config_error(&format!("sandbox = false\nsecret_key = \"{CANARY}\n"));
    assert!(matches!(error, ConfigError::Syntax { line: 2, .. }), "{error}");
    assert!(!report(&error).contains(CANARY), "{}", report(&error));

    let line = format!("SECRET_KEY={CANARY} and more");
    let folder = folder(&[("calmness.toml", "environment = 'development'"), (".env", &line)]);
    let error = load(folder.path(), &[]).expect_err("a broken line");
    assert!(matches!(error, ConfigError::EnvFile { entry: 1, .. }), "{error}");
    assert!(!report(&error).contains(CANARY), "{}", report(&error));
}

#[test]
fn a_file_that_is_named_has_to_be_there() {
    let folder = folder(&[("calmness.toml", "sandbox = true")]);
    let missing = LoadOptions {
        file: Some(folder.path().join("other.toml")),
        folder: folder.path().to_owned(),
        variables: Vec::new(),
    };
    assert!(matches!(Config::load(missing), Err(ConfigError::Read { .. })));
}

#[test]
fn env_file_is_for_development_only_and_cannot_declare_it() {
    let files = [(".env", "CALMNESS__COMPANY__NAME=Dev\nCALMNESS__ENVIRONMENT=development\n")];
    let production = folder(&files);
    let config = load(production.path(), &[]).expect("the file is not read");
    assert_eq!(config.environment, Environment::Production);
    assert_eq!(config.company.name, "Calmness");
    assert!(config.ignored_env_file.is_some());

    let error =
        load(production.path(), &[("CALMNESS__ENVIRONMENT", "development")]).expect_err("it can't choose");
    assert!(matches!(error, ConfigError::EnvironmentInEnvFile { .. }), "{error}");
    fs::write(production.path().join(".env"), "CALMNESS__COMPANY__NAME='Dev Ltd'\n").expect("written");
    let config = load(production.path(), &[("CALMNESS__ENVIRONMENT", "development")]).expect("read now");
    assert_eq!(config.company.name, "Dev Ltd");
    assert!(config.ignored_env_file.is_none());
}

#[test]
fn no_secret_shows_in_debug() {
    let secrets = [
        ("SECRET_KEY", CANARY),
        ("SECRET_KEY_PREVIOUS", CANARY),
        ("DATABASE_URL", CANARY),
        ("MIGRATION_DATABASE_URL", CANARY),
        ("CALMNESS__MAIL__SMTP_URL", CANARY),
        ("CALMNESS__TELEGRAM__BOT_TOKEN", CANARY),
        ("CALMNESS__TELEGRAM__WEBHOOK_SECRET", CANARY),
        ("CALMNESS__PROVIDERS__HMAC_PSP__REQUEST_SECRETS", CANARY),
        ("CALMNESS__PROVIDERS__HMAC_PSP__WEBHOOK_SECRETS", CANARY),
        ("CALMNESS__PROVIDERS__HMAC_PSP__LINK_SECRET", CANARY),
        ("CALMNESS__SMS__AUTH_TOKENS", CANARY),
        ("CALMNESS__SMS__API_KEY_SECRET", CANARY),
        ("CALMNESS__KEYS__VAULT__SECRET_ID", CANARY),
        ("AWS_ACCESS_KEY_ID", CANARY),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("AWS_SESSION_TOKEN", CANARY),
    ];
    let config = config("", &secrets).expect("a configuration");
    assert_eq!(secrets.len(), super::super::keys::KEYS.iter().filter(|key| key.kind.is_secret()).count());
    assert_eq!(exposed(config.mail.smtp_url.as_ref()), CANARY);
    assert!(!format!("{config:?} {config:#?}").contains(CANARY));
    let findings = super::super::check(&config);
    assert!(!findings.is_empty());
    assert!(!format!("{findings:?}").contains(CANARY));
}
