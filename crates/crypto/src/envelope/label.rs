//! The name of an encrypted column.

use std::fmt;

/// `table.column`: a ciphertext opens under the label that it was sealed under, and under no other (SEC-26).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Label {
    table: &'static str,
    column: &'static str,
}

impl Label {
    /// `const DETAILS: Label = Label::new("payment_methods", "details_encrypted");`
    ///
    /// Both are names as PostgreSQL has them: lower-case letters, digits and `_`, at most 63. Anything else
    /// stops the compiler when the label is a constant, as it should be.
    pub const fn new(table: &'static str, column: &'static str) -> Self {
        assert!(is_name(table.as_bytes()), "the table's name has only a-z, 0-9 and _");
        assert!(is_name(column.as_bytes()), "the column's name has only a-z, 0-9 and _");
        Self { table, column }
    }
}

impl Label {
    /// The table.
    pub const fn table(&self) -> &'static str {
        self.table
    }

    /// The column.
    pub const fn column(&self) -> &'static str {
        self.column
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

const fn is_name(name: &[u8]) -> bool {
    if name.is_empty() || name.len() > 63 {
        return false;
    }
    let mut index = 0;
    while index < name.len() {
        if !matches!(name[index], b'a'..=b'z' | b'0'..=b'9' | b'_') {
            return false;
        }
        index += 1;
    }
    true
}
