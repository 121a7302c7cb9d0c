//! Authenticator apps (SEC-8 … 10).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use crypto::envelope::Label;
use crypto::totp::TotpSecret;
use domain::ids::{FactorId, SessionId, UserId};
use domain::time::Duration;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};

use super::recovery::{self, RecoveryCodes};
use super::store::{self, StoredTotp};
use super::{Method, approval, changed, has_any};
use crate::actor::Context;
use crate::app::App;
use crate::identity::guesses::Counted;
use crate::identity::proof::Proof;
use crate::identity::{IdentityError, MIN_PASSWORD_CHARS, sessions};
use crate::notifications::SecurityEvent;
use crate::tx::StoreError;

const SECRET: Label = Label::new("totp_factors", "secret_encrypted");
/// How long an enrolment waits for its first code (wall time).
const ENROLMENT_LIFE: Duration = Duration::minutes(30);

/// What an authenticator app needs to know, shown once.
#[derive(Debug)]
pub struct Enrolment {
    /// To be typed.
    pub secret: SecretString,
    /// To be opened on a telephone.
    pub otpauth: SecretString,
    /// To be scanned: an SVG picture.
    pub qr_svg: SecretString,
}

impl App {
    /// Makes a secret that waits for its first code. A second one takes the place of the first.
    pub async fn enrol_totp(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<Enrolment, IdentityError> {
        let proved = self.verify_proof(context, user, proof).await?;
        let profile = self.profile(user).await?.ok_or(IdentityError::UnknownUser)?;
        let secret = TotpSecret::random(&**self.random());
        self.tx("enrol_totp", context, |tx| {
            let secret = &secret;
            async move {
                proved.still_holds(tx).await?;
                let trusted_from = approval(tx, user, proved).await?;
                let id = FactorId::new(tx.wall(), &tx.entropy());
                let text = SecretString::from(STANDARD.encode(secret.expose()));
                let sealed = self.keys().seal(
                    &**self.random(),
                    &SECRET,
                    id.uuid(),
                    text.expose_secret().as_bytes(),
                )?;
                Ok::<_, IdentityError>(
                    store::replace_waiting_totp(tx, id, user, &sealed, trusted_from).await?,
                )
            }
            .scope_boxed()
        })
        .await?;
        let issuer = &self.company_name();
        Ok(Enrolment {
            secret: secret.base32(),
            otpauth: secret.otpauth(issuer, &profile.email),
            qr_svg: secret
                .qr_svg(issuer, &profile.email)
                .map_err(|error| StoreError::Encryption(error.to_string()))?,
        })
    }

    /// Confirms the secret by its first code. Where no factor was set up before, ten recovery codes come along.
    pub async fn confirm_totp(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
        code: &SecretString,
    ) -> Result<Option<RecoveryCodes>, IdentityError> {
        let wall = self.clock().wall();
        let waiting = store::find_totp(self.db(), user, false).await?;
        let waiting = waiting.filter(|waiting| wall - waiting.created_at < ENROLMENT_LIFE);
        let waiting = waiting.ok_or(IdentityError::NothingToConfirm)?;
        let attempt = self.count_try(Counted::Codes(user)).await?;
        let secret = self.open_totp(&waiting)?;
        let step = secret.matching_step(code.expose_secret(), wall.unix_timestamp());
        let step = step.ok_or(IdentityError::WrongCode)?;
        self.forgive(attempt).await?;
        let codes = RecoveryCodes::generate(&**self.random());
        self.tx("confirm_totp", context, |tx| {
            let (waiting, codes) = (&waiting, &codes);
            async move {
                let first = !has_any(tx, user).await?;
                if !store::confirm_totp(tx, user, waiting.id, step).await? {
                    return Err(IdentityError::NothingToConfirm);
                }
                if first {
                    recovery::replace(tx, user, codes).await?;
                }
                sessions::note_second_factor(tx, session).await?;
                changed(tx, user, "second_factor.added", Method::Totp, SecurityEvent::TotpEnabled).await?;
                Ok(first)
            }
            .scope_boxed()
        })
        .await
        .map(|first| first.then_some(codes))
    }

    /// Removes the authenticator app, and with it everything that needs one beside it. Refused while the password is too
    /// short to guard the account alone.
    pub async fn remove_totp(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<(), IdentityError> {
        // Beside the app it could be shorter than one that must do alone (SEC-1).
        if proof.password.expose_secret().chars().count() < MIN_PASSWORD_CHARS {
            return Err(IdentityError::PasswordTooShortAlone);
        }
        let proved = self.verify_proof(context, user, proof).await?;
        self.tx("remove_totp", context, |tx| {
            async move {
                proved.still_holds(tx).await?;
                if !store::delete_totp(tx, user).await? {
                    return Err(IdentityError::NothingToConfirm);
                }
                // SMS is offered only beside an app (SEC-12), and recovery codes recover something.
                store::delete_all(tx, user).await?;
                sessions::forget_second_factors(tx, user).await?;
                Ok(changed(tx, user, "second_factor.removed", Method::Totp, SecurityEvent::TotpDisabled)
                    .await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Whether it is a code of the confirmed app that was not used before.
    pub(super) async fn use_totp(&self, user: UserId, code: &SecretString) -> Result<bool, StoreError> {
        let Some(stored) = store::find_totp(self.db(), user, true).await? else { return Ok(false) };
        let secret = self.open_totp(&stored)?;
        match secret.matching_step(code.expose_secret(), self.clock().wall().unix_timestamp()) {
            Some(step) => store::use_step(self.db(), stored.id, step).await,
            None => Ok(false),
        }
    }

    fn open_totp(&self, stored: &StoredTotp) -> Result<TotpSecret, StoreError> {
        let text = self.keys().open_text(&SECRET, stored.id.uuid(), &stored.secret_encrypted)?;
        let bytes = STANDARD.decode(text.expose_secret()).ok().map(zeroize::Zeroizing::new);
        bytes
            .and_then(|bytes| TotpSecret::from_bytes(&bytes))
            .ok_or_else(|| StoreError::Corrupt("totp_factors.secret_encrypted".to_owned()))
    }
}
