//! The removal fuse: people whose time simply ends are removed as always, however many; many removals that nobody could
//! foresee wait for an admin.

use application::Context;
use application::access::{HoldError, RemovalDecision, RemovalHold};
use application::settings::Key;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, CHAT, Customer, OTHER_CHAT, Staff, World};

const FIRST_ACCOUNT: i64 = 7_001;

/// So many members, each with a month that they paid for: the payments.
async fn crowd(world: &World, people: i64) -> Vec<(Customer, Value)> {
    let mut bought = Vec::new();
    for account in (FIRST_ACCOUNT..).take(usize::try_from(people).unwrap()) {
        let customer = world.made_customer(&format!("p{account}")).await;
        let payment = world.open(&customer, "first", "signaux-monthly").await;
        world.act_with(&payment, json!({ "outcome": "pay" })).await;
        world.account(account).await;
        let link = world.deep_link(&customer).await;
        let start = format!("/telegram/users/{account}/start");
        world.sandbox_post(&start, &json!({ "link": link })).await.expect(204);
        bought.push((customer, payment));
    }
    world.drain().await;
    for (account, (customer, _)) in (FIRST_ACCOUNT..).zip(&bought) {
        let invite = json!({ "invite_link": world.invite_link(customer).await });
        let join = format!("/telegram/users/{account}/join");
        assert_eq!(world.sandbox_post(&join, &invite).await.expect(200).body["state"], "requested");
    }
    world.drain().await;
    assert_eq!(inside(world, CHAT).await, people);
    bought
}

/// How many plain members a chat has.
async fn inside(world: &World, chat: i64) -> i64 {
    let members = world.sandbox_get(&format!("/telegram/chats/{chat}/members")).await;
    let plain = members["items"].as_array().unwrap().iter().filter(|member| member["status"] == "member");
    i64::try_from(plain.count()).unwrap()
}

async fn refund_all(world: &World, bought: &[(Customer, Value)]) {
    for (_, payment) in bought {
        world.act_with(payment, json!({ "outcome": "refund" })).await;
    }
    world.drain().await;
}

async fn the_hold(world: &World) -> RemovalHold {
    let mut holds = world.app.removal_holds().await.unwrap();
    assert_eq!(holds.len(), 1, "{holds:?}");
    holds.remove(0)
}

fn reasons(hold: &RemovalHold) -> Vec<&'static str> {
    let mut reasons: Vec<_> = hold.people.iter().map(|held| held.reason.as_str()).collect();
    reasons.dedup();
    reasons
}

async fn decide(world: &World, hold: &RemovalHold, decision: RemovalDecision) -> Result<u64, HoldError> {
    let decided = world.app.decide_removals(&Context::operator(), hold.id, hold.version, decision).await;
    world.drain().await;
    decided
}

async fn alerts(world: &World) -> i64 {
    world.count("SELECT count(*) FROM alerts").await
}

#[tokio::test]
async fn fifty_ends_as_they_were_recorded_are_all_acted_upon_within_a_minute() {
    let world = World::new().await;
    crowd(&world, 50).await;
    let began = world.wall();
    // However far the clock of a sandbox is moved: each end was recorded when it was bought.
    world.advance(Duration::days(40)).await;
    assert!(world.wall() - began < Duration::MINUTE);
    assert_eq!(inside(&world, CHAT).await, 0);
    assert_eq!((alerts(&world).await, world.app.removal_holds().await.unwrap().len()), (0, 0));
    assert_eq!(world.count("SELECT count(*) FROM unforeseen_removals").await, 0);
    world.finish().await;
}

#[tokio::test]
async fn a_single_refund_is_never_held_and_neither_are_a_few_an_hour() {
    let world = World::new().await;
    let bought = crowd(&world, 9).await;
    for (hour, three) in (0_i64..).zip(bought.chunks(3)) {
        refund_all(&world, three).await;
        assert_eq!(inside(&world, CHAT).await, 9 - 3 * (hour + 1), "removed at once");
        world.advance(Duration::minutes(61)).await;
    }
    assert_eq!(alerts(&world).await, 0);
    world.finish().await;
}

