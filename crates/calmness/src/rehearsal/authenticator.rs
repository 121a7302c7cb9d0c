//! An authenticator app: it reads the secret as it is shown, and the telephone's clock.

use crypto::totp::{self, TotpSecret};
use time::OffsetDateTime;

use super::http::{Failure, Played};

/// A code is shown only while so many seconds are left of its time step.
const STEP_RESERVE_SECONDS: i64 = 6;

/// The present time step.
pub(super) fn present_step() -> i64 {
    totp::step(now())
}

/// The present time step, with time enough left to show its code.
pub(super) async fn fresh_step() -> i64 {
    let now = now();
    let left = totp::STEP_SECONDS - now.rem_euclid(totp::STEP_SECONDS);
    if left < STEP_RESERVE_SECONDS {
        let left = u64::try_from(left).unwrap_or(1);
        tokio::time::sleep(std::time::Duration::from_secs(left)).await;
    }
    present_step()
}

#[expect(clippy::disallowed_methods, reason = "an authenticator app reads the telephone's clock")]
fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

/// Six digits that an app shows neither now nor around now.
pub(super) fn wrong_code(secret: &TotpSecret) -> String {
    let near: Vec<String> = (-3..=3).map(|steps| secret.code_at(present_step() + steps)).collect();
    // One of eight numbers is none of seven.
    let wrong = (0..=near.len()).map(|number| format!("{number:06}")).find(|code| !near.contains(code));
    wrong.unwrap_or_default()
}

/// Reads base32 (RFC 4648 §6) as an app does.
pub(super) fn secret(base32: &str) -> Played<TotpSecret> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for letter in base32.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter);
        let value = value.ok_or_else(|| Failure("the secret is no base32".to_owned()))?;
        bits = bits << 5 | u32::try_from(value).unwrap_or_default();
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or_default());
        }
    }
    TotpSecret::from_bytes(&bytes).ok_or_else(|| Failure("the secret has another length".to_owned()))
}
