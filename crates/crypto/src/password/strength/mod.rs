//! Which passwords are too easy to guess, offline (SEC-2).
//!
//! There are no rules of composition (SEC-1). A password is refused if it is a common one, if it is made of
//! words that stand near the user (the address, the company), or, being of ASCII, if zxcvbn finds that fewer than a
//! million guesses reach it. How long one must be is the caller's rule.
//!
//! Estimating takes about a millisecond, and some tens for a text made to be slow, however long it is: call it
//! where passwords are hashed, on a blocking thread behind the same limit. It leaves copies of parts of the
//! password in freed memory, as the form that brought it did.

mod context;
mod repeats;

use std::collections::HashSet;
use std::sync::LazyLock;

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;
use zxcvbn::matching::patterns::MatchPattern;
use zxcvbn::{Match, Score};

use self::context::ContextWords;
use self::repeats::without_repeats;

/// Fewer guesses than these are too few.
pub const FEWEST_GUESSES: u64 = 1_000_000;

/// How many characters zxcvbn looks at in one go. Its work grows faster than the length, and beyond 28 characters
/// its 64-bit products can overflow (a walk over a keypad counts 5 to the power of the length). Only what is
/// looked at is cut, never the password.
const WINDOW_CHARS: usize = 25;

/// How many parts of a long password are looked at, from its beginning; and the last one always is.
const WINDOWS: usize = 2;

/// A run of one character this long is in nobody's list: how long it is takes guessing too, and there are no rules of
/// composition.
const LONG_RUN: usize = 30;

/// Punctuation at the ends is left out if this many characters remain: the least that a password has.
const SHORTEST_INNER: usize = 8;

/// A refused password has this score at most and another one more, so that a page's meter agrees with the
/// verdict.
const HIGHEST_REFUSED_SCORE: u8 = 1;

/// Common passwords in lower case, at least 8 characters each; lines of notes begin with `# `.
const COMMON: &str = include_str!("../common.txt");

static COMMON_SET: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| COMMON.lines().filter(|line| !line.starts_with("# ")).collect());

/// Whether a password may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Acceptable,
    /// Too many people use it, or it follows a pattern that guessers try first.
    TooCommon,
    /// It is made of words that anybody would try for this user.
    ContextWord,
}

/// How hard a password is to guess.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Strength {
    /// Whether it may be used.
    pub verdict: Verdict,
    /// The power of ten of the guesses that reach it.
    pub guesses_log10: f64,
    /// From 0, guessed at once, to 4, very hard; at most 1 if it is refused, at least 2 if not.
    pub score: u8,
}

/// Judges a password. `context` holds what is known of the user: the address, the product, the company; their
/// parts count too.
pub fn assess(password: &SecretString, context: &[&str]) -> Strength {
    let password = password.expose_secret();
    let words = ContextWords::of(context);
    let estimate = estimate(&without_repeats(without_ends(password)), &words);
    // The estimator knows words and walks of ASCII alone.
    let is_judged = password.is_ascii() && !is_long_run(password);
    let verdict = if words.make_up(password) {
        Verdict::ContextWord
    } else if is_common(password) {
        Verdict::TooCommon
    } else if estimate.guesses >= FEWEST_GUESSES || !is_judged {
        Verdict::Acceptable
    } else if estimate.uses_context {
        Verdict::ContextWord
    } else {
        Verdict::TooCommon
    };
    let score = match verdict {
        Verdict::Acceptable => estimate.score.max(HIGHEST_REFUSED_SCORE + 1),
        Verdict::TooCommon | Verdict::ContextWord => estimate.score.min(HIGHEST_REFUSED_SCORE),
    };
    Strength { verdict, guesses_log10: estimate.guesses_log10, score }
}

fn is_long_run(password: &str) -> bool {
    let mut bytes = password.bytes();
    let first = bytes.next();
    password.len() >= LONG_RUN && bytes.all(|byte| Some(byte) == first)
}

fn is_common(password: &str) -> bool {
    let folded = Zeroizing::new(password.trim().to_lowercase());
    COMMON_SET.contains(folded.as_str())
}

/// The password without punctuation at its ends, which is the first thing that guessers add: zxcvbn takes each
/// such piece for a word, and finds three words hard. A short rest shows that the punctuation was the point.
fn without_ends(password: &str) -> &str {
    let inner = password.trim_matches(|character: char| !character.is_alphanumeric());
    if inner.chars().count() >= SHORTEST_INNER { inner } else { password }
}

struct Estimate {
    guesses: u64,
    guesses_log10: f64,
    score: u8,
    uses_context: bool,
}

impl Estimate {
    fn or_harder(self, other: Self) -> Self {
        if other.guesses > self.guesses { other } else { self }
    }
}

/// A password is at least as hard to guess as any part of it, so of a long one several parts are looked at and
/// the hardest counts.
fn estimate(password: &str, words: &ContextWords) -> Estimate {
    let mut hardest = estimate_window(first_chars(password), words);
    let mut rest = &password[first_chars(password).len()..];
    for _ in 1..WINDOWS {
        if rest.is_empty() {
            return hardest;
        }
        let window = first_chars(rest);
        hardest = hardest.or_harder(estimate_window(window, words));
        rest = &rest[window.len()..];
    }
    if rest.is_empty() { hardest } else { hardest.or_harder(estimate_window(last_chars(password), words)) }
}

fn estimate_window(window: &str, words: &ContextWords) -> Estimate {
    let entropy = zxcvbn::zxcvbn(window, &words.as_written());
    let score = match entropy.score() {
        Score::Zero => 0,
        Score::One => 1,
        Score::Two => 2,
        Score::Three => 3,
        _ => 4,
    };
    // One guess is the least: the empty password has none, whose logarithm would be no number.
    let guesses_log10 = entropy.guesses_log10().max(0.0);
    let uses_context = names_context(entropy.sequence(), words);
    Estimate { guesses: entropy.guesses(), guesses_log10, score, uses_context }
}

/// Whether one of the words is in the cheapest way to guess, even with digits for letters.
fn names_context(parts: &[Match], words: &ContextWords) -> bool {
    parts.iter().any(|part| match &part.pattern {
        MatchPattern::Dictionary(found) => words.hold(&found.matched_word),
        _ => false,
    })
}

fn first_chars(text: &str) -> &str {
    text.char_indices().nth(WINDOW_CHARS).map_or(text, |(end, _)| &text[..end])
}

fn last_chars(text: &str) -> &str {
    text.char_indices().nth_back(WINDOW_CHARS - 1).map_or(text, |(start, _)| &text[start..])
}

#[cfg(test)]
mod tests;
