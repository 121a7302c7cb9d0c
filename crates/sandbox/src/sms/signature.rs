//! `X-Twilio-Signature`, the sandbox's own making: base64 of HMAC-SHA1 over the called address and the sorted parameters.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};

/// The header under a form posted to `url`. The forms of the sandbox name nothing twice.
pub(super) fn header(token: &str, url: &str, form: &[(&str, String)]) -> String {
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut message = url.to_owned();
    for (name, value) in sorted {
        message.push_str(name);
        message.push_str(value);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, token.as_bytes());
    STANDARD.encode(hmac::sign(&key, message.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn the_example_of_twilios_documentation_holds() {
        let form = [
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+12349013030"),
            ("Digits", "1234"),
            ("To", "+18005551212"),
            ("From", "+12349013030"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        assert_eq!(header("12345", url, &form), "0/KCTR6DLpKmkAf8muzZqo1nDgQ=");
    }
}
