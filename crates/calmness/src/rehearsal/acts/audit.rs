//! The audit log is held to its chain, and an edit of its owner is found.

use serde_json::{Value, json};

use crate::rehearsal::http::{Failure, Played, demand, list, same, until};
use crate::rehearsal::operators::{Admin, done};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

pub(super) async fn verified(world: &World, report: &mut Report, admin: &Admin) -> Scene {
    let on_machine = async {
        let output = world.command(&["audit", "verify"], "").await?;
        done(&output)?;
        Ok(((), String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    };
    report.telling_step("`calmness audit verify` finds nothing", on_machine).await?;
    let asked = async {
        let verified = admin.post("/api/admin/audit/verify", &json!({})).await?;
        same("the chain holds", verified["ok"].as_bool(), Some(true))?;
        demand(verified["entries"].as_i64() > Some(0), || format!("nothing was looked at: {verified}"))
    };
    report.step("the same is said to an admin who asks", asked).await?;
    let edited = edited(world);
    report.step("the database's owner edits one entry: it is named; put back, all fits again", edited).await
}

/// Edits the confirmation of the account, looks, and puts it back whatever was found.
async fn edited(world: &World) -> Played<()> {
    let entry: i64 = until("an entry is sealed", async || {
        let found = "SELECT audit_chain.entry_id
                     FROM audit_chain
                     JOIN audit_logs ON audit_logs.id = audit_chain.entry_id
                     WHERE audit_logs.action = 'setting.cooling'
                     ORDER BY audit_chain.position
                     LIMIT 1";
        Ok(sqlx::query_scalar(found).fetch_optional(&world.owner).await?)
    })
    .await?;
    let original: Value = sqlx::query_scalar("SELECT details FROM audit_logs WHERE id = $1")
        .bind(entry)
        .fetch_one(&world.owner)
        .await?;
    let mut forged = original.clone();
    forged["reason"] = json!("nothing to see here");
    write(world, entry, &forged).await?;
    let looked = world.command(&["audit", "verify", "--json"], "").await;
    write(world, entry, &original).await?;
    let looked = looked?;
    same("exit code", looked.status.code(), Some(1))?;
    let told: Value = serde_json::from_slice(&looked.stdout)
        .map_err(|error| Failure::of("the report of `audit verify`", &error))?;
    let findings = list(&told, "/findings");
    let named = findings.iter().any(|finding| finding["kind"] == "changed" && finding["entry"] == entry);
    demand(named, || format!("entry {entry} is not named: {told}"))?;
    done(&world.command(&["audit", "verify"], "").await?)
}

async fn write(world: &World, entry: i64, details: &Value) -> Played<()> {
    let written = sqlx::query("UPDATE audit_logs SET details = $2 WHERE id = $1").bind(entry).bind(details);
    same("entries that were written", written.execute(&world.owner).await?.rows_affected(), 1)
}
