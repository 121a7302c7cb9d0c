//! `keys status`: the inventory (SEC-32), without a single key.

use std::process::ExitCode;

use application::App;
use application::keys::{DataKeyView, KeyService, KeysView, SigningKeyView};
use domain::time::Instant;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use crate::cli::Outcome;
use crate::terminal;

pub(super) async fn status(app: &App, count: bool, as_json: bool) -> Outcome {
    app.look_at_key_service().await?;
    let view = app.keys_view(count).await?;
    if as_json {
        terminal::say(&document(&view).to_string());
    } else {
        for line in lines(&view) {
            terminal::say(&line);
        }
    }
    let answers = view.service == KeyService::Answers;
    Ok(if answers { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn lines(view: &KeysView) -> Vec<String> {
    let mut lines = vec![format!("environment  {}", view.environment)];
    lines.push(match &view.service {
        KeyService::Answers => format!("key service  {}: answers", view.backend),
        KeyService::Away { since, why } | KeyService::Closed { since, why } => {
            format!("key service  {}: last answered {}: {why}", view.backend, instant(*since))
        }
    });
    lines.push("derived from the secret key:".to_owned());
    for purpose in &view.derived {
        lines.push(format!("  {:<28} {}", purpose.info(), purpose.description()));
    }
    lines.push("data keys:".to_owned());
    lines.extend(view.data_keys.iter().map(data_key));
    lines.push("keys of access tokens:".to_owned());
    lines.extend(view.jwt_keys.iter().map(jwt_key));
    lines
}

fn data_key(key: &DataKeyView) -> String {
    let rows = key.rows.map(|rows| format!("  {rows} values")).unwrap_or_default();
    format!("  {}  {}  under {} of {}  {} seals{rows}", key.id, state(key), key.kek, key.backend, key.seals)
}

fn state(key: &DataKeyView) -> String {
    match (key.revoked_at, key.retired_at) {
        (Some(at), _) => format!("revoked {}", instant(at)),
        (None, _) if key.seals_now => format!("seals since {}", instant(key.seals_from)),
        (None, Some(at)) => format!("only opens since {}", instant(at)),
        (None, None) => format!("seals from {}", instant(key.seals_from)),
    }
}

fn jwt_key(key: &SigningKeyView) -> String {
    let state = match key.revoked_at {
        Some(at) => format!("revoked {}", instant(at)),
        None => format!("signs from {}", instant(key.signs_from)),
    };
    format!("  {}  {state}", key.kid)
}

fn document(view: &KeysView) -> Value {
    let service = match &view.service {
        KeyService::Answers => json!({ "status": "ok" }),
        KeyService::Away { since, why } => {
            json!({ "status": "away", "last_answered_at": instant(*since), "why": why })
        }
        KeyService::Closed { since, why } => {
            json!({ "status": "closed", "last_answered_at": instant(*since), "why": why })
        }
    };
    let data_keys = view.data_keys.iter().map(|key| {
        json!({
            "id": key.id, "seals_now": key.seals_now, "backend": key.backend, "kek": key.kek,
            "created_at": instant(key.created_at), "seals_from": instant(key.seals_from),
            "retired_at": key.retired_at.map(instant), "revoked_at": key.revoked_at.map(instant),
            "seals": key.seals, "rows": key.rows,
        })
    });
    let jwt_keys = view.jwt_keys.iter().map(|key| {
        json!({
            "kid": key.kid, "created_at": instant(key.created_at), "signs_from": instant(key.signs_from),
            "revoked_at": key.revoked_at.map(instant),
        })
    });
    json!({
        "environment": view.environment,
        "backend": view.backend,
        "service": service,
        "derived": view.derived.iter().map(|purpose| purpose.info()).collect::<Vec<_>>(),
        "data_keys": data_keys.collect::<Vec<_>>(),
        "jwt_keys": jwt_keys.collect::<Vec<_>>(),
    })
}

fn instant(at: Instant) -> String {
    at.format(&Rfc3339).unwrap_or_else(|_| at.unix_timestamp().to_string())
}
