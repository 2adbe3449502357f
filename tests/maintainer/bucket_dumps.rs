//! Dumps of a real database that are streamed into a bucket of a real store: appear whole, are read back, restored and pruned.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use opswarden::adapters::backup::{BackupPlace, BackupSet, ServerPrograms};
use opswarden::adapters::s3::{BucketStore, Client};
use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::operation::{DataKind, DataRef, Upkeep};
use opswarden::ports::clock::Clock as _;
use opswarden::ports::data_store::{Bucket as _, DataStoreControl as _};
use serde_json::{Value, json};

use super::backups::{ROWS, encrypted, key, leftovers, said};
use super::house::House;
use super::object_storage::{begin_upload, with_bucket};
use super::peers::wait_until;
use super::peers_s3::{KEY, REGION, S3Server, SECRET};
use super::zoo::sha256;

/// A house whose database has rows, and a bucket for its dumps.
struct Vault {
    house: House,
    server: S3Server,
    client: Client,
    runtime: tokio::runtime::Runtime,
}

impl Vault {
    fn new(settings: &str) -> Option<Self> {
        Self::with(settings, json!({}))
    }

    /// In front of a store that behaves so.
    fn with(settings: &str, store: Value) -> Option<Self> {
        let server = S3Server::start(store)?;
        let house = House::new(&[])?;
        house.server.sql(ROWS);
        house.server.sql("VACUUM ANALYZE");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let client = runtime.block_on(with_bucket(&server));
        let keys = [("S3_ACCESS_KEY_ID", KEY), ("S3_SECRET_ACCESS_KEY", SECRET)];
        let vault = Self { house: house.given(&keys), server, client, runtime };
        vault.settings(settings);
        Some(vault)
    }

    fn settings(&self, settings: &str) {
        self.house.settings(&format!(
            "[[agents.db-maintainer.databases]]\nname = \"main\"\n\
             [[agents.db-maintainer.buckets]]\nname = \"media\"\nbucket = \"shop-media\"\n\
             endpoint = \"{}\"\nregion = \"{REGION}\"\n\
             [[agents.db-maintainer.backups]]\nname = \"shop\"\ndatabase = \"main\"\nrpo = \"24h\"\n\
             bucket = \"media\"\noffsite = true\n{settings}\n",
            self.server.endpoint()
        ));
    }

    /// What was done about them in one run, as verbs and states.
    fn tended(&self) -> Vec<String> {
        self.house.tend().attempts("shop")
    }

    /// What is told of them, by check, as long as it is so.
    fn told(&self, check: &str) -> Option<String> {
        self.all_told(check).into_iter().find(|(_, is_open)| *is_open).map(|(said, _)| said)
    }

    /// What was ever told of them, and whether it is so still.
    fn all_told(&self, check: &str) -> Vec<(String, bool)> {
        let incidents = self.house.asked(&["incidents"]);
        let key = format!("db-maintainer/{check}/backup:host-a/shop");
        let all = incidents.as_array().expect("a list").iter();
        let found = all.filter(|one| one["key"] == key.as_str());
        found.map(|one| (said(one), one["resolved"].is_null())).collect()
    }

    fn objects(&self) -> Vec<String> {
        let listed = self.runtime.block_on(self.client.list("")).expect("it is listed");
        listed.into_iter().map(|object| object.key).collect()
    }

    fn dumps(&self) -> Vec<String> {
        self.objects().into_iter().filter(|name| name.rsplit('.').next() == Some("dump")).collect()
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("object");
        self.runtime.block_on(self.client.get_to(name, &file)).expect("it is there");
        std::fs::read(file).expect("it was fetched")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        self.runtime.block_on(self.client.put_stream(name, bytes)).expect("it is put there");
    }

    /// How many uploads were begun and never ended.
    fn unfinished(&self) -> u64 {
        self.unfinished_before(SystemClock::new().now())
    }

    fn unfinished_before(&self, moment: Timestamp) -> u64 {
        let store = BucketStore::new("media", self.client.clone(), Duration::from_mins(1));
        let look = self.runtime.block_on(store.look(moment));
        look.expect("it is seen").unfinished.expect("they are seen").count
    }

