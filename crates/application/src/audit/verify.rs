//! Verifying: walks seals and positions in their order and says exactly what does not fit.
//!
//! Nothing here reads a database or a file: the chain comes piece by piece, and what is kept of it is one seal.

use crypto::audit_signature::{self, AuditSignatureError, Signed};
use crypto::receipt::PublicKeys;
use domain::time::{Duration, Instant};
use serde::Serialize;

use super::anchor::Anchor;
use super::canonical::{GENESIS, checkpoint_hash, entry_hash, personal_hash, seal_hash};
use super::stored::{Checkpoint, Link, MAX_ENTRIES, Seal};

/// So many findings are told one by one; more are counted.
const MAX_FINDINGS: usize = 1_000;
/// No transaction lives so long: an entry that says that it happened longer before the seal before its own was not there then.
const MAX_LATENESS: Duration = Duration::minutes(10);

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An entry is not what was sealed.
    Changed,
    /// An entry, a position or a seal is gone.
    Missing,
    /// An entry or a position was put in afterwards.
    Inserted,
    /// Entries stand in another order than they were sealed in.
    Reordered,
    /// A seal does not fit what it seals or what it follows.
    BadSeal,
    /// A signature does not fit.
    BadSignature,
    /// What was kept outside says something else.
    AnchorMismatch,
    /// What stands beside an entry is not what the entry says, or is gone without a reason.
    PersonalMismatch,
}

impl Kind {
    /// The word in answers and on the terminal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Missing => "missing",
            Self::Inserted => "inserted",
            Self::Reordered => "reordered",
            Self::BadSeal => "bad_seal",
            Self::BadSignature => "bad_signature",
            Self::AnchorMismatch => "anchor_mismatch",
            Self::PersonalMismatch => "personal_mismatch",
        }
    }
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// At which seal.
    pub seal: Option<i64>,
    /// At which position.
    pub position: Option<i64>,
    /// With which entry.
    pub entry: Option<i64>,
    /// In a sentence.
    pub says: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.as_str())?;
        for (what, number) in [("seal", self.seal), ("position", self.position), ("entry", self.entry)] {
            if let Some(number) = number {
                write!(f, " {what} {number}")?;
            }
        }
        write!(f, ": {}", self.says)
    }
}

impl Finding {
    pub(super) fn of_seal(kind: Kind, seal: i64, says: impl Into<String>) -> Self {
        Self { kind, seal: Some(seal), position: None, entry: None, says: says.into() }
    }

    pub(super) fn of_entry(kind: Kind, entry: i64, says: impl Into<String>) -> Self {
        Self { kind, seal: None, position: None, entry: Some(entry), says: says.into() }
    }

    fn of_link(kind: Kind, seal: i64, link: &Link, says: impl Into<String>) -> Self {
        let (position, entry) = (Some(link.position), Some(link.entry_id));
        Self { kind, seal: Some(seal), position, entry, says: says.into() }
    }
}

/// What came of verifying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// So many seals were looked at.
    pub seals: i64,
    /// So many positions.
    pub entries: i64,
    /// The seal that it began after: 0 is the beginning, another one a checkpoint or where it was asked to begin.
    pub began_after: i64,
    /// The last seal that was looked at.
    pub last_seal: i64,
    /// Entries that no seal holds yet.
    pub unsealed: i64,
    /// Entries whose person was erased, or whose personal data was forgotten by age.
    pub erased: i64,
    /// Seals whose key is not known here; a later signature under a known key covers them.
    pub unknown_keys: i64,
    /// So many anchors were compared.
    pub anchors: i64,
    /// Whether everything there is was looked at.
    pub complete: bool,
    /// What is wrong, the first ones.
    pub findings: Vec<Finding>,
    /// How much is wrong.
    pub wrong: usize,
}

impl Report {
    /// Whether everything fits.
    pub const fn holds(&self) -> bool {
        self.wrong == 0
    }

    pub(super) fn find(&mut self, finding: Finding) {
        self.wrong += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(finding);
        }
    }
}

/// The state of a walk.
pub(super) struct Walk<'a> {
    keys: &'a PublicKeys,
    pub(super) report: Report,
    /// The number, the position and the hash that the next seal follows.
    number: i64,
    position: i64,
    hash: Vec<u8>,
    /// When the last seal was made that left nothing behind.
    settled_at: Option<Instant>,
    /// Whether the last signature was of a key that is known.
    vouched: bool,
}

