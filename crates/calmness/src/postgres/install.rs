//! Asks the machine's package manager for a server.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::account::is_root;
use super::run::{Finished, run};
use super::{OLDEST_MAJOR, Progress};

/// How long a package manager may take.
const LIMIT: Duration = Duration::from_mins(20);

/// The newest major version that is asked for by number.
const NEWEST_MAJOR: u32 = 18;

/// Debian makes and starts a cluster named "main" when its server package is installed, unless a file in this
/// folder says otherwise. Ours lies there during the installation only.
const NO_MAIN_CLUSTER: &str = "/etc/postgresql-common/createcluster.d/calmness.conf";

/// Installs a server with the first package manager that is there, and says in a sentence why that did not work.
/// Whether what it installed will do is for the caller to see.
pub(super) async fn install(wanted: Option<u32>, progress: &dyn Progress) -> Result<(), String> {
    if exists("/usr/bin/apt-get") {
        return apt(&Rights::find().await?, wanted, progress).await;
    }
    if let Some(brew) =
        ["/opt/homebrew/bin/brew", "/usr/local/bin/brew"].into_iter().find(|path| exists(path))
    {
        let package = format!("postgresql@{}", wanted.unwrap_or(17));
        return try_each(&Rights::Plain, &[vec![brew, "install", &package]], progress).await;
    }
    if exists("/sbin/apk") {
        let majors = wanted.map_or((OLDEST_MAJOR..=NEWEST_MAJOR).rev().collect(), |wanted| vec![wanted]);
        let packages: Vec<String> = majors.iter().map(|major| format!("postgresql{major}")).collect();
        let commands: Vec<_> =
            packages.iter().map(|package| vec!["apk", "add", "--no-cache", package]).collect();
        return try_each(&Rights::find().await?, &commands, progress).await;
    }
    if exists("/usr/bin/dnf") {
        let module = format!("@postgresql:{}/server", wanted.unwrap_or(16));
        let commands =
            [vec!["dnf", "install", "-y", &module], vec!["dnf", "install", "-y", "postgresql-server"]];
        return try_each(&Rights::find().await?, &commands, progress).await;
    }
    if exists("/usr/bin/zypper") {
        let command = vec!["zypper", "--non-interactive", "install", "postgresql-server"];
        return try_each(&Rights::find().await?, &[command], progress).await;
    }
    if exists("/usr/bin/pacman") {
        let command = vec!["pacman", "-S", "--noconfirm", "--needed", "postgresql"];
        return try_each(&Rights::find().await?, &[command], progress).await;
    }
    Err("no package manager that we know is here".to_owned())
}

fn exists(path: &str) -> bool {
    Path::new(path).exists()
}

/// By what right packages are installed.
enum Rights {
    /// This process may, or needs no right.
    Plain,
    /// Through `sudo`, which must not ask for a password.
    Sudo,
}

impl Rights {
    async fn find() -> Result<Self, String> {
        if is_root() {
            return Ok(Self::Plain);
        }
        let mut command = Command::new("sudo");
        command.args(["-n", "true"]);
        match run(command, Duration::from_secs(20)).await {
            Ok(finished) if finished.succeeded() => Ok(Self::Sudo),
            _ => {
                Err("the package manager can't be used: not root, and no sudo without a password".to_owned())
            }
        }
    }

    async fn run(&self, command: &[&str]) -> Result<Finished, String> {
        let mut words = match self {
            Self::Plain => vec![],
            Self::Sudo => vec!["sudo", "-n"],
        };
        words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C"]);
        words.extend(command);
        let mut process = Command::new(words[0]);
        process.args(&words[1..]).current_dir("/");
        run(process, LIMIT).await.map_err(|error| format!("{}: {error}", command[0]))
    }
}

async fn try_each(rights: &Rights, commands: &[Vec<&str>], progress: &dyn Progress) -> Result<(), String> {
    let mut reason = String::new();
    for command in commands {
        progress.step(&format!("Installing PostgreSQL: {}", command.join(" ")));
        match rights.run(command).await {
            Ok(finished) if finished.succeeded() => return Ok(()),
            Ok(finished) => reason = format!("`{}` failed: {}", command.join(" "), finished.last_words()),
            Err(error) => reason = error,
        }
    }
    Err(reason)
}

/// Installs the server package alone, without Debian's own "main" cluster.
async fn apt(rights: &Rights, wanted: Option<u32>, progress: &dyn Progress) -> Result<(), String> {
    let mut offered = offers(rights).await?;
    if !offered.iter().any(|major| fits(*major, wanted)) {
        progress.step("Refreshing the lists of apt-get");
        rights.run(&["apt-get", "-q", "update"]).await?;
        offered = offers(rights).await?;
    }
    let Some(major) = offered.iter().copied().filter(|major| fits(*major, wanted)).max() else {
        return Err(match offered.iter().max() {
            Some(newest) => format!("apt-get offers PostgreSQL {newest} at most"),
            None => "apt-get offers no PostgreSQL".to_owned(),
        });
    };
    let package = format!("postgresql-{major}");
    progress.step(&format!("Installing {package} with apt-get, about a minute"));
    let quiet = "mkdir -p \"$(dirname \"$1\")\" && printf '%s\\n' 'create_main_cluster = false' > \"$1\"";
    rights.run(&["sh", "-c", quiet, "sh", NO_MAIN_CLUSTER]).await?;
    let installed = apt_install(rights, &package).await;
    rights.run(&["rm", "-f", NO_MAIN_CLUSTER]).await?;
    installed
}

fn fits(major: u32, wanted: Option<u32>) -> bool {
    wanted.map_or(major >= OLDEST_MAJOR, |wanted| major == wanted)
}

/// The major versions that apt knows.
async fn offers(rights: &Rights) -> Result<Vec<u32>, String> {
    let found = rights.run(&["apt-cache", "search", "--names-only", "^postgresql-[0-9]+$"]).await?;
    let major = |line: &str| line.split_whitespace().next()?.strip_prefix("postgresql-")?.parse().ok();
    Ok(found.output.lines().filter_map(major).collect())
}

async fn apt_install(rights: &Rights, package: &str) -> Result<(), String> {
    let install = [
        "apt-get",
        "-q",
        "-y",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
        "install",
        package,
    ];
    if rights.run(&install).await?.succeeded() {
        return Ok(());
    }
    // Old lists name packages that the mirror has replaced meanwhile.
    rights.run(&["apt-get", "-q", "update"]).await?;
    let finished = rights.run(&install).await?;
    if finished.succeeded() {
        return Ok(());
    }
    Err(format!("`apt-get install {package}` failed: {}", finished.last_words()))
}
