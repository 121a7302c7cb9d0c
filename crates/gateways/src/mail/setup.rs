//! The mail server's address, and how much of it is believed.

use std::net::IpAddr;
use std::time::Duration;

use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, Tokio1Executor};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

const COMMAND_TIMEOUT: Duration = Duration::from_secs(15);
const MAX_CONNECTIONS: u32 = 4;
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Why mail cannot be set up. Never repeats the address: a password may be in it.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum MailSetupError {
    /// Not `smtp://` or `smtps://` with a host.
    #[error(
        "the mail server's address must be smtps://user:password@host:465 or smtp://user:password@host:587, without path and query"
    )]
    Address,
    /// Not one address, with or without a name.
    #[error("the sender must be one address, such as `Calmness <no-reply@mail.example>`")]
    From,
    /// TLS could not be set up on this machine.
    #[error("TLS cannot be set up; are the system's CA certificates installed?")]
    Tls,
}

/// The transport, and the server as it may be shown.
pub(super) fn transport(
    smtp_url: &SecretString,
    hello_name: &str,
) -> Result<(AsyncSmtpTransport<Tokio1Executor>, String), MailSetupError> {
    let mut url = Url::parse(smtp_url.expose_secret().trim()).map_err(|_| MailSetupError::Address)?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(MailSetupError::Address)?.to_owned();
    let bare = url.query().is_none() && url.fragment().is_none() && matches!(url.path(), "" | "/");
    // A user without a password would silently mean no log-in at all.
    let login = url.username().is_empty() == url.password().is_none();
    if !bare || !login || !matches!(url.scheme(), "smtp" | "smtps") {
        return Err(MailSetupError::Address);
    }
    let in_the_clear = url.scheme() == "smtp" && is_loopback(&host);
    if url.scheme() == "smtp" && !in_the_clear {
        url.set_query(Some("tls=required"));
    }
    let shown = match url.port() {
        Some(port) => format!("{}://{host}:{port}", url.scheme()),
        None => format!("{}://{host}", url.scheme()),
    };
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
        .map_err(|error| if error.is_tls() { MailSetupError::Tls } else { MailSetupError::Address })?;
    let pool = PoolConfig::new().max_size(MAX_CONNECTIONS).idle_timeout(IDLE_TIMEOUT);
    let transport = builder
        .hello_name(ClientId::Domain(hello_name.to_owned()))
        .timeout(Some(COMMAND_TIMEOUT))
        .pool_config(pool)
        .build();
    Ok((transport, shown))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> Result<String, MailSetupError> {
        transport(&SecretString::from(url.to_owned()), "mail.example").map(|(_, shown)| shown)
    }

    #[tokio::test]
    async fn an_address_without_scheme_host_or_password_is_refused_and_never_repeated() {
        let broken = [
            "",
            "mail.example:587",
            "http://mail.example",
            "smtp://",
            "smtp://user@mail.example",
            "smtp://mail.example?tls=opportunistic",
            "smtps://user:canary@mail.example/path",
        ];
        for url in broken {
            let error = shown(url).unwrap_err();
            assert_eq!(error, MailSetupError::Address, "{url}");
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }

    #[tokio::test]
    async fn the_shown_server_has_no_password() {
        assert_eq!(shown("smtp://user:canary@127.0.0.1:2525").unwrap(), "smtp://127.0.0.1:2525");
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "mail.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
