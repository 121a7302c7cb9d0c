//! How long failed work waits: longer each time up to a limit, and never all at the same instant.

use crypto::random::Random;
use domain::time::Duration;

/// A growing delay. Work is never given up: it goes on at the longest interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    /// The first delay.
    pub first: Duration,
    /// The longest.
    pub longest: Duration,
}

impl Backoff {
    /// The delay after so many attempts, up to a fifth shorter so that failures of one moment spread out.
    pub(crate) fn after(self, attempts: i32, random: &dyn Random) -> Duration {
        let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
        let delay = self.first.saturating_mul(1 << doublings).min(self.longest);
        let [byte] = crypto::random::bytes::<1>(random);
        delay - delay * i32::from(byte) / (5 * 256)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::random::SeededRandom;

    #[test]
    fn the_delay_doubles_up_to_its_limit_and_spreads_by_a_fifth() {
        let backoff = Backoff { first: Duration::seconds(5), longest: Duration::seconds(600) };
        let random = SeededRandom::new(1);
        for (attempts, full) in [(0, 5), (1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (i32::MAX, 600)] {
            for _ in 0..50 {
                let delay = backoff.after(attempts, &random);
                let full = Duration::seconds(full);
                assert!(delay <= full && delay >= full * 4 / 5, "{attempts}: {delay}");
            }
        }
    }
}
