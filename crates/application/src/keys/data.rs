//! The data keys in memory, and what is done so that they stay those of the database (SEC-27, SEC-33).
//!
//! Each instance reads the list every two seconds and opens what is new through the key service. A new key seals only
//! some seconds after it was made, when every instance has it. While the service is away everything goes on with the keys
//! that are in memory, for a day at most; what is not in memory does not open.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crypto::envelope::{DataKey, DataKeys, KeyBackendError};
use crypto::random::Random;
use domain::time::{Duration, Instant};
use sqlx::PgPool;
use uuid::Uuid;

use super::backends::Backends;
use super::store::{self, Row};
use super::{KeyService, KeysError};
use crate::tx::StoreError;

/// A new data key seals after this long: every instance has read the list several times by then (wall time).
pub(super) const HANDOVER: Duration = Duration::seconds(15);
/// At most so many are in memory, and so many may wait for being rewrapped and revoked.
pub const MAX_DATA_KEYS: usize = 64;
/// An instance that cannot open the next key seals on under the old one for so long, and then no more (wall time).
const SEALS_ON: Duration = Duration::hours(1);
/// So long after its retirement nobody seals under a key any more, whatever happened to the instance (wall time).
pub(super) const SURELY_UNUSED: Duration = Duration::hours(2);

/// Data keys, and what is known of the service that wraps them.
pub(super) struct DataStore {
    backends: Backends,
    loaded: RwLock<Loaded>,
    service: Mutex<Service>,
}

struct Loaded {
    keys: Arc<DataKeys>,
    /// Whether the key that should seal by now is the one that does.
    may_seal: bool,
}

struct Service {
    answered_at: Instant,
    failing: Option<(Instant, String)>,
    /// Too long: nothing is sealed or opened until it is back.
    closed: bool,
}

/// What a look at the key service brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    Answers,
    /// It answered until a moment ago.
    WentAway(String),
    StillAway,
    CameBack,
}

impl DataStore {
    /// Opens every data key, making the first one in a new database.
    pub(super) async fn open(
        db: &PgPool,
        backends: Backends,
        random: &dyn Random,
        wall: Instant,
    ) -> Result<Self, KeysError> {
        let mut rows = store::living(db).await?;
        refuse_others(&rows, backends.environment())?;
        if rows.is_empty() {
            make_first(db, &backends, random, wall).await?;
            rows = store::living(db).await?;
        }
        let mut opened = HashMap::new();
        for row in rows.iter().take(MAX_DATA_KEYS) {
            let key = backends.open(&row.stored).await?.counting_from(row.seals);
            opened.insert(row.stored.id, Arc::new(key));
        }
        if rows.iter().any(|row| row.environment.is_none()) {
            store::learn_environment(db, backends.environment()).await?;
        }
        let loaded = Loaded::choose(&backends, &rows, opened, wall)?;
        let service = Mutex::new(Service { answered_at: wall, failing: None, closed: false });
        Ok(Self { backends, loaded: RwLock::new(loaded), service })
    }

    pub(super) fn backends(&self) -> &Backends {
        &self.backends
    }

