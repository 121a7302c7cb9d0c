//! Those who run the place: admins with an app, and the operator's commands on the machine.

use std::path::Path;
use std::process::{Output, Stdio};

use crypto::fingerprint::sha256;
use crypto::totp::TotpSecret;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::authenticator;
use super::http::{self, Door, Failure, Played, Reply, demand, same, text};
use super::world::World;
use crate::demo::Account;

/// An admin who is logged in with an app that may approve actions.
pub(super) struct Admin {
    pub(super) door: Door,
    pub(super) email: String,
    pub(super) password: String,
    pub(super) secret: TotpSecret,
    tokens: Value,
}

impl Admin {
    /// Sets up an app, has the operator vouch for it, and logs in with it.
    pub(super) async fn secure(world: &World, account: &Account) -> Played<Self> {
        let door = world.door.clone();
        let tokens = log_in(&door, &account.email, &account.password).await?.expect(200)?.body;
        let as_owner = async |path: &str, body: &Value| {
            let asked = door.ask(Method::POST, path).bearer_auth(text(&tokens, "/access_token")?);
            Ok::<_, Failure>(http::send(asked.json(body)).await?.expect(200)?.body)
        };
        let enrolled = as_owner("/api/auth/totp/enroll", &json!({ "password": account.password })).await?;
        let secret = authenticator::secret(&text(&enrolled, "/secret")?)?;
        let code = secret.code_at(authenticator::present_step());
        as_owner("/api/auth/totp/confirm", &json!({ "code": code })).await?;
        done(&world.command(&["user", "trust-factors", &account.email], "").await?)?;
        let (email, password) = (account.email.clone(), account.password.clone());
        let mut admin = Self { door: door.clone(), email, password, secret, tokens };
        let asked = log_in(&door, &admin.email, &admin.password).await?.expect(200)?.body;
        same("a code is asked for", asked["mfa_required"].as_bool(), Some(true))?;
        let code = admin.next_code(world).await?;
        let body = json!({ "mfa_token": asked["mfa_token"], "method": "totp", "code": code });
        let verified = door.ask(Method::POST, "/api/auth/mfa/verify").json(&body);
        admin.tokens = http::send(verified).await?.expect(200)?.body;
        Ok(admin)
    }

    pub(super) fn access_token(&self) -> Played<String> {
        text(&self.tokens, "/access_token")
    }

    pub(super) async fn get(&self, path: &str) -> Played<Value> {
        let asked = self.door.ask(Method::GET, path).bearer_auth(self.access_token()?);
        Ok(http::send(asked).await?.expect(200)?.body)
    }

    /// Asks for something that needs no permission of its own.
    pub(super) async fn post(&self, path: &str, body: &Value) -> Played<Value> {
        let asked = self.door.ask(Method::POST, path).bearer_auth(self.access_token()?);
        Ok(http::send(asked.json(body)).await?.expect(200)?.body)
    }

    /// Asks for what needs permission, with a code of the app for exactly that.
    pub(super) async fn permitted(
        &self,
        world: &World,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Played<Reply> {
        let permission = self.permission(world, &method, path, body).await?;
        let asked = self.door.ask(method, path).bearer_auth(self.access_token()?);
        http::send(asked.header("step-up", permission).json(body)).await
    }

    /// Permission for one request.
    pub(super) async fn permission(
        &self,
        world: &World,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Played<String> {
        let code = self.next_code(world).await?;
        let given = self.ask_permission(&self.door, method, path, body, &code).await?.expect(200)?;
        text(&given.body, "/step_up_token")
    }

    /// What asking for permission with a code is answered, from wherever.
    pub(super) async fn ask_permission(
        &self,
        from: &Door,
        method: &Method,
        path: &str,
        body: &Value,
        code: &str,
    ) -> Played<Reply> {
        let hash = hex::encode(sha256(body.to_string().as_bytes()));
        let ask = json!({ "method": method.as_str(), "path": path, "body_sha256": hash, "code": code });
        let asked = from.ask(Method::POST, "/api/auth/step-up").bearer_auth(self.access_token()?);
        http::send(asked.json(&ask)).await
    }

    /// Exchanges the tokens for the next ones.
    pub(super) async fn refresh(&mut self) -> Played<()> {
        let body = json!({ "refresh_token": self.tokens["refresh_token"] });
        let asked = self.door.ask(Method::POST, "/api/auth/refresh").json(&body);
        self.tokens = http::send(asked).await?.expect(200)?.body;
        Ok(())
    }

    /// A code that was not shown before. An app has one every half minute: so that nobody waits for it, the earlier ones
    /// are taken for older than they are.
    async fn next_code(&self, world: &World) -> Played<String> {
        sqlx::query(
            "UPDATE totp_factors
             SET last_step = last_step - 100
             WHERE user_id = (SELECT id FROM users WHERE email = $1)",
        )
        .bind(&self.email)
        .execute(&world.owner)
        .await?;
        Ok(self.secret.code_at(authenticator::present_step()))
    }
}

/// The password, from a device that nobody knows.
pub(super) async fn log_in(door: &Door, email: &str, password: &str) -> Played<Reply> {
    let body = json!({ "email": email, "password": password });
    http::send(door.ask(Method::POST, "/api/auth/login").json(&body)).await
}

/// Runs a command of this program, with a demo's configuration and nothing of our environment.
pub(super) async fn command(config: &Path, arguments: &[&str], typed: &str) -> Played<Output> {
    let failed = |error: std::io::Error| Failure::of("a command of this program", &error);
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .arg("--config")
        .arg(config)
        .args(arguments)
        .env_clear()
        .current_dir(config.parent().unwrap_or(Path::new("/")))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = child.stdin.take() {
        // A command that reads nothing may have closed it already.
        let _not_read = input.write_all(typed.as_bytes()).await;
    }
    child.wait_with_output().await.map_err(failed)
}

/// A command that ended well.
pub(super) fn done(output: &Output) -> Played<()> {
    demand(output.status.success(), || {
        format!("a command ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr))
    })
}