#[tokio::test]
async fn refunds_in_bulk_wait_after_the_first_few_and_are_carried_out_once_confirmed() {
    let world = World::new().await;
    let bought = crowd(&world, 15).await;
    refund_all(&world, &bought).await;
    assert_eq!(inside(&world, CHAT).await, 12, "a fifth of fifteen is three");
    let hold = the_hold(&world).await;
    assert_eq!((hold.people.len(), reasons(&hold)), (12, vec!["end_not_recorded"]));
    let told = world.rows("SELECT kind, details FROM alerts").await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["kind"], "removals_held");
    assert_eq!(told[0]["details"]["people"], 12);
    assert_eq!(told[0]["details"]["reasons"], json!({ "end_not_recorded": 12 }));
    assert_eq!(told[0]["details"]["accounts"].as_array().unwrap().len(), 12);
    // It waits for an admin, not for the hour to pass.
    world.advance(Duration::hours(3)).await;
    assert_eq!((inside(&world, CHAT).await, alerts(&world).await), (12, 1));
    assert_eq!(decide(&world, &hold, RemovalDecision::Confirm).await.unwrap(), 12);
    assert_eq!(inside(&world, CHAT).await, 0);
    assert_eq!(world.count("SELECT count(*) FROM held_removals").await, 0);
    assert!(matches!(decide(&world, &hold, RemovalDecision::Confirm).await, Err(HoldError::NotFound)));
    world.finish().await;
}

#[tokio::test]
async fn a_decision_is_about_the_list_that_was_seen() {
    let world = World::new().await;
    let bought = crowd(&world, 6).await;
    refund_all(&world, &bought[..5]).await;
    let seen = the_hold(&world).await;
    assert_eq!(seen.people.len(), 2);
    refund_all(&world, &bought[5..]).await;
    let Err(HoldError::Changed { version, now: 3 }) = decide(&world, &seen, RemovalDecision::Confirm).await
    else {
        panic!("another list was decided upon")
    };
    assert_eq!(inside(&world, CHAT).await, 3);
    // Somebody on it pays again and stays: the list is shorter, and what is wanted is read again before each removal.
    let returning = the_hold(&world).await.people[0].telegram_user_id;
    let (customer, _) = &bought[usize::try_from(returning - FIRST_ACCOUNT).unwrap()];
    world.buy(customer, "again", "signaux-weekly").await;
    let hold = the_hold(&world).await;
    assert!(hold.version > version && hold.people.len() == 2, "{hold:?}");
    assert_eq!(decide(&world, &hold, RemovalDecision::Confirm).await.unwrap(), 2);
    assert!(world.is_inside(returning).await);
    assert_eq!(inside(&world, CHAT).await, 1);
    world.finish().await;
}

#[tokio::test]
async fn whoever_an_admin_lets_stay_is_asked_about_again_only_when_something_changes() {
    let world = World::new().await;
    let bought = crowd(&world, 6).await;
    refund_all(&world, &bought).await;
    let hold = the_hold(&world).await;
    assert_eq!(hold.people.len(), 3);
    assert_eq!(decide(&world, &hold, RemovalDecision::Reject).await.unwrap(), 3);
    // Owed again by something else: looked at, and left.
    world.sql("UPDATE memberships SET due_at = now()").await;
    world.advance(Duration::days(2)).await;
    assert_eq!((inside(&world, CHAT).await, world.app.removal_holds().await.unwrap().len()), (3, 0));
    assert_eq!(alerts(&world).await, 1);
    assert_eq!(world.broken_invariants().await, [], "the doctor knows that they may stay");
    // New time ends as it was recorded, and then they go as anybody does.
    let staying = hold.people[0].telegram_user_id;
    let (customer, _) = &bought[usize::try_from(staying - FIRST_ACCOUNT).unwrap()];
    world.buy(customer, "again", "signaux-weekly").await;
    world.advance(Duration::days(8)).await;
    assert!(!world.is_inside(staying).await);
    assert_eq!(inside(&world, CHAT).await, 2);
    world.sql("DELETE FROM held_removals").await;
    assert_eq!(world.broken_invariants().await[0].0, "nobody_inside_without_access");
    world.abandon().await;
}

