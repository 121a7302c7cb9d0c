//! What will change, as people are shown it before they confirm.

use serde::{Deserialize, Serialize};

/// What will change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whose or which, as people know it: an address of a user, a setting's key.
    pub subject: String,
    /// Field by field.
    pub changes: Vec<Change>,
}

/// One field that will change. A secret stands as its fingerprint, a receiving address in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Which.
    pub field: String,
    /// What it is now; nothing if it is not set.
    pub before: Option<String>,
    /// What it will be; nothing if it will be deleted.
    pub after: Option<String>,
}

impl Change {
    /// A field that has a value before and after.
    pub fn of(field: &str, before: &str, after: &str) -> Self {
        Self { field: field.to_owned(), before: Some(before.to_owned()), after: Some(after.to_owned()) }
    }
}
