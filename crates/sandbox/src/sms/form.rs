//! The parameters of a call. As with the real service, a body that is no form has none, and unknown ones are not looked at.

use axum::http::{HeaderMap, header};

/// Names and values as sent.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Self {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Self(Vec::new());
        }
        Self(form_urlencoded::parse(body).into_owned().collect())
    }

    /// The last value of a name; an empty one counts as none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().rev().filter(|(other, _)| other == name);
        values.next().map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// Whether a text is a phone number as Twilio takes it: `+` and 8 to 15 digits.
pub(crate) fn is_phone_number(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (8..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}
