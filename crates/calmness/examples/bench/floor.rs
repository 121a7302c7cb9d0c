//! The floor: pgbench runs the product's own statements, prepared, over the same address, under the same role.
//!
//! The statements are read from where the compiler checked them. Their parameters become what pgbench can say:
//! numbers that count up, and texts around them. Those few expressions cost the floor about a microsecond each.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;

use crate::Fallible;
use crate::process::{command, output};
use crate::world::{OWNED_BY, USERS, World};

const SLACK: Duration = Duration::from_secs(20);

/// The hot paths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Floor {
    Init,
    Webhook,
    Subscription,
}

/// The id of the `:i`-th thing of a kind, as text that grows with `:i` like an id of the product's.
fn id_text(kind: &str) -> String {
    format!("('0199000{kind}-0000-7000-8000-' || lpad(to_hex(:i::bigint), 12, '0'))")
}

fn id(kind: &str) -> String {
    format!("{}::uuid", id_text(kind))
}

/// The same text with the number in it, as long as the product's.
fn numbered(prefix: &str) -> String {
    format!("('{prefix}' || lpad(:i::text, 30, '0'))")
}

impl Floor {
    /// The script for pgbench. Each client takes every `:clients`-th number.
    pub(crate) fn script(self) -> Fallible<String> {
        let counting = "\\set n :n + 1\n\\set i :first + :n * :clients + :client_id\n";
        Ok(match self {
            Self::Init => {
                let sql = fs::read_to_string("crates/application/src/billing/init.sql")?;
                format!("{counting}{};\n", filled(&sql, &init_values())?)
            }
            Self::Webhook => {
                let read = checked_query(&["event_known!", "FROM payments", "LEFT JOIN subscriptions"])?;
                let write = fs::read_to_string("crates/application/src/billing/settle.sql")?;
                let read = filled(&read, &[id("1"), text("hmac_psp"), numbered("evt_")])?;
                format!("{counting}{read};\n{};\n", filled(&write, &settle_values())?)
            }
            Self::Subscription => {
                let sql =
                    checked_query(&["starts_at_us!", "AND subscriptions.channel = $2", "ORDER BY position"])?;
                let counting = "\\set i random(0, :users - 1)\n";
                format!("{counting}{};\n", filled(&sql, &[id("0"), text("signaux")])?)
            }
        })
    }
}

fn text(word: &str) -> String {
    format!("'{word}'")
}

fn init_values() -> Vec<String> {
    let url = format!(
        "https://pay.bench.example/v1/checkout?payment_id={}&amount=5999&currency=EUR&return_url={}&expires_at={}\
         &nonce={}&sig={}",
        "0".repeat(36),
        "r".repeat(96),
        "2030-01-01T00%3A00%3A00.000000Z",
        "0".repeat(32),
        "0".repeat(64)
    );
    let details = r#"{"plan_code":"signaux-monthly","provider":"hmac_psp","amount":5999,"currency":"EUR"}"#;
    vec![
        id("1"),
        id("0"),
        text("signaux-monthly"),
        text("signaux"),
        "30".to_owned(),
        text("hmac_psp"),
        "5999".to_owned(),
        text("EUR"),
        "(now() + interval '30 minutes')".to_owned(),
        text(&url),
        text(&"0".repeat(32)),
        text("awaiting"),
        "now()".to_owned(),
        "(now() + interval '5 seconds')".to_owned(),
        numbered("bench-"),
        format!("'\\x{}'::bytea", "ab".repeat(32)),
        "NULL::timestamptz".to_owned(),
        text("pending"),
        text("awaiting"),
        "now()".to_owned(),
        text("user"),
        id_text("0"),
        text(&"0".repeat(32)),
        // A person's address stands beside the entry.
        "NULL::text".to_owned(),
        format!("'{details}'::jsonb"),
        text("live"),
        "NULL::jsonb".to_owned(),
        "NULL::text".to_owned(),
        "NULL::bytea".to_owned(),
        "NULL::timestamptz".to_owned(),
        format!("'\\x{}'::bytea", "cd".repeat(32)),
        "NULL::uuid".to_owned(),
        format!("'\\x{}'::bytea", "ef".repeat(32)),
        text(r#"{"address":"10.20.0.1"}"#),
    ]
}

fn settle_values() -> Vec<String> {
    let details = r#"{"status_before":"pending","status":"succeeded","amount":5999,"currency":"EUR"}"#;
    let extended = r#"{"payment":"01990001-0000-7000-8000-000000000000","period_state":"live","ends_at_us":1893456000000000}"#;
    let month = "(now() + interval '30 days')".to_owned();
    vec![
        id("1"),
        "1".to_owned(),
        id("2"),
        month.clone(),
        "(now() + interval '28 days')".to_owned(),
        month,
        "now()".to_owned(),
        "0".to_owned(),
        numbered("psp_"),
        "now()".to_owned(),
        id("3"),
        text("hmac_psp"),
        numbered("evt_"),
        text("payment.succeeded"),
        format!("'\\x{}'::bytea", "ab".repeat(320)),
        "now()".to_owned(),
        id("4"),
        "0".to_owned(),
        "2592000000000".to_owned(),
        "now()".to_owned(),
        text(&"0".repeat(32)),
        text("10.20.0.1"),
        format!("'{details}'"),
        format!("'{extended}'"),
        id("5"),
        format!("('payment_confirmed:' || {})", id_text("1")),
        format!("'{extended}'::jsonb"),
        numbered("tx_"),
    ]
}

/// The statement that the compiler checked and that has all these words.
fn checked_query(words: &[&str]) -> Fallible<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(".sqlx")? {
        let checked: Value = serde_json::from_slice(&fs::read(entry?.path())?)?;
        let query = checked["query"].as_str().unwrap_or_default();
        if words.iter().all(|word| query.contains(word)) {
            found.push(query.to_owned());
        }
    }
    match <[String; 1]>::try_from(found) {
        Ok([query]) => Ok(query),
        Err(found) => Err(format!("{} statements have {words:?}: the floor needs one", found.len()).into()),
    }
}

