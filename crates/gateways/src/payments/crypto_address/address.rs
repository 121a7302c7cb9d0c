//! Whether an address can be paid to: what a wrong character would send to nobody is refused at the start.
//!
//! Bitcoin: base58check (P2PKH, P2SH) and segregated witness (BIP-173, BIP-350). Tron: base58check. Ethereum: hex with the checksum of
//! EIP-55, which must be there, because without it a typing error can't be seen.

use crypto::fingerprint::sha256;
use domain::payment::Mode;
use sha3::{Digest, Keccak256};

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const BECH32_CHECKSUM: u32 = 1;
const BECH32M_CHECKSUM: u32 = 0x2bc8_30a3;

/// The longest address of any kind that is looked at, in bytes (BIP-173).
const MAX_LENGTH: usize = 90;

/// A version byte, a hash and a checksum.
const VERSIONED_HASH: usize = 25;

/// The version byte of Tron's main and test networks.
const TRON: u8 = 0x41;

/// A Bitcoin address of the network that `mode` means: the main one, or any test network.
pub(super) fn bitcoin(text: &str, mode: Mode) -> bool {
    let (versions, prefixes): (_, &[&str]) = match mode {
        Mode::Live => ([0x00, 0x05], &["bc"]),
        Mode::Test => ([0x6f, 0xc4], &["tb", "bcrt"]),
    };
    let legacy = base58check(text).is_some_and(|payload| versions.contains(&payload[0]));
    // Anybody can take what is sent to a version without rules yet, or to a taproot program of another length.
    let witness = witness_program(text).is_some_and(|(prefix, version, program)| {
        let spendable = version == 0 || (version == 1 && program.len() == 32);
        spendable && prefixes.contains(&prefix.as_str())
    });
    legacy || witness
}

/// A Tron address.
pub(super) fn tron(text: &str) -> bool {
    base58check(text).is_some_and(|payload| payload[0] == TRON)
}

/// An Ethereum address with its checksum (EIP-55).
pub(super) fn ethereum(text: &str) -> bool {
    let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.len() == 40) else { return false };
    let hash = Keccak256::digest(digits.to_ascii_lowercase().as_bytes());
    digits.bytes().enumerate().all(|(index, digit)| {
        let byte = hash[index / 2];
        let nibble = if index % 2 == 0 { byte >> 4 } else { byte & 15 };
        match digit {
            b'0'..=b'9' => true,
            b'A'..=b'F' => nibble >= 8,
            b'a'..=b'f' => nibble < 8,
            _ => false,
        }
    })
}

/// The version byte and the hash, if the checksum fits.
fn base58check(text: &str) -> Option<[u8; 21]> {
    let bytes: [u8; VERSIONED_HASH] = base58(text)?.try_into().ok()?;
    let (payload, checksum) = bytes.split_at(21);
    (sha256(&sha256(payload))[..4] == *checksum).then(|| payload.try_into().ok()).flatten()
}

fn base58(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    let mut little_endian: Vec<u8> = Vec::new();
    for character in text.bytes() {
        let digit = BASE58.iter().position(|known| *known == character)?;
        let mut carry = u32::try_from(digit).ok()?;
        for byte in &mut little_endian {
            let [low, rest @ ..] = (u32::from(*byte) * 58 + carry).to_le_bytes();
            *byte = low;
            carry = u32::from(rest[0]);
        }
        if carry > 0 {
            little_endian.push(u8::try_from(carry).ok()?);
        }
    }
    // Each leading 1 is a byte of zeros.
    little_endian.extend(text.bytes().take_while(|character| *character == b'1').map(|_| 0));
    little_endian.reverse();
    Some(little_endian)
}

/// The prefix in lower case, the version and the program of a segregated witness address (BIP-173, BIP-350).
fn witness_program(text: &str) -> Option<(String, u8, Vec<u8>)> {
    let (prefix, values, checksum) = bech32(text)?;
    let (version, packed) = values.split_first()?;
    let awaited = if *version == 0 { BECH32_CHECKSUM } else { BECH32M_CHECKSUM };
    let program = repacked(packed)?;
    let fits = match version {
        0 => matches!(program.len(), 20 | 32),
        1..=16 => (2..=40).contains(&program.len()),
        _ => false,
    };
    (checksum == awaited && fits).then_some((prefix, *version, program))
}

/// The prefix, the values before the checksum, and which checksum it is.
fn bech32(text: &str) -> Option<(String, Vec<u8>, u32)> {
    let mixed = text.bytes().any(|c| c.is_ascii_lowercase()) && text.bytes().any(|c| c.is_ascii_uppercase());
    if text.len() > MAX_LENGTH || mixed || !text.bytes().all(|c| c.is_ascii_graphic()) {
        return None;
    }
    let text = text.to_ascii_lowercase();
    let (prefix, data) =
        text.rsplit_once('1').filter(|(prefix, data)| !prefix.is_empty() && data.len() >= 6)?;
    let value =
        |c: u8| BECH32.iter().position(|known| *known == c).and_then(|index| u8::try_from(index).ok());
    let mut values = data.bytes().map(value).collect::<Option<Vec<u8>>>()?;
    let expanded = prefix.bytes().map(|c| c >> 5).chain([0]).chain(prefix.bytes().map(|c| c & 31));
    let checksum = polymod(expanded.chain(values.iter().copied()));
    values.truncate(values.len() - 6);
    Some((prefix.to_owned(), values, checksum))
}

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.fold(1, |sum, value| {
        let shifted = ((sum & 0x01ff_ffff) << 5) ^ u32::from(value);
        let top = sum >> 25;
        GENERATOR.iter().enumerate().fold(
            shifted,
            |sum, (bit, generator)| {
                if top >> bit & 1 == 1 { sum ^ generator } else { sum }
            },
        )
    })
}

