//! The command line: help, findings in sentences, exit codes.

use futures_util::future::join_all;
use serde_json::Value;

use super::program::{Program, Server};
use crate::support::{PASSWORD, World};

/// Long and random enough.
const SECRET_KEY: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCrze8SNFZ4kKvN7xI0";

#[tokio::test]
async fn every_command_explains_itself() {
    let program = Program::new();
    let help = program.say(&["--help"]).await;
    assert_eq!(help.code, 0, "{}", help.stderr);
    let commands = [
        "serve",
        "worker",
        "migrate",
        "demo",
        "rehearse",
        "user",
        "settings",
        "subscription",
        "export",
        "approval",
        "config",
        "doctor",
        "completions",
    ];
    for command in commands {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}: {}", help.stdout);
        let explained = program.say(&[command, "--help"]).await;
        assert_eq!(explained.code, 0, "{command}: {}", explained.stderr);
        assert!(explained.stdout.contains(&format!("Usage: calmness {command}")), "{}", explained.stdout);
        assert!(explained.stdout.lines().next().is_some_and(|line| line.len() > 3), "{command}");
    }
    for nested in [
        ["user", "create"],
        ["user", "set-role"],
        ["config", "check"],
        ["settings", "set"],
        ["settings", "list"],
        ["settings", "history"],
        ["approval", "confirm"],
    ] {
        assert_eq!(program.say(&[nested[0], nested[1], "--help"]).await.code, 0, "{nested:?}");
    }
    let version = program.say(&["--version"]).await;
    assert_eq!(version.stdout.trim(), format!("calmness {}", env!("CARGO_PKG_VERSION")));
    for shell in ["bash", "zsh", "fish"] {
        assert!(program.say(&["completions", shell]).await.stdout.contains("calmness"));
    }
    assert_eq!(program.say(&["sevre"]).await.code, 2);
    assert_eq!(program.say(&[]).await.code, 2);
}

#[tokio::test]
async fn config_check_says_each_finding_in_a_sentence_and_where_to_mend_it() {
    let program = Program::new();
    let nothing = program.say(&["config", "check"]).await;
    assert_eq!(nothing.code, 1, "production by default, and nothing is set");
    insta::assert_snapshot!(nothing.stdout, @r#"
    error: public_url: The public address is plain HTTP: passwords and sessions could be read on the way.
      CALMNESS__PUBLIC_URL in the environment, or public_url in calmness.toml: set an https address, and declare the proxy that serves it with server.behind_proxy = true
    warning: public_url: The public address is this machine's own: links in mails lead nobody else here.
      CALMNESS__PUBLIC_URL in the environment, or public_url in calmness.toml: set the address that people use
    error: secret_key: There is no secret key, so nothing can be signed or encrypted.
      SECRET_KEY or SECRET_KEY_FILE in the environment, or secret_key in calmness.toml: make one with `openssl rand -base64 48` and keep it: what it encrypted is lost without it
    error: database.url: There is no database.
      DATABASE_URL or DATABASE_URL_FILE in the environment, or database.url in calmness.toml: set the address of a PostgreSQL 15 or newer, for the service's own role
    warning: mail.smtp_url: The configuration names no mail server: until a setting does, nobody can verify an address or be reminded.
      CALMNESS__MAIL__SMTP_URL or CALMNESS__MAIL__SMTP_URL_FILE in the environment, or mail.smtp_url in calmness.toml: set the address of one, here or with `calmness settings set smtp_url -`
    warning: mail.from: The configuration names no sender of mail.
      CALMNESS__MAIL__FROM in the environment, or mail.from in calmness.toml: set one, like Calmness <no-reply@calmness.example>, here or with `calmness settings set mail_from -`
    warning: telegram.bot_token: The configuration names no bot: until a setting does, nobody can be let into a channel.
      CALMNESS__TELEGRAM__BOT_TOKEN or CALMNESS__TELEGRAM__BOT_TOKEN_FILE in the environment, or telegram.bot_token in calmness.toml: set the token that @BotFather gives, here or with `calmness settings set telegram_bot_token -`
    error: telegram.webhook_secret: There is no secret by which Telegram's calls are known, so all of them are refused.
      CALMNESS__TELEGRAM__WEBHOOK_SECRET or CALMNESS__TELEGRAM__WEBHOOK_SECRET_FILE in the environment, or telegram.webhook_secret in calmness.toml: make one with `openssl rand -hex 32`, or set telegram.updates = "polling"
    warning: providers.hmac_psp.enabled: No payment provider is on, so nothing can be bought.
      CALMNESS__PROVIDERS__HMAC_PSP__ENABLED in the environment, or providers.hmac_psp.enabled in calmness.toml: set true, with the service's address and secrets
    error: keys.backend: The key that opens everything would stand beside the database's address: keys.backend is local.
      CALMNESS__KEYS__BACKEND in the environment, or keys.backend in calmness.toml: set vault or aws_kms, or accept it with keys.allow_local = true
    warning: backup.directory: No backup is made.
      CALMNESS__BACKUP__DIRECTORY in the environment, or backup.directory in calmness.toml: set a folder and backup.recipients, or back the database up by other means
    "#);
    let development = [("CALMNESS__ENVIRONMENT", "development"), ("SECRET_KEY", SECRET_KEY)];
    let enough = program.run(&["config", "check"], &development, "").await;
    assert_eq!(enough.code, 0, "{}", enough.stdout);
    assert!(enough.stdout.ends_with("the configuration can be used\n"));
    assert!(!enough.stdout.contains(SECRET_KEY));
}

#[tokio::test]
async fn a_misspelt_setting_is_an_error_that_names_the_right_one() {
    let program = Program::new();
    let run = program.run(&["config", "check"], &[("CALMNESS__PUBLIC_ULR", "https://x.example")], "").await;
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("did you mean CALMNESS__PUBLIC_URL?"), "{}", run.stderr);
    program.write("calmness.toml", "sandboxx = true\n");
    let run = program.say(&["config", "check"]).await;
    assert!(run.code == 1 && run.stderr.contains("did you mean sandbox?"), "{}", run.stderr);
    let missing = program.say(&["--config", "nowhere.toml", "config", "check"]).await;
    assert!(missing.code == 1 && missing.stderr.contains("nowhere.toml"), "{}", missing.stderr);
}

