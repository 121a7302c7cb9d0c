//! Access tokens: short-lived statements that every instance can check without asking anybody (SEC-14,
//! SEC-15).
//!
//! jsonwebtoken makes and checks the signature. What a token must say is checked here, because the library
//! reads leniently: only the header and the claims that [`AccessTokens::issue`] writes are accepted, each
//! with its exact JSON type. A later release that adds a claim must first learn to accept it, and issue it
//! one release later.
//!
//! The keys come as a ring, so that a rotation asks little of the clocks: a new key is known to every instance
//! before it signs, and the one before it verifies until the last token under it has expired (SEC-16).

mod jws;
mod ring;

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::jws::Compact;
#[cfg(test)]
pub(crate) use self::jws::verify as verify_jws;
use self::ring::Ring;
pub use self::ring::SigningKey;

/// The longest life of an access token, in seconds.
pub const MAX_LIFE_SECONDS: i64 = 1_800;

/// The longest token that is looked at, in bytes. Ours have about 500.
pub const MAX_TOKEN_LEN: usize = 2_048;

/// An instance's clock may be this far behind the one that issued, in seconds.
pub const CLOCK_SKEW_SECONDS: i64 = 30;

const TYPE: &str = "at+jwt";
const MAX_NAME_LEN: usize = 256;
const MAX_ROLE_LEN: usize = 64;

/// Who acts. Times are in whole seconds since 1970, by the wall clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// The user.
    pub sub: Uuid,
    /// The session.
    pub sid: Uuid,
    /// This token.
    pub jti: Uuid,
    /// The user's role when it was issued.
    pub role: String,
    /// When it was issued.
    pub iat: i64,
    /// From when on it is worth nothing.
    pub exp: i64,
}

/// A token that is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it states.
    pub claims: Claims,
    /// The name of the key that signed it, so that one revoked since the ring was read can be refused.
    pub kid: String,
}

/// The claims as they travel. Derived reading refuses a member that stands twice, is missing, unknown or of
/// another type.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    iss: std::borrow::Cow<'a, str>,
    aud: std::borrow::Cow<'a, str>,
    sub: Uuid,
    sid: Uuid,
    jti: Uuid,
    role: std::borrow::Cow<'a, str>,
    iat: i64,
    exp: i64,
}

/// Why a token is refused. For logs and counters; the client only learns "401".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JwtError {
    /// Longer than [`MAX_TOKEN_LEN`].
    #[error("the token is longer than {MAX_TOKEN_LEN} bytes")]
    TooLong,
    /// Not three parts of strict base64url.
    #[error("the token is malformed")]
    Malformed,
    /// The header is no JSON object of just `alg`, `typ` and `kid`, each once (`jku`, `jwk`, `x5u`, `crit` …
    /// are refused).
    #[error("the token's header is not one of ours")]
    Header,
    /// Anything but HS256, `none` included.
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    /// Not `at+jwt`.
    #[error("the token is of another type")]
    Type,
    /// No `kid`, or one that is not known or no longer accepted.
    #[error("the token's key is not known")]
    UnknownKey,
    /// No key signs at this time.
    #[error("no key signs tokens at this time")]
    NoSigningKey,
    /// The signature does not fit.
    #[error("the token's signature does not fit")]
    Signature,
    /// A claim is missing, unknown, twice, or of the wrong JSON type.
    #[error("the token's claims are not ours")]
    Claims,
    /// Another issuer.
    #[error("the token is from another issuer")]
    Issuer,
    /// For somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Lives not at all, or longer than [`MAX_LIFE_SECONDS`].
    #[error("the token's life is not between 1 and {MAX_LIFE_SECONDS} seconds")]
    Life,
    /// Issued in the future.
    #[error("the token is issued in the future")]
    NotYet,
    /// Over.
    #[error("the token has expired")]
    Expired,
}

