//! The operator's day: where the money goes is changed by two and not by a thief, keys change while people buy, and the
//! audit log is held to its chain.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::future::try_join;
use reqwest::Method;
use serde_json::{Value, json};

use super::{audit, keys};
use crate::demo::Account;
use crate::rehearsal::authenticator::wrong_code;
use crate::rehearsal::http::{self, Door, Played, Reply, demand, list, same, text, until_so};
use crate::rehearsal::operators::{self, Admin, done};
use crate::rehearsal::people::{Customer, MONTH, PASSWORD, fresh_key};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

/// Where the thief calls from: another address of this machine.
const THIEF: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 67));
const SECOND_ADMIN: &str = "ousmane@calmness.example";
const SETTING: &str = "/api/admin/settings/provider_bank_transfer";
const OLD_IBAN: &str = "FR7630006000011234567890189";
const NEW_IBAN: &str = "DE89370400440532013000";
const THIEFS_IBAN: &str = "GB82WEST12345698765432";
const DAY: i64 = 24 * 3_600;

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("operators_day", "Act 7: the operator's day");
    let _best_effort = world.mend().await;
    let Ok((mut mariam, ousmane)) = securing(world, report).await else { return };
    // Whether the money's way changed does not matter for the keys, nor for the audit log.
    let _broken_off = [
        receiving(world, report, &mariam, &ousmane).await,
        keys::under_load(world, report, &mut mariam).await,
        audit::verified(world, report, &mariam).await,
    ];
}

async fn securing(world: &World, report: &mut Report) -> Scene<(Admin, Admin)> {
    let hired = async {
        let account = Account { email: SECOND_ADMIN.to_owned(), password: PASSWORD.to_owned() };
        let arguments = ["user", "create", SECOND_ADMIN, "--verified", "--role", "admin"];
        done(&world.command(&arguments, &format!("{PASSWORD}\n")).await?)?;
        Ok(account)
    };
    let account =
        report.step("Mariam runs the place; the operator makes Ousmane an admin too", hired).await?;
    let secured = try_join(Admin::secure(world, world.admin()), Admin::secure(world, &account));
    report.step("both set up an authenticator app, and the operator vouches for it", secured).await
}

async fn receiving(world: &World, report: &mut Report, mariam: &Admin, ousmane: &Admin) -> Scene {
    let quoted = async {
        let payer = world.customer("Nadia").await?;
        let quote = quoted_to(&payer, OLD_IBAN).await?;
        Ok((payer, quote))
    };
    let (payer, quote) = report.step("Nadia is told the account to transfer to", quoted).await?;
    let cooling = changing(world, report, mariam, ousmane).await;
    let thwarted = thieving(world, report, mariam, ousmane).await;
    cooling?;
    let activated = async {
        world.advance(DAY + 1).await?;
        told(world, NEW_IBAN).await?;
        let kept = payer.payment(&text(&quote, "/id")?).await?;
        same("the account of the old quote", iban(&kept)?.as_str(), OLD_IBAN)?;
        same("what still cools down", mariam.get(SETTING).await?["cooling"].clone(), Value::Null)
    };
    report
        .step("a day later the new account is told, and Nadia's quote keeps the old one", activated)
        .await?;
    thwarted?;
    cancelling(world, report, mariam, ousmane).await
}

