//! The catalogues say the same things in both languages, and nothing in the sources asks for a sentence
//! that they don't have.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// Families whose keys are made of a code at run time; every other key stands in a source as it is.
const FAMILIES: [&str; 12] = [
    "alert-",
    "approval-",
    "currency-",
    "error-",
    "invalid-",
    "mail-incident-",
    "mail-security-",
    "month-",
    "payment-reason-",
    "payment-status-",
    "payment-step-",
    "plan-",
    "provider-",
];

/// Each key of a catalogue with the names of the variables of its sentence.
fn entries(source: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut entries: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut key = String::new();
    for line in source.lines().filter(|line| !line.starts_with('#')) {
        if line.starts_with(|first: char| first.is_ascii_lowercase()) {
            key = line.split(" = ").next().unwrap().to_owned();
            assert!(entries.insert(key.clone(), BTreeSet::new()).is_none(), "{key} stands twice");
        }
        for piece in line.split('$').skip(1) {
            let name: String = piece.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            entries.get_mut(&key).unwrap().insert(name);
        }
    }
    entries
}

#[test]
fn both_catalogues_have_the_same_keys_with_the_same_variables() {
    let (french, english) = (entries(FRENCH_SOURCE), entries(ENGLISH_SOURCE));
    assert!(french.len() > 250, "the scan found only {} keys", french.len());
    for (key, variables) in &french {
        assert_eq!(english.get(key), Some(variables), "{key}");
    }
    for key in english.keys() {
        assert!(french.contains_key(key), "{key} is missing in French");
    }
}

#[test]
fn every_sentence_can_be_said_and_says_something() {
    for (locale, source) in [(Locale::Fr, FRENCH_SOURCE), (Locale::En, ENGLISH_SOURCE)] {
        assert!(FluentResource::try_new(source.to_owned()).is_ok(), "{locale} has unreadable entries");
        for (key, variables) in entries(source) {
            for count in [0, 1, 2] {
                let mut values = FluentArgs::new();
                for variable in &variables {
                    values.set(variable.clone(), FluentValue::from(count));
                }
                let pattern = locale.catalogue().get_message(&key).unwrap().value().unwrap();
                let mut errors = Vec::new();
                let said = locale.catalogue().format_pattern(pattern, Some(&values), &mut errors);
                assert!(errors.is_empty(), "{locale} {key}: {errors:?}");
                assert!(
                    !said.trim().is_empty() && !said.contains(['{', '}', '\u{2068}']),
                    "{locale} {key}: {said}"
                );
            }
        }
    }
}

#[test]
fn french_punctuation_never_starts_a_line() {
    for line in FRENCH_SOURCE.lines().filter(|line| !line.starts_with('#')) {
        for wrong in [" ;", " !", " ?", " :", "« ", " »", "'"] {
            assert!(!line.contains(wrong), "{wrong:?} in {line}");
        }
    }
}

#[test]
fn every_sentence_that_the_sources_ask_for_exists_and_none_is_left_over() {
    let known = entries(FRENCH_SOURCE);
    let mut sources = String::new();
    let mut asked = BTreeSet::new();
    for path in source_files() {
        let source = fs::read_to_string(&path).unwrap();
        for key in keys_asked_for(&source) {
            assert!(known.contains_key(&key), "{} asks for {key}", path.display());
            asked.insert(key);
        }
        sources.push_str(&source);
    }
    assert!(asked.len() > 100, "the scan found only {} keys", asked.len());
    for key in known.keys().filter(|key| !FAMILIES.iter().any(|family| key.starts_with(family))) {
        assert!(sources.contains(&format!("\"{key}\"")), "nobody says {key}");
    }
}

/// The Rust sources and the templates of the crates that speak to people.
fn source_files() -> Vec<PathBuf> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = Vec::new();
    let mut folders = vec![crates.join("application"), crates.join("web")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let extension = path.extension().and_then(|extension| extension.to_str());
            if path.is_dir() {
                folders.push(path);
            } else if matches!(extension, Some("rs" | "html" | "txt")) {
                found.push(path);
            }
        }
    }
    found
}

