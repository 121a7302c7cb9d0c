//! Guarding the account: an authenticator app is set up, and the next login asks for its code.

use std::time::Duration;

use application::clock::{Clock, SystemClock};
use crypto::totp::{self, TotpSecret};
use fantoccini::Locator;

use crate::demo::Demo;
use crate::person::Person;
use crate::pictures::Pictures;
use crate::{MARIAM, PASSWORD};

/// A code is typed only while so many seconds are left of its time step: a browser takes its time.
const STEP_RESERVE_SECONDS: i64 = 12;

/// What somebody holds in hand afterwards.
pub(crate) struct App {
    secret: TotpSecret,
    step: i64,
    recovery_code: String,
}

/// The picture is there to scan; whoever has no camera types the key.
pub(crate) async fn sets_up_an_authenticator_app(person: &Person, demo: &Demo, pictures: &Pictures) -> App {
    person.opens(&demo.product("/security")).await;
    person.reads("What guards your account").await;
    pictures.take(person, "security").await;
    person.presses("Authenticator app").await;
    person.types("password", PASSWORD).await;
    person.presses("Continue").await;
    person.reads("Scan this picture").await;
    let side = person.attribute_at(".qr svg", "width").await;
    assert!(side.parse::<f64>().unwrap() >= 100.0, "a picture of {side}");
    let secret = secret(&person.text_at("#secret").await);
    // The step before is taken too, so the present one stays for the login.
    let step = fresh_step().await;
    person.types("code", &secret.code_at(step - 1)).await;
    person.presses("Turn it on").await;
    person.reads("Keep these recovery codes").await;
    let codes = person.texts_at("#codes li").await;
    assert_eq!(codes.len(), 10);
    person.presses("I have kept them").await;
    person.reads("On").await;
    App { secret, step, recovery_code: codes[0].clone() }
}

/// The password alone opens nothing any more.
pub(crate) async fn logs_in_in_two_steps(person: &Person, demo: &Demo, pictures: &Pictures, app: &App) {
    leaves_and_gives_the_password(person, demo).await;
    pictures.take_on_a_phone(person, "login-code").await;
    person.types("code", &app.secret.code_at(app.step)).await;
    person.presses("Log in").await;
    person.is_at("/dashboard").await;
}

/// Whoever has lost the telephone still gets in.
pub(crate) async fn logs_in_with_a_recovery_code(person: &Person, demo: &Demo, app: &App) {
    leaves_and_gives_the_password(person, demo).await;
    person.presses("Use a recovery code").await;
    person.types("code", &app.recovery_code).await;
    person.presses("Log in").await;
    person.is_at("/dashboard").await;
    person.opens(&demo.sandbox("/mailbox")).await;
    person.reads("A recovery code").await;
}

async fn leaves_and_gives_the_password(person: &Person, demo: &Demo) {
    person.opens(&demo.product("/dashboard")).await;
    person.presses("My account").await;
    person.presses("Log out").await;
    // Whoever goes on before the answer came may be led back by it.
    person.is_at("logged-out").await;
    person.opens(&demo.product("/login")).await;
    person.types("email", MARIAM).await;
    person.types("password", PASSWORD).await;
    person.presses("Log in").await;
    person.is_at("/login/code").await;
    person.reads("One more step").await;
    assert!(person.browser.find(Locator::Css("input[autocomplete=one-time-code]")).await.is_ok());
}

/// The present time step, with time enough left to type its code.
async fn fresh_step() -> i64 {
    let left = totp::STEP_SECONDS - now().rem_euclid(totp::STEP_SECONDS);
    if left < STEP_RESERVE_SECONDS {
        tokio::time::sleep(Duration::from_secs(u64::try_from(left).unwrap())).await;
    }
    totp::step(now())
}

fn now() -> i64 {
    SystemClock.wall().unix_timestamp()
}

/// Reads base32 (RFC 4648 §6) as an app does, spaces included.
fn secret(typed: &str) -> TotpSecret {
    let letters = typed.bytes().filter(|letter| !letter.is_ascii_whitespace());
    let values = letters
        .map(|letter| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == letter).unwrap());
    let bits: Vec<bool> =
        values.flat_map(|value| (0..5).rev().map(move |bit| value >> bit & 1 == 1)).collect();
    let bytes = bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit)));
    TotpSecret::from_bytes(&bytes.collect::<Vec<_>>()).unwrap()
}
