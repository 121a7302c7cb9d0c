//! The invariants by name: for each one something breaks it, and exactly that one is named.

use application::invariants;
use time::Duration;

use crate::support::World;

/// Each invariant with a statement that breaks it, for a customer who bought and is inside the channel.
const BREAKS: [(&str, &str); 12] = [
    (
        "one_charge_per_payment",
        "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
         SELECT occurred_at, business_at, actor_kind, action, subject_kind, subject_id
         FROM audit_logs WHERE action = 'payment.settled'",
    ),
    ("settled_payments_have_their_period", "UPDATE periods SET payment_id = NULL"),
    ("time_adds_up", "UPDATE periods SET length_us = length_us + 1"),
    (
        "periods_do_not_overlap",
        "INSERT INTO periods (id, subscription_id, plan_code, position, length_us, starts_at, ends_at, state, bought_at)
         SELECT gen_random_uuid(), subscription_id, plan_code, 1, 3600000000, starts_at + interval '1 hour',
                starts_at + interval '2 hours', 'live', bought_at
         FROM periods",
    ),
    (
        "books_add_up",
        "INSERT INTO movements (payment_id, kind, amount_minor, booked_at, value_at)
         SELECT id, 'refund', -1, recorded_at, recorded_at FROM payments",
    ),
    ("status_is_what_the_facts_say", "UPDATE payments SET status = 'refunded'"),
    ("settled_is_verified", "UPDATE audit_logs SET actor_kind = 'system' WHERE action = 'payment.settled'"),
    (
        "nobody_inside_without_access",
        "UPDATE bindings SET bound_at = bound_at - interval '1 hour', ended_at = now() - interval '10 minutes'",
    ),
    (
        "no_entitled_request_waits",
        "UPDATE memberships SET observed = 'outside', join_requested_at = now() - interval '5 minutes';
         UPDATE periods SET starts_at = starts_at - interval '1 hour', ends_at = ends_at - interval '1 hour';
         UPDATE subscriptions SET ends_at = ends_at - interval '1 hour'",
    ),
    (
        "messages_are_sent_once",
        "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
         SELECT occurred_at, business_at, actor_kind, action, subject_kind, subject_id
         FROM audit_logs WHERE action = 'notification.sent'",
    ),
    ("settled_payments_are_audited_once", "DELETE FROM audit_logs WHERE action = 'payment.created'"),
    ("details_are_encrypted", "UPDATE admin_config SET value_encrypted = convert_to(repeat('plain ', 20), 'UTF8')"),
];

/// The tables refuse most of this by themselves, which is another thing than to notice it.
const WITHOUT_CHECKS: &str = "DO $$
    DECLARE found record;
    BEGIN
        FOR found IN SELECT conrelid::regclass AS on_table, conname FROM pg_constraint
                     WHERE contype = 'c' AND connamespace = 'public'::regnamespace
        LOOP
            EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.on_table, found.conname);
        END LOOP;
    END $$";

/// The tables that are broken here.
const TABLES: [&str; 9] = [
    "webhook_events",
    "periods",
    "payments",
    "audit_logs",
    "bindings",
    "memberships",
    "subscriptions",
    "admin_config",
    "movements",
];

async fn keep(world: &World) {
    for table in TABLES {
        world.sql(&format!("CREATE TABLE kept_{table} AS TABLE {table}")).await;
    }
}

async fn restore(world: &World) {
    let counted = ["audit_logs", "movements"];
    let overriding = |table: &str| if counted.contains(&table) { " OVERRIDING SYSTEM VALUE" } else { "" };
    let refill = TABLES.map(|table| {
        format!(
            "DELETE FROM {table}; INSERT INTO {table}{} TABLE kept_{table}; DROP TABLE kept_{table};",
            overriding(table)
        )
    });
    // Without its own rules and keys for a moment: the copies are whole.
    world
        .sql(&format!(
            "SET session_replication_role = replica; {} RESET session_replication_role",
            refill.concat()
        ))
        .await;
}

#[tokio::test]
async fn whatever_breaks_an_invariant_is_named_and_nothing_else() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    assert_eq!(world.broken_invariants().await, []);
    world.sql(WITHOUT_CHECKS).await;
    for (name, statement) in BREAKS {
        keep(&world).await;
        assert!(world.sql(statement).await > 0, "{name}");
        let found = world.broken_invariants().await;
        let mut names: Vec<&str> = found.iter().map(|(name, _)| *name).collect();
        if name == "one_charge_per_payment" {
            // Settled twice is audited twice as well.
            names.retain(|named| *named != "settled_payments_are_audited_once");
        }
        assert_eq!(names, [name], "{found:?}");
        assert!(!found[0].1.is_empty());
        restore(&world).await;
        assert_eq!(world.broken_invariants().await, [], "after {name}");
    }
    world.abandon().await;
}

#[tokio::test]
async fn every_invariant_has_something_here_that_breaks_it() {
    let world = World::new().await;
    let findings = invariants::check(&world.owner, world.now().await).await.unwrap();
    let names: Vec<&str> = findings.iter().map(|finding| finding.name).collect();
    assert_eq!(names, BREAKS.map(|(name, _)| name));
    assert!(findings.iter().all(|finding| !finding.demand.is_empty()));
    world.finish().await;
}

#[tokio::test]
async fn overdue_work_is_told_line_by_line() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    let payment = world.open(&customer, "k1", "signaux-weekly").await;
    world.move_clock(Duration::minutes(5)).await;
    let due = world.due().await;
    assert_eq!(due, [format!("payment {} to be asked about", payment["id"].as_str().unwrap())]);
    world.drain().await;
    assert_eq!(world.due().await, Vec::<String>::new());
    world.finish().await;
}
