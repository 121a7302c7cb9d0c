//! Reads the configuration from its sources.

use std::fs::File;
use std::path::{Path, PathBuf};

use figment::Figment;

use super::keys::{KEYS, Key};
use super::source::Source;
use super::{Config, ConfigError, Environment, environment};

/// The configuration file that is read when none is named.
const FILE: &str = "calmness.toml";

/// Where the configuration is read from.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The configuration file. `None` takes `calmness.toml` in `folder`, if there is one.
    pub file: Option<PathBuf>,
    /// The folder of `calmness.toml` and `.env`, which the paths in variables start from.
    pub folder: PathBuf,
    /// The environment.
    pub variables: Vec<(String, String)>,
}

impl LoadOptions {
    /// The sources of this process: its environment and its working folder.
    pub fn of_this_process(file: Option<PathBuf>) -> Self {
        Self { file, folder: PathBuf::new(), variables: environment::variables() }
    }
}

impl Config {
    /// Reads the configuration: `calmness.toml`, above it in development `.env`, above it the environment.
    pub fn load(options: LoadOptions) -> Result<Self, ConfigError> {
        let mut sources = Vec::new();
        let usual = options.folder.join(FILE);
        match options.file {
            Some(file) => sources.push(Source::toml(&file)?),
            None if usual.exists() => sources.push(Source::toml(&usual)?),
            None => {}
        }
        sources.push(Source::variables(options.variables, "the environment", &options.folder)?);
        let mut config = Self::merge(&sources)?;
        let env_file = options.folder.join(".env");
        if !env_file.is_file() {
            return Ok(config);
        }
        if config.environment != Environment::Development {
            config.ignored_env_file = Some(env_file);
            return Ok(config);
        }
        let above = sources.len() - 1;
        sources.insert(above, read_env_file(&env_file, &options.folder)?);
        Self::merge(&sources)
    }

    /// Where the value of a key came from, as a person would say it; `None` for a default.
    pub fn origin(&self, key: &str) -> Option<&str> {
        self.origins.get(key).map(String::as_str)
    }

    /// Merges sources, the strongest last.
    fn merge(sources: &[Source]) -> Result<Self, ConfigError> {
        let figment = sources.iter().fold(Figment::new(), Figment::merge);
        let origins = sources.iter().flat_map(Source::origins).collect();
        match figment.extract::<Self>() {
            Ok(config) => Ok(Self { origins, ..config }),
            Err(error) => {
                let key = guilty(&error.path);
                let path = key.map_or_else(|| error.path.join("."), |key| key.path.to_owned());
                let origin =
                    origins.get(path.as_str()).cloned().unwrap_or_else(|| "the configuration".to_owned());
                let expected = key.map_or("another value", |key| key.expected);
                Err(ConfigError::Invalid { key: path, origin, expected })
            }
        }
    }
}

/// The key at the place of an error, which may lie inside a list.
fn guilty(path: &[String]) -> Option<&'static Key> {
    (0..=path.len()).rev().find_map(|depth| {
        let path = path[..depth].join(".");
        KEYS.iter().find(|key| key.path == path)
    })
}

fn read_env_file(path: &Path, folder: &Path) -> Result<Source, ConfigError> {
    let read = |source| ConfigError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(read)?;
    let mut variables = Vec::new();
    for (index, entry) in dotenvy::from_read_iter(file).enumerate() {
        variables.push(entry.map_err(|error| match error {
            dotenvy::Error::Io(source) => read(source),
            _ => ConfigError::EnvFile { path: path.to_owned(), entry: index + 1 },
        })?);
    }
    let source = Source::variables(variables, &path.display().to_string(), folder)?;
    if source.gives("environment") {
        return Err(ConfigError::EnvironmentInEnvFile { path: path.to_owned() });
    }
    Ok(source)
}
