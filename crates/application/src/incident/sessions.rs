//! Ending every session.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::announce::announce;
use super::{Act, IncidentError, checked_reason};
use crate::actor::Context;
use crate::app::App;
use crate::identity::{self, EverybodyOut};

impl App {
    /// Ends everybody's sessions, also those of whoever asks; with `keys_too`, the keys of machines as well. Access tokens
    /// are refused on every instance within a second, cookies and refresh tokens from the commit on (I1).
    pub async fn revoke_all_sessions(
        &self,
        context: &Context,
        keys_too: bool,
        reason: &str,
    ) -> Result<EverybodyOut, IncidentError> {
        let reason = checked_reason(reason)?;
        let ended = self
            .tx("revoke_all_sessions", context, |tx| {
                async move {
                    let ended = identity::end_everybody(tx, keys_too).await?;
                    let details = json!({ "sessions": ended.sessions, "api_keys": ended.api_keys });
                    announce(tx, Act::SessionsRevoked, reason, details).await?;
                    Ok::<_, IncidentError>(ended)
                }
                .scope_boxed()
            })
            .await?;
        self.revocations().end_everybody(ended.not_before);
        Ok(ended)
    }
}
