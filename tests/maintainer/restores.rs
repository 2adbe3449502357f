//! Restores of real dumps: what they may reach, what they take, and what of a host's own they hold against no dump.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use opswarden::adapters::backup::{BackupPlace, BackupSet, ServerPrograms};
use opswarden::adapters::postgres::Postgres;
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::operation::{DataKind, DataRef, Upkeep};
use opswarden::ports::data_store::DataStoreControl as _;
use opswarden::ports::processes::ActFailure;
use serde_json::json;

use super::backups::Vault;
use super::nobody::open_to_all;
use super::peers::{skip, test_name};

pub(crate) const PROVED: &str = "restore the newest backup of shop for a proof: verified";
const FAILED: &str = "restore the newest backup of shop for a proof: failed";

impl Vault {
    /// A dump that others make of a database, with these words.
    pub(crate) fn dumped_of(&self, database: &str, words: &[&str]) {
        let mut dump = Command::new(self.house.server.program("pg_dump"));
        dump.args(["--format=custom", "--file"]).arg(self.folder.join("theirs.dump")).args(words);
        dump.env("PGHOST", self.house.server.host()).env("PGUSER", "postgres");
        let dumped = dump.env("PGDATABASE", database).output().expect("pg_dump starts");
        assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    }

    pub(crate) fn dumped(&self, words: &[&str]) {
        self.dumped_of("postgres", words);
    }

    /// Statements that have to be carried out one by one.
    pub(crate) fn each(&self, statements: &[&str]) {
        for statement in statements {
            self.house.server.sql(statement);
        }
    }

    /// That a restore came to nothing because of this host: the attempt has failed, and the backup is not told as no good.
    pub(crate) fn cannot_tell(&self, why: &str) {
        let report = self.house.tend();
        assert_eq!(report.attempts("shop"), [FAILED], "{report:#?}");
        assert!(report.report.to_string().contains(why), "{report:#?}");
        assert_eq!(self.told("backup_bad"), None);
        let proof = self.house.path().join("state/backups/shop/restore-proof.json");
        assert!(!proof.exists(), "nothing is known");
    }
}

#[test]
fn nothing_in_a_dump_makes_a_restore_reach_another_server() {
    let Some(vault) = Vault::new("") else { return };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("it does not wait");
    let port = listener.local_addr().expect("an address").port();
    let own = vault.house.server.host().display();
    vault.house.server.sql("CREATE DATABASE far");
    let of_far = |sql: &str| {
        let url = vault.house.server.url().replace("/postgres?", "/far?");
        let told = Command::new("psql").args(["-XqAt", &url, "-c", sql]).output();
        String::from_utf8_lossy(&told.expect("psql starts").stdout).trim().to_owned()
    };
    of_far("CREATE TABLE theirs (id int); INSERT INTO theirs VALUES (7)");
    let server = |name: &str| {
        format!(
            "CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw OPTIONS \
             (host '{own}', port '5432', dbname 'far', connect_timeout '2')"
        )
    };
    let away = format!("ALTER SERVER away OPTIONS (SET host '127.0.0.1', SET port '{port}')");
    vault.each(&[
        "CREATE EXTENSION postgres_fdw",
        &server("away"),
        &server("near"),
        "CREATE USER MAPPING FOR PUBLIC SERVER away OPTIONS (user 'postgres', password 'secret')",
        "CREATE USER MAPPING FOR PUBLIC SERVER near OPTIONS (user 'postgres')",
        "CREATE FOREIGN TABLE of_away (id int) SERVER away OPTIONS (table_name 'theirs')",
        "CREATE FOREIGN TABLE of_near (id int) SERVER near OPTIONS (table_name 'theirs')",
        "CREATE MATERIALIZED VIEW seen AS SELECT id FROM of_away",
        "CREATE UNIQUE INDEX ON seen (id)",
        "COMMENT ON MATERIALIZED VIEW seen IS 'what was seen there'",
        "CREATE FUNCTION told() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'",
        "CREATE EVENT TRIGGER told ON ddl_command_end EXECUTE FUNCTION told()",
        "COMMENT ON EVENT TRIGGER told IS 'one'",
        "CREATE PUBLICATION all_of_it FOR ALL TABLES",
        "COMMENT ON PUBLICATION all_of_it IS 'two'",
        "CREATE SUBSCRIPTION theirs CONNECTION 'host=127.0.0.1' PUBLICATION p WITH (connect = false)",
        "COMMENT ON SUBSCRIPTION theirs IS 'three'",
        &away,
    ]);
    // Rows of another server in a dump would be written there again.
    vault.dumped(&["--include-foreign-data=near"]);
    let report = vault.house.tend();
    assert_eq!(of_far("SELECT count(*) FROM theirs"), "1", "nothing was written there");
    let unseen = listener.accept().map_err(|error| error.kind());
    assert!(matches!(unseen, Err(ErrorKind::WouldBlock)), "{unseen:?}");
    assert_eq!(report.attempts("shop"), [PROVED], "{report:#?}");
    let proof = vault.proof();
    assert!(proof["fault"].is_null(), "{proof:#}");
    assert!(proof["holds"].as_str().is_some_and(|it| it.contains("2 tables")), "{proof:#}");
}

