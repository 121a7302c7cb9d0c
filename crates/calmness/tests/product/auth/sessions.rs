//! `/api/auth/sessions`: the devices that are logged in, and how long they stay so (SEC-19, 20).

use application::Context;
use application::identity::{Client, Device, LoggedIn, Pass};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use web::{TrustedProxies, WebOptions};

use crate::support::{Answer, Customer, PASSWORD, World};

fn behind_a_proxy(options: &mut WebOptions) {
    options.trusted_proxies = TrustedProxies::parse(["127.0.0.1"]).unwrap();
}

/// A login on a device of this name, from this address.
async fn log_in_from(world: &World, customer: &Customer, address: &str, agent: &str) -> Customer {
    let call = world.call("POST", "/api/auth/login").header("X-Forwarded-For", address);
    let body = json!({ "email": customer.email, "password": PASSWORD });
    customer.with(&call.header("User-Agent", agent).json(&body).send().await.expect(200))
}

async fn sessions(world: &World, customer: &Customer) -> Vec<Value> {
    let list = world.get_by(customer, "/api/auth/sessions").await.expect(200);
    assert_eq!(list.body["next_cursor"], Value::Null);
    list.body["items"].as_array().unwrap().clone()
}

async fn end(world: &World, customer: &Customer, session: &Value) -> Answer {
    let path = format!("/api/auth/sessions/{}", session["id"].as_str().unwrap());
    world.call("DELETE", &path).by(customer).send().await
}

async fn refresh(world: &World, customer: &Customer) -> Answer {
    world.post("/api/auth/refresh", &json!({ "refresh_token": customer.refresh_token })).await
}

#[tokio::test]
async fn the_list_tells_devices_apart_and_never_a_whole_address() {
    let world = World::setup().with_web(behind_a_proxy).start().await;
    let customer = world.made_customer("awa").await;
    let phone = log_in_from(&world, &customer, "203.0.113.77", "Phone/1.0").await;
    let laptop = log_in_from(&world, &customer, "2001:db8:aaaa:bbbb::1", "Laptop/2.0\u{202e}<b>").await;
    let list = world.get_by(&phone, "/api/auth/sessions").await.expect(200);
    for address in ["203.0.113.77", "bbbb"] {
        assert!(!list.text.contains(address), "{}", list.text);
    }
    let shown: Vec<Value> = sessions(&world, &phone)
        .await
        .iter()
        .map(|session| {
            json!([session["user_agent"], session["network"], session["current"], session["kind"]])
        })
        .collect();
    assert_eq!(shown[0][1], "2001:db8:aaaa::/48");
    assert_eq!(shown[1], json!(["Phone/1.0", "203.0.113.0/24", true, "program"]));
    assert_eq!(shown[2], json!(["", "127.0.0.0/24", false, "program"]));
    assert_eq!(sessions(&world, &laptop).await[0]["current"], true);
    world.finish().await;
}

#[tokio::test]
async fn sec_20_a_session_that_is_ended_from_the_list_ends_alone_and_at_once() {
    let world = World::new().await;
    let (here, stolen) = (world.customer().await, world.log_in("awa@example.com").await);
    let shown = sessions(&world, &here).await;
    let other = shown.iter().find(|session| session["current"] == false).unwrap();
    end(&world, &here, other).await.expect(204);
    world.until_refused(&stolen).await;
    refresh(&world, &stolen).await.expect(401);
    world.get_by(&here, "/api/me").await.expect(200);
    refresh(&world, &here).await.expect(200);
    assert_eq!(end(&world, &here, other).await.problem(), (404, "not_found"), "it is gone");
    assert_eq!(sessions(&world, &here).await.len(), 1);
    world.finish().await;
}

