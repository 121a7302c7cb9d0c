//! What strangers may send: every reader of callbacks and every check of a signature header is given bytes that were changed by
//! chance, a bounded number of times, from a corpus of genuine events. Nothing may panic, and nothing unsigned is believed.

use std::sync::{Arc, LazyLock};

use crypto::signature::SigningSecret;
use domain::time::Instant;
use futures_util::FutureExt;
use proptest::prelude::*;
use secrecy::SecretString;
use time::macros::datetime;

use super::registry::{Connected, connect};
use super::{Authenticity, Callback, Line};
use crate::http::HttpClient;

const WALL: Instant = datetime!(2026-11-23 10:30 UTC);

/// Each provider with settings, the header that carries its signature, and genuine events.
const CORPUS: [(&str, &str, &str, &[&str]); 5] = [
    (
        "stripe",
        r#"{"secret_key":"sk_test_0123456789","webhook_secrets":["whsec_0123456789abcdef"],"mode":"test","currencies":["EUR"]}"#,
        "stripe-signature",
        &[
            r#"{"id":"evt_1","object":"event","type":"checkout.session.completed","created":1795429800,"livemode":false,"data":{"object":{"id":"cs_1","object":"checkout.session","client_reference_id":"019400c5-9c00-7000-8000-000000000001","payment_status":"paid","amount_total":5999,"currency":"eur","payment_intent":"pi_1"}}}"#,
            r#"{"id":"evt_2","object":"event","type":"charge.refunded","created":1795429800,"livemode":false,"data":{"object":{"id":"ch_1","object":"charge","payment_intent":"pi_1","amount_refunded":100,"currency":"eur"}}}"#,
        ],
    ),
    (
        "paypal",
        r#"{"client_id":"client","client_secret":"secret","webhook_id":"WH1","mode":"test","currencies":["EUR"]}"#,
        "paypal-transmission-sig",
        &[
            r#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED","create_time":"2026-11-23T10:30:00Z","resource":{"id":"CAP1","custom_id":"019400c5-9c00-7000-8000-000000000001","status":"COMPLETED","amount":{"value":"59.99","currency_code":"EUR"},"create_time":"2026-11-23T10:30:00Z"}}"#,
        ],
    ),
    (
        "mtn_momo",
        r#"{"collection":{"api_user":"11111111-1111-4111-8111-111111111111","api_key":"key","subscription_key":"key"},"mode":"test","currencies":["EUR"]}"#,
        "x-none",
        &[
            r#"{"financialTransactionId":"1","externalId":"019400c5-9c00-7000-8000-000000000001","amount":"59.99","currency":"EUR","payer":{"partyIdType":"MSISDN","partyId":"22997808080"},"status":"SUCCESSFUL"}"#,
        ],
    ),
    (
        "fedapay",
        r#"{"secret_key":"sk_sandbox_0123456789","webhook_secrets":["wh_sandbox_0123456789abcdef"],"mode":"test","currencies":["XOF"]}"#,
        "x-fedapay-signature",
        &[
            r#"{"name":"transaction.approved","entity":{"id":1,"merchant_reference":"019400c5-9c00-7000-8000-000000000001","amount":39000,"currency":{"iso":"XOF"},"status":"approved","approved_at":"2026-11-23T10:30:00Z"}}"#,
        ],
    ),
    (
        "btcpay",
        r#"{"base_url":"https://btcpay.example","store_id":"store","api_key":"key","webhook_secrets":["0123456789abcdef0123456789abcdef"],"mode":"test","currencies":["EUR"]}"#,
        "btcpay-sig",
        &[
            r#"{"deliveryId":"d1","originalDeliveryId":"d1","isRedelivery":false,"type":"InvoiceSettled","timestamp":1795429800,"storeId":"store","invoiceId":"inv1","metadata":{"orderId":"019400c5-9c00-7000-8000-000000000001"}}"#,
        ],
    ),
];

/// The providers of the corpus, connected once.
static CONNECTED: LazyLock<Vec<Connected>> = LazyLock::new(|| {
    let request_key = SigningSecret::parse(&SecretString::from("a-key-of-this-installation")).unwrap();
    let line = Line { http: HttpClient::new().unwrap(), wall: Arc::new(|| WALL), request_key };
    CORPUS.iter().map(|(code, settings, ..)| connect(code, settings, line.clone()).unwrap()).collect()
});

/// Some bytes of a genuine event replaced, cut out or doubled.
fn changed(genuine: &str, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    let mut bytes = genuine.as_bytes().to_vec();
    for (at, kind, byte) in changes {
        let at = at % bytes.len().max(1);
        match kind % 4 {
            0 if !bytes.is_empty() => bytes[at] = *byte,
            1 if !bytes.is_empty() => drop(bytes.remove(at)),
            2 => bytes.insert(at, *byte),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_of_a_stranger_make_a_reader_panic(
        which in 0..CORPUS.len(),
        event in 0..2_usize,
        changes in prop::collection::vec((any::<usize>(), any::<u8>(), any::<u8>()), 0..6),
        noise in prop::collection::vec(any::<u8>(), 0..64),
    ) {
        let (provider, events) = (&CONNECTED[which], CORPUS[which].3);
        let _either = provider.parse_notification(&changed(events[event % events.len()], &changes));
        let _either = provider.parse_notification(&noise);
    }

    #[test]
    fn p2_no_header_of_a_stranger_is_believed(
        which in 0..CORPUS.len(),
        header in prop_oneof!["[ -~]{0,80}", "t=[0-9]{1,12},v1=[0-9a-f]{0,66}", "t=[0-9]{1,12},s=[0-9a-f]{64}", "sha256=[0-9a-f]{62,66}"],
    ) {
        let (code, _, name, events) = CORPUS[which];
        let provider = &CONNECTED[which];
        let lookup = |asked: &str| (asked == name).then(|| header.clone());
        let callback = Callback { header: &lookup, body: events[0].as_bytes() };
        // What would need a call to the provider is not believed without it.
        let verified = provider.verify_notification(&callback, WALL).now_or_never();
        let believed = matches!(verified, Some(Ok(Authenticity::Verified)));
        prop_assert!(!believed, "{code}: {header}");
    }
}
