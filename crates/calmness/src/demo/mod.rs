//! Everything on one machine: a private PostgreSQL, the simulated world, and the product as a child process.
//!
//! This process is the supervisor: it owns the cluster and runs the sandbox itself, so that the product can be killed
//! and started again like a real server while the world around it goes on. The product hears of nothing special: it is
//! `serve` with a configuration file, except that its business clock can be moved.

mod clock;
mod product;
mod providers;
mod secrets;
mod setup;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use application::clock::SandboxClock;
use application::database::{self, Rights};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use sqlx::PgPool;
use thiserror::Error;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use self::product::Product;
pub use self::product::Role;
use self::secrets::Secrets;
use crate::config::Opening;
use crate::postgres::{self, Cluster, Progress};
use crate::wiring::WiringError;

/// The port that a demo takes if it is free and no other is named.
pub const USUAL_PORT: u16 = 8080;
/// The chat that the demo's bot administers.
pub const CHAT_ID: i64 = -1_001_234_567_890;
const DATABASE: &str = "calmness";
/// The simulated account at Twilio; the number is the one that Twilio's own test credentials send from.
const TWILIO_ACCOUNT: &str = "AC000000000000000000000000000000d1";
const TWILIO_MESSAGING_SERVICE: &str = "MG000000000000000000000000000000d1";
const TWILIO_VERIFY_SERVICE: &str = "VA000000000000000000000000000000d1";
const SMS_SENDER: &str = "+15005550006";
/// How long an SMS stays in each status on its way to the phone.
const DELIVERY_STEP: Duration = Duration::from_millis(300);

/// How to start a demo.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// The product's port: `None` takes the usual one or a free one, zero a free one.
    pub port: Option<u16>,
    /// How checkouts are opened.
    pub opening: Opening,
    /// Where the programs of PostgreSQL are, if not where they usually are.
    pub postgresql_bin: Option<PathBuf>,
}

