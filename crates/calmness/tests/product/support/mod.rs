//! What every test stands on: a private database, the real product, the simulated world, and verbs to drive them with.

mod database;
mod factors;
mod http;
mod money;
mod people;
mod setup;
mod shuffle;
mod signature;
mod staff;
mod telegram;
mod vault;
mod wire;
mod world;

pub(crate) use self::database::Database;
pub(crate) use self::factors::{Authenticator, proof, proof_with};
pub(crate) use self::http::{Answer, Call, client, masked};
pub(crate) use self::people::{Customer, PASSWORD};
pub(crate) use self::setup::{
    BTCPAY_KEY, BTCPAY_WEBHOOK, COMPANY, FEDAPAY_KEY, FEDAPAY_WEBHOOK, MOMO_COLLECTION, MOMO_DISBURSEMENT,
    MOMO_KEY, MOMO_USER, TELEGRAM_SECRET, WEBHOOK_SECRET,
};
pub(crate) use self::shuffle::shuffle;
pub(crate) use self::signature::{hex, hmac_hex, signed_at};
pub(crate) use self::staff::Staff;
pub(crate) use self::telegram::{CHAT, OTHER_CHAT};
pub(crate) use self::vault::Vault;
pub(crate) use self::wire::{Manner, Wire};
pub(crate) use self::world::World;
