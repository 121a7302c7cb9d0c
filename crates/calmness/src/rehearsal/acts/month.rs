//! A customer's month: from the first mail to the removal from the channel.

use reqwest::Method;
use time::Duration;

use crate::rehearsal::http::{self, Failure, Played, demand, list, same, text};
use crate::rehearsal::people::{self, Customer, MONTH, Newcomer};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const PERIOD: Duration = Duration::days(30);

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("month", "Act 1: a customer's month");
    let _broken_off = scenes(world, report).await;
}

async fn scenes(world: &World, report: &mut Report) -> Scene {
    let awa = signing_up(world, report).await?;
    buying(world, report, &awa).await?;
    entering(world, report, &awa).await?;
    renewing(world, report, &awa).await?;
    ending(world, report, &awa).await
}

async fn signing_up(world: &World, report: &mut Report) -> Scene<Customer> {
    let awa = Newcomer::new(&world.door, "Awa");
    let signed_up = async {
        awa.register().await?;
        awa.mailed_link().await
    };
    let link = report.step("Awa signs up, and a mail brings her a link", signed_up).await?;
    let opened = async {
        http::send(world.door.client.get(&link)).await?.expect(200)?;
        awa.log_in().await?.expect(401).map(drop)
    };
    report.step("opening the link alone uses nothing up: there is no account yet", opened).await?;
    let guessed = async {
        awa.verify(&link, Some("not the password she chose")).await?.expect(422)?;
        awa.log_in().await?.expect(401).map(drop)
    };
    report.step("the link with another password than hers is refused", guessed).await?;
    let activated = async { awa.verify(&link, None).await?.expect(204).map(drop) };
    report.step("the link with her password makes the account", activated).await?;
    let logged_in = async {
        let customer = awa.into_customer().await?;
        world.remember(&customer);
        Ok(customer)
    };
    report.step("she logs in", logged_in).await
}

async fn buying(world: &World, report: &mut Report, awa: &Customer) -> Scene {
    report.step("she sees what is sold, and who takes the money", price_list(world)).await?;
    let opened = async {
        let key = people::fresh_key();
        let opened = awa.init(MONTH, &key).await?.expect(201)?.body;
        let page = http::send(world.door.client.get(text(&opened, "/checkout_url")?)).await?.expect(200)?;
        demand(page.text.contains("<form"), || "the checkout's page has nothing to press".to_owned())?;
        text(&opened, "/id")
    };
    let payment = report.step("she opens a payment, and the checkout's page loads", opened).await?;
    let paid = async {
        awa.at_checkout(&payment, "pay").await?;
        awa.until_payment(&payment, "succeeded").await?;
        let time = awa.running_time().await?;
        same("length", time.ends_at - time.starts_at, PERIOD)
    };
    report.step("she pays, and has exactly 30 × 86,400 s", paid).await?;
    let confirmed = world.one_letter(&awa.email, "payment_confirmed", &payment);
    report.step("one mail confirms it", confirmed).await
}

async fn price_list(world: &World) -> Played<()> {
    let plans = http::send(world.door.ask(Method::GET, "/api/billing/plans")).await?.expect(200)?.body;
    let month = list(&plans, "/items").iter().find(|plan| plan["code"] == MONTH.plan);
    let month = month.ok_or_else(|| Failure(format!("no {} among {plans}", MONTH.plan)))?;
    same("days", month["days"].as_i64(), Some(30))?;
    let in_euros = list(month, "/prices").iter().any(|price| price["currency"] == MONTH.currency);
    demand(in_euros, || format!("no price in {} in {month}", MONTH.currency))?;
    let providers =
        http::send(world.door.ask(Method::GET, "/api/billing/providers")).await?.expect(200)?.body;
    let taken = list(&providers, "/items").iter().any(|provider| provider["provider"] == "hmac_psp");
    demand(taken, || format!("no hmac_psp among {providers}"))
}

async fn entering(world: &World, report: &mut Report, awa: &Customer) -> Scene {
    let linked = async {
        awa.link().await?;
        awa.invitation().await
    };
    let invitation =
        report.step("she presses start on the deep link, and the bot sends her invitation", linked).await?;
    let entered = async {
        awa.knock(&invitation).await?;
        awa.until_inside(true).await
    };
    report.step("she asks to join and is let in", entered).await?;
    let stranger = async {
        let account = people::telegram_account(&world.door, "Stranger").await?;
        people::knock(&world.door, account, &invitation).await?;
        http::until_so("the stranger's request is answered", async || {
            Ok(!people::channel(&world.door).await?.has("requests", account))
        })
        .await?;
        let inside = people::channel(&world.door).await?.has("items", account);
        demand(!inside, || "the stranger was let in".to_owned())
    };
    report.step("a stranger who uses the same invitation is declined", stranger).await
}

async fn renewing(world: &World, report: &mut Report, awa: &Customer) -> Scene {
    let reminded = async {
        world.advance(28 * DAY).await?;
        same("reminders", world.count_letters(&awa.email, "reminder", "").await?, 1)?;
        let left = awa.running_time().await?.seconds_left;
        demand(left <= 2 * DAY, || format!("{left} s are left, more than two days"))
    };
    report.step("28 days later: one reminder, and no more than 172,800 s left", reminded).await?;
    let not_again = async {
        world.advance(HOUR).await?;
        same("reminders", world.count_letters(&awa.email, "reminder", "").await?, 1)
    };
    report.step("an hour later: still one reminder", not_again).await?;
    let renewed = async {
        let before = awa.running_time().await?;
        awa.buy(MONTH).await?;
        let after = awa.running_time().await?;
        same("end", after.ends_at, before.ends_at + PERIOD)?;
        same("periods", after.periods, 2)?;
        Ok(before.seconds_left)
    };
    let left = report.step("she renews early: 30 days more, to the microsecond", renewed).await?;
    let stayed = async {
        world.advance(left + HOUR).await?;
        awa.running_time().await?;
        awa.until_inside(true).await?;
        same("reminders", world.count_letters(&awa.email, "reminder", "").await?, 1)
    };
    report.step("past the old end: she is still inside", stayed).await
}

async fn ending(world: &World, report: &mut Report, awa: &Customer) -> Scene {
    let reminded = async {
        let left = awa.running_time().await?.seconds_left;
        world.advance(left - 47 * HOUR).await?;
        same("reminders", world.count_letters(&awa.email, "reminder", "").await?, 2)
    };
    report.step("47 hours before the new end: one reminder more", reminded).await?;
    let removed = async {
        let account = awa.telegram()?;
        let heard = awa.heard().await?.len();
        world.advance(47 * HOUR + 60).await?;
        let channel = people::channel(&world.door).await?;
        demand(!channel.has("items", account), || "she is still inside".to_owned())?;
        demand(!channel.has("banned", account), || "she is banned".to_owned())?;
        demand(channel.has("left", account), || "Telegram does not know that she left".to_owned())?;
        same("status", awa.until_time("ended").await?.seconds_left, 0)?;
        Ok(heard)
    };
    let heard = report
        .step("past the new end: removed from the channel, not banned; the status says so", removed)
        .await?;
    let told = async {
        same("mails about the end", world.count_letters(&awa.email, "subscription_ended", "").await?, 1)?;
        same("reminders", world.count_letters(&awa.email, "reminder", "").await?, 2)?;
        let said = awa.heard().await?.split_off(heard);
        same("words of the bot", said.len(), 1)?;
        let said = said.concat();
        demand(said.contains("ended"), || format!("the bot said: {said}"))
    };
    report.step("one mail tells her, and the bot says it once", told).await
}