#[tokio::test]
async fn production_does_not_start_with_a_key_that_can_be_guessed_or_with_the_sandbox() {
    let program = Program::new();
    let production = |key: &'static str| {
        vec![
            ("SECRET_KEY", key),
            ("DATABASE_URL", "postgres://calmness:secret-in-the-address@127.0.0.1:1/calmness"),
            ("CALMNESS__PUBLIC_URL", "https://signals.example"),
            ("CALMNESS__SERVER__BEHIND_PROXY", "true"),
            ("CALMNESS__SERVER__TRUSTED_PROXIES", "127.0.0.1/32"),
        ]
    };
    for weak in [
        "changeme",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "your-secret-key-here-your-secret-key-here",
    ] {
        let refused = program.run(&["serve"], &production(weak), "").await;
        assert_eq!(refused.code, 1, "{weak}");
        assert!(refused.stderr.contains("The secret key can be guessed"), "{weak}: {}", refused.stderr);
        assert!(
            refused.stderr.contains("calmness config check")
                && !refused.stderr.contains("secret-in-the-address"),
            "{}",
            refused.stderr
        );
    }
    let mut sandbox = production(SECRET_KEY);
    sandbox.push(("CALMNESS__SANDBOX", "true"));
    let refused = program.run(&["serve"], &sandbox, "").await;
    assert!(refused.code == 1 && refused.stderr.contains("The simulated world is on"), "{}", refused.stderr);
    for refused in [refused.stderr, program.run(&["worker"], &production("changeme"), "").await.stderr] {
        assert!(!refused.contains(SECRET_KEY), "{refused}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_or_not_migrated_is_said_so() {
    let program = Program::new();
    let away = [
        ("CALMNESS__ENVIRONMENT", "development"),
        ("SECRET_KEY", SECRET_KEY),
        ("DATABASE_URL", "postgres://calmness:secret-in-the-address@127.0.0.1:1/calmness"),
    ];
    // Each waits for a while before it gives up.
    let commands = [["migrate"], ["doctor"], ["serve"]];
    for run in join_all(commands.iter().map(|command| program.run(command, &away, ""))).await {
        assert_eq!(run.code, 1, "{}", run.stderr);
        assert!(
            run.stderr.contains("database") && !run.stderr.contains("secret-in-the-address"),
            "{}",
            run.stderr
        );
    }
}

#[tokio::test]
async fn an_operator_makes_users_with_a_password_from_standard_input() {
    let world = World::new().await;
    let server = Server::start(&world, &["--no-worker"]).await;
    let (program, config) = (Program::new(), server.config().to_str().unwrap().to_owned());
    let create = async |options: &[&str], password: &str| {
        let arguments = [&["--config", &config, "user", "create"], options].concat();
        program.run(&arguments, &[], password).await
    };
    let made = create(&["awa@example.com", "--verified", "--locale", "en"], &format!("{PASSWORD}\n")).await;
    assert_eq!(made.code, 0, "{}", made.stderr);
    assert_eq!(made.stdout.trim().len(), 36, "its id");
    let token = server.log_in("awa@example.com").await;
    let me = server.call("GET", "/api/me").bearer(&token).send().await.expect(200);
    assert_eq!((me.text_of("locale"), me.text_of("role")), ("en", "user"));
    for (options, password, said) in [
        (&["AWA@example.com", "--verified"][..], PASSWORD, "exists"),
        (&["short@example.com", "--verified"], "too short", "15 characters"),
        (&["empty@example.com", "--verified"], "", "15 characters"),
        (&["nobody", "--verified"], PASSWORD, "e-mail"),
        (&["boss@example.com", "--role", "admin"], PASSWORD, "--verified"),
    ] {
        let refused = create(options, password).await;
        assert!(refused.code != 0 && refused.stderr.contains(said), "{options:?}: {}", refused.stderr);
        assert!(password.is_empty() || !refused.stderr.contains(password));
    }
    let role =
        program.run(&["--config", &config, "user", "set-role", "awa@example.com", "admin"], &[], "").await;
    assert_eq!(role.code, 0, "{}", role.stderr);
    // Every server hears of it within a second.
    let refused = async || server.call("GET", "/api/me").bearer(&token).send().await.status == 401;
    world.until("the token of the old role is refused", refused).await;
    let again = server.log_in("awa@example.com").await;
    assert_eq!(server.call("GET", "/api/me").bearer(&again).send().await.text_of("role"), "admin");
    world.finish().await;
}

#[tokio::test]
async fn doctor_tells_a_healthy_world_from_a_broken_one() {
    let world = World::new().await;
    let customer = world.made_customer("awa").await;
    world.buy(&customer, "k1", "signaux-weekly").await;
    let server = Server::start(&world, &["--no-worker"]).await;
    let (program, config) = (Program::new(), server.config().to_str().unwrap().to_owned());
    let examine = async || program.run(&["--config", &config, "doctor", "--json"], &[], "").await;
    let healthy = examine().await;
    assert_eq!(healthy.code, 0, "{}{}", healthy.stdout, healthy.stderr);
    let told: Value = serde_json::from_str(&healthy.stdout).unwrap();
    assert_eq!(told["ok"], true);
    let names: Vec<&str> =
        told["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    for name in
        ["database", "migrations", "roles", "clock", "owed_work", "time_adds_up", "details_are_encrypted"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    world.sql("UPDATE payments SET status = 'refunded'").await;
    let broken = examine().await;
    assert_eq!(broken.code, 1);
    let told: Value = serde_json::from_str(&broken.stdout).unwrap();
    let failed: Vec<&Value> =
        told["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], "status_is_what_the_facts_say");
    let for_people = program.run(&["--config", &config, "doctor"], &[], "").await;
    assert!(
        for_people.stdout.contains("✗ status_is_what_the_facts_say")
            && for_people.stdout.contains("✓ time_adds_up"),
        "{}",
        for_people.stdout
    );
    drop(server);
    world.abandon().await;
}

#[tokio::test]
async fn settings_are_set_and_never_shown() {
    let world = World::new().await;
    let server = Server::start(&world, &["--no-worker"]).await;
    let (program, config) = (Program::new(), server.config().to_str().unwrap().to_owned());
    let run = async |arguments: &[&str]| {
        program.run(&[&["--config", &config, "settings"], arguments].concat(), &[], "").await
    };
    assert_eq!(run(&["set", "company_email", "new-company@example.com"]).await.code, 0);
    assert_eq!(run(&["set", "telegram_channel_id", "-1001234567890"]).await.code, 0);
    for (key, value) in [("company_email", "nobody"), ("telegram_channel_id", "12"), ("unknown", "x")] {
        let refused = run(&["set", key, value]).await;
        assert_ne!(refused.code, 0, "{key}");
        assert!(!refused.stderr.trim().is_empty());
    }
    let list = run(&["list"]).await;
    assert!(
        list.code == 0 && list.stdout.contains("company_email") && !list.stdout.contains("new-company"),
        "{}",
        list.stdout
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM audit_logs WHERE actor_kind = 'operator' AND action LIKE 'setting%'")
            .await,
        4
    );
    world.finish().await;
}
