//! One PostgreSQL for the whole machine, a database for each test, copied from a template that was migrated once.
//!
//! The server is the one of `TEST_DATABASE_URL`, else a private cluster under the build folder that every test process
//! shares and none stops. Each database carries its process in its name, so what a killed process left behind is found
//! and dropped by the next one.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use application::database::{self, Rights};
use aws_lc_rs::digest;
use calmness::config::environment;
use calmness::postgres::{Cluster, Durability, Options};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// Names the lock under which the template is made.
const TEMPLATE_LOCK: i64 = 0x6361_6c6d_6e65_7373;

static SERVER: OnceCell<Server> = OnceCell::const_new();
static MADE: AtomicU32 = AtomicU32::new(0);

/// The server, ready to copy its template.
struct Server {
    admin: Url,
    template: String,
    /// Held so that nobody stops the server under this process.
    _cluster: Option<Cluster>,
}

/// A database of its own for one test; dropped with it.
pub(crate) struct Database {
    pub(crate) name: String,
    admin: Url,
}

impl Database {
    /// A migrated one.
    pub(crate) async fn new() -> Self {
        let server = SERVER.get_or_init(Server::start).await;
        Self::copy(server, Some(&server.template)).await
    }

    /// One without any table.
    pub(crate) async fn empty() -> Self {
        let server = SERVER.get_or_init(Server::start).await;
        Self::copy(server, None).await
    }

    async fn copy(server: &Server, template: Option<&str>) -> Self {
        let name = format!("test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let template = template.map(|template| format!(" TEMPLATE \"{template}\"")).unwrap_or_default();
        run(&server.admin, &format!("CREATE DATABASE \"{name}\"{template}")).await;
        Self { name, admin: server.admin.clone() }
    }

    /// Its address, with the owner's rights.
    pub(crate) fn url(&self) -> SecretString {
        at(&self.admin, &self.name)
    }
}

impl Drop for Database {
    /// On a thread and a runtime of its own: a test that failed is dropped in the middle of anything.
    fn drop(&mut self) {
        let (admin, statement) =
            (self.admin.clone(), format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name));
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(&admin, &statement));
        });
        // Left behind, it is dropped by a later process.
        drop(dropped.join());
    }
}

impl Server {
    async fn start() -> Self {
        let given = environment::variables().into_iter().find(|(name, _)| name == "TEST_DATABASE_URL");
        let (admin, cluster) = if let Some((_, url)) = given {
            (url, None)
        } else {
            let cluster = Cluster::start(
                Options { share: true, durability: Durability::TestsOnly, ..Options::new(data_dir()) },
                &|_: &str| {},
            );
            let cluster = cluster.await.unwrap();

            (cluster.admin_url().expose_secret().to_owned(), Some(cluster))
        };
        let admin: Url = admin.parse().unwrap();
        let template = format!("calmness_template_{}", fingerprint());
        make_template(&admin, &template).await;
        Self { admin, template, _cluster: cluster }
    }
}

/// `target/test-postgresql`, wherever the build folder is.
fn data_dir() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("test-postgresql");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Under a lock, so that one process makes it and the others wait; under another name until it is whole.
async fn make_template(admin: &Url, template: &str) {
    let mut connection = connect(admin).await;
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut connection).await.unwrap();
    let databases: Vec<String> =
        sqlx::query_scalar("SELECT datname::text FROM pg_database").fetch_all(&mut connection).await.unwrap();
    for left_behind in databases.iter().filter(|name| is_left_behind(admin, name)) {
        execute(&mut connection, &format!("DROP DATABASE IF EXISTS \"{left_behind}\" WITH (FORCE)")).await;
    }
    if !databases.iter().any(|name| name == template) {
        let half = format!("{template}_half");
        execute(&mut connection, &format!("DROP DATABASE IF EXISTS \"{half}\" WITH (FORCE)")).await;
        execute(&mut connection, &format!("CREATE DATABASE \"{half}\"")).await;
        let owner = database::connect(&at(admin, &half), Rights::OfLogin, 1).await.unwrap();
        database::migrate(&owner).await.unwrap();
        owner.close().await;
        execute(&mut connection, &format!("ALTER DATABASE \"{half}\" RENAME TO \"{template}\"")).await;
    }
    connection.close().await.unwrap();
}

/// Whether a database belongs to a test process of this machine that is gone.
fn is_left_behind(admin: &Url, name: &str) -> bool {
    let local = admin.host_str().is_some_and(|host| host == "127.0.0.1" || host == "localhost");
    let process = name.strip_prefix("test_").and_then(|rest| rest.split('_').next()?.parse::<u32>().ok());
    let gone =
        |process: u32| Path::new("/proc/self").exists() && !Path::new(&format!("/proc/{process}")).exists();
    local && process.is_some_and(gone)
}

/// Of everything that a migrated database is made from.
fn fingerprint() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root.join("migrations")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.push(root.join("crates/application/src/grants.sql"));
    files.sort();
    let mut hash = digest::Context::new(&digest::SHA256);
    for file in files {
        hash.update(&std::fs::read(file).unwrap());
    }
    hash.finish().as_ref().iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn at(admin: &Url, name: &str) -> SecretString {
    let mut url = admin.clone();
    url.set_path(name);
    SecretString::from(String::from(url))
}

async fn connect(admin: &Url) -> PgConnection {
    PgConnection::connect(admin.as_str()).await.unwrap()
}

async fn run(admin: &Url, statement: &str) {
    let mut connection = connect(admin).await;
    execute(&mut connection, statement).await;
    connection.close().await.unwrap();
}

/// The names in these statements are made here.
async fn execute(connection: &mut PgConnection, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(connection).await.unwrap();
}