impl<'a> Walk<'a> {
    /// From the beginning, or from the cut that a checkpoint tells of.
    pub(super) fn start(keys: &'a PublicKeys, checkpoint: Option<&Checkpoint>) -> Self {
        let mut walk = Self {
            keys,
            report: Report::default(),
            number: 0,
            position: 0,
            hash: GENESIS.to_vec(),
            settled_at: None,
            vouched: true,
        };
        if let Some(checkpoint) = checkpoint {
            let digest = checkpoint_hash(checkpoint);
            if walk.is_forged(&checkpoint.kid, Signed::Checkpoint, &digest, &checkpoint.signature) {
                let says = "the checkpoint's signature does not fit: the beginning was cut by somebody else";
                walk.report.find(Finding::of_seal(Kind::BadSignature, checkpoint.seal_number, says));
            }
            walk.number = checkpoint.seal_number;
            walk.position = checkpoint.position;
            walk.hash.clone_from(&checkpoint.hash);
            walk.report.began_after = checkpoint.seal_number;
        }
        walk
    }

    /// From the middle, trusting the seal before as far as its signature goes.
    pub(super) fn after(keys: &'a PublicKeys, seal: &Seal) -> Self {
        let mut walk = Self::start(keys, None);
        let digest: [u8; 32] = seal.hash.as_slice().try_into().unwrap_or(GENESIS);
        if walk.is_forged(&seal.kid, Signed::Head, &digest, &seal.signature) {
            walk.report.find(Finding::of_seal(Kind::BadSignature, seal.number, "its signature does not fit"));
        }
        (walk.number, walk.position) = (seal.number, seal.last());
        walk.hash.clone_from(&seal.hash);
        walk.report.began_after = seal.number;
        walk
    }

    /// The next position that a seal must begin with.
    pub(super) const fn next_position(&self) -> i64 {
        self.position.saturating_add(1)
    }

    fn is_forged(&mut self, kid: &str, what: Signed, digest: &[u8; 32], signature: &[u8]) -> bool {
        match audit_signature::verify(self.keys, kid, what, digest, signature) {
            Ok(()) => {
                self.vouched = true;
                false
            }
            Err(AuditSignatureError::UnknownKey) => {
                self.vouched = false;
                self.report.unknown_keys += 1;
                false
            }
            Err(AuditSignatureError::Mismatch) => {
                self.vouched = false;
                true
            }
        }
    }

    /// Whether this is the seal that comes next.
    pub(super) const fn is_followed_by(&self, seal: &Seal) -> bool {
        seal.number == self.number.saturating_add(1)
    }

    /// The next seal with the positions that stand in its range.
    pub(super) fn seal(&mut self, seal: &Seal, links: &[Link]) {
        self.follows(seal);
        for link in links {
            self.entry(seal, link);
        }
        self.seals_what_is_there(seal, links);
        self.report.seals += 1;
        self.report.entries += i64::try_from(links.len()).unwrap_or(0);
        self.report.last_seal = seal.number;
        (self.number, self.position) = (seal.number, seal.last());
        if seal.entries < MAX_ENTRIES {
            self.settled_at = Some(seal.sealed_at);
        }
    }

    fn follows(&mut self, seal: &Seal) {
        let expected = self.number.saturating_add(1);
        if seal.number != expected {
            let says = if seal.number == expected.saturating_add(1) {
                format!("seal {expected} is missing")
            } else {
                format!("seals {expected} to {} are missing", seal.number.saturating_sub(1))
            };
            self.report.find(Finding::of_seal(Kind::Missing, expected, says));
        } else if seal.first_position != self.next_position() {
            let says = format!(
                "it begins with position {} and should begin with {}",
                seal.first_position,
                self.next_position()
            );
            self.report.find(Finding::of_seal(Kind::BadSeal, seal.number, says));
        }
        if seal.number == expected && seal.previous != self.hash {
            let says = "it does not follow the seal before it";
            self.report.find(Finding::of_seal(Kind::BadSeal, seal.number, says));
        }
        if !(0..=MAX_ENTRIES).contains(&seal.entries) {
            let says =
                format!("a seal holds up to {MAX_ENTRIES} entries, and this one says {}", seal.entries);
            self.report.find(Finding::of_seal(Kind::BadSeal, seal.number, says));
        }
    }

