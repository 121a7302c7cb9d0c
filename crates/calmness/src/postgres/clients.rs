//! PostgreSQL's own client programs, `pg_dump` and `pg_restore`: which one to run, and how it finds its database.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};

use super::run::run;
use super::{Error, binaries};
use crate::config::environment;

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(20);
/// The variables of ours that a program needs to run at all. None of our secrets is among them.
const KEPT_VARIABLES: [&str; 3] = ["PATH", "LD_LIBRARY_PATH", "TMPDIR"];

/// A client program that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    program: PathBuf,
    /// Its major version.
    pub(crate) major: u32,
}

impl Client {
    /// The oldest one of a name that is at least of this version: a program reads what is older than itself, never
    /// what is newer. `given` is the folder of a setting, else they are looked for.
    pub(crate) async fn find(name: &'static str, at_least: u32, given: Option<&Path>) -> Result<Self, Error> {
        let found = Self::all(name, given).await;
        let fits = found.iter().filter(|client| client.major >= at_least).min_by_key(|client| client.major);
        match fits {
            Some(client) => Ok(client.clone()),
            None => {
                Err(Error::NoClient { name, at_least, newest: found.iter().map(|client| client.major).max() })
            }
        }
    }

    /// The newest one of a name: it reads the most.
    pub(crate) async fn newest(name: &'static str, given: Option<&Path>) -> Option<Self> {
        Self::all(name, given).await.into_iter().max_by_key(|client| client.major)
    }

    async fn all(name: &str, given: Option<&Path>) -> Vec<Self> {
        let folders = match given {
            Some(folder) => vec![folder.to_owned()],
            None => binaries::folders(environment::search_path(), Path::new("")),
        };
        let mut found = Vec::new();
        for folder in folders {
            found.extend(Self::at(folder.join(name)).await);
        }
        found
    }

    async fn at(program: PathBuf) -> Option<Self> {
        if !program.is_file() {
            return None;
        }
        let mut command = tokio::process::Command::new(&program);
        command.arg("--version").env("LC_ALL", "C").current_dir("/");
        let finished = run(command, LIMIT).await.ok()?;
        let major = binaries::major(&finished.output)?;
        Some(Self { program, major })
    }

    /// The program with the database of an address as its own. The address is in its environment, never among its
    /// arguments, which every process of the machine can read.
    pub(crate) fn command(&self, database: &SecretString) -> Option<Command> {
        let connection = connection(database)?;
        let mut command = self.offline_command();
        command.envs(connection);
        Some(command)
    }

    /// The program without any database.
    pub(crate) fn offline_command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear().env("LC_ALL", "C");
        let ours = environment::variables();
        command.envs(ours.into_iter().filter(|(name, _)| KEPT_VARIABLES.contains(&name.as_str())));
        command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command
    }
}

/// What PostgreSQL's programs read of an address.
fn connection(database: &SecretString) -> Option<Vec<(&'static str, OsString)>> {
    let url: Url = database.expose_secret().parse().ok()?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return None;
    }
    let mut variables: Vec<(&'static str, OsString)> = vec![("PGAPPNAME", "calmness backup".into())];
    let mut add = |name, text: &str| {
        if !text.is_empty() {
            variables.push((name, text.into()));
        }
    };
    add("PGHOST", &decoded(url.host_str().unwrap_or_default().trim_matches(['[', ']']))?);
    add("PGPORT", &url.port().map(|port| port.to_string()).unwrap_or_default());
    add("PGUSER", &decoded(url.username())?);
    add("PGPASSWORD", &decoded(url.password().unwrap_or_default())?);
    add("PGDATABASE", &decoded(url.path().trim_start_matches('/'))?);
    for (name, value) in url.query_pairs() {
        let variable = match &*name {
            "host" => "PGHOST",
            "port" => "PGPORT",
            "user" => "PGUSER",
            "password" => "PGPASSWORD",
            "dbname" => "PGDATABASE",
            "sslmode" | "ssl-mode" => "PGSSLMODE",
            "sslrootcert" | "ssl-root-cert" | "ssl-ca" => "PGSSLROOTCERT",
            "sslcert" | "ssl-cert" => "PGSSLCERT",
            "sslkey" | "ssl-key" => "PGSSLKEY",
            _ => continue,
        };
        add(variable, &value);
    }
    Some(variables)
}

/// Without its `%XX`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            bytes.push(u8::from_str_radix(std::str::from_utf8(tail.get(..2)?).ok()?, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(url: &str) -> Option<Vec<(&'static str, String)>> {
        let read = connection(&SecretString::from(url))?;
        Some(read.into_iter().skip(1).map(|(name, value)| (name, value.into_string().unwrap())).collect())
    }

    #[test]
    fn an_address_becomes_what_postgresql_reads_from_its_environment() {
        let all =
            "postgres://us%40er:p%25a%2Fss@db.example:6432/sales?sslmode=verify-full&sslrootcert=/ca.pem";
        let expected = [
            ("PGHOST", "db.example"),
            ("PGPORT", "6432"),
            ("PGUSER", "us@er"),
            ("PGPASSWORD", "p%a/ss"),
            ("PGDATABASE", "sales"),
            ("PGSSLMODE", "verify-full"),
            ("PGSSLROOTCERT", "/ca.pem"),
        ];
        assert_eq!(variables(all).unwrap(), expected.map(|(name, value)| (name, value.to_owned())));
        let socket = variables("postgres:///sales?host=/run/postgresql").unwrap();
        assert_eq!(socket, [("PGDATABASE", "sales".to_owned()), ("PGHOST", "/run/postgresql".to_owned())]);
        assert_eq!(variables("postgres://[::1]/a").unwrap()[0], ("PGHOST", "::1".to_owned()));
        assert_eq!(variables("https://db.example/sales"), None);
    }

    #[tokio::test]
    async fn sec_28_no_argument_of_a_program_holds_a_password_and_no_variable_our_other_secrets() {
        let client = Client { program: "/usr/bin/pg_dump".into(), major: 15 };
        let command = client.command(&SecretString::from("postgres://a:canary-password@b/c")).unwrap();
        assert!(command.get_args().next().is_none());
        let names: Vec<_> = command.get_envs().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
        let known = |name: &String| {
            name.starts_with("PG") || name == "LC_ALL" || KEPT_VARIABLES.contains(&name.as_str())
        };
        assert!(names.iter().all(known), "{names:?}");
    }

    #[tokio::test]
    async fn a_program_that_is_older_than_the_server_is_refused_with_what_was_found() {
        let refused = Client::find("pg_dump", 900, None).await.unwrap_err().to_string();
        assert!(refused.contains("pg_dump of PostgreSQL 900 or newer"), "{refused}");
        let none = Client::find("pg_dump", 15, Some(Path::new("/nowhere"))).await.unwrap_err().to_string();
        assert!(none.contains("none was found"), "{none}");
    }
}
