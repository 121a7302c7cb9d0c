//! The vectors of RFC 6238, the window of steps, what people type, and a QR code read back.

use aws_lc_rs::hmac::{HMAC_SHA256, HMAC_SHA512};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::random::SeededRandom;

const NOW: i64 = 1_700_000_010;

fn secret() -> TotpSecret {
    TotpSecret::from_bytes(b"12345678901234567890").expect("20 bytes")
}

/// RFC 6238, Appendix B.
#[test]
fn sec_8_all_vectors_of_rfc_6238_agree() {
    let seed = b"1234567890".repeat(7);
    let table: [(i64, [u32; 3]); 6] = [
        (59, [94_287_082, 46_119_246, 90_693_936]),
        (1_111_111_109, [7_081_804, 68_084_774, 25_091_201]),
        (1_111_111_111, [14_050_471, 67_062_674, 99_943_326]),
        (1_234_567_890, [89_005_924, 91_819_424, 93_441_116]),
        (2_000_000_000, [69_279_037, 90_698_825, 38_618_901]),
        (20_000_000_000, [65_353_130, 77_737_706, 47_863_826]),
    ];
    let algorithms = [(HMAC_SHA1_FOR_LEGACY_USE_ONLY, 20), (HMAC_SHA256, 32), (HMAC_SHA512, 64)];
    for (at, expected) in table {
        let counter = u64::try_from(step(at)).expect("after 1970");
        let codes =
            algorithms.map(|(algorithm, length)| hotp(algorithm, &seed[..length], counter) % 100_000_000);
        assert_eq!(codes, expected, "{at}");
        let shown = secret().code_at(step(at));
        assert_eq!(shown, format!("{:06}", expected[0] % 1_000_000), "{at}");
        assert_eq!(secret().matching_step(&shown, at), Some(step(at)));
    }
}

#[test]
fn sec_9_a_code_tells_the_step_that_it_uses_up() {
    let now = step(NOW);
    assert_eq!(secret().matching_step(&secret().code_at(now), NOW), Some(now));
    assert_eq!(secret().matching_step(&secret().code_at(now - 1), NOW), Some(now - 1));
    assert_eq!((step(0), step(29), step(30), step(-1)), (0, 0, 1, -1));
}

/// A code that two neighbouring steps share uses up the later one.
#[test]
fn sec_9_a_code_of_two_steps_uses_up_the_later_one() {
    let shared = (1..20_000_000).find(|step| secret().code_at(*step) == secret().code_at(step - 1));
    let later = shared.expect("one step in a million shares its code");
    assert_eq!(secret().matching_step(&secret().code_at(later), later * STEP_SECONDS), Some(later));
}

#[test]
fn sec_10_the_current_and_the_previous_step_are_accepted_and_never_the_next() {
    let now = step(NOW);
    for (offset, accepted) in [(-3, false), (-2, false), (-1, true), (0, true), (1, false), (2, false)] {
        let code = secret().code_at(now + offset);
        let expected = accepted.then_some(now + offset);
        for at in [now * STEP_SECONDS, NOW, now * STEP_SECONDS + 29] {
            assert_eq!(secret().matching_step(&code, at), expected, "{offset} at {at}");
        }
    }
    for before_1970 in [-1, -30, i64::MIN] {
        let code = secret().code_at(step(before_1970));
        assert_eq!(secret().matching_step(&code, before_1970), None);
    }
}

#[test]
fn six_digits_are_read_as_people_type_them_and_nothing_else_is() {
    let (code, now) = (secret().code_at(step(NOW)), step(NOW));
    let (left, right) = code.split_at(3);
    for typed in
        [code.clone(), format!(" {code}\n"), format!("{left} {right}"), format!("{left}\u{a0}{right} ")]
    {
        assert_eq!(secret().matching_step(&typed, NOW), Some(now), "{typed:?}");
    }
    let arabic: String = code
        .bytes()
        .map(|digit| char::from_u32(0x0660 + u32::from(digit - b'0')).expect("a digit"))
        .collect();
    for wrong in [
        String::new(),
        " ".to_owned(),
        code[..5].to_owned(),
        format!("0{code}"),
        format!("{code}0"),
        format!("+{}", &code[1..]),
        format!("{left}  {right}"),
        format!("{left}-{right}"),
        format!("{} {} {}", &code[..2], &code[2..4], &code[4..]),
        arabic,
        format!("{code}{}", " ".repeat(64)),
        format!("{code}\0"),
    ] {
        assert_eq!(secret().matching_step(&wrong, NOW), None, "{wrong:?}");
    }
}

