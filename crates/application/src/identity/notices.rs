//! Telling owners what changed about how their account is guarded (SEC-7).

use domain::ids::{NotificationId, UserId};

use super::devices::Device;
use crate::notifications::{self, Content, Recipient, SecurityEvent};
use crate::tx::{StoreError, Tx};

const SECONDS_A_DAY: i64 = 86_400;

/// Owes a mail about an event.
pub(super) async fn tell(
    tx: &mut Tx,
    user: UserId,
    event: SecurityEvent,
    device: &Device,
) -> Result<(), StoreError> {
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    owe(tx, id, format!("security:{id}"), user, event, device).await
}

/// Owes a mail about an event that may happen again and again: one a day.
pub(super) async fn tell_daily(
    tx: &mut Tx,
    user: UserId,
    event: SecurityEvent,
    device: &Device,
) -> Result<(), StoreError> {
    let id = NotificationId::new(tx.wall(), &tx.entropy());
    let day = tx.wall().unix_timestamp() / SECONDS_A_DAY;
    owe(tx, id, format!("security:{}:{user}:{day}", event.as_str()), user, event, device).await
}

/// Where nobody's device is known, the network of the request stands for it.
pub(super) fn here(tx: &Tx) -> Device {
    Device::new("", tx.context().address)
}

async fn owe(
    tx: &mut Tx,
    id: NotificationId,
    dedupe_key: String,
    user: UserId,
    event: SecurityEvent,
    device: &Device,
) -> Result<(), StoreError> {
    let content = Content::Security {
        event,
        user_agent: device.user_agent().to_owned(),
        network: device.network(),
        at_us: i64::try_from(tx.wall().unix_timestamp_nanos() / 1_000).unwrap_or_default(),
    };
    notifications::owe(tx, id, &dedupe_key, Recipient::User(user), content, None).await?;
    Ok(())
}
