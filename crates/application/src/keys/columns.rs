//! The inventory of encrypted columns: what a rewrap goes through, and what counts whether a data key is still needed.

use crypto::envelope::Label;

/// An encrypted column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// What its ciphertexts are bound to beside their row.
    pub label: Label,
    /// The column with the id of the row that its ciphertexts are bound to.
    pub row_id: &'static str,
}

const fn column(table: &'static str, column: &'static str, row_id: &'static str) -> Column {
    Column { label: Label::new(table, column), row_id }
}

/// Every encrypted column there is. A test finds one that is missing here.
pub const COLUMNS: &[Column] = &[
    column("admin_config", "value_encrypted", "row_id"),
    column("admin_config_cooling", "value_encrypted", "row_id"),
    column("admin_config_history", "value_encrypted", "row_id"),
    column("approvals", "action_encrypted", "id"),
    column("approvals", "summary_encrypted", "id"),
    column("jwt_keys", "key_encrypted", "row_id"),
    column("notifications", "secret_encrypted", "id"),
    column("payment_methods", "details_encrypted", "id"),
    column("payments", "payer_encrypted", "id"),
    column("sms_factors", "phone_encrypted", "id"),
    column("totp_factors", "secret_encrypted", "id"),
    column("webhook_events", "body_encrypted", "id"),
];