    /// Every key in memory, whatever else is known.
    pub(super) fn loaded(&self) -> Arc<DataKeys> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner).keys)
    }

    /// The keys, for opening; none once the service was away for too long.
    pub(super) fn to_open(&self) -> Result<Arc<DataKeys>, StoreError> {
        let closed = self.service.lock().unwrap_or_else(PoisonError::into_inner).closed;
        if closed {
            return Err(StoreError::Encryption("the key service was away for too long".to_owned()));
        }
        Ok(self.loaded())
    }

    /// The keys, for sealing.
    pub(super) fn to_seal(&self) -> Result<Arc<DataKeys>, StoreError> {
        let keys = self.to_open()?;
        if self.loaded.read().unwrap_or_else(PoisonError::into_inner).may_seal {
            return Ok(keys);
        }
        Err(StoreError::Encryption("the data key that seals by now could not be opened".to_owned()))
    }

    /// Tells the database what was sealed here, and takes over what changed there.
    pub(super) async fn refresh(&self, db: &PgPool, wall: Instant) -> Result<(), KeysError> {
        let known = self.loaded();
        tell_seals(db, &known).await?;
        let rows = store::living(db).await?;
        refuse_others(&rows, self.backends.environment())?;
        let mut opened = HashMap::new();
        for row in rows.iter().take(MAX_DATA_KEYS) {
            let id = row.stored.id;
            if let Some(key) = known.get(id) {
                key.learn_seals(row.seals);
                opened.insert(id, Arc::clone(key));
                continue;
            }
            match self.backends.open(&row.stored).await {
                Ok(key) => {
                    tracing::info!(data_key.id = %id, "a data key was loaded");
                    opened.insert(id, Arc::new(key.counting_from(row.seals)));
                }
                // It is tried again with the next look; until then what is under it does not open here.
                Err(error) => tracing::warn!(
                    data_key.id = %id,
                    error = &error as &dyn std::error::Error,
                    "a data key could not be loaded"
                ),
            }
        }
        let loaded = Loaded::choose(&self.backends, &rows, opened, wall)?;
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// Asks the service to open the key that seals now, which is in memory already.
    pub(super) async fn look(
        &self,
        db: &PgPool,
        wall: Instant,
        patience: Duration,
    ) -> Result<Look, StoreError> {
        let current = self.loaded().current_id();
        let row = store::living(db).await?.into_iter().find(|row| row.stored.id == current);
        let answer = match row {
            Some(row) => self.backends.open(&row.stored).await.map(drop),
            None => Ok(()),
        };
        Ok(self.note(answer, wall, patience))
    }

    fn note(&self, answer: Result<(), KeyBackendError>, wall: Instant, patience: Duration) -> Look {
        let mut service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        let was_away = service.failing.is_some();
        match answer {
            Ok(()) => {
                *service = Service { answered_at: wall, failing: None, closed: false };
                if was_away { Look::CameBack } else { Look::Answers }
            }
            Err(error) => {
                let (why, since) = (error.to_string(), service.answered_at);
                service.failing = Some((since, why.clone()));
                service.closed = wall - since >= patience;
                if was_away { Look::StillAway } else { Look::WentAway(why) }
            }
        }
    }

    pub(super) fn service(&self) -> KeyService {
        let service = self.service.lock().unwrap_or_else(PoisonError::into_inner);
        match &service.failing {
            None => KeyService::Answers,
            Some((since, why)) if service.closed => KeyService::Closed { since: *since, why: why.clone() },
            Some((since, why)) => KeyService::Away { since: *since, why: why.clone() },
        }
    }
}

impl Loaded {
    /// The newest key whose time has come seals.
    fn choose(
        backends: &Backends,
        rows: &[Row],
        mut opened: HashMap<Uuid, Arc<DataKey>>,
        wall: Instant,
    ) -> Result<Self, KeysError> {
        // Where nothing older is there, an instance whose clock is behind the maker's must still be able to seal.
        let due = rows.iter().find(|row| row.seals_from <= wall).or(rows.last());
        let mut usable = rows.iter().filter(|row| row.seals_from <= wall).chain(rows.last());
        let current = usable.find(|row| opened.contains_key(&row.stored.id)).ok_or(KeysError::NoDataKey)?;
        let is_due = due.is_some_and(|due| due.stored.id == current.stored.id);
        let may_seal = is_due || current.retired_at.is_none_or(|at| wall - at < SEALS_ON);
        let key = opened.remove(&current.stored.id).ok_or(KeysError::NoDataKey)?;
        let keys = DataKeys::shared(backends.environment(), key, opened.into_values())?;
        Ok(Self { keys: Arc::new(keys), may_seal })
    }
}

async fn tell_seals(db: &PgPool, keys: &DataKeys) -> Result<(), StoreError> {
    for key in keys.iter() {
        let seals = key.take_seals();
        if seals == 0 {
            continue;
        }
        if let Err(error) = store::add_seals(db, key.id(), seals).await {
            key.give_seals_back(seals);
            return Err(error);
        }
    }
    Ok(())
}

/// A database of another environment opens nothing here: say so in words (SEC-26).
fn refuse_others(rows: &[Row], environment: &str) -> Result<(), KeysError> {
    let other = rows.iter().filter_map(|row| row.environment.as_deref()).find(|other| *other != environment);
    other.map_or(Ok(()), |other| {
        Err(KeysError::OtherEnvironment { database: other.to_owned(), here: environment.to_owned() })
    })
}

/// Two instances that start together on a new database may both come here: they take turns, and the later one finds
/// the key of the other.
async fn make_first(
    db: &PgPool,
    backends: &Backends,
    random: &dyn Random,
    wall: Instant,
) -> Result<(), KeysError> {
    let (stored, _) = backends.generate(random).await?;
    let mut turn = db.begin().await.map_err(StoreError::from)?;
    store::take_turn(&mut turn).await?;
    if store::living(&mut *turn).await?.is_empty() {
        store::insert(&mut turn, &stored, backends.environment(), wall, wall).await?;
    }
    turn.commit().await.map_err(StoreError::from)?;
    Ok(())
}
