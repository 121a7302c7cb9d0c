//! Who may talk to the sandbox: programs and browsers of this machine, not a web page from elsewhere that a browser has open.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use reqwest::Url;

use crate::{problem::Problem, world::World};

/// The largest body any route reads.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Refuses foreign names (DNS rebinding) and foreign origins (cross-site requests), and dresses every answer.
pub(crate) async fn check(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let refusal = refuse(&world, request.method(), request.headers());
    let mut response = match refusal {
        Some(problem) => problem.into_response(),
        None => problem_shape(next.run(request).await),
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`: with it a browser hides the origin of our own forms.
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn refuse(world: &World, method: &Method, headers: &HeaderMap) -> Option<Problem> {
    let forbidden = |code, detail: &str| Some(Problem::new(StatusCode::FORBIDDEN, code, detail));
    let Some(host) = single(headers, &header::HOST).filter(|host| is_own(host, world.http_addr.port()))
    else {
        return forbidden("foreign_host", "the sandbox answers under loopback names with its own port only");
    };
    if matches!(*method, Method::GET | Method::HEAD) || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    let own = format!("http://{host}");
    let product = Url::parse(&world.config.product_url).ok().map(|url| url.origin().ascii_serialization());
    match single(headers, &header::ORIGIN) {
        Some(origin) if origin == own || product.as_deref() == Some(origin) => None,
        _ => forbidden("foreign_origin", "another site may not send this"),
    }
}

/// The value of a header that must not come twice.
fn single<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether a Host names this machine and this port.
fn is_own(host: &str, port: u16) -> bool {
    let (name, given) = match host.rsplit_once(':') {
        Some((name, digits)) if !digits.ends_with(']') => (name, digits.parse().ok()),
        _ => (host, Some(80)),
    };
    let loopback = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.is_loopback()),
        None => {
            name.eq_ignore_ascii_case("localhost")
                || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        }
    };
    loopback && given == Some(port)
}

/// Refusals of the framework's own extractors are plain text; here every error is a problem document.
fn problem_shape(response: Response) -> Response {
    let status = response.status();
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(plain && (status.is_client_error() || status.is_server_error())) {
        return response;
    }
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "too_large",
        StatusCode::UNPROCESSABLE_ENTITY => "invalid",
        _ => "bad_request",
    };
    Problem::new(status, code, "the request's path, query or form can't be read").into_response()
}

#[cfg(test)]
mod tests {
    use super::is_own;

    #[test]
    fn only_loopback_names_with_the_own_port_are_own() {
        for own in ["127.0.0.1:8025", "localhost:8025", "LOCALHOST:8025", "[::1]:8025", "127.8.9.1:8025"] {
            assert!(is_own(own, 8025), "{own}");
        }
        for foreign in [
            "evil.example:8025",
            "127.0.0.1:80",
            "127.0.0.1",
            "localhost",
            "10.0.0.1:8025",
            "",
            ":",
            "[::1]",
            "[::2]:8025",
            "localhost.evil:8025",
        ] {
            assert!(!is_own(foreign, 8025), "{foreign}");
        }
        assert!(is_own("localhost", 80));
    }
}
