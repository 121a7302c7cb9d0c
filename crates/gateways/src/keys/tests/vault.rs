//! Answers as OpenBao 2.7.2 gives them.

use crypto::envelope::{KeyBackend, KeyBackendError, Rotation, WrappedKey};
use secrecy::SecretString;

use super::super::SetupError;
use super::super::vault::{Vault, VaultSettings};
use super::{CONTEXT, data_key, is_away};
use crate::http::HttpClient;
use crate::test_peer::{Log, Peer, Reply, nobody};

const LOGIN: &str = r#"{"auth":{"client_token":"s.canary-token","lease_duration":3600,"renewable":true}}"#;
const SHORT_LOGIN: &str = r#"{"auth":{"client_token":"s.short-token","lease_duration":1,"renewable":true}}"#;
const ENCRYPTED: &str = r#"{"data":{"ciphertext":"vault:v3:8dtkL1y0K4zm","key_version":3}}"#;
const DECRYPTED: &str = r#"{"data":{"plaintext":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="}}"#;
const UNBOUND: &str = r#"{"errors":["cipher: message authentication failed"]}"#;
const FORBIDDEN: &str = r#"{"errors":["permission denied"]}"#;

fn settings(base: &str) -> VaultSettings {
    VaultSettings {
        address: base.to_owned(),
        mount: "transit".to_owned(),
        key: "calmness".to_owned(),
        auth_mount: "approle".to_owned(),
        role_id: "the-role".to_owned(),
        secret_id: SecretString::from("canary-secret-id"),
        namespace: None,
    }
}

async fn vault(replies: impl IntoIterator<Item = Reply>) -> (Peer, Vault) {
    let peer = Peer::start(replies).await;
    let vault = Vault::new(settings(&peer.base), HttpClient::new().unwrap()).unwrap();
    (peer, vault)
}

fn wrapped() -> WrappedKey {
    WrappedKey {
        bytes: b"vault:v3:8dtkL1y0K4zm".to_vec(),
        backend: "vault".to_owned(),
        kek_id: "transit/calmness:v3".to_owned(),
    }
}

#[tokio::test]
async fn a_data_key_is_wrapped_with_its_context_and_comes_back() {
    let (log, _guard) = Log::start();
    let replies = [
        Reply::json(200, LOGIN),
        Reply::json(200, ENCRYPTED),
        Reply::json(400, UNBOUND),
        Reply::json(200, DECRYPTED),
    ];
    let (peer, vault) = vault(replies).await;
    assert_eq!(vault.wrap(&data_key(), CONTEXT).await.unwrap(), wrapped());
    let opened = vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    assert_eq!(opened.expose(), &[7; 32]);
    let requests = peer.requests();
    let targets: Vec<_> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "/v1/auth/approle/login",
            "/v1/transit/encrypt/calmness",
            "/v1/transit/decrypt/calmness",
            "/v1/transit/decrypt/calmness"
        ]
    );
    assert_eq!(requests[0].header("x-vault-token"), None);
    assert_eq!(
        requests[0].json(),
        serde_json::json!({ "role_id": "the-role", "secret_id": "canary-secret-id" })
    );
    assert_eq!(requests[1].header("x-vault-token"), Some("s.canary-token"));
    let context = "Y2FsbW5lc3MvZGF0YS1rZXkvMS9zdGFnaW5nLzAxOTNiNWEwLTAwMDAtNDAwMC04MDAwLTAwMDAwMDAwMDAwYQ==";
    let plaintext = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    assert_eq!(requests[1].json(), serde_json::json!({ "plaintext": plaintext, "context": context }));
    assert_eq!(
        requests[3].json(),
        serde_json::json!({ "ciphertext": "vault:v3:8dtkL1y0K4zm", "context": context })
    );
    assert_ne!(requests[2].json()["context"], context, "another context is tried once");
    for secret in ["canary", plaintext] {
        assert!(!log.text().contains(secret), "{secret}");
        assert!(!format!("{vault:?}").contains(secret));
    }
}

/// A plain key takes the context without a word and ignores it.
#[tokio::test]
async fn sec_26_a_transit_key_that_is_not_derived_is_refused() {
    let (_peer, vault) =
        vault([Reply::json(200, LOGIN), Reply::json(200, ENCRYPTED), Reply::json(200, DECRYPTED)]).await;
    let refused = vault.wrap(&data_key(), CONTEXT).await.unwrap_err();
    assert!(refused.to_string().contains("derived=true"), "{refused}");
}

#[tokio::test]
async fn a_token_that_is_believed_no_more_is_replaced_once() {
    let replies = [
        Reply::json(200, LOGIN),
        Reply::json(403, FORBIDDEN),
        Reply::json(200, LOGIN),
        Reply::json(200, DECRYPTED),
    ];
    let (peer, vault) = vault(replies).await;
    assert!(vault.unwrap(&wrapped(), CONTEXT).await.is_ok());
    assert_eq!(peer.requests().len(), 4);

    let replies = [
        Reply::json(200, LOGIN),
        Reply::json(403, FORBIDDEN),
        Reply::json(200, LOGIN),
        Reply::json(403, FORBIDDEN),
    ];
    let (peer, vault) = self::vault(replies).await;
    let refused = vault.unwrap(&wrapped(), CONTEXT).await.unwrap_err();
    assert_eq!(refused, KeyBackendError::Denied("it answered 403: permission denied".to_owned()));
    assert_eq!(peer.requests().len(), 4, "not a second time");
}