#[tokio::test]
async fn another_chat_set_by_mistake_removes_nobody_from_either() {
    let world = World::new().await;
    crowd(&world, 12).await;
    // The other chat has the same people in it, whom somebody else let in.
    let made = world.bot("createChatInviteLink", &json!({ "chat_id": OTHER_CHAT })).await;
    for account in FIRST_ACCOUNT..FIRST_ACCOUNT + 12 {
        let join = json!({ "invite_link": made["invite_link"] });
        world.sandbox_post(&format!("/telegram/users/{account}/join"), &join).await.expect(200);
    }
    world.drain().await;
    world.advance(Duration::days(29) + Duration::hours(23)).await;
    let set = async |chat: i64| {
        let chat = chat.to_string();
        world.app.set_setting(&Context::operator(), Key::TelegramChannelId, &chat).await.unwrap();
    };
    set(OTHER_CHAT).await;
    world.advance(Duration::hours(2)).await;
    assert_eq!((inside(&world, CHAT).await, inside(&world, OTHER_CHAT).await), (12, 12));
    let hold = the_hold(&world).await;
    assert_eq!((hold.people.len(), reasons(&hold)), (12, vec!["chat_changed"]));
    assert_eq!(world.rows("SELECT kind FROM alerts").await, [json!({ "kind": "removals_held" })]);
    // The mistake is mended: their time is over as it was recorded.
    set(CHAT).await;
    world.drain().await;
    assert_eq!((inside(&world, CHAT).await, inside(&world, OTHER_CHAT).await), (0, 12));
    assert_eq!(world.app.removal_holds().await.unwrap().len(), 0, "nothing is left to decide");
    world.finish().await;
}

#[tokio::test]
async fn edited_dates_do_not_remove_many_at_once() {
    let world = World::new().await;
    crowd(&world, 15).await;
    world
        .sql(
            "UPDATE periods SET starts_at = starts_at - interval '60 days', ends_at = ends_at - interval '60 days';
             UPDATE subscriptions SET ends_at = ends_at - interval '60 days', end_due_at = end_due_at - interval '60 days'",
        )
        .await;
    world.drain().await;
    assert_eq!(inside(&world, CHAT).await, 12);
    let hold = the_hold(&world).await;
    assert_eq!((hold.people.len(), reasons(&hold)), (12, vec!["end_not_recorded"]));
    // Edited back: they may stay, and nobody is asked any more.
    world
        .sql(
            "UPDATE periods SET starts_at = starts_at + interval '60 days', ends_at = ends_at + interval '60 days';
             UPDATE subscriptions SET ends_at = ends_at + interval '60 days', end_due_at = ends_at + interval '60 days';
             UPDATE memberships SET due_at = now()",
        )
        .await;
    world.drain().await;
    assert_eq!((inside(&world, CHAT).await, world.app.removal_holds().await.unwrap().len()), (12, 0));
    world.finish().await;
}

#[tokio::test]
async fn a_machine_whose_clock_leaps_ahead_asks_before_it_removes_everybody() {
    let mut world = World::new().await;
    crowd(&world, 15).await;
    world.start_worker();
    // A leap is measured from the sweeper's first look at the clocks, which comes before its first round.
    let rounds = async || world.count("SELECT count(*) FROM retention_runs").await;
    world.until("it has made a round", async || rounds().await == 1).await;
    world.clock.leap(Duration::days(40));
    let held = async || world.count("SELECT count(*) FROM held_removals").await;
    world.until("all but a few are held", async || held().await == 12).await;
    // The next round of the sweeper tells admins; a few seconds are no leap.
    world.clock.leap(Duration::seconds(20));
    world.until("admins are told", async || alerts(&world).await == 1).await;
    world.until("nothing is due", async || world.due().await.is_empty()).await;
    assert_eq!(inside(&world, CHAT).await, 12);
    assert_eq!(reasons(&the_hold(&world).await), ["clock_jumped"]);
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'clock.leapt'").await, 1);
    world.stop_worker().await;
    world.finish().await;
}

