//! Ways to pay that a user has stored (D1, D2): a provider's own token or a telephone, sealed; never a card number.
//!
//! A user can store a telephone. A provider's token comes from the provider alone, with a payment whose payer asked for it to be
//! remembered: a token that a user names could be somebody else's.

use crypto::envelope::Label;
use domain::ids::{PaymentMethodId, UserId};
use domain::time::Instant;
use gateways::payments::{CheckoutKind, MethodToken, PhoneNumber, SavedMethod};
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgExecutor;
use thiserror::Error;

use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::{StoreError, Tx, tx_error};

const DETAILS: Label = Label::new("payment_methods", "details_encrypted");
/// Nobody has more ways to pay.
const MAX_METHODS: i64 = 20;

/// Why a way to pay was not stored.
#[derive(Debug, Error)]
pub enum MethodError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No such provider is set up.
    #[error("no provider of this name takes payments here")]
    UnknownProvider,
    /// This provider remembers ways to pay by itself, with a payment.
    #[error("a way to pay through this provider is remembered with a payment, not given")]
    ComesWithAPayment,
    /// There are too many.
    #[error("at most {MAX_METHODS} ways to pay can be stored")]
    TooMany,
}
tx_error!(MethodError);

/// A way to pay that a user stores.
#[derive(Clone, Debug)]
pub struct NewMethod {
    /// Whose telephone number, for a provider that prompts there.
    pub phone: PhoneNumber,
    /// Which provider.
    pub provider: String,
}

/// A stored way to pay as its owner sees it.
#[derive(Clone, Debug)]
pub struct MethodView {
    /// Which.
    pub id: PaymentMethodId,
    /// Whose.
    pub provider: String,
    /// What its owner recognises it by.
    pub display: String,
    /// Since when.
    pub created_at: Instant,
}

#[derive(Deserialize, Serialize)]
struct Details {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    display: String,
}

/// A stored way to pay, opened.
pub(super) struct StoredMethod {
    pub(super) provider: String,
    details: Details,
    id: PaymentMethodId,
    created_at: Instant,
}

impl StoredMethod {
    pub(super) fn phone(&self) -> Option<PhoneNumber> {
        self.details.phone.as_deref().and_then(|phone| phone.parse().ok())
    }

    pub(super) fn token(&self) -> Option<MethodToken> {
        self.details.token.clone().map(|token| MethodToken(SecretString::from(token)))
    }

    fn view(self) -> MethodView {
        MethodView {
            id: self.id,
            provider: self.provider,
            display: self.details.display,
            created_at: self.created_at,
        }
    }
}

impl App {
    /// The ways to pay that a user has stored, the oldest first.
    pub async fn payment_methods(&self, user: UserId) -> Result<Vec<MethodView>, StoreError> {
        Ok(stored_methods(self, self.db(), user).await?.into_iter().map(StoredMethod::view).collect())
    }

    /// A user's way to pay; somebody else's is the same as none.
    pub(super) async fn method_of(
        &self,
        user: UserId,
        id: PaymentMethodId,
    ) -> Result<Option<StoredMethod>, StoreError> {
        Ok(stored_methods(self, self.db(), user).await?.into_iter().find(|method| method.id == id))
    }

    /// Stores a telephone for a provider that prompts there.
    pub async fn store_payment_method(
        &self,
        context: &Context,
        user: UserId,
        new: &NewMethod,
    ) -> Result<MethodView, MethodError> {
        let provider = self.provider(&new.provider).ok_or(MethodError::UnknownProvider)?;
        if provider.capabilities().checkout != CheckoutKind::Phone {
            return Err(MethodError::ComesWithAPayment);
        }
        let details =
            Details { phone: Some(new.phone.as_e164().to_owned()), token: None, display: new.phone.masked() };
        self.tx("store_payment_method", context, |tx| {
            let (details, code) = (&details, provider.code());
            async move { insert(self, tx, user, code, details).await }.scope_boxed()
        })
        .await
    }