#[tokio::test]
async fn a_token_is_renewed_in_the_last_third_of_its_life_and_replaced_when_it_cannot_be() {
    // With a life of nothing at all the next call finds it at its end.
    let over = r#"{"auth":{"client_token":"s.over","lease_duration":1,"renewable":false}}"#;
    let (peer, vault) =
        vault([Reply::json(200, LOGIN), Reply::json(200, DECRYPTED), Reply::json(200, DECRYPTED)]).await;
    for _ in 0..2 {
        vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    }
    assert_eq!(peer.requests().len(), 3, "a young token is kept");

    let replies = [
        Reply::json(200, SHORT_LOGIN),
        Reply::json(200, DECRYPTED),
        Reply::json(200, LOGIN),
        Reply::json(200, DECRYPTED),
        Reply::json(200, DECRYPTED),
    ];
    let (peer, vault) = self::vault(replies).await;
    vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    vault.age_token(std::time::Duration::from_millis(700)).await;
    vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    let requests = peer.requests();
    assert_eq!(requests[2].target, "/v1/auth/token/renew-self");
    assert_eq!(requests[2].header("x-vault-token"), Some("s.short-token"));
    assert_eq!(requests[4].header("x-vault-token"), Some("s.canary-token"));

    let replies = [
        Reply::json(200, over),
        Reply::json(200, DECRYPTED),
        Reply::json(200, LOGIN),
        Reply::json(200, DECRYPTED),
    ];
    let (peer, vault) = self::vault(replies).await;
    vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    vault.age_token(std::time::Duration::from_millis(700)).await;
    vault.unwrap(&wrapped(), CONTEXT).await.unwrap();
    assert_eq!(peer.requests()[2].target, "/v1/auth/approle/login", "one that can't be renewed");
}

#[tokio::test]
async fn each_refusal_is_what_it_means() {
    let answers = [
        (400, UNBOUND, Some(KeyBackendError::Tampered)),
        (400, r#"{"errors":["invalid ciphertext: no prefix"]}"#, Some(KeyBackendError::Malformed)),
        (
            404,
            r#"{"errors":[]}"#,
            Some(KeyBackendError::Denied("there is no such transit key or engine".to_owned())),
        ),
        (503, r#"{"errors":["Vault is sealed"]}"#, None),
        (429, "", None),
        (500, "<html>", None),
        (200, "<html>", None),
    ];
    for (status, body, expected) in answers {
        let (_peer, vault) = vault([Reply::json(200, LOGIN), Reply::json(status, body)]).await;
        let refused = vault.unwrap(&wrapped(), CONTEXT).await.unwrap_err();
        match expected {
            Some(expected) => assert_eq!(refused, expected),
            None => assert!(is_away(&refused), "{status}: {refused}"),
        }
    }
    let (_peer, vault) = vault([Reply::json(400, r#"{"errors":["invalid role or secret ID"]}"#)]).await;
    let refused = vault.unwrap(&wrapped(), CONTEXT).await.unwrap_err().to_string();
    assert!(
        refused.contains("AppRole login failed") && refused.contains("invalid role or secret ID"),
        "{refused}"
    );
    let (_peer, vault) = self::vault([Reply::Cut]).await;
    assert!(is_away(&vault.unwrap(&wrapped(), CONTEXT).await.unwrap_err()));
    let vault = Vault::new(settings(&nobody().await), HttpClient::new().unwrap()).unwrap();
    assert!(is_away(&vault.unwrap(&wrapped(), CONTEXT).await.unwrap_err()));
}

#[tokio::test]
async fn the_next_key_is_asked_for_and_namespaces_are_named() {
    let peer = Peer::start([Reply::json(200, LOGIN), Reply::json(200, "{}")]).await;
    let settings = VaultSettings { namespace: Some("team/a".to_owned()), ..settings(&peer.base) };
    let vault = Vault::new(settings, HttpClient::new().unwrap()).unwrap();
    assert_eq!(vault.rotate().await.unwrap(), Rotation::Done);
    let requests = peer.requests();
    assert_eq!(requests[1].target, "/v1/transit/keys/calmness/rotate");
    assert!(requests.iter().all(|request| request.header("x-vault-namespace") == Some("team/a")));
}

#[test]
fn names_that_could_lead_elsewhere_are_refused() {
    for bad in ["", "../sys", "a//b", "a?b", "a b", "a%2fb", ".", "ü"] {
        let wrong = VaultSettings { key: bad.to_owned(), ..settings("http://127.0.0.1:1") };
        let refused = Vault::new(wrong, HttpClient::new().unwrap()).unwrap_err();
        assert_eq!(refused, SetupError::Name("the name of the transit key"), "{bad}");
    }
    let nested = VaultSettings { mount: "teams/a/transit".to_owned(), ..settings("http://127.0.0.1:1") };
    assert!(Vault::new(nested, HttpClient::new().unwrap()).is_ok());
}
