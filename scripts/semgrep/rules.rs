// What each rule must find (`ruleid`) and must not (`ok`). Read by `semgrep --test`, built by nobody.

fn sql(name: &str) {
    // ruleid: sql-from-text
    sqlx::query(&format!("SELECT * FROM users WHERE email = '{name}'"));
    // ruleid: sql-from-text
    sqlx::query(AssertSqlSafe(name));
    // ok: sql-from-text
    sqlx::query!("SELECT id FROM users WHERE email = $1", name);
}

fn requests() {
    // ruleid: http-client-of-its-own
    let client = reqwest::Client::new();
    // ok: http-client-of-its-own
    let client = HttpClient::new();
}

fn compared(ours: SecretString, theirs: &str) -> bool {
    // ruleid: secret-compared-with-equals
    let same = ours.expose_secret() == theirs;
    // ok: secret-compared-with-equals
    constant_time_eq(ours.expose_secret().as_bytes(), theirs.as_bytes())
}

fn logged(token: &SecretString) {
    // ruleid: secret-in-a-log-or-error
    tracing::warn!(token = token.expose_secret(), "refused");
    // ok: secret-in-a-log-or-error
    tracing::warn!("refused");
    // ok: secret-in-a-log-or-error
    let header = format!("Bearer {}", token.expose_secret());
}

// ruleid: secret-that-debug-shows
#[derive(Clone, Debug)]
struct Shown {
    name: String,
    password: String,
}

// ok: secret-that-debug-shows
#[derive(Clone, Debug)]
struct Hidden {
    password: SecretString,
}

// ok: secret-that-debug-shows
#[derive(Deserialize)]
struct Read {
    password: String,
}

fn line() {
    // ruleid: certificate-not-checked
    builder.danger_accept_invalid_certs(true);
    // ok: certificate-not-checked
    builder.https_only(true);
}

fn hashed() {
    // ruleid: weak-hash
    digest(&SHA1_FOR_LEGACY_USE_ONLY, b"");
    // ok: weak-hash
    digest(&SHA256, b"");
}

fn sent(next: &str) {
    // ruleid: redirection-of-its-own
    Redirect::to(next);
    // ok: redirection-of-its-own
    redirect::see_other(next);
}

fn started(name: &str) {
    // ruleid: shell
    std::process::Command::new("sh").arg("-c").arg(name);
    // ok: shell
    std::process::Command::new("tar").arg(name);
}

fn served(name: &str) {
    // ruleid: file-named-by-a-request
    std::fs::read(name);
    // ok: file-named-by-a-request
    assets::find(name);
}
