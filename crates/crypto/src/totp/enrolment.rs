//! How a secret gets into an authenticator app: as text to type, as an `otpauth` address, as a QR code.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};
use secrecy::{ExposeSecret, SecretString};

use super::{DIGITS, STEP_SECONDS, TotpSecret};
use crate::base32::{self, RFC_4648};

/// The empty margin around a QR code, in modules: readers ask for four.
const QUIET_ZONE: i32 = 4;

/// Issuer and account are too long to fit into a QR code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the issuer and the account are too long for a QR code")]
pub struct TooLongForQr;

impl TotpSecret {
    /// The secret as people type it into an app: base32 without padding.
    pub fn base32(&self) -> SecretString {
        SecretString::from(base32::encode(RFC_4648, self.expose()))
    }

    /// The address that apps read from a QR code, or open by a link on the same phone. A colon separates
    /// issuer and account, so neither may hold one: it becomes a space.
    pub fn otpauth(&self, issuer: &str, account: &str) -> SecretString {
        let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
        let secret = self.base32();
        let secret = secret.expose_secret();
        SecretString::from(format!(
            "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}"
        ))
    }

    /// The address as a QR code: an SVG image without style or script, black on white, that scales to any
    /// size.
    pub fn qr_svg(&self, issuer: &str, account: &str) -> Result<SecretString, TooLongForQr> {
        let code = QrCode::encode_text(self.otpauth(issuer, account).expose_secret(), QrCodeEcc::Medium)
            .map_err(|_| TooLongForQr)?;
        Ok(SecretString::from(svg(&code)))
    }
}

/// Draws the dark modules as one path of horizontal strokes, one module high. The size is written out, so
/// that the image has one where no style sheet gives it another.
fn svg(code: &QrCode) -> String {
    let side = code.size() + 2 * QUIET_ZONE;
    let pixels = side * 4;
    let modules = dark_strokes(code);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{pixels}" height="{pixels}" role="img" aria-label="QR" shape-rendering="crispEdges"><rect width="{side}" height="{side}" fill="#fff"/><path stroke="#000" d="{modules}"/></svg>"##
    )
}

fn dark_strokes(code: &QrCode) -> String {
    let mut path = String::with_capacity(16 * 1024);
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|at| code.get_module(*at, y)).zip(1..).last();
            let Some((_, length)) = run else {
                x += 1;
                continue;
            };
            write!(path, "M{} {}.5h{length}", x + QUIET_ZONE, y + QUIET_ZONE)
                .expect("writing to a String can't fail");
            x += length;
        }
    }
    path
}

/// RFC 3986: everything but letters, digits and `-._~` as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.trim().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            b':' => encoded.push_str("%20"),
            _ => write!(encoded, "%{byte:02X}").expect("writing to a String can't fail"),
        }
    }
    encoded
}
