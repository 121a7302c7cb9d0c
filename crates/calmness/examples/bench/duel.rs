//! A hot path against its floor: after one try at each number of connections both take short turns, so that whatever
//! else happens on the machine happens to both.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;

use crate::floor::{self, Floor, Turn};
use crate::load::Load;
use crate::report::{Goal, Report, Series, note};
use crate::server::Server;
use crate::world::{USERS, World};
use crate::{Fallible, processor};

/// Numbers of connections that are tried; each side keeps its best.
const FLOOR_CONNECTIONS: [u32; 4] = [4, 8, 16, 32];
const OUR_CONNECTIONS: [u32; 3] = [16, 32, 64];
/// The fewest numbers that a turn may find unused.
const ENOUGH: u32 = 25_000;

/// What is fought about.
pub(crate) struct Duel {
    pub(crate) work: &'static str,
    pub(crate) floor: Floor,
    /// The kind of request.
    pub(crate) kind: &'static str,
    pub(crate) goal: f64,
}

/// One side's turns.
struct Side {
    connections: u32,
    rate: Series,
    /// Processor time for each piece of work: the database's and the caller's or the server's.
    cost: Series,
    /// Without the database's.
    own_cost: Series,
}

struct Done {
    count: u32,
    rate: f64,
    /// The processor time of the side itself; the database's is added.
    seconds: f64,
}

impl Side {
    fn new(name: &'static str) -> Self {
        let series = |unit| Series { name, unit, turns: Vec::new() };
        Self { connections: 0, rate: series("1/s"), cost: series("µs"), own_cost: series("µs") }
    }
}

/// A duel that goes on.
struct Fight<'a> {
    duel: &'a Duel,
    world: &'a World,
    server: &'a Server,
    script: PathBuf,
    data: PathBuf,
    /// The first user of whom nothing was asked yet.
    next: u32,
}

impl Duel {
    pub(crate) async fn fight(&self, world: &World, server: &Server, report: &mut Report) -> Fallible<()> {
        let script = floor::write(world, self.floor)?;
        let data = world.prepare(self.floor).await?;
        let mut fight = Fight { duel: self, world, server, script, data, next: 0 };
        let (mut floor, mut ours) = (Side::new("pgbench"), Side::new("HTTP"));
        let mut best = 0.0;
        for connections in FLOOR_CONNECTIONS {
            let done = fight.floor_turn(connections).await?;
            note(&format!("{}: the floor with {connections} connections: {:.0}/s", self.work, done.rate));
            (best, floor.connections) =
                if done.rate > best { (done.rate, connections) } else { (best, floor.connections) };
        }
        best = 0.0;
        for connections in OUR_CONNECTIONS {
            let done = fight.our_turn(connections).await?;
            note(&format!("{}: the product with {connections} clients: {:.0}/s", self.work, done.rate));
            (best, ours.connections) =
                if done.rate > best { (done.rate, connections) } else { (best, ours.connections) };
        }
        for _ in 0..world.arguments.rounds {
            for (side, theirs) in [(&mut floor, true), (&mut ours, false)] {
                let before = world.database_seconds()?;
                let done = if theirs {
                    fight.floor_turn(side.connections).await?
                } else {
                    fight.our_turn(side.connections).await?
                };
                let seconds = done.seconds + world.database_seconds()? - before;
                side.rate.turns.push(done.rate);
                side.cost.turns.push(seconds * 1e6 / f64::from(done.count));
                side.own_cost.turns.push(done.seconds * 1e6 / f64::from(done.count));
            }
        }
        report.ratio(self.work, floor.rate, ours.rate, Goal::AtLeast(self.goal));
        report.ratio("  its processor time", floor.cost, ours.cost, Goal::None);
        report.figure("  of it without the database", ours.own_cost, Goal::None);
        Ok(())
    }
}

impl Fight<'_> {
    async fn floor_turn(&mut self, connections: u32) -> Fallible<Done> {
        let before = self.begin().await?;
        let began = processor::of_ended_children()?;
        let turn = Turn {
            script: &self.script,
            first: self.next,
            connections,
            seconds: self.world.arguments.seconds,
        };
        let done = turn.run(self.world).await?;
        let seconds = processor::of_ended_children()? - began;
        self.end(before, done.transactions, 0).await?;
        Ok(Done { count: done.transactions, rate: done.per_second, seconds })
    }

    async fn our_turn(&mut self, connections: u32) -> Fallible<Done> {
        let before = self.begin().await?;
        let began = self.server.seconds()?;
        let load = Load {
            kind: self.duel.kind,
            file: Some(&self.data),
            first: self.next,
            connections,
            seconds: self.world.arguments.seconds,
            pause_ms: None,
        };
        let answered = load.run(self.world).await?;
        // What was on its way when the time was over may still be written.
        sleep(Duration::from_millis(300)).await;
        let seconds = self.server.seconds()? - began;
        self.end(before, answered.requests, connections).await?;
        Ok(Done { count: answered.requests, rate: answered.per_second(), seconds })
    }

    /// How much work had been done before; begins anew when the users run out.
    async fn begin(&mut self) -> Fallible<u32> {
        if self.next + ENOUGH > USERS {
            self.data = self.world.prepare(self.duel.floor).await?;
            self.next = 0;
        }
        Ok(self.world.done(self.duel.floor).await?.count)
    }

    /// Everything that was counted was done; at most so much more, which was answered too late to be counted.
    async fn end(&mut self, before: u32, counted: u32, late: u32) -> Fallible<()> {
        if self.duel.floor == Floor::Subscription {
            return Ok(());
        }
        let done = self.world.done(self.duel.floor).await?;
        self.next = done.next;
        let rows = done.count - before;
        if (counted..=counted + late).contains(&rows) {
            return Ok(());
        }
        Err(format!("{}: {counted} were counted, but {rows} are in the database", self.duel.work).into())
    }
}
