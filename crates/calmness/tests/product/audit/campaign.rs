//! The campaign: the owner of the tables changes, deletes, inserts and reorders, and is found each time (SEC-54).

use std::collections::BTreeMap;

use application::audit::Anchors;
use application::database::{self, Rights};
use application::{Context, audit};
use crypto::random::{SeededRandom, bytes};
use scoped_futures::ScopedFutureExt;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgPool};

use super::{seal, verify, verify_in};
use crate::support::World;

/// So many attacks.
const ATTACKS: usize = 1_000;

/// Where a position of the sealed part stands: `$n` becomes a number drawn anew.
const ENTRY: &str = "(SELECT entry_id FROM audit_chain ORDER BY position OFFSET $a LIMIT 1)";
const OTHER: &str = "(SELECT entry_id FROM audit_chain ORDER BY position OFFSET $b LIMIT 1)";

/// Kinds of attack, as statements of the owner. `{entry}`, `{other}`, `{position}`, `{seal}`, `{number}` and `{hex}` are drawn.
const KINDS: &[(&str, &str)] = &[
    ("edit", "UPDATE audit_logs SET action = action || '_x' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET actor_kind = CASE actor_kind WHEN 'system' THEN 'operator' ELSE 'system' END, address = NULL WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET actor_id = COALESCE(actor_id, '') || '{number}' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET subject_kind = subject_kind || 's' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET subject_id = '{number}' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET user_id = gen_random_uuid() WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET request_id = CASE WHEN request_id IS NULL THEN '' END WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET occurred_at = occurred_at + interval '1 microsecond' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET business_at = business_at - interval '1 microsecond' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET details = details || '{\"amount\": {number}}' WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET xact_id = (xact_id::text::bigint + 1)::text::xid8 WHERE id = {entry}"),
    ("edit", "UPDATE audit_logs SET personal_hash = decode('{hex}', 'hex') WHERE id = {entry}"),
    ("edit and hash", "WITH edited AS (UPDATE audit_logs SET subject_id = '{number}' WHERE id = {entry} RETURNING id)
        UPDATE audit_chain SET hash = decode('{hex}', 'hex') FROM edited WHERE entry_id = id"),
    ("delete entry", "DELETE FROM audit_logs WHERE id = {entry}"),
    ("delete position", "DELETE FROM audit_chain WHERE position = {position}"),
    ("delete both", "WITH gone AS (DELETE FROM audit_logs WHERE id = {entry} RETURNING id)
        DELETE FROM audit_chain USING gone WHERE entry_id = id"),
    ("delete and close up", "DELETE FROM audit_logs WHERE id = (SELECT entry_id FROM audit_chain WHERE position = {position});
        DELETE FROM audit_chain WHERE position = {position};
        UPDATE audit_chain SET position = position + 1000000 WHERE position > {position};
        UPDATE audit_chain SET position = position - 1000001 WHERE position > 1000000"),
    ("delete seal", "DELETE FROM audit_seals WHERE number = {seal}"),
    ("cut the end", "DELETE FROM audit_logs USING audit_chain, audit_seals
            WHERE id = entry_id AND number = {seal} AND position >= first_position;
        DELETE FROM audit_chain USING audit_seals WHERE number = {seal} AND position >= first_position;
        DELETE FROM audit_seals WHERE number >= {seal}"),
    ("cut the beginning", "DELETE FROM audit_logs USING audit_chain, audit_seals
            WHERE id = entry_id AND number = {seal} AND position < first_position + entries;
        DELETE FROM audit_chain USING audit_seals WHERE number = {seal} AND position < first_position + entries;
        INSERT INTO audit_checkpoints SELECT number, first_position + entries - 1, hash, now(), now(), kid, signature
            FROM audit_seals WHERE number = {seal};
        DELETE FROM audit_seals WHERE number <= {seal}"),
    ("insert entry", "INSERT INTO audit_logs (xact_id, occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
        SELECT xact_id, occurred_at, business_at, 'user', 'payment.settled', 'payment', '{number}'
        FROM audit_logs WHERE id = {entry}"),
    ("insert future entry", "INSERT INTO audit_logs (xact_id, occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
        SELECT '900000000000'::xid8, occurred_at, business_at, 'user', 'payment.settled', 'payment', '{number}'
        FROM audit_logs WHERE id = {entry}"),
    ("insert position", "INSERT INTO audit_chain SELECT max(position) + 1, -1, decode('{hex}', 'hex') FROM audit_chain"),
    ("insert between", "UPDATE audit_chain SET position = position + 1000000 WHERE position > {position};
        UPDATE audit_chain SET position = position - 999999 WHERE position > 1000000;
        WITH made AS (INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
            SELECT occurred_at, business_at, 'user', 'payment.settled', 'payment', '{number}'
            FROM audit_logs ORDER BY id LIMIT 1 RETURNING id)
        INSERT INTO audit_chain SELECT {position} + 1, id, decode('{hex}', 'hex') FROM made"),
    ("reorder", "UPDATE audit_chain SET position = -position WHERE false;
        ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_position_check;
        UPDATE audit_chain SET position = -position WHERE entry_id IN ({entry}, {other});
        UPDATE audit_chain SET position = (SELECT -sum(position) FROM audit_chain WHERE position < 0) + position
            WHERE position < 0"),
    ("reorder entries", "ALTER TABLE audit_chain DROP CONSTRAINT audit_chain_entry_id_key;
        UPDATE audit_chain SET entry_id = CASE entry_id WHEN {entry} THEN {other} ELSE {entry} END
            WHERE entry_id IN ({entry}, {other})"),
    ("edit seal", "UPDATE audit_seals SET first_position = first_position + 1 WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET entries = entries + 1 WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET previous = decode('{hex}', 'hex') WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET hash = decode('{hex}', 'hex') WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET horizon = (horizon::text::bigint + 1)::text::xid8 WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET epoch = epoch || '0' WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET sealed_at = sealed_at - interval '1 microsecond' WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET kid = '{number}' WHERE number = {seal}"),
    ("edit seal", "UPDATE audit_seals SET number = number + 1000 WHERE number = {seal}"),
    ("edit signature", "UPDATE audit_seals SET signature = set_byte(signature, {number} % 64, (get_byte(signature, {number} % 64) + 1) % 256)
        WHERE number = {seal}"),
    ("edit hash", "UPDATE audit_chain SET hash = decode('{hex}', 'hex') WHERE position = {position}"),
    ("edit personal", "UPDATE audit_personal SET content = content || ' ' WHERE entry_id = {personal}"),
    ("edit personal", "UPDATE audit_personal SET salt = decode('{hex}', 'hex') WHERE entry_id = {personal}"),
    ("delete personal", "DELETE FROM audit_personal WHERE entry_id = {personal}"),
    ("move personal", "UPDATE audit_personal SET entry_id = entry_id + 1000000 WHERE entry_id = {personal}"),
    ("insert personal", "INSERT INTO audit_personal (entry_id, salt, content) SELECT id, decode('{hex}', 'hex'), '{}'
        FROM audit_logs WHERE personal_hash IS NULL ORDER BY id OFFSET {number} % 10 LIMIT 1"),
];

struct Draw(SeededRandom);

impl Draw {
    /// From `least` to `most`.
    fn between(&self, least: i64, most: i64) -> i64 {
        let drawn = u64::from_be_bytes(bytes(&self.0)) % u64::try_from(most - least + 1).unwrap();
        least + i64::try_from(drawn).unwrap()
    }

    fn statement(&self, template: &str, size: &Size) -> String {
        let drawn: [u8; 32] = bytes(&self.0);
        let (one, mut two) = (self.between(0, size.positions - 1), self.between(0, size.positions - 1));
        if one == two {
            two = (two + 1) % size.positions;
        }
        let personal = format!(
            "(SELECT entry_id FROM audit_personal ORDER BY entry_id OFFSET {} LIMIT 1)",
            self.between(0, size.personal - 1)
        );
        template
            .replace("{entry}", &ENTRY.replace("$a", &one.to_string()))
            .replace("{other}", &OTHER.replace("$b", &two.to_string()))
            .replace("{position}", &self.between(1, size.positions).to_string())
            .replace("{seal}", &self.between(1, size.seals).to_string())
            .replace("{personal}", &personal)
            .replace("{number}", &self.between(1, 1_000_000).to_string())
            .replace("{hex}", &crate::support::hex(&drawn))
    }
}

struct Size {
    positions: i64,
    seals: i64,
    personal: i64,
}

async fn attack(db: &PgPool, statement: &str) -> bool {
    let done = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(db).await;
    done.unwrap_or_else(|error| panic!("{error}: {statement}")).rows_affected() > 0
}

#[tokio::test]
async fn sec_54_a_thousand_attacks_before_the_last_anchor_are_all_found() {
    let world = World::new().await;
    for (number, name) in ["awa", "binta", "cheikh", "diarra"].into_iter().enumerate() {
        world.member(name, 7_001 + i64::try_from(number).unwrap()).await;
        seal(&world).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("anchors.jsonl");
    let head = world.app.audit_head().await.unwrap().unwrap();
    Anchors::new(Some(file.clone())).keep(&head, world.wall()).await.unwrap();
    // One connection: what an attack does is seen by what verifies, and taken back with the transaction.
    let url = world.config().database.url.clone().unwrap();
    let thief = database::connect(&url, Rights::OfLogin, 1).await.unwrap();
    let untouched = verify_in(&world, &thief, Some(&file)).await;
    assert!(untouched.holds() && untouched.anchors == 1, "{untouched:?}");
    let size = Size {
        positions: world.count("SELECT max(position) FROM audit_chain").await,
        seals: head.number,
        personal: world.count("SELECT count(*) FROM audit_personal").await,
    };
    assert!(size.seals >= 4 && size.positions > 30 && size.personal > 8);
    let (draw, mut found) = (Draw(SeededRandom::new(54)), BTreeMap::<&str, usize>::new());
    let mut number = 0;
    while found.values().sum::<usize>() < ATTACKS {
        let (kind, template) = KINDS[number % KINDS.len()];
        number += 1;
        let statement = draw.statement(template, &size);
        attack(&thief, "BEGIN").await;
        let touched = attack(&thief, &statement).await;
        let report = verify_in(&world, &thief, Some(&file)).await;
        attack(&thief, "ROLLBACK").await;
        // Some draws meet nothing, such as a seal without entries to cut.
        if touched {
            assert!(!report.holds(), "{kind} was not found: {statement}");
            assert!(report.findings.iter().all(|finding| !finding.says.is_empty()));
            *found.entry(kind).or_default() += 1;
        }
        assert!(number < 2 * ATTACKS, "too many attacks meet nothing: {found:?}");
    }
    println!("{} attacks, all found: {found:?}", found.values().sum::<usize>());
    assert!(verify_in(&world, &thief, Some(&file)).await.holds(), "each was taken back");
    thief.close().await;
    world.finish().await;
}

#[tokio::test]
async fn sec_54_what_is_wrong_is_named_exactly() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    seal(&world).await;
    let at = "SELECT entry_id FROM audit_chain WHERE position = 3";
    let (entry, seal_of) = (
        world.count(at).await,
        world
            .count(
                "SELECT number FROM audit_seals WHERE 3 >= first_position AND 3 < first_position + entries",
            )
            .await,
    );
    world.sql("UPDATE audit_logs SET subject_id = 'x' WHERE id = (SELECT entry_id FROM audit_chain WHERE position = 3)").await;
    let report = verify(&world).await;
    let expected =
        format!("changed seal {seal_of} position 3 entry {entry}: the entry is not what was sealed");
    assert_eq!(report.findings.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    world.sql(&format!("DELETE FROM audit_logs WHERE id = {entry}")).await;
    let report = verify(&world).await;
    let expected = format!("missing seal {seal_of} position 3 entry {entry}: the entry is gone");
    assert_eq!(report.findings[0].to_string(), expected);
    world.abandon().await;
}

#[tokio::test]
async fn sec_54_an_entry_that_claims_to_be_old_is_sealed_where_it_came_and_found() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    seal(&world).await;
    world
        .sql(
            "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
         VALUES (now() - interval '1 hour', now(), 'operator', 'user.unfrozen', 'user', 'x')",
        )
        .await;
    seal(&world).await;
    let report = verify(&world).await;
    assert_eq!((report.wrong, report.findings[0].kind), (1, audit::Kind::Inserted), "{report:?}");
    world.abandon().await;
}

#[tokio::test]
async fn a_broken_chain_raises_one_alert_and_the_company_is_told() {
    let world = World::new().await;
    world.member("awa", 7_001).await;
    seal(&world).await;
    world.sql("UPDATE audit_logs SET subject_id = 'x' WHERE id = (SELECT entry_id FROM audit_chain WHERE position = 3)").await;
    let admin = world.admin().await;
    for _ in 0..2 {
        let told = world.by(&admin.person, "POST", "/api/admin/audit/verify", &json!({})).await.expect(200);
        assert_eq!(told.body["ok"], false);
        assert_eq!(told.body["findings"][0]["kind"], "changed");
        assert_eq!(told.body["findings"][0]["position"], 3);
    }
    let alerts = world.rows("SELECT kind, occurrences FROM alerts").await;
    assert_eq!(alerts, [json!({ "kind": "audit_broken", "occurrences": 2 })]);
    world.abandon().await;
}

#[tokio::test]
async fn sec_54_an_entry_that_waits_too_long_for_its_seal_raises_an_alert() {
    let world = World::setup().with_worker().start().await;
    // A transaction that never ends holds the sealer up.
    let url = world.config().database.url.clone().unwrap();
    let stuck = database::connect(&url, Rights::OfLogin, 1).await.unwrap();
    attack(&stuck, "SET idle_in_transaction_session_timeout = 0; BEGIN; SELECT pg_current_xact_id()").await;
    world
        .sql(
            "INSERT INTO audit_logs (occurred_at, business_at, actor_kind, action, subject_kind, subject_id)
         VALUES (now() - interval '2 minutes', now(), 'system', 'test.waiting', 'test', 'x')",
        )
        .await;
    let context = Context::system("test");
    let raised = async || {
        let entry = || audit::Entry {
            action: "test.noted",
            subject_kind: "test",
            subject_id: "x".to_owned(),
            user: None,
            details: json!({}),
        };
        world
            .app
            .tx("note", &context, |tx| async move { audit::record(tx, entry()).await }.scope_boxed())
            .await
            .unwrap();
        world.app.raise_if_unsealed().await.unwrap();
        world.count("SELECT count(*) FROM alerts WHERE kind = 'audit_unsealed'").await == 1
    };
    world.until("the alert is there", raised).await;
    attack(&stuck, "ROLLBACK").await;
    stuck.close().await;
    world.abandon().await;
}
