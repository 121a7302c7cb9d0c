//! What guards an account: its password, second factors, devices, keys, data.

use askama::Template;

use super::{CodePrompt, Complaint, Moment, PageFrame};

/// The overview.
#[derive(Template)]
#[template(path = "security.html")]
pub struct SecurityView {
    /// What surrounds it.
    pub page: PageFrame,
    /// Since when an authenticator app is set up.
    pub app_since: Option<Moment>,
    /// The confirmed telephone, as its owner recognises it.
    pub phone: Option<String>,
    /// Whether a telephone can be added, or is there to be removed.
    pub phone_offered: bool,
    /// How many recovery codes are left.
    pub codes_left: u16,
    /// How many devices are logged in.
    pub devices: u16,
    /// How many keys live.
    pub keys: u16,
    /// When the account is erased, if that was asked for.
    pub erased_on: Option<Moment>,
}

/// Changes the password; posts `password`, `new_password` and perhaps a code.
#[derive(Template)]
#[template(path = "security_password.html")]
pub struct PasswordView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The fewest characters.
    pub minimum: u16,
    /// The code that is asked for.
    pub code: Option<CodePrompt>,
    /// What was refused.
    pub complaint: Complaint,
}

/// Asks for a fresh proof before something is done; posts `password` and perhaps a code.
#[derive(Template)]
#[template(path = "security_proof.html")]
pub struct ProofView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What is about to be done.
    pub title: String,
    /// What it means, a sentence or two each.
    pub lead: Vec<String>,
    /// The words on the button.
    pub button: String,
    /// Whether something is taken away.
    pub grave: bool,
    /// Where it posts to.
    pub action: &'static str,
    /// The code that is asked for.
    pub code: Option<CodePrompt>,
    /// What was refused.
    pub complaint: Complaint,
    /// A way on to something near: address and words.
    pub aside: Option<(&'static str, String)>,
}

/// What an authenticator app must know, shown once.
#[derive(Clone)]
pub struct Scan {
    /// To be typed, in groups.
    pub secret: String,
    /// To be opened on the telephone itself.
    pub otpauth: String,
    /// To be scanned: an SVG picture of our own making.
    pub qr_svg: String,
}

/// The second step of setting an app up: scan, and type the first code; posts `code`.
#[derive(Template)]
#[template(path = "security_app.html")]
pub struct AppView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What to scan; none once it was shown.
    pub scan: Option<Scan>,
    /// What was refused.
    pub complaint: Complaint,
}

/// Ten recovery codes, shown once.
#[derive(Template)]
#[template(path = "security_codes.html")]
pub struct CodesView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The codes.
    pub codes: Vec<String>,
    /// Whether an app was just set up.
    pub app_is_new: bool,
}

/// How it stands with the telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhoneState {
    /// An authenticator app must come first.
    NeedsApp,
    /// None is set up.
    Off,
    /// This one is.
    On {
        /// The number, as its owner recognises it.
        number: String,
        /// Since when.
        since: Moment,
        /// Whether another one can take its place.
        replaceable: bool,
    },
}

/// The telephone; posts `phone`, `password` and a code.
#[derive(Template)]
#[template(path = "security_sms.html")]
pub struct PhoneView {
    /// What surrounds it.
    pub page: PageFrame,
    /// How it stands.
    pub state: PhoneState,
    /// What was typed before.
    pub phone: String,
    /// The code that is asked for.
    pub code: Option<CodePrompt>,
    /// What was refused.
    pub complaint: Complaint,
}

impl PhoneView {
    /// Whether a number can be given now.
    const fn asks(&self) -> bool {
        match self.state {
            PhoneState::NeedsApp => false,
            PhoneState::Off => true,
            PhoneState::On { replaceable, .. } => replaceable,
        }
    }
}

/// The code that was sent to a new telephone; posts `code`.
#[derive(Template)]
#[template(path = "security_sms_confirm.html")]
pub struct PhoneConfirmView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What was refused.
    pub complaint: Complaint,
}

/// The devices that are logged in.
#[derive(Template)]
#[template(path = "security_devices.html")]
pub struct DevicesView {
    /// What surrounds it.
    pub page: PageFrame,
    /// This one first, then the one used last.
    pub devices: Vec<DeviceRow>,
}

/// One device; its form posts `session`.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    /// Its session.
    pub id: String,
    /// What it is, in words.
    pub name: String,
    /// The network that it is in, in words; nothing if that is not known.
    pub network: String,
    /// When it was last used.
    pub last_used_at: Moment,
    /// Since when it is logged in.
    pub since: Moment,
    /// Whether a second factor was shown there.
    pub second_factor: bool,
    /// Whether it is the one that shows this page.
    pub here: bool,
}

/// The keys of programs.
#[derive(Template)]
#[template(path = "security_keys.html")]
pub struct KeysView {
    /// What surrounds it.
    pub page: PageFrame,
    /// The newest first.
    pub keys: Vec<KeyRow>,
    /// Whether there may be one more.
    pub room: bool,
}

/// One key; its form posts `key`.
#[derive(Clone, Debug)]
pub struct KeyRow {
    /// Which.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// How it starts.
    pub starts: String,
    /// What it may do, in words.
    pub scopes: Vec<String>,
    /// When it was last used.
    pub last_used_at: Option<Moment>,
    /// When it ends.
    pub ends_at: Moment,
}

/// Makes a key; posts `name`, `days`, `scope:…`, `password` and perhaps a code.
#[derive(Template)]
#[template(path = "security_key_new.html")]
pub struct KeyNewView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What was typed before.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Choice>,
    /// How long it may live.
    pub lives: Vec<Choice>,
    /// The code that is asked for.
    pub code: Option<CodePrompt>,
    /// What was refused.
    pub complaint: Complaint,
}

/// Something to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the form says.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Whether it is chosen.
    pub chosen: bool,
}

/// A key that was just made, shown once.
#[derive(Template)]
#[template(path = "security_key_made.html")]
pub struct KeyMadeView {
    /// What surrounds it.
    pub page: PageFrame,
    /// What its owner calls it.
    pub name: String,
    /// The key itself.
    pub key: String,
    /// When it ends.
    pub ends_at: Moment,
}

/// What is kept about somebody, to take along or to leave behind.
#[derive(Template)]
#[template(path = "security_data.html")]
pub struct DataView {
    /// What surrounds it.
    pub page: PageFrame,
    /// When the account is erased, if that was asked for.
    pub erased_on: Option<Moment>,
}