#[tokio::test]
async fn a_freeze_of_many_waits_and_a_switch_of_account_never_does() {
    let world = World::setup().with_config(|config| config.removals.max_unforeseen = 0).start().await;
    let bought = crowd(&world, 2).await;
    // The owner's own wish.
    world.link_telegram(&bought[0].0, 7_900).await;
    world.advance(Duration::seconds(3)).await;
    assert!(!world.is_inside(FIRST_ACCOUNT).await);
    let admin = world.admin().await;
    world.freeze(&admin, &bought[1].0).await.expect(204);
    world.drain().await;
    assert_eq!(reasons(&the_hold(&world).await), ["access_withheld"]);
    world.unfreeze(&admin, &bought[1].0).await.expect(204);
    world.drain().await;
    assert!(world.is_inside(FIRST_ACCOUNT + 1).await);
    assert_eq!(world.app.removal_holds().await.unwrap().len(), 0);
    world.finish().await;
}

/// What waits for a second confirmation, as an admin sees it.
async fn asked(world: &World, admin: &Staff) -> Vec<Value> {
    let list = world.get_by(&admin.person, "/api/admin/approvals?state=pending").await.expect(200);
    list.body["items"].as_array().unwrap().clone()
}

async fn answer(world: &World, admin: &Staff, approval: &Value, verb: &str, body: &Value) -> Answer {
    let path = format!("/api/admin/approvals/{}/{verb}", approval["id"].as_str().unwrap());
    world.confirmed(admin, "POST", &path, body).await
}

#[tokio::test]
async fn sec_55_held_removals_are_an_approval_with_the_list_that_is_carried_out_once_confirmed() {
    let world = World::new().await;
    let admin = world.admin().await;
    let bought = crowd(&world, 6).await;
    refund_all(&world, &bought[..5]).await;
    let early = asked(&world, &admin).await;
    refund_all(&world, &bought[5..]).await;
    let (hold, asked) = (the_hold(&world).await, asked(&world, &admin).await);
    assert_eq!((early.len(), asked.len(), hold.people.len()), (1, 1, 3));
    let mut accounts: Vec<_> = hold.people.iter().map(|held| held.telegram_user_id.to_string()).collect();
    accounts.sort();
    let listed = json!([{ "field": "end_not_recorded", "before": accounts.join(", "), "after": null }]);
    assert_eq!((&asked[0]["kind"], &asked[0]["changes"]), (&json!("remove_members"), &listed));
    assert_eq!(asked[0]["requested_by"], json!(null), "the product itself asks");
    let stale = answer(&world, &admin, &early[0], "confirm", &json!({ "digest": early[0]["digest"] })).await;
    assert_eq!(stale.problem(), (409, "approval_stale"), "another list than the one that was shown");
    assert_eq!(inside(&world, CHAT).await, 3);
    let digest = json!({ "digest": asked[0]["digest"] });
    answer(&world, &admin, &asked[0], "confirm", &digest).await.expect(200);
    world.drain().await;
    assert_eq!((inside(&world, CHAT).await, world.app.removal_holds().await.unwrap().len()), (0, 0));
    world.finish().await;
}

#[tokio::test]
async fn sec_55_a_rejected_approval_lets_the_held_people_stay() {
    let world = World::new().await;
    let admin = world.admin().await;
    let bought = crowd(&world, 5).await;
    refund_all(&world, &bought).await;
    let pending = asked(&world, &admin).await;
    let reason = json!({ "reason": "a script refunded them by mistake" });
    answer(&world, &admin, &pending[0], "reject", &reason).await.expect(200);
    world.drain().await;
    assert_eq!((inside(&world, CHAT).await, world.app.removal_holds().await.unwrap().len()), (2, 0));
    assert_eq!(world.count("SELECT count(*) FROM held_removals WHERE state = 'rejected'").await, 2);
    world.finish().await;
}

#[tokio::test]
async fn sec_55_a_decision_on_the_command_line_answers_the_approval_too() {
    let world = World::new().await;
    let admin = world.admin().await;
    let bought = crowd(&world, 5).await;
    refund_all(&world, &bought).await;
    let pending = asked(&world, &admin).await;
    decide(&world, &the_hold(&world).await, RemovalDecision::Reject).await.unwrap();
    assert_eq!(asked(&world, &admin).await, Vec::<Value>::new());
    let late =
        answer(&world, &admin, &pending[0], "confirm", &json!({ "digest": pending[0]["digest"] })).await;
    assert_eq!(late.problem(), (409, "approval_stale"));
    assert_eq!(inside(&world, CHAT).await, 2);
    world.finish().await;
}
