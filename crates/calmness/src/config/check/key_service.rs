//! Where the key-encryption key is (SEC-30), and what is missing to reach it.

use reqwest::Url;

use super::Findings;
use super::reach::{is_loopback, is_plain_address};
use crate::config::KeyBackendKind;

/// A day is what the keys in memory may serve alone (SEC-33).
const MAX_HOURS: u32 = 24;

pub(super) fn check(findings: &mut Findings) {
    let keys = &findings.config.keys;
    if keys.backend == KeyBackendKind::Local && !keys.allow_local {
        findings.error_in_production(
            "keys.backend",
            "The key that opens everything would stand beside the database's address: keys.backend is local.",
            "set vault or aws_kms, or accept it with keys.allow_local = true",
        );
    }
    if keys.previous_backend == Some(keys.backend) {
        findings.error(
            "keys.previous_backend",
            "The earlier key service is the one in use.",
            "remove it, or name the one that you move from",
        );
    }
    if keys.serve_without_backend_hours > MAX_HOURS {
        findings.error(
            "keys.serve_without_backend_hours",
            "The keys in memory would serve for longer than a day without their service.",
            "set 0 to 24",
        );
    }
    if keys.uses(KeyBackendKind::Vault) {
        vault(findings);
    }
    if keys.uses(KeyBackendKind::AwsKms) {
        aws_kms(findings);
    }
}

fn vault(findings: &mut Findings) {
    let vault = &findings.config.keys.vault;
    match &vault.address {
        None => missing(findings, "keys.vault.address", "the address of Vault", "https://vault.example:8200"),
        Some(url) => address(findings, "keys.vault.address", url),
    }
    if vault.role_id.as_deref().is_none_or(str::is_empty) {
        missing(findings, "keys.vault.role_id", "the role", "the role_id of the product's AppRole");
    }
    if vault.secret_id.is_none() {
        missing(findings, "keys.vault.secret_id", "what proves the role", "a secret_id of it, in a file");
    }
}

fn aws_kms(findings: &mut Findings) {
    let kms = &findings.config.keys.aws_kms;
    if kms.region.as_deref().is_none_or(str::is_empty) {
        missing(findings, "keys.aws_kms.region", "the region", "one like eu-west-3");
    }
    if let Some(url) = &kms.endpoint {
        address(findings, "keys.aws_kms.endpoint", url);
    }
    if kms.key_id.as_deref().is_none_or(str::is_empty) {
        missing(findings, "keys.aws_kms.key_id", "the key", "its ARN, id or alias");
    }
    if kms.access_key_id.is_none() {
        missing(findings, "keys.aws_kms.access_key_id", "who asks", "the id of an access key");
    }
    if kms.secret_access_key.is_none() {
        missing(findings, "keys.aws_kms.secret_access_key", "the access key's secret", "it, in a file");
    }
}

fn missing(findings: &mut Findings, key: &'static str, what: &str, remedy: &str) {
    findings.error(key, format!("The key service lacks {what}."), format!("set {remedy}"));
}

fn address(findings: &mut Findings, key: &'static str, url: &Url) {
    let plain = is_plain_address(url);
    if !plain || (url.scheme() == "http" && !is_loopback(url)) {
        findings.error(
            key,
            "The key service would be reached in a way that others could listen to.",
            "set an https address without user and query; http is for this machine alone",
        );
    }
}
