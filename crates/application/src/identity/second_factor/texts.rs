//! Texts with codes: counted against every cap before they are asked for, so no outcome is spent uncounted; sent outside
//! of any transaction; followed by what the network says of them (SEC-12).
//!
//! In one way of sending the code is ours and kept as a MAC beside its challenge; in the other Twilio makes and checks it.

use domain::ids::{ChallengeId, UserId};
use domain::time::{Duration, Instant};
use gateways::sms::{
    CallingPrefix, MessageStatus, PhoneNumber, SmsError, StatusCallback, Twilio, VerificationSid, Verify,
};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use crate::actor::Context;
use crate::app::App;
use crate::identity::{IdentityError, store};
use crate::text::{Locale, text};
use crate::tx::{StoreError, Tx};

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
pub(super) struct Due {
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
    /// Asks the provider, outside of any transaction, and keeps what the code will be compared with.
    pub(super) async fn send_code(&self, service: &SmsService, due: Due) -> Result<(), IdentityError> {
        let sent = match &service.twilio {
            Twilio::Messages(messages) => {
                let code = self.draw_code();
                // Kept before it is sent: a lost answer must not make the code on the telephone worthless.
                self.keep_code(&due, Some(self.code_mac(due.challenge, &code)), None).await?;
                let company = &self.company_name();
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
    pub(super) fn code_mac(&self, challenge: ChallengeId, code: &SecretString) -> [u8; 32] {
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
pub(super) async fn count_message(
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