/// Another account, by two admins.
async fn changing(world: &World, report: &mut Report, mariam: &Admin, ousmane: &Admin) -> Scene {
    let asked = async {
        let asked = ask_for(world, mariam, NEW_IBAN).await?;
        same("state", asked["state"].as_str(), Some("pending"))?;
        let iban = list(&asked, "/changes").iter().find(|change| change["field"] == "iban");
        let iban = iban.cloned().unwrap_or_default();
        same("before", compact(&text(&iban, "/before")?).as_str(), OLD_IBAN)?;
        same("after", compact(&text(&iban, "/after")?).as_str(), NEW_IBAN)?;
        told(world, OLD_IBAN).await?;
        Ok(asked)
    };
    let asked = report
        .step("Mariam asks for another account: it waits, and payers are told the old one", asked)
        .await?;
    let alone = async {
        let refused = confirm(world, mariam, &asked).await?.expect(403)?;
        same("code", text(&refused.body, "/code")?.as_str(), "another_admin_needed")
    };
    report.step("she can't confirm it alone", alone).await?;
    let confirmed = async {
        let shown = ousmane.get(&format!("/api/admin/approvals/{}", text(&asked, "/id")?)).await?;
        let confirmed = confirm(world, ousmane, &shown).await?.expect(200)?.body;
        same("state", confirmed["state"].as_str(), Some("confirmed"))?;
        let cooling = text(&mariam.get(SETTING).await?, "/cooling/value")?;
        demand(compact(&cooling).contains(NEW_IBAN), || format!("another account cools down: {cooling}"))?;
        told(world, OLD_IBAN).await
    };
    report
        .step(
            "Ousmane looks and confirms: it cools down for a day, and payers are told the old one",
            confirmed,
        )
        .await?;
    let mailed = both_are_mailed(world, mariam, ousmane, NEW_IBAN, 1);
    report.step("a mail tells each of them, from what to what", mailed).await
}

/// Somebody with Mariam's session, then with her password.
async fn thieving(world: &World, report: &mut Report, mariam: &Admin, ousmane: &Admin) -> Scene {
    let thief = report
        .step("a thief calls from another address", async {
            let door = Door { client: http::client_from(Some(THIEF))?, ..world.door.clone() };
            http::send(door.ask(Method::GET, "/healthz")).await?.expect(200)?;
            Ok(door)
        })
        .await?;
    let body = document(THIEFS_IBAN);
    let with_session = async {
        let put = async |permission: Option<&str>| {
            let asked = thief.ask(Method::PUT, SETTING).bearer_auth(mariam.access_token()?);
            let asked = permission.map_or(asked.try_clone(), |token| Some(asked.header("step-up", token)));
            let asked = asked.ok_or_else(|| http::Failure("the request can't be sent".to_owned()))?;
            refused(http::send(asked.json(&body)).await?, 403, "step_up_required")
        };
        put(None).await?;
        put(Some("made up")).await?;
        let guess = wrong_code(&mariam.secret);
        let guessed = mariam.ask_permission(&thief, &Method::PUT, SETTING, &body, &guess).await?;
        refused(guessed, 401, "code_invalid")?;
        // A permission that was given for something else is worth nothing here.
        let other = mariam.permission(world, &Method::PUT, SETTING, &document(NEW_IBAN)).await?;
        put(Some(&other)).await
    };
    report
        .step("with Mariam's session and no code of her app the thief changes nothing", with_session)
        .await?;
    let with_password = async {
        let asked = operators::log_in(&thief, &mariam.email, &mariam.password).await?.expect(200)?.body;
        same("a code is asked for", asked["mfa_required"].as_bool(), Some(true))?;
        demand(asked["access_token"].is_null(), || "a session for the password alone".to_owned())?;
        let code = wrong_code(&mariam.secret);
        let answer = json!({ "mfa_token": asked["mfa_token"], "method": "totp", "code": code });
        let answered = http::send(thief.ask(Method::POST, "/api/auth/mfa/verify").json(&answer)).await?;
        refused(answered, 401, "code_invalid")?;
        let half = text(&asked, "/mfa_token")?;
        http::send(thief.ask(Method::PUT, SETTING).bearer_auth(half).json(&body)).await?.expect(401)?;
        Ok(())
    };
    report.step("with her password from elsewhere the thief is not even let in", with_password).await?;
    let untouched = async {
        same("what was asked for", pending(ousmane).await?, 0)?;
        told(world, OLD_IBAN).await
    };
    report.step("nothing waits for a confirmation, and payers are told the same as before", untouched).await
}

