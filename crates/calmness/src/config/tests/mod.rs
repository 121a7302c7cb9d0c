//! The configuration, read from real files in throw-away folders and from lists of variables.

mod example;
mod findings;
mod keeping;
mod loading;
mod sms;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::{Config, ConfigError, LoadOptions};

/// A secret that must show up nowhere.
const CANARY: &str = "canary-Xu7-Qm2-Tz9-Lw4-Kp6-Rj3-Vb8-Nd5-Hs1";

/// A folder with some files in it.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a file");
    }
    folder
}

fn load(folder: &Path, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Config::load(LoadOptions { file: None, folder: folder.to_owned(), variables })
}

/// The configuration of one file and some variables.
fn config(toml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load(folder(&[("calmness.toml", toml)]).path(), variables)
}

/// An error and its causes, as a program would print them.
fn report(error: &ConfigError) -> String {
    let causes = std::iter::successors(std::error::Error::source(error), |error| error.source());
    causes.fold(format!("{error} {error:?}"), |text, cause| format!("{text}: {cause} {cause:?}"))
}
