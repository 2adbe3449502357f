//! What a restored database is held against: versions of extensions, encodings, and tables that are younger than a dump.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::house::House;
use super::peers::wait_until;

const SOON: Duration = Duration::from_secs(20);

/// A house with a folder of backups that are looked after.
struct Vault {
    house: House,
    folder: PathBuf,
}

impl Vault {
    fn new() -> Option<Self> {
        let house = House::new(&[])?;
        let folder = house.path().join("vault");
        std::fs::create_dir(&folder).expect("a folder");
        Some(Self { house, folder })
    }

    fn settings(&self, more: &str) {
        self.house.settings(&format!(
            "[[agents.db-maintainer.databases]]\nname = \"main\"\n[[agents.db-maintainer.backups]]\n\
             name = \"shop\"\ndatabase = \"main\"\nrpo = \"24h\"\nfolder = \"{}\"\n{more}\n",
            self.folder.display()
        ));
    }

    /// What the last restore showed.
    fn proof(&self) -> Value {
        let report = self.house.tend();
        let file = self.house.path().join("state/backups/shop/restore-proof.json");
        let text = std::fs::read_to_string(file).unwrap_or_else(|why| panic!("{why}: {report:#?}"));
        serde_json::from_str(&text).expect("it is JSON")
    }

    /// What somebody else dumps.
    fn dumped(&self, words: &[&str]) {
        let mut command = Command::new(self.house.server.program("pg_dump"));
        command
            .args(["--format=custom", "--file"])
            .arg(self.folder.join("theirs.dump"))
            .args(words);
        command.env("PGHOST", self.house.server.host()).env("PGUSER", "postgres");
        let done = command.env("PGDATABASE", "postgres").status().expect("it starts");
        assert!(done.success());
    }
}

#[test]
fn another_version_of_an_extension_is_told_and_is_no_flaw() {
    let Some(vault) = Vault::new() else { return };
    let server = &vault.house.server;
    let newest =
        server.sql("SELECT default_version FROM pg_available_extensions WHERE name = 'hstore'");
    let older = server.sql(&format!(
        "SELECT version FROM pg_available_extension_versions WHERE name = 'hstore' \
         AND version <> '{newest}' ORDER BY version LIMIT 1"
    ));
    assert!(!older.is_empty(), "this server has several versions of it");
    server.sql(&format!("CREATE EXTENSION hstore VERSION '{older}'"));
    server.sql("CREATE TABLE few (id int, what hstore); INSERT INTO few VALUES (1, 'a=>1')");
    vault.settings("make = true");
    let proof = vault.proof();
    let holds = proof["holds"].as_str().unwrap_or_default();
    let says = format!("hstore is {older} there and {newest} here");
    assert!(holds.contains(&says), "{proof:#}");
    assert!(proof["fault"].is_null() && proof["good_until"].is_string(), "{proof:#}");
}

#[test]
fn a_database_is_restored_in_its_own_encoding() {
    let Some(vault) = Vault::new() else { return };
    let server = &vault.house.server;
    server.sql("CREATE DATABASE bytes ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0");
    let url = server.url().replace("/postgres?", "/bytes?");
    let psql = Command::new("psql")
        .args(["-XqAt", &url, "-c", "CREATE TABLE few (note text)"])
        .args(["-c", "INSERT INTO few VALUES (E'\\xff is no UTF-8')"])
        .env("PGCLIENTENCODING", "SQL_ASCII")
        .status();
    assert!(psql.expect("psql starts").success());
    let vault = Vault { house: vault.house.at(&url), folder: vault.folder };
    vault.settings(
        "make = true\nqueries = [\"SELECT pg_encoding_to_char(encoding) = 'SQL_ASCII' FROM pg_database \
         WHERE datname = current_database()\"]",
    );
    let proof = vault.proof();
    assert!(proof["fault"].is_null(), "{proof:#}");
    assert!(
        proof["holds"].as_str().is_some_and(|holds| holds.contains("with 1 rows")),
        "{proof:#}"
    );
}

