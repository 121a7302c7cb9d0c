//! Words that stand near a user, and the passwords made of nothing else.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

/// Shorter parts are in too many good passwords by chance ("io", "fr").
const MIN_WORD_CHARS: usize = 3;
const MAX_WORD_CHARS: usize = 64;
const MAX_WORDS: usize = 32;

/// A password may hold this many digits beside context words and still be made of them: a date, two years.
const MAX_DIGITS: usize = 8;

/// The words of the context, folded: letters and digits only, in lower case.
pub(super) struct ContextWords(BTreeSet<String>);

impl ContextWords {
    /// Takes each text as a whole and in its parts: `Jean.Dupont@mail.example` gives `jeandupontmailexample`,
    /// `jeandupont`, `jean`, `dupont`, `mail`, `example`.
    pub(super) fn of(context: &[&str]) -> Self {
        let mut words = BTreeSet::new();
        for text in context {
            let halves = text.split('@');
            let parts = text.split(|character: char| !character.is_alphanumeric());
            let without_digits = text.split(|character: char| !character.is_alphabetic());
            for part in std::iter::once(*text).chain(halves).chain(parts).chain(without_digits) {
                let word: String = fold(part).take(MAX_WORD_CHARS).collect();
                if words.len() < MAX_WORDS && word.chars().count() >= MIN_WORD_CHARS {
                    words.insert(word);
                }
            }
        }
        Self(words)
    }

    /// For an estimate that knows them.
    pub(super) fn as_written(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }

    /// Whether this is one of the words, as [`ContextWords::as_written`] gives them.
    pub(super) fn hold(&self, word: &str) -> bool {
        self.0.contains(word)
    }

    /// Whether the password is made of these words, repeated or backwards, with nothing but a few digits and
    /// any punctuation between and around.
    pub(super) fn make_up(&self, password: &str) -> bool {
        let letters: Zeroizing<Vec<char>> = Zeroizing::new(fold(password).collect());
        if letters.is_empty() {
            return false;
        }
        let words: Vec<Vec<char>> = self.0.iter().map(|word| word.chars().collect()).collect();
        let backwards: Vec<Vec<char>> =
            words.iter().map(|word| word.iter().rev().copied().collect()).collect();
        // The fewest single digits that stand beside words, if the characters up to here can be made at all.
        let mut fewest = vec![None; letters.len() + 1];
        fewest[0] = Some(0);
        for start in 0..letters.len() {
            let Some(digits) = fewest[start] else { continue };
            if letters[start].is_numeric() {
                lower(&mut fewest[start + 1], digits + 1);
            }
            for word in words.iter().chain(&backwards) {
                if letters[start..].starts_with(word) {
                    lower(&mut fewest[start + word.len()], digits);
                }
            }
        }
        fewest[letters.len()].is_some_and(|digits| digits <= MAX_DIGITS && digits < letters.len())
    }
}

fn lower(place: &mut Option<usize>, digits: usize) {
    *place = Some(place.map_or(digits, |known| known.min(digits)));
}

fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase)
}
