//! The private cluster, tried with real servers in throw-away folders.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::account::is_root;
use super::binaries::{self, Binaries};
use super::postmaster::Postmaster;
use super::{Cluster, Durability, Error, Options, erase, folder};

/// A folder that is gone after the test, and with it the server that runs in it.
struct Scratch(TempDir);

impl Scratch {
    /// A folder that every account can reach.
    fn new() -> Self {
        let scratch = Self::private();
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        scratch
    }

    /// A folder that only we can reach.
    fn private() -> Self {
        let scratch = Self(TempDir::with_prefix("calmness-").expect("a folder"));
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).expect("a mode");
        scratch
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn options(&self) -> Options {
        Options { durability: Durability::TestsOnly, ..Options::new(self.path()) }
    }

    async fn start(&self) -> Cluster {
        Cluster::start(self.options(), &quiet).await.expect("a cluster")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        for place in folder::places(self.path()).unwrap_or_default() {
            let recorded = fs::read_to_string(place.join("data/postmaster.pid")).unwrap_or_default();
            if let Some(pid) = recorded.lines().next().and_then(|pid| pid.trim().parse().ok()) {
                kill(pid, Signal::QUIT);
            }
            // Of the test's own folder nothing is left with the folder itself; root's other place is.
            fs::remove_dir_all(place).ok();
        }
    }
}

fn quiet(_: &str) {}

fn kill(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        kill_process(pid, signal).ok();
    }
}

async fn ask(cluster: &Cluster, database: &str, query: &'static str) -> String {
    let url = cluster.url(database);
    let mut connection = PgConnection::connect(url.expose_secret()).await.expect("a connection");
    sqlx::query_scalar(query).fetch_one(&mut connection).await.expect("an answer")
}

async fn is_running(cluster_folder: &Path) -> bool {
    Postmaster::living(&cluster_folder.join("data")).await.is_some()
}

