//! A zoo of backups: every bad one is found, at the level at which it can be; no good one is rejected.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::house::House;
use super::zoo_bad;
use super::zoo_good;

/// What the database holds that all of them should be backups of.
const ROWS: &str = "
    CREATE TABLE \"Content\" (id serial PRIMARY KEY, body text, made timestamptz DEFAULT now());
    INSERT INTO \"Content\" (body) SELECT md5(n::text) || md5((n * 7)::text) FROM generate_series(1, 5000) n;
    CREATE TABLE blank (made timestamptz);
    CREATE TABLE few (id int PRIMARY KEY); INSERT INTO few VALUES (1), (2), (3);
    CREATE TABLE child (few int REFERENCES few (id), word text);
    INSERT INTO child SELECT 1 + n % 3, 'w' || n FROM generate_series(1, 2000) n;";

/// One backup in a folder of its own.
pub(crate) struct Beast {
    /// What it is called.
    pub(crate) name: &'static str,
    /// Its settings beside name and folder.
    pub(crate) settings: String,
    /// What makes it.
    pub(crate) make: Box<dyn Fn(&Cage)>,
    /// The check that finds it, and a part of what that says; none for a good one.
    pub(crate) found: Option<(&'static str, &'static str)>,
}

impl Beast {
    /// A bad one, that `check` finds and says this of.
    pub(crate) fn bad(
        name: &'static str,
        settings: &str,
        found: (&'static str, &'static str),
        make: impl Fn(&Cage) + 'static,
    ) -> Self {
        Self { name, settings: settings.to_owned(), make: Box::new(make), found: Some(found) }
    }

    /// A good one.
    pub(crate) fn good(name: &'static str, settings: &str, make: impl Fn(&Cage) + 'static) -> Self {
        Self { name, settings: settings.to_owned(), make: Box::new(make), found: None }
    }
}

/// Its folder, and what makes real backups.
pub(crate) struct Cage<'a> {
    pub(crate) house: &'a House,
    pub(crate) folder: PathBuf,
}

