//! What derived keys are for.

/// One use of a derived key. A new use is a new variant: a key never serves two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Signs access tokens.
    JwtSigning,
    /// Makes the successor of a refresh token.
    RefreshToken,
    /// Wraps data keys in the local key backend.
    KeyEncryption,
    /// Protects the forms of the product's own pages.
    Csrf,
    /// Turns e-mail addresses into keys for counting and looking up.
    AddressIndex,
    /// Protects the session cookie of the product's own pages.
    PageCookie,
    /// Makes the nonce of a signed payment link.
    LinkNonce,
    /// Signs the token of a known device.
    DeviceToken,
    /// Signs our requests to payment providers.
    ProviderRequest,
    /// Signs receipts.
    ReceiptSigning,
    /// Signs the manifests of exported evidence.
    EvidenceSigning,
    /// Signs the heads of the audit chain.
    AuditSigning,
    /// Makes fingerprints of secret settings.
    SettingFingerprint,
}

impl Purpose {
    /// The inventory of derived keys (SEC-32).
    pub const ALL: [Self; 13] = [
        Self::JwtSigning,
        Self::RefreshToken,
        Self::KeyEncryption,
        Self::Csrf,
        Self::AddressIndex,
        Self::PageCookie,
        Self::LinkNonce,
        Self::DeviceToken,
        Self::ProviderRequest,
        Self::ReceiptSigning,
        Self::EvidenceSigning,
        Self::AuditSigning,
        Self::SettingFingerprint,
    ];

    /// The `info` of HKDF. It never changes: a change would make everything under the key unreadable.
    pub const fn info(self) -> &'static str {
        match self {
            Self::JwtSigning => "calmness/1/jwt-signing",
            Self::RefreshToken => "calmness/1/refresh-token",
            Self::KeyEncryption => "calmness/1/key-encryption",
            Self::Csrf => "calmness/1/csrf",
            Self::AddressIndex => "calmness/1/address-index",
            Self::PageCookie => "calmness/1/page-cookie",
            Self::LinkNonce => "calmness/1/link-nonce",
            Self::DeviceToken => "calmness/1/device-token",
            Self::ProviderRequest => "calmness/1/provider-request",
            Self::ReceiptSigning => "calmness/1/receipt-signing",
            Self::EvidenceSigning => "calmness/1/evidence-signing",
            Self::AuditSigning => "calmness/1/audit-signing",
            Self::SettingFingerprint => "calmness/1/setting-fingerprint",
        }
    }

    /// What the key protects and what its loss would mean, for the operator's inventory.
    pub const fn description(self) -> &'static str {
        match self {
            Self::JwtSigning => {
                "HMAC-SHA256 of access tokens (30 minutes); whoever has it can act as any user"
            }
            Self::RefreshToken => {
                "HMAC-SHA256 that makes the successor of a refresh token from its parent and a stored nonce"
            }
            Self::KeyEncryption => {
                "AES-256-GCM that wraps the data keys; whoever has it and the database can read every encrypted column"
            }
            Self::Csrf => {
                "HMAC-SHA256 of form tokens; whoever has it can forge a form for a logged-in visitor"
            }
            Self::AddressIndex => {
                "HMAC-SHA256 of e-mail addresses, so that counters and look-ups hold no address"
            }
            Self::PageCookie => {
                "authenticates the session cookie of the pages; whoever has it can act as any visitor"
            }
            Self::LinkNonce => {
                "HMAC-SHA256 that makes the nonce of a return link from the payment's id and an end"
            }
            Self::DeviceToken => {
                "HMAC-SHA256 of the tokens of known devices; whoever has it can try passwords past an account's wait"
            }
            Self::ProviderRequest => {
                "HMAC-SHA256 that makes the key of each payment provider's requests; whoever has it can sign as this installation"
            }
            Self::ReceiptSigning => {
                "seed of the Ed25519 key that signs receipts; whoever has it can make receipts that verify"
            }
            Self::EvidenceSigning => {
                "seed of the Ed25519 key that signs exported evidence; whoever has it can make evidence that verifies"
            }
            Self::AuditSigning => {
                "seed of the Ed25519 key that signs the audit chain; whoever has it and the database can write another history"
            }
            Self::SettingFingerprint => {
                "HMAC-SHA256 that makes the fingerprints of settings and of changes that wait for a confirmation; whoever has it can try values against a fingerprint"
            }
        }
    }
}
