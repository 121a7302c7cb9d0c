//! Reading the evidence from one snapshot of the database.

use domain::ids::WebhookEventId;
use domain::time::Instant;
use secrecy::ExposeSecret;
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{EvidenceError, EvidenceRequest, File, Subject};
use crate::app::App;
use crate::billing::BODY;
use crate::incident::IncidentError;

/// The most lines of a file: an archive is made in memory.
const MAX_LINES: i64 = 100_000;

/// What the statements are asked with.
struct Scope {
    user: Option<Uuid>,
    payment: Option<Uuid>,
    from: Option<Instant>,
    to: Option<Instant>,
}

/// One file: the lines that its statement finds.
macro_rules! file {
    ($name:literal, $sql:literal, $db:expr, $scope:expr) => {
        lines(
            $name,
            sqlx::query_file_scalar!(
                $sql,
                $scope.user,
                $scope.payment,
                $scope.from,
                $scope.to,
                MAX_LINES + 1
            )
            .fetch_all(&mut *$db)
            .await?,
        )?
    };
}

/// Every file but the log's.
pub(super) async fn files(app: &App, request: &EvidenceRequest) -> Result<Vec<File>, IncidentError> {
    let (user, payment) = match request.subject {
        Subject::Period => (None, None),
        Subject::User(user) => (Some(user.uuid()), None),
        Subject::Payment(payment) => (None, Some(payment.uuid())),
    };
    let scope = Scope { user, payment, from: request.from, to: request.to };
    let mut snapshot = app.db().begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    must_exist(&mut snapshot, &scope).await?;
    let mut files = about_money(&mut snapshot, &scope).await?;
    files.extend(about_people(&mut snapshot, &scope).await?);
    if request.with_bodies {
        files.push(bodies(app, &mut snapshot, &scope).await?);
    }
    snapshot.rollback().await?;
    Ok(files)
}

async fn must_exist(db: &mut PgConnection, scope: &Scope) -> Result<(), IncidentError> {
    let known = sqlx::query_scalar!(
        r#"SELECT ($1::uuid IS NULL OR EXISTS (SELECT FROM users WHERE id = $1))
              AND ($2::uuid IS NULL OR EXISTS (SELECT FROM payments WHERE id = $2)) AS "known!""#,
        scope.user,
        scope.payment
    )
    .fetch_one(db)
    .await?;
    if known { Ok(()) } else { Err(EvidenceError::NoSuchSubject.into()) }
}

async fn about_money(db: &mut PgConnection, scope: &Scope) -> Result<Vec<File>, IncidentError> {
    Ok(vec![
        file!("audit_log.jsonl", "src/incident/evidence/sql/audit_log.sql", db, scope),
        file!("payments.jsonl", "src/incident/evidence/sql/payments.sql", db, scope),
        file!("refunds.jsonl", "src/incident/evidence/sql/refunds.sql", db, scope),
        file!("webhook_events.jsonl", "src/incident/evidence/sql/webhook_events.sql", db, scope),
        file!("quarantine.jsonl", "src/incident/evidence/sql/quarantine.sql", db, scope),
        file!("periods.jsonl", "src/incident/evidence/sql/periods.sql", db, scope),
        file!("alerts.jsonl", "src/incident/evidence/sql/alerts.sql", db, scope),
    ])
}

async fn about_people(db: &mut PgConnection, scope: &Scope) -> Result<Vec<File>, IncidentError> {
    Ok(vec![
        file!("accounts.jsonl", "src/incident/evidence/sql/accounts.sql", db, scope),
        file!("sessions.jsonl", "src/incident/evidence/sql/sessions.sql", db, scope),
        file!("devices.jsonl", "src/incident/evidence/sql/devices.sql", db, scope),
        file!("api_keys.jsonl", "src/incident/evidence/sql/api_keys.sql", db, scope),
        file!("telegram_bindings.jsonl", "src/incident/evidence/sql/telegram_bindings.sql", db, scope),
        file!("messages.jsonl", "src/incident/evidence/sql/messages.sql", db, scope),
    ])
}

/// What the callbacks said, opened.
async fn bodies(app: &App, db: &mut PgConnection, scope: &Scope) -> Result<File, IncidentError> {
    let rows = sqlx::query!(
        "SELECT id, body_encrypted FROM webhook_events
         WHERE ($1::uuid IS NULL OR payment_id IN (SELECT id FROM payments WHERE user_id = $1))
           AND ($2::uuid IS NULL OR payment_id = $2)
           AND ($3::timestamptz IS NULL OR received_at >= $3) AND ($4::timestamptz IS NULL OR received_at < $4)
         ORDER BY id LIMIT $5",
        scope.user,
        scope.payment,
        scope.from,
        scope.to,
        MAX_LINES + 1
    )
    .fetch_all(db)
    .await?;
    let said = rows.iter().map(|row| {
        // Retention empties bodies, and a lost key closes them: the line says so instead of failing the whole.
        let body = app.keys().open_text(&BODY, row.id, &row.body_encrypted);
        let body = body.ok().map(|body| body.expose_secret().to_owned());
        json!({ "id": WebhookEventId::from_uuid(row.id), "body": body }).to_string()
    });
    Ok(lines("webhook_bodies.jsonl", said.collect())?)
}

fn lines(name: &'static str, lines: Vec<String>) -> Result<File, EvidenceError> {
    let count = lines.len() as u64;
    if count > MAX_LINES.unsigned_abs() {
        return Err(EvidenceError::TooMuch(name));
    }
    let mut bytes = Vec::with_capacity(lines.iter().map(|line| line.len() + 1).sum());
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    Ok(File { name, bytes, lines: count })
}
