//! Measures the hot paths against what the database alone does with the same SQL: `make bench`.
//!
//! Everything happens in one run on one private PostgreSQL that keeps its commits through a power cut: in turns pgbench
//! runs the product's statements (the floor) and wrk drives the product's own binary, with its limits in force. The
//! ratios of the medians are printed beside the goals of docs/PERFORMANCE.md. Everything listens on 127.0.0.1 alone and
//! is stopped and erased at the end.

mod duel;
mod floor;
mod load;
mod process;
mod processor;
mod report;
mod server;
mod trials;
mod uniform;
mod world;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

use crate::duel::Duel;
use crate::floor::Floor;
use crate::report::{Report, note};
use crate::world::World;

type Fallible<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The hot paths and what each is held to.
const DUELS: [Duel; 3] = [
    Duel { work: "payments/init", floor: Floor::Init, kind: "init", goal: 0.75 },
    Duel { work: "webhooks/hmac_psp", floor: Floor::Webhook, kind: "webhook", goal: 0.7 },
    Duel { work: "GET subscription", floor: Floor::Subscription, kind: "subscription", goal: 0.5 },
];

/// Measures the product against its own database.
#[derive(Parser, Clone)]
struct Arguments {
    /// The product's program
    #[arg(long, value_name = "FILE")]
    program: PathBuf,
    /// The program of PostgreSQL that runs the floor
    #[arg(long, value_name = "FILE", default_value = "pgbench")]
    pgbench: PathBuf,
    /// Where the result is written
    #[arg(long, value_name = "FILE")]
    json: PathBuf,
    /// How often both sides of a hot path take turns
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// How long one turn of a hot path lasts, in seconds
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=30))]
    seconds: u32,
    /// How many known and how many unknown addresses are asked about for `uniform`
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=9_000))]
    pairs: u32,
    /// Only these: init, webhook, subscription, plans, sealing, authentication, start, login, uniform
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let folder = std::env::temp_dir().join(format!("calmness-bench-{}", std::process::id()));
    let outcome = match World::make(&folder, arguments).await {
        Ok(world) => {
            let outcome = until_told_to_stop(Box::pin(measure(&world))).await;
            let cleared = world.clear().await;
            outcome.and(cleared)
        }
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&*error);
            ExitCode::FAILURE
        }
    }
}

async fn measure(world: &World) -> Fallible<()> {
    let arguments = &world.arguments;
    let mut report = Report::new(arguments);
    if arguments.wants("start") {
        trials::start(world, &mut report).await?;
    }
    let server = server::Server::start(world).await?;
    for duel in &DUELS {
        if arguments.wants(duel.kind) {
            duel.fight(world, &server, &mut report).await?;
        }
    }
    if arguments.wants("plans") {
        trials::plans(world, &mut report).await?;
    }
    if arguments.wants("sealing") {
        trials::sealing(world, &mut report).await?;
    }
    if arguments.wants("authentication") {
        trials::authentication(world, &mut report).await?;
    }
    if arguments.wants("login") {
        trials::login(world, &mut report).await?;
        trials::login_flood(world, &mut report).await?;
    }
    if arguments.wants("uniform") {
        uniform::uniform(world, &mut report).await?;
    }
    server.stop().await?;
    report.finish(&arguments.json)
}

/// A signal drops what is under way: each process that was started is killed with its handle.
async fn until_told_to_stop(work: impl Future<Output = Fallible<()>>) -> Fallible<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    tokio::select! {
        outcome = work => outcome,
        _ = interrupt.recv() => Err("interrupted".into()),
        _ = terminate.recv() => {
            note("stopping");
            Err("told to stop".into())
        }
    }
}
