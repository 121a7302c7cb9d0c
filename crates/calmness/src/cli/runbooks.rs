//! Whoever reads a runbook is in a hurry: each command in it must be one that this program understands.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;

use super::Arguments;

/// What a reader puts in the place of a name.
const SAMPLES: [(&str, &str); 14] = [
    ("$REASON", "a drill"),
    ("$EMAIL", "awa@example.com"),
    ("$OTHER", "ben@example.com"),
    ("$FROM", "2026-11-23T14:05:00Z"),
    ("$TO", "2026-11-23T15:05:00Z"),
    ("$FILE", "evidence.tar.gz"),
    ("$KEYS", "keys.json"),
    ("$APPROVAL", "018f2b7e-0000-7000-8000-000000000000"),
    ("$CHAT", "-1001234567890"),
    ("$IDENTITY", "identity.txt"),
    ("$DATABASE_URL", "postgres://localhost/calmness"),
    ("$ANCHORS", "anchors.jsonl"),
    ("$PAYMENT", "018f2b7e-0000-7000-8000-000000000000"),
    ("$USER", "018f2b7e-0000-7000-8000-000000000000"),
];

fn runbooks() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/runbooks");
    let mut pages: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of runbooks is part of the repository")
        .map(|entry| entry.expect("its entries are readable").path())
        .collect();
    pages.sort();
    pages
}

/// Every `$ calmness …` of a page, as words.
fn commands(page: &str) -> Vec<Vec<String>> {
    let lines = page.lines().filter_map(|line| line.trim().strip_prefix("$ calmness "));
    lines.map(words).collect()
}

/// As a shell would cut it, as far as runbooks go: words, double quotes, a file that is read.
fn words(line: &str) -> Vec<String> {
    let line = line.split_once(" < ").map_or(line, |(command, _)| command);
    let mut words = vec!["calmness".to_owned()];
    for (place, piece) in line.split('"').enumerate() {
        if place % 2 == 1 {
            words.push(sample(piece));
        } else {
            words.extend(piece.split_whitespace().map(sample));
        }
    }
    words
}

fn sample(word: &str) -> String {
    if !word.starts_with('$') {
        return word.to_owned();
    }
    let known = SAMPLES.iter().find(|(name, _)| *name == word);
    known.map_or_else(|| panic!("{word} is no name of ours"), |(_, value)| (*value).to_owned())
}

#[test]
fn every_command_in_a_runbook_is_one_that_the_program_understands() {
    let mut tried = 0;
    for page in runbooks() {
        let text = fs::read_to_string(&page).expect("a runbook is text");
        for command in commands(&text) {
            if let Err(error) = Arguments::try_parse_from(&command) {
                panic!("{}: {command:?}: {error}", page.display());
            }
            tried += 1;
        }
    }
    assert!(tried > 40, "only {tried} commands were found");
}

#[test]
fn every_runbook_says_how_it_is_noticed_what_to_do_what_is_lost_and_when_it_is_over() {
    let parts = [
        "## How it is noticed",
        "## The first five minutes",
        "## What is lost",
        "## How to know that it is over",
    ];
    let mut pages = 0;
    for page in runbooks() {
        let name = page.file_name().and_then(|name| name.to_str()).expect("names are text");
        if ["README.md", "post-mortem-template.md"].contains(&name) {
            continue;
        }
        pages += 1;
        let text = fs::read_to_string(&page).expect("a runbook is text");
        let places: Vec<_> = parts.iter().map(|part| text.find(part)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{name}: {places:?}");
        assert!(!commands(&text).is_empty(), "{name} says no command");
        let index = fs::read_to_string(page.with_file_name("README.md")).expect("there is an index");
        assert!(index.contains(&format!("({name})")), "the index does not lead to {name}");
    }
    assert_eq!(pages, 9);
}

#[test]
fn a_command_that_does_not_exist_is_noticed() {
    for wrong in
        ["incident pause-purchase --reason x", "incident freeze --reason x", "keys rotate everything"]
    {
        assert!(Arguments::try_parse_from(words(wrong)).is_err(), "{wrong}");
    }
    assert_eq!(words(r#"incident freeze "$EMAIL" --reason "$REASON""#)[3], "awa@example.com");
    assert_eq!(words("settings set provider_stripe - < \"$FILE\"").last().map(String::as_str), Some("-"));
}