    fn entry(&mut self, seal: &Seal, link: &Link) {
        let Some(entry) = &link.entry else {
            if !link.withheld {
                let says = "the entry is gone";
                self.report.find(Finding::of_link(Kind::Missing, seal.number, link, says));
            }
            return;
        };
        if entry.id != link.entry_id || entry_hash(entry).as_slice() != link.hash {
            let says = "the entry is not what was sealed";
            self.report.find(Finding::of_link(Kind::Changed, seal.number, link, says));
        }
        if self.settled_at.is_some_and(|settled| settled - entry.occurred_at > MAX_LATENESS) {
            let says = "the entry says that it happened long before it was written";
            self.report.find(Finding::of_link(Kind::Inserted, seal.number, link, says));
        }
        let says = match (&entry.personal_hash, &link.beside) {
            (None, None) => return,
            (Some(hash), Some(beside)) => {
                if personal_hash(&beside.salt, beside.content.as_bytes()).as_slice() == hash {
                    return;
                }
                "what stands beside the entry is not what was sealed"
            }
            (Some(_), None) if link.erased => {
                self.report.erased += 1;
                return;
            }
            (Some(_), None) => "what stood beside the entry is gone, and nothing says that it was erased",
            (None, Some(_)) => "something stands beside the entry that was not sealed with it",
        };
        self.report.find(Finding::of_link(Kind::PersonalMismatch, seal.number, link, says));
    }

    /// Whether the seal's hash is that of its positions, and its signature that of the hash.
    fn seals_what_is_there(&mut self, seal: &Seal, links: &[Link]) {
        for gap in gaps(seal, links) {
            let says = format!("position {gap} is missing");
            let finding = Finding::of_seal(Kind::Missing, seal.number, says);
            self.report.find(Finding { position: Some(gap), ..finding });
        }
        let hash = |of: fn(&Link) -> Vec<u8>| {
            let leaves: Vec<Vec<u8>> = links.iter().map(of).collect();
            seal_hash(seal, &seal.previous, leaves.iter().map(Vec::as_slice))
        };
        let computed = hash(|link| link.hash.clone());
        let forged = self.is_forged(&seal.kid, Signed::Head, &computed, &seal.signature);
        if computed.as_slice() == seal.hash {
            if forged {
                let says = "its signature does not fit";
                self.report.find(Finding::of_seal(Kind::BadSignature, seal.number, says));
            }
            self.hash = computed.to_vec();
            return;
        }
        if !forged && self.vouched {
            // Everything that was signed is there; only the copy of the hash is wrong.
            let says = "its hash was changed";
            self.report.find(Finding::of_seal(Kind::BadSeal, seal.number, says));
            self.hash = computed.to_vec();
            return;
        }
        self.hash.clone_from(&seal.hash);
        let genuine = hash(|link| match &link.entry {
            Some(entry) => entry_hash(entry).to_vec(),
            None => link.hash.clone(),
        });
        let (kind, says) = if genuine.as_slice() == seal.hash {
            (Kind::Changed, "a position's own copy of an entry's hash was changed".to_owned())
        } else if let Some(at) = out_of_order(links) {
            (Kind::Reordered, format!("position {at} and the one before it stand in another order"))
        } else {
            let (first, last) = (seal.first_position, seal.last());
            (Kind::BadSeal, format!("it does not fit what stands at positions {first} to {last}"))
        };
        self.report.find(Finding::of_seal(kind, seal.number, says));
    }

    /// Compares what was kept outside with the seal of its number.
    pub(super) fn anchor(&mut self, anchor: &Anchor, seal: Option<&Seal>) {
        self.report.anchors += 1;
        let says = match seal {
            Some(seal) if hex::encode(&seal.hash) != anchor.hash => {
                "the seal is not the one that was kept outside"
            }
            Some(seal) if seal.last() != anchor.position => "the seal ends at another position",
            Some(_) => return,
            None => "the seal was kept outside and is gone: the chain was cut",
        };
        self.report.find(Finding::of_seal(Kind::AnchorMismatch, anchor.number, says));
    }

    /// The end of the walk.
    pub(super) fn finish(mut self) -> Report {
        if !self.vouched && self.report.unknown_keys > 0 {
            let says = "no known key signed the end of the chain: give the published keys that did";
            self.report.find(Finding::of_seal(Kind::BadSignature, self.number, says));
        }
        self.report
    }
}

/// Positions of the seal's range that are not there; no more than a seal can have.
fn gaps(seal: &Seal, links: &[Link]) -> Vec<i64> {
    let range = seal.first_position..seal.end().min(seal.first_position.saturating_add(MAX_ENTRIES));
    let mut there = links.iter().map(|link| link.position).peekable();
    range
        .filter(|position| {
            while there.peek().is_some_and(|next| next < position) {
                there.next();
            }
            there.peek() != Some(position)
        })
        .collect()
}

/// The first position whose entry is older than the one before it; a seal holds the order of transactions.
fn out_of_order(links: &[Link]) -> Option<i64> {
    let place = |link: &Link| link.entry.as_ref().map(|entry| (entry.xact_id, entry.id));
    links.windows(2).find(|pair| place(&pair[1]) < place(&pair[0])).map(|pair| pair[1].position)
}
