//! The product as a person meets it: a real browser, clicks and typing, from the home page to the mail that says
//! that the access has ended.
//!
//! One demo world (what `make demo` starts, as a process of its own) and one headless Chromium serve the whole story,
//! so its steps stand in the order in which a customer lives them. With `CALMNESS_SCREENSHOTS=<folder>` the pictures of
//! the documentation are taken on the way. Without Chromium and its driver the test says so and passes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arriving;
mod buying;
mod chromium;
mod demo;
mod entering;
mod guarding;
mod leaving;
mod manners;
mod person;
mod pictures;

use self::chromium::Chromium;
use self::demo::Demo;
use self::person::Person;
use self::pictures::Pictures;

/// Who comes, pays and enters.
const MARIAM: &str = "mariam@calmness.example";
const PASSWORD: &str = "a calm sea at six in the morning";

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_comes_pays_enters_is_reminded_renews_and_leaves() {
    let Some(chromium) = Chromium::find() else {
        println!("skipped: no chromium/chromedriver");
        return;
    };
    let demo = Demo::start().await;
    let chromium = chromium.start().await;
    let pictures = Pictures::from_environment();

    let mariam = Person::sit_down(&chromium, "en-GB,en").await;
    arriving::looks_at_the_home_page(&mariam, &demo, &pictures).await;
    manners::fits_a_phone(
        &mariam,
        &demo,
        &["/", "/signup", "/login", "/verify/resend", "/password/forgot", "/password/reset?token=x"],
    )
    .await;
    arriving::signs_up(&mariam, &demo).await;
    arriving::confirms_the_address_by_mail(&mariam, &demo).await;
    arriving::logs_in_with_the_keyboard_alone(&mariam).await;
    let app = guarding::sets_up_an_authenticator_app(&mariam, &demo, &pictures).await;
    guarding::logs_in_in_two_steps(&mariam, &demo, &pictures, &app).await;
    guarding::logs_in_with_a_recovery_code(&mariam, &demo, &app).await;
    mariam.opens(&demo.product("/dashboard")).await;
    buying::is_refused_once(&mariam).await;
    buying::pays(&mariam, &pictures).await;
    buying::watches_the_countdown_tick(&mariam).await;

    let awa = Person::sit_down(&chromium, "fr-FR,fr").await;
    arriving::logs_in(&awa, &demo).await;
    buying::pays_the_wrong_amount(&awa, &pictures).await;
    buying::walks_away(&awa).await;
    buying::has_time_set_aside_while_the_bank_decides(&awa, &demo, &pictures).await;
    manners::nothing_was_complained_about(&awa).await;
    awa.leave().await;

    entering::links_telegram(&mariam, &pictures).await;
    let invite_link = entering::joins_the_channel(&mariam, &pictures).await;
    entering::a_stranger_with_the_same_link_is_declined(&mariam, &invite_link).await;
    leaving::is_left_in_peace_half_way(&mariam, &demo, &pictures).await;
    let payment = buying::latest_payment(&mariam).await;
    let guarding =
        ["/security", "/security/app", "/security/devices", "/security/keys/new", "/security/data"];
    manners::fits_a_phone(&mariam, &demo, &guarding).await;
    manners::fits_a_phone(&mariam, &demo, &["/dashboard", &payment]).await;
    manners::speaks_french_too(&mariam, &demo, &pictures).await;

    let end = leaving::is_reminded_once(&mariam, &demo, &pictures).await;
    leaving::renews_without_losing_a_second(&mariam, &end).await;
    leaving::is_taken_out_at_the_end(&mariam, &demo, &pictures).await;
    manners::nothing_was_complained_about(&mariam).await;
    manners::complaints_would_be_heard(&mariam, &demo).await;
    mariam.leave().await;
}
