//! Mistakes that others made in products like this one, each with what shows that it is not made here.
//!
//! Some are tried below; the others are tried where they belong, and [`ELSEWHERE`] says where.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use application::identity::{Client, Device, Email};
use application::{Context, Role};
use calmness::wiring::{self, ClockKind};
use secrecy::SecretString;
use serde_json::{Value, json};

use crate::support::{Answer, Customer, PASSWORD, Wire, World};

/// Each mistake and the tests that would fail if it were made.
const ELSEWHERE: [(&str, &[&str]); 20] = [
    (
        "a string as `exp` or `nbf` skips the check (CVE-2026-25537)",
        &["sec_15_a_time_that_is_not_a_json_integer_is_refused"],
    ),
    (
        "an empty signature passes (RUSTSEC-2024-0010)",
        &[
            "sec_34_an_empty_signature_is_refused_even_beside_a_good_one",
            "what_is_not_signed_by_the_service_just_now_is_refused_and_not_stored",
        ],
    ),
    (
        "a race of refreshes is reported as theft",
        &[
            "sec_18_fifty_parallel_refreshes_leave_one_head_and_log_nobody_out",
            "a_client_that_lost_the_answer_gets_the_identical_successor",
        ],
    ),
    (
        "the grace window revives grandparents",
        &["sec_18_a_token_older_than_the_parent_ends_its_family_and_is_told"],
    ),
    (
        "a code is taken twice",
        &[
            "sec_9_of_fifty_who_show_one_code_at_once_one_gets_in",
            "sec_9_a_code_that_was_used_is_refused_on_every_other_challenge",
        ],
    ),
    ("one pending token takes any number of codes", &["sec_11_five_wrong_codes_end_a_challenge"]),
    (
        "the first factor resets the count of the second",
        &["sec_11_wrong_codes_count_over_challenges_and_the_password_forgives_none"],
    ),
    (
        "a lock is not looked at again when a token is redeemed",
        &[
            "sec_61_a_freeze_between_the_password_and_the_code_keeps_the_door_shut",
            "sec_61_a_mailed_link_does_not_open_a_frozen_account",
            "sec_61_a_freeze_stops_every_way_in_at_once",
        ],
    ),
    (
        "a lock-out keeps the owner out",
        &[
            "sec_49_the_owner_gets_in_from_a_known_device_while_the_account_is_attacked",
            "sec_49_whoever_guesses_codes_keeps_no_known_device_out",
        ],
    ),
    (
        "a malformed dummy hash answers at once",
        &[
            "sec_4_the_dummy_is_a_full_hash_that_nothing_fits",
            "sec_4_a_malformed_hash_costs_as_much_as_a_good_one",
        ],
    ),
    (
        "the leftmost X-Forwarded-For is trusted",
        &[
            "the_address_behind_a_trusted_proxy_is_the_one_that_counts",
            "a_strangers_forwarded_for_changes_nothing",
        ],
    ),
    (
        "a body is serialised again before the MAC",
        &["the_raw_bytes_are_what_is_signed", "sec_34_the_same_json_in_other_bytes_is_refused"],
    ),
    (
        "no webhook secret means open",
        &[
            "sec_34_without_a_secret_nothing_is_believed_and_nothing_signed",
            "a_webhook_secret_matches_itself_alone_and_an_empty_one_matches_nothing",
        ],
    ),
    (
        "an idempotency key crosses accounts, or belongs to the access token",
        &["the_keys_of_two_users_do_not_meet", "a_key_survives_a_refresh_of_the_access_token"],
    ),
    (
        "amount or currency are believed of a callback",
        &["a_success_of_another_amount_currency_or_reference_gives_no_access"],
    ),
    (
        "the return page races the callback",
        &[
            "the_payer_who_comes_back_makes_us_ask_at_once",
            "a_callback_that_races_our_own_question_has_one_effect",
        ],
    ),
    (
        "encryption without associated data",
        &[
            "a_ciphertext_without_associated_data_does_not_open",
            "sec_16_keys_are_encrypted_and_bound_to_their_row",
        ],
    ),
    (
        "a revocation does not reach access tokens",
        &[
            "sec_20_a_logout_on_one_instance_is_refused_by_the_other_within_a_second",
            "sec_20_an_instance_that_hears_nothing_believes_nobody_and_recovers_when_packets_flow",
        ],
    ),
    (
        "what a client may not write is taken from its body, or somebody else's object is shown",
        &[
            "sec_23_no_documented_body_takes_a_field_that_is_not_documented",
            "sec_22_somebody_elses_object_is_the_same_as_a_missing_one",
        ],
    ),
    (
        "origins are reflected, or two schedulers fire twice",
        &["only_the_named_origins_may_read_answers", "two_workers_that_sweep_at_the_same_moment_remind_once"],
    ),
];