#[tokio::test]
async fn a_cluster_stops_and_finds_its_data_when_it_starts_again() {
    let scratch = Scratch::new();
    let cluster = scratch.start().await;
    let root = cluster.folder().to_owned();
    assert!(!cluster.was_adopted());
    cluster.ensure_database("calmness").await.expect("a database");
    cluster.ensure_database("calmness").await.expect("a database that is there already");
    ask(&cluster, "calmness", "SELECT set_config('x.y', '1', false)").await;
    let setting =
        ask(&cluster, "calmness", "SELECT current_setting('server_encoding') || current_setting('TimeZone')");
    assert_eq!(setting.await, "UTF8UTC");
    assert_eq!(ask(&cluster, "postgres", "SHOW data_checksums").await, "on");
    assert_eq!(ask(&cluster, "postgres", "SHOW fsync").await, "off");
    cluster.stop().await.expect("a clean stop");
    assert!(!is_running(&root).await);

    let cluster = Cluster::start(Options::new(scratch.path()), &quiet).await.expect("a cluster");
    assert_eq!(ask(&cluster, "calmness", "SELECT current_database()::text").await, "calmness");
    for setting in ["SHOW fsync", "SHOW synchronous_commit", "SHOW full_page_writes"] {
        assert_eq!(ask(&cluster, "calmness", setting).await, "on", "{setting}");
    }
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_cluster_whose_owner_was_lost_is_adopted_and_made_as_durable_as_asked() {
    let scratch = Scratch::new();
    let lost = scratch.start().await;
    let (pid, port) = (lost.pid(), lost.port());
    // To the kernel this is what a kill -9 of the owner does: the lock is gone, the server lives on.
    drop(lost);

    let cluster = Cluster::start(Options::new(scratch.path()), &quiet).await.expect("the same cluster");
    assert!(cluster.was_adopted());
    assert_eq!((cluster.pid(), cluster.port()), (pid, port));
    assert_eq!(ask(&cluster, "postgres", "SHOW fsync").await, "on");
    let root = cluster.folder().to_owned();
    cluster.stop().await.expect("its new owner stops it");
    assert!(!is_running(&root).await);
}

#[tokio::test]
async fn a_second_start_beside_a_running_one_says_who_runs() {
    let scratch = Scratch::new();
    let first = scratch.start().await;
    for share in [false, true] {
        let second =
            Cluster::start(Options { share, ..scratch.options() }, &quiet).await.expect_err("in use");
        assert!(
            matches!(&second, Error::AlreadyInUse { pid: Some(pid), .. } if *pid == std::process::id()),
            "{second}"
        );
        assert!(second.to_string().contains("already in use by process"), "{second}");
    }
    assert!(matches!(erase(scratch.path()).await, Err(Error::AlreadyInUse { .. })));
    assert_eq!(ask(&first, "postgres", "SELECT 'undisturbed'").await, "undisturbed");
    first.stop().await.expect("a clean stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn sharers_that_start_at_once_use_one_server_and_the_last_one_stops_it() {
    let scratch = Scratch::new();
    let start = || tokio::spawn(Cluster::start(Options { share: true, ..scratch.options() }, &quiet));
    let (one, two, three) = tokio::join!(start(), start(), start());
    let [one, two, three] = [one, two, three].map(|it| it.expect("no panic").expect("a shared cluster"));
    assert_eq!(
        [one.was_adopted(), two.was_adopted(), three.was_adopted()].iter().filter(|it| **it).count(),
        2
    );
    assert_eq!(one.pid(), two.pid());
    assert_eq!(two.pid(), three.pid());
    let (first, second) = tokio::join!(one.ensure_database("shared"), two.ensure_database("shared"));
    assert!(first.is_ok() && second.is_ok());
    let root = one.folder().to_owned();
    one.stop().await.expect("left");
    two.stop().await.expect("left");
    assert!(is_running(&root).await);
    three.stop().await.expect("stopped");
    assert!(!is_running(&root).await);
}

#[tokio::test]
async fn what_was_committed_survives_a_server_that_is_killed() {
    let scratch = Scratch::new();
    let cluster = Cluster::start(Options::new(scratch.path()), &quiet).await.expect("a cluster");
    cluster.ensure_database("kept").await.expect("a database");
    let pid = cluster.pid();
    kill(pid, Signal::KILL);
    drop(cluster);

    let cluster = scratch.start().await;
    assert!(!cluster.was_adopted());
    assert_ne!(cluster.pid(), pid);
    assert_eq!(ask(&cluster, "kept", "SELECT current_database()::text").await, "kept");
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_pid_that_belongs_to_another_program_by_now_is_no_obstacle() {
    let scratch = Scratch::new();
    let cluster = scratch.start().await;
    let (data, account) = (cluster.folder.data(), cluster.folder.account);
    let pid_file = data.join("postmaster.pid");
    let recorded = fs::read_to_string(&pid_file).expect("a pid file");
    let (pid, rest) = recorded.split_once('\n').expect("lines");
    assert_eq!(pid, cluster.pid().to_string());
    cluster.stop().await.expect("a clean stop");

    let mut stranger = account.command(Path::new("/bin/sleep")).arg("600").spawn().expect("another program");
    fs::write(&pid_file, format!("{}\n{rest}", stranger.id())).expect("written");
    account.give(&pid_file).expect("given");
    let cluster = Cluster::start(scratch.options(), &quiet).await;
    stranger.kill().expect("killed");
    stranger.wait().expect("ended");
    let cluster = cluster.expect("a cluster");
    assert!(!cluster.was_adopted());
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_torn_first_start_is_begun_again() {
    let scratch = Scratch::new();
    let root = scratch.path().join("postgresql");
    fs::create_dir_all(root.join("data.new/base")).expect("a folder");
    fs::write(root.join("data.new/PG_VERSION"), "15").expect("written");
    fs::write(root.join("password"), "of the torn start").expect("written");
    let cluster = scratch.start().await;
    assert_eq!(ask(&cluster, "postgres", "SELECT current_user::text").await, super::OWNER);
    assert!(!root.join("data.new").exists());
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let scratch = Scratch::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let refused = Cluster::start(Options { port: Some(port), ..scratch.options() }, &quiet).await;
    assert!(matches!(&refused, Err(Error::PortTaken { port: named }) if *named == port), "{refused:?}");
    drop(taken);
    let cluster =
        Cluster::start(Options { port: Some(port), ..scratch.options() }, &quiet).await.expect("free now");
    assert_eq!(cluster.port(), port);
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn erasing_stops_what_was_left_behind_and_forgets_everything() {
    let scratch = Scratch::new();
    assert!(!erase(scratch.path()).await.expect("nothing there"));
    let cluster = scratch.start().await;
    let (root, server) = (cluster.folder().to_owned(), cluster.pid());
    drop(cluster);
    assert!(erase(scratch.path()).await.expect("erased"));
    assert!(!root.exists());
    let line = fs::read(format!("/proc/{server}/cmdline")).unwrap_or_default();
    assert!(line.is_empty(), "the server is gone");
    assert!(scratch.path().exists(), "the folder itself is not ours to remove");
}

#[tokio::test]
async fn root_runs_the_server_as_somebody_else_where_that_account_can_reach() {
    if !is_root() {
        return;
    }
    let scratch = Scratch::private();
    let said = std::sync::Mutex::new(Vec::new());
    let listen = |sentence: &str| said.lock().expect("whole").push(sentence.to_owned());
    let cluster = Cluster::start(scratch.options(), &listen).await.expect("a cluster");
    assert!(cluster.folder().starts_with("/var/lib/calmness"), "{}", cluster.folder().display());
    let said = said.into_inner().expect("whole");
    assert!(said.iter().any(|sentence| sentence.contains("/var/lib/calmness")), "{said:?}");
    let process = PathBuf::from(format!("/proc/{}", cluster.pid()));
    assert_ne!(process.metadata().expect("alive").uid(), 0);
    let again = Cluster::start(scratch.options(), &quiet).await.expect_err("the same folder, the same lock");
    assert!(matches!(again, Error::AlreadyInUse { .. }), "{again}");
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn the_password_is_only_in_its_file_and_in_addresses() {
    let scratch = Scratch::new();
    let cluster = scratch.start().await;
    let file = cluster.folder.password_file();
    let password = fs::read_to_string(&file).expect("a password");
    assert!(password.len() >= 43);
    assert_eq!(file.metadata().expect("there").mode() & 0o777, 0o600);
    assert!(cluster.url("postgres").expose_secret().contains(&password));
    assert!(!format!("{cluster:?} {:?}", cluster.admin_url()).contains(&password));
    assert!(!fs::read_to_string(cluster.log()).expect("a log").contains(&password));
    let url = format!("postgres://calmness_owner:wrong@127.0.0.1:{}/postgres", cluster.port());
    assert!(PgConnection::connect(&url).await.is_err());
    cluster.stop().await.expect("a clean stop");
}

#[tokio::test]
async fn a_name_that_would_need_quoting_is_no_database() {
    let scratch = Scratch::new();
    let cluster = scratch.start().await;
    for name in ["", "a\"; DROP DATABASE postgres; --", "Upper", "1st", "é", &"a".repeat(64)] {
        let refused = cluster.ensure_database(name).await;
        assert!(matches!(refused, Err(Error::DatabaseName { .. })), "{name}");
    }
    cluster.stop().await.expect("a clean stop");
}

/// A program that only says its version.
fn pretend(folder: &Path, version: &str) -> PathBuf {
    let bin = folder.join(version).join("bin");
    fs::create_dir_all(&bin).expect("a folder");
    // Written by another process: a file that is open for writing in a sibling's fork can't be run.
    let script = "for name in postgres initdb; do
                    printf '#!/bin/sh\\necho \"postgres (PostgreSQL) %s\"\\n' \"$1\" > \"$2/$name\"
                    chmod 755 \"$2/$name\"
                  done";
    let mut shell = std::process::Command::new("/bin/sh");
    let status = shell.args(["-e", "-c", script, "sh", version]).arg(&bin).status().expect("a shell");
    assert!(status.success());
    bin
}

#[tokio::test]
async fn the_newest_server_that_will_do_is_found() {
    let scratch = Scratch::new();
    let folders: Vec<PathBuf> =
        ["13.4", "16.1", "17.2", "15.3"].map(|version| pretend(scratch.path(), version)).into();
    let found = binaries::find(&folders, None).await;
    assert_eq!(found.best, Some(Binaries { folder: folders[2].clone(), major: 17 }));
    assert_eq!(found.unfit.map(|binaries| binaries.major), Some(13));
    let found = binaries::find(&folders, Some(15)).await;
    assert_eq!(found.best, Some(Binaries { folder: folders[3].clone(), major: 15 }));
    let found = binaries::find(&folders[..1], None).await;
    assert_eq!(found.best, None);
}

#[tokio::test]
async fn a_setting_that_names_no_server_or_an_old_one_is_explained() {
    let scratch = Scratch::new();
    let old = pretend(scratch.path(), "13.4");
    let options = |folder: &Path| Options { binaries: Some(folder.to_owned()), ..scratch.options() };
    let error = Cluster::start(options(&old), &quiet).await.expect_err("too old");
    assert_eq!(error.to_string(), format!("PostgreSQL 13 found at {}, need 15 or newer", old.display()));
    let error = Cluster::start(options(scratch.path()), &quiet).await.expect_err("nothing there");
    assert!(matches!(error, Error::NoServerThere { .. }), "{error}");
}
