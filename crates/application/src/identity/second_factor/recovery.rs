//! Recovery codes: the way in when the telephone is lost (SEC-13).

use crypto::random::Random;
use crypto::recovery_code::RecoveryCode;
use domain::ids::UserId;
use scoped_futures::ScopedFutureExt;
use secrecy::{ExposeSecret, SecretString};

use super::{Method, changed, has_any, store};
use crate::actor::Context;
use crate::app::App;
use crate::identity::IdentityError;
use crate::identity::proof::Proof;
use crate::notifications::SecurityEvent;
use crate::tx::{StoreError, Tx};

/// So many at once.
const COUNT: usize = 10;

/// Ten codes, shown once.
#[derive(Debug)]
pub struct RecoveryCodes(Vec<RecoveryCode>);

impl RecoveryCodes {
    pub(super) fn generate(random: &dyn Random) -> Self {
        Self((0..COUNT).map(|_| RecoveryCode::random(random)).collect())
    }

    /// As their owner writes them down.
    pub fn reveal(&self) -> Vec<SecretString> {
        self.0.iter().map(RecoveryCode::reveal).collect()
    }
}

impl App {
    /// Makes new codes; all earlier ones are worth nothing any more.
    pub async fn replace_recovery_codes(
        &self,
        context: &Context,
        user: UserId,
        proof: &Proof,
    ) -> Result<RecoveryCodes, IdentityError> {
        let proved = self.verify_proof(context, user, proof).await?;
        let codes = RecoveryCodes::generate(&**self.random());
        self.tx("replace_recovery_codes", context, |tx| {
            let codes = &codes;
            async move {
                proved.still_holds(tx).await?;
                if !has_any(tx, user).await? {
                    return Err(IdentityError::NothingToConfirm);
                }
                replace(tx, user, codes).await?;
                let event = SecurityEvent::RecoveryCodesReplaced;
                Ok(changed(tx, user, "recovery_codes.replaced", Method::RecoveryCode, event).await?)
            }
            .scope_boxed()
        })
        .await?;
        Ok(codes)
    }

    /// Whether it is one of this user's codes that was not used before. Using one is told.
    pub(super) async fn use_recovery_code(
        &self,
        context: &Context,
        user: UserId,
        code: &SecretString,
    ) -> Result<bool, IdentityError> {
        let Some(code) = RecoveryCode::parse(code.expose_secret()) else { return Ok(false) };
        let hash = code.hash();
        self.tx("use_recovery_code", context, |tx| {
            async move {
                let fits = store::use_recovery_code(tx, user, &hash).await?;
                if fits {
                    let event = SecurityEvent::RecoveryCodeUsed;
                    changed(tx, user, "recovery_code.used", Method::RecoveryCode, event).await?;
                }
                Ok(fits)
            }
            .scope_boxed()
        })
        .await
    }
}

pub(super) async fn replace(tx: &mut Tx, user: UserId, codes: &RecoveryCodes) -> Result<(), StoreError> {
    let hashes: Vec<Vec<u8>> = codes.0.iter().map(|code| code.hash().to_vec()).collect();
    store::replace_recovery_codes(tx, user, &hashes).await
}
