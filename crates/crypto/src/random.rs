//! Where random bytes come from, as an argument: production takes the system's, a test takes a sequence that
//! it can repeat.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::digest::{Context, SHA256};

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills the whole slice.
    fn fill(&self, bytes: &mut [u8]);
}

/// Draws `N` bytes: `let salt: [u8; 16] = random::bytes(&source)`.
pub fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut drawn = [0; N];
    random.fill(&mut drawn);
    drawn
}

/// The cryptographic generator of aws-lc, seeded by the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        aws_lc_rs::rand::fill(bytes)
            .expect("aws-lc stops the process itself when the system has no randomness to give");
    }
}

/// **For tests only**: SHA-256 over a seed and a counter, so the same seed gives the same bytes in the same
/// order. Whoever knows the seed knows every key, nonce and token drawn from it.
#[derive(Debug)]
pub struct SeededRandom {
    seed: u64,
    blocks_drawn: AtomicU64,
}

impl SeededRandom {
    /// A sequence that the seed alone decides.
    pub fn new(seed: u64) -> Self {
        Self { seed, blocks_drawn: AtomicU64::new(0) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(SHA256.output_len()) {
            let block = self.blocks_drawn.fetch_add(1, Ordering::Relaxed);
            let mut context = Context::new(&SHA256);
            context.update(&self.seed.to_be_bytes());
            context.update(&block.to_be_bytes());
            let digest = context.finish();
            chunk.copy_from_slice(&digest.as_ref()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_repeats_the_same_bytes() {
        let (one, same, other) = (SeededRandom::new(7), SeededRandom::new(7), SeededRandom::new(8));
        let first: [u8; 45] = bytes(&one);
        assert_eq!(first, bytes::<45>(&same));
        assert_ne!(first, bytes::<45>(&other));
        assert_ne!(first, bytes::<45>(&one), "a second draw goes on in the sequence");
    }

    #[test]
    fn the_system_never_gives_the_same_thirty_two_bytes_twice() {
        let drawn: std::collections::HashSet<[u8; 32]> = (0..1_000).map(|_| bytes(&SystemRandom)).collect();
        assert_eq!(drawn.len(), 1_000);
    }
}
