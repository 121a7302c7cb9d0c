//! The example file and the list of keys are true.

use std::collections::BTreeSet;

use figment::Figment;
use figment::error::Kind as Mistake;
use figment::providers::Serialized;

use super::super::keys::{KEYS, Kind, nearest};
use super::super::source::Source;
use super::super::{Config, check};
use super::config;

const EXAMPLE: &str = include_str!("../../../../../calmness.example.toml");
const BOOK: &str = include_str!("../../../../../docs/CONFIGURATION.md");

/// The fields that serde knows below a path, asked by a field that nobody has.
fn fields(path: &str) -> Vec<&'static str> {
    let nobody = if path.is_empty() { "nobody".to_owned() } else { format!("{path}.nobody") };
    let figment = Figment::from(Serialized::default(&nobody, 1));
    let error = figment.extract::<Config>().expect_err("nobody has such a field");
    match error.kind {
        Mistake::UnknownField(_, fields) => fields.to_vec(),
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn the_list_of_keys_is_exactly_the_fields_of_the_structs() {
    let sections = [
        "company",
        "server",
        "limits",
        "database",
        "log",
        "mail",
        "telegram",
        "providers",
        "providers.hmac_psp",
        "sms",
        "removals",
        "keys",
        "keys.vault",
        "keys.aws_kms",
        "backup",
        "retention",
        "audit",
    ];
    let mut known = BTreeSet::new();
    for section in [""].iter().chain(&sections) {
        for field in fields(section) {
            let path = if section.is_empty() { field.to_owned() } else { format!("{section}.{field}") };
            if !sections.contains(&path.as_str()) {
                known.insert(path);
            }
        }
    }
    let listed: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_example_holds_every_key_with_its_default() {
    // As it stands it changes nothing.
    let example = config(EXAMPLE, &[]).expect("the example parses");
    let undo =
        |config: &Config| format!("{:?}", Config { origins: Config::default().origins, ..config.clone() });
    assert_eq!(undo(&example), undo(&Config::default()));

    // With the lines that have no default switched on, it holds every key.
    let full: Vec<String> = EXAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && rest.contains(" = ") => rest.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    let folder = super::folder(&[("full.toml", &full.join("\n"))]);
    let source = Source::toml(&folder.path().join("full.toml")).expect("every line is a setting");
    for key in KEYS {
        assert!(source.gives(key.path), "{} is not in the example", key.path);
    }
}

#[test]
fn the_book_of_the_operator_names_every_key_and_variable() {
    for key in KEYS {
        assert!(BOOK.contains(&format!("`{}`", key.path)), "{} is not in the book", key.path);
        if let Some(alias) = key.alias {
            assert!(BOOK.contains(&format!("`{alias}`")), "{alias} is not in the book");
        }
    }
}

#[test]
fn every_key_can_be_given_in_the_environment_under_its_name() {
    for key in KEYS {
        let text = match key.kind {
            Kind::Flag => "true",
            Kind::Number => "3",
            _ => match key.path {
                "environment" => "staging",
                "public_url"
                | "telegram.api_url"
                | "telegram.link_url"
                | "providers.hmac_psp.base_url"
                | "sms.api_url"
                | "sms.verify_url"
                | "keys.vault.address"
                | "keys.aws_kms.endpoint" => "https://a.example",
                "keys.backend" => "vault",
                "keys.previous_backend" => "local",
                "default_locale" => "en",
                "server.bind" => "[::1]:1",
                "server.trusted_proxies" | "providers.hmac_psp.networks" => "10.0.0.0/8",
                "log.format" => "json",
                "telegram.updates" => "polling",
                "providers.hmac_psp.opening" => "link",
                "providers.hmac_psp.currencies" => "EUR",
                "sms.mode" => "verify",
                "sms.allowed_prefixes" => "+225, +33",
                _ => "some text",
            },
        };
        let config = config("", &[(&key.variable(), text)]).expect(key.path);
        assert_eq!(config.origin(key.path), Some(format!("{} in the environment", key.variable()).as_str()));
        assert_eq!(nearest(key.path).map(|near| near.path), Some(key.path));
        // Whatever it is, it can be checked.
        assert!(check(&config).iter().all(|finding| !finding.remedy.is_empty()));
    }
}