/// Why access tokens can't be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccessTokensError {
    /// There is none.
    #[error("there is no signing key")]
    NoKey,
    /// Two keys have one name, so a token would not say which it means.
    #[error("two signing keys are the same")]
    DuplicateKey,
    /// Empty or longer than 256 bytes.
    #[error("issuer and audience must have between 1 and {MAX_NAME_LEN} bytes")]
    Name,
}

/// Issues and verifies access tokens.
pub struct AccessTokens {
    issuer: String,
    audience: String,
    ring: Ring,
}

impl AccessTokens {
    /// Takes the keys of the ring, in any order.
    pub fn new(keys: &[SigningKey], issuer: &str, audience: &str) -> Result<Self, AccessTokensError> {
        for name in [issuer, audience] {
            if name.is_empty() || name.len() > MAX_NAME_LEN {
                return Err(AccessTokensError::Name);
            }
        }
        // Named here, because the library would panic at the first token if another crate of the build
        // enabled a second provider. Only the first call of a process has an effect.
        let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        Ok(Self { issuer: issuer.to_owned(), audience: audience.to_owned(), ring: Ring::new(keys)? })
    }

    /// Signs the claims with the newest key that signs at `claims.iat`; refuses what [`AccessTokens::verify`]
    /// would refuse.
    pub fn issue(&self, claims: &Claims) -> Result<String, JwtError> {
        check_life(claims.iat, claims.exp)?;
        check_role(&claims.role)?;
        let wire = Wire {
            iss: self.issuer.as_str().into(),
            aud: self.audience.as_str().into(),
            sub: claims.sub,
            sid: claims.sid,
            jti: claims.jti,
            role: claims.role.as_str().into(),
            iat: claims.iat,
            exp: claims.exp,
        };
        let key = self.ring.signing_at(claims.iat).ok_or(JwtError::NoSigningKey)?;
        let token = jsonwebtoken::encode(&key.header, &wire, &key.signing).map_err(|_| JwtError::Claims)?;
        if token.len() > MAX_TOKEN_LEN { Err(JwtError::TooLong) } else { Ok(token) }
    }

    /// Believes a token that one of our keys signed, that is ours in every member, and that lives now.
    pub fn verify(&self, token: &str, wall_unix_seconds: i64) -> Result<Verified, JwtError> {
        let compact = Compact::parse(token)?;
        if compact.header.typ.as_deref() != Some(TYPE) {
            return Err(JwtError::Type);
        }
        let kid = compact.header.kid.as_deref().ok_or(JwtError::UnknownKey)?;
        let key = self.ring.verifying_at(kid, wall_unix_seconds).ok_or(JwtError::UnknownKey)?;
        let payload = compact.verify(&key.verifying)?;
        let claims = self.check(&payload, wall_unix_seconds)?;
        Ok(Verified { claims, kid: key.kid.clone() })
    }

    fn check(&self, payload: &[u8], now: i64) -> Result<Claims, JwtError> {
        let wire: Wire<'_> = jws::object(payload).ok_or(JwtError::Claims)?;
        if wire.iss != self.issuer {
            return Err(JwtError::Issuer);
        }
        if wire.aud != self.audience {
            return Err(JwtError::Audience);
        }
        check_role(&wire.role)?;
        check_life(wire.iat, wire.exp)?;
        if wire.iat > now.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(JwtError::NotYet);
        }
        if wire.exp <= now {
            return Err(JwtError::Expired);
        }
        let Wire { sub, sid, jti, role, iat, exp, .. } = wire;
        Ok(Claims { sub, sid, jti, role: role.into_owned(), iat, exp })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .field("kids", &self.ring.kids())
            .finish()
    }
}

fn check_life(iat: i64, exp: i64) -> Result<(), JwtError> {
    let life = exp.checked_sub(iat).ok_or(JwtError::Life)?;
    if iat >= 0 && (1..=MAX_LIFE_SECONDS).contains(&life) { Ok(()) } else { Err(JwtError::Life) }
}

fn check_role(role: &str) -> Result<(), JwtError> {
    if role.is_empty() || role.len() > MAX_ROLE_LEN { Err(JwtError::Claims) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
