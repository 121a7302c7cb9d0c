//! Running the program with nothing of our environment.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use crate::support::{Answer, Call, World, client};

/// A folder to run in.
pub(crate) struct Program {
    folder: TempDir,
}

/// What a finished run left.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn command(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_calmness"));
        command.args(arguments).env_clear().envs(variables.iter().copied());
        command.current_dir(self.folder.path()).kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub(crate) async fn run(&self, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Run {
        let mut command = self.command(arguments, variables);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A program that ends before it has read everything is no failure here.
        drop(stdin.write_all(input.as_bytes()).await);
        drop(stdin);
        let ended = tokio::time::timeout(Duration::from_secs(20), child.wait_with_output()).await;
        let Output { status, stdout, stderr } = ended.unwrap().unwrap();
        Run {
            code: status.code().unwrap_or(-1),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Runs without input and variables.
    pub(crate) async fn say(&self, arguments: &[&str]) -> Run {
        self.run(arguments, &[], "").await
    }

    /// With the configuration of a world, for commands beside it.
    pub(crate) async fn command_of(world: &World, arguments: &[&str]) -> Run {
        let program = Self::new();
        let database = world.config().database.url.clone().unwrap();
        let written = world.configuration(&world.base, "127.0.0.1:0", &database);
        let config = program.write("calmness.toml", &written);
        let arguments = [&["--config", config.to_str().unwrap()], arguments].concat();
        program.run(&arguments, &[], "").await
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

/// The program as a server beside a world: the same database, the same peers, another address.
pub(crate) struct Server {
    program: Program,
    config: PathBuf,
    pub(crate) base: String,
    child: Child,
    http: reqwest::Client,
}

impl Server {
    pub(crate) async fn start(world: &World, options: &[&str]) -> Self {
        let address = free_address();
        let public = format!("http://{address}");
        let database = world.config().database.url.clone().unwrap();
        Self::start_at(world, &address, &public, &database, options).await
    }

    /// As one more instance of the same product: people know it by the same address.
    pub(crate) async fn beside(world: &World, database: &SecretString) -> Self {
        Self::start_at(world, &free_address(), &world.base, database, &["--no-worker"]).await
    }

    async fn start_at(
        world: &World,
        address: &str,
        public: &str,
        database: &SecretString,
        options: &[&str],
    ) -> Self {
        let program = Program::new();
        let base = format!("http://{address}");
        let config = program.write("calmness.toml", &world.configuration(public, address, database));
        let child = spawn(&program, &config, options);
        let mut server = Self { program, config, base, child, http: client() };
        server.until_ready().await;
        server
    }

    pub(crate) fn config(&self) -> &Path {
        &self.config
    }

    /// As a power cut would: no chance to tidy up.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub(crate) async fn start_again(&mut self, options: &[&str]) {
        self.child = spawn(&self.program, &self.config, options);
        self.until_ready().await;
    }

    /// The most that was ever resident of it, in KiB.
    pub(crate) fn highest_memory_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id().unwrap())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn call(&self, method: &str, path: &str) -> Call<'static> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        Call::elsewhere(self.http.request(method, format!("{}{path}", self.base)))
    }

    pub(crate) async fn log_in(&self, email: &str) -> String {
        let body = json!({ "email": email, "password": crate::support::PASSWORD });
        let tokens: Answer = self.call("POST", "/api/auth/login").json(&body).send().await.expect(200);
        tokens.text_of("access_token").to_owned()
    }

    async fn until_ready(&mut self) {
        for _ in 0..1_000 {
            let ready = self.http.get(format!("{}/readyz", self.base)).send().await;
            if ready.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the server ended: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not become ready: {}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.program.folder.path().join("server.log")).unwrap_or_default()
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().to_string()
}

fn spawn(program: &Program, config: &Path, options: &[&str]) -> Child {
    let log =
        std::fs::OpenOptions::new().create(true).append(true).open(program.folder.path().join("server.log"));
    let mut command = program.command(&["--config", config.to_str().unwrap(), "serve"], &[]);
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.unwrap());
    command.spawn().unwrap()
}

impl World {
    /// A configuration file for the program on this world's database and peers.
    fn configuration(&self, base: &str, bind: &str, database: &SecretString) -> String {
        let text = |secret: &Option<SecretString>| secret.as_ref().unwrap().expose_secret().to_owned();
        let config = self.config();
        let psp = &config.providers.hmac_psp;
        let sections = [
            (
                "",
                json!({ "environment": "development", "public_url": base, "secret_key": text(&config.secret_key), "sandbox": true }),
            ),
            ("server", json!({ "bind": bind })),
            ("database", json!({ "url": database.expose_secret(), "max_connections": 5 })),
            ("mail", json!({ "smtp_url": text(&config.mail.smtp_url), "from": config.mail.from })),
            (
                "telegram",
                json!({
                    "api_url": config.telegram.api_url.as_str(),
                    "bot_token": text(&config.telegram.bot_token),
                    "webhook_secret": text(&config.telegram.webhook_secret),
                }),
            ),
            (
                "providers.hmac_psp",
                json!({
                    "enabled": true,
                    "base_url": psp.base_url.as_ref().unwrap().as_str(),
                    "request_secrets": [psp.request_secrets[0].expose_secret()],
                    "webhook_secrets": [psp.webhook_secrets[0].expose_secret()],
                    "link_secret": text(&psp.link_secret),
                    "currencies": ["EUR", "XOF", "XAF"],
                }),
            ),
        ];
        let mut written = String::new();
        for (name, values) in sections {
            if !name.is_empty() {
                writeln!(written, "[{name}]").unwrap();
            }
            // Strings, booleans and lists of strings are written in TOML as in JSON.
            for (key, value) in values.as_object().unwrap() {
                writeln!(written, "{key} = {value}").unwrap();
            }
        }
        written
    }
}