/// The keys that stand in calls: `text(locale, "key"`, and `t("key"`, `t_with("key"` of views and mails.
fn keys_asked_for(source: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for (call, arguments_before) in [(" text(", 1), (".t(", 0), (".t_with(", 0)] {
        for rest in source.split(call).skip(1) {
            let argument = rest.splitn(arguments_before + 2, ',').nth(arguments_before).unwrap_or_default();
            if let Some(literal) = argument.trim_start().strip_prefix('"')
                && let Some((key, _)) = literal.split_once('"')
            {
                keys.push(key.to_owned());
            }
        }
    }
    keys
}

#[test]
fn the_best_accepted_language_is_chosen() {
    let cases = [
        ("fr", Locale::Fr),
        ("fr-CA, en;q=0.8", Locale::Fr),
        ("en-US,en;q=0.9,fr;q=0.8", Locale::En),
        ("de, fr;q=0.5, en;q=0.7", Locale::En),
        ("FR;q=0.5, en;q=0.5", Locale::Fr),
        ("en;q=0, de", Locale::Fr),
        ("de", Locale::Fr),
        ("*", Locale::Fr),
        ("", Locale::Fr),
        (";;,;q=x,\u{fffd}", Locale::Fr),
        ("en;q=nonsense, fr;q=0.1", Locale::Fr),
    ];
    for (header, expected) in cases {
        assert_eq!(Locale::from_accept_language(header, Locale::Fr), expected, "{header}");
    }
    assert_eq!(Locale::from_accept_language("de", Locale::En), Locale::En);
}

#[test]
fn a_stored_language_is_exact() {
    assert_eq!("fr".parse(), Ok(Locale::Fr));
    assert_eq!("en".parse(), Ok(Locale::En));
    assert_eq!("EN".parse::<Locale>(), Err(UnknownLocale));
}

#[test]
fn codes_of_problems_plans_and_providers_have_words() {
    assert_eq!(problem(Locale::En, "not_found").0, "Not found");
    assert_eq!(problem(Locale::En, "no-such-code"), problem(Locale::En, "internal"));
    assert_eq!(invalid(Locale::Fr, "required"), "Ce champ est nécessaire.");
    let [named, unnamed] = ["signaux-weekly", "elsewhere"].map(|code| code.parse().unwrap());
    assert_eq!(plan_name(Locale::Fr, &named, 7), "1 semaine");
    assert_eq!(plan_name(Locale::En, &unnamed, 1), "Access for 1 day");
    assert_eq!(provider_name(Locale::Fr, "stripe"), "Carte bancaire");
    assert_eq!(provider_name(Locale::Fr, "unheard_of"), "unheard_of");
}

#[test]
fn every_refusal_of_an_identity_has_words_of_its_own() {
    let problems = [
        "code_invalid",
        "challenge_ended",
        "password_wrong",
        "second_factor_required",
        "code_required",
        "factor_not_trusted",
        "step_up_required",
        "nothing_to_confirm",
        "app_required",
        "sms_unavailable",
        "scope_not_allowed",
        "key_not_allowed",
        "last_admin",
        "not_yourself",
        "insufficient_scope",
        "too_many_tries",
    ];
    let fields = [
        "password_too_common",
        "password_of_context",
        "phone",
        "reason",
        "scope",
        "method",
        "code",
        "days",
        "name",
        "sha256",
    ];
    for locale in Locale::ALL {
        for code in problems {
            let ((title, detail), ours) = (problem(locale, code), problem(locale, "internal"));
            assert!(title != ours.0 && detail != ours.1 && title != detail, "{locale} {code}: {title}");
        }
        for code in fields {
            assert_ne!(invalid(locale, code), invalid(locale, "not_allowed"), "{locale} {code}");
        }
    }
}

#[test]
fn a_missing_sentence_is_shown_as_its_key() {
    let key = "no-such-sentence";
    assert_eq!(text(Locale::Fr, key, &[]), key);
}