#[test]
fn a_secret_has_twenty_bytes_and_reads_back() {
    let drawn = TotpSecret::random(&SeededRandom::new(1));
    let read = TotpSecret::from_bytes(drawn.expose()).expect("20 bytes");
    assert_eq!(read.code_at(7), drawn.code_at(7));
    assert_ne!(drawn.expose(), TotpSecret::random(&SeededRandom::new(2)).expose());
    for length in [0, 19, 21, 32] {
        assert!(TotpSecret::from_bytes(&vec![7; length]).is_none());
    }
    assert_eq!(secret().base32().expose_secret(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
}

#[test]
fn the_address_for_apps_is_encoded_throughout() {
    let written = secret().otpauth("Café & Co: Signals/?#%", "jean+x@example.com");
    assert_eq!(
        written.expose_secret(),
        "otpauth://totp/Caf%C3%A9%20%26%20Co%20%20Signals%2F%3F%23%25:jean%2Bx%40example.com\
         ?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
         &issuer=Caf%C3%A9%20%26%20Co%20%20Signals%2F%3F%23%25&algorithm=SHA1&digits=6&period=30"
    );
}

/// Draws the strokes of the image again, a pixel a module.
fn modules(svg: &str) -> (usize, Vec<bool>) {
    let attribute = |name: &str| {
        let (_, rest) = svg.split_once(&format!(" {name}=\"")).expect("the attribute");
        rest.split_once('"').expect("its end").0
    };
    let number = |text: &str| text.parse::<usize>().expect("a number");
    let side = number(attribute("viewBox").rsplit_once(' ').expect("four numbers").1);
    let mut dark = vec![false; side * side];
    for stroke in attribute("d").split('M').skip(1) {
        let (x, rest) = stroke.split_once(' ').expect("a place");
        let (y, length) = rest.split_once(".5h").expect("a stroke");
        let start = number(y) * side + number(x);
        dark[start..start + number(length)].fill(true);
    }
    (side, dark)
}

fn read_qr(svg: &str) -> String {
    let (side, dark) = modules(svg);
    let scale = 4;
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side * scale, side * scale, |x, y| {
        if dark[y / scale * side + x / scale] { 0 } else { 255 }
    });
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "one code is seen");
    grids[0].decode().expect("the code is readable").1
}

#[test]
fn the_qr_code_reads_back_as_the_address() {
    for account in ["a@b.example", "jean.dupont+signals@example.com", &"x".repeat(254)] {
        let svg = secret().qr_svg("Calmness é", account).expect("short enough");
        assert_eq!(read_qr(svg.expose_secret()), secret().otpauth("Calmness é", account).expose_secret());
    }
    assert_eq!(secret().qr_svg("Calmness", &"é".repeat(2_000)).err(), Some(TooLongForQr));
}

/// SEC-57. A page's policy allows no inline style or script, so the image has none; and a margin of four.
#[test]
fn sec_57_the_qr_code_is_a_small_image_that_a_strict_policy_shows() {
    let svg = secret().qr_svg("Calmness", "jean.dupont@example.com").expect("short enough");
    let svg = svg.expose_secret();
    assert!(svg.len() < 16 * 1024, "{}", svg.len());
    assert!(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" ") && svg.contains("role=\"img\""));
    for inline in ["style", "script", "href", "onload", "class", "url("] {
        assert!(!svg.contains(inline), "{inline}");
    }
    assert_eq!(svg.matches("<path").count(), 1);
    let (side, dark) = modules(svg);
    let edge = |at: usize| !(4..side - 4).contains(&at);
    assert!((0..side * side).all(|at| !dark[at] || !(edge(at / side) || edge(at % side))));
    assert!(dark[4 * side + 4], "the corner's pattern begins right behind the margin");
}

proptest! {
    #[test]
    fn anything_typed_is_read_without_panic(
        typed in prop_oneof!["\\PC{0,70}", "[0-9 ]{5,8}"],
        at in any::<i64>(),
    ) {
        if let Some(matching) = secret().matching_step(&typed, at) {
            prop_assert!(matching == step(at) || matching == step(at) - 1);
        }
    }

    #[test]
    fn any_issuer_and_account_give_an_ascii_address(issuer in "\\PC{0,40}", account in "\\PC{0,40}") {
        let written = secret().otpauth(&issuer, &account);
        let written = written.expose_secret();
        prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "{}", written);
        prop_assert_eq!(written.matches([':', '?', '&', '#']).count(), 7, "{}", written);
    }
}
