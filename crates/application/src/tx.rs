//! A named transaction that knows the two clocks, who acts and on which request.
//!
//! Use cases alone begin and commit, through [`App::tx`]; a function that writes takes `&mut Tx` first. A
//! transaction that PostgreSQL refuses for serialization or deadlock is run again whole, so its body must only
//! touch the database. No network and no sleeping inside.

use std::sync::Arc;

use crypto::random::Random;
use domain::ids::IdEntropy;
use domain::time::{Instant, Now};
use scoped_futures::ScopedBoxFuture;
use sqlx::{PgConnection, Postgres, Transaction};
use thiserror::Error;

use crate::actor::Context;
use crate::app::App;

/// How often a transaction is run again before its failure is believed.
const MAX_ATTEMPTS: u32 = 6;

/// What can go wrong with the database, for every use case.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The database refused or could not be reached; nothing was kept.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// The answer to COMMIT was lost: whether the change was kept is unknown, and is never assumed.
    #[error("the answer to COMMIT was lost")]
    CommitUnknown(#[source] sqlx::Error),
    /// What is stored breaks a rule of ours.
    #[error("stored data breaks a rule: {0}")]
    Corrupt(String),
    /// An encrypted value could not be opened or made.
    #[error("encryption at rest failed: {0}")]
    Encryption(String),
}

impl StoreError {
    /// What is stored under a name that the code does not know.
    pub fn unknown_word(column: &str, word: &str) -> Self {
        Self::Corrupt(format!("{column} holds the unknown word {word:?}"))
    }

    /// Whether the database could not be reached or answered too late, so that coming back later makes sense.
    pub fn is_database_away(&self) -> bool {
        let Self::Database(error) = self else { return matches!(self, Self::CommitUnknown(_)) };
        match error {
            // A server that hangs up before its first word, as while it stops, is a broken protocol to sqlx.
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Protocol(_) => true,
            // Classes 08 (connection), 53 (resources), 57 (operator intervention), and a statement's time-out.
            sqlx::Error::Database(error) => error
                .code()
                .is_some_and(|code| ["08", "53", "57"].iter().any(|class| code.starts_with(class))),
            _ => false,
        }
    }

    /// Whether PostgreSQL asks for the whole transaction to run again.
    pub(crate) fn worth_repeating(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        // serialization_failure and deadlock_detected: the whole transaction may simply run again.
        matches!(error.code().as_deref(), Some("40001" | "40P01"))
    }
}

/// An error of a use case: it can carry a failure of the database.
pub trait TxError: From<StoreError> + Send {
    /// The failure of the database that it carries, if it does.
    fn store(&self) -> Option<&StoreError>;
}

impl TxError for StoreError {
    fn store(&self) -> Option<&StoreError> {
        Some(self)
    }
}

/// Lets a capability's error enum, with its variant `Store(#[from] StoreError)`, be a [`TxError`].
macro_rules! tx_error {
    ($error:ty) => {
        impl $crate::tx::TxError for $error {
            fn store(&self) -> Option<&$crate::tx::StoreError> {
                match self {
                    Self::Store(error) => Some(error),
                    _ => None,
                }
            }
        }

        impl From<sqlx::Error> for $error {
            fn from(error: sqlx::Error) -> Self {
                Self::Store(error.into())
            }
        }
    };
}
pub(crate) use tx_error;

/// One transaction.
pub struct Tx {
    db: Transaction<'static, Postgres>,
    now: Now,
    context: Context,
    random: Arc<dyn Random>,
    owes_work: bool,
}

impl Tx {
    /// The connection that every statement of this transaction runs on.
    pub fn db(&mut self) -> &mut PgConnection {
        &mut self.db
    }

    /// Business time, one instant for the whole transaction.
    pub fn now(&self) -> Instant {
        self.now.business
    }

    /// Wall time, one instant for the whole transaction.
    pub fn wall(&self) -> Instant {
        self.now.wall
    }

    /// Who acts, on which request.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Random bytes from the injected source.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        crypto::random::bytes(&*self.random)
    }

    /// Randomness for a new identifier.
    pub fn entropy(&self) -> IdEntropy {
        self.random()
    }

    /// Work was owed here: wake the workers after the commit.
    pub fn owe_work(&mut self) {
        self.owes_work = true;
    }
}

impl App {
    /// Runs `work` in one transaction named `name`, again if PostgreSQL asks for it, and commits.
    ///
    /// An error of `work` rolls back. `name` appears in logs.
    pub async fn tx<'a, T, E, F>(&self, name: &'static str, context: &Context, work: F) -> Result<T, E>
    where
        E: TxError,
        F: for<'t> Fn(&'t mut Tx) -> ScopedBoxFuture<'a, 't, Result<T, E>> + Send + Sync,
    {
        for attempt in 1.. {
            match self.attempt(context, &work).await {
                Err(error) if attempt < MAX_ATTEMPTS && worth_repeating(&error) => {
                    tracing::debug!(tx.name = name, tx.attempt = attempt, "transaction runs again");
                }
                outcome => return outcome,
            }
        }
        unreachable!("the loop above ends by returning")
    }

    async fn attempt<'a, T, E, F>(&self, context: &Context, work: &F) -> Result<T, E>
    where
        E: TxError,
        F: for<'t> Fn(&'t mut Tx) -> ScopedBoxFuture<'a, 't, Result<T, E>> + Send + Sync,
    {
        let now = self.now().await?;
        let db = self.db().begin().await.map_err(StoreError::from)?;
        let random = Arc::clone(self.random());
        let mut tx = Tx { db, now, context: context.clone(), random, owes_work: false };
        let value = work(&mut tx).await?;
        tx.db.commit().await.map_err(commit_error)?;
        if tx.owes_work {
            self.wake_workers();
        }
        Ok(value)
    }
}

fn worth_repeating<E: TxError>(error: &E) -> bool {
    error.store().is_some_and(StoreError::worth_repeating)
}

/// PostgreSQL answering COMMIT with an error kept nothing; no answer at all leaves it unknown.
fn commit_error(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(_) => StoreError::Database(error),
        lost => StoreError::CommitUnknown(lost),
    }
}
