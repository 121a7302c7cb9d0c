//! Every sentence that a person reads: the two catalogues of `locales/`, looked up by key.
//!
//! A page, a mail, the bot and a problem document all speak through [`text`]. The catalogues are part of the
//! binary; a key that is missing is a mistake of ours, so it is logged and shown as itself, never a panic.
//! How dates, durations and amounts are written stands in [`format`](self::format).

mod format;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use domain::plan::PlanCode;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// How many languages of an `Accept-Language` header are looked at; the rest is ignored.
const MAX_ACCEPTED_LANGUAGES: usize = 16;

/// A language that the product speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// French.
    Fr,
    /// English.
    En,
}

/// A language code that the product does not speak.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the languages are \"fr\" and \"en\"")]
pub struct UnknownLocale;

impl Locale {
    /// Every language.
    pub const ALL: [Self; 2] = [Self::Fr, Self::En];

    /// The code as stored, and as `<html lang>` says it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// The language that a switcher offers.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Fr => Self::En,
            Self::En => Self::Fr,
        }
    }

    /// The best language for an `Accept-Language` header (RFC 9110 §12.5.4), `default` where none fits.
    ///
    /// The highest quality wins, the first of equals; a regional form such as `fr-CA` counts as its language.
    #[must_use]
    pub fn from_accept_language(header: &str, default: Self) -> Self {
        let mut best: Option<(Self, f32)> = None;
        for item in header.split(',').take(MAX_ACCEPTED_LANGUAGES) {
            let mut parts = item.split(';');
            let range = parts.next().unwrap_or_default().trim();
            let quality = parts
                .find_map(|parameter| parameter.trim().strip_prefix("q="))
                .map_or(1.0, |quality| quality.trim().parse::<f32>().unwrap_or(0.0));
            let language = range.split('-').next().unwrap_or_default();
            let locale = if range == "*" { Some(default) } else { Self::find(language) };
            if let Some(locale) = locale
                && quality > 0.0
                && best.is_none_or(|(_, highest)| quality > highest)
            {
                best = Some((locale, quality));
            }
        }
        best.map_or(default, |(locale, _)| locale)
    }

    fn find(language: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|locale| locale.code().eq_ignore_ascii_case(language))
    }

    fn catalogue(self) -> &'static Catalogue {
        match self {
            Self::Fr => &FRENCH,
            Self::En => &ENGLISH,
        }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Locale {
    type Err = UnknownLocale;

    fn from_str(code: &str) -> Result<Self, UnknownLocale> {
        Self::ALL.into_iter().find(|locale| locale.code() == code).ok_or(UnknownLocale)
    }
}

type Catalogue = FluentBundle<FluentResource>;

static FRENCH: LazyLock<Catalogue> = LazyLock::new(|| catalogue("fr", FRENCH_SOURCE));
static ENGLISH: LazyLock<Catalogue> = LazyLock::new(|| catalogue("en", ENGLISH_SOURCE));
const FRENCH_SOURCE: &str = include_str!("../../../locales/fr.ftl");
const ENGLISH_SOURCE: &str = include_str!("../../../locales/en.ftl");

/// Reads one catalogue. What can't be read is left out and logged; a test proves that this never happens.
fn catalogue(code: &str, source: &str) -> Catalogue {
    let mut bundle = FluentBundle::new_concurrent(vec![code.parse().unwrap_or_default()]);
    // Marks around inserted values would show up as odd characters in mails and page titles.
    bundle.set_use_isolating(false);
    let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(readable, errors)| {
        tracing::error!(text.locale = code, text.errors = errors.len(), "a catalogue has unreadable entries");
        readable
    });
    if let Err(errors) = bundle.add_resource(resource) {
        tracing::error!(text.locale = code, text.errors = errors.len(), "a catalogue repeats keys");
    }
    bundle
}

/// A value that a sentence speaks about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arg<'a> {
    /// Words, put in as they are.
    Text(Cow<'a, str>),
    /// A count, which also chooses singular or plural.
    Number(i64),
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(words: &'a str) -> Self {
        Self::Text(Cow::Borrowed(words))
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(words: &'a String) -> Self {
        Self::Text(Cow::Borrowed(words))
    }
}

impl From<String> for Arg<'_> {
    fn from(words: String) -> Self {
        Self::Text(Cow::Owned(words))
    }
}

impl From<i64> for Arg<'_> {
    fn from(count: i64) -> Self {
        Self::Number(count)
    }
}

impl From<u16> for Arg<'_> {
    fn from(count: u16) -> Self {
        Self::Number(i64::from(count))
    }
}

/// The sentence of that key in that language. The result is plain text: whoever puts it into HTML escapes it.
pub fn text(locale: Locale, key: &str, args: &[(&str, Arg<'_>)]) -> String {
    if let Some(said) = look_up(locale, key, args) {
        return said;
    }
    tracing::error!(text.key = key, text.locale = locale.code(), "a sentence is missing");
    key.to_owned()
}

/// The sentence of `key`, or of `otherwise` where the first is made of a code that the catalogues don't know.
pub fn text_or(locale: Locale, key: &str, otherwise: &str, args: &[(&str, Arg<'_>)]) -> String {
    look_up(locale, key, args).unwrap_or_else(|| text(locale, otherwise, args))
}

/// What a plan is called: its own name, or the length where nobody has named it.
pub fn plan_name(locale: Locale, code: &PlanCode, days: u16) -> String {
    text_or(locale, &format!("plan-{code}"), "plan-other", &[("days", days.into())])
}

/// What a provider is called by people, or its code where the catalogues don't know it.
pub fn provider_name(locale: Locale, code: &str) -> String {
    look_up(locale, &format!("provider-{code}"), &[]).unwrap_or_else(|| code.to_owned())
}

/// The title and the explanation of a problem code, for a problem document or an error page.
pub fn problem(locale: Locale, code: &str) -> (String, String) {
    let say =
        |part: &str| text_or(locale, &format!("error-{code}-{part}"), &format!("error-internal-{part}"), &[]);
    (say("title"), say("detail"))
}

/// The message of one refused field, from the code of the refusal.
pub fn invalid(locale: Locale, code: &str) -> String {
    text_or(locale, &format!("invalid-{code}"), "invalid-not_allowed", &[])
}

fn look_up(locale: Locale, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
    let catalogue = locale.catalogue();
    let pattern = catalogue.get_message(key)?.value()?;
    let mut values = FluentArgs::with_capacity(args.len());
    for (name, value) in args {
        let value = match value {
            Arg::Text(words) => FluentValue::from(words.as_ref()),
            Arg::Number(count) => FluentValue::from(*count),
        };
        values.set(*name, value);
    }
    let mut errors = Vec::new();
    let said = catalogue.format_pattern(pattern, Some(&values), &mut errors).into_owned();
    if !errors.is_empty() {
        tracing::error!(text.key = key, text.locale = locale.code(), "a sentence lacks a value");
    }
    Some(said)
}
