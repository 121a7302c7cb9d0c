//! An account under attack: passwords and codes are guessed, a refresh token is stolen. Its owner keeps working and the
//! attacker gets nothing.

use std::net::{IpAddr, Ipv4Addr};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rehearsal::authenticator::{fresh_step, secret};
use crate::rehearsal::http::{self, Door, Failure, Played, Reply, demand, list, same, text};
use crate::rehearsal::people::{Newcomer, PASSWORD};
use crate::rehearsal::report::{Report, Scene};
use crate::rehearsal::world::World;

/// Where the attacker calls from: another address of this machine, in the same network.
const ATTACKER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
/// So many passwords are tried at once, and so often.
const AT_ONCE: usize = 8;
const VOLLEYS: usize = 3;

pub(in crate::rehearsal) async fn play(world: &mut World, report: &mut Report) {
    report.act("attack", "Act 5: an account under attack");
    let _broken_off = scenes(world, report).await;
}

async fn scenes(world: &World, report: &mut Report) -> Scene {
    let mut owner = securing(world, report).await?;
    let attacker = report.step("an attacker calls from another address", stranger(&world.door)).await?;
    guessing_passwords(report, &mut owner, &attacker).await?;
    guessing_codes(report, &mut owner, &attacker).await?;
    stealing(world, report, &mut owner, &attacker).await
}

/// Somebody whose account is guarded by an app.
struct Owner {
    door: Door,
    email: String,
    tokens: Value,
    device_token: String,
    recovery_codes: Vec<String>,
}

impl Owner {
    async fn me(&self) -> Played<Reply> {
        let asked = self.door.ask(Method::GET, "/api/me").bearer_auth(text(&self.tokens, "/access_token")?);
        http::send(asked).await
    }

    async fn post(&self, path: &str, body: &Value) -> Played<Value> {
        let asked = self.door.ask(Method::POST, path).bearer_auth(text(&self.tokens, "/access_token")?);
        Ok(http::send(asked.json(body)).await?.expect(200)?.body)
    }

    /// The password from the known device.
    async fn ask_in(&self) -> Played<Value> {
        let body = json!({ "email": self.email, "password": PASSWORD, "device_token": self.device_token });
        let asked = post(&self.door, "/api/auth/login", &body).await?.expect(200)?.body;
        same("a code is asked for", asked["mfa_required"].as_bool(), Some(true))?;
        Ok(asked)
    }

    /// The whole login from the known device, with the next recovery code.
    async fn log_in(&mut self) -> Played<()> {
        let asked = self.ask_in().await?;
        let code = self.recovery_codes.pop().ok_or_else(|| Failure("no recovery code is left".to_owned()))?;
        self.tokens = self.answer(&asked, "recovery_code", &code).await?;
        Ok(())
    }

    async fn answer(&self, asked: &Value, method: &str, code: &str) -> Played<Value> {
        let body = json!({
            "mfa_token": asked["mfa_token"], "method": method, "code": code, "device_token": self.device_token,
        });
        Ok(post(&self.door, "/api/auth/mfa/verify", &body).await?.expect(200)?.body)
    }
}

async fn post(door: &Door, path: &str, body: &Value) -> Played<Reply> {
    http::send(door.ask(Method::POST, path).json(body)).await
}

/// Whoever calls from the attacker's address.
async fn stranger(door: &Door) -> Played<Door> {
    let door = Door { client: http::client_from(Some(ATTACKER))?, ..door.clone() };
    http::send(door.ask(Method::GET, "/healthz")).await?.expect(200)?;
    Ok(door)
}

async fn securing(world: &World, report: &mut Report) -> Scene<Owner> {
    let signed_up = async {
        let kofi = Newcomer::new(&world.door, "Kofi");
        kofi.register().await?;
        let link = kofi.mailed_link().await?;
        kofi.verify(&link, None).await?.expect(204)?;
        let tokens = kofi.log_in().await?.expect(200)?.body;
        let device_token = text(&tokens, "/device_token")?;
        let (door, email, recovery_codes) = (world.door.clone(), kofi.email, Vec::new());
        Ok(Owner { door, email, tokens, device_token, recovery_codes })
    };
    let mut owner =
        report.step("Kofi signs up and logs in; his device is known from now on", signed_up).await?;
    let enrolled = async {
        let enrolment = owner.post("/api/auth/totp/enroll", &json!({ "password": PASSWORD })).await?;
        demand(text(&enrolment, "/qr_svg")?.starts_with("<svg"), || "no picture to scan".to_owned())?;
        let secret = secret(&text(&enrolment, "/secret")?)?;
        // The step before is accepted too, so the present one stays for the login that follows.
        let step = fresh_step().await;
        let confirmed =
            owner.post("/api/auth/totp/confirm", &json!({ "code": secret.code_at(step - 1) })).await?;
        let codes = list(&confirmed, "/recovery_codes").iter().filter_map(Value::as_str);
        owner.recovery_codes = codes.map(ToOwned::to_owned).collect();
        same("recovery codes", owner.recovery_codes.len(), 10)?;
        let asked = owner.ask_in().await?;
        let code = secret.code_at(step);
        owner.tokens = owner.answer(&asked, "totp", &code).await?;
        Ok((asked, code))
    };
    let used =
        report.step("he sets up an authenticator app, and his login asks for its code", enrolled).await?;
    let replayed = async {
        let asked = owner.ask_in().await?;
        let body = json!({ "mfa_token": asked["mfa_token"], "method": "totp", "code": used.1 });
        let refused = post(&world.door, "/api/auth/mfa/verify", &body).await?.expect(401)?;
        same("code", text(&refused.body, "/code")?.as_str(), "code_invalid")?;
        let body = json!({ "mfa_token": used.0["mfa_token"], "method": "totp", "code": used.1 });
        post(&world.door, "/api/auth/mfa/verify", &body).await?.expect(401).map(drop)
    };
    report.step("the same code a second time is refused", replayed).await?;
    Ok(owner)
}