/// Somebody with Mariam's session and her app; Ousmane confirms what he should not have, and notices in time.
async fn cancelling(world: &World, report: &mut Report, mariam: &Admin, ousmane: &Admin) -> Scene {
    let asked = async {
        let asked = ask_for(world, mariam, THIEFS_IBAN).await?;
        refused(confirm(world, mariam, &asked).await?, 403, "another_admin_needed")?;
        Ok(asked)
    };
    let asked =
        report.step("even with a code of her app the thief's account waits for another", asked).await?;
    let careless = async {
        confirm(world, ousmane, &asked).await?.expect(200)?;
        told(world, NEW_IBAN).await?;
        both_are_mailed(world, mariam, ousmane, THIEFS_IBAN, 1).await
    };
    report.step("Ousmane confirms it by mistake: it cools down, and mails tell both", careless).await?;
    let cancelled = async {
        let body = json!({ "reason": "not ours" });
        let path = format!("{SETTING}/cancel");
        ousmane.permitted(world, Method::POST, &path, &body).await?.expect(204)?;
        world.advance(DAY + 1).await?;
        told(world, NEW_IBAN).await
    };
    report
        .step("he reads what he did and cancels: no payer is ever told the thief's account", cancelled)
        .await
}

fn document(iban: &str) -> Value {
    json!({
        "value": {
            "account_holder": "Calmness SARL", "iban": iban, "bic": "AGRIFRPP",
            "currencies": ["EUR"], "mode": "test",
        },
        "reason": "the company has another bank",
    })
}

/// Asks for another account.
async fn ask_for(world: &World, admin: &Admin, iban: &str) -> Played<Value> {
    Ok(admin.permitted(world, Method::PUT, SETTING, &document(iban)).await?.expect(202)?.body)
}

/// Confirms exactly what was shown.
async fn confirm(world: &World, admin: &Admin, shown: &Value) -> Played<Reply> {
    let path = format!("/api/admin/approvals/{}/confirm", text(shown, "/id")?);
    admin.permitted(world, Method::POST, &path, &json!({ "digest": text(shown, "/digest")? })).await
}

async fn pending(admin: &Admin) -> Played<usize> {
    Ok(list(&admin.get("/api/admin/approvals?state=pending").await?, "/items").len())
}

fn refused(answer: Reply, status: u16, code: &str) -> Played<()> {
    let refused = answer.expect(status)?;
    same("code", text(&refused.body, "/code")?.as_str(), code)
}

/// Somebody new who opens a transfer now must be told this account.
async fn told(world: &World, account: &str) -> Played<()> {
    quoted_to(&world.customer("Payer").await?, account).await.map(drop)
}

/// A payer's quote, which must name this account.
async fn quoted_to(payer: &Customer, account: &str) -> Played<Value> {
    let body = json!({ "plan_code": MONTH.plan, "provider": "bank_transfer", "currency": MONTH.currency });
    let quote = payer.init_with(&body, &fresh_key()).await?.expect(201)?.body;
    same("the account that a payer is told", iban(&quote)?.as_str(), account)?;
    Ok(quote)
}

fn iban(payment: &Value) -> Played<String> {
    Ok(compact(&text(payment, "/instructions/iban")?))
}

/// An account number as machines write it.
fn compact(shown: &str) -> String {
    shown.split_whitespace().collect()
}

/// Waits until each admin has so many mails about the way to an account, with old and new.
async fn both_are_mailed(
    world: &World,
    mariam: &Admin,
    ousmane: &Admin,
    account: &str,
    times: usize,
) -> Played<()> {
    let old = if account == THIEFS_IBAN { NEW_IBAN } else { OLD_IBAN };
    for admin in [mariam, ousmane] {
        let count = async || {
            let letters = world.letters(Some(&admin.email)).await?;
            let about = letters.iter().filter(|letter| letter.kind == "setting");
            let texts = about.map(|letter| compact(&letter.text));
            Ok::<_, http::Failure>(texts.filter(|text| text.contains(old) && text.contains(account)).count())
        };
        until_so("a mail tells an admin", async || Ok(count().await? >= times)).await?;
        same("mails to an admin", count().await?, times)?;
    }
    Ok(())
}
