//! The drill (SEC-29): what is sold, backed up, lost and restored; and whatever is not a whole backup refused.

use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use application::billing::ReviewError;
use application::clock::ManualClock;
use application::database::{self, Rights};
use application::settings::Key;
use application::{App, Context, backup as stored};
use calmness::backup::{self, BackupError, Made, Plan, Target, Watch};
use calmness::wiring;
use crypto::password::PasswordParams;
use domain::ids::WebhookEventId;
use secrecy::{ExposeSecret, SecretString};
use sqlx::AssertSqlSafe;
use tempfile::TempDir;
use tokio::process::Command;
use uuid::Uuid;

use crate::support::{Database, PASSWORD, World};

/// A folder with a key pair, and backups of a world in it.
struct Vault {
    folder: TempDir,
    public: String,
}

impl Vault {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (text, public) = backup::keygen();
        std::fs::write(folder.path().join("identity"), text.expose_secret()).unwrap();
        Self { folder, public }
    }

    fn identity(&self) -> PathBuf {
        self.folder.path().join("identity")
    }

    fn backups(&self) -> PathBuf {
        self.folder.path().join("backups")
    }

    async fn make(&self, world: &World) -> Made {
        let plan = Plan {
            database: world.config().database.url.clone().unwrap(),
            directory: self.backups(),
            recipients: vec![self.public.clone()],
            environment: "development".to_owned(),
            postgresql_bin: None,
            created: world.wall(),
        };
        backup::create(plan, Watch::default()).await.unwrap()
    }

    async fn verify(&self, path: &Path) -> Result<backup::Verified, BackupError> {
        let keys = backup::identities(&self.identity()).unwrap();
        backup::verify(path, Some(keys), None, Watch::default()).await
    }

    async fn restore(
        &self,
        path: &Path,
        database: &Database,
        change: impl FnOnce(&mut Target),
    ) -> Result<backup::Restored, BackupError> {
        let mut target = Target {
            database: database.url(),
            here: "development".to_owned(),
            environment: None,
            isolated: false,
            postgresql_bin: None,
        };
        change(&mut target);
        let keys = backup::identities(&self.identity()).unwrap();
        backup::restore(path, keys, target, Watch::default()).await
    }

    /// A copy of a backup with nothing beside it, changed.
    fn changed(&self, made: &Made, change: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
        let mut bytes = std::fs::read(&made.path).unwrap();
        change(&mut bytes);
        let path = self.folder.path().join("changed");
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

/// The product over a restored database.
async fn product_on(world: &World, database: &Database) -> App {
    let mut config = world.config().clone();
    config.database.url = Some(database.url());
    let service = database::connect(&database.url(), Rights::OfService, 4).await.unwrap();
    let cheap = PasswordParams { memory_kib: 64, passes: 1, lanes: 1 };
    wiring::wire_with(&config, Arc::<ManualClock>::clone(&world.clock), cheap, service).await.unwrap().app
}

async fn an_event(world: &World) -> WebhookEventId {
    let found: Uuid = sqlx::query_scalar(AssertSqlSafe("SELECT id FROM webhook_events LIMIT 1"))
        .fetch_one(&world.owner)
        .await
        .unwrap();
    WebhookEventId::from_uuid(found)
}

#[tokio::test]
async fn sec_29_a_restored_backup_has_every_row_keeps_every_invariant_and_opens_with_the_same_secret_key() {
    let world = World::new().await;
    let (vault, database) = (Vault::new(), Database::empty().await);
    world.member("awa", 7_001).await;
    let made = vault.make(&world).await;
    assert!(made.sidecar.manifest.contents.rows["payments"] >= 1);
    assert!(made.sidecar.manifest.contents.rows["audit_logs"] >= 5);
    // What comes after it is not in it.
    world.made_customer("late").await;

    let restored = vault.restore(&made.path, &database, |_| {}).await.unwrap();
    assert_eq!(restored.migrated, 0);
    assert!(restored.invariants.iter().all(application::invariants::Finding::holds));
    let found = stored::inspect(&database.url()).await.unwrap();
    assert_eq!(found, made.sidecar.manifest.contents);

    let app = product_on(&world, &database).await;
    assert!(!stored::is_isolated(app.db()).await.unwrap());
    assert!(app.settings().is_set(Key::CompanyEmail));
    assert!(app.mailer().is_some() && app.telegram().is_some() && !app.providers().is_empty());
    // The body of the callback is opened, read and found to be known.
    let outcome = app.replay_event(&Context::operator(), None, an_event(&world).await, "drill").await;
    assert_eq!(outcome.unwrap(), "already_applied");
    assert_eq!(database::excessive_rights(app.db()).await.unwrap(), Vec::<String>::new());
    app.db().close().await;
    world.finish().await;
}

#[tokio::test]
async fn a_drill_with_another_environment_s_backup_is_isolated_and_reaches_nobody() {
    let world = World::new().await;
    let (vault, database) = (Vault::new(), Database::empty().await);
    world.member("awa", 7_001).await;
    let made = vault.make(&world).await;
    let elsewhere = |target: &mut Target| target.here = "staging".to_owned();
    let refused = vault.restore(&made.path, &database, elsewhere).await;
    assert!(matches!(refused, Err(BackupError::OtherEnvironment { .. })), "{refused:?}");
    let wrong = |target: &mut Target| target.environment = Some("production".to_owned());
    let refused = vault.restore(&made.path, &database, wrong).await;
    assert!(matches!(refused, Err(BackupError::NotThatEnvironment { .. })), "{refused:?}");
    assert_eq!(stored::count_objects(&database.url()).await.unwrap(), 0);

    let drill = |target: &mut Target| {
        target.here = "staging".to_owned();
        target.environment = Some("development".to_owned());
        target.isolated = true;
    };
    vault.restore(&made.path, &database, drill).await.unwrap();
    let app = product_on(&world, &database).await;
    assert!(stored::is_isolated(app.db()).await.unwrap());
    assert!(app.telegram().is_none() && app.mailer().is_none() && app.sms().is_none());
    assert!(app.providers().is_empty());
    let replayed = app.replay_event(&Context::operator(), None, an_event(&world).await, "drill").await;
    assert!(matches!(replayed, Err(ReviewError::NothingToReplay)), "its body opens, its provider is absent");
    // The service can't lift it: the database is not its own.
    let lifted =
        sqlx::query("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET ALL', current_database()); END $$");
    assert!(lifted.execute(app.db()).await.is_err());
    app.db().close().await;
    world.finish().await;
}

#[tokio::test]
async fn sec_29_what_was_changed_or_cut_is_refused_before_anything_is_loaded() {
    let world = World::new().await;
    let (vault, database) = (Vault::new(), Database::empty().await);
    world.made_customer("awa").await;
    let made = vault.make(&world).await;
    let length = usize::try_from(made.sidecar.bytes).unwrap();
    for step in 0..8 {
        let place = step * (length - 1) / 7;
        let flipped = vault.changed(&made, |bytes| bytes[place] ^= 0x10);
        assert!(vault.verify(&flipped).await.is_err(), "flipped byte {place} of {length}");
        let cut = vault.changed(&made, |bytes| bytes.truncate(place));
        assert!(vault.verify(&cut).await.is_err(), "cut after byte {place} of {length}");
    }
    let flipped = vault.changed(&made, |bytes| bytes[length / 2] ^= 1);
    assert!(vault.restore(&flipped, &database, |_| {}).await.is_err());
    let cut = vault.changed(&made, |bytes| bytes.truncate(length - 1));
    assert!(vault.restore(&cut, &database, |_| {}).await.is_err());
    assert_eq!(stored::count_objects(&database.url()).await.unwrap(), 0, "nothing was loaded");

    // Without the key the checksum tells.
    assert!(!backup::verify(&made.path, None, None, Watch::default()).await.unwrap().opened);
    let mut bytes = std::fs::read(&made.path).unwrap();
    bytes[length / 2] ^= 1;
    std::fs::write(&made.path, bytes).unwrap();
    let refused = backup::verify(&made.path, None, None, Watch::default()).await;
    assert!(matches!(refused, Err(BackupError::Damaged { .. })), "{refused:?}");
    world.finish().await;
}

#[tokio::test]
async fn another_key_opens_nothing_and_a_manifest_that_says_otherwise_is_refused() {
    let world = World::new().await;
    let (vault, stranger) = (Vault::new(), Vault::new());
    let made = vault.make(&world).await;
    let verified = vault.verify(&made.path).await.unwrap();
    assert!(verified.opened && verified.counted);
    let refused = stranger.verify(&made.path).await;
    assert!(matches!(refused, Err(BackupError::WrongIdentity(_))), "{refused:?}");
    let beside = made.path.with_file_name(format!("{}.json", made.sidecar.file));
    let mut sidecar = made.sidecar.clone();
    *sidecar.manifest.contents.rows.get_mut("users").unwrap() += 1;
    std::fs::write(&beside, serde_json::to_string(&sidecar).unwrap()).unwrap();
    assert!(vault.verify(&made.path).await.is_err());
    world.finish().await;
}

#[tokio::test]
async fn a_database_that_holds_anything_is_never_restored_into() {
    let world = World::new().await;
    let (vault, database) = (Vault::new(), Database::empty().await);
    let made = vault.make(&world).await;
    let owner = database::connect(&database.url(), Rights::OfLogin, 1).await.unwrap();
    sqlx::raw_sql("CREATE TABLE somebodys (id integer)").execute(&owner).await.unwrap();
    owner.close().await;
    let refused = vault.restore(&made.path, &database, |_| {}).await;
    assert!(matches!(refused, Err(BackupError::NotEmpty(_))), "{refused:?}");
    let found = stored::inspect(&database.url()).await.unwrap();
    assert_eq!(found.rows.into_keys().collect::<Vec<_>>(), ["somebodys"]);
    world.finish().await;
}

#[tokio::test]
async fn sec_28_a_backup_shows_no_row_to_who_has_no_key_and_only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new().await;
    let vault = Vault::new();
    let customer = world.made_customer("canary-awa").await;
    let made = vault.make(&world).await;
    for entry in std::fs::read_dir(vault.backups()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in
            [customer.email.as_str(), PASSWORD, customer.refresh_token.as_str(), "INSERT INTO", "PGDMP"]
        {
            assert!(!text.contains(secret), "{secret} in {}", path.display());
        }
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            path.display()
        );
    }
    let folder = std::fs::metadata(vault.backups()).unwrap().permissions().mode() & 0o777;
    assert_eq!(folder, 0o700);
    assert!(made.path.exists());
    world.finish().await;
}

