//! A fresh proof of who somebody is, before what guards their account changes (SEC-7): the password again, and a code
//! where a second factor is set up.

use domain::ids::UserId;
use secrecy::SecretString;

use super::guesses::Counted;
use super::second_factor::Method;
use super::{IdentityError, MAX_PASSWORD_BYTES, store};
use crate::actor::Context;
use crate::app::App;
use secrecy::ExposeSecret;

/// What somebody shows.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The account's password.
    pub password: SecretString,
    /// A code of the second factor; needed where one is set up.
    pub code: Option<(Method, SecretString)>,
}

impl App {
    /// Believes the proof or not. Both parts are counted before they are tried.
    pub(super) async fn verify_proof(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<(), IdentityError> {
        if proof.password.expose_secret().len() > MAX_PASSWORD_BYTES {
            return Err(IdentityError::WrongPassword);
        }
        let needs_code = !self.methods(user).await?.is_empty();
        let code = match (&proof.code, needs_code) {
            (None, true) => return Err(IdentityError::CodeRequired),
            (Some(code), true) => Some(code),
            (_, false) => None,
        };
        let attempt = self.count_try(Counted::Proof(user)).await?;
        let stored = store::find_password_hash(self.db(), user).await?;
        let verified = match self.passwords().verify(&proof.password, stored).await {
            Err(IdentityError::Busy) => {
                self.forgive(attempt).await?;
                return Err(IdentityError::Busy);
            }
            other => other?,
        };
        if !verified.ok {
            return Err(IdentityError::WrongPassword);
        }
        self.forgive(attempt).await?;
        let Some((method, code)) = code else { return Ok(()) };
        let challenge = self.proof_challenge(user, *method).await?;
        self.try_code(context, Counted::Codes(user), user, challenge.as_ref(), *method, code).await
    }
}