/// The names of all tests below a folder.
fn tests_below(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim_start) {
                is_test |= line.starts_with("#[") && line.contains("test");
                if let Some(name) = line.trim_start_matches("async ").strip_prefix("fn ") {
                    found.extend(name.split('(').next().filter(|_| is_test).map(ToOwned::to_owned));
                    is_test = false;
                }
            }
        }
    }
}

#[test]
fn every_mistake_has_the_tests_that_are_named_for_it() {
    let mut known = BTreeSet::new();
    tests_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut known);
    assert!(known.len() > 500, "{}", known.len());
    assert!(known.contains("every_mistake_has_the_tests_that_are_named_for_it"));
    for (mistake, names) in ELSEWHERE {
        for name in names {
            assert!(known.contains(*name), "{mistake}: there is no test {name}");
        }
    }
}

async fn reset_mail(world: &World, email: &str) -> Value {
    let mails = world.mails_to(email).await;
    let with_link = |mail: &&Value| mail["links"].to_string().contains("reset?token=");
    mails.iter().rev().find(with_link).unwrap_or_else(|| panic!("no link: {mails:?}")).clone()
}

#[tokio::test]
async fn a_mailed_link_never_leads_to_the_host_of_the_request() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let ask = world.call("POST", "/api/auth/password/forgot");
    let ask = ["Host", "X-Forwarded-Host", "X-Host", "Forwarded", "Origin", "Referer"]
        .into_iter()
        .fold(ask, |ask, name| ask.header(name, "evil.example"));
    ask.json(&json!({ "email": customer.email })).send().await.expect(202);
    world.drain().await;
    let mail = reset_mail(&world, &customer.email).await;
    assert!(!mail.to_string().contains("evil.example"), "{mail}");
    let links = mail["links"].as_array().unwrap();
    assert!(links.iter().all(|link| link.as_str().unwrap().starts_with(&world.base)), "{mail}");
    world.finish().await;
}

/// A program that replays COMMIT on a new connection, or the whole transaction, does it all a second time.
#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_run_again() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let wire = Wire::to(world.config().database.url.as_ref().unwrap()).await;
    let mut config = world.config().clone();
    config.database.url = Some(wire.url.clone());
    let app = wiring::wire(&config, ClockKind::System).await.unwrap().app;
    let email = Email::parse(&customer.email).unwrap();
    let sessions = "SELECT count(*) FROM sessions";
    let before = world.count(sessions).await;
    wire.lose_the_answer_to_commit();
    let password = SecretString::from(PASSWORD);
    let device = Device::new("", None);
    let context = Context { request_id: Some(Arc::from("lost")), ..Context::system("a test") };
    let answered = app.login(&context, &email, &password, Client::Program, &device).await;
    assert!(answered.is_err(), "whether it was kept is not known, and not said");
    let kept = async || world.count(sessions).await > before;
    world.until("the database has done it", kept).await;
    assert_eq!(world.count(sessions).await, before + 1, "once");
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE request_id = 'lost'").await, 1);
    app.login(&context, &email, &password, Client::Program, &device).await.unwrap();
    app.db().close().await;
    world.finish().await;
}

/// A role that was read when the token was made must not outlive its end.
#[tokio::test]
async fn what_a_token_says_of_its_role_ends_with_the_role() {
    let world = World::new().await;
    let admin = world.staff("admin", Role::Admin).await;
    world.person_of("another", Role::Admin).await;
    let list = async |who: &Customer| -> Answer { world.get_by(who, "/api/admin/users").await };
    list(&admin.person).await.expect(200);
    let email = Email::parse(&admin.person.email).unwrap();
    world.app.set_role(&Context::operator(), &email, Role::User).await.unwrap();
    world.until_refused(&admin.person).await;
    let refresh = json!({ "refresh_token": admin.person.refresh_token });
    world.post("/api/auth/refresh", &refresh).await.expect(401);
    let again = world.log_in_with(&admin.person, &admin.authenticator).await;
    assert_eq!(list(&again).await.problem(), (403, "insufficient_scope"));
    world.finish().await;
}
