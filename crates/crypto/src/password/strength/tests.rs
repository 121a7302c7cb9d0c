//! What is refused and what is accepted, and that judging ends soon whatever is typed.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const CONTEXT: [&str; 3] = ["jean.dupont85@mail.example", "calmness", "Acme Signals"];

fn judge(password: &str) -> Strength {
    assess(&SecretString::from(password), &CONTEXT)
}

fn common() -> impl Iterator<Item = &'static str> {
    COMMON.lines().filter(|line| !line.starts_with("# "))
}

/// SEC-1: a passphrase of small letters is as good as one with everything.
#[test]
fn sec_1_ordinary_passphrases_are_accepted_without_rules_of_composition() {
    for password in [
        "correct horse battery staple",
        "a-long-password-123",
        "Test-Password-2026!x",
        "k3v9xq27mzt4wbh",
        "un chat dort sur le toit bleu",
        "tortue lampe vinaigre onze",
        "пароль для сигналов и ещё",
        "沈黙は金なり雄弁は銀なり今日",
        "my calmness needs long walks",
        "jean plays the red violin",
        "v8#Kq2!z",
        "!#v8Kq2!",
        "%$?#!&%*!@~^+=/",
    ] {
        let strength = judge(password);
        assert_eq!(strength.verdict, Verdict::Acceptable, "{password}: {strength:?}");
        assert!(strength.score >= 2 && strength.guesses_log10 >= 6.0, "{password}: {strength:?}");
    }
}

#[test]
fn sec_2_long_but_trivial_passwords_are_refused() {
    for password in [
        "",
        "a",
        "aaaaaaaaaaaaaaa",
        "123456789012345",
        "passwordpassword",
        "PasswordPassword1",
        "qwertyuiopasdfghjkl",
        "abcdefghijklmnop",
        "abcabcabcabcabcabc",
        "iloveyouiloveyou",
        "1qaz2wsx3edc4rfv",
        "P@ssw0rdP@ssw0rd",
        &"password".repeat(128),
        &format!("{}1", "password".repeat(20)),
        &format!("{}!", "iloveyouforever".repeat(3)),
        "Password123456!",
        "!!!Qwerty123456!!!",
    ] {
        let strength = judge(password);
        assert_eq!(strength.verdict, Verdict::TooCommon, "{password}: {strength:?}");
        assert!(strength.score <= 1, "{password}: {strength:?}");
    }
}

#[test]
fn sec_2_words_that_stand_near_the_user_are_refused() {
    for password in [
        "jean.dupont85@mail.example",
        "JEAN.DUPONT85@MAIL.EXAMPLE!!",
        "jeandupontjeandupont",
        "Jean-Dupont-1985-12-31",
        "tnopudnaejtnopudnaej",
        "calmnesscalmness",
        "calmness-calmness-2026",
        "Acme2026Acme2026",
        "acmesignals2026!",
        "!!!Signals?Acme!!!",
        "ssenmlac2026ssenmlac",
        "C@lmne55C@lmne55",
    ] {
        let strength = judge(password);
        assert_eq!(strength.verdict, Verdict::ContextWord, "{password}: {strength:?}");
        assert!(strength.score <= 1, "{password}: {strength:?}");
    }
    let elsewhere = assess(&SecretString::from("jeandupontjeandupont85"), &[]);
    assert_ne!(elsewhere.verdict, Verdict::ContextWord);
}

/// SEC-2. The list holds only passwords that are long enough to be set at all, so these are the top 3,000 of
/// the policy; and the shorter ones are refused by their rank.
#[test]
fn sec_2_the_three_thousand_most_common_passwords_are_refused_in_any_case() {
    assert!(common().count() > 10_000);
    for password in common().take(3_000) {
        assert_eq!(judge(password).verdict, Verdict::TooCommon, "{password}");
    }
    for password in common() {
        let capitals = format!(" {} ", password.to_uppercase());
        assert!(password.len() >= 8 && is_common(password) && is_common(&capitals), "{password}");
    }
    for short in ["123456", "qwerty", "dragon", "letmein", "monkey", "abc123"] {
        assert_eq!(judge(short).verdict, Verdict::TooCommon, "{short}");
    }
}

#[test]
fn a_long_password_is_judged_by_its_hardest_part() {
    let random = "k3v9xq27mzt4wbh8r5";
    let filler = |length| "abcdefghijklmnopqrstuvwxyz".chars().cycle().take(length).collect::<String>();
    for password in [
        format!("{}{random}", filler(500)),
        format!("{random}{}", filler(500)),
        format!("{}{random}{}", filler(40), filler(500)),
    ] {
        assert_eq!(judge(&password).verdict, Verdict::Acceptable, "{password}");
    }
}

/// Texts chosen against the estimate: near-repeats, substitutions, dates, letters that fold into several.
#[test]
fn no_text_makes_judging_slow() {
    let patterns = [
        "a",
        "ab",
        "aab",
        "4@8({[<369!1|7$5+%2",
        "1l!|",
        "0o",
        "19111911",
        "1.1.11",
        "qwerty",
        "İ",
        "ß",
        "ﬃ",
        "é",
        "🦀",
        "\u{301}",
        "\n",
        "\0",
        "passw0rd",
        "calmness",
        "zxcvbnm,./",
        "aaaaaaaaaaaaaaaab",
        "the",
        "1",
        "_",
    ];
    let mut slowest = Duration::ZERO;
    for pattern in patterns {
        for (before, after) in [("", ""), ("x", "y"), ("", "\u{301}"), ("é", "")] {
            let text = format!("{before}{}{after}", pattern.repeat(1_024 / pattern.len()));
            let started = Instant::now();
            let strength = judge(&text);
            slowest = slowest.max(started.elapsed());
            assert!(strength.score <= 4 && strength.guesses_log10.is_finite());
        }
    }
    // Every part that is looked at allows all substitutions of digits and signs for letters, in another order.
    let mut signs: Vec<char> = "4@8({[<369!1|7$5+%20abcde".chars().collect();
    let mut worst = String::new();
    for _ in 0..40 {
        signs.rotate_left(7);
        signs.swap(1, 5);
        worst.extend(&signs);
    }
    let started = Instant::now();
    judge(&worst);
    slowest = slowest.max(started.elapsed());
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_text_is_judged_without_panic(
        password in prop_oneof![
            "\\PC{0,200}",
            "(?s).{0,120}",
            "[ab]{60,90}",
            "[a4@8b(c{1il|0o5s$7t+]{60,90}",
            "[0-9./ -]{60,90}",
            "[qQ2wW3sS7845]{60,90}",
            prop::collection::vec(any::<char>(), 0..300).prop_map(|list| list.into_iter().collect()),
        ],
        context in prop::collection::vec("(?s).{0,80}", 0..4),
    ) {
        let context: Vec<&str> = context.iter().map(String::as_str).collect();
        let strength = assess(&SecretString::from(password), &context);
        prop_assert!(strength.guesses_log10.is_finite());
        prop_assert_eq!(strength.score >= 2, strength.verdict == Verdict::Acceptable);
    }

    #[test]
    fn fifteen_random_characters_are_accepted(password in "[a-zA-Z0-9]{15}") {
        prop_assert_eq!(judge(&password).verdict, Verdict::Acceptable);
    }
}

#[test]
fn sec_1_no_rule_of_composition_refuses_long_runs_or_other_scripts() {
    for password in ["x".repeat(64), "x".repeat(1_024), "é".repeat(15), "ё".repeat(15)] {
        assert_eq!(judge(&password).verdict, Verdict::Acceptable, "{password}");
    }
}