#[test]
fn a_locale_that_this_host_lacks_is_no_flaw_of_a_dump() {
    let Some(vault) = Vault::new("") else { return };
    vault.each(&[
        "CREATE COLLATION odd (LOCALE = 'C')",
        "UPDATE pg_collation SET collcollate = 'xx_XX.utf8', collctype = 'xx_XX.utf8' WHERE collname = 'odd'",
    ]);
    vault.dumped(&[]);
    vault.cannot_tell("could not create locale");
}

#[test]
fn a_collation_that_a_server_made_of_such_a_locale_is_none_either() {
    let Some(vault) = Vault::new("") else { return };
    // Those that a server finds when it is made are in no dump.
    vault.each(&[
        "CREATE COLLATION \"xx_XX.utf8\" (LOCALE = 'C')",
        "UPDATE pg_collation SET oid = 15999, collnamespace = 'pg_catalog'::regnamespace \
         WHERE collname = 'xx_XX.utf8'",
        "DELETE FROM pg_depend WHERE classid = 'pg_collation'::regclass",
        "ALTER TABLE \"Content\" ALTER body TYPE text COLLATE pg_catalog.\"xx_XX.utf8\"",
    ]);
    vault.dumped(&[]);
    vault.cannot_tell("pg_catalog.xx_XX.utf8");
}

#[test]
fn a_question_that_could_not_be_asked_to_its_end_says_nothing_about_a_backup() {
    let late = "queries = [\"SELECT set_config('statement_timeout', '10', false) = '10ms'\", \
                \"SELECT pg_sleep(20) IS NOT NULL\"]";
    let Some(vault) = Vault::new(late) else { return };
    vault.dumped(&[]);
    vault.cannot_tell("statement timeout");
}

#[test]
fn a_question_of_a_view_that_a_restore_leaves_empty_says_nothing_either() {
    let Some(vault) = Vault::new("queries = [\"SELECT many = 3 FROM seen\"]") else { return };
    vault.each(&["CREATE MATERIALIZED VIEW seen AS SELECT count(*) AS many FROM few"]);
    vault.dumped(&[]);
    vault.cannot_tell("has not been populated");
}

#[test]
fn a_restore_takes_as_long_as_a_person_would_wait_for_it() {
    // To look whether it is whole takes longer; it is decrypted for that, too.
    let slow = "make = true\nqueries = [\"SELECT pg_sleep(6) IS NOT NULL\"]\nencryption = { key_id = \
                \"none\", encrypt = [\"cat\"], decrypt = [\"sh\", \"-c\", \"sleep 4; cat\"] }";
    let Some(vault) = Vault::new(slow) else { return };
    assert_eq!(vault.tended(), ["back up shop: verified", PROVED]);
    let took = vault.proof()["restore_ms"].as_u64().unwrap_or_default();
    assert!((4000..9500).contains(&took), "{took}");
}

