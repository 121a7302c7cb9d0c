//! Exporting the chain as JSON lines, seal by seal, so that it can be verified where neither database nor secret is.

use crypto::audit_signature::Signed;
use crypto::fingerprint::Sha256;
use domain::ids::UserId;
use domain::time::Instant;
use thiserror::Error;

use super::lines::{EntryLine, Line, VERSION};
use super::stored::{Link, Links, MAX_ENTRIES, Seal, checkpoint, seal, seals_after};
use crate::app::App;
use crate::tx::StoreError;

/// What to export: whole seals, by when they were made (wall time).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportFilter {
    /// Seals from then on.
    pub from: Option<Instant>,
    /// Seals up to then.
    pub to: Option<Instant>,
    /// Only this user's entries; the hashes of all others, so that the chain still verifies.
    pub user: Option<UserId>,
}

/// Why an export ended early. The file then lacks its last line, and does not verify.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A line could not be written as JSON.
    #[error("an entry cannot be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// What was exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// So many seals.
    pub seals: i64,
    /// So many positions.
    pub entries: i64,
}

/// An export under way.
pub struct Export {
    app: App,
    filter: ExportFilter,
    digest: Sha256,
    summary: ExportSummary,
    stage: Stage,
}

enum Stage {
    Header,
    Seals { after: i64, last: i64, page: std::vec::IntoIter<Seal>, links: Links },
    Over,
}

impl App {
    /// Begins an export.
    pub fn export_audit(&self, filter: ExportFilter) -> Export {
        let (digest, summary) = (Sha256::default(), ExportSummary::default());
        Export { app: self.clone(), filter, digest, summary, stage: Stage::Header }
    }
}

impl Export {
    /// What was exported so far.
    pub fn summary(&self) -> ExportSummary {
        self.summary
    }

    /// The next lines, none after the last one.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, ExportError> {
        match &mut self.stage {
            Stage::Header => self.begin().await.map(Some),
            Stage::Over => Ok(None),
            Stage::Seals { after, last, page, links } => {
                if page.as_slice().is_empty() {
                    *page = seals_after(self.app.db(), *after, *last).await?.into_iter();
                }
                let Some(seal) = page.next() else { return self.end().map(Some) };
                *after = seal.number;
                let mut of_seal = Vec::new();
                while of_seal.len() < usize::try_from(MAX_ENTRIES).unwrap_or(usize::MAX) {
                    let Some(link) = links.before(seal.end()).await? else { break };
                    of_seal.push(link);
                }
                self.summary.seals += 1;
                self.summary.entries += i64::try_from(of_seal.len()).unwrap_or(0);
                self.write_seal(&seal, of_seal).map(Some)
            }
        }
    }

    async fn begin(&mut self) -> Result<Vec<u8>, ExportError> {
        let db = self.app.db().clone();
        let (first, last) = self.bounds().await?;
        let cut = checkpoint(&db).await?;
        let keys = self.app.keys().audit_keys().clone();
        let exported_at = domain::time::to_microseconds(self.app.clock().wall());
        let user = self.filter.user.map(UserId::uuid);
        let mut head = vec![Line::Header { version: VERSION, exported_at, user, keys }];
        let after = first - 1;
        let before = seal(&db, after).await?;
        let position = match (&before, &cut) {
            (Some(before), _) => {
                head.push(Line::Before(before.into()));
                before.end()
            }
            (None, Some(cut)) => {
                head.push(Line::Checkpoint(cut.into()));
                cut.position + 1
            }
            (None, None) => 1,
        };
        let links = Links::from(&db, position);
        self.stage = Stage::Seals { after, last, page: Vec::new().into_iter(), links };
        self.write(&head)
    }

    /// The numbers of the first and the last seal.
    async fn bounds(&self) -> Result<(i64, i64), StoreError> {
        let row = sqlx::query!(
            r#"SELECT COALESCE(min(number) FILTER (WHERE $1::timestamptz IS NULL OR sealed_at >= $1),
                               max(number) + 1, 1) AS "first!",
                      COALESCE(max(number) FILTER (WHERE $2::timestamptz IS NULL OR sealed_at <= $2), 0) AS "last!"
               FROM audit_seals"#,
            self.filter.from,
            self.filter.to
        );
        let row = row.fetch_one(self.app.db()).await?;
        Ok((row.first, row.last))
    }

    fn write_seal(&mut self, seal: &Seal, links: Vec<Link>) -> Result<Vec<u8>, ExportError> {
        let user = self.filter.user.map(UserId::uuid);
        let withheld = |link: &Link| {
            user.is_some_and(|user| link.entry.as_ref().is_some_and(|entry| entry.user_id != Some(user)))
        };
        let mut written = vec![Line::Seal(seal.into())];
        written.extend(links.into_iter().map(|link| {
            let withheld = withheld(&link);
            Line::Entry(Box::new(EntryLine::of(link, withheld)))
        }));
        self.write(&written)
    }

    fn end(&mut self) -> Result<Vec<u8>, ExportError> {
        self.stage = Stage::Over;
        let digest = std::mem::take(&mut self.digest).finish();
        let key = self.app.keys().audit();
        let line = Line::End {
            seals: self.summary.seals,
            entries: self.summary.entries,
            kid: key.public().kid.clone(),
            signature: hex::encode(key.sign(Signed::Export, &digest)),
        };
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    fn write(&mut self, lines: &[Line]) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut bytes, line)?;
            bytes.push(b'\n');
        }
        self.digest.update(&bytes);
        Ok(bytes)
    }
}
