//! Tables for accounting: a journal that adds up to the payment service's own books, in cells that no spreadsheet computes.

use std::collections::BTreeMap;

use application::Role;
use serde_json::{Value, json};
use time::Duration;

use crate::support::{Answer, Staff, World};

async fn export(world: &World, admin: &Staff, table: &str) -> Answer {
    let today = world.now().await.date();
    let (from, to) = (today - Duration::days(400), today + Duration::days(2));
    world.get_by(&admin.person, &format!("/api/admin/{table}?from={from}&to={to}")).await.expect(200)
}

/// The cells of each line by the names of the first one. Written a second time: quotes, and nothing else.
fn read(csv: &str) -> Vec<BTreeMap<String, String>> {
    let (mut lines, mut line, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = csv.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => line.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                line.push(std::mem::take(&mut cell));
                lines.push(std::mem::take(&mut line));
            }
            other => cell.push(other),
        }
    }
    assert!(!quoted && cell.is_empty() && line.is_empty(), "the last line ends");
    let names = lines.remove(0);
    for line in &lines {
        assert_eq!(line.len(), names.len(), "{line:?}");
    }
    lines.into_iter().map(|line| names.iter().cloned().zip(line).collect()).collect()
}

fn number(cell: &str) -> i64 {
    cell.parse().unwrap_or_else(|_| panic!("{cell:?} is no number"))
}

/// What the service's books say is left, by currency.
async fn left_in_the_books(world: &World) -> BTreeMap<String, i64> {
    let books = world.sandbox_get("/psp/ledger?format=json").await;
    let mut left = BTreeMap::new();
    for payment in books["items"].as_array().unwrap() {
        let sum = |kind: &str| -> i64 {
            payment[kind].as_array().unwrap().iter().map(|one| one["amount"].as_i64().unwrap()).sum()
        };
        let kept = if payment["dispute"] == "lost" { 0 } else { sum("charges") - sum("refunds") };
        if !payment["charges"].as_array().unwrap().is_empty() {
            *left.entry(payment["currency"].as_str().unwrap().to_owned()).or_default() += kept;
        }
    }
    left
}

/// Purchases in two currencies, money that goes back in parts, disputes won and lost.
async fn a_busy_day(world: &World) {
    let stories: [&[Value]; 5] = [
        &[],
        &[json!({ "outcome": "refund", "amount": 999 }), json!({ "outcome": "refund", "amount": 1 })],
        &[json!({ "outcome": "refund" })],
        &[json!({ "outcome": "dispute_open" }), json!({ "outcome": "dispute_lost" })],
        &[json!({ "outcome": "dispute_open" }), json!({ "outcome": "dispute_won" })],
    ];
    for (number, story) in stories.iter().enumerate() {
        let customer = world.made_customer(&format!("customer-{number}")).await;
        for currency in ["EUR", "XOF"] {
            let body =
                json!({ "plan_code": "signaux-monthly", "provider": "hmac_psp", "currency": currency });
            let payment = world.init_with(&customer, currency, &body).await.expect(201).body;
            world.pay(&payment).await;
            for act in *story {
                world.act_with(&payment, act.clone()).await;
                world.until_peers_are_quiet().await;
            }
        }
        world.advance(Duration::hours(1)).await;
    }
}

#[tokio::test]
async fn the_journal_adds_up_to_the_books_of_the_payment_service() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    a_busy_day(&world).await;
    let lines = read(&export(&world, &admin, "journal").await.text);
    let mut totals: BTreeMap<String, i64> = BTreeMap::new();
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let mut before = String::new();
    for line in &lines {
        let total = totals.entry(line["currency"].clone()).or_default();
        *total += number(&line["amount_minor"]);
        assert_eq!(number(&line["running_total_minor"]), *total, "{line:?}");
        *kinds.entry(line["kind"].clone()).or_default() += 1;
        assert!(before <= line["booked_at"], "in the order of booking");
        before.clone_from(&line["booked_at"]);
    }
    assert_eq!(totals, left_in_the_books(&world).await);
    assert_eq!((kinds["payment"], kinds["refund"], kinds["dispute_lost"]), (10, 6, 2), "{kinds:?}");
    assert!(!kinds.contains_key("dispute_won"), "a dispute that was won moved nothing");
    world.finish().await;
}

