//! Codes by SMS: what is missing for them, and what could cost money.

use gateways::sms::{Sender, is_sid};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::Findings;
use super::reach::{is_loopback, is_plain_address};
use crate::config::SmsMode;

/// Twilio's own have 32 characters.
const MIN_SECRET: usize = 16;

pub(super) fn check(findings: &mut Findings) {
    let sms = &findings.config.sms;
    if !sms.enabled {
        return;
    }
    credentials(findings);
    match sms.mode {
        SmsMode::Messages => {
            address(findings, "sms.api_url", &sms.api_url, "https://api.twilio.com");
            sender(findings);
        }
        SmsMode::Verify => {
            address(findings, "sms.verify_url", &sms.verify_url, "https://verify.twilio.com");
            sid(findings, "sms.verify_service_sid", sms.verify_service_sid.as_deref(), "VA");
        }
    }
    spending(findings);
}

fn credentials(findings: &mut Findings) {
    let sms = &findings.config.sms;
    sid(findings, "sms.account_sid", sms.account_sid.as_deref(), "AC");
    if sms.auth_tokens.is_empty() {
        findings.error(
            "sms.auth_tokens",
            "There is no auth token, so nobody can be written to and no callback can be believed.",
            "copy it from Twilio's console",
        );
    }
    if sms.auth_tokens.iter().any(is_cut) {
        findings.error("sms.auth_tokens", "An auth token is not whole.", "copy it from Twilio's console");
    }
    if sms.api_key_sid.is_none() && sms.api_key_secret.is_none() {
        return;
    }
    sid(findings, "sms.api_key_sid", sms.api_key_sid.as_deref(), "SK");
    if sms.api_key_secret.as_ref().is_none_or(is_cut) {
        findings.error(
            "sms.api_key_secret",
            "The API key's secret is missing or not whole.",
            "set it (Twilio's console shows it once), or remove sms.api_key_sid to call with the auth token",
        );
    }
}

fn is_cut(secret: &SecretString) -> bool {
    secret.expose_secret().trim().len() < MIN_SECRET
}

fn sid(findings: &mut Findings, key: &'static str, given: Option<&str>, kind: &str) {
    if !given.is_some_and(|sid| is_sid(sid.trim(), kind)) {
        findings.error(
            key,
            format!("SMS needs a SID here, and this is none: {kind} and 32 hex digits."),
            "copy it from Twilio's console, or set sms.enabled = false",
        );
    }
}

fn address(findings: &mut Findings, key: &'static str, url: &Url, usual: &str) {
    if !is_plain_address(url) {
        let remedy = format!("set {usual}");
        findings.error(key, "The address of Twilio is more than scheme, host and path.", remedy);
    } else if url.scheme() == "http" && !is_loopback(url) {
        findings.error_in_production(
            key,
            "Twilio is called over plain HTTP: codes and the auth token could be read on the way.",
            format!("set {usual}"),
        );
    }
}

fn sender(findings: &mut Findings) {
    let sms = &findings.config.sms;
    match (&sms.from, &sms.messaging_service_sid) {
        (None, None) => findings.error(
            "sms.from",
            "Messages have no sender.",
            "set a number of the account like +15005550006, or sms.messaging_service_sid",
        ),
        (Some(_), Some(_)) => findings.error(
            "sms.messaging_service_sid",
            "Messages have two senders: a number and a messaging service.",
            "keep one of sms.from and sms.messaging_service_sid",
        ),
        (Some(from), None) => {
            if Sender::from(from).is_err() {
                findings.error(
                    "sms.from",
                    "The sender of messages is no number, short code or name.",
                    "set a number like +15005550006, a short code, or a name of up to 11 letters and digits",
                );
            }
        }
        (None, service) => sid(findings, "sms.messaging_service_sid", service.as_deref(), "MG"),
    }
}

/// Whoever can make us send can spend our money: premium numbers share what a message costs with those who have them called.
fn spending(findings: &mut Findings) {
    let sms = &findings.config.sms;
    for (key, cap, what) in [
        ("sms.daily_cap", sms.daily_cap, "in a day"),
        ("sms.daily_cap_per_prefix", sms.daily_cap_per_prefix, "to one country in a day"),
    ] {
        if cap == 0 {
            findings.warning_if_deployed(
                key,
                format!("Nothing bounds how many SMS are paid for {what}."),
                "set a few times what a busy day needs",
            );
        }
    }
    if sms.allowed_prefixes.is_empty() {
        findings.warning_if_deployed(
            "sms.allowed_prefixes",
            "SMS are paid for to every country, also to those where nobody buys.",
            "list the calling codes of your customers, like +225, +33",
        );
    }
}
