//! What strangers may send: each reader is given its kept corpus, then inputs that were made of it by chance, for a bounded time. What
//! makes one panic is written into the corpus, so that it stays found. `make fuzz` searches the same readers longer, guided.

mod mutation;
mod targets;

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use mutation::Mutator;
use targets::{TARGETS, Target};

/// How long all readers together are given inputs, unless `HOSTILE_SECONDS` says so.
const SECONDS: u64 = 9;

#[expect(clippy::disallowed_methods, reason = "a test is told by the environment how long to run, and with which seed")]
fn told(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn corpus_of(target: &Target) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target.name)
}

fn kept(target: &Target) -> Vec<Vec<u8>> {
    let folder = corpus_of(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} has no inputs", folder.display());
    paths.into_iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Whether the reader came to its end.
fn survives(target: &Target, input: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok()
}

#[test]
fn every_input_of_the_corpus_is_read_to_its_end_and_nothing_of_it_is_believed() {
    for target in TARGETS {
        for input in kept(target) {
            assert!(survives(target, &input), "{}: {}", target.name, String::from_utf8_lossy(&input));
        }
    }
}

#[test]
fn no_input_that_chance_makes_of_the_corpus_makes_a_reader_panic() {
    let seed = told("HOSTILE_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let seconds = told("HOSTILE_SECONDS").unwrap_or(SECONDS);
    let each = Duration::from_secs(seconds) / u32::try_from(TARGETS.len()).unwrap();
    println!("HOSTILE_SEED={seed}, {seconds} s for {} readers", TARGETS.len());
    for target in TARGETS {
        let corpus = kept(target);
        let mut mutator = Mutator::new(seed);
        let (began, mut tried) = (Instant::now(), 0_u64);
        while tried < 100 || began.elapsed() < each {
            let input = mutator.made_of(&corpus);
            if !survives(target, &input) {
                let path = corpus_of(target).join(format!("found-{seed}-{tried}"));
                fs::write(&path, &input).unwrap();
                panic!("{} panics: HOSTILE_SEED={seed}, input {tried}, kept in {}", target.name, path.display());
            }
            tried += 1;
        }
        println!("{}: {tried} inputs", target.name);
    }
}

#[test]
fn the_corpus_has_no_folder_that_nobody_reads() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(TARGETS.iter().any(|target| *target.name == *name), "{}", name.display());
    }
}
