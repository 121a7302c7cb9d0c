//! What is hashed, byte for byte: `docs/AUDIT.md` says the same in words.
//!
//! Every digest begins with the name of what is hashed and a zero byte. Numbers are big-endian, of eight bytes; an instant
//! is its microseconds since 1970, which is what PostgreSQL keeps; a text is its length in four bytes and its UTF-8; what may
//! be absent has a byte before it, 0 or 1.

use crypto::fingerprint::Sha256;
use domain::time::{Instant, microseconds_between};

use super::stored::{Checkpoint, Recorded, Seal};

/// The format of an entry; the first byte of its canonical bytes.
const ENTRY_VERSION: u8 = 1;
/// What the first seal follows.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// Collects what is hashed.
pub(super) struct Canonical(Sha256);

impl Canonical {
    pub(super) fn new(domain: &str) -> Self {
        let mut context = Sha256::default();
        context.update(domain.as_bytes());
        context.update(&[0]);
        Self(context)
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(bytes);
        self
    }

    fn number(&mut self, number: i64) -> &mut Self {
        self.raw(&number.to_be_bytes())
    }

    fn instant(&mut self, instant: Instant) -> &mut Self {
        self.number(microseconds_between(Instant::UNIX_EPOCH, instant))
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        // No column of the log comes near four gigabytes: PostgreSQL's own limit is one.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.raw(&length.to_be_bytes()).raw(bytes)
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn optional(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        match bytes {
            Some(bytes) => self.raw(&[1]).bytes(bytes),
            None => self.raw(&[0]),
        }
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finish()
    }
}

/// Of one entry.
pub(super) fn entry_hash(entry: &Recorded) -> [u8; 32] {
    let user = entry.user_id.map(|user| user.to_string());
    let mut canonical = Canonical::new("calmness/audit/entry/1");
    canonical
        .raw(&[ENTRY_VERSION])
        .number(entry.id)
        .number(entry.xact_id)
        .instant(entry.occurred_at)
        .instant(entry.business_at)
        .text(&entry.actor_kind)
        .optional(entry.actor_id.as_deref().map(str::as_bytes))
        .text(&entry.action)
        .text(&entry.subject_kind)
        .text(&entry.subject_id)
        .optional(user.as_deref().map(str::as_bytes))
        .optional(entry.request_id.as_deref().map(str::as_bytes))
        .optional(entry.address.as_deref().map(str::as_bytes))
        .text(&entry.details)
        .optional(entry.personal_hash.as_deref());
    canonical.finish()
}

/// Of what identifies a person beside an entry.
pub(super) fn personal_hash(salt: &[u8], content: &[u8]) -> [u8; 32] {
    let mut canonical = Canonical::new("calmness/audit/personal/1");
    canonical.raw(salt).raw(content);
    canonical.finish()
}

/// Of a seal over the hashes of its entries, in their order.
pub(super) fn seal_hash<'a>(seal: &Seal, previous: &[u8], links: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut canonical = Canonical::new("calmness/audit/seal/1");
    canonical
        .number(seal.number)
        .number(seal.first_position)
        .number(seal.entries)
        .number(seal.horizon)
        .text(&seal.epoch)
        .instant(seal.sealed_at)
        .text(&seal.kid)
        .raw(previous);
    for link in links {
        canonical.raw(link);
    }
    canonical.finish()
}

/// Of a checkpoint.
pub(super) fn checkpoint_hash(checkpoint: &Checkpoint) -> [u8; 32] {
    let mut canonical = Canonical::new("calmness/audit/checkpoint/1");
    canonical
        .number(checkpoint.seal_number)
        .number(checkpoint.position)
        .raw(&checkpoint.hash)
        .instant(checkpoint.business_until)
        .instant(checkpoint.cut_at)
        .text(&checkpoint.kid);
    canonical.finish()
}

#[cfg(test)]
mod tests {
    use domain::time::Duration;

    use super::*;

    fn entry() -> Recorded {
        let at = Instant::UNIX_EPOCH + Duration::microseconds(1_700_000_000_123_456);
        Recorded {
            id: 7,
            xact_id: 4_711,
            occurred_at: at,
            business_at: at + Duration::days(1),
            actor_kind: "user".to_owned(),
            actor_id: Some("é".to_owned()),
            action: "payment.created".to_owned(),
            subject_kind: "payment".to_owned(),
            subject_id: "p".to_owned(),
            user_id: Some(uuid::Uuid::from_u128(1)),
            request_id: None,
            address: None,
            details: r#"{"a": 1}"#.to_owned(),
            personal_hash: Some(vec![9; 32]),
        }
    }

    /// Made with Python's `hashlib` and `struct` from the words of `docs/AUDIT.md`. They never change.
    #[test]
    fn the_digests_are_those_that_another_implementation_makes() {
        assert_eq!(
            hex::encode(entry_hash(&entry())),
            "65d07970766405d59f4520d25fae6b612b3f5721f1b09e5aa199327311e07abf"
        );
        assert_eq!(
            hex::encode(personal_hash(&[1; 32], br#"{"address":"203.0.113.7"}"#)),
            "b297d9ffe491ed440a4d396429256e81692d117d91714adf619224c579702f24"
        );
        let seal = Seal {
            number: 3,
            first_position: 10,
            entries: 2,
            previous: vec![5; 32],
            hash: Vec::new(),
            horizon: 99,
            epoch: "1/2".to_owned(),
            sealed_at: Instant::UNIX_EPOCH + Duration::microseconds(1_700_000_001_000_001),
            kid: "00ff".to_owned(),
            signature: Vec::new(),
        };
        let (one, two) = ([1_u8; 32], [2_u8; 32]);
        let hash = seal_hash(&seal, &seal.previous, [one.as_slice(), two.as_slice()].into_iter());
        assert_eq!(hex::encode(hash), "a54d4bf374ea8d887eeae235ffd720d65f71c09ef05da061f784ed8d431896ca");
    }

    #[test]
    fn what_is_absent_is_not_what_is_empty_and_no_field_runs_into_the_next() {
        let hash = |change: fn(&mut Recorded)| {
            let mut changed = entry();
            change(&mut changed);
            entry_hash(&changed)
        };
        let all = [
            hash(|_| {}),
            hash(|entry| entry.request_id = Some(String::new())),
            hash(|entry| entry.address = Some(String::new())),
            hash(|entry| (entry.subject_kind, entry.subject_id) = ("paymen".to_owned(), "tp".to_owned())),
            hash(|entry| entry.occurred_at += Duration::MICROSECOND),
            hash(|entry| entry.personal_hash = None),
        ];
        let different: std::collections::HashSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