/// The program with a world's database, in a shell that has prepared what `before` says.
async fn program(world: &World, vault: &Vault, before: &str, arguments: &str) -> Output {
    let text = |secret: &Option<SecretString>| secret.as_ref().unwrap().expose_secret().to_owned();
    let script = format!("{before} exec {} backup {arguments}", env!("CARGO_BIN_EXE_calmness"));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &script]).env_clear().current_dir(vault.folder.path());
    command.env("DATABASE_URL", text(&world.config().database.url));
    command.env("SECRET_KEY", text(&world.config().secret_key));
    command.env("CALMNESS__ENVIRONMENT", "development");
    command.env("CALMNESS__PUBLIC_URL", &world.base);
    command.env("CALMNESS__BACKUP__DIRECTORY", vault.backups());
    command.env("CALMNESS__BACKUP__RECIPIENTS", &vault.public);
    command.output().await.unwrap()
}

#[tokio::test]
async fn the_commands_make_tell_verify_and_prune_backups() {
    let world = World::new().await;
    let vault = Vault::new();
    let said = |output: &Output| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    };
    let created = said(&program(&world, &vault, "", "create").await);
    let file = created.split_whitespace().next().unwrap().to_owned();
    assert!(said(&program(&world, &vault, "", "list").await).contains(&file));
    assert!(
        said(&program(&world, &vault, "", &format!("verify {file}")).await).contains("checksum is right")
    );
    let opened = said(&program(&world, &vault, "", &format!("verify {file} --identity identity")).await);
    assert!(opened.contains("holds the rows"), "{opened}");
    assert_eq!(said(&program(&world, &vault, "", "prune").await), "");
    assert_eq!(world.count("SELECT count(*) FROM audit_logs WHERE action = 'backup.made'").await, 1);
    world.finish().await;
}

#[tokio::test]
async fn a_disk_that_is_full_leaves_no_file_and_says_so() {
    let world = World::new().await;
    let vault = Vault::new();
    // Files end at 4 KiB, as on a disk that has no more; the signal that the system adds is for others.
    let failed = program(&world, &vault, "trap '' XFSZ; ulimit -f 8;", "create").await;
    assert!(!failed.status.success());
    let said = String::from_utf8_lossy(&failed.stderr);
    assert!(said.contains("can't write"), "{said}");
    assert!(!said.contains("postgres://"), "{said}");
    assert_eq!(std::fs::read_dir(vault.backups()).unwrap().count(), 0);
    world.finish().await;
}
