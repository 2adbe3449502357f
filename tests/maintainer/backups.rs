//! Backups of a real database: made, restored into a server of their own, held against what was there, and pruned.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::house::House;
use super::object_storage::with_bucket;
use super::peers::{skip, test_name, wait_until};
use super::peers_s3::{KEY, REGION, S3Server, SECRET};
use super::zoo::sha256;

pub(crate) const ROWS: &str = "
    CREATE TABLE \"Content\" (id serial PRIMARY KEY, body text, made timestamptz DEFAULT now());
    INSERT INTO \"Content\" (body) SELECT repeat(md5(n::text), 4) FROM generate_series(1, 5000) n;
    CREATE TABLE few (id int); INSERT INTO few VALUES (1), (2), (3);";

/// A house whose database has rows, and a folder for its backups.
pub(crate) struct Vault {
    pub(crate) house: House,
    pub(crate) folder: PathBuf,
}

impl Vault {
    /// With these settings of its backups beside those that all have.
    pub(crate) fn new(settings: &str) -> Option<Self> {
        let house = House::new(&[])?;
        house.server.sql(ROWS);
        house.server.sql("VACUUM ANALYZE");
        let folder = house.path().join("vault");
        std::fs::create_dir(&folder).expect("a folder");
        let vault = Self { house, folder };
        vault.settings(settings);
        Some(vault)
    }

    fn of_nobody(self) -> Option<Self> {
        let Self { house, folder } = self;
        Some(Self { house: house.of_nobody()?, folder })
    }

    pub(crate) fn settings(&self, settings: &str) {
        let folder = self.folder.display();
        self.house.settings(&format!(
            "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
             [[agents.db-maintainer.backups]]\nname = \"shop\"\ndatabase = \"main\"\nrpo = \"24h\"\n\
             folder = \"{folder}\"\n{settings}\n"
        ));
    }

    /// What was done about them in one run, as verbs and states.
    pub(crate) fn tended(&self) -> Vec<String> {
        self.house.tend().attempts("shop")
    }

    /// What is told of them, by check.
    pub(crate) fn told(&self, check: &str) -> Option<String> {
        let incidents = self.house.asked(&["incidents"]);
        let all = incidents.as_array().expect("a list").iter();
        let key = format!("db-maintainer/{check}/backup:host-a/shop");
        let found =
            all.filter(|one| one["key"] == key.as_str()).find(|one| one["state"] != "closed");
        found.map(said)
    }

    pub(crate) fn dumps(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).expect("it is there").flatten();
        let is_dump = |path: &PathBuf| path.extension().is_some_and(|end| end == "dump");
        let mut all: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(is_dump).collect();
        all.sort();
        all
    }

    pub(crate) fn proof(&self) -> Value {
        let file = self.house.path().join("state/backups/shop/restore-proof.json");
        let text = std::fs::read_to_string(file).expect("there is a proof");
        serde_json::from_str(&text).expect("it is JSON")
    }
}

/// What an incident says of the backups, which it names.
pub(crate) fn said(incident: &Value) -> String {
    let message = incident["message"].as_str().unwrap_or_default();
    message.strip_prefix("shop: ").expect("it says of what").to_owned()
}

pub(crate) fn leftovers(place: &Path) -> Vec<String> {
    let names = std::fs::read_dir(place).expect("it is there").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_left = |name: &String| {
        [".restore-", ".backup-", ".unfinished"].iter().any(|begins| name.starts_with(begins))
    };
    names.filter(is_left).collect()
}

