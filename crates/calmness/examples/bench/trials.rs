//! What is measured beside the hot paths.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crypto::password::{Hasher, PasswordParams};
use crypto::random::SystemRandom;
use secrecy::SecretString;
use tokio::time::sleep;

use crate::Fallible;
use crate::floor::Floor;
use crate::load::Load;
use crate::report::{Goal, Report, Series};
use crate::server::Server;
use crate::world::World;

const TURN_SECONDS: u32 = 2;
const TURNS: u32 = 3;
const STARTS: usize = 10;
/// So many clients at once, for the memory that they cost.
const MANY: u32 = 256;
/// A client that reads a price list and rests: what one person does.
const REST_MS: u32 = 20;

fn series(name: &'static str, unit: &'static str) -> Series {
    Series { name, unit, turns: Vec::new() }
}

/// From the process's start to readiness; memory at rest and under many connections.
pub(crate) async fn start(world: &World, report: &mut Report) -> Fallible<()> {
    let mut seconds = series("exec to /readyz", "s");
    for _ in 0..STARTS {
        let server = Server::start(world).await?;
        seconds.turns.push(server.ready_after.as_secs_f64());
        server.stop().await?;
    }
    report.figure("start", seconds, Goal::AtMost(0.2));
    let tokens = world.prepare(Floor::Subscription).await?;
    let server = Server::start(world).await?;
    sleep(Duration::from_secs(2)).await;
    let idle = Series { turns: vec![server.memory()?.resident], ..series("resident", "MB") };
    report.figure("memory, idle", idle, Goal::AtMost(40.0));
    load("subscription", MANY).with(&tokens).run(world).await?;
    let busy = Series { turns: vec![server.memory()?.highest], ..series("highest", "MB") };
    report.figure("memory, 256 connections", busy, Goal::AtMost(150.0));
    server.stop().await
}

/// A read that asks nobody, against one that does nothing.
pub(crate) async fn plans(world: &World, report: &mut Report) -> Fallible<()> {
    let (mut nothing, mut plans) = (series("/healthz", "1/s"), series("HTTP", "1/s"));
    for _ in 0..TURNS {
        nothing.turns.push(load("healthz", 16).run(world).await?.per_second());
        plans.turns.push(load("plans", 16).run(world).await?.per_second());
    }
    report.ratio("GET plans", nothing, plans, Goal::None);
    Ok(())
}

/// Opening payments while the audit log is sealed, against the same while nobody seals (SEC-54). The sealer is this process's.
pub(crate) async fn sealing(world: &World, report: &mut Report) -> Fallible<()> {
    let (mut unsealed, mut sealed) = (series("nobody seals", "1/s"), series("sealed each second", "1/s"));
    for _ in 0..TURNS {
        for (side, seals) in [(&mut unsealed, false), (&mut sealed, true)] {
            let tokens = world.prepare(Floor::Init).await?;
            let app = world.app.clone();
            let sealing = seals.then(|| {
                tokio::spawn(async move {
                    loop {
                        if let Err(error) = app.seal_audit_wholly().await {
                            return error;
                        }
                        sleep(Duration::from_secs(1)).await;
                    }
                })
            });
            side.turns.push(load("init", 16).with(&tokens).run(world).await?.per_second());
            if let Some(sealing) = sealing {
                if sealing.is_finished() {
                    return Err(sealing.await?.into());
                }
                sealing.abort();
            }
        }
    }
    report.ratio("payments/init while sealing", unsealed, sealed, Goal::AtLeast(0.95));
    Ok(())
}

/// Who presents this token, in this process: what each request pays.
pub(crate) async fn authentication(world: &World, report: &mut Report) -> Fallible<()> {
    let tokens = std::fs::read_to_string(&world.tokens)?;
    // Without a fresh list of revocations the database would be asked.
    let mut db = world.app.db().acquire().await?;
    world.app.revocations().reload(&mut db, world.app.clock().wall()).await?;
    drop(db);
    let app = world.app.clone();
    let fresh = tokio::spawn(async move { app.keep_revocations_fresh().await });
    let mut each = series("one core", "µs");
    for _ in 0..TURNS {
        let (began, mut count) = (Instant::now(), 0_u32);
        for token in tokens.lines() {
            world.app.authenticate(token).await?;
            count += 1;
        }
        each.turns.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(count));
    }
    fresh.abort();
    report.figure("authentication", each, Goal::AtMost(20.0));
    Ok(())
}

/// Logins, against Argon2id alone on every core.
pub(crate) async fn login(world: &World, report: &mut Report) -> Fallible<()> {
    let (mut alone, mut logins) = (series("Argon2id", "1/s"), series("logins", "1/s"));
    for _ in 0..TURNS {
        alone.turns.push(hashes(world, Duration::from_secs(TURN_SECONDS.into())).await?);
        logins.turns.push(load("login", cores()? * 2).with(&world.login).run(world).await?.per_second());
    }
    report.ratio("login", alone, logins, Goal::AtLeast(0.95));
    Ok(())
}

/// What another route feels while many log in.
pub(crate) async fn login_flood(world: &World, report: &mut Report) -> Fallible<()> {
    let (mut quiet, mut flooded) = (series("quiet p99", "µs"), series("p99 in a login flood", "µs"));
    let reader = Load { pause_ms: Some(REST_MS), ..load("plans", 8) };
    let flood = Load { seconds: TURN_SECONDS + 2, ..load("login", cores()? * 16).with(&world.login) };
    for _ in 0..TURNS {
        quiet.turns.push(reader.run(world).await?.p99_us);
        let during = async {
            sleep(Duration::from_secs(1)).await;
            reader.run(world).await
        };
        let (_, answered) = tokio::try_join!(flood.run_into_refusals(world), during)?;
        flooded.turns.push(answered.p99_us);
    }
    report.ratio("GET plans in a login flood", quiet, flooded, Goal::AtMost(2.0));
    Ok(())
}

fn load(kind: &str, connections: u32) -> Load<'_> {
    Load { kind, file: None, first: 0, connections, seconds: TURN_SECONDS, pause_ms: None }
}

fn cores() -> Fallible<u32> {
    Ok(u32::try_from(available_parallelism()?.get())?)
}

/// How many passwords all cores verify in a second, and nothing else.
async fn hashes(world: &World, time: Duration) -> Fallible<f64> {
    let password = SecretString::from(std::fs::read_to_string(&world.login)?.trim_end());
    let hasher = Arc::new(Hasher::new(PasswordParams::default(), &SystemRandom)?);
    let began = Instant::now();
    let workers = (0..cores()?).map(|_| {
        let (password, hash, hasher) = (password.clone(), world.password_hash.clone(), Arc::clone(&hasher));
        tokio::task::spawn_blocking(move || {
            let mut count = 0_u32;
            while began.elapsed() < time {
                count += u32::from(hasher.verify(&password, &hash)?.ok);
            }
            Fallible::Ok(count)
        })
    });
    let mut count = 0;
    for worker in workers.collect::<Vec<_>>() {
        count += worker.await??;
    }
    Ok(f64::from(count) / began.elapsed().as_secs_f64())
}
