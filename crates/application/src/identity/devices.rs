//! Devices: from what somebody logs in, and which of them are known (SEC-49).
//!
//! A device becomes known by a full login from it, second factor included. Its holder keeps a signed token; from there
//! failures are counted apart, so whoever attacks the account from elsewhere can't lock its owner out.

use std::net::IpAddr;

use crypto::device_token::{self, DeviceToken};
use domain::ids::{DeviceId, UserId};
use domain::time::{Duration, Instant};
use secrecy::{ExposeSecret, SecretString};

use crate::actor;
use crate::app::App;
use crate::tx::{StoreError, Tx};

/// A device that nobody used for so long is a stranger again (wall time).
pub const DEVICE_LIFE: Duration = Duration::days(180);

/// From what a person logs in.
#[derive(Clone, Debug, Default)]
pub struct Device {
    user_agent: String,
    /// The client's real address.
    pub address: Option<IpAddr>,
    token: Option<SecretString>,
}

impl Device {
    /// A device by what its browser says it is, cut to what is kept.
    pub fn new(user_agent: &str, address: Option<IpAddr>) -> Self {
        let printable: String =
            user_agent.chars().filter(|character| !character.is_control()).take(200).collect();
        let end = printable.floor_char_boundary(255);
        Self { user_agent: printable[..end].to_owned(), address, token: None }
    }

    /// The same, with the token that an earlier login left there.
    #[must_use]
    pub fn holding(self, token: Option<SecretString>) -> Self {
        Self { token, ..self }
    }

    /// What the browser says it is.
    pub fn user_agent(&self) -> &str {
        &self.user_agent
    }

    /// The network that it is in, short of its address.
    pub fn network(&self) -> String {
        self.address.map(actor::network).unwrap_or_default()
    }
}

impl App {
    /// Which of this user's known devices it is, if any.
    pub(super) async fn known_device(
        &self,
        user: Option<UserId>,
        device: &Device,
    ) -> Result<Option<DeviceId>, StoreError> {
        let Some(token) = &device.token else { return Ok(None) };
        let now = self.clock().wall().unix_timestamp();
        let believed =
            |key| device_token::verify(key, token.expose_secret(), now, DEVICE_LIFE.whole_seconds());
        let Some(token) = self.keys().device_tokens().iter().find_map(believed) else {
            return Ok(None);
        };
        if user.map(UserId::uuid) != Some(token.user) {
            return Ok(None);
        }
        let known = sqlx::query_scalar!(
            "SELECT id FROM known_devices WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL",
            token.device,
            token.user
        )
        .fetch_optional(self.db())
        .await?;
        Ok(known.map(DeviceId::from_uuid))
    }

    /// The token that makes this device known at the next login.
    pub(super) fn device_token(&self, user: UserId, device: DeviceId, now: Instant) -> SecretString {
        let token = DeviceToken { user: user.uuid(), device: device.uuid(), issued_at: now.unix_timestamp() };
        device_token::issue(self.keys().device_token(), &token)
    }
}

/// Notes a full login from a device, which is known from now on. Says which it is, and whether it is worth telling:
/// neither known, nor like one that this user has logged in from before.
pub(super) async fn note_login(
    tx: &mut Tx,
    user: UserId,
    known: Option<DeviceId>,
    device: &Device,
) -> Result<(DeviceId, bool), StoreError> {
    let (wall, network) = (tx.wall(), device.network());
    if let Some(known) = known {
        sqlx::query!(
            "UPDATE known_devices SET last_used_at = $2, user_agent = $3, network = $4 WHERE id = $1",
            known.uuid(),
            wall,
            device.user_agent(),
            network
        )
        .execute(tx.db())
        .await?;
        return Ok((known, false));
    }
    let before = sqlx::query!(
        r#"SELECT count(*) AS "devices!",
                  count(*) FILTER (WHERE user_agent = $2 AND network = $3) AS "alike!"
           FROM known_devices
           WHERE user_id = $1"#,
        user.uuid(),
        device.user_agent(),
        network
    )
    .fetch_one(tx.db())
    .await?;
    let id = DeviceId::new(wall, &tx.entropy());
    sqlx::query!(
        "INSERT INTO known_devices (id, user_id, user_agent, network, created_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $5)",
        id.uuid(),
        user.uuid(),
        device.user_agent(),
        network,
        wall
    )
    .execute(tx.db())
    .await?;
    Ok((id, before.devices > 0 && before.alike == 0))
}

/// No device of this user is known any more.
pub(super) async fn forget_devices(tx: &mut Tx, user: UserId) -> Result<(), StoreError> {
    let wall = tx.wall();
    let query = sqlx::query!(
        "UPDATE known_devices SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL",
        user.uuid(),
        wall
    );
    query.execute(tx.db()).await?;
    Ok(())
}
