//! The product on a port of its own, with a database of its own and the simulated world around it.
//!
//! Nothing works in the background unless a test asks for it: [`World::drain`] does everything that is due, so a test
//! decides when. Business time stands still until [`World::advance`]; wall time is the machine's. [`World::finish`]
//! ends every test: the invariants must hold, nothing may be left due, nobody was charged twice, nothing answered 5xx.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::clock::{Clock, ManualClock};
use application::{App, invariants, work};
use calmness::config::Config;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgPool};
use time::OffsetDateTime;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::http::{Answer, Call};
use super::people::Customer;
use super::setup::{BOT_TOKEN, Setup};

/// How long a test waits for what must happen soon.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(4);

/// A product with everything around it.
pub(crate) struct World {
    pub(crate) app: App,
    pub(crate) clock: Arc<ManualClock>,
    /// With the rights of the tables' owner.
    pub(crate) owner: PgPool,
    /// Where the product is.
    pub(crate) base: String,
    /// Where the simulated world is.
    pub(crate) sandbox: String,
    pub(crate) http: reqwest::Client,
    pub(super) server_errors: Mutex<Vec<String>>,
    pub(super) stop: CancellationToken,
    pub(super) tasks: JoinSet<()>,
    pub(super) worker: Option<(JoinHandle<()>, CancellationToken)>,
    pub(super) config: Config,
    /// Gone once the world has ended as it should.
    pub(super) database: Option<Database>,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::setup().start().await
    }

    pub(crate) fn setup() -> Setup {
        Setup::default()
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'_> {
        Call::new(self, Method::from_bytes(method.as_bytes()).unwrap(), path)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", path).send().await
    }

    pub(crate) async fn get_by(&self, customer: &Customer, path: &str) -> Answer {
        self.call("GET", path).by(customer).send().await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path).json(body).send().await
    }

    pub(crate) async fn by(&self, customer: &Customer, method: &str, path: &str, body: &Value) -> Answer {
        self.call(method, path).by(customer).json(body).send().await
    }

    pub(crate) async fn sandbox_get(&self, path: &str) -> Value {
        Call::elsewhere(self.http.get(format!("{}{path}", self.sandbox))).send().await.expect(200).body
    }

    pub(crate) async fn sandbox_post(&self, path: &str, body: &Value) -> Answer {
        Call::elsewhere(self.http.post(format!("{}{path}", self.sandbox))).json(body).send().await
    }

    /// Orders a fault of a peer.
    pub(crate) async fn fault(&self, fault: Value) {
        self.sandbox_post("/faults", &fault).await.expect(201);
    }

    /// Calls the Bot API as the bot's operator could by hand; its result.
    pub(crate) async fn bot(&self, method: &str, parameters: &Value) -> Value {
        self.sandbox_post(&format!("/bot{BOT_TOKEN}/{method}"), parameters).await.expect(200).body["result"]
            .take()
    }

    pub(crate) async fn clear_faults(&self) {
        Call::elsewhere(self.http.delete(format!("{}/faults", self.sandbox))).send().await.expect(204);
    }

    pub(crate) fn wall(&self) -> OffsetDateTime {
        self.clock.wall()
    }

    /// Business time.
    pub(crate) async fn now(&self) -> OffsetDateTime {
        self.clock.now().await.unwrap().business
    }

    /// Moves business time, and does what that makes due.
    pub(crate) async fn advance(&self, by: time::Duration) {
        self.move_clock(by).await;
        self.drain().await;
    }

    /// Moves business time, and leaves what that makes due.
    pub(crate) async fn move_clock(&self, by: time::Duration) {
        self.sandbox_post("/clock", &json!({ "advance_seconds": by.whole_seconds() })).await.expect(200);
    }

    /// Does everything that is due, and what the peers then tell, until nothing is due any more.
    pub(crate) async fn drain(&self) {
        for _ in 0..50 {
            self.until_peers_are_quiet().await;
            let done = self.drain_once().await;
            self.until_peers_are_quiet().await;
            if done == 0 && self.due().await.is_empty() {
                return;
            }
        }
        panic!("work is still due: {:?}", self.due().await);
    }

    /// Does everything that is due now, whatever the peers are doing.
    pub(crate) async fn drain_once(&self) -> usize {
        self.app.drain_work().await.unwrap()
    }

    /// Starts a worker as `serve` does, in a world that had none.
    pub(crate) fn start_worker(&mut self) {
        assert!(self.worker.is_none(), "one is at work");
        let stop = CancellationToken::new();
        self.worker = Some((tokio::spawn(work::run(self.app.clone(), stop.clone())), stop));
    }

    /// Stops the worker as `serve` does at its end.
    pub(crate) async fn stop_worker(&mut self) {
        if let Some((worker, stop)) = self.worker.take() {
            stop.cancel();
            worker.await.unwrap();
        }
    }

    /// What is due and not done.
    pub(crate) async fn due(&self) -> Vec<String> {
        work::due(&self.owner, self.now().await).await.unwrap()
    }

    /// Waits until the payment service and Telegram have told everything that they have to tell.
    pub(crate) async fn until_peers_are_quiet(&self) {
        let quiet = async || {
            let events = self.sandbox_get("/psp/events").await;
            let told = events["items"].as_array().unwrap().iter().all(|event| event["state"] != "pending");
            told && self.updates_are_delivered().await
        };
        self.until("the peers are quiet", quiet).await;
    }

    /// Whether the product has taken every update that Telegram queued. Asked from the sandbox's log: a call of the Bot
    /// API would meet the faults that a test has ordered.
    async fn updates_are_delivered(&self) -> bool {
        let log = self.sandbox_get("/log?kind=telegram.update&limit=50000").await;
        let entries = log["items"].as_array().unwrap();
        let taken = |id: &Value| {
            let mut attempts = entries.iter().filter(|entry| entry["kind"] == "telegram.update_attempt");
            attempts.any(|attempt| attempt["data"]["update_id"] == *id && attempt["data"]["status"] == 200)
        };
        let mut queued = entries.iter().filter(|entry| entry["kind"] == "telegram.update");
        queued.all(|update| taken(&update["data"]["update_id"]))
    }

    /// Waits, with a bound, until something is so.
    pub(crate) async fn until(&self, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
        let waiting = async {
            while !is_so().await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, waiting).await.is_ok(), "still not so: {what}");
    }

    /// Runs a statement of the test's own as the owner of the tables.
    pub(crate) async fn sql(&self, statement: &str) -> u64 {
        let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&self.owner).await;
        done.unwrap_or_else(|error| panic!("{error}: {statement}")).rows_affected()
    }

    /// The one number that a query asks for.
    pub(crate) async fn count(&self, query: &str) -> i64 {
        let count = sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&self.owner).await;
        count.unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    /// The rows that a query finds, each as one JSON value.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Value> {
        let query = format!("SELECT to_jsonb(found) FROM ({query}) AS found");
        let rows = sqlx::query_scalar(AssertSqlSafe(query.clone())).fetch_all(&self.owner).await;
        rows.unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    /// The names of the invariants that do not hold, each with what breaks it.
    pub(crate) async fn broken_invariants(&self) -> Vec<(&'static str, Vec<String>)> {
        let findings = invariants::check(&self.owner, self.now().await).await.unwrap();
        findings
            .into_iter()
            .filter(|found| !found.holds())
            .map(|found| (found.name, found.broken_by))
            .collect()
    }

    /// What the product was wired from.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn note_server_error(&self, line: String) {
        self.server_errors.lock().unwrap().push(line);
    }

    /// The answers of 500 and above so far, which the test expected: they are forgotten.
    pub(crate) fn take_server_errors(&self) -> Vec<String> {
        std::mem::take(&mut self.server_errors.lock().unwrap())
    }

    /// Ends the test: everything that must always hold, holds, and nothing is left to do.
    pub(crate) async fn finish(self) {
        self.drain().await;
        self.finish_with_work_left().await;
    }

    /// Ends a test that leaves work undone on purpose.
    pub(crate) async fn finish_with_work_left(self) {
        assert_eq!(self.broken_invariants().await, []);
        let books = self.sandbox_get("/psp/ledger?format=json").await;
        for payment in books["items"].as_array().unwrap() {
            let charges = payment["charges"].as_array().unwrap().len();
            assert!(charges <= 1, "charged {charges} times: {payment}");
        }
        assert_eq!(self.take_server_errors(), Vec::<String>::new());
        self.end().await;
    }

    /// Ends a test that broke its world on purpose.
    pub(crate) async fn abandon(self) {
        self.end().await;
    }

    async fn end(mut self) {
        self.stop_worker().await;
        self.stop.cancel();
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        self.app.db().close().await;
        self.owner.close().await;
        drop(self.database.take());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let forgotten = self.database.is_some() && !std::thread::panicking();
        assert!(!forgotten, "a test ends with world.finish()");
    }
}
