//! The drill of a new `SECRET_KEY` (X3): nothing is lost and nobody is logged out.

use std::net::SocketAddr;

use application::Context;
use application::settings::Key;
use calmness::config::Config;
use calmness::wiring::{self, ClockKind};
use secrecy::SecretString;
use serde_json::json;

use super::{beside, try_beside};
use crate::support::{Answer, COMPANY, Call, PASSWORD, World, client};

const NEW: &str = "Vc1lFjSgDuKhM4NzByExWqPrToOi2aAdC9mGeU5sHfJp0LbY6tR1wXn8Qv3Zk=AB";

fn rotated(config: &mut Config) {
    config.secret_key_previous = config.secret_key.replace(SecretString::from(NEW)).into_iter().collect();
}

/// The door of one more instance, with the new secret.
async fn door(world: &World) -> String {
    let mut config = world.config().clone();
    rotated(&mut config);
    let wired = wiring::wire_over(&config, ClockKind::System, world.app.db().clone()).await.unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = web::router(wired.app, wired.web).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    base
}

#[tokio::test]
async fn x3_a_new_secret_key_loses_nothing_and_logs_nobody_out() {
    let world = World::new().await;
    let customer = world.customer().await;
    let known = world.try_login(&customer.email, PASSWORD).await.expect(200);
    let device = known.text_of("device_token").to_owned();
    let refresh = json!({ "refresh_token": customer.refresh_token });
    let successor = world.post("/api/auth/refresh", &refresh).await.expect(200);

    let base = door(&world).await;
    let http = client();
    let post = async |path: &str, body: &serde_json::Value| -> Answer {
        Call::elsewhere(http.post(format!("{base}{path}"))).json(body).send().await
    };
    let me = Call::elsewhere(http.get(format!("{base}/api/me"))).bearer(&customer.access_token);
    me.send().await.expect(200);
    // The answer of an exchange was lost, and it is asked for again after the restart: the identical successor.
    let again = post("/api/auth/refresh", &refresh).await.expect(200);
    assert_eq!(again.text_of("refresh_token"), successor.text_of("refresh_token"));
    let next = json!({ "refresh_token": again.text_of("refresh_token") });
    post("/api/auth/refresh", &next).await.expect(200);
    // A known device stays known.
    let devices = world.count("SELECT count(*) FROM known_devices").await;
    let login = json!({ "email": customer.email, "password": PASSWORD, "device_token": device });
    post("/api/auth/login", &login).await.expect(200);
    assert_eq!(world.count("SELECT count(*) FROM known_devices").await, devices);

    // Before the data keys have moved the earlier secret is still needed, afterwards it is not.
    let alone = |config: &mut Config| config.secret_key = Some(SecretString::from(NEW));
    let refused = try_beside(&world, alone).await.err().expect("not moved").to_string();
    assert!(refused.contains("SECRET_KEY_PREVIOUS"), "{refused}");
    let moving = beside(&world, rotated).await;
    assert_eq!(moving.rewrap_data_keys(&Context::operator()).await.unwrap().moved, 1);
    let after = beside(&world, alone).await;
    assert!(after.settings().holds(Key::CompanyEmail, COMPANY));
    world.finish_with_work_left().await;
}
