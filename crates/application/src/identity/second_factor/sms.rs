//! The telephone as a second factor (SEC-12): only beside an authenticator app, only once it has shown its code.

use crypto::envelope::Label;
use crypto::fingerprint::constant_time_eq;
use domain::ids::{ChallengeId, FactorId, SessionId, UserId};
use domain::time::Instant;
use gateways::sms::{Checked, PhoneNumber, Twilio, VerificationSid};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};

use super::challenge::{self, Purpose};
use super::texts::count_message;
use super::{Method, TRUSTED_AFTER, Waiting, approval, changed};
use crate::actor::Context;
use crate::app::App;
use crate::identity::guesses::Counted;
use crate::identity::login::Client;
use crate::identity::proof::Proof;
use crate::identity::{IdentityError, sessions};
use crate::notifications::SecurityEvent;
use crate::tx::{StoreError, Tx};

const PHONE: Label = Label::new("sms_factors", "phone_encrypted");

impl App {
    /// Adds a telephone: a code is sent to it, which must come back.
    pub async fn enrol_sms(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
        phone: &str,
    ) -> Result<(), IdentityError> {
        let service = self.sms().ok_or(IdentityError::SmsUnavailable)?;
        // As people group the digits.
        let written: String =
            phone.chars().filter(|written| !" \u{a0}\u{202f}-.()".contains(*written)).collect();
        let phone = PhoneNumber::parse(&written).map_err(|_| IdentityError::InvalidPhone)?;
        if self.factors(user).await?.totp.is_none() {
            return Err(IdentityError::AppRequired);
        }
        let proved = self.verify_proof(context, user, proof).await?;
        let due = self
            .tx("enrol_sms", context, |tx| {
                let phone = &phone;
                async move {
                    proved.still_holds(tx).await?;
                    let trusted_from = approval(tx, user, proved).await?;
                    let id = FactorId::new(tx.wall(), &tx.entropy());
                    let sealed =
                        self.keys().seal(&**self.random(), &PHONE, id.uuid(), phone.as_e164().as_bytes())?;
                    replace_waiting(tx, id, user, &sealed, &phone.masked(), trusted_from).await?;
                    let challenge = challenge::open(tx, user, Purpose::SmsConfirm).await?;
                    count_message(self, tx, service, user, challenge, phone.clone()).await
                }
                .scope_boxed()
            })
            .await?;
        self.send_code(service, due).await
    }

