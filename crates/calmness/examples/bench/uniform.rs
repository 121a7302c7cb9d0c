//! Whether the time of an answer tells if an address is known (SEC-4).
//!
//! Known and unknown addresses take turns on one connection, each pair in an order that chance decides, each address
//! once. The result is the area under the curve of a guesser who says "known" from some latency on: 0.5 is a coin. With
//! 1,000 of each chance alone moves it by 0.013.

use std::time::{Duration, Instant};

use crypto::random::{SystemRandom, bytes};
use reqwest::Client;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::Fallible;
use crate::report::{Goal, Report, Series};
use crate::world::World;

/// Neither side of a pair counts before so many have gone by.
const WARM_UP: u32 = 50;
const TIME_LIMIT: Duration = Duration::from_secs(20);
/// What a guesser may reach at most, either way round.
const GOAL: Goal = Goal::Within(0.45, 0.55);

/// One route, asked about addresses of both kinds.
struct Route {
    work: &'static str,
    path: &'static str,
    /// The first of the users who are asked about: none is asked about twice.
    first: u32,
    known: fn(u32) -> String,
    body: fn(&str, &str) -> Value,
}

const ROUTES: [Route; 5] = [
    Route {
        work: "uniform login",
        path: "/api/auth/login",
        first: 0,
        known: user,
        body: |email, password| json!({ "email": email, "password": password }),
    },
    Route {
        work: "uniform register",
        path: "/api/auth/register",
        first: 10_000,
        known: user,
        body: |email, password| json!({ "email": email, "password": password }),
    },
    Route {
        work: "uniform forgot",
        path: "/api/auth/password/forgot",
        first: 20_000,
        known: user,
        body: |email, _| json!({ "email": email }),
    },
    Route {
        work: "uniform resend, a user",
        path: "/api/auth/email/resend",
        first: 30_000,
        known: user,
        body: |email, _| json!({ "email": email }),
    },
    Route {
        work: "uniform resend, a link waits",
        path: "/api/auth/email/resend",
        // Those who signed up above.
        first: 10_000,
        known: unknown,
        body: |email, _| json!({ "email": email }),
    },
];

fn user(number: u32) -> String {
    format!("user-{number}@bench.example")
}

/// As long as the address of a user.
fn unknown(number: u32) -> String {
    format!("none-{number}@bench.example")
}

fn nobody(number: u32) -> String {
    format!("void-{number}@bench.example")
}

/// Asks about `pairs` addresses of each kind on each route.
pub(crate) async fn uniform(world: &World, report: &mut Report) -> Fallible<()> {
    let http = client()?;
    for route in &ROUTES {
        let (known, other) = route.ask(world, &http).await?;
        let series =
            Series { name: "known told from unknown", unit: "AUC", turns: vec![auc(&known, &other)] };
        report.figure(route.work, series, GOAL);
    }
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "the bench's own client, which shares nothing with the product's"
)]
fn client() -> Fallible<Client> {
    Ok(Client::builder().no_proxy().pool_max_idle_per_host(1).timeout(TIME_LIMIT).build()?)
}

impl Route {
    /// The latencies of both kinds, in seconds.
    async fn ask(&self, world: &World, http: &Client) -> Fallible<(Vec<f64>, Vec<f64>)> {
        let (mut known, mut other) = (Vec::new(), Vec::new());
        let mut said = None;
        for pair in 0..WARM_UP + world.arguments.pairs {
            let number = self.first + pair;
            // The one who is unknown here may be known to the next route.
            let stranger =
                if (self.known)(number) == unknown(number) { nobody(number) } else { unknown(number) };
            let mut turns = [((self.known)(number), &mut known), (stranger, &mut other)];
            if bytes::<1>(&SystemRandom)[0] & 1 == 1 {
                turns.reverse();
            }
            for (email, latencies) in turns {
                let (seconds, answer) = self.once(world, http, &email).await?;
                if *said.get_or_insert_with(|| answer.clone()) != answer {
                    return Err(format!("{}: {answer} tells more than {said:?}", self.work).into());
                }
                if pair >= WARM_UP {
                    latencies.push(seconds);
                }
            }
        }
        Ok((known, other))
    }

    /// How long one answer takes, and what it says but for its number.
    async fn once(&self, world: &World, http: &Client, email: &str) -> Fallible<(f64, String)> {
        // Each comes from an address of its own: limits of addresses are not what is measured.
        let [a, b, c] = bytes::<3>(&SystemRandom);
        let password = world.wrong_password.expose_secret();
        let request = http
            .post(format!("http://127.0.0.1:{}{}", world.port, self.path))
            .header("X-Forwarded-For", format!("10.{a}.{b}.{c}"))
            .json(&(self.body)(email, password))
            .build()?;
        let began = Instant::now();
        let answer = http.execute(request).await?;
        let status = answer.status();
        let body = answer.bytes().await?;
        let seconds = began.elapsed().as_secs_f64();
        let mut body: Value = serde_json::from_slice(&body).unwrap_or_default();
        if let Some(members) = body.as_object_mut() {
            members.remove("request_id");
        }
        Ok((seconds, format!("{status} {body}")))
    }
}

/// How often one of these took longer than one of those, a tie being half: what Mann and Whitney count.
fn auc(known: &[f64], unknown: &[f64]) -> f64 {
    let mut wins = 0.0;
    for this in known {
        for that in unknown {
            wins += match this.total_cmp(that) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    wins / count(known) / count(unknown)
}

fn count(latencies: &[f64]) -> f64 {
    u32::try_from(latencies.len()).map_or(f64::NAN, f64::from)
}