#[test]
fn a_dump_that_takes_too_long_has_failed_and_gave_way_to_nobody() {
    let Some(vault) = Vault::new("") else { return };
    let declared = json!({
        "name": "shop", "folder": vault.folder, "database": "main", "make": true,
        "encryption": { "key_id": "none", "encrypt": ["sh", "-c", "sleep 60; cat"] },
    });
    let clock = Arc::new(SystemClock::new());
    let database = Postgres::new("main", &vault.house.server.url(), clock.clone());
    let scratch = vault.house.path().to_owned();
    let place = BackupPlace { notes: vault.house.path().join("notes"), scratch, servers: None };
    let set = BackupSet::new(
        serde_json::from_value(declared).expect("they are good"),
        place,
        Some(Ok(Arc::new(database.expect("an address")))),
        ServerPrograms::new(None),
        clock,
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let data = DataRef::of_store(DataKind::Backups, "shop");
    let made = set.carry_out(Upkeep::TakeBackup, &data, Duration::from_secs(3));
    let made = runtime.expect("a runtime").block_on(made);
    let says = "it took more than 3 s, and was given up";
    assert_eq!(made, Err(ActFailure::Refused(says.to_owned())));
    assert_eq!(vault.dumps(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_server_lies_where_the_settings_say_and_else_it_is_said_why_not() {
    let Some(vault) = Vault::new("") else { return };
    if !rustix::process::geteuid().is_root() {
        return skip(&test_name(), "root");
    }
    let open = tempfile::tempdir_in("/tmp").expect("a folder");
    open_to_all(open.path());
    vault.dumped(&[]);
    let encrypted = "encryption = { key_id = \"none\", decrypt = [\"cat\"] }";
    let at = |place: &Path, more: &str| {
        vault.settings(&format!(
            "queries = [\"SELECT current_setting('data_directory') LIKE '{0}/%'\"]\n{more}\n\
             [agents.db-maintainer.postgres]\nscratch = \"{0}\"",
            place.display()
        ));
    };
    // One that is made is made so that the server's account comes in, though what is decrypted lies there first.
    let made = open.path().join("made");
    at(&made, encrypted);
    let report = vault.house.tend();
    assert_eq!(report.attempts("shop"), [PROVED], "{report:#?}");
    assert!(vault.proof()["fault"].is_null(), "{:#}", vault.proof());
    assert_eq!(std::fs::read_dir(&made).expect("it is there").count(), 0);
    // What is above it is ours alone.
    std::fs::create_dir(open.path().join("ours")).expect("a folder");
    let alone = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(open.path().join("ours"), alone).expect("it is ours");
    let shut = open.path().join("ours/shut");
    at(&shut, "");
    assert_eq!(vault.tended(), Vec::<String>::new());
    let told = vault.told("restore_unprovable").expect("it is told");
    let says = format!(
        "{} is not there, and the account postgres cannot get into {} (postgres.scratch)",
        shut.display(),
        open.path().join("ours").display()
    );
    assert!(told.contains(&says), "{told}");
    std::fs::create_dir(&shut).expect("a folder");
    assert_eq!(vault.tended(), Vec::<String>::new());
    let told = vault.told("restore_unprovable").expect("it is told");
    let says =
        format!("the account postgres cannot get into {} (postgres.scratch)", shut.display());
    assert!(told.ends_with(&says), "{told}");
    // One that is not there and that nobody can make.
    std::fs::remove_dir_all(vault.house.path().join("state/backups/shop")).expect("they go");
    at(Path::new("/proc/nowhere"), "");
    vault.cannot_tell("/proc/nowhere is not there and cannot be made (postgres.scratch): No such");
}

/// A small disk of its own; `None`, with a loud skip, where none can be mounted.
struct Disk(tempfile::TempDir);

impl Disk {
    fn of(mebibytes: u32) -> Option<Self> {
        let folder = tempfile::tempdir_in("/tmp").expect("a folder");
        let size = format!("size={mebibytes}m,mode=0755");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(folder.path());
        if !mount.output().is_ok_and(|output| output.status.success()) {
            skip(&test_name(), "mount");
            return None;
        }
        Some(Self(folder))
    }

    /// What is decrypted and restored lies there.
    fn settings(&self) -> String {
        format!("[agents.db-maintainer.postgres]\nscratch = \"{}\"", self.0.path().display())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn what_is_decrypted_does_not_fill_a_disk() {
    let Some(vault) = Vault::new("") else { return };
    let Some(disk) = Disk::of(100) else { return };
    vault.dumped(&[]);
    let decrypt = |words: &str| {
        vault.settings(&format!(
            "encryption = {{ key_id = \"none\", decrypt = [\"sh\", \"-c\", \"{words}\"] }}\n{}",
            disk.settings()
        ));
        vault.house.tend();
        assert_eq!(vault.told("backup_bad"), None);
        vault.told("backups_unseen").expect("it is told")
    };
    // What is packed may be much larger than it looks.
    let told = decrypt("cat > /dev/null; head -c 80000000 /dev/zero");
    assert!(told.contains("bytes free, and more of it takes, with 64 MiB"), "{told}");
    // There is no room for it to begin with.
    let file = std::fs::File::create(vault.folder.join("theirs.dump")).expect("it is made");
    file.set_len(60 * 1024 * 1024).expect("it takes no room");
    drop(file);
    let told = decrypt("cat");
    assert!(told.contains("bytes free, and what is decrypted takes, with 64 MiB"), "{told}");
}

#[test]
fn a_restore_asks_for_as_much_room_as_its_database_takes() {
    let Some(vault) = Vault::new("") else { return };
    let Some(disk) = Disk::of(100) else { return };
    // It packs well: its dump says nothing about what it takes.
    vault.house.server.sql(
        "CREATE TABLE wide AS SELECT repeat('x', 1900) AS word FROM generate_series(1, 50000)",
    );
    vault.dumped(&[]);
    vault.settings(&disk.settings());
    vault.cannot_tell("bytes free, and a restore may need");
}

#[test]
fn a_dump_of_another_database_is_found_without_a_servers_programs() {
    let Some(vault) = Vault::new("[agents.db-maintainer.postgres]\nbin_dir = \"/nowhere\"") else {
        return;
    };
    vault.house.server.sql("CREATE DATABASE other");
    vault.dumped_of("other", &[]);
    vault.tended();
    let told = vault.told("backup_bad").expect("it is told");
    assert!(
        told.contains("a dump of the database other, and should be of postgres (L2)"),
        "{told}"
    );
    let told = vault.told("restore_unprovable").expect("it is told");
    let says = "the newest is no good, and none can be restored here: server binaries not found";
    assert!(told.starts_with(says), "{told}");
}
