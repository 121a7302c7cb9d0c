//! A password without what it says again. Saying something twice makes it hardly any harder to guess, and cut
//! out of a long repetition a part could look like something new.

use zeroize::Zeroizing;

/// Longer blocks are not looked for.
const LONGEST_BLOCK: usize = 64;

/// Shorter blocks stay twice: `ss` is not `s`.
const SHORTEST_DROPPED: usize = 3;

/// The text with each block that follows itself written once, or twice if it is very short:
/// `passwordpassword1` becomes `password1`, `aaaaaaa` becomes `aa`.
pub(super) fn without_repeats(text: &str) -> Zeroizing<String> {
    let characters: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    let mut kept = Zeroizing::new(String::with_capacity(text.len()));
    let mut rest = characters.as_slice();
    while let Some(first) = rest.first() {
        let Some((block, times)) = repeated_block(rest) else {
            kept.push(*first);
            rest = &rest[1..];
            continue;
        };
        let copies = if block < SHORTEST_DROPPED { 2 } else { 1 };
        kept.extend(&rest[..block * copies]);
        rest = &rest[block * times..];
    }
    kept
}

/// The length of the shortest block that the text begins with at least twice, and how many times.
fn repeated_block(text: &[char]) -> Option<(usize, usize)> {
    let longest = LONGEST_BLOCK.min(text.len() / 2);
    let block = (1..=longest).find(|block| text[..*block] == text[*block..2 * block])?;
    let times = text.chunks(block).take_while(|chunk| *chunk == &text[..block]).count();
    Some((block, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_again_is_left_out() {
        for (text, kept) in [
            ("", ""),
            ("password", "password"),
            ("passwordpassword1", "password1"),
            ("xpasswordpasswordpassword", "xpassword"),
            ("aaaaaaa", "aa"),
            ("ababababc", "ababc"),
            ("éèàéèàéèà", "éèà"),
            ("a🦀b🦀a🦀b🦀", "a🦀b🦀"),
        ] {
            assert_eq!(without_repeats(text).as_str(), kept);
        }
    }
}
