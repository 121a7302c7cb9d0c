//! Events are signed with RSA; whoever can't check that by themselves asks.

use std::sync::{Arc, OnceLock};

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{self, KeyPair, RsaKeyPair, UnparsedPublicKey},
};
use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::{HeaderMap, Method},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{json, value::RawValue};

use super::{Refusal, access, operation};
use crate::{
    clock::rfc3339,
    connection::Line,
    problem::{RawBody, parse},
    psp::{
        calls::with_faults,
        event::Event,
        facade::{Bend, Outgoing},
    },
    world::World,
};

const ALGORITHM: &str = "SHA256withRSA";

/// Where the key can be had; PayPal has a whole certificate there.
pub(super) const KEY_PATH: &str = "/paypal/v1/notifications/certs/CERT-SANDBOX";

/// One for each run: events are signed when they are sent, so none is kept under an earlier key.
fn key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| {
        RsaKeyPair::generate(KeySize::Rsa2048)
            .expect("the operating system's generator answers once the process runs")
    })
}

fn message(id: &str, time: &str, webhook_id: &str, body: &[u8]) -> String {
    format!("{id}|{time}|{webhook_id}|{}", crc32fast::hash(body))
}

/// The call that tells an event. The name of the transmission belongs to the event, so that a repeated one is the same.
pub(super) fn signed(world: &World, event: &Event, bend: &Bend, body: Vec<u8>) -> Outgoing {
    let digest = digest::digest(&digest::SHA256, event.id.as_bytes());
    let id = hex::encode(&digest.as_ref()[..16]);
    let time = rfc3339(bend.at(world.wall()));
    let webhook_id = bend.secret(&world.config.providers.paypal.webhook_id);
    let mut signature = vec![0; key().public_modulus_len()];
    let message = message(&id, &time, &webhook_id, &body);
    key()
        .sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
        .expect("the signature has room for the modulus");
    Outgoing {
        method: Method::POST,
        url: event.url(world),
        headers: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Paypal-Auth-Algo", ALGORITHM.to_owned()),
            ("Paypal-Cert-Url", format!("http://{}{KEY_PATH}", world.http_addr)),
            ("Paypal-Transmission-Id", id),
            ("Paypal-Transmission-Sig", STANDARD.encode(signature)),
            ("Paypal-Transmission-Time", time),
        ],
        body,
    }
}

#[derive(Debug, Deserialize)]
struct Question {
    auth_algo: String,
    transmission_id: String,
    transmission_sig: String,
    transmission_time: String,
    webhook_id: String,
    webhook_event: Box<RawValue>,
}

impl Question {
    fn is_genuine(&self, webhook_id: &str) -> bool {
        let Ok(signature) = STANDARD.decode(&self.transmission_sig) else { return false };
        let body = self.webhook_event.get().as_bytes();
        let message = message(&self.transmission_id, &self.transmission_time, &self.webhook_id, body);
        let public = UnparsedPublicKey::new(&signature::RSA_PKCS1_2048_8192_SHA256, key().public_key());
        self.auth_algo == ALGORITHM
            && self.webhook_id == webhook_id
            && public.verify(message.as_bytes(), &signature).is_ok()
    }
}

/// `POST /v1/notifications/verify-webhook-signature`
pub(super) async fn check(
    State(world): State<Arc<World>>,
    ConnectInfo(line): ConnectInfo<Line>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Response {
    let work = async {
        access::check(&world, &headers)?;
        let question: Question = parse(&body).map_err(Refusal::from)?;
        let genuine = question.is_genuine(&world.config.providers.paypal.webhook_id);
        let status = if genuine { "SUCCESS" } else { "FAILURE" };
        Ok::<_, Refusal>(Json(json!({ "verification_status": status })).into_response())
    };
    with_faults(&world, &line, operation("verify"), work).await
}

/// The key, in PEM: to be pinned.
pub(super) async fn public_key() -> String {
    let der = key().public_key().as_der().expect("a key that was generated can be written");
    let base64 = STANDARD.encode(der.as_ref());
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
    format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
}
