//! Opening a payment, once per idempotency key (P1, SEC-42…44).
//!
//! The common case is one statement, `init.sql`. Everything else (a known key, an open payment, a frozen account) takes
//! the slow path under row locks. The key belongs to the user and the operation, so a refresh of the access token
//! changes nothing.

use std::str::FromStr;

use domain::ids::{PaymentId, PaymentMethodId, UserId};
use domain::money::Currency;
use domain::payment::{Facts, Payment, Phase, Status};
use domain::plan::PlanCode;
use domain::time::{Duration, Now};
use gateways::payments::{Instructions, Opening, PaymentProvider, PhoneNumber};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use sqlx::types::Json;
use thiserror::Error;

use super::catalogue::Offer;
use super::store::{self, Row, StoredPayment, select_payment};
use super::view::PaymentView;
use super::{BillingError, check, pause};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, Tx};

/// The longest key, in characters.
const MAX_KEY_CHARS: usize = 255;
/// So long the first request of a key is believed to be at work (wall time).
pub(super) const LEASE: Duration = Duration::seconds(30);
/// What a client waits before it asks again about an unknown outcome, in seconds.
const RETRY_AFTER_SECONDS: u32 = 5;
/// Races between the fast and the slow path settle within a few turns.
const MAX_TURNS: u32 = 5;

/// The client's name for one attempt to pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

/// Empty, too long, or with control characters.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("an idempotency key has 1 to {MAX_KEY_CHARS} printable characters")]
pub struct InvalidIdempotencyKey;

