//! Whether a callback is PayPal's.

use super::*;

struct Sent {
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Sent {
    /// The vector, as paypalrestsdk verified it.
    fn vector() -> Self {
        let vector = vector();
        let text = |name: &str| vector[name].as_str().unwrap().to_owned();
        Self {
            headers: vec![
                ("paypal-auth-algo", text("auth_algo")),
                ("paypal-cert-url", "https://api.paypal.com/v1/notifications/certs/CERT-1".to_owned()),
                ("paypal-transmission-id", text("transmission_id")),
                ("paypal-transmission-sig", text("sig")),
                ("paypal-transmission-time", text("time")),
            ],
            body: text("body").into_bytes(),
        }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        for (key, held) in &mut self.headers {
            if *key == name {
                value.clone_into(held);
            }
        }
        self
    }

    async fn verified_by(&self, paypal: &Paypal) -> Result<Authenticity, NotificationError> {
        let header =
            |name: &str| self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone());
        paypal.verify_notification(&Callback { header: &header, body: &self.body }, WALL).await
    }
}

fn vector() -> Value {
    serde_json::from_str(include_str!("vector.json")).unwrap()
}

fn pinned(base: &str) -> Paypal {
    let vector = vector();
    let key = vector["public_key_pem"].as_str().unwrap().to_owned();
    let webhook_id = vector["webhook_id"].as_str().unwrap().to_owned();
    Paypal::new(Settings { webhook_id, webhook_public_keys: vec![key], ..settings(base) }, line()).unwrap()
}

fn verdict(status: &str) -> Reply {
    Reply::json(200, &json!({"verification_status": status}).to_string())
}

#[tokio::test]
async fn a_callback_under_a_pinned_key_needs_no_network() {
    let peer = Peer::start([]).await;
    let verified = Sent::vector().verified_by(&pinned(&peer.base)).await.unwrap();
    assert_eq!(verified, Authenticity::Verified);
    assert_eq!(peer.requests().len(), 0);
}

#[tokio::test]
async fn one_changed_byte_is_not_what_was_signed() {
    let flipped = |name: &str, value: &str| Sent::vector().with(name, value);
    let mut body = Sent::vector();
    body.body = String::from_utf8(body.body).unwrap().replace("10.00", "90.00").into_bytes();
    for sent in [
        body,
        flipped("paypal-transmission-id", "tid-2"),
        flipped("paypal-transmission-time", "2026-01-01T00:00:01Z"),
    ] {
        let peer = Peer::start([token(), verdict("FAILURE")]).await;
        let error = sent.verified_by(&pinned(&peer.base)).await.unwrap_err();
        assert!(matches!(error, NotificationError::Unverified(_)), "{error:?}");
    }
    let peer = Peer::start([token(), verdict("FAILURE")]).await;
    let key = vector()["public_key_pem"].as_str().unwrap().to_owned();
    let other = Settings { webhook_public_keys: vec![key], ..settings(&peer.base) };
    let error = Sent::vector().verified_by(&Paypal::new(other, line()).unwrap()).await.unwrap_err();
    assert!(matches!(error, NotificationError::Unverified(_)), "another webhook's: {error:?}");
}

#[tokio::test]
async fn without_a_pinned_key_paypal_is_asked_with_the_bytes_as_they_came() {
    let peer = Peer::start([token(), verdict("SUCCESS")]).await;
    let mut sent = Sent::vector();
    sent.body = b" {\"b\" : 1.0,\n\"a\":\"\\u00e9 \xc3\xa9\" } ".to_vec();
    assert_eq!(sent.verified_by(&paypal(&peer.base)).await.unwrap(), Authenticity::Verified);
    let request = peer.requests()[1].clone();
    assert_eq!(request.target, "/v1/notifications/verify-webhook-signature");
    assert_eq!(request.header("authorization"), Some("Bearer A21"));
    let vector = vector();
    assert_eq!(
        request.json(),
        json!({
            "auth_algo": "SHA256withRSA",
            "cert_url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
            "transmission_id": vector["transmission_id"],
            "transmission_sig": vector["sig"],
            "transmission_time": vector["time"],
            "webhook_id": WEBHOOK,
            "webhook_event": {"b": 1.0, "a": "é é"},
        })
    );
    let whole = request.body;
    assert!(whole.windows(sent.body.len()).any(|window| window == sent.body), "byte for byte");
}

