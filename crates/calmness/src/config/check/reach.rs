//! How people and browsers reach the product: its address, the proxy before it, other origins.

use std::net::IpAddr;

use reqwest::Url;

use super::Findings;
use crate::config::Updates;

/// The ports that Telegram calls.
const TELEGRAM_PORTS: [u16; 4] = [443, 80, 88, 8443];

pub(super) fn check(findings: &mut Findings) {
    public_url(findings);
    proxy(findings);
    origins(findings);
}

/// Whether an address is this machine's own.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

/// Whether an address is `http` or `https`, without user, query and fragment.
pub(super) fn is_plain_address(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

fn public_url(findings: &mut Findings) {
    const KEY: &str = "public_url";
    let (url, server) = (&findings.config.public_url, &findings.config.server);
    if !is_plain_address(url) || url.path() != "/" {
        findings.error(
            KEY,
            "The public address is more than a scheme, a host and a port.",
            "set the address alone, like https://calmness.example",
        );
        return;
    }
    if url.scheme() == "http" {
        if server.behind_proxy {
            findings.warning_if_deployed(
                KEY,
                "The public address is plain HTTP: links in mails lead people past the proxy's encryption.",
                "set the https address of the proxy",
            );
        } else if findings.deployed() {
            findings.error(
                KEY,
                "The public address is plain HTTP: passwords and sessions could be read on the way.",
                "set an https address, and declare the proxy that serves it with server.behind_proxy = true",
            );
        }
    }
    if is_loopback(url) {
        findings.warning_if_deployed(
            KEY,
            "The public address is this machine's own: links in mails lead nobody else here.",
            "set the address that people use",
        );
    } else if findings.config.telegram.updates == Updates::Webhook
        && url.port_or_known_default().is_none_or(|port| !TELEGRAM_PORTS.contains(&port))
    {
        findings.warning_if_deployed(
            KEY,
            "Telegram calls the ports 443, 80, 88 and 8443 only, and the public address has another.",
            "use one of these ports, or set telegram.updates = \"polling\"",
        );
    }
}

fn proxy(findings: &mut Findings) {
    let server = &findings.config.server;
    if !server.behind_proxy && findings.config.public_url.scheme() == "https" {
        findings.error_if_deployed(
            "server.behind_proxy",
            "The public address is https, but the server itself speaks plain HTTP and no proxy is declared.",
            "set true once a proxy that speaks HTTPS stands before the server",
        );
    }
    if server.behind_proxy && server.trusted_proxies.is_empty() {
        findings.error_if_deployed(
            "server.trusted_proxies",
            "No proxy is trusted to say who calls: everybody would count as one address, and be limited as one.",
            "list the networks that the proxy calls from, like 127.0.0.1/32",
        );
    }
    if server.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        findings.error(
            "server.trusted_proxies",
            "Every address is trusted to say who calls, so anybody could pretend to be anybody.",
            "list only the networks that the proxy calls from",
        );
    }
    if !server.behind_proxy && !server.trusted_proxies.is_empty() {
        findings.error(
            "server.trusted_proxies",
            "Networks are trusted to say who calls, but no proxy is declared.",
            "empty the list, or set server.behind_proxy = true",
        );
    }
}

fn origins(findings: &mut Findings) {
    const KEY: &str = "server.cors_origins";
    for origin in &findings.config.server.cors_origins {
        if origin == "*" {
            findings.error_if_deployed(
                KEY,
                "Pages of every origin may call the API from a visitor's browser.",
                "list the origins that you own",
            );
            continue;
        }
        // An origin as browsers send it; `null` and patterns are none.
        let url = Url::parse(origin).ok().filter(|url| is_plain_address(url) && !origin.contains('*'));
        let Some(url) = url.filter(|url| url.origin().ascii_serialization() == *origin) else {
            findings.error(
                KEY,
                format!("{origin:?} is not an origin as browsers send it."),
                "write scheme, host and a port that is not the usual one, like https://app.example",
            );
            continue;
        };
        if url.scheme() == "http" && !is_loopback(&url) {
            findings.error_if_deployed(
                KEY,
                format!("{origin} is plain HTTP: whoever is on its way could call the API as a visitor."),
                "list https origins",
            );
        }
    }
}
