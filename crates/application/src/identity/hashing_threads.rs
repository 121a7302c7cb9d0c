//! Threads that only hash passwords, and give way to all others.
//!
//! A flood of logins keeps every one of them busy. Were they like the others, each request of another route would wait
//! for its turn among them; the operating system lets these run where nobody else wants to (SEC-5).

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// How far they step back: under load each gets about a tenth of what another thread gets (`nice`, sched(7)).
const NICENESS: i32 = 10;

/// Nobody can step back further.
#[cfg(target_os = "linux")]
const LEAST: i32 = 19;

type Job = Box<dyn FnOnce() + Send>;

/// So many threads, which end with this value.
pub(super) struct HashingThreads(Sender<Job>);

impl HashingThreads {
    pub(super) fn start(count: usize) -> Self {
        let (sender, jobs) = channel::<Job>();
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..count.max(1) {
            let jobs = Arc::clone(&jobs);
            let thread = std::thread::Builder::new().name("hashing".to_owned());
            if let Err(error) = thread.spawn(move || work(&jobs)) {
                tracing::error!(%error, "a thread for hashing passwords could not be started");
            }
        }
        Self(sender)
    }

    /// Runs one job and brings its outcome; none where the job panicked or no thread is left.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (tell, outcome) = oneshot::channel();
        // Who asked may have gone away; the work is done all the same, so that a client's leaving frees nothing early.
        let job = move || drop(tell.send(work()));
        self.0.send(Box::new(job)).ok()?;
        outcome.await.ok()
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    step_back();
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // A panic ends the job, which its sender hears of, and not the thread.
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(job)).is_err() {
            tracing::error!("hashing a password panicked");
        }
    }
}

/// On Linux, niceness is a thread's own; elsewhere it would be the whole process's.
#[cfg(target_os = "linux")]
fn step_back() {
    let stepped = rustix::process::getpriority_process(None)
        .and_then(|own| rustix::process::setpriority_process(None, (own + NICENESS).min(LEAST)));
    if let Err(error) = stepped {
        tracing::warn!(%error, "threads that hash passwords keep the priority of all others");
    }
}

#[cfg(not(target_os = "linux"))]
fn step_back() {
    tracing::debug!(niceness = NICENESS, "threads that hash passwords keep the priority of all others");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_is_told_and_the_next_one_runs() {
        let threads = HashingThreads::start(1);
        assert_eq!(threads.run(|| panic!("on purpose")).await, None::<()>);
        assert_eq!(threads.run(|| 7).await, Some(7));
    }

    #[tokio::test]
    #[cfg(target_os = "linux")]
    async fn sec_5_hashing_gives_way_to_the_rest_of_the_process() {
        let threads = HashingThreads::start(1);
        let own = || rustix::process::getpriority_process(None).expect("Linux tells a thread's niceness");
        assert_eq!(threads.run(own).await, Some((own() + NICENESS).min(LEAST)));
    }
}
