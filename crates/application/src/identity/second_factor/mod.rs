//! Second factors: authenticator apps, telephones, recovery codes (SEC-8 … 13).
//!
//! A code is counted before it is looked at: against its challenge, which five wrong ones end, and against the account,
//! whose wait grows. Passing the first factor resets neither.

pub(super) mod challenge;
mod recovery;
mod sms;
mod store;
pub(super) mod texts;
mod totp;

use std::fmt;
use std::str::FromStr;

use domain::ids::{ChallengeId, UserId};
use domain::time::{Duration, Instant};
use scoped_futures::ScopedFutureExt;
use secrecy::SecretString;
use serde_json::json;

pub(super) use self::challenge::Waiting;
pub use self::recovery::RecoveryCodes;
pub use self::totp::Enrolment;
use super::guesses::{Counted, NOTEWORTHY_CODES};
use super::proof::Proved;
use super::{IdentityError, notices};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::SecurityEvent;
use crate::tx::{StoreError, Tx};

/// A factor younger than this cannot approve what needs a step-up, unless an older one approved it (SEC-24; wall time).
/// One that a young factor approved is no older than that.
pub(super) const TRUSTED_AFTER: Duration = Duration::hours(24);

/// How a second factor is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The code of an authenticator app.
    Totp,
    /// A code that was sent to a telephone.
    Sms,
    /// One of the codes for when the telephone is lost.
    RecoveryCode,
}

impl Method {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Sms => "sms",
            Self::RecoveryCode => "recovery_code",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A method that does not exist.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a method is totp, sms or recovery_code")]
pub struct UnknownMethod;

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        [Self::Totp, Self::Sms, Self::RecoveryCode]
            .into_iter()
            .find(|method| method.as_str() == text)
            .ok_or(UnknownMethod)
    }
}

/// What somebody has set up.
#[derive(Clone, Debug, Default)]
pub struct Factors {
    /// Since when an authenticator app is confirmed, and from when on it may approve what needs a step-up.
    pub totp: Option<(Instant, Instant)>,
    /// The confirmed telephone, as its owner recognises it, and the same two instants.
    pub sms: Option<(String, Instant, Instant)>,
    /// How many recovery codes are left.
    pub recovery_codes_left: i64,
}

impl App {
    /// What a user has set up.
    pub async fn factors(&self, user: UserId) -> Result<Factors, StoreError> {
        store::factors(self.db(), user).await
    }

    /// How a user can show a second factor now; empty where none is set up.
    pub(super) async fn methods(&self, user: UserId) -> Result<Vec<Method>, StoreError> {
        let factors = self.factors(user).await?;
        let mut methods = Vec::new();
        if factors.totp.is_some() {
            methods.push(Method::Totp);
        }
        // A telephone is never the only factor, but whoever turned SMS off must not lock its users out.
        if factors.sms.is_some() && self.sms().is_some() {
            methods.push(Method::Sms);
        }
        if !methods.is_empty() && factors.recovery_codes_left > 0 {
            methods.push(Method::RecoveryCode);
        }
        Ok(methods)
    }

    /// Tries a code. Whatever comes out, it was counted first.
    pub(super) async fn try_code(
        &self,
        context: &Context,
        counted: Counted<'_>,
        user: UserId,
        challenge: Option<&Waiting>,
        method: Method,
        code: &SecretString,
    ) -> Result<(), IdentityError> {
        let attempt = self.count_try(counted).await?;
        if let Some(challenge) = challenge {
            self.count_against_challenge(challenge.id).await?;
        }
        let fits = match method {
            Method::Totp => self.use_totp(user, code).await?,
            Method::RecoveryCode => self.use_recovery_code(context, user, code).await?,
            Method::Sms => self.use_sms_code(user, challenge, code).await?,
        };
        if fits {
            self.forgive(attempt).await?;
            return Ok(());
        }
        let noteworthy = attempt.failures == NOTEWORTHY_CODES;
        self.tx("code_refused", context, |tx| {
            async move {
                audit::record(tx, entry("second_factor.refused", user, method)).await?;
                if noteworthy {
                    let here = notices::here(tx);
                    notices::tell_daily(tx, user, SecurityEvent::CodesTried, &here).await?;
                }
                Ok::<_, StoreError>(())
            }
            .scope_boxed()
        })
        .await?;
        Err(IdentityError::WrongCode)
    }

    /// Five tries end a challenge; each is committed before its code is looked at (SEC-11).
    async fn count_against_challenge(&self, id: ChallengeId) -> Result<(), IdentityError> {
        let wall = self.clock().wall();
        let counted = sqlx::query!(
            "UPDATE challenges SET tries = tries + 1 WHERE id = $1 AND tries < 5 AND expires_at > $2",
            id.uuid(),
            wall
        )
        .execute(self.db())
        .await?;
        if counted.rows_affected() == 1 { Ok(()) } else { Err(IdentityError::ChallengeEnded) }
    }
}

/// Whether somebody has a confirmed factor.
pub(super) async fn has_any(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    store::has_any(tx.db(), user).await
}

/// Whether one of somebody's factors is old enough to approve what needs a step-up.
pub(super) async fn is_trusted(tx: &mut Tx, user: UserId, method: Method) -> Result<bool, StoreError> {
    let wall = tx.wall();
    let factors = store::factors(tx.db(), user).await?;
    let from = match method {
        Method::Totp => factors.totp.map(|(_, from)| from),
        Method::Sms => factors.sms.map(|(_, _, from)| from),
        Method::RecoveryCode => None,
    };
    Ok(from.is_some_and(|from| from <= wall))
}

/// From when on a factor is trusted that is enrolled for this proof (SEC-24): from when the factor that was shown is, if
/// one was. None where it must first grow old: nothing was shown, or a code for when the telephone is lost.
async fn approval(tx: &mut Tx, user: UserId, proved: Proved) -> Result<Option<Instant>, StoreError> {
    let factors = store::factors(tx.db(), user).await?;
    let from = match proved.method {
        Some(Method::Totp) => factors.totp.map(|(_, from)| from),
        Some(Method::Sms) => factors.sms.map(|(_, _, from)| from),
        Some(Method::RecoveryCode) | None => None,
    };
    Ok(from.map(|from| from.max(tx.wall())))
}

/// Removes everything that somebody has set up.
pub(super) async fn remove_all(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    store::delete_all(tx, user).await
}

/// What is written down and told whenever a factor changes.
async fn changed(
    tx: &mut Tx,
    user: UserId,
    action: &'static str,
    method: Method,
    event: SecurityEvent,
) -> Result<(), StoreError> {
    audit::record(tx, entry(action, user, method)).await?;
    let here = notices::here(tx);
    notices::tell(tx, user, event, &here).await
}

fn entry(action: &'static str, user: UserId, method: Method) -> audit::Entry {
    audit::Entry {
        action,
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({ "method": method.as_str() }),
    }
}