#[test]
fn a_backup_is_made_restored_and_held_against_what_was_there() {
    // What is asked is asked of the server that the dump is restored into: it listens on no network and archives nothing.
    let made = "make = true\nqueries = [\"SELECT count(*) = 3 AND inet_server_addr() IS NULL \
                AND current_setting('listen_addresses') = '' AND current_setting('archive_mode') = 'off' \
                AND current_setting('max_wal_senders') = '0' FROM few\"]\n\
                newest = { table = \"Content\", column = \"made\", within = \"1h\" }";
    let Some(vault) = Vault::new(made) else { return };
    let done = vault.tended();
    let all = ["back up shop: verified", "restore the newest backup of shop for a proof: verified"];
    assert_eq!(done, all);
    let [dump] = &vault.dumps()[..] else { panic!("one: {:?}", vault.dumps()) };
    let proof = vault.proof();
    let holds = proof["holds"].as_str().unwrap_or_default();
    assert!(holds.contains("2 tables with 5003 rows"), "{proof:#}");
    assert!(holds.contains("the question of the settings is answered"), "{proof:#}");
    assert!(holds.contains("Content.made"), "{proof:#}");
    assert!(proof["good_until"].is_string() && proof["fault"].is_null(), "{proof:#}");
    assert_eq!(leftovers(&vault.folder), Vec::<String>::new());
    assert_eq!(vault.tended(), Vec::<String>::new(), "nothing is due again");
    assert_eq!(vault.told("backup_bad"), None);
    // Whoever changes one byte of it is found out.
    let mut bytes = std::fs::read(dump).expect("it is there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(dump, bytes).expect("it is written");
    vault.tended();
    let told = vault.told("backup_bad").expect("it is told");
    assert!(told.contains("its contents are not what was written (L2)"), "{told}");
}

/// A key of its own, and how backups are encrypted to it; `None` where there is no age here.
pub(crate) fn key(folder: &Path, name: &str) -> Option<(String, String)> {
    let file = folder.join(name);
    let Ok(made) = Command::new("age-keygen").arg("-o").arg(&file).output() else {
        skip(&test_name(), "age");
        return None;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = std::fs::read_to_string(&file).expect("a key");
    let line = text.lines().find(|line| line.contains("public key: ")).expect("a recipient");
    Some((line.rsplit(' ').next()?.to_owned(), file.display().to_string()))
}

pub(crate) fn encrypted(recipient: &str, identity: &str) -> String {
    format!(
        "make = true\nencryption = {{ key_id = \"{recipient}\", encrypt = [\"age\", \"-r\", \
         \"{recipient}\"], decrypt = [\"age\", \"-d\", \"-i\", \"{identity}\"] }}"
    )
}

#[test]
fn an_encrypted_backup_is_restored_with_its_key_and_with_no_other() {
    let Some(vault) = Vault::new("") else { return };
    let Some((recipient, identity)) = key(vault.house.path(), "one") else { return };
    vault.settings(&encrypted(&recipient, &identity));
    let done = vault.tended();
    let all = ["back up shop: verified", "restore the newest backup of shop for a proof: verified"];
    assert_eq!(done, all);
    let dump = std::fs::read(&vault.dumps()[0]).expect("it is there");
    assert!(dump.starts_with(b"age-encryption.org"), "nothing of it is in the clear");
    assert_eq!(leftovers(&vault.house.path().join("state")), Vec::<String>::new());
    // The same name of the key, and another key: it opens nothing.
    let (_, other) = key(vault.house.path(), "other").expect("age is here");
    vault.settings(&encrypted(&recipient, &other));
    vault.tended();
    let told = vault.told("backup_bad").expect("it is told");
    assert!(told.contains("cannot be decrypted with the key age1"), "{told}");
    // What decrypts it is gone: that is told, and it is not taken for well.
    let gone =
        encrypted(&recipient, &other).replace("[\"age\", \"-d\"", "[\"no-age-here\", \"-d\"");
    vault.settings(&gone);
    vault.tended();
    let told = vault.told("restore_unprovable").expect("it is told");
    assert!(told.contains("`no-age-here`, which decrypts it, is not on this host"), "{told}");
    // Without anything that decrypts it, it is known by its sum, and no restore is promised.
    vault.settings(&format!("encryption = {{ key_id = \"{recipient}\" }}"));
    vault.tended();
    let told = vault.told("restore_unprovable").expect("it is told");
    assert!(told.contains("restore unproven: it is not said what decrypts it"), "{told}");
}

#[test]
fn an_encrypted_backup_is_restored_where_all_of_it_lies_in_one_folder() {
    // Who is not root restores in our own folder of state, where what is decrypted lies too.
    let Some(vault) = Vault::new("") else { return };
    let Some((recipient, identity)) = key(vault.house.path(), "one") else { return };
    vault.settings(&encrypted(&recipient, &identity));
    let Some(vault) = vault.of_nobody() else { return };
    let done = vault.tended();
    let all = ["back up shop: verified", "restore the newest backup of shop for a proof: verified"];
    assert_eq!(done, all, "{:#}", vault.house.asked(&["remediations"]));
    assert!(vault.proof()["fault"].is_null(), "{:#}", vault.proof());
    assert_eq!(leftovers(&vault.house.path().join("state")), Vec::<String>::new());
}

#[test]
fn without_a_servers_programs_a_backup_is_looked_at_and_no_restore_is_promised() {
    let Some(vault) = Vault::new("make = true\nprove_every = \"7d\"") else { return };
    vault.tended();
    vault.settings("[agents.db-maintainer.postgres]\nbin_dir = \"/nowhere\"");
    let report = vault.house.tend();
    let told = vault.told("restore_unprovable").expect("it is told");
    let says = "L2 checked, restore unproven: server binaries not found in /nowhere";
    assert!(told.starts_with(says), "{told}");
    assert_eq!(vault.told("restore_due"), None);
    assert_eq!(report.code, Some(0), "what only a person can mend makes no run red");
    let status = String::from_utf8_lossy(&vault.house.output(&["status"]).stdout).into_owned();
    assert!(status.contains("restore unproven"), "and it is there every day: {status}");
    // It is the same where no proof is asked for: the dump is not read to its end, and that makes no run red either.
    vault.settings("prove_every = \"0s\"\n[agents.db-maintainer.postgres]\nbin_dir = \"/nowhere\"");
    assert_eq!(vault.house.tend().code, Some(0));
    assert!(vault.told("restore_unprovable").is_some_and(|told| told.starts_with("L2 checked")));
    assert_eq!(vault.told("backups_unseen"), None);
}

#[test]
fn a_dump_that_cannot_be_made_leaves_nothing_and_is_told() {
    let Some(vault) = Vault::new("make = true") else { return };
    vault
        .house
        .server
        .sql("CREATE ROLE weak LOGIN; REVOKE CONNECT ON DATABASE postgres FROM PUBLIC");
    vault
        .house
        .server
        .sql("GRANT CONNECT ON DATABASE postgres TO weak; GRANT USAGE ON SCHEMA public TO weak");
    let url = vault.house.server.url().replace("postgres://postgres@", "postgres://weak@");
    let vault = Vault { house: vault.house.at(&url), folder: vault.folder };
    assert_eq!(vault.tended(), ["back up shop: failed"]);
    assert!(vault.dumps().is_empty());
    assert_eq!(leftovers(&vault.folder), Vec::<String>::new());
    assert!(vault.told("backup_due").is_some(), "what failed is told");
}

#[test]
fn the_last_good_one_stays_however_many_are_newer() {
    let many = "make = true\nkept = 100\nevery = \"4s\"\nprove_every = \"0s\"";
    let Some(vault) = Vault::new(many) else { return };
    for _ in 0..4 {
        vault.tended();
        std::thread::sleep(std::time::Duration::from_millis(4100));
    }
    let all = vault.dumps();
    let [oldest, good, broken @ ..] = &all[..] else { panic!("{all:?}") };
    assert_eq!(broken.len(), 2, "{all:?}");
    for dump in broken {
        std::fs::write(dump, b"broken").expect("it is written");
    }
    vault.settings("make = true\nkept = 2\nevery = \"1d\"\nprove_every = \"0s\"");
    assert_eq!(vault.tended(), Vec::<String>::new(), "nothing goes while the newest is no good");
    assert!(good.exists() && oldest.exists(), "{:?}", vault.dumps());
    vault.settings("make = true\nkept = 2\nevery = \"4s\"\nprove_every = \"0s\"");
    assert_eq!(vault.tended(), ["back up shop: verified"]);
    vault.settings("make = true\nkept = 2\nevery = \"1d\"\nprove_every = \"0s\"");
    assert_eq!(vault.tended(), ["prune the backups of shop: verified"]);
    assert_eq!(vault.dumps().len(), 2);
}

#[test]
fn a_backup_is_put_into_a_bucket_and_a_folder_and_goes_from_there_with_its_original() {
    let Some(vault) = Vault::new("") else { return };
    let Some(server) = S3Server::start(json!({})) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let client = runtime.block_on(with_bucket(&server));
    let second = vault.house.path().join("second");
    std::fs::create_dir(&second).expect("a folder");
    let house = vault.house.given(&[("S3_ACCESS_KEY_ID", KEY), ("S3_SECRET_ACCESS_KEY", SECRET)]);
    let vault = Vault { house, folder: vault.folder };
    let settings = |every: &str, kept: u32, bucket: &str| {
        format!(
            "make = true\nkept = {kept}\nevery = \"{every}\"\nprove_every = \"0s\"\n\
             copies = [{{ bucket = \"media\", medium = \"object-storage\", offsite = true }},\n\
             {{ folder = \"{}\", medium = \"disk\" }}]\n\
             [[agents.db-maintainer.buckets]]\nname = \"media\"\nbucket = \"{bucket}\"\n\
             endpoint = \"{}\"\nregion = \"{REGION}\"",
            second.display(),
            server.endpoint()
        )
    };
    vault.settings(&settings("4s", 100, "shop-media"));
    let copy = "copy the newest backup of shop to its other places: verified";
    assert_eq!(vault.tended(), ["back up shop: verified", copy]);
    assert_eq!(vault.told("backup_copies"), None);
    let held = || -> Vec<String> {
        let listed = runtime.block_on(client.list("shop-")).expect("it is listed");
        let names = listed.into_iter().map(|object| object.key);
        names.filter(|name| name.rsplit('.').next() == Some("dump")).collect()
    };
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let own = || -> Vec<String> { vault.dumps().iter().map(name).collect() };
    assert_eq!(held(), own());
    assert_eq!(
        std::fs::read(second.join(&own()[0])).expect("a copy"),
        std::fs::read(vault.folder.join(&own()[0])).expect("a backup")
    );
    // A copy of the same size with other contents is none, and is made again.
    vault.settings(&settings("1d", 100, "shop-media"));
    let bytes = std::fs::read(vault.folder.join(&own()[0])).expect("a backup");
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    std::fs::write(second.join(&own()[0]), &other).expect("it is written");
    assert_eq!(vault.tended(), [copy]);
    assert!(std::fs::read(second.join(&own()[0])).expect("a copy") == bytes);
    runtime.block_on(client.put_stream(&own()[0], &*other)).expect("it is put");
    assert_eq!(vault.tended(), [copy]);
    assert_eq!(runtime.block_on(client.sum(&own()[0])).expect("it is there").1, sha256(&bytes));
    assert_eq!(vault.tended(), Vec::<String>::new());
    assert_eq!(vault.told("backup_copies"), None);
    vault.settings(&settings("4s", 100, "shop-media"));
    for _ in 0..2 {
        std::thread::sleep(std::time::Duration::from_millis(4100));
        vault.tended();
    }
    vault.settings(&settings("1d", 2, "shop-media"));
    assert_eq!(vault.tended(), ["prune the backups of shop: verified"]);
    assert_eq!((held(), own().len()), (own(), 2));
    // A bucket that is not there is told; the copy in it is not taken for one.
    vault.settings(&settings("1d", 2, "no-such-bucket"));
    assert_eq!(vault.tended(), ["copy the newest backup of shop to its other places: failed"]);
    let told = vault.told("copy_due").expect("it is told");
    assert!(told.contains("the bucket media cannot be read"), "{told}");
}

#[test]
fn a_copy_on_another_medium_is_none_where_nothing_is_mounted() {
    let Some(vault) = Vault::new("") else { return };
    let nas = vault.house.path().join("nas");
    std::fs::create_dir(&nas).expect("a folder");
    let copies = format!(
        "make = true\nprove_every = \"0s\"\ncopies = [{{ folder = \"{}\", medium = \"nas\" }}]",
        nas.display()
    );
    vault.settings(&copies);
    assert_eq!(vault.tended()[1], "copy the newest backup of shop to its other places: failed");
    let told = vault.told("copy_due").expect("it is told");
    let says = "/nas is on the disk of the backups: what should be mounted there is not";
    assert!(told.ends_with(says), "{told}");
    assert_eq!(std::fs::read_dir(&nas).expect("it is there").count(), 0);
    // A link to their own folder is no other place, whatever it is said to be on.
    std::fs::remove_dir(&nas).expect("it goes");
    std::os::unix::fs::symlink(&vault.folder, &nas).expect("a link");
    for settings in [copies.clone(), copies.replace("medium = \"nas\"", "medium = \"disk\"")] {
        let settings = settings.replace("make = true\n", "");
        vault.settings(&settings);
        vault.tended();
        let told = vault.told("backup_copies").expect("it is told");
        let says = "/nas is the folder of the backups itself; there are 2 copies of 3";
        assert!(told.contains(says), "{told}");
    }
}

#[test]
fn a_dump_that_somebody_is_still_writing_is_none_yet() {
    let Some(vault) = Vault::new("make = true") else { return };
    vault.tended();
    let [whole] = &vault.dumps()[..] else { panic!("one: {:?}", vault.dumps()) };
    let bytes = std::fs::read(whole).expect("it is there");
    // What others make: the same dump, and a newer one of which a half is there.
    let theirs = vault.house.path().join("theirs");
    std::fs::create_dir(&theirs).expect("a folder");
    std::fs::write(theirs.join("1.dump"), &bytes).expect("it is written");
    let mut half = std::fs::File::create(theirs.join("2.dump")).expect("it is made");
    half.write_all(&bytes[..bytes.len() / 2]).expect("it is written");
    let vault = Vault { house: vault.house, folder: theirs };
    vault.settings("");
    vault.tended();
    assert_eq!(vault.told("backup_bad"), None);
    assert_eq!(vault.told("backup_due"), None);
    drop(half);
    vault.tended();
    let told = vault.told("backup_bad").expect("nobody writes it any more");
    assert!(told.contains("2.dump"), "{told}");
}

#[test]
fn a_dump_gives_way_to_whoever_waits_and_is_made_a_little_later() {
    let Some(vault) = Vault::new("") else { return };
    let many =
        "INSERT INTO \"Content\" (body) SELECT md5(n::text) FROM generate_series(1, 100000) n";
    vault.house.server.sql(many);
    // What encrypts does not read for a time: the dump stands still, and holds what it has locked.
    vault.settings(
        "make = true\nprove_every = \"0s\"\nencryption = { key_id = \"none\", \
         encrypt = [\"sh\", \"-c\", \"sleep 6; cat\"], decrypt = [\"cat\"] }",
    );
    let run = vault.house.maintainer().stdout(Stdio::piped()).spawn();
    let run = run.expect("it starts");
    let dumping = "SELECT count(*) FROM pg_stat_progress_copy";
    let at_work = || vault.house.server.sql(dumping) == "1";
    assert!(wait_until(Duration::from_secs(15), at_work), "{}", vault.house.server.log());
    let began = Instant::now();
    vault.house.server.sql("ALTER TABLE \"Content\" ADD COLUMN more int");
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let output = run.wait_with_output().expect("it ends");
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!(vault.dumps().len(), 1, "{report}");
    assert_eq!(leftovers(&vault.folder), Vec::<String>::new());
    assert_eq!(output.status.code(), Some(0), "{report}");
}
