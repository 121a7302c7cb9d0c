//! Bank transfers and crypto addresses: instructions that tell payments apart, confirmed by an admin.

use application::settings::Key;
use application::{Context, Role};
use serde_json::{Value, json};

use crate::support::{Answer, Customer, Staff, World};

const BANK: &str = r#"{"account_holder":"Calmness SARL","iban":"FR76 3000 6000 0112 3456 7890 189","bic":"AGRIFRPP","currencies":["EUR"],"mode":"test"}"#;

async fn with_bank() -> (World, Customer, Staff) {
    let world = World::new().await;
    world.app.set_setting(&Context::operator(), Key::BankTransfer, BANK).await.unwrap();
    let customer = world.customer().await;
    let admin = world.staff("boss", Role::Admin).await;
    (world, customer, admin)
}

async fn open(world: &World, customer: &Customer, key: &str, provider: &str, currency: &str) -> Value {
    let body = json!({ "plan_code": "signaux-monthly", "provider": provider, "currency": currency });
    world.init_with(customer, key, &body).await.expect(201).body
}

async fn confirm(world: &World, admin: &Staff, payment: &Value, transaction: &str, amount: i64) -> Answer {
    let body = json!({ "transaction": transaction, "amount": amount, "currency": payment["currency"],
                       "proof": "bank statement of today" });
    let path = format!("/api/admin/payments/{}/confirm", payment["id"].as_str().unwrap());
    world.confirmed(admin, "POST", &path, &body).await
}

#[tokio::test]
async fn p6_a_transfer_is_told_with_its_own_reference_and_settles_when_an_admin_saw_it() {
    let (world, customer, admin) = with_bank().await;
    let payment = open(&world, &customer, "k", "bank_transfer", "EUR").await;
    let told = &payment["instructions"];
    assert_eq!(told["kind"], "bank_transfer");
    assert_eq!((payment["phase"].as_str(), payment["mode"].as_str()), (Some("awaiting"), Some("test")));
    assert_eq!(told["iban"].as_str().unwrap().replace(' ', ""), "FR7630006000011234567890189");
    confirm(&world, &admin, &payment, "SEPA-1", 5_999).await.expect(204);
    world.drain().await;
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    assert_eq!(world.subscription(&customer).await["status"], "active");
    confirm(&world, &admin, &payment, "SEPA-1", 5_999).await.expect(204);
    world.finish().await;
}

#[tokio::test]
async fn p6_one_transfer_never_confirms_two_payments() {
    let (world, customer, admin) = with_bank().await;
    let first = open(&world, &customer, "k", "bank_transfer", "EUR").await;
    confirm(&world, &admin, &first, "SEPA-1", 5_999).await.expect(204);
    let second = open(&world, &customer, "k2", "bank_transfer", "EUR").await;
    assert_ne!(first["instructions"]["reference"], second["instructions"]["reference"]);
    let refused = confirm(&world, &admin, &second, "SEPA-1", 5_999).await;
    assert_eq!(refused.problem(), (409, "transaction_already_used"));
    assert_eq!(world.status_of(&customer, &second).await, "pending");
    world.finish().await;
}

#[tokio::test]
async fn p6_too_little_is_kept_and_shown_and_an_admin_may_accept_it() {
    let (world, customer, admin) = with_bank().await;
    let payment = open(&world, &customer, "k", "bank_transfer", "EUR").await;
    let refused = confirm(&world, &admin, &payment, "SEPA-1", 5_000).await;
    assert_eq!(refused.problem(), (409, "differs_from_quote"));
    let shown = world.payment(&customer, &payment).await;
    assert_eq!((shown["status"].as_str(), shown["under_review"].as_bool()), (Some("pending"), Some(true)));
    let cases = world.get_by(&admin.person, "/api/admin/quarantine").await.expect(200);
    assert_eq!(cases.body["items"][0]["stated"]["amount"], 5_000);
    let path = format!("/api/admin/quarantine/{}/accept", cases.body["items"][0]["id"].as_str().unwrap());
    world.confirmed(&admin, "POST", &path, &json!({ "reason": "a bank fee" })).await.expect(204);
    assert_eq!(world.status_of(&customer, &payment).await, "succeeded");
    world.finish().await;
}