impl IdempotencyKey {
    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let fits =
            !text.is_empty() && text.chars().count() <= MAX_KEY_CHARS && !text.chars().any(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

/// What a user asks for.
#[derive(Clone, Debug)]
pub struct InitRequest {
    /// Who pays.
    pub user: UserId,
    /// Once per key.
    pub key: IdempotencyKey,
    /// What is bought.
    pub plan_code: PlanCode,
    /// Through whom.
    pub provider: String,
    /// In which currency; may be left out where only one fits.
    pub currency: Option<Currency>,
    /// The payer's telephone, for providers that prompt there.
    pub phone: Option<PhoneNumber>,
    /// A stored way to pay.
    pub method: Option<PaymentMethodId>,
    /// Whether the provider shall remember the way to pay.
    pub remember: bool,
}

impl InitRequest {
    /// What makes two requests the same, without regard to spelling.
    fn fingerprint(&self) -> [u8; 32] {
        let currency = self.currency.map(Currency::code);
        let mut canonical = json!(["payments.init/1", self.plan_code, self.provider, currency]);
        if let Some(members) = canonical.as_array_mut() {
            // What is not said leaves no trace, so that a key from before it could be said still fits.
            members.extend(self.phone.as_ref().map(|phone| json!({ "phone": phone.as_e164() })));
            members.extend(self.method.map(|method| json!({ "method": method })));
            members.extend(self.remember.then(|| json!({ "remember": true })));
        }
        crypto::fingerprint::sha256(canonical.to_string().as_bytes())
    }
}

/// What the client is told.
#[derive(Clone, Debug)]
pub struct InitAnswer {
    /// The payment, as the first answer showed it once its outcome was known.
    pub payment: PaymentView,
    /// 201, or 200 where another key had opened the payment.
    pub code: u16,
    /// The key was known.
    pub replayed: bool,
    /// The outcome is not known yet: ask again after so many seconds.
    pub retry_after_seconds: Option<u32>,
}

/// What the slow path found.
enum Found {
    /// Answer with this.
    Answer(Box<InitAnswer>),
    /// The first request died at work: go on where it stopped.
    TakeOver {
        /// The payment as it is.
        stored: Box<StoredPayment>,
        /// The code that the first request would have got.
        code: u16,
    },
    /// Nothing stands in the way any more: try again.
    Nothing,
}

impl App {
    /// Opens a payment, or answers as before.
    pub async fn init_payment(
        &self,
        context: &Context,
        request: &InitRequest,
    ) -> Result<InitAnswer, BillingError> {
        let offer = match self.offer(&request.plan_code, &request.provider, request.currency) {
            Ok(offer) => offer,
            // What is sold may have changed since: a known key still answers as it did.
            Err(refusal) => return self.replay_or(context, request, refusal).await,
        };
        for _ in 0..MAX_TURNS {
            if let Some(opened) = self.insert_payment(context, request, &offer).await? {
                return if opened.outcome_is_known() {
                    Ok(answer(&opened, 201, false))
                } else {
                    self.open_and_answer(context, request, opened, 201, false).await
                };
            }
            let found = self
                .tx("init_existing", context, |tx| {
                    let offer = &offer;
                    async move { find_existing(tx, request, offer).await }.scope_boxed()
                })
                .await?;
            match found {
                Found::Answer(answer) => return Ok(*answer),
                Found::TakeOver { stored, code } => {
                    return self.open_and_answer(context, request, *stored, code, true).await;
                }
                Found::Nothing => {}
            }
        }
        Err(BillingError::InProgress)
    }

    /// What is asked for is not sold any more: a known key answers as it did, a new one is refused.
    async fn replay_or(
        &self,
        context: &Context,
        request: &InitRequest,
        refusal: BillingError,
    ) -> Result<InitAnswer, BillingError> {
        let found =
            self.tx("init_replay", context, |tx| async move { find_key(tx, request).await }.scope_boxed());
        match found.await? {
            Some(Found::Answer(answer)) => Ok(*answer),
            Some(Found::TakeOver { stored, code }) => {
                self.open_and_answer(context, request, *stored, code, true).await
            }
            Some(Found::Nothing) | None => Err(refusal),
        }
    }

    /// The fast path. Nothing where the key or an open payment is known already.
    async fn insert_payment(
        &self,
        context: &Context,
        request: &InitRequest,
        offer: &Offer,
    ) -> Result<Option<StoredPayment>, BillingError> {
        let now = self.now().await?;
        let provider = self.provider(&request.provider).ok_or(BillingError::UnknownProvider)?;
        let details = self.payer_details(request, &*provider).await?;
        let mut fresh = self.quoted(request, offer, &*provider, now);
        fresh.payer_sealed = details.seal(self, fresh.id)?;
        let (checkout_url, reference, instructions) =
            match provider.opening(&self.order(&fresh, details.unknown_payer())) {
                Opening::Link(url) => (Some(url), None, None),
                Opening::Instructions { reference, instructions } => (None, reference, Some(instructions)),
                Opening::Call => (None, None, None),
            };
        let known = checkout_url.is_some() || instructions.is_some();
        let phase = if known { Phase::Awaiting } else { Phase::Created };
        let entry = json!({
            "plan_code": fresh.plan_code,
            "provider": fresh.provider,
            "amount": fresh.payment.amount.minor,
            "currency": fresh.payment.amount.currency.code(),
        });
        let fingerprint = request.fingerprint();
        let salt = crypto::random::bytes(&**self.random());
        let beside = audit::Beside::of(
            &context.actor,
            context.address,
            Some(fresh.user),
            serde_json::Map::new(),
            salt,
        );
        let (personal, server) = (beside.personal, beside.server);
        let inserted = sqlx::query_file_scalar!(
            "src/billing/init.sql",
            fresh.id.uuid(),
            fresh.user.uuid(),
            fresh.plan_code.as_str(),
            fresh.channel.as_str(),
            i32::from(fresh.length.days()),
            fresh.provider,
            fresh.payment.amount.minor,
            fresh.payment.amount.currency.code(),
            fresh.quote_expires_at,
            checkout_url,
            fresh.nonce,
            phase.as_str(),
            now.business,
            check::first_due(now.business),
            request.key.0,
            fingerprint.as_slice(),
            (!known).then(|| now.wall + LEASE),
            known.then(|| Status::Pending.as_str()),
            known.then(|| Phase::Awaiting.as_str()),
            now.wall,
            context.actor.kind(),
            context.actor.id(),
            context.request_id.as_deref(),
            server,
            entry,
            fresh.payment.mode.as_str(),
            instructions.clone().map(Json) as Option<Json<Instructions>>,
            reference,
            fresh.payer_sealed,
            fresh.late_until,
            personal.as_ref().map(|personal| personal.hash.to_vec()),
            personal.as_ref().and_then(|personal| personal.owner).map(UserId::uuid),
            personal.as_ref().map(|personal| personal.salt.to_vec()),
            personal.as_ref().map(|personal| personal.content.clone())
        )
        .fetch_optional(self.db())
        .await;
        match inserted {
            Ok(None) => Ok(None),
            Ok(Some(_)) => {
                let mut stored = fresh;
                stored.payment.facts.phase = phase;
                stored.payment.facts.reference = reference;
                Ok(Some(StoredPayment { checkout_url, instructions, ..stored }))
            }
            // Another request is inserting the same key: the slow path waits for it.
            // Or it asks for exactly this amount, which must tell payments apart: the next turn draws another.
            Err(sqlx::Error::Database(error))
                if matches!(error.constraint(), Some("idempotency_keys_pkey" | "payments_exact_amount")) =>
            {
                Ok(None)
            }
            Err(error) => Err(StoreError::from(error).into()),
        }
    }

    fn quoted(
        &self,
        request: &InitRequest,
        offer: &Offer,
        provider: &dyn PaymentProvider,
        now: Now,
    ) -> StoredPayment {
        let id = PaymentId::new(now.wall, &crypto::random::bytes(&**self.random()));
        let lot = u32::from_be_bytes(crypto::random::bytes(&**self.random()));
        let capabilities = provider.capabilities();
        let lifetime = capabilities
            .quote_lifetime
            .unwrap_or_else(|| Duration::try_from(self.options().quote_lifetime).unwrap_or(Duration::HOUR));
        let quote_expires_at = now.business + lifetime;
        StoredPayment {
            id,
            user: request.user,
            plan_code: offer.plan.code.clone(),
            channel: offer.plan.channel.clone(),
            length: offer.plan.length,
            provider: request.provider.clone(),
            quote_expires_at,
            late_until: quote_expires_at + capabilities.late_window,
            nonce: hex::encode(crypto::random::bytes::<16>(&**self.random())),
            created_at: now.business,
            version: 1,
            payment: Payment {
                amount: provider.quote(offer.price, lot),
                mode: capabilities.mode,
                facts: Facts::created(),
            },
            checkout_url: None,
            instructions: None,
            quarantined_at: None,
            payer_sealed: None,
        }
    }

    async fn open_and_answer(
        &self,
        context: &Context,
        request: &InitRequest,
        stored: StoredPayment,
        code: u16,
        replayed: bool,
    ) -> Result<InitAnswer, BillingError> {
        let opened = self.open_at_provider(context, &stored).await?;
        self.end_lease(request).await?;
        Ok(answer(&opened, code, replayed))
    }

    /// The request is no longer at work: a retry may look again.
    async fn end_lease(&self, request: &InitRequest) -> Result<(), StoreError> {
        sqlx::query!(
            "UPDATE idempotency_keys SET lease_until = NULL
             WHERE user_id = $1 AND operation = 'payments.init' AND idempotency_key = $2",
            request.user.uuid(),
            request.key.0
        )
        .execute(self.db())
        .await?;
        Ok(())
    }
}

async fn find_existing(tx: &mut Tx, request: &InitRequest, offer: &Offer) -> Result<Found, BillingError> {
    if crate::identity::is_frozen(tx, request.user).await? {
        return Err(BillingError::NotAllowed);
    }
    match find_key(tx, request).await? {
        Some(found) => Ok(found),
        None if pause::lasts(tx).await? => Err(BillingError::PurchasesPaused),
        None => find_open(tx, request, offer).await,
    }
}

/// What a known key answers; nothing if it is new.
async fn find_key(tx: &mut Tx, request: &InitRequest) -> Result<Option<Found>, BillingError> {
    let user = request.user.uuid();
    let key = sqlx::query!(
        "SELECT fingerprint, payment_id, lease_until, answer_code, answered_status, answered_phase
         FROM idempotency_keys
         WHERE user_id = $1 AND operation = 'payments.init' AND idempotency_key = $2
         FOR UPDATE",
        user,
        request.key.0
    )
    .fetch_optional(tx.db())
    .await?;
    let Some(key) = key else { return Ok(None) };
    if !crypto::fingerprint::constant_time_eq(&key.fingerprint, &request.fingerprint()) {
        return Err(BillingError::KeyReused);
    }
    let row = select_payment!("WHERE id = $1", key.payment_id).fetch_one(tx.db()).await?;
    let stored = row.into_payment()?;
    let code = u16::try_from(key.answer_code).unwrap_or(201);
    if let (Some(status), Some(phase)) = (&key.answered_status, &key.answered_phase) {
        let payment = PaymentView::as_answered(&stored, store::status(status)?, store::phase(phase)?);
        return Ok(Some(replayed(payment, code)));
    }
    let wall = tx.wall();
    if key.lease_until.is_some_and(|until| wall < until) {
        return Err(BillingError::InProgress);
    }
    if stored.outcome_is_known() {
        // Learned by a callback or a check: from now on this is the first answer.
        let (status, phase) = (stored.status(), stored.payment.facts.phase);
        sqlx::query!(
            "UPDATE idempotency_keys SET answered_status = $3, answered_phase = $4
             WHERE user_id = $1 AND operation = 'payments.init' AND idempotency_key = $2",
            user,
            request.key.0,
            status.as_str(),
            phase.as_str()
        )
        .execute(tx.db())
        .await?;
        return Ok(Some(replayed(PaymentView::as_answered(&stored, status, phase), code)));
    }
    // What was answered is answered again; while purchases pause no provider is asked for what was not opened yet.
    if pause::lasts(tx).await? {
        return Err(BillingError::PurchasesPaused);
    }
    sqlx::query!(
        "UPDATE idempotency_keys SET lease_until = $3
         WHERE user_id = $1 AND operation = 'payments.init' AND idempotency_key = $2",
        user,
        request.key.0,
        wall + LEASE
    )
    .execute(tx.db())
    .await?;
    Ok(Some(Found::TakeOver { stored: Box::new(stored), code }))
}

fn replayed(payment: PaymentView, code: u16) -> Found {
    Found::Answer(Box::new(InitAnswer { payment, code, replayed: true, retry_after_seconds: None }))
}

/// An open payment of the same plan, provider and currency takes the new key; one whose quote ran out makes room.
async fn find_open(tx: &mut Tx, request: &InitRequest, offer: &Offer) -> Result<Found, BillingError> {
    let row: Option<Row> = select_payment!(
        "WHERE user_id = $1 AND plan_code = $2 AND provider = $3 AND currency = $4 AND is_open FOR UPDATE",
        request.user.uuid(),
        request.plan_code.as_str(),
        request.provider,
        offer.price.currency.code()
    )
    .fetch_optional(tx.db())
    .await?;
    let Some(stored) = row.map(Row::into_payment).transpose()? else { return Ok(Found::Nothing) };
    if stored.quote_expires_at <= tx.now() {
        let freed = sqlx::query!(
            "UPDATE payments SET is_open = false, version = version + 1 WHERE id = $1",
            stored.id.uuid()
        );
        freed.execute(tx.db()).await?;
        return Ok(Found::Nothing);
    }
    let known = stored.outcome_is_known();
    let (wall, fingerprint) = (tx.wall(), request.fingerprint());
    let bound = sqlx::query!(
        "INSERT INTO idempotency_keys (user_id, operation, idempotency_key, fingerprint, payment_id, answer_code,
                                       answered_status, answered_phase, created_at)
         VALUES ($1, 'payments.init', $2, $3, $4, 200, $5, $6, $7)
         ON CONFLICT (user_id, operation, idempotency_key) DO NOTHING",
        request.user.uuid(),
        request.key.0,
        fingerprint.as_slice(),
        stored.id.uuid(),
        known.then(|| stored.status().as_str()),
        known.then(|| Phase::Awaiting.as_str()),
        wall
    )
    .execute(tx.db())
    .await?;
    if bound.rows_affected() == 0 {
        // Another request has just bound the same key: look again.
        return Ok(Found::Nothing);
    }
    let entry = audit::Entry {
        action: "payment.key_bound",
        subject_kind: "payment",
        subject_id: stored.id.to_string(),
        user: Some(request.user),
        details: json!({}),
    };
    audit::record(tx, entry).await?;
    Ok(Found::Answer(Box::new(answer(&stored, 200, false))))
}

fn answer(stored: &StoredPayment, code: u16, replayed: bool) -> InitAnswer {
    InitAnswer {
        payment: PaymentView::of(stored),
        code,
        replayed,
        retry_after_seconds: (!stored.outcome_is_known()).then_some(RETRY_AFTER_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_1_to_255_printable_characters() {
        assert!("k".parse::<IdempotencyKey>().is_ok());
        assert!("é".repeat(255).parse::<IdempotencyKey>().is_ok());
        for bad in [String::new(), "k".repeat(256), "a\nb".to_owned(), "\0".to_owned()] {
            assert_eq!(bad.parse::<IdempotencyKey>(), Err(InvalidIdempotencyKey));
        }
    }
}
