//! Dumps of databases whose locale is not C: they are restored in their own, where this host has it.

use std::process::Command;

use super::backups::Vault;
use super::restores::PROVED;

/// What a database in C knows no letters of.
const WORDS: &[&str] = &[
    "CREATE TABLE names (name text CHECK (name ~ '^\\w+$'))",
    "INSERT INTO names VALUES ('Müller')",
];
/// What is empty in C, where capital letters come first.
const RANGES: &[&str] = &[
    "CREATE TABLE names (name text) PARTITION BY RANGE (name)",
    "CREATE TABLE names_a PARTITION OF names FOR VALUES FROM ('a') TO ('N')",
    "INSERT INTO names VALUES ('Bob')",
];

impl Vault {
    /// With another database, made like this and with these statements carried out, as the one that is backed up.
    fn with_database(made: &str, statements: &[&str]) -> Option<Self> {
        let vault = Self::new("")?;
        vault.house.server.sql(&format!("CREATE DATABASE letters TEMPLATE template0 {made}"));
        let url = vault.house.server.url().replace("/postgres?", "/letters?");
        for statement in statements {
            let done = Command::new("psql").args(["-XqAt", &url, "-c", statement]).status();
            assert!(done.is_ok_and(|status| status.success()), "{statement}");
        }
        vault.dumped_of("letters", &[]);
        Some(Self { house: vault.house.at(&url), folder: vault.folder })
    }

    fn is_good(&self) {
        assert_eq!(self.tended(), [PROVED]);
        assert!(self.proof()["fault"].is_null(), "{:#}", self.proof());
    }

    /// The dump, with one name in its table of contents replaced by another of the same length.
    fn renamed(&self, name: &str, other: &str) {
        assert_eq!(name.len(), other.len());
        let file = self.folder.join("theirs.dump");
        let mut bytes = std::fs::read(&file).expect("it is there");
        let places = bytes.windows(name.len()).enumerate();
        let places = places.filter(|(_, part)| *part == name.as_bytes()).map(|(place, _)| place);
        let places: Vec<usize> = places.collect();
        assert!(!places.is_empty(), "it says {name}");
        for place in places {
            bytes[place..place + name.len()].copy_from_slice(other.as_bytes());
        }
        std::fs::write(&file, bytes).expect("it is written");
    }
}

#[test]
fn a_dump_is_restored_where_its_letters_are_letters() {
    let made = "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'";
    let Some(vault) = Vault::with_database(made, WORDS) else { return };
    vault.is_good();
}

#[test]
fn a_dump_is_restored_in_the_order_of_its_own_provider() {
    let made = "ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LOCALE 'C.UTF-8'";
    let Some(vault) = Vault::with_database(made, RANGES) else { return };
    vault.is_good();
}

#[test]
fn what_another_order_of_letters_may_break_is_no_flaw_of_a_dump() {
    let Some(vault) = Vault::with_database("ENCODING 'UTF8' LOCALE 'C.UTF-8'", WORDS) else {
        return;
    };
    vault.renamed("'C.UTF-8'", "'x.UTF-8'");
    vault.cannot_tell("this host lacks the locale x.UTF-8");
}

#[test]
fn a_dump_that_needs_no_order_of_letters_is_good_without_it() {
    let few = ["CREATE TABLE few (id int)", "INSERT INTO few VALUES (1)"];
    let Some(vault) = Vault::with_database("ENCODING 'UTF8' LOCALE 'C.UTF-8'", &few) else {
        return;
    };
    vault.renamed("'C.UTF-8'", "'x.UTF-8'");
    vault.is_good();
    let proof = vault.proof();
    let holds = proof["holds"].as_str().unwrap_or_default();
    assert!(holds.contains("this host lacks the locale x.UTF-8"), "{proof:#}");
}