#[tokio::test]
async fn p6_open_crypto_payments_never_ask_for_the_same_amount() {
    let world = World::new().await;
    let settings = r#"{"addresses":[{"currency":"BTC","network":"bitcoin","address":"bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}],"mode":"live"}"#;
    world.app.set_setting(&Context::operator(), Key::CryptoAddress, settings).await.unwrap();
    world
        .sql("INSERT INTO plan_prices (plan_code, currency, amount_minor) VALUES ('signaux-monthly', 'BTC', 60000)")
        .await;
    world.app.catalogue().reload(world.app.db()).await.unwrap();
    let mut amounts = std::collections::HashSet::new();
    for n in 0..12 {
        let customer = world.made_customer(&format!("payer{n}")).await;
        let payment = open(&world, &customer, "k", "crypto_address", "BTC").await;
        let amount = payment["amount"].as_i64().unwrap();
        assert!((60_001..=69_999).contains(&amount), "{payment}");
        assert_eq!(payment["instructions"]["amount"], format!("0.{amount:08}"));
        assert!(amounts.insert(amount), "{amount} twice");
    }
    world.finish().await;
}

#[tokio::test]
async fn what_its_provider_tells_is_not_confirmed_by_hand() {
    let (world, customer, admin) = with_bank().await;
    let payment = world.open(&customer, "k", "signaux-monthly").await;
    let refused = confirm(&world, &admin, &payment, "SEPA-1", 5_999).await;
    assert_eq!(refused.problem(), (409, "not_confirmed_by_hand"));
    world.finish().await;
}

#[tokio::test]
async fn a_changed_account_leaves_what_was_told_before() {
    let (world, customer, _admin) = with_bank().await;
    let payment = open(&world, &customer, "k", "bank_transfer", "EUR").await;
    let other = BANK.replace("FR76 3000 6000 0112 3456 7890 189", "DE89 3704 0044 0532 0130 00");
    world.app.set_setting(&Context::operator(), Key::BankTransfer, &other).await.unwrap();
    let shown = world.payment(&customer, &payment).await;
    assert_eq!(shown["instructions"], payment["instructions"]);
    let broken = BANK.replace("189", "180");
    let refused = world.app.set_setting(&Context::operator(), Key::BankTransfer, &broken).await.unwrap_err();
    assert!(!refused.to_string().contains("3000"), "{refused}");
    world.finish().await;
}

#[tokio::test]
async fn money_is_confirmed_as_of_when_it_came_and_never_of_the_future() {
    let (world, customer, admin) = with_bank().await;
    let payment = open(&world, &customer, "k", "bank_transfer", "EUR").await;
    let path = format!("/api/admin/payments/{}/confirm", payment["id"].as_str().unwrap());
    let confirm_as_of = async |at: time::OffsetDateTime| {
        let at = at.format(&time::format_description::well_known::Rfc3339).unwrap();
        let body = json!({ "transaction": "SEPA-1", "amount": 5_999, "currency": "EUR", "proof": "bank statement",
                           "received_at": at });
        world.confirmed(&admin, "POST", &path, &body).await
    };
    world.advance(time::Duration::hours(3)).await;
    let now = world.now().await;
    for ahead in [time::Duration::seconds(1), time::Duration::days(3_650)] {
        let refused = confirm_as_of(now + ahead).await;
        assert_eq!(refused.problem(), (422, "validation_failed"), "{ahead}");
        assert_eq!(world.status_of(&customer, &payment).await, "pending");
    }
    confirm_as_of(now - time::Duration::hours(1)).await.expect(204);
    world.drain().await;
    let early = "SELECT count(*) FROM payments WHERE recorded_at - settled_at BETWEEN '59 minutes' AND '61 minutes'";
    assert_eq!(world.count(early).await, 1);
    assert_eq!(world.subscription(&customer).await["status"], "active");
    world.finish().await;
}