#[tokio::test]
async fn only_paypals_success_verifies() {
    let cases = [
        (verdict("FAILURE"), true),
        (problem(400, "VALIDATION_ERROR", "INVALID"), true),
        (verdict("PERHAPS"), false),
        (Reply::page(502), false),
        (Reply::json(200, "{}"), false),
        (problem(429, "RATE_LIMIT_REACHED", "TOO_MANY"), false),
        (Reply::Cut, false),
    ];
    for (reply, unverified) in cases {
        let peer = answering(reply).await;
        let error = Sent::vector().verified_by(&paypal(&peer.base)).await.unwrap_err();
        let expected = if unverified {
            matches!(error, NotificationError::Unverified(_))
        } else {
            matches!(error, NotificationError::Unavailable(_))
        };
        assert!(expected, "{error:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_paypals_makes_us_call_nobody() {
    let peer = Peer::start([]).await;
    let paypal = paypal(&peer.base);
    let long = "a".repeat(501);
    let mut strange = vec![
        Sent::vector().with("paypal-auth-algo", "none"),
        Sent::vector().with("paypal-transmission-id", "a|b"),
        Sent::vector().with("paypal-transmission-id", &long),
        Sent::vector().with("paypal-transmission-sig", "not base64!"),
        Sent::vector().with("paypal-transmission-sig", &long),
        Sent::vector().with("paypal-transmission-time", "yesterday"),
        Sent { body: b"{\"a\":1},\"verification\":{".to_vec(), ..Sent::vector() },
        Sent { body: b"".to_vec(), ..Sent::vector() },
        Sent { body: vec![b'['; 100_000], ..Sent::vector() },
        Sent { headers: Vec::new(), ..Sent::vector() },
    ];
    for url in [
        "http://api.paypal.com/cert",
        "https://paypal.com.evil.example/cert",
        "https://evilpaypal.com/cert",
        "https://api.paypal.com@evil.example/cert",
        "https://evil.example/.paypal.com",
        "https://api.paypal.com:8443/cert",
        "http://127.0.0.1:1/cert",
        "file:///etc/passwd",
    ] {
        strange.push(Sent::vector().with("paypal-cert-url", url));
    }
    for sent in strange {
        let error = sent.verified_by(&paypal).await.unwrap_err();
        assert!(matches!(error, NotificationError::Unverified(_)), "{error:?}");
    }
    assert_eq!(peer.requests().len(), 0);
}

#[tokio::test]
async fn a_simulated_paypal_on_loopback_may_name_its_own_certificate() {
    let peer = Peer::start([token(), verdict("SUCCESS")]).await;
    let sent = Sent::vector().with("paypal-cert-url", &format!("{}/certs/1", peer.base));
    assert_eq!(sent.verified_by(&paypal(&peer.base)).await.unwrap(), Authenticity::Verified);
    let other_port = Sent::vector().with("paypal-cert-url", "http://127.0.0.1:1/certs/1");
    let other_host = Sent::vector().with("paypal-cert-url", &peer.base.replace("127.0.0.1", "10.0.0.1"));
    for elsewhere in [other_port, other_host] {
        let refused = elsewhere.verified_by(&paypal(&peer.base)).await;
        assert!(matches!(refused, Err(NotificationError::Unverified(_))), "{refused:?}");
    }
    let real = paypal("https://api-m.paypal.com");
    assert!(matches!(sent.verified_by(&real).await, Err(NotificationError::Unverified(_))));
}

#[tokio::test]
async fn a_flood_of_callbacks_does_not_become_a_flood_of_questions() {
    let peer = Peer::start([token(), verdict("SUCCESS")]).await;
    let paypal = paypal(&peer.base);
    let busy = paypal.postbacks.try_acquire_many(u32::try_from(MAX_POSTBACKS).unwrap()).unwrap();
    let error = Sent::vector().verified_by(&paypal).await.unwrap_err();
    assert!(matches!(error, NotificationError::Unavailable(_)), "{error:?}");
    assert_eq!(peer.requests().len(), 0);
    drop(busy);
    assert_eq!(Sent::vector().verified_by(&paypal).await.unwrap(), Authenticity::Verified);
}
