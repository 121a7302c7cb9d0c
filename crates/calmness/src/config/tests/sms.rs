//! What is found about codes by SMS, and that a complete section becomes a way to send.

use gateways::http::HttpClient;
use gateways::sms::Twilio;

use super::super::Severity::{Error, Warning};
use super::super::{Severity, SmsMode};
use super::findings::{found, with};
use crate::wiring;

/// Lines that nothing is to be said against, in each mode.
const MESSAGES: &str = "sms.enabled = true
sms.account_sid = 'AC0123456789abcdef0123456789abcdef'
sms.auth_tokens = ['0123456789abcdef0123456789abcdef']
sms.from = '+15005550006'
sms.allowed_prefixes = ['+225', '+33']";
const VERIFY: &str = "sms.enabled = true
sms.mode = 'verify'
sms.account_sid = 'AC0123456789abcdef0123456789abcdef'
sms.auth_tokens = ['0123456789abcdef0123456789abcdef']
sms.verify_service_sid = 'VA0123456789abcdef0123456789abcdef'
sms.allowed_prefixes = ['+225', '+33']";

/// The lines with one line more, or in place of the one with its key; `-key` takes it out.
fn changed(lines: &str, change: &str) -> String {
    let key = change.trim_start_matches('-').split('=').next().unwrap_or_default().trim();
    let mut lines: Vec<&str> = lines.lines().filter(|line| !line.starts_with(&format!("{key} ="))).collect();
    lines.extend((!change.starts_with('-')).then_some(change));
    lines.join("\n")
}

#[test]
fn without_sms_nothing_is_asked_of_it() {
    let off = changed(&changed("sms.account_sid = 'nonsense'", "sms.daily_cap = 0"), "sms.from = ''");
    assert_eq!(found(&with(&off, "production")), []);
    assert!(wiring::sms(&with(&off, "production"), &http()).expect("nothing to set up").is_none());
}

#[test]
fn a_complete_section_has_no_findings_and_becomes_a_way_to_send() {
    for environment in ["production", "staging", "development"] {
        for lines in [MESSAGES, VERIFY] {
            let config = with(lines, environment);
            assert_eq!(found(&config), [], "{environment}");
            let twilio = wiring::sms(&config, &http()).expect("a complete section").expect("enabled").twilio;
            assert_eq!(matches!(twilio, Twilio::Messages(_)), config.sms.mode == SmsMode::Messages);
        }
    }
    let config = with(MESSAGES, "production");
    let twilio = wiring::sms(&config, &http()).expect("a complete section").expect("enabled").twilio;
    let shown = format!("{twilio:?}");
    assert!(shown.contains("https://calmness.example/api/webhooks/twilio"), "{shown}");
}

fn http() -> HttpClient {
    HttpClient::new().expect("a client")
}

#[test]
fn every_weakness_is_found_with_the_severity_that_fits_the_environment() {
    let everywhere = [Some(Error), Some(Error), Some(Error)];
    let production = [Some(Error), Some(Warning), None];
    let advice = [Some(Warning), Some(Warning), None];
    let cases: &[(&str, &str, &str, [Option<Severity>; 3])] = &[
        (MESSAGES, "-sms.account_sid", "sms.account_sid", everywhere),
        (MESSAGES, "sms.account_sid = 'VA0123456789abcdef0123456789abcdef'", "sms.account_sid", everywhere),
        (MESSAGES, "-sms.auth_tokens", "sms.auth_tokens", everywhere),
        (
            VERIFY,
            "sms.auth_tokens = ['0123456789abcdef0123456789abcdef', ' ']",
            "sms.auth_tokens",
            everywhere,
        ),
        (
            MESSAGES,
            "sms.api_key_sid = 'SK0123456789abcdef0123456789abcdef'",
            "sms.api_key_secret",
            everywhere,
        ),
        (MESSAGES, "sms.api_key_secret = '0123456789abcdef0123456789abcdef'", "sms.api_key_sid", everywhere),
        (MESSAGES, "-sms.from", "sms.from", everywhere),
        (MESSAGES, "sms.from = 'Much too long'", "sms.from", everywhere),
        (
            MESSAGES,
            "sms.messaging_service_sid = 'MG0123456789abcdef0123456789abcdef'",
            "sms.messaging_service_sid",
            everywhere,
        ),
        (VERIFY, "-sms.verify_service_sid", "sms.verify_service_sid", everywhere),
        (MESSAGES, "sms.api_url = 'https://a:b@api.twilio.com'", "sms.api_url", everywhere),
        (MESSAGES, "sms.api_url = 'http://twilio.example'", "sms.api_url", production),
        (VERIFY, "sms.verify_url = 'http://twilio.example'", "sms.verify_url", production),
        (MESSAGES, "sms.daily_cap = 0", "sms.daily_cap", advice),
        (VERIFY, "sms.daily_cap_per_prefix = 0", "sms.daily_cap_per_prefix", advice),
        (MESSAGES, "sms.allowed_prefixes = []", "sms.allowed_prefixes", advice),
    ];
    for (lines, change, key, severities) in cases {
        for (environment, severity) in ["production", "staging", "development"].into_iter().zip(severities) {
            let expected: Vec<_> = severity.iter().map(|severity| (*severity, *key)).collect();
            assert_eq!(
                found(&with(&changed(lines, change), environment)),
                expected,
                "{change} in {environment}"
            );
        }
    }
    let service = changed(MESSAGES, "-sms.from");
    let bad = changed(&service, "sms.messaging_service_sid = 'MG1'");
    assert_eq!(found(&with(&bad, "production")), [(Error, "sms.messaging_service_sid")]);
    let good = changed(&service, "sms.messaging_service_sid = 'MG0123456789abcdef0123456789abcdef'");
    assert_eq!(found(&with(&good, "production")), []);
}
