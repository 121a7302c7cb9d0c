//! The pause of purchases, the freeze of an account, and how the switches stand.

use crypto::receipt::PublicKeys;
use domain::ids::UserId;
use domain::time::Instant;
use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::announce::announce;
use super::{Act, IncidentError, checked_reason};
use crate::actor::Context;
use crate::app::App;
use crate::billing::{PurchasePause, pause};
use crate::tx::StoreError;

/// How the switches stand.
#[derive(Clone, Debug)]
pub struct IncidentStatus {
    /// The pause of purchases, if one lasts.
    pub purchases_paused: Option<PurchasePause>,
    /// Sessions opened up to here were ended together; none if that never happened.
    pub sessions_ended_at: Option<Instant>,
    /// So many sessions live.
    pub sessions: i64,
    /// What evidence is verified with.
    pub evidence_keys: PublicKeys,
}

impl App {
    /// Stops new payments on every instance from the commit on; says whether they were open.
    pub async fn pause_purchases(&self, context: &Context, reason: &str) -> Result<bool, IncidentError> {
        let reason = checked_reason(reason)?;
        self.tx("pause_purchases", context, |tx| {
            async move {
                let begun = pause::begin(tx, reason).await?;
                if begun {
                    announce(tx, Act::PurchasesPaused, reason, json!({})).await?;
                }
                Ok(begun)
            }
            .scope_boxed()
        })
        .await
    }

    /// Opens purchases again; says whether they were paused.
    pub async fn resume_purchases(&self, context: &Context, reason: &str) -> Result<bool, IncidentError> {
        let reason = checked_reason(reason)?;
        self.tx("resume_purchases", context, |tx| {
            async move {
                let Some(pause) = pause::end(tx).await? else { return Ok(false) };
                announce(tx, Act::PurchasesResumed, reason, json!({ "pause": pause })).await?;
                Ok(true)
            }
            .scope_boxed()
        })
        .await
    }

    /// Freezes an account as an admin would, and tells every admin.
    pub async fn freeze_in_emergency(
        &self,
        context: &Context,
        user: UserId,
        reason: &str,
    ) -> Result<(), IncidentError> {
        let reason = checked_reason(reason)?;
        self.freeze(context, user, reason).await?;
        self.tx("announce_freeze", context, |tx| {
            async move { Ok(announce(tx, Act::AccountFrozen, reason, json!({ "user": user })).await?) }
                .scope_boxed()
        })
        .await
    }

    /// How the switches stand.
    pub async fn incident_status(&self) -> Result<IncidentStatus, StoreError> {
        let (sessions_ended_at, sessions) = self.living_sessions().await?;
        Ok(IncidentStatus {
            purchases_paused: self.purchase_pause().await?,
            sessions_ended_at,
            sessions,
            evidence_keys: self.keys().evidence_keys().clone(),
        })
    }
}
