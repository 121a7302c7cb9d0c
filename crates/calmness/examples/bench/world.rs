//! What is measured in: a private PostgreSQL that keeps its commits, the product's configuration, users and their
//! tokens. All of it lies in one folder that only we can read and that is erased at the end.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use application::App;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use calmness::config::{Config, LoadOptions};
use calmness::postgres::{self, Cluster, Options};
use calmness::wiring::{self, ClockKind};
use crypto::jwt::Claims;
use crypto::password::{Hasher, PasswordParams};
use crypto::random::{SystemRandom, bytes};
use crypto::signature::{Signed, SigningSecret, sign};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::floor::Floor;
use crate::report::note;
use crate::{Arguments, Fallible, processor};

/// The owner of the private cluster.
pub(crate) const OWNED_BY: &str = postgres::OWNER;
const DATABASE: &str = "bench";
/// So many people buy.
pub(crate) const USERS: u32 = 60_000;
/// An access token's life covers the whole run.
const TOKEN_LIFE_SECONDS: i64 = crypto::jwt::MAX_LIFE_SECONDS;

/// Everything that holds payments, and what follows from them.
const FORGET: &str = "TRUNCATE payments, idempotency_keys, webhook_events, subscriptions, periods, audit_logs, \
                      audit_chain, audit_seals, audit_personal, notifications, memberships; CHECKPOINT";

/// How far a hot path has come.
pub(crate) struct Progress {
    pub(crate) count: u32,
    /// The user after the last one.
    pub(crate) next: u32,
}

/// The stage.
pub(crate) struct World {
    pub(crate) arguments: Arguments,
    pub(crate) folder: PathBuf,
    /// The product's configuration.
    pub(crate) config: PathBuf,
    /// Where the product listens.
    pub(crate) port: u16,
    pub(crate) database_url: SecretString,
    /// The database's password, for pgbench.
    pub(crate) passwords: PathBuf,
    /// One access token a line.
    pub(crate) tokens: PathBuf,
    /// The accounts' password.
    pub(crate) login: PathBuf,
    /// Its hash.
    pub(crate) password_hash: String,
    /// Nobody's password.
    pub(crate) wrong_password: SecretString,
    /// The product's use cases in this process, for its keys.
    pub(crate) app: App,
    owner: PgPool,
    cluster: Cluster,
    webhook_secret: SigningSecret,
}

impl World {
    /// Starts the database and fills it. What fails half-way is erased.
    pub(crate) async fn make(folder: &Path, arguments: Arguments) -> Fallible<Self> {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        let cluster = Cluster::start(Options::new(folder.to_owned()), &|step: &str| note(step)).await;
        let made = match cluster {
            Ok(cluster) => Self::fill(folder, arguments, cluster).await,
            Err(error) => Err(error.into()),
        };
        if made.is_err() {
            erase(folder).await?;
        }
        made
    }

    async fn fill(folder: &Path, arguments: Arguments, cluster: Cluster) -> Fallible<Self> {
        cluster.ensure_database(DATABASE).await?;
        let database_url = cluster.url(DATABASE);
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let token = || URL_SAFE_NO_PAD.encode(bytes::<32>(&SystemRandom));
        let webhook_secret = token();
        let config = folder.join("calmness.toml");
        write_private(&config, &configuration(port, &database_url, &webhook_secret, &token))?;
        let passwords = folder.join("pgpass");
        write_private(&passwords, &password_line(&database_url)?)?;
        let password = SecretString::from(token());
        let login = folder.join("password");
        write_private(&login, &format!("{}\n", password.expose_secret()))?;
        let hasher = Hasher::new(PasswordParams::default(), &SystemRandom)?;
        let password_hash = hasher.hash(&password, bytes(&SystemRandom))?;
        let options =
            LoadOptions { file: Some(config.clone()), folder: folder.to_owned(), variables: Vec::new() };
        let app = wiring::wire(&Config::load(options)?, ClockKind::System).await?.app;
        let owner = PgPoolOptions::new().max_connections(2).connect(database_url.expose_secret()).await?;
        let world = Self {
            webhook_secret: SigningSecret::parse(&SecretString::from(webhook_secret))?,
            tokens: folder.join("tokens"),
            folder: folder.to_owned(),
            arguments,
            config,
            port,
            database_url,
            passwords,
            login,
            password_hash,
            wrong_password: SecretString::from(token()),
            app,
            owner,
            cluster,
        };
        note(&format!("Making {USERS} users"));
        world.make_users().await?;
        Ok(world)
    }

