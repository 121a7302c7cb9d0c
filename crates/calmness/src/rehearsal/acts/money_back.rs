//! Money that goes back, or may: a refund, a dispute. Part of the second act.

use crate::rehearsal::http::{demand, same, until_so};
use crate::rehearsal::people::{Customer, MONTH};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::{COMPANY, World};

const DAY: i64 = 86_400;
/// Looking before and after takes some seconds of the customer's time itself.
const LOOKING: i64 = 10;

pub(super) async fn refund(report: &mut Report, binta: &Customer) -> Scene {
    let inside = async {
        let payment = binta.payments().await?;
        let payment = payment.iter().find(|payment| payment["status"] == "succeeded");
        let id = payment.and_then(|payment| payment["id"].as_str()).map(ToOwned::to_owned);
        let id = match id {
            Some(id) => id,
            None => binta.buy(MONTH).await?,
        };
        binta.link().await?;
        binta.enter().await?;
        Ok(id)
    };
    let payment = report.step("Binta, who has paid, is in the channel", inside).await?;
    let refunded = async {
        binta.at_checkout(&payment, "refund").await?;
        binta.until_payment(&payment, "refunded").await?;
        same("seconds left", binta.until_time("ended").await?.seconds_left, 0)?;
        binta.until_inside(false).await
    };
    report.step("her money goes back: her time ends, and she is removed", refunded).await
}

pub(super) async fn dispute(world: &World, report: &mut Report, hawa: &Customer) -> Scene {
    let inside = async {
        let payment = hawa.buy(MONTH).await?;
        hawa.link().await?;
        hawa.enter().await?;
        Ok(payment)
    };
    let payment = report.step("Hawa, who has paid, is in the channel", inside).await?;
    let suspended = async {
        let left = hawa.running_time().await?.seconds_left;
        hawa.at_checkout(&payment, "dispute_open").await?;
        hawa.until_payment(&payment, "disputed").await?;
        hawa.until_time("suspended").await?;
        hawa.until_inside(false).await?;
        same("alerts", world.count_alerts("payment_disputed", &payment).await?, 1)?;
        world.one_letter(COMPANY, "alert", &payment).await?;
        Ok(left)
    };
    let left =
        report.step("a dispute opens: suspended, removed, and the company is told once", suspended).await?;
    let given_back = async {
        world.advance(3 * DAY).await?;
        hawa.at_checkout(&payment, "dispute_won").await?;
        hawa.until_payment(&payment, "succeeded").await?;
        let now_left = hawa.running_time().await?.seconds_left;
        let shown = format!("{left} s were left, now {now_left} s");
        demand((left - LOOKING..=left).contains(&now_left), || shown.clone())?;
        Ok(((), shown))
    };
    report.telling_step("three days later it is won: the unused time is given back", given_back).await?;
    let back = async {
        let invitation = hawa.invitation().await?;
        until_so("a second invitation", async || {
            Ok(hawa.heard().await?.iter().filter(|said| said.contains(&invitation)).count() == 2)
        })
        .await?;
        hawa.enter().await
    };
    report.step("she is invited again, and comes back in", back).await
}