#[test]
fn a_table_that_may_be_younger_than_a_dump_of_others_is_told_and_one_that_is_older_is_a_flaw() {
    let Some(vault) = Vault::new() else { return };
    let server = &vault.house.server;
    let made = |table: &str| {
        server.sql(&format!("CREATE TABLE {table} AS SELECT n FROM generate_series(1, 2000) n"));
        server.sql(&format!("ANALYZE {table}"));
    };
    made("older");
    made("orders");
    vault.dumped(&[]);
    made("younger");
    vault.settings("prove_every = \"7d\"");
    let proof = vault.proof();
    assert!(proof["fault"].is_null(), "{proof:#}");
    let holds = proof["holds"].as_str().unwrap_or_default();
    assert!(holds.contains("without public.younger, which may be younger"), "{proof:#}");
    // One that was there before another that is in it was there, too.
    std::fs::remove_dir_all(vault.house.path().join("state/backups/shop")).expect("there was one");
    vault.dumped(&["-T", "older"]);
    let proof = vault.proof();
    let fault = proof["fault"].as_str().unwrap_or_default();
    assert!(fault.contains("the table public.older is not in it"), "{proof:#}");
}

/// A dump of 2,000 rows, of which the server's statistics tell that they are 9,000: as where rows were counted twice, or a server
/// forgot what it had counted.
fn miscounted() -> Option<Vault> {
    let vault = Vault::new()?;
    let server = &vault.house.server;
    server.sql("CREATE TABLE orders AS SELECT n FROM generate_series(1, 2000) n");
    vault.dumped(&[]);
    server.sql("UPDATE pg_class SET reltuples = 9000 WHERE relname = 'orders'");
    vault.settings("prove_every = \"7d\"");
    Some(vault)
}

#[test]
fn what_statistics_tell_is_counted_before_it_is_held_against_a_backup() {
    let Some(vault) = miscounted() else { return };
    let proof = vault.proof();
    assert!(proof["fault"].is_null(), "{proof:#}");
    vault.house.server.sql("INSERT INTO orders SELECT n FROM generate_series(1, 7000) n");
    let notes = vault.house.path().join("state/backups/shop");
    std::fs::remove_dir_all(&notes).expect("there was one");
    let proof = vault.proof();
    let fault = proof["fault"].as_str().unwrap_or_default();
    assert!(fault.contains("public.orders has 9000 rows, and 2000 in it"), "{proof:#}");
}

#[test]
fn where_nobody_can_count_rows_statistics_refuse_no_backup() {
    let Some(vault) = miscounted() else { return };
    let server = &vault.house.server;
    let _in_the_way = server.begin("BEGIN; LOCK TABLE orders; SELECT pg_sleep(60)");
    assert!(wait_until(SOON, || !server.may_fail("LOCK TABLE orders NOWAIT")));
    let report = vault.house.tend();
    let said = format!("{report:#?}");
    assert!(
        said.contains("statistics tell of 9000 rows of public.orders, 2000 are in it"),
        "{said}"
    );
    let proof = vault.house.path().join("state/backups/shop/restore-proof.json");
    assert!(!proof.exists(), "{said}");
}

#[test]
fn a_dump_of_others_is_not_proved_while_its_database_cannot_be_seen() {
    let Some(vault) = Vault::new() else { return };
    vault.house.server.sql("CREATE TABLE orders AS SELECT n FROM generate_series(1, 2000) n");
    vault.dumped(&[]);
    let nowhere = vault.house.server.url().replace("host=", "host=/nowhere");
    let vault = Vault { house: vault.house.at(&nowhere), folder: vault.folder };
    vault.settings("prove_every = \"7d\"");
    let report = vault.house.tend();
    let said = format!("{report:#?}");
    assert!(said.contains("what it should hold cannot be seen"), "{said}");
    let proof = vault.house.path().join("state/backups/shop/restore-proof.json");
    assert!(!proof.exists(), "{said}");
}
