//! Several instances on one database: what ends on one ends on all, also where one of them hears nothing (SEC-20).

use std::time::{Duration, Instant};

use serde_json::json;

use super::program::Server;
use crate::support::{Answer, Customer, Manner, Wire, World};

/// What a session's end may take to be known everywhere (SEC-20).
const SOON: Duration = Duration::from_secs(1);

async fn me(server: &Server, customer: &Customer) -> Answer {
    server.call("GET", "/api/me").bearer(&customer.access_token).send().await
}

async fn log_out(world: &World, customer: &Customer) -> Instant {
    world.call("POST", "/api/auth/logout").by(customer).send().await.expect(204);
    Instant::now()
}

#[tokio::test]
async fn sec_20_a_logout_on_one_instance_is_refused_by_the_other_within_a_second() {
    let world = World::new().await;
    let other = Server::beside(&world, world.config().database.url.as_ref().unwrap()).await;
    for number in 0..5 {
        let customer = world.made_customer(&format!("awa{number}")).await;
        me(&other, &customer).await.expect(200);
        let ended = log_out(&world, &customer).await;
        world.until("the other refuses", async || me(&other, &customer).await.status == 401).await;
        assert!(ended.elapsed() < SOON, "{:?}", ended.elapsed());
        // The instance on which it ended refuses at once.
        world.get_by(&customer, "/api/me").await.expect(401);
    }
    world.finish().await;
}

/// An instance whose database is silent while sessions end elsewhere, and what it does when it hears again.
async fn deaf(manner: Manner) {
    let world = World::new().await;
    let wire = Wire::to(world.config().database.url.as_ref().unwrap()).await;
    let other = Server::beside(&world, &wire.url).await;
    let (ended, living) = (world.made_customer("ended").await, world.made_customer("living").await);
    for customer in [&ended, &living] {
        me(&other, customer).await.expect(200);
    }
    wire.silence(manner);
    let at = log_out(&world, &ended).await;
    let refused = |answer: &Answer| answer.status == 503 && answer.header("retry-after").is_some();
    // An endpoint that would not need the database: the refusal is of who calls.
    let asked_nothing = async |customer: &Customer| {
        let call = other.call("PATCH", "/api/me").bearer(&customer.access_token);
        let asked = Instant::now();
        (asked, call.json(&json!({})).send().await)
    };
    let mut answered_after = None;
    while answered_after.is_none() {
        let (asked, answer) = asked_nothing(&ended).await;
        assert!(answer.status != 422 || asked < at + SOON, "believed {:?} after its end", at.elapsed());
        answered_after = refused(&answer).then(|| asked.elapsed());
    }
    assert!(answered_after.unwrap() < Duration::from_millis(1_500), "{answered_after:?}");
    for _ in 0..4 {
        for customer in [&ended, &living] {
            let (_, answer) = asked_nothing(customer).await;
            assert!(refused(&answer), "{}: {}", answer.status, answer.text);
        }
    }
    let login = json!({ "refresh_token": living.refresh_token });
    let refresh = tokio::spawn(other.call("POST", "/api/auth/refresh").json(&login).send());
    let process = other.call("GET", "/healthz").send().await;
    assert_eq!(process.status, 200, "the process itself lives");

    wire.restore();
    world.until("it hears again", async || me(&other, &living).await.status == 200).await;
    for _ in 0..30 {
        me(&other, &living).await.expect(200);
        me(&other, &ended).await.expect(401);
    }
    refresh.abort();
    other.log_in(&living.email).await;
    world.finish().await;
}

#[tokio::test]
async fn sec_20_an_instance_that_hears_nothing_believes_nobody_and_recovers_when_packets_flow() {
    deaf(Manner::Held).await;
}

#[tokio::test]
async fn sec_20_an_instance_whose_connections_were_forgotten_recovers_on_new_ones() {
    deaf(Manner::Lost).await;
}

#[tokio::test]
async fn an_instance_whose_database_hangs_up_says_come_back_and_does_when_it_is_there_again() {
    let world = World::new().await;
    let wire = Wire::to(world.config().database.url.as_ref().unwrap()).await;
    let other = Server::beside(&world, &wire.url).await;
    let customer = world.made_customer("awa").await;
    me(&other, &customer).await.expect(200);
    wire.silence(Manner::HungUp);
    let began = Instant::now();
    let mut answers = 0;
    while began.elapsed() < 3 * SOON {
        let answer = me(&other, &customer).await;
        assert_eq!(answer.problem(), (503, "service_unavailable"), "answer {answers}: {}", answer.text);
        assert!(answer.header("retry-after").is_some());
        answers += 1;
    }
    assert!(answers > 1);
    wire.restore();
    world.until("it serves again", async || me(&other, &customer).await.status == 200).await;
    world.finish().await;
}

#[tokio::test]
async fn sec_20_authentication_asks_the_database_nothing_while_the_list_is_fresh() {
    let world = World::new().await;
    let wire = Wire::to(world.config().database.url.as_ref().unwrap()).await;
    let other = Server::beside(&world, &wire.url).await;
    let customer = world.made_customer("awa").await;
    me(&other, &customer).await.expect(200);
    let (before, began) = (wire.asked(), Instant::now());
    for _ in 0..200 {
        let call = other.call("PATCH", "/api/me").bearer(&customer.access_token);
        call.json(&json!({})).send().await.expect(422);
    }
    // Only the list itself is read, and settings and plans: a few questions in each turn of 400 ms.
    let turns = u64::try_from(began.elapsed().as_millis()).unwrap() / 400 + 2;
    let asked = wire.asked() - before;
    assert!(asked <= turns * 8, "{asked} questions in {turns} turns");
    assert!(turns * 8 < 150, "the machine is too slow for this to show anything: {turns} turns");
    let before = wire.asked();
    for _ in 0..20 {
        me(&other, &customer).await.expect(200);
    }
    assert!(wire.asked() - before >= 20, "and the count counts");
    world.finish().await;
}

#[tokio::test]
async fn m1_a_setting_that_one_instance_changes_is_the_others_too() {
    let world = World::new().await;
    let other = Server::beside(&world, world.config().database.url.as_ref().unwrap()).await;
    let page = async || other.call("GET", "/login").send().await.expect(200).text;
    assert!(!page().await.contains("Signaux du Sud"));
    let operator = application::Context::operator();
    for (name, wanted) in [("Signaux du Sud", true), ("Signaux du Nord", false)] {
        world.app.set_setting(&operator, application::settings::Key::CompanyName, name).await.unwrap();
        world.until("the other knows", async || page().await.contains("Signaux du Sud") == wanted).await;
    }
    world.finish().await;
}
