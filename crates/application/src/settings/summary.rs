//! What a change of a setting changes, field by field: secrets as fingerprints, receiving addresses in full.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{Key, store};
use crate::approvals::{Change, Summary};
use crate::keys::Keys;

/// From one value to another.
pub(super) fn summary(
    keys: &Keys,
    key: Key,
    before: Option<&SecretString>,
    after: Option<&SecretString>,
) -> Summary {
    let (before, after) = (fields(keys, key, before), fields(keys, key, after));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort();
    names.dedup();
    let change = |name: &String| Change {
        field: name.clone(),
        before: before.get(name).cloned(),
        after: after.get(name).cloned(),
    };
    let changes = names.into_iter().map(change);
    // Of a receiving address everything is shown: a payer reads all of it.
    let changes = changes.filter(|change| key.is_receiving() || change.before != change.after);
    Summary { subject: key.as_str().to_owned(), changes: changes.collect() }
}

fn fields(keys: &Keys, key: Key, value: Option<&SecretString>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let Some(value) = value else { return found };
    let document = key.provider().and_then(|_| serde_json::from_str::<Value>(value.expose_secret()).ok());
    if let Some(document) = document {
        flatten("", &document, &mut found);
        if key.is_secret() {
            for (path, text) in &mut found {
                if !is_shown(path) {
                    let leaf = SecretString::from(std::mem::take(text));
                    *text = format!("fingerprint {}", store::fingerprint(keys, key, &leaf));
                }
            }
        }
        return found;
    }
    if key.is_secret() {
        let fingerprint = store::fingerprint(keys, key, value);
        found.insert(key.as_str().to_owned(), format!("fingerprint {fingerprint}"));
        return found;
    }
    found.insert(key.as_str().to_owned(), value.expose_secret().to_owned());
    found
}

/// Whether a field of a provider's document says where money goes or how it is asked for, and is no secret. Every other one
/// stands as a fingerprint.
fn is_shown(path: &str) -> bool {
    const SHOWN: [&str; 8] = [
        "base_url",
        "store_id",
        "mode",
        "currencies",
        "networks",
        "request_signing",
        "target_environment",
        "webhook_id",
    ];
    path.split('.').next().is_some_and(|field| SHOWN.contains(&field))
}

/// `{"addresses": [{"currency": "BTC"}]}` is `addresses.0.currency`.
fn flatten(path: &str, value: &Value, found: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(&below(name), value, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(&below(&index.to_string()), value, found);
            }
        }
        Value::String(text) => drop(found.insert(path.to_owned(), text.clone())),
        other => drop(found.insert(path.to_owned(), other.to_string())),
    }
}
