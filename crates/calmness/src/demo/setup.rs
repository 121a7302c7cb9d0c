//! The product's configuration file in a demo, its accounts and its settings.

use std::error::Error;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use application::identity::{Email, IdentityError, NewUser};
use application::settings::Key;
use application::text::Locale;
use application::{App, Context, Role};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::providers;
use super::secrets::{Secrets, write_private};
use super::{
    Account, CHAT_ID, DemoError, SMS_SENDER, TWILIO_ACCOUNT, TWILIO_VERIFY_SERVICE, WorldAddresses, revealed,
};
use crate::config::{Config, LoadOptions, Opening};
use crate::wiring::{self, ClockKind};

const ADMIN: &str = "admin@calmness.example";
const USER: &str = "awa@calmness.example";
const COMPANY: &str = "company@calmness.example";

pub(super) struct Accounts {
    pub(super) admin: Account,
    pub(super) user: Account,
}

/// Writes the configuration that the product is started with. It holds secrets, so only its owner can read it.
pub(super) fn write_config(
    data_dir: &Path,
    secrets: &Secrets,
    database_url: &SecretString,
    base_url: &str,
    bind: SocketAddr,
    world: &WorldAddresses,
    opening: Opening,
) -> Result<PathBuf, DemoError> {
    let sections = [
        (
            "",
            json!({
                "environment": "development",
                "public_url": base_url,
                "secret_key": secrets.secret_key,
                "sandbox": true,
            }),
        ),
        ("company", json!({ "name": "Signaux Démo" })),
        ("server", json!({ "bind": bind.to_string() })),
        ("database", json!({ "url": revealed(database_url) })),
        (
            "mail",
            json!({
                "smtp_url": format!("smtp://{}", world.smtp),
                "from": "Signaux Démo <no-reply@calmness.example>",
            }),
        ),
        (
            "telegram",
            json!({
                "api_url": format!("http://{}", world.http),
                "bot_token": secrets.bot_token,
                "webhook_secret": secrets.telegram_webhook,
                "link_url": format!("http://{}/t.me", world.http),
            }),
        ),
        (
            "providers.hmac_psp",
            json!({
                "enabled": true,
                "base_url": format!("http://{}/psp", world.http),
                "opening": match opening { Opening::Api => "api", Opening::Link => "link" },
                "request_secrets": [secrets.psp_request],
                "webhook_secrets": [secrets.psp_webhook],
                "link_secret": secrets.psp_link,
                "currencies": ["EUR", "XOF", "XAF"],
            }),
        ),
        (
            "sms",
            json!({
                "enabled": true,
                "api_url": format!("http://{}/twilio", world.http),
                "verify_url": format!("http://{}/twilio", world.http),
                "account_sid": TWILIO_ACCOUNT,
                "auth_tokens": [secrets.twilio_auth_token],
                "from": SMS_SENDER,
                "verify_service_sid": TWILIO_VERIFY_SERVICE,
            }),
        ),
    ];
    let mut text =
        String::from("# Written by `calmness demo`. Other commands can use it: calmness --config FILE …\n");
    for (name, values) in sections {
        if !name.is_empty() {
            let _never_fails = writeln!(text, "\n[{name}]");
        }
        for (key, value) in values.as_object().into_iter().flatten() {
            let _never_fails = writeln!(text, "{key} = {}", toml_value(value));
        }
    }
    let path = data_dir.join("calmness.toml");
    write_private(&path, text.as_bytes())?;
    Ok(path)
}

/// Strings, booleans and lists of strings are written in TOML as in JSON.
fn toml_value(value: &Value) -> String {
    value.to_string()
}

/// Makes the accounts and settings, unless an earlier start made them.
pub(super) async fn seed(config: &Path, secrets: &Secrets, world: &str) -> Result<Accounts, DemoError> {
    let options =
        LoadOptions { file: Some(config.to_owned()), folder: PathBuf::new(), variables: Vec::new() };
    let config = Config::load(options).map_err(failed)?;
    let app = wiring::wire(&config, ClockKind::Sandbox).await?.app;
    let admin = Account { email: ADMIN.to_owned(), password: secrets.admin_password.clone() };
    let user = Account { email: USER.to_owned(), password: secrets.user_password.clone() };
    make_account(&app, &admin, Role::Admin).await?;
    make_account(&app, &user, Role::User).await?;
    let settings = [(Key::TelegramChannelId, CHAT_ID.to_string()), (Key::CompanyEmail, COMPANY.to_owned())];
    for (key, value) in settings {
        if !app.settings().is_set(key) {
            app.set_setting(&Context::operator(), key, &value).await.map_err(failed)?;
        }
    }
    for (key, document) in providers::settings(secrets, world) {
        // The simulated world may listen elsewhere than at an earlier start.
        if !app.settings().holds(key, &document.to_string()) {
            app.set_setting(&Context::operator(), key, &document.to_string()).await.map_err(failed)?;
        }
    }
    app.db().close().await;
    Ok(Accounts { admin, user })
}

async fn make_account(app: &App, account: &Account, role: Role) -> Result<(), DemoError> {
    let email = Email::parse(&account.email).map_err(failed)?;
    let password = SecretString::from(account.password.clone());
    let made =
        app.create_user(&Context::operator(), NewUser { email, password, role, locale: Locale::Fr }).await;
    match made {
        Ok(_) | Err(IdentityError::EmailTaken) => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

fn failed<E: Error + Send + Sync + 'static>(error: E) -> DemoError {
    DemoError::Setup(Box::new(error))
}