    /// The processor time that the database has used, in seconds.
    pub(crate) fn database_seconds(&self) -> Fallible<f64> {
        processor::of_family(self.cluster.pid())
    }

    async fn make_users(&self) -> Fallible<()> {
        self.sql(&format!(
            "INSERT INTO users (id, email, email_key, password_hash, created_at)
             SELECT ('01990000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'user-' || i || '@bench.example',
                    'user-' || i || '@bench.example', '{}', now()
             FROM generate_series(0, {USERS} - 1) AS i;
             VACUUM ANALYZE users",
            self.password_hash
        ))
        .await?;
        let iat = self.app.clock().wall().unix_timestamp();
        let mut tokens = String::new();
        for number in 0..USERS {
            let random = || uuid::Builder::from_random_bytes(bytes(&SystemRandom)).into_uuid();
            let claims = Claims {
                sub: id(0, number),
                sid: random(),
                jti: random(),
                role: "user".to_owned(),
                iat,
                exp: iat + TOKEN_LIFE_SECONDS,
            };
            tokens.push_str(&self.app.keys().access_tokens().issue(&claims)?);
            tokens.push('\n');
        }
        write_private(&self.tokens, &tokens)
    }

    /// Begins anew: the rows that a floor needs, and the data of its requests.
    pub(crate) async fn prepare(&self, floor: Floor) -> Fallible<PathBuf> {
        match floor {
            Floor::Init => self.sql(FORGET).await?,
            Floor::Webhook => return self.pending_payments().await,
            Floor::Subscription => self.subscriptions().await?,
        }
        Ok(self.tokens.clone())
    }

    /// What has been done since.
    pub(crate) async fn done(&self, floor: Floor) -> Fallible<Progress> {
        let rows = match floor {
            Floor::Init => "payments",
            Floor::Webhook => "payments WHERE status = 'succeeded'",
            Floor::Subscription => return Ok(Progress { count: 0, next: 0 }),
        };
        let statement = format!(
            "SELECT (SELECT count(*) FROM {rows}), (SELECT user_id FROM {rows} ORDER BY user_id DESC LIMIT 1)"
        );
        let (count, last): (i64, Option<Uuid>) =
            sqlx::query_as(AssertSqlSafe(statement)).fetch_one(&self.owner).await?;
        let next = last.map_or(0, |last| (last.as_u128() & u128::from(u32::MAX)) + 1);
        Ok(Progress { count: u32::try_from(count)?, next: u32::try_from(next)? })
    }

    /// One open payment of each user, and a signed success for each, as of now.
    async fn pending_payments(&self) -> Fallible<PathBuf> {
        self.sql(&format!(
            "{FORGET};
             SET session_replication_role = replica;
             INSERT INTO payments (id, user_id, plan_code, channel, plan_days, provider, amount_minor, currency,
                                   quote_expires_at, checkout_url, nonce, phase, created_at, check_due_at)
             SELECT ('01990001-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
                    ('01990000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'signaux-monthly', 'signaux', 30,
                    'hmac_psp', 5999, 'EUR', now() + interval '30 minutes',
                    'https://pay.bench.example/v1/checkout?' || repeat('q', 320), repeat('0', 32), 'awaiting', now(),
                    now() + interval '5 seconds'
             FROM generate_series(0, {USERS} - 1) AS i;
             RESET session_replication_role;
             VACUUM ANALYZE payments;
             CHECKPOINT"
        ))
        .await?;
        let now = self.app.clock().wall().unix_timestamp();
        let secrets = std::slice::from_ref(&self.webhook_secret);
        let mut lines = String::new();
        for number in 0..USERS {
            let body = format!(
                r#"{{"id":"evt_{number:030}","type":"payment.succeeded","created":{now},"data":{{"payment_id":"{}","amount":5999,"currency":"EUR","provider_reference":"psp_{number:030}"}}}}"#,
                id(1, number)
            );
            writeln!(lines, "{}\t{body}", sign(secrets, now, Signed::Body(body.as_bytes()))?)?;
        }
        let path = self.folder.join("webhooks");
        write_private(&path, &lines)?;
        Ok(path)
    }

    /// A subscription with one period for each user.
    async fn subscriptions(&self) -> Fallible<()> {
        self.sql(&format!(
            "{FORGET};
             SET session_replication_role = replica;
             INSERT INTO subscriptions (id, user_id, channel, plan_code, ends_at, remind_at, end_due_at, created_at)
             SELECT ('01990002-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid,
                    ('01990000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, 'signaux', 'signaux-monthly',
                    now() + interval '30 days', now() + interval '28 days', now() + interval '30 days', now()
             FROM generate_series(0, {USERS} - 1) AS i;
             INSERT INTO periods (id, subscription_id, plan_code, position, length_us, starts_at, ends_at, state, bought_at)
             SELECT ('01990004' || substr(id::text, 9))::uuid, id, 'signaux-monthly', 0, 2592000000000, now(),
                    now() + interval '30 days', 'live', now()
             FROM subscriptions;
             RESET session_replication_role;
             VACUUM ANALYZE subscriptions;
             VACUUM ANALYZE periods;
             CHECKPOINT"
        ))
        .await
    }

    /// Runs statements one after the other, as the owner: some of them can't stand in a transaction with others.
    async fn sql(&self, statements: &str) -> Fallible<()> {
        let mut connection = self.owner.acquire().await?;
        for statement in statements.split(';').filter(|statement| !statement.trim().is_empty()) {
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// Stops the database and erases everything.
    pub(crate) async fn clear(self) -> Fallible<()> {
        self.app.db().close().await;
        self.owner.close().await;
        self.cluster.stop().await?;
        erase(&self.folder).await
    }
}

/// The id of a thing, as the statements here make it, too: kind and number.
fn id(kind: u32, number: u32) -> Uuid {
    Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0000 | (u128::from(kind) << 96) | u128::from(number))
}

async fn erase(folder: &Path) -> Fallible<()> {
    postgres::erase(folder).await?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// As a small shop would run it, behind a proxy on the same machine; strict limits are in force.
fn configuration(
    port: u16,
    database_url: &SecretString,
    webhook_secret: &str,
    token: &dyn Fn() -> String,
) -> String {
    format!(
        "environment = \"development\"
public_url = \"http://127.0.0.1:{port}\"
secret_key = \"{}\"
sandbox = false
[server]
bind = \"127.0.0.1:{port}\"
behind_proxy = true
trusted_proxies = [\"127.0.0.1/32\"]
[database]
url = \"{}\"
[log]
level = \"warn\"
[providers.hmac_psp]
enabled = true
base_url = \"https://pay.bench.example/v1\"
opening = \"link\"
request_secrets = [\"{}\"]
webhook_secrets = [\"{webhook_secret}\"]
link_secret = \"{}\"
currencies = [\"EUR\", \"XOF\", \"XAF\"]
",
        STANDARD.encode(bytes::<48>(&SystemRandom)),
        database_url.expose_secret(),
        token(),
        token(),
    )
}

/// In the form of PostgreSQL's password file.
fn password_line(database_url: &SecretString) -> Fallible<String> {
    let url: reqwest::Url = database_url.expose_secret().parse()?;
    Ok(format!("127.0.0.1:*:*:{OWNED_BY}:{}\n", url.password().unwrap_or_default()))
}

/// A file that only we can read.
fn write_private(path: &Path, text: &str) -> Fallible<()> {
    use std::io::Write as _;
    let mut options = fs::OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
