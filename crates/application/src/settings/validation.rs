//! Whether a value may stand under its key. Checksums of accounts and addresses are the providers' own.

use gateways::mail::Mailer;
use gateways::telegram::BotClient;
use secrecy::{ExposeSecret, SecretString};

use super::{Key, SettingError};
use crate::app::App;
use crate::billing::connectors::DocumentError;

/// The longest value, in bytes.
const MAX_VALUE_BYTES: usize = 16 * 1024;
/// The longest name of a company, in characters.
const MAX_NAME_CHARS: usize = 100;
/// The longest cooling time, in hours.
pub(super) const MAX_COOLING_HOURS: i64 = 720;

impl Key {
    /// Refuses a value that could not be used.
    pub(super) fn check(self, app: &App, value: &SecretString) -> Result<(), SettingError> {
        let invalid = Err(SettingError::Invalid(self));
        if value.expose_secret().len() > MAX_VALUE_BYTES {
            return invalid;
        }
        if let Some(code) = self.provider() {
            return match app.connect_provider(code, value) {
                Ok(_) => Ok(()),
                Err(DocumentError::Store(error)) => Err(error.into()),
                Err(DocumentError::Connect(error)) => Err(SettingError::Provider { key: self, why: error }),
            };
        }
        let text = value.expose_secret();
        let fits = match self {
            // Channels and supergroups have negative ids (Bot API, Chat.id: at most 52 significant bits).
            Self::TelegramChannelId => text.parse::<i64>().is_ok_and(|id| id < 0 && id > -(1 << 52)),
            Self::CompanyEmail => crate::identity::Email::parse(text).is_ok(),
            Self::CompanyName => is_name(text),
            Self::MailFrom => {
                let anywhere = SecretString::from("smtp://127.0.0.1:25");
                is_one_line(text) && Mailer::new(&anywhere, text, app.wall_clock()).is_ok()
            }
            Self::SmtpUrl => {
                is_one_line(text) && Mailer::new(value, "nobody@mail.example", app.wall_clock()).is_ok()
            }
            Self::TelegramBotToken => is_bot_token(app, value),
            Self::ReceivingCoolingHours => {
                text.parse::<i64>().is_ok_and(|hours| (1..=MAX_COOLING_HOURS).contains(&hours))
            }
            _ => false,
        };
        if fits { Ok(()) } else { invalid }
    }
}

fn is_bot_token(app: &App, value: &SecretString) -> bool {
    let Some(http) = app.http() else { return false };
    BotClient::new(&app.options().telegram_api_url, value.clone(), http.clone()).is_ok()
}

fn is_name(text: &str) -> bool {
    let chars = text.chars().count();
    text.trim() == text && (1..=MAX_NAME_CHARS).contains(&chars) && is_one_line(text)
}

/// Nothing that could start a header of its own, or turn the words around it.
fn is_one_line(text: &str) -> bool {
    let unruly = |c: char| c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !text.chars().any(unruly)
}