    /// Confirms the telephone by the code that was sent to it.
    pub async fn confirm_sms(
        &self,
        context: &Context,
        user: UserId,
        session: SessionId,
        code: &SecretString,
    ) -> Result<(), IdentityError> {
        let waiting = self.find_challenge(user, Purpose::SmsConfirm).await?;
        let waiting = waiting.ok_or(IdentityError::NothingToConfirm)?;
        self.try_code(context, Counted::Codes(user), user, Some(&waiting), Method::Sms, code).await?;
        self.tx("confirm_sms", context, |tx| {
            async move {
                if !challenge::close(tx, waiting.id).await? || !confirm(tx, user).await? {
                    return Err(IdentityError::NothingToConfirm);
                }
                // What was sent to the telephone before is worth nothing any more.
                challenge::close_all(tx, user).await?;
                sessions::note_second_factor(tx, session).await?;
                Ok(changed(tx, user, "second_factor.added", Method::Sms, SecurityEvent::SmsEnabled).await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Removes the telephone.
    pub async fn remove_sms(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<(), IdentityError> {
        let proved = self.verify_proof(context, user, proof).await?;
        self.tx("remove_sms", context, |tx| {
            async move {
                proved.still_holds(tx).await?;
                let query = sqlx::query!("DELETE FROM sms_factors WHERE user_id = $1", user.uuid());
                if query.execute(tx.db()).await?.rows_affected() == 0 {
                    return Err(IdentityError::NothingToConfirm);
                }
                challenge::close_all(tx, user).await?;
                Ok(changed(tx, user, "second_factor.removed", Method::Sms, SecurityEvent::SmsDisabled)
                    .await?)
            }
            .scope_boxed()
        })
        .await
    }

    /// Sends a code for a login that waits for one.
    pub async fn send_login_code(
        &self,
        context: &Context,
        token: &SecretString,
        client: Client,
    ) -> Result<(), IdentityError> {
        let token = crypto::token::OpaqueToken::parse(token.expose_secret());
        let token = token.map_err(|_| IdentityError::ChallengeEnded)?;
        let waiting =
            self.find_login_challenge(&token, client).await?.ok_or(IdentityError::ChallengeEnded)?;
        self.send_to_confirmed(context, waiting.user, Some(waiting.id)).await
    }

    /// Sends a code to somebody who is logged in, for a proof or a step-up.
    pub async fn send_proof_code(&self, context: &Context, user: UserId) -> Result<(), IdentityError> {
        self.send_to_confirmed(context, user, None).await
    }

    async fn send_to_confirmed(
        &self,
        context: &Context,
        user: UserId,
        challenge: Option<ChallengeId>,
    ) -> Result<(), IdentityError> {
        let service = self.sms().ok_or(IdentityError::SmsUnavailable)?;
        let phone = self.confirmed_phone(user).await?.ok_or(IdentityError::SmsUnavailable)?;
        let due = self
            .tx("send_code", context, |tx| {
                let phone = phone.clone();
                async move {
                    let challenge = match challenge {
                        Some(challenge) => challenge,
                        None => challenge::open(tx, user, Purpose::Proof).await?,
                    };
                    count_message(self, tx, service, user, challenge, phone).await
                }
                .scope_boxed()
            })
            .await?;
        self.send_code(service, due).await
    }

    async fn confirmed_phone(&self, user: UserId) -> Result<Option<PhoneNumber>, StoreError> {
        let row = sqlx::query!(
            "SELECT id, phone_encrypted FROM sms_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL",
            user.uuid()
        );
        let Some(row) = row.fetch_optional(self.db()).await? else { return Ok(None) };
        let text = self.keys().open_text(&PHONE, row.id, &row.phone_encrypted)?;
        let phone = PhoneNumber::parse(text.expose_secret());
        phone.map(Some).map_err(|_| StoreError::Corrupt("sms_factors.phone_encrypted".to_owned()))
    }

    /// Whether it is the code that was sent for this challenge. It works once.
    pub(super) async fn use_sms_code(
        &self,
        user: UserId,
        challenge: Option<&Waiting>,
        code: &SecretString,
    ) -> Result<bool, IdentityError> {
        let Some(waiting) = challenge.filter(|waiting| waiting.user == user) else { return Ok(false) };
        if waiting.sms_expires_at.is_none_or(|end| end <= self.clock().wall()) {
            return Ok(false);
        }
        let code = SecretString::from(code.expose_secret().trim().replace(' ', ""));
        if let Some(kept) = &waiting.sms_code_hash {
            return Ok(constant_time_eq(kept, &self.code_mac(waiting.id, &code))
                && self.burn_code(waiting.id).await?);
        }
        let (Some(service), Some(reference)) = (self.sms(), &waiting.sms_reference) else { return Ok(false) };
        let (Twilio::Verify(verify), Ok(sid)) = (&service.twilio, VerificationSid::parse(reference)) else {
            return Ok(false);
        };
        match verify.check(&sid, code.expose_secret()).await {
            Ok(Checked::Approved) => Ok(self.burn_code(waiting.id).await?),
            Ok(_) => Ok(false),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a code could not be checked");
                Err(IdentityError::SmsUnavailable)
            }
        }
    }

    /// Of many who show the same code at once, one wins.
    async fn burn_code(&self, challenge: ChallengeId) -> Result<bool, StoreError> {
        let query = sqlx::query!(
            "UPDATE challenges SET sms_code_hash = NULL, sms_reference = NULL, sms_expires_at = NULL
             WHERE id = $1 AND sms_expires_at IS NOT NULL",
            challenge.uuid()
        );
        Ok(query.execute(self.db()).await?.rows_affected() == 1)
    }

    /// The challenge that a code of a proof answers; apps and recovery codes need none.
    pub(in crate::identity) async fn proof_challenge(
        &self,
        user: UserId,
        method: Method,
    ) -> Result<Option<Waiting>, IdentityError> {
        if method != Method::Sms {
            return Ok(None);
        }
        let waiting = self.find_challenge(user, Purpose::Proof).await?;
        waiting.map(Some).ok_or(IdentityError::ChallengeEnded)
    }
}

async fn replace_waiting(
    tx: &mut Tx,
    id: FactorId,
    user: UserId,
    phone_encrypted: &[u8],
    phone_masked: &str,
    trusted_from: Option<Instant>,
) -> Result<(), StoreError> {
    let now = tx.wall();
    let old =
        sqlx::query!("DELETE FROM sms_factors WHERE user_id = $1 AND confirmed_at IS NULL", user.uuid());
    old.execute(tx.db()).await?;
    sqlx::query!(
        "INSERT INTO sms_factors (id, user_id, phone_encrypted, phone_masked, created_at, trusted_from)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id.uuid(),
        user.uuid(),
        phone_encrypted,
        phone_masked,
        now,
        trusted_from
    )
    .execute(tx.db())
    .await?;
    Ok(())
}

/// Lets the waiting telephone take the place of the confirmed one.
async fn confirm(tx: &mut Tx, user: UserId) -> Result<bool, StoreError> {
    let now = tx.wall();
    let old = sqlx::query!(
        "DELETE FROM sms_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL
           AND EXISTS (SELECT FROM sms_factors WHERE user_id = $1 AND confirmed_at IS NULL)",
        user.uuid()
    );
    old.execute(tx.db()).await?;
    let confirmed = sqlx::query!(
        "UPDATE sms_factors SET confirmed_at = $2, trusted_from = COALESCE(trusted_from, $3)
         WHERE user_id = $1 AND confirmed_at IS NULL",
        user.uuid(),
        now,
        now + TRUSTED_AFTER
    );
    Ok(confirmed.execute(tx.db()).await?.rows_affected() == 1)
}
