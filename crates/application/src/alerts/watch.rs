//! The invariants, asked of the database every hour: what does not hold is an alert.

use scoped_futures::ScopedFutureExt;
use serde_json::json;

use super::{Kind, raise};
use crate::actor::Context;
use crate::app::App;
use crate::invariants;
use crate::tx::StoreError;

impl App {
    /// Raises an alert for each invariant that does not hold now. Says how many there are.
    pub async fn raise_broken_invariants(&self) -> Result<usize, StoreError> {
        let now = self.now().await?.business;
        let findings = invariants::check(self.db(), now).await?;
        let broken: Vec<_> = findings.into_iter().filter(|finding| !finding.holds()).collect();
        if broken.is_empty() {
            return Ok(0);
        }
        self.tx("raise_broken_invariants", &Context::system("doctor"), |tx| {
            let broken = &broken;
            async move {
                for finding in broken {
                    let details = json!({ "demand": finding.demand, "broken_by": finding.broken_by });
                    raise(tx, Kind::InvariantBroken, &format!("invariant:{}", finding.name), details).await?;
                }
                Ok::<_, StoreError>(broken.len())
            }
            .scope_boxed()
        })
        .await
    }
}