/// Groups of five bits as bytes; what is left over must be less than a group and zero.
fn repacked(values: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(values.len());
    let (mut held, mut bits) = (0_u32, 0);
    for value in values {
        held = held << 5 | u32::from(*value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xff).ok()?);
            held &= (1 << bits) - 1;
        }
    }
    (bits < 5 && held == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    /// As an output script spends it: the version, the length and the program.
    fn script(text: &str) -> Option<String> {
        let (_, version, program) = witness_program(text)?;
        let opcode = if version == 0 { 0 } else { version + 0x50 };
        Some(format!("{opcode:02x}{:02x}{}", program.len(), hex(&program)))
    }

    #[test]
    fn the_valid_addresses_of_bip_350_mean_their_scripts() {
        for (text, expected) in [
            ("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
            (
                "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7",
                "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262",
            ),
            (
                "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
                "5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6",
            ),
            ("BC1SW50QGDZ25J", "6002751e"),
            ("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "5210751e76e8199196d454941c45d1b3a323"),
            (
                "tb1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesrxh6hy",
                "0020000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
            ),
            (
                "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c",
                "5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433",
            ),
            (
                "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
                "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
            ),
        ] {
            assert_eq!(script(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn the_invalid_addresses_of_bip_350_are_refused() {
        for text in [
            "tc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq5zuyut",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd",
            "tb1z0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqglt7rf",
            "BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            "tb1q0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq24jc47",
            "bc1p38j9r5y49hruaue7wxjce0updqjuyyx0kh56v8s25huc6995vvpql3jow4",
            "BC130XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ7ZWS8R",
            "bc1pw5dgrnzv",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav",
            "BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P",
            "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vq47Zagq",
            "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf",
            "tb1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vpggkg4j",
            "bc1gmk9yu",
        ] {
            assert!(!bitcoin(text, Mode::Live) && !bitcoin(text, Mode::Test), "{text}");
        }
    }

    #[test]
    fn what_anybody_could_spend_is_no_receiving_address() {
        for text in [
            "BC1SW50QGDZ25J",
            "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs",
            "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y",
        ] {
            assert!(script(text).is_some() && !bitcoin(text, Mode::Live), "{text}");
        }
    }

    #[test]
    fn an_address_belongs_to_one_kind_of_network() {
        // The genesis block's, an example of BIP-16's wiki page, of BIP-173, and Bitcoin Core's test data (key_io_valid.json).
        for live in [
            "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
            "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy",
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        ] {
            assert!(bitcoin(live, Mode::Live) && !bitcoin(live, Mode::Test), "{live}");
        }
        for test in ["mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx"] {
            assert!(bitcoin(test, Mode::Test) && !bitcoin(test, Mode::Live), "{test}");
        }
        assert!(!bitcoin("TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", Mode::Live));
        assert!(!tron("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"));
    }

    #[test]
    fn base58_decodes_bitcoin_cores_own_vectors() {
        // bitcoin/bitcoin, src/test/data/base58_encode_decode.json.
        for (bytes, text) in [
            ("61", "2g"),
            ("626262", "a3gV"),
            ("636363", "aPEr"),
            ("73696d706c792061206c6f6e6720737472696e67", "2cFupjhnEsSn59qHXstmK2ffpLv2"),
            ("00eb15231dfceb60925886b67d065299925915aeb172c06647", "1NS17iag9jJgTHD1VXjvLCEnZuQ3rJDE9L"),
            ("516b6fcd0f", "ABnLTmg"),
            ("10c8511e", "Rt5zm"),
            ("00000000000000000000", "1111111111"),
        ] {
            assert_eq!(base58(text).map(|decoded| hex(&decoded)).as_deref(), Some(bytes));
        }
        for broken in ["", "0", "O", "I", "l", "é", " 2g"] {
            assert_eq!(base58(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_tron_address_is_known_by_its_version_and_checksum() {
        // Tether's own contract on Tron.
        let right = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t";
        assert!(tron(right));
        for wrong in ["TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6T", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6", "", "T"] {
            assert!(!tron(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_addresses_of_eip_55_are_taken_with_their_checksum_only() {
        for text in [
            "0x52908400098527886E0F7030069857D2E4169EE7",
            "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
            "0xde709f2102306220921060314715629080e2fb77",
            "0x27b1fdb04752bbc536007a920d24acb045561c26",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
            "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
            "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
        ] {
            assert!(ethereum(text), "{text}");
        }
        for text in [
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
            "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Begd",
            "",
        ] {
            assert!(!ethereum(text), "{text}");
        }
    }
}