impl Cage<'_> {
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).expect("it is written");
        path
    }

    /// What `pg_dump` writes with these words, of a database.
    pub(crate) fn dump_of(&self, database: &str, words: &[&str]) -> Vec<u8> {
        let mut command = Command::new(self.house.server.program("pg_dump"));
        command.args(words).env("PGHOST", self.house.server.host()).env("PGUSER", "postgres");
        let output = command.env("PGDATABASE", database).output().expect("pg_dump starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    }

    pub(crate) fn dump(&self, words: &[&str]) -> Vec<u8> {
        self.dump_of("postgres", &[&["--format=custom"], words].concat())
    }

    /// The server's version as one number.
    pub(crate) fn version(&self) -> u32 {
        let told = self.house.server.sql("SHOW server_version_num");
        told.parse().unwrap_or_else(|why| panic!("{why}: {told}"))
    }

    /// The record that we would have written beside a file, with something in it replaced.
    pub(crate) fn record(&self, file: &Path, instead: &Value) {
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        let bytes = std::fs::read(file).unwrap_or_default();
        let cluster = self.house.server.sql("SELECT system_identifier FROM pg_control_system()");
        let mut record = json!({
            "name": name,
            "taken_at": jiff::Timestamp::now().to_string(),
            "size_bytes": bytes.len(),
            "sha256": sha256(&bytes),
            "took_ms": 60_000,
            "source": { "database": "postgres", "cluster": cluster, "version": self.version(),
                        "extensions": {}, "tables": { "public.few": { "rows": 3, "exact": true } } },
        });
        for (field, value) in instead.as_object().into_iter().flatten() {
            record[field] = value.clone();
        }
        self.put(&format!("{name}.json"), record.to_string().as_bytes());
    }

    /// Seven backups of earlier days with so many bytes each.
    pub(crate) fn week(&self, end: &str, bytes: usize) {
        for day in 1..8 {
            let file = self.put(&format!("day-{day}{end}"), &vec![b'x'; bytes]);
            written(&file, 24 * day + 1);
        }
    }
}

/// A tar archive of some files, made by `tar` with these words.
pub(crate) fn tar(words: &[&str]) -> Vec<u8> {
    let from = tempfile::tempdir().expect("a folder");
    for place in 0..5 {
        let deep = from.path().join(format!("folder-{place}/{}", "x".repeat(60)));
        std::fs::create_dir_all(&deep).expect("a folder");
        let text = format!("{place} ").repeat(700 * (place + 1));
        std::fs::write(deep.join("y".repeat(70)), text).expect("a file");
    }
    let mut command = Command::new("tar");
    command.args(words).args(["-cf", "-", "-C"]).arg(from.path()).arg(".");
    let output = command.output().expect("tar starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// Sets when a file was last written: so many hours ago.
pub(crate) fn written(file: &Path, hours: i64) {
    let at = jiff::Timestamp::now().as_second() - hours * 3600;
    let done = Command::new("touch").args(["-d", &format!("@{at}")]).arg(file).status();
    assert!(done.is_ok_and(|status| status.success()));
}

/// Makes a dump a year older than it is, in its own words: the year stands in its header.
pub(crate) fn a_year_older(dump: &mut [u8]) {
    // Five letters, three bytes of version, two sizes and the format; how it is compressed, which takes a byte since 1.15; then
    // second, minute, hour, day, month and year, each with its sign before it.
    let compression = if dump[6] >= 15 { 1 } else { 5 };
    let year = 11 + compression + 5 * 5 + 1;
    let [low, high] = (u16::from_le_bytes([dump[year], dump[year + 1]]) - 1).to_le_bytes();
    dump[year] = low;
    dump[year + 1] = high;
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    let hex = |mut text: String, byte: &u8| {
        write!(text, "{byte:02x}").expect("it is a text");
        text
    };
    sha2::Sha256::digest(bytes).iter().fold(String::new(), hex)
}

pub(crate) fn gzip(bytes: &[u8], level: u32) -> Vec<u8> {
    use std::io::Write as _;
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(level));
    packer.write_all(bytes).expect("it is packed");
    packer.finish().expect("it is packed")
}

/// A house with all of them, tended once.
struct Zoo {
    house: House,
    beasts: Vec<Beast>,
}

impl Zoo {
    fn open(beasts: Vec<Beast>) -> Option<Self> {
        let house = House::new(&[])?;
        house.server.sql(ROWS);
        house.server.sql("CREATE DATABASE other");
        house.server.sql("CREATE DATABASE empty");
        house.server.sql("VACUUM ANALYZE");
        let mut settings = "[[agents.db-maintainer.databases]]\nname = \"main\"\n".to_owned();
        for beast in &beasts {
            let folder = house.path().join("zoo").join(beast.name);
            std::fs::create_dir_all(&folder).expect("a folder");
            let cage = Cage { house: &house, folder: folder.clone() };
            (beast.make)(&cage);
            write!(
                settings,
                "[[agents.db-maintainer.backups]]\nname = \"{}\"\nfolder = \"{}\"\nrpo = \"24h\"\n{}\n",
                beast.name,
                folder.display(),
                beast.settings
            )
            .expect("it is a text");
        }
        house.settings(&settings);
        house.tend();
        Some(Self { house, beasts })
    }

    /// What is told of each, by check.
    fn told(&self, name: &str) -> Vec<(String, String)> {
        let incidents = self.house.asked(&["incidents"]);
        let of_it = format!("/backup:host-a/{name}");
        let all = incidents.as_array().unwrap_or_else(|| panic!("{incidents:#}")).iter();
        let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
        let found = all.filter(|one| text(one, "key").ends_with(&of_it)).map(|one| {
            let check = text(one, "key").split('/').nth(1).unwrap_or_default().to_owned();
            (check, text(one, "message"))
        });
        found.collect()
    }
}

#[test]
fn every_bad_backup_is_found_at_its_level() {
    let Some(zoo) = Zoo::open(zoo_bad::all()) else { return };
    assert!(zoo.beasts.len() >= 50, "{}", zoo.beasts.len());
    let mut missed = Vec::new();
    for beast in &zoo.beasts {
        let (check, says) = beast.found.expect("it is a bad one");
        let told = zoo.told(beast.name);
        if !told.iter().any(|(by, said)| by == check && said.contains(says)) {
            missed.push(format!("{}: {check} should say `{says}`; told: {told:?}", beast.name));
        }
    }
    assert!(missed.is_empty(), "{} of {}:\n{}", missed.len(), zoo.beasts.len(), missed.join("\n"));
}

#[test]
fn no_good_backup_is_rejected() {
    let Some(zoo) = Zoo::open(zoo_good::all()) else { return };
    assert!(zoo.beasts.len() >= 50, "{}", zoo.beasts.len());
    let told = zoo.beasts.iter().map(|beast| (beast.name, zoo.told(beast.name)));
    // That there is no other place is told of each, and that one before it was late: neither rejects one.
    let rejects = |told: Vec<(String, String)>| -> Vec<_> {
        told.into_iter()
            .filter(|(check, _)| !["backup_copies", "recovery_short"].contains(&check.as_str()))
            .collect()
    };
    let told = told.map(|(name, told)| (name, rejects(told)));
    let rejected: Vec<_> = told.filter(|(_, told)| !told.is_empty()).collect();
    assert!(rejected.is_empty(), "{} of {}: {rejected:#?}", rejected.len(), zoo.beasts.len());
    let proved = |beast: &&Beast| {
        let notes = zoo.house.path().join("state/backups").join(beast.name);
        notes.join("restore-proof.json").exists()
    };
    let dumps = zoo.beasts.iter().filter(|beast| !beast.settings.contains("format"));
    let (proved, dumps) = (dumps.clone().filter(proved).count(), dumps.count());
    assert_eq!(proved, dumps, "every good dump was restored");
}
