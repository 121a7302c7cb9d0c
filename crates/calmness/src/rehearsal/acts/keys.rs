//! Keys change while people buy, and nobody notices.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::{join_all, try_join_all};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rehearsal::http::{Failure, Played, demand, list, same, text, until};
use crate::rehearsal::operators::Admin;
use crate::rehearsal::people::{Customer, WEEK};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

const BUYERS: [&str; 4] = ["Oumou", "Pascal", "Rokia", "Salif"];
/// How long a buyer thinks, and how long one waits to look for the new key again.
const PAUSE: Duration = Duration::from_millis(250);
const WEEK_LENGTH: time::Duration = time::Duration::days(7);

pub(super) async fn under_load(world: &World, report: &mut Report, admin: &mut Admin) -> Scene {
    let ready = try_join_all(BUYERS.map(|name| world.customer(name)));
    let buyers = report.step("four customers sign up", ready).await?;
    let bought = report
        .telling_step(
            "they buy on while the keys of tokens and of data are rotated: nobody is refused",
            rotated(world, &buyers, admin),
        )
        .await?;
    let whole = async {
        for (buyer, bought) in buyers.iter().zip(&bought) {
            let time = buyer.running_time().await?;
            let weeks = i32::try_from(*bought).unwrap_or(i32::MAX);
            same("time of a buyer", time.ends_at - time.starts_at, WEEK_LENGTH * weeks)?;
        }
        Ok(())
    };
    report.step("each has exactly the weeks that were paid, before and after", whole).await
}

/// Buyers buy with the tokens that they have, from before the rotation until the new key of tokens signs; says how often
/// each did.
async fn rotated(world: &World, buyers: &[Customer], admin: &mut Admin) -> Played<(Vec<usize>, String)> {
    let signs = AtomicBool::new(false);
    let buying = join_all(buyers.iter().map(|buyer| buy_on(buyer, &signs)));
    let rotating = async {
        let changed = rotate(world, admin).await;
        signs.store(true, Ordering::Relaxed);
        changed
    };
    let (bought, changed) = tokio::join!(buying, rotating);
    let bought: Vec<usize> = bought.into_iter().collect::<Played<_>>()?;
    changed?;
    let purchases: usize = bought.iter().sum();
    Ok((bought, format!("{purchases} purchases; the new key signs")))
}

async fn buy_on(buyer: &Customer, signs: &AtomicBool) -> Played<usize> {
    for bought in 1.. {
        // One more once the new key signs: the token from before counts still.
        let last = signs.load(Ordering::Relaxed);
        buyer.buy(WEEK).await?;
        buyer.get("/api/me").await?.expect(200)?;
        if last {
            return Ok(bought);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(Failure("nobody buys for ever".to_owned()))
}

/// Rotates both, and waits until new tokens are signed by the new key.
async fn rotate(world: &World, admin: &mut Admin) -> Played<()> {
    let mut made = Vec::new();
    for purpose in ["jwt", "data"] {
        let body = json!({ "purpose": purpose });
        let rotated = admin.permitted(world, Method::POST, "/api/admin/keys/rotate", &body).await?;
        made.push(text(&rotated.expect(200)?.body, "/id")?);
    }
    let [signing, sealing] = made.as_slice() else { return Err(Failure("two keys".to_owned())) };
    let listed = admin.get("/api/admin/keys").await?;
    let newest = |pointer: &str| list(&listed, pointer).first().cloned().unwrap_or_default();
    same("newest key of tokens", newest("/jwt_keys")["kid"].as_str(), Some(signing.as_str()))?;
    same("newest key of data", newest("/data_keys")["id"].as_str(), Some(sealing.as_str()))?;
    let before = signed_by(&admin.access_token()?)?;
    demand(before != *signing, || "an older token names the new key".to_owned())?;
    until("the new key signs", async || {
        tokio::time::sleep(PAUSE).await;
        admin.refresh().await?;
        Ok((signed_by(&admin.access_token()?)? == *signing).then_some(()))
    })
    .await
}

/// The name of the key in a token's header.
fn signed_by(token: &str) -> Played<String> {
    let header = token.split('.').next().and_then(|header| URL_SAFE_NO_PAD.decode(header).ok());
    let header = header.and_then(|header| serde_json::from_slice::<Value>(&header).ok());
    text(&header.unwrap_or_default(), "/kid")
}
