//! The cookies of the pages: which there are, how they are read and written.
//!
//! All are `HttpOnly` and `SameSite=Lax`. Over HTTPS they are `Secure`, and their names carry the prefix by which the
//! browser itself makes sure that no sibling host has planted them (RFC 6265bis §4.1.3).

use application::identity::{DEVICE_LIFE, SESSION_LIFE};
use axum::http::{HeaderMap, HeaderValue, header};
use time::Duration;

/// One cookie of ours.
pub(super) struct Cookie {
    name: &'static str,
    path: &'static str,
    /// Without one it ends with the browser.
    life: Option<Duration>,
}

/// Who is logged in.
pub(super) const SESSION: Cookie = Cookie { name: "calmness_session", path: "/", life: Some(SESSION_LIFE) };
/// What the forms of somebody who isn't logged in are bound to.
pub(super) const FORM: Cookie = Cookie { name: "calmness_form", path: "/", life: None };
/// The language that somebody chose.
pub(super) const LANGUAGE: Cookie =
    Cookie { name: "calmness_language", path: "/", life: Some(Duration::days(365)) };
/// The Telegram link that waits to be opened.
pub(super) const LINK: Cookie =
    Cookie { name: "calmness_link", path: "/dashboard", life: Some(Duration::minutes(15)) };

/// The login whose second step waits.
pub(super) const CHALLENGE: Cookie =
    Cookie { name: "calmness_challenge", path: "/login", life: Some(Duration::minutes(10)) };
/// That somebody has logged in from here before. Logins, resets and changes of a password show it.
pub(super) const DEVICE: Cookie = Cookie { name: "calmness_device", path: "/", life: Some(DEVICE_LIFE) };

impl Cookie {
    /// Its value in a request.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap, https: bool) -> Option<&'a str> {
        let name = self.full_name(https);
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
        lines
            .flat_map(|line| line.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(&name)?.strip_prefix('='))
    }

    /// Gives it to the browser.
    pub(super) fn give(&self, headers: &mut HeaderMap, value: &str, https: bool) {
        let life = self.life.map(|life| format!("; Max-Age={}", life.whole_seconds())).unwrap_or_default();
        self.write(headers, value, &life, https);
    }

    /// Takes it away from the browser.
    pub(super) fn take_away(&self, headers: &mut HeaderMap, https: bool) {
        self.write(headers, "", "; Max-Age=0", https);
    }

    fn write(&self, headers: &mut HeaderMap, value: &str, life: &str, https: bool) {
        let (name, path) = (self.full_name(https), self.path);
        let secure = if https { "; Secure" } else { "" };
        let cookie = format!("{name}={value}; Path={path}; HttpOnly; SameSite=Lax{life}{secure}");
        if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
            cookie.set_sensitive(true);
            headers.append(header::SET_COOKIE, cookie);
        } else {
            tracing::error!(cookie.name = self.name, "a cookie could not be written");
        }
    }

    fn full_name(&self, https: bool) -> String {
        let prefix = match (https, self.path) {
            (false, _) => "",
            (true, "/") => "__Host-",
            (true, _) => "__Secure-",
        };
        format!("{prefix}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    fn given(https: bool, write: impl Fn(&mut HeaderMap, bool)) -> String {
        let mut headers = HeaderMap::new();
        write(&mut headers, https);
        headers[header::SET_COOKIE].to_str().unwrap().to_owned()
    }

    #[test]
    fn a_cookie_is_found_among_others_and_on_any_line() {
        let headers = sent(&["a=1; calmness_session=abc;calmness_form= d", "calmness_language=fr"]);
        assert_eq!(SESSION.read(&headers, false), Some("abc"));
        assert_eq!(FORM.read(&headers, false), Some(" d"));
        assert_eq!(LANGUAGE.read(&headers, false), Some("fr"));
        assert_eq!(LINK.read(&headers, false), None);
    }

    #[test]
    fn a_name_must_fit_whole() {
        for line in
            ["xcalmness_session=a", "calmness_sessions=a", "calmness_session", "CALMNESS_SESSION=a", ""]
        {
            assert_eq!(SESSION.read(&sent(&[line]), false), None, "{line}");
        }
    }

    #[test]
    fn over_https_only_the_name_that_the_browser_vouches_for_counts() {
        let headers = sent(&["calmness_session=planted; __Host-calmness_session=ours"]);
        assert_eq!(SESSION.read(&headers, true), Some("ours"));
        assert_eq!(SESSION.read(&sent(&["calmness_session=planted"]), true), None);
        assert_eq!(SESSION.read(&headers, false), Some("planted"));
    }

    #[test]
    fn the_session_cookie_is_out_of_reach_of_scripts_and_other_sites() {
        let session = |headers: &mut HeaderMap, https| SESSION.give(headers, "abc", https);
        assert_eq!(
            given(true, session),
            "__Host-calmness_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000; Secure"
        );
        assert_eq!(
            given(false, session),
            "calmness_session=abc; Path=/; HttpOnly; SameSite=Lax; Max-Age=2592000"
        );
        assert_eq!(
            given(true, |headers, https| SESSION.take_away(headers, https)),
            "__Host-calmness_session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0; Secure"
        );
    }

    #[test]
    fn what_waits_for_one_page_is_sent_to_that_page_alone() {
        let link = given(true, |headers, https| LINK.give(headers, "t", https));
        assert_eq!(
            link,
            "__Secure-calmness_link=t; Path=/dashboard; HttpOnly; SameSite=Lax; Max-Age=900; Secure"
        );
        let challenge = given(true, |headers, https| CHALLENGE.give(headers, "c", https));
        assert_eq!(
            challenge,
            "__Secure-calmness_challenge=c; Path=/login; HttpOnly; SameSite=Lax; Max-Age=600; Secure"
        );
        let form = given(false, |headers, https| FORM.give(headers, "n", https));
        assert_eq!(form, "calmness_form=n; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn a_device_is_known_for_half_a_year() {
        let device = given(true, |headers, https| DEVICE.give(headers, "d", https));
        assert_eq!(
            device,
            "__Host-calmness_device=d; Path=/; HttpOnly; SameSite=Lax; Max-Age=15552000; Secure"
        );
    }

    #[test]
    fn no_value_can_add_a_header() {
        let mut headers = HeaderMap::new();
        FORM.give(&mut headers, "a\r\nX-Evil: 1", false);
        assert!(headers.is_empty());
    }
}
