//! A sandbox on ports of the system's choice, a clock to move, and a product that records what it is told.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use futures_util::future::{BoxFuture, FutureExt};
use reqwest::{Method, RequestBuilder};
use sandbox::{
    Advanced, BtcPayConfig, BusinessClock, ChatConfig, ClockError, Config, Error, FedaPayConfig,
    MtnMomoConfig, PaypalConfig, ProvidersConfig, PspConfig, Sandbox, SmsConfig, TelegramConfig,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const CHANNEL: i64 = -1_001_000_000_001;
pub(crate) const OWNER: i64 = 600_000_001;
pub(crate) const BOT: i64 = 42;
pub(crate) const TOKEN: &str = "42:test-token";
pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const AUTH_TOKEN: &str = "twilio-token";
pub(crate) const SENDER: &str = "+15005550006";
pub(crate) const MESSAGING_SERVICE: &str = "MG0123456789abcdef0123456789abcdef";
pub(crate) const VERIFY_SERVICE: &str = "VA0123456789abcdef0123456789abcdef";

/// The system's time plus an offset; `stuck` is what stays due after a move.
#[derive(Default)]
pub(crate) struct TestClock {
    offset: AtomicU64,
    pub(crate) stuck: Mutex<Vec<String>>,
}

impl BusinessClock for TestClock {
    fn now(&self) -> BoxFuture<'_, Result<OffsetDateTime, ClockError>> {
        async { Ok(self.wall() + Duration::from_secs(self.offset.load(Ordering::Acquire))) }.boxed()
    }

    fn advance(&self, seconds: u64) -> BoxFuture<'_, Result<Advanced, ClockError>> {
        async move {
            let offset_seconds = self.offset.fetch_add(seconds, Ordering::AcqRel) + seconds;
            let now = self.wall() + Duration::from_secs(offset_seconds);
            Ok(Advanced { now, offset_seconds, still_due: self.stuck.lock().unwrap().clone() })
        }
        .boxed()
    }

    #[expect(clippy::disallowed_methods, reason = "the tests' one source of wall time")]
    fn wall(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }
}

/// One request the product got.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) headers: HeaderMap,
    pub(crate) raw: Bytes,
    pub(crate) body: Value,
}

/// Records webhooks and answers them as a test wants.
#[derive(Default)]
pub(crate) struct Product {
    pub(crate) told: Mutex<Vec<Told>>,
    /// Statuses of the next answers; then 200.
    pub(crate) answers: Mutex<VecDeque<u16>>,
    /// Body of each 200.
    pub(crate) reply: Mutex<Option<Value>>,
}

impl Product {
    pub(crate) fn told(&self) -> Vec<Told> {
        self.told.lock().unwrap().clone()
    }