    /// Has what is past its retention taken away, whatever anybody thinks of the newest.
    fn pruned_to(&self, kept: u32) {
        let declared = json!({ "name": "shop", "bucket": "media", "make": true, "kept": kept });
        let declared = serde_json::from_value(declared).expect("they are good");
        let scratch = self.house.path().to_owned();
        let place = BackupPlace { notes: self.notes(), scratch, servers: None };
        let clock = Arc::new(SystemClock::new());
        let set = BackupSet::new(declared, place, None, ServerPrograms::new(None), clock);
        let set = set.in_bucket("media", Ok(self.client.clone()));
        let data = DataRef::of_store(DataKind::Backups, "shop");
        let pruned = set.carry_out(Upkeep::PruneBackups, &data, Duration::from_mins(1));
        self.runtime.block_on(pruned).expect("one may go");
    }

    /// Nothing of it lies on this host.
    fn is_clean(&self) {
        let (state, notes) = (self.house.path().join("state"), self.notes());
        for folder in [&state, &std::env::temp_dir()] {
            let own = leftovers(folder).into_iter().filter(|name| name.starts_with(".backup-"));
            assert_eq!(own.collect::<Vec<_>>(), Vec::<String>::new());
        }
        let kept = std::fs::read_dir(notes).into_iter().flatten().flatten();
        let kept = kept.map(|entry| entry.file_name().to_string_lossy().into_owned());
        let other: Vec<String> =
            kept.filter(|name| name.rsplit('.').next() != Some("json")).collect();
        assert_eq!(other, Vec::<String>::new());
    }

    fn notes(&self) -> PathBuf {
        self.house.path().join("state/backups/shop")
    }
}

const BOTH: [&str; 2] =
    ["back up shop: verified", "restore the newest backup of shop for a proof: verified"];

#[test]
fn a_dump_goes_straight_into_a_bucket_with_its_sum_and_is_restored_from_there() {
    let Some(vault) = Vault::new("make = true") else { return };
    assert_eq!(vault.tended(), BOTH);
    let [dump, sum] = &vault.objects()[..] else { panic!("{:?}", vault.objects()) };
    assert!(dump.starts_with("shop-2") && *sum == format!("{dump}.sha256"), "{dump} {sum}");
    let bytes = vault.bytes(dump);
    assert!(bytes.starts_with(b"PGDMP"));
    let line = String::from_utf8(vault.bytes(sum)).expect("a text");
    assert_eq!(line, format!("{}  {dump}\n", sha256(&bytes)));
    let proof = std::fs::read_to_string(vault.notes().join("restore-proof.json")).expect("a proof");
    assert!(proof.contains("2 tables with 5003 rows"), "{proof}");
    vault.is_clean();
    assert_eq!(vault.tended(), Vec::<String>::new(), "nothing is due again");
    let copies = vault.told("backup_copies").expect("it is told");
    assert_eq!(copies, "there are 2 copies of 3, with the data itself");
    // From here on nobody makes a new one. Without our record it is held against the sum beside it.
    vault.settings("");
    let record = vault.notes().join(format!("{dump}.json"));
    let aside = vault.house.path().join("aside.json");
    std::fs::rename(&record, &aside).expect("it is there");
    vault.tended();
    assert_eq!(vault.told("backup_bad"), None);
    // Whoever changes one byte of it is found out, by the sum and by the record.
    let mut other = bytes.clone();
    other[bytes.len() / 2] ^= 1;
    vault.put(dump, &other);
    vault.tended();
    let told = vault.told("backup_bad").expect("it is told");
    assert!(told.contains("its contents are not those of the sum beside it (L2)"), "{told}");
    vault.put(dump, &bytes);
    vault.tended();
    assert_eq!(vault.told("backup_bad"), None);
    std::fs::rename(&aside, &record).expect("it is there");
    vault.put(dump, &other);
    vault.tended();
    let told = vault.told("backup_bad").expect("it is told");
    assert!(told.contains("its contents are not what was written (L2)"), "{told}");
    vault.put(dump, &bytes);
    vault.tended();
    assert_eq!(vault.told("backup_bad"), None);
    // One that is gone is told, and another one is made.
    vault.runtime.block_on(vault.client.delete(dump)).expect("it goes");
    vault.settings("make = true");
    vault.tended();
    let told = vault.all_told("backup_bad");
    assert!(told.iter().any(|(said, _)| said.contains("its object is gone (L2)")), "{told:?}");
    assert_eq!(vault.dumps().len(), 1, "{:?}", vault.objects());
}

