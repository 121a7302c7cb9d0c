//! A fresh proof of who somebody is, before what guards their account changes (SEC-7): the password again, and a code
//! where a second factor is set up.

use domain::ids::UserId;
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use super::guesses::{Counted, NOTEWORTHY_FAILURES};
use super::second_factor::Method;
use super::{IdentityError, MAX_PASSWORD_BYTES, notices, store};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::notifications::SecurityEvent;
use crate::tx::Tx;

/// What somebody shows.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The account's password.
    pub password: SecretString,
    /// A code of the second factor; needed where one is set up.
    pub code: Option<(Method, SecretString)>,
}

/// A proof that was believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Proved {
    user: UserId,
    /// When the password that was shown had been chosen.
    password_changed_at: Option<Instant>,
    /// The second factor that was shown with it.
    pub(super) method: Option<Method>,
}

impl Proved {
    /// Locks the account for what was proved: refused if the account was frozen, or got another password, between the
    /// proof and now.
    pub(super) async fn still_holds(self, tx: &mut Tx) -> Result<(), IdentityError> {
        let account = store::lock_account(tx, self.user).await?;
        let holds = account.is_some_and(|account| {
            !account.frozen && account.password_changed_at == self.password_changed_at
        });
        if holds { Ok(()) } else { Err(IdentityError::SessionEnded) }
    }
}

impl App {
    /// Believes the proof or not. Both parts are counted before they are tried.
    pub(super) async fn verify_proof(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<Proved, IdentityError> {
        if proof.password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(IdentityError::WrongPassword);
        }
        let needs_code = !self.methods(user).await?.is_empty();
        let code = match (&proof.code, needs_code) {
            (None, true) => return Err(IdentityError::CodeRequired),
            (Some(code), true) => Some(code),
            (_, false) => None,
        };
        let password_changed_at = self.verify_own_password(context, user, &proof.password).await?;
        let method = match code {
            Some((method, code)) => {
                let challenge = self.proof_challenge(user, *method).await?;
                let counted = Counted::Codes(user);
                self.try_code(context, counted, user, challenge.as_ref(), *method, code).await?;
                Some(*method)
            }
            None => None,
        };
        Ok(Proved { user, password_changed_at, method })
    }

    /// Says when the password had been chosen.
    async fn verify_own_password(
        &self,
        context: &Context,
        user: UserId,
        password: &SecretString,
    ) -> Result<Option<Instant>, IdentityError> {
        let attempt = self.count_try(Counted::Proof(user)).await?;
        let stored = store::find_password(self.db(), user).await?;
        let changed_at = stored.as_ref().and_then(|(_, changed_at)| *changed_at);
        let verified = match self.passwords().verify(password, stored.map(|(hash, _)| hash)).await {
            Err(IdentityError::Busy) => {
                self.forgive(attempt).await?;
                return Err(IdentityError::Busy);
            }
            other => other?,
        };
        if verified.ok {
            self.forgive(attempt).await?;
            return Ok(changed_at);
        }
        let noteworthy = attempt.failures == NOTEWORTHY_FAILURES;
        self.tx("proof_refused", context, |tx| {
            async move { note_refusal(tx, user, noteworthy).await }.scope_boxed()
        })
        .await?;
        Err(IdentityError::WrongPassword)
    }
}

async fn note_refusal(tx: &mut Tx, user: UserId, noteworthy: bool) -> Result<(), IdentityError> {
    let entry = audit::Entry {
        action: "proof.refused",
        subject_kind: "user",
        subject_id: user.to_string(),
        user: Some(user),
        details: json!({}),
    };
    audit::record(tx, entry).await?;
    if noteworthy {
        let here = notices::here(tx);
        notices::tell_daily(tx, user, SecurityEvent::UnderAttack, &here).await?;
    }
    Ok(())
}
