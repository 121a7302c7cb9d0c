//! The demo's secrets: made at its first start, kept readable by its owner only, so that it finds its data again.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use crypto::random::{SystemRandom, bytes};
use serde::{Deserialize, Serialize};

use super::DemoError;

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Secrets {
    pub(super) secret_key: String,
    pub(super) psp_request: String,
    pub(super) psp_webhook: String,
    pub(super) psp_link: String,
    pub(super) bot_token: String,
    pub(super) telegram_webhook: String,
    /// Empty in a file of an earlier version, until it is read.
    #[serde(default)]
    pub(super) twilio_auth_token: String,
    pub(super) admin_password: String,
    pub(super) user_password: String,
    /// Where the sandbox listened the last time; zero before the first.
    pub(super) sandbox_port: u16,
}

impl Secrets {
    pub(super) fn load_or_make(path: &Path) -> Result<Self, DemoError> {
        let what = || format!("cannot read or write {}", path.display());
        if path.exists() {
            let file = File::open(path).map_err(DemoError::io(what()))?;
            let mut kept: Self =
                serde_json::from_reader(file).map_err(|error| DemoError::io(what())(error.into()))?;
            if kept.twilio_auth_token.is_empty() {
                kept.twilio_auth_token = twilio_auth_token();
                kept.write(path)?;
            }
            return Ok(kept);
        }
        let made = Self::make();
        made.write(path)?;
        Ok(made)
    }

    pub(super) fn remember_port(&self, path: &Path, sandbox_port: u16) -> Result<(), DemoError> {
        if sandbox_port == self.sandbox_port {
            return Ok(());
        }
        Self { sandbox_port, ..self.clone() }.write(path)
    }

    fn make() -> Self {
        let token = || URL_SAFE_NO_PAD.encode(bytes::<32>(&SystemRandom));
        Self {
            secret_key: STANDARD.encode(bytes::<48>(&SystemRandom)),
            psp_request: token(),
            psp_webhook: token(),
            psp_link: token(),
            bot_token: format!("4200000042:{}", token()),
            telegram_webhook: token(),
            twilio_auth_token: twilio_auth_token(),
            admin_password: password(),
            user_password: password(),
            sandbox_port: 0,
        }
    }

    fn write(&self, path: &Path) -> Result<(), DemoError> {
        let what = || format!("cannot write {}", path.display());
        let text = serde_json::to_vec_pretty(self).map_err(|error| DemoError::io(what())(error.into()))?;
        write_private(path, &text)
    }
}

/// Writes a file that only its owner can read.
pub(super) fn write_private(path: &Path, content: &[u8]) -> Result<(), DemoError> {
    let what = || format!("cannot write {}", path.display());
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(DemoError::io(what()))?;
    file.write_all(content).map_err(DemoError::io(what()))
}

fn twilio_auth_token() -> String {
    URL_SAFE_NO_PAD.encode(bytes::<24>(&SystemRandom))
}

/// Four groups that a person can type.
fn password() -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789-";
    let drawn = bytes::<20>(&SystemRandom);
    let letters: Vec<char> = drawn.iter().map(|byte| char::from(LETTERS[usize::from(byte % 31)])).collect();
    letters.chunks(5).map(String::from_iter).collect::<Vec<_>>().join("-")
}
