//! E-mail addresses as people type them.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The longest address, in bytes (RFC 5321 §4.5.3.1.3 without the brackets).
const MAX_LENGTH: usize = 254;

/// An address to write to, and the key under which it is unique.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email {
    address: String,
    key: String,
}

/// Not an address that mail can be sent to.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("this is not an e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// Takes an address without the white space around it. Whether it exists is for the mailed link to find out, so
    /// only what no mail server could use is refused.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let address = text.trim();
        let (local, domain) = address.rsplit_once('@').ok_or(InvalidEmail)?;
        let plain = address.len() <= MAX_LENGTH
            && address.is_ascii()
            && !address
                .bytes()
                .any(|byte| byte <= b' ' || byte == 127 || b"\"(),:;<>@[\\]".contains(&byte) && byte != b'@');
        let local_ok = (1..=64).contains(&local.len())
            && !local.contains('@')
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..");
        let labels: Vec<&str> = domain.split('.').collect();
        let domain_ok = labels.len() >= 2 && labels.iter().all(|label| valid_label(label));
        if plain && local_ok && domain_ok {
            Ok(Self { address: address.to_owned(), key: address.to_ascii_lowercase() })
        } else {
            Err(InvalidEmail)
        }
    }

    /// The address as it was typed.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address without regard to case: what is unique.
    pub fn key(&self) -> &str {
        &self.key
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        Self::parse(text)
    }
}

fn valid_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Personal data: not shown in logs.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_addresses_are_taken_and_are_unique_without_regard_to_case() {
        let email = Email::parse("  Awa.Diop+signaux@Example.COM ").unwrap();
        assert_eq!(email.address(), "Awa.Diop+signaux@Example.COM");
        assert_eq!(email.key(), "awa.diop+signaux@example.com");
    }

    #[test]
    fn what_no_mail_server_could_use_is_refused() {
        let bad = [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b",
            "a b@c.de",
            "a@b..c",
            "a@-b.de",
            "a\r\nBcc: x@y.zz@b.de",
            "a@b.de\n",
            "<a@b.de>",
            "a,b@c.de",
            "a@@b.de",
            ".a@b.de",
            "a.@b.de",
            "a..b@c.de",
            "é@b.de",
        ];
        for text in bad {
            let expected = if text == "a@b.de\n" { Email::parse("a@b.de") } else { Err(InvalidEmail) };
            assert_eq!(Email::parse(text), expected, "{text:?}");
        }
        assert_eq!(Email::parse(&format!("{}@b.de", "a".repeat(300))), Err(InvalidEmail));
    }
}
