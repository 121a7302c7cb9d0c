//! Requests as admins see them, and the end of those that nobody decided about.

use domain::approval::State;
use domain::ids::ApprovalId;
use scoped_futures::ScopedFutureExt;

use super::request::entry;
use super::{ApprovalView, store};
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

impl App {
    /// Requests from the newest to the oldest, at most `limit`; those in this state, if one is given.
    pub async fn approvals(
        &self,
        state: Option<State>,
        after: Option<ApprovalId>,
        limit: i64,
    ) -> Result<Vec<ApprovalView>, StoreError> {
        store::list(self.db(), self.keys(), state, after, limit, self.clock().wall()).await
    }

    /// One request.
    pub async fn approval(&self, id: ApprovalId) -> Result<Option<ApprovalView>, StoreError> {
        let mut db = self.db().acquire().await?;
        store::find(&mut db, self.keys(), id, self.clock().wall()).await
    }

    /// Ends the requests whose time is over. Part of the sweeps.
    pub(crate) async fn expire_approvals(&self) -> Result<(), StoreError> {
        self.tx("expire_approvals", &Context::system("sweep"), |tx| {
            async move {
                for (id, kind, object) in store::expire(tx).await? {
                    audit::record(tx, entry("approval.expired", id, &kind, &object, "")).await?;
                }
                Ok(())
            }
            .scope_boxed()
        })
        .await
    }
}
