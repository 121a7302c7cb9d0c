//! Codes to telephones (SEC-12): only beside an authenticator app, only to a confirmed number, within caps on spending.
//!
//! A message is counted before it is asked for, so no outcome is spent uncounted. In one way of sending the code is ours
//! and kept as a MAC beside its challenge; in the other Twilio makes and checks it.

use crypto::envelope::Label;
use crypto::fingerprint::constant_time_eq;
use domain::ids::{ChallengeId, FactorId, SessionId, UserId};
use domain::time::{Duration, Instant};
use gateways::sms::{
    CallingPrefix, Checked, MessageStatus, PhoneNumber, SmsError, StatusCallback, Twilio, VerificationSid,
    Verify,
};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::challenge::{self, Purpose};
use super::{Method, TRUSTED_AFTER, Waiting, approval, changed};
use crate::actor::Context;
use crate::app::App;
use crate::identity::guesses::Counted;
use crate::identity::login::Client;
use crate::identity::proof::Proof;
use crate::identity::{IdentityError, sessions, store};
use crate::notifications::SecurityEvent;
use crate::text::{Locale, text};
use crate::tx::{StoreError, Tx};

const PHONE: Label = Label::new("sms_factors", "phone_encrypted");
/// How long a code works (SEC-12; wall time).
const CODE_LIFE: Duration = Duration::minutes(10);
/// So many digits (SEC-12).
const CODE_DIGITS: usize = 6;
/// So many messages for one challenge.
const MAX_PER_CHALLENGE: i16 = 3;
/// So many messages to one account a day.
const MAX_PER_USER_A_DAY: i64 = 10;

/// Who sends messages to telephones, and how many.
#[derive(Clone, Debug)]
pub struct SmsService {
    /// The account.
    pub twilio: Twilio,
    /// So many messages a day in all.
    pub daily_cap: i64,
    /// So many messages a day to one prefix.
    pub daily_cap_per_prefix: i64,
    /// Only to these prefixes; to all, where there is none.
    pub allowed_prefixes: Vec<CallingPrefix>,
}

/// What became of a status callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SmsCallback {
    /// Believed.
    Noted,
    /// Not signed as Twilio signs, or no callbacks are expected.
    Unverified,
    /// Signed, and not to be read.
    Malformed,
}

