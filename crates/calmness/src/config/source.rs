//! One source of settings: a file or a set of variables, read into values by key.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::ConfigError;
use super::keys::{FILE_SUFFIX, KEYS, Key, Kind, PREFIX, find, is_section, nearest};

/// The longest file that a secret may stand in, in bytes.
const MAX_SECRET_FILE: u64 = 64 * 1024;

/// The values that one source gives, with where each stands.
#[derive(Debug, Default)]
pub(super) struct Source {
    values: BTreeMap<&'static str, (Value, String)>,
}

impl Source {
    /// Reads a TOML file.
    pub(super) fn toml(path: &Path) -> Result<Self, ConfigError> {
        let text =
            fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        // Not the parser's own report: that one shows the line, and in it perhaps a secret.
        let values: Dict = Toml::from_str(&text).map_err(|error| ConfigError::Syntax {
            path: path.to_owned(),
            line: 1 + text[..error.span().map_or(0, |span| span.start)].matches('\n').count(),
            message: error.message().to_owned(),
        })?;
        let mut source = Self::default();
        let folder = path.parent().unwrap_or(Path::new(""));
        source.add_table("", values, &path.display().to_string(), folder)?;
        Ok(source)
    }

    fn add_table(
        &mut self,
        section: &str,
        table: Dict,
        origin: &str,
        folder: &Path,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let path = if section.is_empty() { name } else { format!("{section}.{name}") };
            match (find(&path), value) {
                (Some((key, false)), value) => self.add(key, value, origin.to_owned())?,
                (Some((key, true)), Value::String(_, file)) => {
                    self.add_file(key, &folder.join(file), format!("{path} in {origin}"))?;
                }
                (Some((_, true)), _) => {
                    return Err(ConfigError::Invalid {
                        key: path,
                        origin: origin.to_owned(),
                        expected: "a path",
                    });
                }
                (None, Value::Dict(_, inner)) if is_section(&path) => {
                    self.add_table(&path, inner, origin, folder)?;
                }
                (None, _) if is_section(&path) => {
                    let expected = "a section with settings in it";
                    return Err(ConfigError::Invalid { key: path, origin: origin.to_owned(), expected });
                }
                (None, _) => {
                    let nearest = nearest(&path).map(|key| key.path.to_owned());
                    return Err(ConfigError::Unknown { name: path, origin: origin.to_owned(), nearest });
                }
            }
        }
        Ok(())
    }

    /// Takes our settings out of variables; those of other programs are left alone, and an empty one counts as absent.
    pub(super) fn variables(
        variables: impl IntoIterator<Item = (String, String)>,
        place: &str,
        folder: &Path,
    ) -> Result<Self, ConfigError> {
        let mut source = Self::default();
        for (name, text) in variables {
            let Some((key, is_file)) = by_variable(&name, place)? else { continue };
            if text.trim().is_empty() {
                continue;
            }
            let origin = format!("{name} in {place}");
            if is_file {
                source.add_file(key, &folder.join(text), origin)?;
            } else {
                source.add(key, parse(key.kind, text), origin)?;
            }
        }
        Ok(source)
    }

    fn add(&mut self, key: &'static Key, value: Value, origin: String) -> Result<(), ConfigError> {
        match self.values.insert(key.path, (value, origin.clone())) {
            None => Ok(()),
            Some((_, first)) => Err(ConfigError::Twice { key: key.path, first, second: origin }),
        }
    }

    fn add_file(&mut self, key: &'static Key, path: &Path, origin: String) -> Result<(), ConfigError> {
        let mut text = String::new();
        let read = fs::File::open(path).and_then(|file| file.take(MAX_SECRET_FILE).read_to_string(&mut text));
        if let Err(source) = read {
            return Err(ConfigError::SecretFile { key: key.path, origin, path: PathBuf::from(path), source });
        }
        let value = match key.kind {
            Kind::Secrets => list(text.lines()),
            _ => Value::from(text.trim_end_matches(['\r', '\n']).to_owned()),
        };
        self.add(key, value, origin)
    }

    /// Whether this source gives a key.
    pub(super) fn gives(&self, key: &str) -> bool {
        self.values.contains_key(key)
    }

    /// Each key that this source gives, with where it stands.
    pub(super) fn origins(&self) -> impl Iterator<Item = (&'static str, String)> {
        self.values.iter().map(|(key, (_, origin))| (*key, origin.clone()))
    }
}

impl Provider for Source {
    fn metadata(&self) -> Metadata {
        Metadata::named("settings")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let mut root = Dict::new();
        for (path, (value, _)) in &self.values {
            let mut parts: Vec<&str> = path.split('.').collect();
            let name = parts.pop().unwrap_or_default();
            let mut table = &mut root;
            for part in parts {
                let inner = table.entry(part.to_owned()).or_insert_with(|| Value::from(Dict::new()));
                let Value::Dict(_, inner) = inner else {
                    return Err(figment::Error::from(format!("{part} is a key and a section")));
                };
                table = inner;
            }
            table.insert(name.to_owned(), value.clone());
        }
        Ok(Map::from([(Profile::Default, root)]))
    }
}

/// The key that a variable gives, and whether it names a file; `None` for other programs' variables.
fn by_variable(name: &str, place: &str) -> Result<Option<(&'static Key, bool)>, ConfigError> {
    let file_suffix = FILE_SUFFIX.to_uppercase();
    for key in KEYS {
        if let Some(rest) = key.alias.and_then(|alias| name.strip_prefix(alias))
            && (rest.is_empty() || rest == file_suffix)
        {
            return Ok(Some((key, !rest.is_empty())));
        }
    }
    let Some(rest) = name.strip_prefix(PREFIX) else { return Ok(None) };
    let path = rest.to_lowercase().replace("__", ".");
    match find(&path) {
        Some(found) => Ok(Some(found)),
        None => Err(ConfigError::Unknown {
            name: name.to_owned(),
            origin: place.to_owned(),
            nearest: nearest(&path).map(Key::variable),
        }),
    }
}

/// What a text means for a kind of key. What it can't mean stays text, and is refused later by name.
fn parse(kind: Kind, text: String) -> Value {
    let trimmed = text.trim();
    match kind {
        Kind::Text => Value::from(trimmed.to_owned()),
        Kind::Secret => Value::from(text),
        Kind::Flag => trimmed.parse::<bool>().map_or(Value::from(text.clone()), Value::from),
        Kind::Number => trimmed.parse::<u64>().map_or(Value::from(text.clone()), Value::from),
        Kind::List | Kind::Secrets => list(text.split(',')),
    }
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> Value {
    let items = items.map(str::trim).filter(|item| !item.is_empty());
    Value::from(items.map(|item| Value::from(item.to_owned())).collect::<Vec<Value>>())
}
