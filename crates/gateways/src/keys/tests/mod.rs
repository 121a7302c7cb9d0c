//! Both key services with recorded answers, on loopback.

mod aws_kms;
mod vault;

use crypto::envelope::{DataKeyBytes, KeyBackendError};

use super::{SetupError, base, shortened};

const CONTEXT: &str = "calmness/data-key/1/staging/0193b5a0-0000-4000-8000-00000000000a";

fn data_key() -> DataKeyBytes {
    DataKeyBytes::from_slice(&[7; 32]).expect("32 bytes")
}

fn is_away(error: &KeyBackendError) -> bool {
    matches!(error, KeyBackendError::Unavailable(_))
}

/// SEC-41.
#[test]
fn sec_41_plain_http_reaches_this_machine_alone() {
    for good in
        ["https://vault.example:8200", "http://127.0.0.1:8200", "http://localhost:1", "http://[::1]:1"]
    {
        assert!(base(good).is_ok(), "{good}");
    }
    for bad in [
        "http://vault.example:8200",
        "http://127.0.0.1.example",
        "http://10.0.0.1",
        "https://user:password@vault.example",
        "https://vault.example/?token=x",
        "vault.example",
        "",
    ] {
        assert_eq!(base(bad), Err(SetupError::Address), "{bad}");
    }
}

#[test]
fn what_a_service_says_is_cut_and_on_one_line() {
    assert_eq!(shortened("a\r\nb\u{1b}[31m"), "a  b [31m");
    assert_eq!(shortened(&"x".repeat(1_000)).len(), 200);
}