async fn guessing_passwords(report: &mut Report, owner: &mut Owner, attacker: &Door) -> Scene {
    let stuffed = async {
        let (mut refused, mut waiting) = (0, 0);
        for volley in 0..VOLLEYS {
            let tries = (0..AT_ONCE).map(|number| {
                let password = format!("a stolen password {volley}-{number}");
                let body = json!({ "email": owner.email, "password": password });
                async move { post(attacker, "/api/auth/login", &body).await }
            });
            for tried in join_all(tries).await {
                let answer = tried?;
                match answer.status {
                    401 => refused += 1,
                    429 => {
                        demand(answer.header("retry-after").is_some(), || "no Retry-After".to_owned())?;
                        waiting += 1;
                    }
                    other => return Err(Failure(format!("a guess was answered {other}"))),
                }
            }
        }
        demand(refused < AT_ONCE, || format!("{refused} guesses at once were tried"))?;
        demand(waiting > 0, || "nobody was told to wait".to_owned())
    };
    report
        .step("24 stolen passwords are tried at once: a few are looked at, the rest must wait", stuffed)
        .await?;
    let kept_out = async {
        let body = json!({ "email": owner.email, "password": PASSWORD });
        post(attacker, "/api/auth/login", &body).await?.expect(429).map(drop)
    };
    report.step("now even the right password must wait, from the attacker's device", kept_out).await?;
    let working = async {
        owner.me().await?.expect(200)?;
        owner.log_in().await?;
        owner.me().await?.expect(200).map(drop)
    };
    report.step("meanwhile Kofi works on, and logs in anew from his own device", working).await
}

async fn guessing_codes(report: &mut Report, owner: &mut Owner, attacker: &Door) -> Scene {
    let guessed = async {
        // Somebody who sits at the known device, or has stolen its token with the password.
        let asked = owner.ask_in().await?;
        let guess = async |code: &str| {
            let body = json!({ "mfa_token": asked["mfa_token"], "method": "totp", "code": code });
            post(attacker, "/api/auth/mfa/verify", &body).await
        };
        let mut refused = 0;
        for number in 0..5 {
            let tried = guess(&format!("00000{number}")).await?;
            demand(tried.status == 401 || tried.status == 429, || format!("answered {}", tried.status))?;
            refused += i32::from(tried.status == 401);
        }
        demand(refused >= 2, || "no guess was looked at".to_owned())?;
        let code = owner.recovery_codes.last().cloned().unwrap_or_default();
        let body = json!({ "mfa_token": asked["mfa_token"], "method": "recovery_code", "code": code });
        let late = post(attacker, "/api/auth/mfa/verify", &body).await?;
        demand(late.status != 200, || "a challenge outlived five wrong codes".to_owned())
    };
    report.step("five wrong codes end the question: even a right one comes too late", guessed).await?;
    let working = async {
        owner.me().await?.expect(200)?;
        owner.log_in().await?;
        owner.me().await?.expect(200).map(drop)
    };
    report.step("Kofi works on, and logs in with a recovery code", working).await
}

async fn stealing(world: &World, report: &mut Report, owner: &mut Owner, attacker: &Door) -> Scene {
    let stolen = async {
        let first = text(&owner.tokens, "/refresh_token")?;
        for _ in 0..2 {
            let body = json!({ "refresh_token": owner.tokens["refresh_token"] });
            owner.tokens = post(&owner.door, "/api/auth/refresh", &body).await?.expect(200)?.body;
        }
        let body = json!({ "refresh_token": first });
        post(attacker, "/api/auth/refresh", &body).await?.expect(401)?;
        // Neither the thief nor anybody else has this session any more.
        http::until_so("the session is over everywhere", async || Ok(owner.me().await?.status == 401))
            .await?;
        let body = json!({ "refresh_token": owner.tokens["refresh_token"] });
        post(attacker, "/api/auth/refresh", &body).await?.expect(401).map(drop)
    };
    report
        .step("a stolen refresh token comes back: its whole session ends, for the thief too", stolen)
        .await?;
    let told = http::until_so("a mail tells Kofi", async || {
        let letters = world.letters(Some(&owner.email)).await?;
        Ok(letters.iter().any(|letter| letter.kind == "security" && letter.text.contains("session")))
    });
    report.step("a mail tells Kofi", told).await?;
    let working = async {
        owner.log_in().await?;
        owner.me().await?.expect(200).map(drop)
    };
    report.step("Kofi logs in again and works on", working).await
}
