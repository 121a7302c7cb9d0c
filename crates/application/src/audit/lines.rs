//! The lines of an exported file: JSON, one thing a line.

use crypto::receipt::PublicKeys;
use domain::time::Instant;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::stored::{Beside, Checkpoint, Link, Recorded, Seal};

/// The format of the file.
pub(super) const VERSION: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    /// The first one.
    Header {
        version: u32,
        #[serde(with = "time::serde::rfc3339")]
        exported_at: Instant,
        /// Only this user's entries are told; of others stands the hash.
        user: Option<Uuid>,
        /// For information: believe the keys that you were given otherwise.
        keys: PublicKeys,
    },
    /// Where the chain begins, if its beginning was cut.
    Checkpoint(CheckpointLine),
    /// The seal that the first one of the file follows, if that is neither the beginning nor the checkpoint.
    Before(SealLine),
    /// A seal; its positions follow.
    Seal(SealLine),
    /// A position with its entry.
    Entry(Box<EntryLine>),
    /// The last one, with a signature over every byte before it.
    End { seals: i64, entries: i64, kid: String, signature: String },
}

#[derive(Serialize, Deserialize)]
pub(super) struct CheckpointLine {
    seal_number: i64,
    position: i64,
    hash: String,
    #[serde(with = "time::serde::rfc3339")]
    business_until: Instant,
    #[serde(with = "time::serde::rfc3339")]
    cut_at: Instant,
    kid: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SealLine {
    number: i64,
    first_position: i64,
    entries: i64,
    previous: String,
    hash: String,
    horizon: i64,
    epoch: String,
    #[serde(with = "time::serde::rfc3339")]
    sealed_at: Instant,
    kid: String,
    signature: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct EntryLine {
    position: i64,
    id: i64,
    hash: String,
    /// Absent where it is another user's, or gone.
    entry: Option<Told>,
    /// It is another user's.
    #[serde(default)]
    withheld: bool,
    personal: Option<PersonalLine>,
    #[serde(default)]
    erased: bool,
}

#[derive(Serialize, Deserialize)]
struct Told {
    xact_id: i64,
    #[serde(with = "time::serde::rfc3339")]
    occurred_at: Instant,
    #[serde(with = "time::serde::rfc3339")]
    business_at: Instant,
    actor_kind: String,
    actor_id: Option<String>,
    action: String,
    subject_kind: String,
    subject_id: String,
    user_id: Option<Uuid>,
    request_id: Option<String>,
    address: Option<String>,
    details: String,
    personal_hash: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct PersonalLine {
    salt: String,
    content: String,
}

impl From<&Seal> for SealLine {
    fn from(seal: &Seal) -> Self {
        Self {
            number: seal.number,
            first_position: seal.first_position,
            entries: seal.entries,
            previous: hex::encode(&seal.previous),
            hash: hex::encode(&seal.hash),
            horizon: seal.horizon,
            epoch: seal.epoch.clone(),
            sealed_at: seal.sealed_at,
            kid: seal.kid.clone(),
            signature: hex::encode(&seal.signature),
        }
    }
}

impl SealLine {
    pub(super) fn into_seal(self) -> Option<Seal> {
        Some(Seal {
            number: self.number,
            first_position: self.first_position,
            entries: self.entries,
            previous: hex::decode(self.previous).ok()?,
            hash: hex::decode(self.hash).ok()?,
            horizon: self.horizon,
            epoch: self.epoch,
            sealed_at: self.sealed_at,
            kid: self.kid,
            signature: hex::decode(self.signature).ok()?,
        })
    }
}

impl From<&Checkpoint> for CheckpointLine {
    fn from(cut: &Checkpoint) -> Self {
        Self {
            seal_number: cut.seal_number,
            position: cut.position,
            hash: hex::encode(&cut.hash),
            business_until: cut.business_until,
            cut_at: cut.cut_at,
            kid: cut.kid.clone(),
            signature: hex::encode(&cut.signature),
        }
    }
}

impl CheckpointLine {
    pub(super) fn into_checkpoint(self) -> Option<Checkpoint> {
        Some(Checkpoint {
            seal_number: self.seal_number,
            position: self.position,
            hash: hex::decode(self.hash).ok()?,
            business_until: self.business_until,
            cut_at: self.cut_at,
            kid: self.kid,
            signature: hex::decode(self.signature).ok()?,
        })
    }
}

impl EntryLine {
    /// A position as it is told, or only its hash.
    pub(super) fn of(link: Link, withheld: bool) -> Self {
        let told = link.entry.filter(|_| !withheld);
        let beside = link.beside.filter(|_| !withheld);
        Self {
            position: link.position,
            id: link.entry_id,
            hash: hex::encode(&link.hash),
            withheld,
            erased: link.erased,
            entry: told.map(|entry| Told {
                xact_id: entry.xact_id,
                occurred_at: entry.occurred_at,
                business_at: entry.business_at,
                actor_kind: entry.actor_kind,
                actor_id: entry.actor_id,
                action: entry.action,
                subject_kind: entry.subject_kind,
                subject_id: entry.subject_id,
                user_id: entry.user_id,
                request_id: entry.request_id,
                address: entry.address,
                details: entry.details,
                personal_hash: entry.personal_hash.map(hex::encode),
            }),
            personal: beside
                .map(|beside| PersonalLine { salt: hex::encode(beside.salt), content: beside.content }),
        }
    }

    pub(super) fn into_link(self) -> Option<Link> {
        let id = self.id;
        let entry = match self.entry {
            Some(told) => Some(told.into_recorded(id)?),
            None => None,
        };
        let beside = match self.personal {
            Some(personal) => {
                Some(Beside { salt: hex::decode(personal.salt).ok()?, content: personal.content })
            }
            None => None,
        };
        Some(Link {
            position: self.position,
            entry_id: id,
            hash: hex::decode(self.hash).ok()?,
            entry,
            withheld: self.withheld,
            beside,
            erased: self.erased,
        })
    }
}

impl Told {
    fn into_recorded(self, id: i64) -> Option<Recorded> {
        let personal_hash = match self.personal_hash {
            Some(hash) => Some(hex::decode(hash).ok()?),
            None => None,
        };
        Some(Recorded {
            id,
            xact_id: self.xact_id,
            occurred_at: self.occurred_at,
            business_at: self.business_at,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            action: self.action,
            subject_kind: self.subject_kind,
            subject_id: self.subject_id,
            user_id: self.user_id,
            request_id: self.request_id,
            address: self.address,
            details: self.details,
            personal_hash,
        })
    }
}