#[test]
fn a_dump_is_encrypted_on_its_way_into_a_bucket_and_needs_no_room_here() {
    let Some(vault) = Vault::new("") else { return };
    let Some((recipient, identity)) = key(vault.house.path(), "one") else { return };
    vault.settings(&encrypted(&recipient, &identity));
    assert_eq!(vault.tended(), BOTH);
    let dumps = vault.dumps();
    assert!(vault.bytes(&dumps[0]).starts_with(b"age-encryption.org"), "not in the clear");
    vault.is_clean();
    // Where nothing can be written, it is made all the same: only a look at its contents and a restore need a place.
    let nowhere = format!(
        "every = \"4s\"\nprove_every = \"0s\"\n{}\n[agents.db-maintainer.postgres]\nscratch = \"/proc/nowhere\"",
        encrypted(&recipient, &identity)
    );
    std::thread::sleep(Duration::from_millis(4100));
    vault.settings(&nowhere);
    assert_eq!(vault.tended(), ["back up shop: verified"]);
    assert_eq!(vault.dumps().len(), 2);
    // A key that is not here is no flaw of it either: it is summed up where it lies.
    std::thread::sleep(std::time::Duration::from_millis(4100));
    vault.settings(&format!("every = \"4s\"\n{}", encrypted(&recipient, "/nowhere.key")));
    assert_eq!(vault.tended(), ["back up shop: verified"]);
    assert_eq!((vault.dumps().len(), vault.told("backup_bad")), (3, None));
    let told = vault.told("restore_unprovable").expect("it is told");
    assert!(told.starts_with("L2 checked, restore unproven: /nowhere.key, which"), "{told}");
}

#[test]
fn a_dump_that_fails_leaves_no_object_and_no_parts() {
    let refuse = json!({ "refuse": [{ "method": "PUT", "asked": { "partNumber": "2" }, "status": 403, "code": "AccessDenied" }] });
    let through = |program: &str| {
        format!(
            "make = true\nprove_every = \"0s\"\nencryption = {{ key_id = \"none\", \
             encrypt = [\"sh\", \"-c\", \"{program}\"], decrypt = [\"tail\", \"-c\", \"+9000001\"] }}"
        )
    };
    // One that fails in its first part, one that fails in its second, and one that the store does not take to its end.
    for (program, says) in [
        ("cat; echo no such key >&2; exit 1", "it cannot be encrypted: no such key"),
        ("head -c 9000000 /dev/zero; cat; echo late >&2; exit 1", "it cannot be encrypted: late"),
        ("head -c 17000000 /dev/zero; cat", "the access key may not do that (AccessDenied)"),
        // What cannot be read back as a dump is none.
        ("head -c 8000000 /dev/zero; cat", "it ends within its header (L2)"),
    ] {
        // An attempt that failed is not repeated at once, so that each has a house of its own.
        let Some(vault) = Vault::with(&through(program), refuse.clone()) else { return };
        assert_eq!(vault.tended(), ["back up shop: failed"], "{program}");
        let told = vault.house.asked(&["remediations"]).to_string();
        assert!(told.contains(says), "{program}: {told}");
        assert_eq!((vault.objects(), vault.unfinished()), (Vec::new(), 0), "{program}");
        assert!(vault.told("backup_due").is_some(), "what failed is told");
        vault.is_clean();
    }
}