#[tokio::test]
async fn a_closed_range_stays_as_it_was_whatever_is_learned_later() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    world.advance(Duration::days(40)).await;
    let closed = world.now().await.date() - Duration::days(10);
    let path = format!("/api/admin/journal?from=2020-01-01&to={closed}");
    let before = world.get_by(&admin.person, &path).await.expect(200).text;
    world.act_with(&payment, json!({ "outcome": "refund", "amount": 100 })).await;
    world.drain().await;
    assert_eq!(world.get_by(&admin.person, &path).await.expect(200).text, before);
    let later = format!("/api/admin/journal?from={closed}&to={}", closed + Duration::days(30));
    let lines = read(&world.get_by(&admin.person, &later).await.expect(200).text);
    assert_eq!((lines.len(), lines[0]["amount"].as_str()), (1, "-1.00"));
    world.finish().await;
}

#[tokio::test]
async fn tables_are_csv_without_formulas_and_their_taking_is_audited() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let customer = world.made_customer("awa").await;
    let payment = world.buy(&customer, "k", "signaux-monthly").await;
    let path = format!("/api/admin/payments/{}/refund", payment["id"].as_str().unwrap());
    let formula = "=HYPERLINK(\"http://evil.example\",\"a, b\")";
    let refund = json!({ "reason": formula, "amount": 5, "idempotency_key": "r" });
    world.confirmed(&admin, "POST", &path, &refund).await.expect(202);
    let gift = json!({ "user_id": customer.id, "days": 3, "reason": "@SUM(1)", "idempotency_key": "g" });
    world.confirmed(&admin, "POST", "/api/admin/subscriptions/grant", &gift).await.expect(201);
    world.drain().await;
    let refunds = export(&world, &admin, "refunds/export").await;
    assert!(refunds.header("content-type").unwrap().starts_with("text/csv"));
    assert_eq!(refunds.header("content-disposition"), Some("attachment; filename=\"refunds.csv\""));
    let line = &read(&refunds.text)[0];
    assert_eq!((line["reason"].as_str(), line["amount"].as_str()), (format!("'{formula}").as_str(), "0.05"));
    let periods = read(&export(&world, &admin, "subscriptions/export").await.text);
    assert_eq!(periods.len(), 2);
    assert_eq!((periods[1]["granted_for"].as_str(), periods[1]["payment_id"].as_str()), ("'@SUM(1)", ""));
    let payments = read(&export(&world, &admin, "payments/export").await.text);
    assert_eq!(
        (payments[0]["amount"].as_str(), payments[0]["status"].as_str()),
        ("59.99", "partially_refunded")
    );
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'export.taken'").await, 3);
    let unbounded = world.get_by(&admin.person, "/api/admin/journal?from=2026-01-01").await;
    assert_eq!(unbounded.body["errors"][0]["pointer"], "/to", "{}", unbounded.text);
    world.finish().await;
}

#[tokio::test]
async fn a_table_longer_than_a_batch_has_each_line_once() {
    let world = World::new().await;
    let admin = world.staff("boss", Role::Admin).await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k", "signaux-monthly").await;
    // Two thousand five hundred more, all booked at the same instant: the hardest place to go on from.
    world
        .sql(
            "INSERT INTO movements (payment_id, kind, amount_minor, booked_at, value_at)
             SELECT id, CASE n % 2 WHEN 0 THEN 'refund' ELSE 'dispute_won' END, CASE n % 2 WHEN 0 THEN -1 ELSE 1 END,
                    recorded_at, recorded_at
             FROM payments, generate_series(1, 2500) AS n",
        )
        .await;
    let lines = read(&export(&world, &admin, "journal").await.text);
    assert_eq!(lines.len(), 2_501);
    assert_eq!(number(&lines[2_500]["running_total_minor"]), 5_999);
    world.finish().await;
}
