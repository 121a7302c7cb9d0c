//! The client for Twilio against the simulated one: two readings of one contract.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use calmness::config::SmsMode;
use calmness::wiring;
use gateways::http::HttpClient;
use gateways::sms::{
    CallbackError, Checked, MessageStatus, Messages, PhoneNumber, SIGNATURE_HEADER, SmsError, Twilio, Verify,
};
use serde_json::{Value, json};

use crate::support::World;

/// A callback as it came: its signature and its body.
type Called = (String, Bytes);

/// Somebody who takes callbacks in place of the product.
async fn listener() -> (String, Arc<Mutex<Vec<Called>>>) {
    let called = Arc::<Mutex<Vec<Called>>>::default();
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let keep = async |State(called): State<Arc<Mutex<Vec<Called>>>>, headers: HeaderMap, body: Bytes| {
        let signature = headers[SIGNATURE_HEADER].to_str().unwrap().to_owned();
        called.lock().unwrap().push((signature, body));
    };
    let app = Router::new().fallback(keep).with_state(called.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (base, called)
}

fn twilio(world: &World, mode: SmsMode, public_url: &str) -> Twilio {
    let mut config = world.config().clone();
    config.sms.mode = mode;
    config.public_url = public_url.parse().unwrap();
    wiring::sms(&config, &HttpClient::new().unwrap()).unwrap().unwrap().twilio
}

fn messages(world: &World, public_url: &str) -> Messages {
    let Twilio::Messages(messages) = twilio(world, SmsMode::Messages, public_url) else {
        panic!("set up for messages")
    };
    messages
}

fn verify(world: &World) -> Verify {
    let Twilio::Verify(verify) = twilio(world, SmsMode::Verify, &world.base) else {
        panic!("set up for Verify")
    };
    verify
}

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text).unwrap()
}

async fn inbox(world: &World) -> Vec<Value> {
    world.sandbox_get("/sms?to=%2B2250102030442").await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_text_reaches_the_phone_and_twilios_reports_verify() {
    let world = World::new().await;
    let (base, called) = listener().await;
    let messages = messages(&world, &base);
    world.fault(json!({ "peer": "sms_callbacks", "fault": "wrong_signature", "times": 1 })).await;
    world.fault(json!({ "peer": "sms_callbacks", "fault": "undelivered", "times": 1 })).await;
    let to = phone("+2250102030442");
    let sent = messages.send(&to, "Votre code : 123456 & « rien » d'autre").await.unwrap();
    assert_eq!(sent.status, MessageStatus::Queued);
    world.until("both reports", async || called.lock().unwrap().len() == 2).await;
    let text = &inbox(&world).await[0];
    assert_eq!(
        (&text["body"], &text["code"]),
        (&json!("Votre code : 123456 & « rien » d'autre"), &json!("123456"))
    );

    let called = called.lock().unwrap().clone();
    let (forged, body) = &called[0];
    let refused = messages.read_callback(Some(forged), body);
    assert!(matches!(refused, Err(CallbackError::Unverified(_))), "{refused:?}");
    let (signature, body) = &called[1];
    let read = messages.read_callback(Some(signature), body).unwrap();
    assert_eq!((read.message_sid, read.to), (sent.sid, Some(to)));
    assert_eq!((read.status, read.error_code), (MessageStatus::Undelivered, Some(30003)));
    world.finish().await;
}

#[tokio::test]
async fn twilios_refusals_and_silences_are_told_apart() {
    let world = World::new().await;
    let messages = messages(&world, &world.base);
    let send = async |to: &str| messages.send(&phone(to), "123456").await.unwrap_err();
    assert_eq!(send("+15005550001").await, SmsError::BadNumber { code: 21211 });
    assert_eq!(send("+15005550003").await, SmsError::BlockedRegion { code: 21408 });
    assert_eq!(send("+15005550004").await, SmsError::Unsubscribed);
    let fault = async |fault: &str| {
        world.fault(json!({ "peer": "sms", "fault": fault, "times": 1, "ms": 20, "retry_after": 7 })).await;
        send("+2250102030442").await
    };
    assert_eq!(fault("error_429").await, SmsError::RetryAfter { after: Duration::from_secs(7) });
    for unknown in ["error_500", "reset"] {
        assert!(matches!(fault(unknown).await, SmsError::Unknown(_)), "{unknown}");
    }
    assert!(inbox(&world).await.is_empty());
    for (number, unknown) in ["error_500_after", "time_out"].into_iter().enumerate() {
        let error = fault(unknown).await;
        assert!(error.may_be_sent(), "{unknown}: {error:?}");
        assert_eq!(inbox(&world).await.len(), number + 1, "it was sent all the same");
    }
    world.finish().await;
}

#[tokio::test]
async fn a_code_of_twilios_is_right_once_and_only_for_its_verification() {
    let world = World::new().await;
    let verify = verify(&world);
    let to = phone("+2250102030442");
    let first = verify.start(&to, Some("fr")).await.unwrap();
    let code = inbox(&world).await[0]["code"].as_str().unwrap().to_owned();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    assert_eq!(verify.check(&first, wrong).await, Ok(Checked::Wrong));
    let other = verify.start(&phone("+33612345678"), None).await.unwrap();
    assert_eq!(verify.check(&first, &code).await, Ok(Checked::Approved));
    assert_eq!(verify.check(&first, &code).await, Ok(Checked::Ended));

    assert_eq!(verify.cancel(&other).await, Ok(()));
    assert_eq!(verify.cancel(&other).await, Ok(()));
    assert_eq!(verify.check(&other, "123456").await, Ok(Checked::Ended));

    let tried = verify.start(&to, None).await.unwrap();
    for _ in 0..5 {
        assert_eq!(verify.check(&tried, "0000").await, Ok(Checked::Wrong));
    }
    assert_eq!(verify.check(&tried, "0000").await, Ok(Checked::UsedUp));
    assert_eq!(verify.start(&to, None).await, Err(SmsError::UsedUp { code: 60202 }));
    world.move_clock(time::Duration::minutes(10)).await;
    assert_eq!(verify.check(&tried, "0000").await, Ok(Checked::Ended));
    assert!(verify.start(&to, None).await.is_ok());
    world.finish().await;
}