/// The message to be sent, counted already.
struct Due {
    id: Uuid,
    challenge: ChallengeId,
    /// How many messages of the challenge this one makes.
    number: i16,
    phone: PhoneNumber,
    /// The language of whoever reads it: the account's, as in every mail.
    locale: Locale,
    /// The provider's check of this number that was for another challenge, and may still run.
    running: Option<VerificationSid>,
}

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

    /// Asks the provider, outside of any transaction, and keeps what the code will be compared with.
    async fn send_code(&self, service: &SmsService, due: Due) -> Result<(), IdentityError> {
        let sent = match &service.twilio {
            Twilio::Messages(messages) => {
                let code = self.draw_code();
                // Kept before it is sent: a lost answer must not make the code on the telephone worthless.
                self.keep_code(&due, Some(self.code_mac(due.challenge, &code)), None).await?;
                let company = &self.options().company_name;
                let words = [("code", code.expose_secret().into()), ("company", company.into())];
                let said = text(due.locale, "sms-code", &words);
                messages.send(&due.phone, &said).await.map(|sent| sent.sid.as_str().to_owned())
            }
            Twilio::Verify(verify) => match self.start_afresh(verify, &due).await {
                Ok(sid) => {
                    self.keep_code(&due, None, Some(sid.as_str())).await?;
                    Ok(sid.as_str().to_owned())
                }
                Err(error) => Err(error),
            },
        };
        let (status, reference) = match &sent {
            Ok(reference) => ("accepted", Some(reference.as_str())),
            Err(error) if error.may_be_sent() => ("unknown", None),
            Err(_) => ("refused", None),
        };
        // Verify names a check that still runs once more: it is one row's already.
        sqlx::query!(
            "UPDATE sms_messages SET status = $2,
                    reference = CASE WHEN NOT EXISTS (SELECT FROM sms_messages WHERE reference = $3) THEN $3 END
             WHERE id = $1",
            due.id,
            status,
            reference
        )
        .execute(self.db())
        .await?;
        match sent {
            Ok(_) => Ok(()),
            // It may have arrived: the code is waited for.
            Err(error) if error.may_be_sent() => Ok(()),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a code could not be sent");
                Err(IdentityError::SmsUnavailable)
            }
        }
    }

    /// Verify sends the same code again while an earlier check of the number runs, so one that was for another challenge
    /// ends first: a code belongs to its challenge (SEC-12).
    async fn start_afresh(&self, verify: &Verify, due: &Due) -> Result<VerificationSid, SmsError> {
        if let Some(running) = &due.running {
            verify.cancel(running).await?;
        }
        verify.start(&due.phone, Some(due.locale.code())).await
    }

    fn draw_code(&self) -> SecretString {
        let modulus = 10_u64.pow(u32::try_from(CODE_DIGITS).unwrap_or(6));
        // 2^64 is so much larger than the modulus that no code is noticeably likelier than another.
        let drawn = u64::from_be_bytes(crypto::random::bytes(&**self.random())) % modulus;
        SecretString::from(format!("{drawn:0CODE_DIGITS$}"))
    }

    /// Six digits can be searched through, so what is kept of them needs a key.
    fn code_mac(&self, challenge: ChallengeId, code: &SecretString) -> [u8; 32] {
        self.keys().address_index().mac(&[
            b"sms-code",
            challenge.uuid().as_bytes(),
            code.expose_secret().as_bytes(),
        ])
    }

    /// Of two messages that are sent at once the later one's code is waited for: it is for the telephone that is written
    /// down.
    async fn keep_code(
        &self,
        due: &Due,
        mac: Option<[u8; 32]>,
        reference: Option<&str>,
    ) -> Result<(), StoreError> {
        let expires_at: Instant = self.clock().wall() + CODE_LIFE;
        sqlx::query!(
            "UPDATE challenges SET sms_code_hash = $2, sms_reference = $3, sms_expires_at = $4
             WHERE id = $1 AND sms_sent = $5",
            due.challenge.uuid(),
            mac.as_ref().map(<[u8; 32]>::as_slice),
            reference,
            expires_at,
            due.number
        )
        .execute(self.db())
        .await?;
        Ok(())
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

    /// Notes what the network says about a message.
    pub async fn handle_sms_callback(
        &self,
        context: &Context,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<SmsCallback, StoreError> {
        let Some(SmsService { twilio: Twilio::Messages(messages), .. }) = self.sms() else {
            return Ok(SmsCallback::Unverified);
        };
        let callback = match messages.read_callback(signature, body) {
            Ok(callback) => callback,
            Err(gateways::sms::CallbackError::Malformed(_)) => return Ok(SmsCallback::Malformed),
            Err(_) => return Ok(SmsCallback::Unverified),
        };
        let StatusCallback { message_sid, status, error_code, .. } = callback;
        let error_code = error_code.and_then(|code| i32::try_from(code).ok());
        if status.is_failure() {
            tracing::warn!(sms.error_code = error_code, "a code did not arrive");
        }
        self.tx("note_sms_status", context, |tx| {
            let (message_sid, status) = (&message_sid, &status);
            async move { note_status(tx, message_sid.as_str(), status, error_code).await }.scope_boxed()
        })
        .await?;
        Ok(SmsCallback::Noted)
    }
}

/// Counts a message against every cap before it is asked for. Those who count at once take turns.
async fn count_message(
    app: &App,
    tx: &mut Tx,
    service: &SmsService,
    user: UserId,
    challenge: ChallengeId,
    phone: PhoneNumber,
) -> Result<Due, IdentityError> {
    if !phone.is_allowed(&service.allowed_prefixes) {
        return Err(IdentityError::SmsUnavailable);
    }
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtext('calmness/sms-caps'))").execute(tx.db()).await?;
    let (wall, prefix) = (tx.wall(), format!("+{}", phone.calling_code().trim_start_matches('+')));
    let spent = sqlx::query!(
        r#"SELECT count(*) AS "all!",
                  count(*) FILTER (WHERE prefix = $2) AS "prefix!",
                  count(*) FILTER (WHERE user_id = $3) AS "user!"
           FROM sms_messages
           WHERE requested_at > $1 AND status <> 'refused'"#,
        wall - Duration::DAY,
        prefix,
        user.uuid()
    )
    .fetch_one(tx.db())
    .await?;
    let over = spent.all >= service.daily_cap
        || spent.prefix >= service.daily_cap_per_prefix
        || spent.user >= MAX_PER_USER_A_DAY;
    let counted = sqlx::query_scalar!(
        "UPDATE challenges SET sms_sent = sms_sent + 1
         WHERE id = $1 AND sms_sent < $2 AND expires_at > $3
         RETURNING sms_sent",
        challenge.uuid(),
        MAX_PER_CHALLENGE,
        wall
    );
    let Some(number) = counted.fetch_optional(tx.db()).await?.filter(|_| !over) else {
        tracing::warn!(sms.prefix = prefix, "a cap on messages was reached");
        return Err(IdentityError::SmsUnavailable);
    };
    let id = uuid::Builder::from_random_bytes(tx.random()).into_uuid();
    let phone_key = app.keys().address_index().mac(&[b"phone", phone.as_e164().as_bytes()]);
    sqlx::query!(
        "INSERT INTO sms_messages (id, user_id, phone_key, prefix, requested_at) VALUES ($1, $2, $3, $4, $5)",
        id,
        user.uuid(),
        phone_key.as_slice(),
        prefix,
        wall
    )
    .execute(tx.db())
    .await?;
    let running = running_check(tx, &phone_key, challenge).await?;
    let locale = store::locale_of(tx, user).await?;
    Ok(Due { id, challenge, number, phone, locale, running })
}

