//! The configured address of a peer, below which its calls live.

use reqwest::Url;

/// Reads a plain http or https address; its path ends in a slash afterwards, so that it stays when a call's path is added.
///
/// `None` for anything else: a user or password would leak into logs, and a query or fragment would swallow the call's path.
pub(crate) fn base(text: &str) -> Option<Url> {
    let mut url = Url::parse(text.trim()).ok()?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if !plain || !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return None;
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Some(url)
}

/// The address of `path` below the base.
pub(crate) fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    url
}

/// The path and query as the request line carries them.
pub(crate) fn request_target(url: &Url) -> String {
    match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_web_address_is_a_base() {
        let broken = [
            "",
            "pay.example",
            "ftp://pay.example",
            "https://user:pass@pay.example",
            "https://pay.example/?a=1",
            "https://pay.example/#top",
            "mailto:a@b.example",
        ];
        for text in broken {
            assert_eq!(base(text), None, "{text}");
        }
    }

    #[test]
    fn the_path_of_the_base_stays_with_and_without_a_slash_at_its_end() {
        for text in ["https://pay.example/v1", "https://pay.example/v1/"] {
            let url = under(&base(text).unwrap(), "payments");
            assert_eq!(url.as_str(), "https://pay.example/v1/payments");
            assert_eq!(request_target(&url), "/v1/payments");
        }
        assert_eq!(under(&base("http://127.0.0.1:1").unwrap(), "checkout").path(), "/checkout");
    }
}