#[tokio::test]
async fn sec_22_somebody_elses_session_is_the_same_as_none() {
    let world = World::new().await;
    let (customer, other) = (world.customer().await, world.customer_named("moussa").await);
    let theirs = sessions(&world, &other).await;
    let missing = json!({ "id": "018f2b7e-0000-7000-8000-000000000000" });
    let answers = [end(&world, &customer, &theirs[0]).await, end(&world, &customer, &missing).await];
    assert_eq!(answers[0].shown(), answers[1].shown());
    assert_eq!(answers[0].problem(), (404, "not_found"));
    assert_eq!(end(&world, &customer, &json!({ "id": "nonsense" })).await.problem(), (404, "not_found"));
    world.get_by(&other, "/api/me").await.expect(200);
    refresh(&world, &other).await.expect(200);
    world.finish().await;
}

#[tokio::test]
async fn ending_all_sessions_ends_this_one_too() {
    let world = World::new().await;
    let (here, elsewhere) = (world.customer().await, world.log_in("awa@example.com").await);
    world.call("DELETE", "/api/auth/sessions").by(&here).send().await.expect(204);
    for session in [&here, &elsewhere] {
        world.until_refused(session).await;
        refresh(&world, session).await.expect(401);
    }
    world.finish().await;
}

/// Lets every session be older, or unused for longer.
async fn age(world: &World, column: &str, by: &str) {
    world.sql(&format!("UPDATE sessions SET {column} = {column} - interval '{by}'")).await;
}

#[tokio::test]
async fn sec_19_a_session_that_nobody_uses_for_14_days_ends() {
    let world = World::new().await;
    let (idle, caller) = (world.customer().await, world.customer_named("moussa").await);
    age(&world, "last_used_at", "13 days 23 hours").await;
    let used = idle.with(&refresh(&world, &idle).await.expect(200));
    assert_eq!(sessions(&world, &used).await.len(), 1);
    age(&world, "last_used_at", "14 days 1 second").await;
    assert_eq!(refresh(&world, &used).await.problem(), (401, "unauthorized"));
    assert_eq!(sessions(&world, &used).await.len(), 0, "and is listed no more");
    refresh(&world, &caller).await.expect(401);
    world.finish().await;
}

#[tokio::test]
async fn sec_19_a_session_ends_after_30_days_however_much_it_is_used() {
    let world = World::new().await;
    let customer = world.customer().await;
    age(&world, "expires_at", "29 days 23 hours 50 minutes").await;
    let refreshed = refresh(&world, &customer).await.expect(200);
    assert!(refreshed.body["expires_in"].as_i64().unwrap() <= 600, "no longer than the session");
    let used = customer.with(&refreshed);
    age(&world, "expires_at", "10 minutes").await;
    assert_eq!(refresh(&world, &used).await.problem(), (401, "unauthorized"));
    world.finish().await;
}

#[tokio::test]
async fn sec_19_the_cookie_of_a_browser_ends_like_everything_else() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let email = customer.email.parse().unwrap();
    let open = async || {
        let (password, device) = (SecretString::from(PASSWORD), Device::default());
        let entered =
            world.app.login(&Context::operator(), &email, &password, Client::Browser, &device).await.unwrap();
        let LoggedIn::In(entered) = entered else { panic!("no second factor is set up") };
        let Pass::Cookie(cookie) = entered.pass else { panic!("a browser gets a cookie") };
        cookie.expose_secret().to_owned()
    };
    let visit = async |cookie: &str| {
        let call = world.call("GET", "/dashboard").header("Accept", "text/html");
        call.header("Cookie", &format!("calmness_session={cookie}")).send().await.status
    };
    for (column, nearly, over) in [
        ("last_used_at", "13 days 23 hours", "14 days 1 second"),
        ("expires_at", "29 days 23 hours", "1 hour"),
    ] {
        let cookie = open().await;
        assert_eq!(visit(&cookie).await, 200);
        age(&world, column, nearly).await;
        assert_eq!(visit(&cookie).await, 200, "{column}");
        age(&world, column, over).await;
        assert_eq!(visit(&cookie).await, 303, "{column}");
    }
    let cookie = open().await;
    let again = world.log_in(&customer.email).await;
    assert_eq!(sessions(&world, &again).await[1]["kind"], "browser");
    world.call("DELETE", "/api/auth/sessions").by(&again).send().await.expect(204);
    assert_eq!(visit(&cookie).await, 303);
    world.finish().await;
}
