//! Inputs made of genuine ones by chance, the same for the same seed.

/// What readers stumble over.
const WORDS: [&[u8]; 22] = [
    b"null", b"{}", b"[]", b"\"\"", b"true", b"-1", b"0", b"1e309", b"9223372036854775808", b"-9223372036854775809",
    b"\\u0000", b"\\ud800", b"\xff\xfe", b"\0", b"\r\n", b"%00", b"%ff", b"::ffff:10.0.0.1", b"1970-01-01T00:00:00Z",
    b"+275760-09-13T00:00:00Z", b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", b"=====",
];

/// Inputs do not grow beyond this.
const LONGEST: usize = 8_192;

/// Makes inputs.
pub struct Mutator(u64);

impl Mutator {
    /// The same seed makes the same inputs.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % (bound.max(1) as u64)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// One of the corpus, changed in one to eight places.
    pub fn made_of(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(8) {
            self.change(&mut input, corpus);
        }
        input.truncate(LONGEST);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(input.len() + 1);
        let until = at + self.below((input.len() - at).min(64) + 1);
        match self.below(9) {
            0 if at < input.len() => input[at] ^= 1 << self.below(8),
            1 if at < input.len() => input[at] = self.byte(),
            2 => input.insert(at, self.byte()),
            3 => drop(input.drain(at..until)),
            4 => input.truncate(at),
            5 => drop(input.splice(at..at, input[at..until].to_vec())),
            6 => {
                let word = WORDS[self.below(WORDS.len())];
                drop(input.splice(at..until, word.iter().copied()));
            }
            7 => {
                let other = &corpus[self.below(corpus.len())];
                let from = self.below(other.len() + 1);
                drop(input.splice(at..until, other[from..].iter().copied()));
            }
            _ => {
                let noise: Vec<u8> = (0..self.below(16)).map(|_| self.byte()).collect();
                drop(input.splice(at..at, noise));
            }
        }
    }
}
