//! What may be kept or shown of a provider's words. They come from outside: bounded, printable, and never a whole text.

use domain::ids::PaymentId;
use domain::payment::MAX_REFERENCE_LENGTH;
use domain::time::Instant;
use reqwest::Url;

use super::ProviderError;

/// The longest checkout address that is handed to a browser, in bytes. Hosted pages carry long fragments.
const MAX_CHECKOUT_URL: usize = 4096;

/// The longest code or failure word that is repeated, in bytes.
const MAX_WORD: usize = 64;

/// The length of an identifier in our form: a hyphenated UUID.
const PAYMENT_ID_LENGTH: usize = 36;

/// Whether a reference can be kept: not empty, not longer than what is stored, no control characters.
pub(super) fn is_reference(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_REFERENCE_LENGTH && !text.chars().any(char::is_control)
}

/// A reference that can be kept, or why nothing can be done with the answer.
pub(super) fn reference(text: &str) -> Result<String, ProviderError> {
    if is_reference(text) {
        Ok(text.to_owned())
    } else {
        Err(ProviderError::Unknown("the answer's reference cannot be kept".to_owned()))
    }
}

/// Letters, digits, `_`, `-` and `.`.
pub(super) fn is_word(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (1..=MAX_WORD).contains(&text.len()) && text.bytes().all(allowed)
}

/// The provider's word for a failure, if it is one.
pub(super) fn failure_reason(word: Option<&str>) -> String {
    word.filter(|word| is_word(word)).unwrap_or("failed").to_owned()
}

/// Only our own spelling: a UUID in braces or without hyphens never left this house.
pub(super) fn payment_id(text: &str) -> Option<PaymentId> {
    Some(text).filter(|text| text.len() == PAYMENT_ID_LENGTH)?.parse().ok()
}

/// Unix seconds.
pub(super) fn unix(seconds: i64) -> Option<Instant> {
    Instant::from_unix_timestamp(seconds).ok()
}

/// The address of a page for a browser: a web address, and encrypted wherever the provider itself is.
pub(super) fn page(text: &str, base: &Url) -> Result<String, ProviderError> {
    let parsed = Url::parse(text).ok();
    let usable = parsed.is_some_and(|url| {
        text.len() <= MAX_CHECKOUT_URL
            && url.has_host()
            && (url.scheme() == "https" || (url.scheme() == "http" && base.scheme() == "http"))
    });
    if usable {
        Ok(text.to_owned())
    } else {
        Err(ProviderError::Unknown("opened, but the checkout address is unusable".to_owned()))
    }
}