/// Why a demo could not start or go on.
#[derive(Debug, Error)]
pub enum DemoError {
    /// The private PostgreSQL.
    #[error(transparent)]
    Postgres(#[from] postgres::Error),
    /// The database in it.
    #[error(transparent)]
    Database(#[from] database::DatabaseError),
    /// The accounts and settings of the demo.
    #[error("the demo's accounts and settings could not be made")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The product's wiring.
    #[error(transparent)]
    Wiring(#[from] WiringError),
    /// The simulated world.
    #[error("the simulated world could not start")]
    Sandbox(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file or a port.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The product did not come up.
    #[error("the product did not become ready; its log is {}", log.display())]
    NotReady {
        /// Where it tells why.
        log: PathBuf,
    },
}

impl DemoError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// An account of the demo.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// To log in with.
    pub email: String,
    /// Made for this demo.
    pub password: String,
}

/// What is where, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// The product.
    pub base_url: String,
    /// The simulated world.
    pub sandbox_url: String,
    /// The database, with the owner's rights.
    pub database_url: String,
    /// An administrator.
    pub admin: Account,
    /// A customer.
    pub user: Account,
    /// What the simulated payment service signs its callbacks with.
    pub psp_secret: String,
    /// The product's configuration, for other commands of this program.
    pub config: PathBuf,
    /// The product's log.
    pub log: PathBuf,
    /// The simulated chat that is sold.
    pub telegram_chat_id: i64,
    /// The product's process.
    pub server_pid: u32,
}

/// A running demo.
pub struct Demo {
    cluster: Cluster,
    owner: PgPool,
    product: Product,
    world: JoinHandle<Result<(), sandbox::Error>>,
    world_stop: CancellationToken,
    ready: Ready,
}

impl Demo {
    /// Starts everything, telling each step that takes time.
    pub async fn start(options: DemoOptions, progress: &dyn Progress) -> Result<Self, DemoError> {
        std::fs::create_dir_all(&options.data_dir)
            .map_err(DemoError::io(format!("cannot make the folder {}", options.data_dir.display())))?;
        let data_dir =
            std::path::absolute(&options.data_dir).map_err(DemoError::io("cannot find the folder"))?;
        let cluster = Cluster::start(
            postgres::Options {
                binaries: options.postgresql_bin.clone(),
                ..postgres::Options::new(data_dir.clone())
            },
            progress,
        )
        .await?;
        // From here on the cluster must not be left behind.
        match Self::start_on(&cluster, &options, &data_dir, progress).await {
            Ok((owner, product, world, world_stop, ready)) => {
                Ok(Self { cluster, owner, product, world, world_stop, ready })
            }
            Err(error) => {
                if let Err(left_behind) = cluster.stop().await {
                    tracing::warn!(
                        error = &left_behind as &dyn std::error::Error,
                        "the private PostgreSQL goes on"
                    );
                }
                Err(error)
            }
        }
    }

    async fn start_on(
        cluster: &Cluster,
        options: &DemoOptions,
        data_dir: &Path,
        progress: &dyn Progress,
    ) -> Result<Started, DemoError> {
        cluster.ensure_database(DATABASE).await?;
        let url = cluster.url(DATABASE);
        let owner = database::connect(&url, Rights::OfLogin, 4).await?;
        let missing = database::missing_migrations(&owner).await?;
        if missing > 0 {
            progress.step(&format!("applying {missing} migrations"));
        }
        database::migrate(&owner).await?;
        let secrets = Secrets::load_or_make(&data_dir.join("secrets.json"))?;
        let address = choose_port(options.port)?;
        progress.step("starting the simulated world");
        let (world, world_stop, addresses) = start_world(&owner, &secrets, address, data_dir).await?;
        let base_url = format!("http://{address}");
        let config =
            setup::write_config(data_dir, &secrets, &url, &base_url, address, &addresses, options.opening)?;
        progress.step("making the accounts");
        let accounts = setup::seed(&config, &secrets, &format!("http://{}", addresses.http)).await?;
        progress.step("starting the product");
        let product =
            Product::start(config.clone(), base_url.clone(), data_dir.join("product.log"), Role::Full)
                .await?;
        let ready = Ready {
            base_url,
            sandbox_url: format!("http://{}", addresses.http),
            database_url: url.expose_secret().to_owned(),
            admin: accounts.admin,
            user: accounts.user,
            psp_secret: secrets.psp_webhook.clone(),
            config,
            log: product.log().to_owned(),
            telegram_chat_id: CHAT_ID,
            server_pid: product.pid(),
        };
        Ok((owner, product, world, world_stop, ready))
    }

    /// What is where.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The owner's pool.
    pub fn owner(&self) -> &PgPool {
        &self.owner
    }

    /// Kills the product as a power cut would: no chance to tidy up.
    pub async fn kill_product(&mut self) -> Result<(), DemoError> {
        self.product.kill().await
    }

    /// Stops the product in an orderly way.
    pub async fn stop_product(&mut self) -> Result<(), DemoError> {
        self.product.stop().await
    }

    /// Starts the product again.
    pub async fn start_product(&mut self, role: Role) -> Result<(), DemoError> {
        self.product.restart(role).await?;
        self.ready.server_pid = self.product.pid();
        Ok(())
    }

    /// Waits until the product ends, for whatever reason.
    pub async fn product_ended(&mut self) {
        self.product.ended().await;
    }

    /// Stops everything, in the order in which nothing is lost.
    pub async fn stop(mut self) -> Result<(), DemoError> {
        let product = self.product.stop().await;
        self.world_stop.cancel();
        let world = self.world.await;
        self.owner.close().await;
        self.cluster.stop().await?;
        product?;
        match world {
            Ok(Err(error)) => Err(DemoError::Sandbox(Box::new(error))),
            Err(error) => Err(DemoError::Sandbox(Box::new(error))),
            Ok(Ok(())) => Ok(()),
        }
    }
}

type Started = (PgPool, Product, JoinHandle<Result<(), sandbox::Error>>, CancellationToken, Ready);

/// Where the simulated peers listen.
struct WorldAddresses {
    http: SocketAddr,
    smtp: SocketAddr,
}

async fn start_world(
    owner: &PgPool,
    secrets: &Secrets,
    product: SocketAddr,
    data_dir: &Path,
) -> Result<(JoinHandle<Result<(), sandbox::Error>>, CancellationToken, WorldAddresses), DemoError> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let product_url = format!("http://{product}");
    let config = |http| sandbox::Config {
        http,
        smtp: any_port,
        psp: sandbox::PspConfig {
            request_secret: secrets.psp_request.clone(),
            webhook_secret: secrets.psp_webhook.clone(),
            link_secret: secrets.psp_link.clone(),
            webhook_url: format!("{product_url}/api/webhooks/hmac_psp"),
            event_retry: sandbox::default_event_retry(),
        },
        providers: providers::accounts(secrets),
        telegram: sandbox::TelegramConfig {
            bot_token: secrets.bot_token.clone(),
            bot_username: "signaux_demo_bot".to_owned(),
            chats: vec![sandbox::ChatConfig { id: CHAT_ID, title: "Signaux".to_owned() }],
        },
        sms: sandbox::SmsConfig {
            account_sid: TWILIO_ACCOUNT.to_owned(),
            auth_token: secrets.twilio_auth_token.clone(),
            from: SMS_SENDER.to_owned(),
            messaging_service_sid: TWILIO_MESSAGING_SERVICE.to_owned(),
            verify_service_sid: TWILIO_VERIFY_SERVICE.to_owned(),
            delivery_step: DELIVERY_STEP,
        },
        state_file: Some(data_dir.join("world.json")),
        product_url: product_url.clone(),
    };
    let clock = Arc::new(clock::Handle::new(owner.clone(), SandboxClock::new(owner.clone())));
    // Where it was the last time, so that addresses that people noted still lead there; else anywhere.
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, secrets.sandbox_port));
    let bound = match sandbox::Sandbox::bind(config(usual), clock.clone()).await {
        Err(sandbox::Error::Bind { .. }) => sandbox::Sandbox::bind(config(any_port), clock).await,
        bound => bound,
    };
    let world = bound.map_err(|error| DemoError::Sandbox(Box::new(error)))?;
    let addresses = WorldAddresses { http: world.http_addr(), smtp: world.smtp_addr() };
    secrets.remember_port(&data_dir.join("secrets.json"), addresses.http.port())?;
    let stop = CancellationToken::new();
    Ok((tokio::spawn(world.serve(stop.clone())), stop, addresses))
}

/// A port that is free now. The product binds it a moment later.
fn choose_port(asked: Option<u16>) -> Result<SocketAddr, DemoError> {
    let try_port =
        |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
    match asked {
        Some(port) => try_port(port)
            .map_err(DemoError::io(format!("cannot listen on port {port}: choose another one with --port"))),
        None => try_port(USUAL_PORT).or_else(|_| try_port(0)).map_err(DemoError::io("no port is free")),
    }
}

/// Forgets a demo's data. Says whether there was any.
pub async fn forget(data_dir: &Path) -> Result<bool, DemoError> {
    let erased = postgres::erase(data_dir).await?;
    match std::fs::remove_dir_all(data_dir) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(erased),
        Err(error) => Err(DemoError::io(format!("cannot delete {}", data_dir.display()))(error)),
    }
}

/// A secret as the files of the demo keep it.
fn revealed(secret: &SecretString) -> &str {
    secret.expose_secret()
}
