//! The end of every session at once: an instant that each session must be younger than.
//!
//! A session's identifier holds the millisecond that it was opened in, so an access token shows whether it is old enough to
//! have ended, without a row for each. The instant is a whole millisecond later than every session that exists.

use domain::ids::SessionId;
use domain::time::{Duration, Instant};
use sqlx::PgExecutor;

use crate::app::App;
use crate::tx::{StoreError, Tx};

const MILLISECOND: Duration = Duration::milliseconds(1);

/// What ended with everybody's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EverybodyOut {
    /// Sessions opened up to here are over.
    pub not_before: Instant,
    /// So many were alive.
    pub sessions: i64,
    /// So many keys of machines ended too.
    pub api_keys: u64,
}

/// The instant that every session must be younger than.
pub(super) async fn read(db: impl PgExecutor<'_>) -> Result<Instant, sqlx::Error> {
    sqlx::query_scalar!("SELECT not_before FROM session_cutoff").fetch_one(db).await
}

/// When a session that is opened now begins: now, or right after the cut where a clock is behind the one that made it.
pub(super) async fn opening_instant(tx: &mut Tx) -> Result<Instant, StoreError> {
    let not_before =
        sqlx::query_scalar!("SELECT not_before FROM session_cutoff FOR SHARE").fetch_one(tx.db()).await?;
    Ok(tx.wall().max(not_before + MILLISECOND))
}

/// Whether a session was opened too early to be alive.
pub(super) fn is_over(session: SessionId, not_before: Instant) -> bool {
    opened_at(session).is_none_or(|opened| opened <= not_before)
}

/// Ends every session, every login that waits for its second step and every permission; keys of machines if asked.
pub(crate) async fn end_everybody(tx: &mut Tx, keys_too: bool) -> Result<EverybodyOut, StoreError> {
    let wall = tx.wall();
    // Logins under way finish first, and later ones wait: after this nobody opens a session that is not seen below.
    let before = sqlx::query_scalar!("SELECT not_before FROM session_cutoff FOR UPDATE");
    let before = before.fetch_one(tx.db()).await?;
    let newest = sqlx::query_scalar!("SELECT id FROM sessions ORDER BY id DESC LIMIT 1");
    let newest = newest.fetch_optional(tx.db()).await?.map(SessionId::from_uuid).and_then(opened_at);
    let not_before = whole_millisecond_after(newest.map_or(wall, |newest| newest.max(wall)));
    let sessions = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM sessions WHERE revoked_at IS NULL AND expires_at > $1 AND created_at > $2"#,
        wall,
        before
    )
    .fetch_one(tx.db())
    .await?;
    sqlx::query!("UPDATE session_cutoff SET not_before = $1", not_before).execute(tx.db()).await?;
    sqlx::query!("DELETE FROM challenges").execute(tx.db()).await?;
    sqlx::query!("DELETE FROM step_ups").execute(tx.db()).await?;
    let mut api_keys = 0;
    if keys_too {
        let ended = sqlx::query!("UPDATE api_keys SET revoked_at = $1 WHERE revoked_at IS NULL", wall);
        api_keys = ended.execute(tx.db()).await?.rows_affected();
    }
    Ok(EverybodyOut { not_before, sessions, api_keys })
}

impl App {
    /// When all sessions were last ended together, if ever, and how many live now.
    pub(crate) async fn living_sessions(&self) -> Result<(Option<Instant>, i64), StoreError> {
        let row = sqlx::query!(
            r#"SELECT NULLIF(not_before, '1970-01-01 00:00:00+00') AS ended_at,
                      (SELECT count(*) FROM sessions
                       WHERE revoked_at IS NULL AND expires_at > $1 AND created_at > not_before) AS "living!"
               FROM session_cutoff"#,
            self.clock().wall()
        );
        let row = row.fetch_one(self.db()).await?;
        Ok((row.ended_at, row.living))
    }
}

/// The millisecond in an identifier (RFC 9562 §5.7).
fn opened_at(session: SessionId) -> Option<Instant> {
    let (seconds, nanos) = session.uuid().get_timestamp()?.to_unix();
    let whole = Instant::from_unix_timestamp(i64::try_from(seconds).ok()?).ok()?;
    Some(whole + Duration::nanoseconds(nanos.into()))
}

fn whole_millisecond_after(instant: Instant) -> Instant {
    let micros_over = instant.nanosecond() % 1_000_000;
    instant + MILLISECOND - Duration::nanoseconds(micros_over.into())
}

#[cfg(test)]
mod tests {
    use ::time::macros::datetime;

    use super::*;

    #[test]
    fn a_session_ends_if_it_was_opened_in_the_millisecond_of_the_cut_or_before() {
        let opened = datetime!(2026-01-01 00:00:00.001_999 UTC);
        let session = SessionId::new(opened, &[7; 10]);
        let cut = whole_millisecond_after(opened);
        assert_eq!(cut, datetime!(2026-01-01 00:00:00.002 UTC));
        assert!(is_over(session, cut) && opened < cut);
        let later = SessionId::new(cut + MILLISECOND, &[0; 10]);
        assert!(!is_over(later, cut));
        let same = SessionId::new(cut, &[255; 10]);
        assert!(is_over(same, cut));
    }

    #[test]
    fn an_identifier_without_an_instant_is_no_session() {
        assert!(is_over(SessionId::from_uuid(uuid::Uuid::nil()), datetime!(1970-01-01 00:00 UTC)));
    }
}