/// Puts the values in place of `$1`, `$2` …, the highest first so that `$1` spares `$12`.
fn filled(sql: &str, values: &[String]) -> Fallible<String> {
    let mut filled: Vec<&str> = sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    filled.retain(|line| !line.trim().is_empty());
    let mut filled = filled.join("\n");
    for (index, value) in values.iter().enumerate().rev() {
        filled = filled.replace(&format!("${}", index + 1), value);
    }
    if filled.contains('$') { Err("a parameter of the floor has no value".into()) } else { Ok(filled) }
}

/// One turn of pgbench.
pub(crate) struct Turn<'a> {
    pub(crate) script: &'a Path,
    pub(crate) first: u32,
    pub(crate) connections: u32,
    pub(crate) seconds: u32,
}

/// What pgbench did.
#[derive(Clone, Copy)]
pub(crate) struct Done {
    pub(crate) transactions: u32,
    pub(crate) per_second: f64,
}

impl Turn<'_> {
    pub(crate) async fn run(self, world: &World) -> Fallible<Done> {
        let options: PgConnectOptions = world.database_url.expose_secret().parse()?;
        let mut pgbench = command(&world.arguments.pgbench);
        pgbench.env("PGPASSFILE", &world.passwords).env("PGSSLMODE", "disable");
        // The product acts under this role, too.
        pgbench.env("PGOPTIONS", format!("-c role={}", application::database::SERVICE_ROLE));
        pgbench.args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--host=127.0.0.1"]);
        pgbench.arg(format!("--port={}", options.get_port())).arg(format!("--username={OWNED_BY}"));
        pgbench.arg(format!("--client={}", self.connections)).arg(format!("--time={}", self.seconds));
        pgbench.arg("--define=n=-1").arg(format!("--define=first={}", self.first));
        pgbench.arg(format!("--define=clients={}", self.connections));
        pgbench.arg(format!("--define=users={USERS}"));
        pgbench.arg("--file").arg(self.script).arg(options.get_database().unwrap_or_default());
        let said = output(pgbench, Duration::from_secs(self.seconds.into()) + SLACK).await?;
        let number = |prefix: &str| {
            let rest = said.lines().find_map(|line| line.strip_prefix(prefix));
            rest.and_then(|rest| rest.split_whitespace().next())
                .ok_or_else(|| format!("pgbench does not tell {prefix:?}"))
        };
        let failed: u32 = number("number of failed transactions:")?.parse()?;
        if failed > 0 || said.contains("aborted") {
            return Err(format!("pgbench failed {failed} transactions").into());
        }
        Ok(Done {
            transactions: number("number of transactions actually processed:")?.parse()?,
            per_second: number("tps =")?.parse()?,
        })
    }
}

/// Writes the script of a floor.
pub(crate) fn write(world: &World, floor: Floor) -> Fallible<PathBuf> {
    let name = match floor {
        Floor::Init => "init.pgbench",
        Floor::Webhook => "webhook.pgbench",
        Floor::Subscription => "subscription.pgbench",
    };
    let path = world.folder.join(name);
    fs::write(&path, floor.script()?)?;
    Ok(path)
}