#[test]
fn a_dump_that_gives_way_takes_its_parts_back_and_is_made_a_little_later() {
    // What encrypts stands still once a part is on its way: the dump stands still too, and holds what it has locked.
    let slow = "make = true\nprove_every = \"0s\"\nencryption = { key_id = \"none\", \
        encrypt = [\"sh\", \"-c\", \"head -c 9000000 /dev/zero; sleep 6; cat\"], \
        decrypt = [\"tail\", \"-c\", \"+9000001\"] }";
    let Some(vault) = Vault::new(slow) else { return };
    let many =
        "INSERT INTO \"Content\" (body) SELECT md5(n::text) FROM generate_series(1, 100000) n";
    vault.house.server.sql(many);
    let run = vault.house.maintainer().stdout(Stdio::piped()).spawn().expect("it starts");
    let dumping = "SELECT count(*) FROM pg_stat_progress_copy";
    let at_work = || vault.house.server.sql(dumping) == "1" && vault.unfinished() == 1;
    assert!(wait_until(Duration::from_secs(15), at_work), "{}", vault.house.server.log());
    let began = Instant::now();
    vault.house.server.sql("ALTER TABLE \"Content\" ADD COLUMN more int");
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    let gone = || vault.unfinished() == 0 && vault.objects().is_empty();
    assert!(wait_until(Duration::from_secs(5), gone), "its parts are taken back");
    let output = run.wait_with_output().expect("it ends");
    let report = String::from_utf8_lossy(&output.stdout);
    assert_eq!((vault.dumps().len(), vault.unfinished()), (1, 0), "{report}");
    assert_eq!(output.status.code(), Some(0), "{report}");
    vault.is_clean();
}

#[test]
fn an_upload_that_a_killed_run_left_is_ended_by_the_next_dump_and_no_other_is() {
    let [left, young] = ["shop-20260101T000000000Z.dump", "shop-20260102T000000000Z.dump"];
    let others = ["shop-2-20260101T000000000Z.dump", "shop-by-hand.dump", "film.mp4"];
    let settings = "make = true\nprove_every = \"0s\"";
    let Some(vault) = Vault::with(settings, json!({ "young_uploads": [young] })) else { return };
    for key in others.iter().chain(&[left, young]) {
        vault.runtime.block_on(begin_upload(&vault.server, key));
    }
    let tomorrow = SystemClock::new().now() + Duration::from_hours(24);
    assert_eq!((vault.unfinished(), vault.unfinished_before(tomorrow)), (4, 5));
    assert_eq!(vault.tended(), ["back up shop: verified"]);
    // The young one may be that of a run at work.
    assert_eq!((vault.unfinished(), vault.unfinished_before(tomorrow)), (3, 4));
}

#[test]
fn of_a_bucket_the_last_good_one_stays_and_what_is_of_others_too() {
    let settings = |every: &str, kept: u32| {
        format!("make = true\nkept = {kept}\nevery = \"{every}\"\nprove_every = \"0s\"")
    };
    let Some(vault) = Vault::new(&settings("4s", 100)) else { return };
    let others = ["shop-2-20260101T000000000Z.dump", "shop-by-hand.dump", "film.mp4"];
    for name in others {
        vault.put(name, b"of others");
    }
    let own = || -> Vec<String> {
        vault.dumps().into_iter().filter(|name| !others.contains(&name.as_str())).collect()
    };
    for _ in 0..4 {
        vault.tended();
        std::thread::sleep(Duration::from_millis(4100));
    }
    let all = own();
    let [oldest, good, broken @ ..] = &all[..] else { panic!("{all:?}") };
    assert_eq!(broken.len(), 2, "{all:?}");
    for name in broken {
        vault.put(name, b"broken");
    }
    vault.settings(&settings("1d", 2));
    assert_eq!(vault.tended(), Vec::<String>::new(), "nothing goes while the newest is no good");
    // Whoever prunes all the same keeps the last that is what was written, though two are newer.
    vault.pruned_to(2);
    assert!(!own().contains(oldest) && own().contains(good), "{:?}", own());
    vault.settings(&settings("4s", 2));
    assert_eq!(vault.tended(), ["back up shop: verified"]);
    vault.settings(&settings("1d", 2));
    assert_eq!(vault.tended(), ["prune the backups of shop: verified"]);
    let objects = vault.objects();
    assert_eq!(objects.len(), 2 * 2 + others.len(), "their sums went with them: {objects:?}");
    assert!(others.iter().all(|name| objects.iter().any(|one| one == name)), "{objects:?}");
}
