//! The pictures of the documentation, taken on the way where `CALMNESS_SCREENSHOTS` names a folder.

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use calmness::config::environment;
use serde_json::json;

use crate::person::Person;

/// Larger ones make a page slow to read.
const MAX_BYTES: usize = 300_000;
/// How wide a phone is, in CSS pixels.
pub(crate) const PHONE: u32 = 390;
const DESK: u32 = 1_200;

/// Where pictures go, if anywhere.
pub(crate) struct Pictures {
    folder: Option<PathBuf>,
}

impl Pictures {
    /// As the environment says.
    pub(crate) fn from_environment() -> Self {
        let named = environment::variables().into_iter().find(|(name, _)| name == "CALMNESS_SCREENSHOTS");
        let folder =
            named.map(|(_, folder)| PathBuf::from(folder)).filter(|folder| !folder.as_os_str().is_empty());
        Self { folder }
    }

    /// The whole page as it is shown on a desk.
    pub(crate) async fn take(&self, person: &Person, name: &str) {
        if self.folder.is_some() {
            person.looks_through(DESK, false).await;
            self.keep(person, name).await;
        }
    }

    /// The whole page as a phone shows it.
    pub(crate) async fn take_on_a_phone(&self, person: &Person, name: &str) {
        if self.folder.is_some() {
            person.looks_through(PHONE, true).await;
            self.keep(person, name).await;
        }
    }

    async fn keep(&self, person: &Person, name: &str) {
        let wanted = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = person.tool("Page.captureScreenshot", wanted).await;
        person.looks_at_the_desk_again().await;
        let png = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        assert!(png.len() < MAX_BYTES, "{name} has {} bytes", png.len());
        let Some(folder) = &self.folder else { return };
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }
}

impl Person {
    /// Sees pages through a window of that width.
    pub(crate) async fn looks_through(&self, width: u32, phone: bool) {
        let height = if phone { 844 } else { 800 };
        let window = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.tool("Emulation.setDeviceMetricsOverride", window).await;
    }

    /// Sees pages through the browser's own window again.
    pub(crate) async fn looks_at_the_desk_again(&self) {
        self.tool("Emulation.clearDeviceMetricsOverride", json!({})).await;
    }
}
