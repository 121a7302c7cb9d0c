//! The stylesheet, the script and the pictures of the pages: part of the binary, served under addresses that
//! name their content.
//!
//! An address changes whenever the bytes do, so what it answers may be kept for ever and never has to be
//! asked for again; an old address is simply not found.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};

/// The route that [`serve`] answers.
pub const ROUTE: &str = "/assets/{name}";

const FOR_EVER: &str = "public, max-age=31536000, immutable";

struct Asset {
    /// The name that templates use.
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    /// `/assets/<stem>-<hash>.<extension>`.
    address: String,
}

impl Asset {
    fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        let address = format!("/assets/{stem}-{:016x}.{extension}", fingerprint(bytes));
        Self { name, content_type, bytes, address }
    }
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        Asset::new("style.css", "text/css; charset=utf-8", include_bytes!("../../assets/style.css")),
        Asset::new("app.js", "text/javascript; charset=utf-8", include_bytes!("../../assets/app.js")),
        Asset::new("favicon.svg", "image/svg+xml", include_bytes!("../../assets/favicon.svg")),
        Asset::new("logo.svg", "image/svg+xml", include_bytes!("../../assets/logo.svg")),
    ]
});

/// The address of an asset by its plain name, such as `style.css`; the name itself where there is none.
pub fn address(name: &'static str) -> &'static str {
    ASSETS.iter().find(|asset| asset.name == name).map_or(name, |asset| asset.address.as_str())
}

/// Answers `GET /assets/{name}`. The cache line must survive whatever `no-store` the pages get.
pub async fn serve(Path(name): Path<String>) -> Response {
    let found = ASSETS.iter().find(|asset| asset.address.strip_prefix("/assets/") == Some(name.as_str()));
    let Some(asset) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let headers: [(HeaderName, &str); 2] = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, FOR_EVER)];
    (headers, asset.bytes).into_response()
}

/// FNV-1a, 64 bits: tells two versions of our own files apart. Nothing rests on it being hard to forge.
const fn fingerprint(bytes: &[u8]) -> u64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut position = 0;
    while position < bytes.len() {
        hash = (hash ^ bytes[position] as u64).wrapping_mul(0x0100_0000_01b3);
        position += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(address: &str) -> Response {
        serve(Path(address.trim_start_matches("/assets/").to_owned())).await
    }

    #[tokio::test]
    async fn an_asset_is_served_for_ever_under_the_address_of_its_content() {
        for asset in &*ASSETS {
            let answer = get(address(asset.name)).await;
            assert_eq!(answer.status(), StatusCode::OK);
            assert_eq!(answer.headers()[CONTENT_TYPE], asset.content_type);
            assert_eq!(answer.headers()[CACHE_CONTROL], FOR_EVER);
        }
    }

    #[tokio::test]
    async fn a_plain_name_or_an_old_hash_is_not_found() {
        for wrong in ["style.css", "style-0000000000000000.css", "../Cargo.toml", ""] {
            assert_eq!(get(wrong).await.status(), StatusCode::NOT_FOUND, "{wrong}");
        }
    }

    #[test]
    fn the_hash_follows_the_content() {
        assert_eq!(fingerprint(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fingerprint(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn stylesheet_and_script_stay_small() {
        for (name, limit) in [("style.css", 25_000), ("app.js", 8_000)] {
            let asset = ASSETS.iter().find(|asset| asset.name == name).unwrap();
            assert!(asset.bytes.len() < limit, "{name} has {} bytes", asset.bytes.len());
        }
    }
}