    /// Forgets a way to pay. Says whether there was one.
    pub async fn forget_payment_method(
        &self,
        context: &Context,
        user: UserId,
        id: PaymentMethodId,
    ) -> Result<bool, StoreError> {
        self.tx("forget_payment_method", context, |tx| {
            async move {
                let gone = sqlx::query!(
                    "DELETE FROM payment_methods WHERE id = $1 AND user_id = $2",
                    id.uuid(),
                    user.uuid()
                );
                if gone.execute(tx.db()).await?.rows_affected() == 0 {
                    return Ok(false);
                }
                record(tx, "payment_method.removed", user, id).await?;
                Ok(true)
            }
            .scope_boxed()
        })
        .await
    }
}

/// Keeps what a provider has remembered for a payer who asked for it, once.
pub(super) async fn remember(
    app: &App,
    tx: &mut Tx,
    user: UserId,
    provider: &str,
    method: &SavedMethod,
) -> Result<(), MethodError> {
    let token = method.token.0.expose_secret();
    take_turns(tx, user).await?;
    let known = stored_methods(app, tx.db(), user).await?;
    if known.iter().any(|known| known.provider == provider && known.details.token.as_deref() == Some(token)) {
        return Ok(());
    }
    let details = Details { phone: None, token: Some(token.to_owned()), display: method.display.clone() };
    insert(app, tx, user, provider, &details).await.map(drop)
}

async fn stored_methods(
    app: &App,
    db: impl PgExecutor<'_>,
    user: UserId,
) -> Result<Vec<StoredMethod>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, provider, details_encrypted, created_at FROM payment_methods WHERE user_id = $1 ORDER BY id",
        user.uuid()
    )
    .fetch_all(db)
    .await?;
    let opened = rows.into_iter().map(|row| {
        let text = app.keys().open_text(&DETAILS, row.id, &row.details_encrypted)?;
        let details = serde_json::from_str(text.expose_secret())
            .map_err(|_| StoreError::Corrupt("payment_methods.details_encrypted".to_owned()))?;
        let id = PaymentMethodId::from_uuid(row.id);
        Ok(StoredMethod { provider: row.provider, details, id, created_at: row.created_at })
    });
    opened.collect()
}

/// Whoever stores two at once takes turns, so that neither the limit nor a token is passed twice.
async fn take_turns(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let locked = sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user.uuid());
    locked.fetch_optional(tx.db()).await?;
    Ok(())
}

async fn insert(
    app: &App,
    tx: &mut Tx,
    user: UserId,
    provider: &str,
    details: &Details,
) -> Result<MethodView, MethodError> {
    take_turns(tx, user).await?;
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM payment_methods WHERE user_id = $1"#,
        user.uuid()
    );
    if count.fetch_one(tx.db()).await? >= MAX_METHODS {
        return Err(MethodError::TooMany);
    }
    let id = PaymentMethodId::new(tx.wall(), &tx.entropy());
    let text = serde_json::to_vec(details).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let sealed = app.keys().seal(&**app.random(), &DETAILS, id.uuid(), &text)?;
    let now = tx.now();
    sqlx::query!(
        "INSERT INTO payment_methods (id, user_id, provider, details_encrypted, created_at) VALUES ($1, $2, $3, $4, $5)",
        id.uuid(),
        user.uuid(),
        provider,
        sealed,
        now
    )
    .execute(tx.db())
    .await?;
    record(tx, "payment_method.stored", user, id).await?;
    Ok(MethodView { id, provider: provider.to_owned(), display: details.display.clone(), created_at: now })
}

async fn record(
    tx: &mut Tx,
    action: &'static str,
    user: UserId,
    id: PaymentMethodId,
) -> Result<(), StoreError> {
    let entry = audit::Entry {
        action,
        subject_kind: "payment_method",
        subject_id: id.to_string(),
        user: Some(user),
        details: json!({}),
    };
    audit::record(tx, entry).await
}
