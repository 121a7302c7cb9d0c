//! `X-Signature`, the sandbox's own reading: `t=<unix>,v1=<hex HMAC-SHA256(secret, "<t>.<raw body>")>`; a request without a body
//! signs `"<t>.<METHOD> <path?query>"` as `v2`.

use aws_lc_rs::hmac;

/// How far a signature's time may lie from wall time, both ways.
pub(crate) const TOLERANCE_S: i64 = 300;

/// The longest header worth reading.
const LONGEST_HEADER: usize = 1024;

/// What a signature covers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Signed<'a> {
    /// The raw bytes of a body, `v1`.
    Body(&'a [u8]),
    /// A request without a body, `v2`: method and path with query as sent.
    Line { method: &'a str, target: &'a str },
}

impl Signed<'_> {
    fn scheme(self) -> &'static str {
        match self {
            Self::Body(_) => "v1",
            Self::Line { .. } => "v2",
        }
    }

    fn message(self, t: i64) -> Vec<u8> {
        match self {
            Self::Body(body) => [format!("{t}.").as_bytes(), body].concat(),
            Self::Line { method, target } => format!("{t}.{method} {target}").into_bytes(),
        }
    }
}

/// Why a signature was refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the X-Signature header is missing")]
    Missing,
    #[error("the X-Signature header can't be read")]
    Malformed,
    #[error("the signature's time is more than 300 s away")]
    Stale,
    #[error("no signature matches")]
    Mismatch,
}

/// The header for `signed` at wall time `t`.
pub(crate) fn header(secret: &str, t: i64, signed: Signed<'_>) -> String {
    format!("t={t},{}={}", signed.scheme(), hex_mac(secret, &signed.message(t)))
}

/// Hex HMAC-SHA256; also what signs the query of a checkout link.
pub(crate) fn hex_mac(secret: &str, message: &[u8]) -> String {
    hex::encode(hmac::sign(&key(secret), message))
}

/// Compares in constant time.
pub(crate) fn matches(secret: &str, message: &[u8], hex_mac: &str) -> bool {
    hex::decode(hex_mac).is_ok_and(|mac| hmac::verify(&key(secret), message, &mac).is_ok())
}

/// Accepts one readable time within the tolerance and at least one matching signature of the scheme that the request calls for.
pub(crate) fn verify(
    secret: &str,
    header: Option<&str>,
    now: i64,
    signed: Signed<'_>,
) -> Result<(), Refused> {
    let header = header.ok_or(Refused::Missing)?;
    if header.len() > LONGEST_HEADER {
        return Err(Refused::Malformed);
    }
    let mut time = None;
    let mut macs = Vec::new();
    for part in header.split(',') {
        let (name, value) = part.trim().split_once('=').ok_or(Refused::Malformed)?;
        if name == "t" {
            let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
            let read = digits.then(|| value.parse::<i64>().ok()).flatten().ok_or(Refused::Malformed)?;
            if time.replace(read).is_some() {
                return Err(Refused::Malformed);
            }
        } else if name == signed.scheme() {
            macs.push(value);
        }
    }
    let time = time.ok_or(Refused::Malformed)?;
    if time.abs_diff(now) > TOLERANCE_S.unsigned_abs() {
        return Err(Refused::Stale);
    }
    let message = signed.message(time);
    if macs.iter().any(|mac| matches(secret, &message, mac)) { Ok(()) } else { Err(Refused::Mismatch) }
}

fn key(secret: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: Signed<'static> = Signed::Body(b"{\"a\":1}");

    #[test]
    fn the_known_vector_of_rfc_4231_holds() {
        assert_eq!(
            hex_mac("Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn a_signature_holds_for_its_secret_body_scheme_and_time_only() {
        let header = header("s", 1000, BODY);
        assert_eq!(verify("s", Some(&header), 1300, BODY), Ok(()));
        assert_eq!(verify("s", Some(&header), 700, BODY), Ok(()));
        assert_eq!(verify("s", Some(&header), 1301, BODY), Err(Refused::Stale));
        assert_eq!(verify("s", Some(&header), 699, BODY), Err(Refused::Stale));
        assert_eq!(verify("other", Some(&header), 1000, BODY), Err(Refused::Mismatch));
        assert_eq!(verify("s", Some(&header), 1000, Signed::Body(b"{\"a\":2}")), Err(Refused::Mismatch));
        let line = Signed::Line { method: "GET", target: "/psp/payments/1" };
        assert_eq!(verify("s", Some(&header), 1000, line), Err(Refused::Mismatch));
        assert_eq!(verify("s", None, 1000, BODY), Err(Refused::Missing));
    }

    #[test]
    fn one_of_several_signatures_is_enough_while_a_secret_rotates() {
        let both = format!("{},v1={}", header("old", 5, BODY), hex_mac("new", b"5.{\"a\":1}"));
        assert_eq!(verify("old", Some(&both), 5, BODY), Ok(()));
        assert_eq!(verify("new", Some(&both), 5, BODY), Ok(()));
    }

    #[test]
    fn headers_of_nonsense_are_malformed() {
        for header in
            ["", "t", "v1=00", "t=,v1=00", "t=1,t=1,v1=00", "t=-1,v1=00", "t=99999999999999999999,v1=00"]
        {
            assert_eq!(verify("s", Some(header), 1, BODY), Err(Refused::Malformed), "{header}");
        }
        assert_eq!(verify("s", Some("t=1,v1=zz"), 1, BODY), Err(Refused::Mismatch));
    }
}
