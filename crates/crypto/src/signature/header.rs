//! The header's text, read strictly: `name=value` joined by commas, no white space, one canonical spelling
//! for each value.

use super::{MAX_HEADER_LEN, SignatureError};

/// Enough for the year 33658.
const MAX_TIME_DIGITS: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

impl Version {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

#[derive(Debug)]
pub(super) struct Header {
    pub(super) timestamp: u64,
    signatures: Vec<(Version, [u8; 32])>,
}

impl Header {
    pub(super) fn parse(text: &str) -> Result<Self, SignatureError> {
        if text.len() > MAX_HEADER_LEN {
            return Err(SignatureError::HeaderTooLong);
        }
        let mut timestamp = None;
        let mut signatures = Vec::new();
        for member in text.split(',') {
            let (name, value) = member.split_once('=').ok_or(SignatureError::Malformed)?;
            match name {
                "t" if timestamp.is_some() => return Err(SignatureError::DuplicateTime),
                "t" => timestamp = Some(time(value)?),
                "v1" => signatures.push((Version::V1, signature_bytes(value)?)),
                "v2" => signatures.push((Version::V2, signature_bytes(value)?)),
                _ => {}
            }
        }
        Ok(Self { timestamp: timestamp.ok_or(SignatureError::MissingTime)?, signatures })
    }

    pub(super) fn signatures(&self, version: Version) -> impl Iterator<Item = &[u8; 32]> {
        self.signatures.iter().filter(move |(of, _)| *of == version).map(|(_, bytes)| bytes)
    }
}

/// Digits only, without a leading zero: the number is signed as it is written.
pub(super) fn time(value: &str) -> Result<u64, SignatureError> {
    let canonical = (1..=MAX_TIME_DIGITS).contains(&value.len())
        && value.bytes().all(|byte| byte.is_ascii_digit())
        && (value == "0" || !value.starts_with('0'));
    if canonical {
        value.parse().map_err(|_| SignatureError::Malformed)
    } else {
        Err(SignatureError::Malformed)
    }
}

/// 64 lower-case hex digits.
pub(super) fn signature_bytes(value: &str) -> Result<[u8; 32], SignatureError> {
    if value.is_empty() {
        return Err(SignatureError::EmptySignature);
    }
    if value.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(SignatureError::Malformed);
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(value, &mut bytes).map_err(|_| SignatureError::Malformed)?;
    Ok(bytes)
}
