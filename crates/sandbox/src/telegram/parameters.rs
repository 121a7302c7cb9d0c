//! Parameters of a Bot API call, from the query, a form or a JSON body. As in the real server all are texts; each method reads
//! the type it wants.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::Value;

/// What a method answers when it can't do its work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    pub(crate) description: String,
    /// Seconds, for 429.
    pub(crate) retry_after: Option<u32>,
}

impl ApiError {
    pub(crate) fn bad_request(text: impl AsRef<str>) -> Self {
        Self { code: 400, description: format!("Bad Request: {}", text.as_ref()), retry_after: None }
    }

    pub(crate) fn forbidden(text: impl AsRef<str>) -> Self {
        Self { code: 403, description: format!("Forbidden: {}", text.as_ref()), retry_after: None }
    }

    pub(crate) fn conflict(text: impl AsRef<str>) -> Self {
        Self { code: 409, description: format!("Conflict: {}", text.as_ref()), retry_after: None }
    }

    pub(crate) fn plain(code: u16, text: &str) -> Self {
        Self { code, description: text.to_owned(), retry_after: None }
    }
}

/// The named texts of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Merges the query with the body.
    pub(crate) fn read(query: Option<&str>, content_type: &str, body: &[u8]) -> Result<Self, ApiError> {
        let mut found = Self::default();
        if let Some(query) = query {
            found.add_form(query);
        }
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if body.is_empty() {
            return Ok(found);
        }
        if kind == "application/json" {
            match serde_json::from_slice(body) {
                Ok(Value::Object(members)) => found.add_json(members),
                _ => return Err(ApiError::bad_request("can't parse JSON object")),
            }
        } else if kind.starts_with("multipart/") {
            return Err(ApiError::bad_request("the simulated server takes JSON and url-encoded forms only"));
        } else {
            found.add_form(&String::from_utf8_lossy(body));
        }
        Ok(found)
    }

    /// From the JSON object with which a webhook's answer may call a method.
    pub(crate) fn from_json(members: serde_json::Map<String, Value>) -> Self {
        let mut found = Self::default();
        found.add_json(members);
        found
    }

    fn add_form(&mut self, form: &str) {
        // The URL parser knows the encoding; the address around it is only a vessel.
        let Ok(mut vessel) = Url::parse("http://form/") else { return };
        vessel.set_query(Some(form));
        self.0.extend(vessel.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())));
    }

    fn add_json(&mut self, members: serde_json::Map<String, Value>) {
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    self.0.insert(name, text);
                }
                other => {
                    self.0.insert(name, other.to_string());
                }
            }
        }
    }

    /// What the log of calls shows: everything but secrets.
    pub(crate) fn shown(&self) -> BTreeMap<String, String> {
        let shorten = |value: &str| value.chars().take(500).collect::<String>();
        self.0
            .iter()
            .take(50)
            .map(|(name, value)| {
                let hidden = name == "secret_token" || name == "token";
                (shorten(name), if hidden { "…".to_owned() } else { shorten(value) })
            })
            .collect()
    }

    /// A text that isn't empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|text| text.trim().parse().ok())
    }

    /// As the real server reads booleans.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "true" | "yes" | "1"))
    }

    pub(crate) fn user_id(&self) -> Result<i64, ApiError> {
        self.integer("user_id")
            .filter(|id| *id > 0)
            .ok_or_else(|| ApiError::bad_request("invalid user_id specified"))
    }

    pub(crate) fn chat_id(&self) -> Result<i64, ApiError> {
        let text = self.text("chat_id").ok_or_else(|| ApiError::bad_request("chat_id is empty"))?;
        // Names of public chats exist in the real world only.
        text.trim().parse().map_err(|_| ApiError::bad_request("chat not found"))
    }

    /// A list of texts given as JSON.
    pub(crate) fn list(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        serde_json::from_str(text)
            .map(Some)
            .map_err(|_| ApiError::bad_request(format!("can't parse {name} JSON object")))
    }
}
