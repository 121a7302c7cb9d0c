//! A key service for tests: the wire of Vault's Transit with a derived key, on loopback. It can be sealed.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use calmness::config::{Config, KeyBackendKind};
use serde_json::{Value, json};
use tokio::net::TcpListener;

#[derive(Default)]
struct Transit {
    sealed: bool,
    version: u32,
    wrapped: HashMap<String, (Value, Value)>,
}

/// The service; its port closes with the test.
#[derive(Clone)]
pub(crate) struct Vault {
    pub(crate) address: String,
    transit: Arc<Mutex<Transit>>,
}

type Answer = (StatusCode, Json<Value>);

impl Vault {
    pub(crate) async fn start() -> Self {
        let transit = Arc::new(Mutex::new(Transit { version: 1, ..Transit::default() }));
        let router = Router::new()
            .route("/v1/auth/approle/login", post(login))
            .route("/v1/transit/{operation}/{key}", post(operate))
            .route("/v1/transit/keys/{key}/rotate", post(rotate))
            .with_state(Arc::clone(&transit));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, transit }
    }

    pub(crate) fn seal(&self, sealed: bool) {
        self.transit.lock().unwrap().sealed = sealed;
    }

    /// Makes a configuration use it.
    pub(crate) fn configure(&self, config: &mut Config) {
        config.keys.backend = KeyBackendKind::Vault;
        config.keys.vault.address = Some(self.address.parse().unwrap());
        config.keys.vault.role_id = Some("the-tests-role".to_owned());
        config.keys.vault.secret_id = Some("the-tests-secret-id".into());
    }
}

fn error(status: StatusCode, text: &str) -> Answer {
    (status, Json(json!({ "errors": [text] })))
}

async fn login(State(transit): State<Arc<Mutex<Transit>>>, Json(body): Json<Value>) -> Answer {
    if transit.lock().unwrap().sealed {
        return error(StatusCode::SERVICE_UNAVAILABLE, "Vault is sealed");
    }
    if body != json!({ "role_id": "the-tests-role", "secret_id": "the-tests-secret-id" }) {
        return error(StatusCode::BAD_REQUEST, "invalid role or secret ID");
    }
    let auth = json!({ "client_token": "s.test", "lease_duration": 3600, "renewable": true });
    (StatusCode::OK, Json(json!({ "auth": auth })))
}

async fn rotate(State(transit): State<Arc<Mutex<Transit>>>) -> Answer {
    transit.lock().unwrap().version += 1;
    (StatusCode::OK, Json(json!({})))
}

async fn operate(
    State(transit): State<Arc<Mutex<Transit>>>,
    Path((operation, _key)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Answer {
    let mut transit = transit.lock().unwrap();
    if transit.sealed {
        return error(StatusCode::SERVICE_UNAVAILABLE, "Vault is sealed");
    }
    let context = body["context"].clone();
    if operation == "encrypt" {
        let ciphertext = format!("vault:v{}:{}", transit.version, transit.wrapped.len());
        transit.wrapped.insert(ciphertext.clone(), (context, body["plaintext"].clone()));
        return (StatusCode::OK, Json(json!({ "data": { "ciphertext": ciphertext } })));
    }
    match transit.wrapped.get(body["ciphertext"].as_str().unwrap()) {
        Some((bound, plaintext)) if *bound == context => {
            (StatusCode::OK, Json(json!({ "data": { "plaintext": plaintext } })))
        }
        Some(_) => error(StatusCode::BAD_REQUEST, "cipher: message authentication failed"),
        None => error(StatusCode::BAD_REQUEST, "invalid ciphertext: no prefix"),
    }
}