    pub(crate) fn types(&self) -> Vec<String> {
        self.told().iter().map(|told| told.body["type"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn answer_next(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }
}

async fn record(State(product): State<Arc<Product>>, headers: HeaderMap, raw: Bytes) -> Response {
    let body = serde_json::from_slice(&raw).unwrap_or_default();
    product.told.lock().unwrap().push(Told { headers, raw, body });
    let status = product.answers.lock().unwrap().pop_front().unwrap_or(200);
    let reply = product.reply.lock().unwrap().clone();
    let status = StatusCode::from_u16(status).unwrap();
    reply.map_or_else(|| status.into_response(), |reply| (status, axum::Json(reply)).into_response())
}

/// Everything a test acts with.
pub(crate) struct Stage {
    pub(crate) base: String,
    pub(crate) http: SocketAddr,
    pub(crate) smtp: SocketAddr,
    pub(crate) product_url: String,
    pub(crate) product: Arc<Product>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) client: reqwest::Client,
    shutdown: CancellationToken,
    serving: Option<JoinHandle<Result<(), Error>>>,
}

impl Stage {
    pub(crate) async fn new() -> Self {
        Self::with_state(None).await
    }

    pub(crate) async fn with_state(state_file: Option<PathBuf>) -> Self {
        let product = Arc::new(Product::default());
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let product_url = format!("http://{}", listener.local_addr().unwrap());
        let app = Router::new().fallback(record).with_state(product.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let clock = Arc::new(TestClock::default());
        let sandbox = Sandbox::bind(config(&product_url, state_file), clock.clone()).await.unwrap();
        let (http, smtp) = (sandbox.http_addr(), sandbox.smtp_addr());
        let shutdown = CancellationToken::new();
        let serving = tokio::spawn(sandbox.serve(shutdown.clone()));
        let base = format!("http://{http}");
        let client = client();
        Self { base, http, smtp, product_url, product, clock, client, shutdown, serving: Some(serving) }
    }

    /// Stops as Ctrl-C does and waits until the state is written.
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        self.serving.take().unwrap().await.unwrap().unwrap();
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        send(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        send(self.request(Method::POST, path).json(&body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn fault(&self, order: Value) -> i64 {
        let (status, fault) = self.post("/faults", order).await;
        assert_eq!(status, 201, "{fault}");
        fault["id"].as_i64().unwrap()
    }

    pub(crate) fn now(&self) -> i64 {
        self.clock.wall().unix_timestamp()
    }

    /// A signed POST of the payment API.
    pub(crate) fn signed(&self, path: &str, key: &str, body: &Value) -> RequestBuilder {
        let body = body.to_string();
        self.request(Method::POST, path)
            .header("Idempotency-Key", key)
            .header("Content-Type", "application/json")
            .header("X-Signature", sign("request", self.now(), &body))
            .body(body)
    }

    /// A signed question about a payment.
    pub(crate) async fn ask(&self, payment_id: &str) -> (u16, Value) {
        let path = format!("/psp/payments/{payment_id}");
        let t = self.now();
        let mac = mac("request", &format!("{t}.GET {path}"));
        send(self.request(Method::GET, &path).header("X-Signature", format!("t={t},v2={mac}"))).await
    }

    /// Opens a payment of 59.99 EUR.
    pub(crate) async fn open(&self, payment_id: &str) -> (u16, Value) {
        send(self.signed("/psp/payments", payment_id, &self.terms(payment_id))).await
    }

    pub(crate) fn terms(&self, payment_id: &str) -> Value {
        json!({
            "payment_id": payment_id, "amount": 5999, "currency": "EUR", "description": "Signaux, 30 days",
            "return_url": format!("{}/back", self.product_url), "webhook_url": format!("{}/hook", self.product_url),
            "expires_at": "2099-01-01T00:00:00Z",
        })
    }

    /// What a payer or the service does to a payment.
    pub(crate) async fn act(&self, payment_id: &str, outcome: &str) -> (u16, Value) {
        self.post(&format!("/psp/checkouts/{payment_id}"), json!({ "outcome": outcome })).await
    }

    /// A call of the Bot API.
    pub(crate) async fn bot(&self, method: &str, parameters: Value) -> (u16, Value) {
        self.post(&format!("/bot{TOKEN}/{method}"), parameters).await
    }

    /// A call that must work; its result.
    pub(crate) async fn bot_ok(&self, method: &str, parameters: Value) -> Value {
        let (status, answer) = self.bot(method, parameters).await;
        assert_eq!((status, &answer["ok"]), (200, &json!(true)), "{method}: {answer}");
        answer["result"].clone()
    }

    /// A call that must fail; its status and description.
    pub(crate) async fn bot_err(&self, method: &str, parameters: Value) -> (u16, String) {
        let (status, answer) = self.bot(method, parameters).await;
        assert_eq!(
            (&answer["ok"], answer["error_code"].as_u64()),
            (&json!(false), Some(u64::from(status))),
            "{answer}"
        );
        (status, answer["description"].as_str().unwrap().to_owned())
    }

    /// Somebody with this id, without having met the bot.
    pub(crate) async fn person(&self, id: i64) {
        let (status, _) = self.post("/telegram/users", json!({ "id": id, "first_name": "Awa" })).await;
        assert_eq!(status, 201);
    }

    /// An invite link that makes join requests.
    pub(crate) async fn invite(&self) -> String {
        let link = self
            .bot_ok("createChatInviteLink", json!({ "chat_id": CHANNEL, "creates_join_request": true }))
            .await;
        link["invite_link"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn join(&self, id: i64, link: &str) -> (u16, Value) {
        self.post(&format!("/telegram/users/{id}/join"), json!({ "invite_link": link })).await
    }

    /// Waits, with a bound, until `done` says so.
    pub(crate) async fn until(&self, what: &str, mut done: impl FnMut() -> bool) {
        for _ in 0..1000 {
            if done() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("still not so: {what}");
    }

    /// Waits, with a bound, until `path` answers JSON that fits.
    pub(crate) async fn until_json(&self, path: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        for _ in 0..500 {
            last = self.get(path).await.1;
            if fits(&last) {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{path} stays {last}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) fn config(product_url: &str, state_file: Option<PathBuf>) -> Config {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Config {
        http: any,
        smtp: any,
        psp: PspConfig {
            request_secret: "request".to_owned(),
            webhook_secret: "webhook".to_owned(),
            link_secret: "link".to_owned(),
            webhook_url: format!("{product_url}/default-hook"),
            event_retry: [5, 10, 20, 20, 20].into_iter().map(Duration::from_millis).collect(),
        },
        providers: ProvidersConfig {
            btcpay: BtcPayConfig {
                store_id: "SandboxStore".to_owned(),
                api_key: "btcpay-key".to_owned(),
                webhook_secret: "btcpay-webhook-secret".to_owned(),
            },
            mtn_momo: MtnMomoConfig {
                api_user: "momo-user".to_owned(),
                api_key: "momo-key".to_owned(),
                collection_key: "collection-key".to_owned(),
                disbursement_key: "disbursement-key".to_owned(),
            },
            fedapay: FedaPayConfig {
                secret_key: "sk_sandbox_test".to_owned(),
                webhook_secret: "wh_test".to_owned(),
            },
            stripe: sandbox::StripeConfig::default(),
            paypal: PaypalConfig::default(),
        },
        telegram: TelegramConfig {
            bot_token: TOKEN.to_owned(),
            bot_username: "calmness_bot".to_owned(),
            chats: vec![ChatConfig { id: CHANNEL, title: "Signaux".to_owned() }],
        },
        sms: SmsConfig {
            account_sid: ACCOUNT.to_owned(),
            auth_token: AUTH_TOKEN.to_owned(),
            from: SENDER.to_owned(),
            messaging_service_sid: MESSAGING_SERVICE.to_owned(),
            verify_service_sid: VERIFY_SERVICE.to_owned(),
            delivery_step: Duration::from_millis(5),
        },
        state_file,
        product_url: product_url.to_owned(),
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests' one HTTP client")]
fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) async fn send(request: RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.bytes().await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

pub(crate) fn mac(secret: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, message.as_bytes()))
}

/// The header that signs a body.
pub(crate) fn sign(secret: &str, t: i64, body: &str) -> String {
    format!("t={t},v1={}", mac(secret, &format!("{t}.{body}")))
}
