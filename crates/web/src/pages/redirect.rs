//! Going from one page to the next, always on this site.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::views::{Notice, local_path};

/// A way back that is longer than this is forgotten.
const MAX_NEXT_BYTES: usize = 1_024;
/// Where people go who came from nowhere.
pub(super) const HOME_OF_USERS: &str = "/dashboard";

/// Goes on to another page, which is asked for with GET.
pub(super) fn see_other(path: &str) -> Response {
    // Browsers write what is not ASCII in percents; here it would be somebody's own making.
    let written = Some(path).filter(|path| path.bytes().all(|byte| byte.is_ascii_graphic()));
    let location = written.and_then(|path| HeaderValue::from_str(path).ok());
    let location = location.unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()
}

/// Where a `next` leads: to a path of this site, and to the dashboard where there is none.
pub(super) fn wanted(next: &str) -> &str {
    if next.is_empty() || next.len() > MAX_NEXT_BYTES { HOME_OF_USERS } else { local_path(next) }
}

/// The log-in page that leads back to `path`.
pub(super) fn log_in(path: &str, notice: Option<Notice>) -> String {
    let notice = notice.map(|notice| format!("&notice={}", notice.code())).unwrap_or_default();
    format!("/login?next={}{notice}", query_value(wanted(path)))
}

/// A page with a message on it.
pub(super) fn with_notice(path: &str, notice: Notice) -> String {
    with_word(path, "notice", notice.code())
}

/// A page with one more word in its query, which must need no encoding.
pub(super) fn with_word(path: &str, name: &str, word: &str) -> String {
    let mark = if path.contains('?') { '&' } else { '?' };
    format!("{path}{mark}{name}={word}")
}

/// The second step of the log-in that leads back to `path`.
pub(super) fn log_in_code(path: &str) -> String {
    format!("/login/code?next={}", query_value(wanted(path)))
}

/// A word of the query that needs no decoding, such as the code of a notice.
pub(super) fn query_word<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let (_, query) = path.split_once('?')?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// Percent-encodes whatever is not unreserved (RFC 3986 §2.3).
fn query_value(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encoded = text
        .bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    encoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(path: &str) -> String {
        see_other(path).headers()[header::LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_next_leads_to_a_page_of_ours() {
        assert_eq!(wanted("/payments/1?x=y"), "/payments/1?x=y");
        assert_eq!(wanted(""), "/dashboard");
        assert_eq!(wanted(&format!("/{}", "a".repeat(MAX_NEXT_BYTES))), "/dashboard");
        for foreign in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"] {
            assert_eq!(wanted(foreign), "/", "{foreign}");
        }
    }

    #[test]
    fn what_no_header_can_carry_leads_home() {
        assert_eq!(location("/payments/1"), "/payments/1");
        assert_eq!(location("/caf\u{e9}"), "/");
        assert_eq!(location("/a\r\nSet-Cookie: b=c"), "/");
    }

    #[test]
    fn the_log_in_page_knows_the_whole_way_back() {
        assert_eq!(log_in("/payments/1?a=b&c=d", None), "/login?next=%2Fpayments%2F1%3Fa%3Db%26c%3Dd");
        assert_eq!(
            log_in("/dashboard", Some(Notice::SessionEnded)),
            "/login?next=%2Fdashboard&notice=session-ended"
        );
    }

    #[test]
    fn a_notice_is_found_again_where_it_was_put() {
        for path in ["/login", "/dashboard?before=1"] {
            let path = with_notice(path, Notice::Verified);
            assert_eq!(query_word(&path, "notice").and_then(Notice::from_code), Some(Notice::Verified));
        }
        assert_eq!(query_word("/login?xnotice=a&notices=b", "notice"), None);
        assert_eq!(query_word("/notice=verified", "notice"), None);
    }
}
