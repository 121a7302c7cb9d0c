//! A machine whose clock leaps ahead would end everybody's time at once. The sweeper compares the wall with a clock that
//! only counts, and ends in a span that was leapt over could not be foreseen.
//!
//! A sandbox moves business time alone, on purpose: that is no leap. A process that was away saw nothing leap.

use domain::time::{Duration, Now};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use tokio::time::Instant as Steady;

use super::holds_store as store;
use crate::actor::Context;
use crate::app::App;
use crate::audit;
use crate::tx::StoreError;

/// So far the wall may run away from the counting clock between two looks.
const LEAP: Duration = Duration::hours(1);

/// What the clocks said at the last look.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch(Option<(Steady, Now)>);

impl ClockWatch {
    /// Looks again, and remembers a leap before anything is done about what ended in it.
    pub(crate) async fn look(&mut self, app: &App) -> Result<(), StoreError> {
        let (steady, now) = (Steady::now(), app.now().await?);
        if let Some((steady_then, then)) = self.0 {
            let counted = Duration::try_from(steady - steady_then).unwrap_or(Duration::MAX);
            if (now.wall - then.wall).saturating_sub(counted) > LEAP {
                app.record_leap(then, now).await?;
            }
        }
        self.0 = Some((steady, now));
        Ok(())
    }
}

impl App {
    async fn record_leap(&self, then: Now, now: Now) -> Result<(), StoreError> {
        let leapt_s = (now.wall - then.wall).whole_seconds();
        tracing::error!(clock.leapt_s = leapt_s, "the machine's clock leapt ahead");
        let context = Context::system("clock_watch");
        self.tx("record_leap", &context, |tx| {
            async move {
                store::insert_jump(tx, then.business, now.business).await?;
                let entry = audit::Entry {
                    action: "clock.leapt",
                    subject_kind: "clock",
                    subject_id: "business".to_owned(),
                    user: None,
                    details: json!({ "leapt_s": leapt_s }),
                };
                audit::record(tx, entry).await
            }
            .scope_boxed()
        })
        .await
    }
}