async fn running_check(
    tx: &mut Tx,
    phone_key: &[u8; 32],
    challenge: ChallengeId,
) -> Result<Option<VerificationSid>, StoreError> {
    let since = tx.wall() - CODE_LIFE;
    let reference = sqlx::query_scalar!(
        r#"SELECT reference AS "reference!" FROM sms_messages
           WHERE phone_key = $1 AND requested_at > $2 AND reference IS NOT NULL
             AND NOT EXISTS (SELECT FROM challenges WHERE id = $3 AND sms_reference = reference)
           ORDER BY requested_at DESC
           LIMIT 1"#,
        phone_key.as_slice(),
        since,
        challenge.uuid()
    );
    // Names of messages are no names of checks.
    Ok(reference.fetch_optional(tx.db()).await?.and_then(|text| VerificationSid::parse(&text).ok()))
}

/// Callbacks come in any order, and one may be shown again: only what follows is believed.
async fn note_status(
    tx: &mut Tx,
    reference: &str,
    status: &MessageStatus,
    error_code: Option<i32>,
) -> Result<(), StoreError> {
    let earlier =
        sqlx::query_scalar!("SELECT status FROM sms_messages WHERE reference = $1 FOR UPDATE", reference);
    let earlier = earlier.fetch_optional(tx.db()).await?;
    if earlier.is_none_or(|earlier| !status.follows(&MessageStatus::read(&earlier))) {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE sms_messages SET status = $2, error_code = COALESCE($3, error_code) WHERE reference = $1",
        reference,
        status.as_str(),
        error_code
    )
    .execute(tx.db())
    .await?;
    Ok(())
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

/// Forgets messages of long ago. Part of the retention sweep.
pub(in crate::identity) async fn delete_old(tx: &mut Tx) -> Result<u64, StoreError> {
    let before = tx.wall() - Duration::days(90);
    let query = sqlx::query!("DELETE FROM sms_messages WHERE requested_at < $1", before);
    Ok(query.execute(tx.db()).await?.rows_affected())
}
