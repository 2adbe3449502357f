//! Dumps that others make: what may have happened since is no flaw of one, and which of their files are looked at.

use super::backups::Vault;
use super::house::Report;
use super::restores::PROVED;
use super::zoo::written;

impl Vault {
    /// What the last restore of a run found wrong, and what it told.
    fn restored(&self) -> (String, String) {
        let report = self.house.tend();
        let notes = self.house.path().join("state/backups/shop");
        assert!(notes.join("restore-proof.json").exists(), "{report:#?}");
        let proof = self.proof();
        // Nothing of it is known to the next run, which would wait a while after one that failed.
        std::fs::remove_dir_all(self.house.path().join("state")).expect("it is there");
        let text = |field: &str| proof[field].as_str().unwrap_or_default().to_owned();
        (text("fault"), text("holds"))
    }

    fn rows(&self, table: &str, many: u32) {
        self.house.server.sql(&format!(
            "CREATE TABLE {table} AS SELECT n FROM generate_series(1, {many}) n; ANALYZE {table}"
        ));
    }
}

/// Whether a run found that the newest is no good.
fn is_bad(report: &Report) -> bool {
    let open = report.report["open"].as_array().into_iter().flatten();
    let mut keys = open.filter_map(|one| one["key"].as_str());
    keys.any(|key| key.contains("/backup_bad/"))
}

#[test]
fn a_file_that_is_written_over_is_another_backup() {
    let Some(vault) = Vault::new("") else { return };
    vault.dumped(&["-T", "\"Content\""]);
    vault.tended();
    let told = vault.told("backup_bad").unwrap_or_default();
    vault.tended();
    let told = vault.told("backup_bad").unwrap_or(told);
    assert!(told.contains("\"Content\" is not in it (L4)"), "{told}");
    vault.dumped(&[]);
    let report = vault.house.tend();
    assert!(!is_bad(&report), "{report:#?}");
    // A proof is due, and is made once the one that failed is long enough ago.
    assert!(report.left("restore_due").contains("back-off"), "{report:#?}");
}

#[test]
fn what_is_much_smaller_is_restored_and_then_it_is_good() {
    let Some(vault) = Vault::new("") else { return };
    vault.dumped(&[]);
    let theirs = vault.folder.join("theirs.dump");
    for day in 1..6 {
        let before = vault.folder.join(format!("{day}.dump"));
        std::fs::copy(&theirs, &before).expect("it is copied");
        written(&before, 24 * day);
    }
    vault.each(&["DELETE FROM \"Content\" WHERE id > 500", "VACUUM ANALYZE"]);
    vault.dumped(&[]);
    assert_eq!(vault.tended(), [PROVED]);
    let report = vault.house.tend();
    assert!(!is_bad(&report) && report.attempts("shop").is_empty(), "{report:#?}");
    // As large as that is what is usual now.
    std::fs::rename(&theirs, vault.folder.join("yesterday.dump")).expect("it has another name");
    vault.dumped(&[]);
    let report = vault.house.tend();
    assert!(!is_bad(&report) && report.attempts("shop").is_empty(), "{report:#?}");
}

#[test]
fn an_extension_may_be_younger_than_a_dump_of_others() {
    let Some(vault) = Vault::new("") else { return };
    vault.dumped(&[]);
    vault.house.server.sql("CREATE EXTENSION hstore");
    let (fault, holds) = vault.restored();
    assert_eq!(fault, "");
    assert!(holds.contains("without the extension hstore, which may be younger"), "{holds}");
}

#[test]
fn a_table_is_known_by_its_number_where_it_has_another_name_now() {
    let Some(vault) = Vault::new("") else { return };
    vault.rows("orders", 5000);
    vault.rows("orders_v2", 2000);
    vault.rows("\"One More\"", 3);
    vault.dumped(&[]);
    vault.each(&[
        "ALTER TABLE orders RENAME TO \"orders old\"",
        "ALTER TABLE orders_v2 RENAME TO orders",
        "ANALYZE",
    ]);
    let (fault, holds) = vault.restored();
    assert_eq!(fault, "", "{holds}");
    assert!(!holds.contains("younger"), "{holds}");
    // One that is in it by no name at all is missing.
    vault.dumped(&["-T", "orders"]);
    vault.house.server.sql("ALTER TABLE orders RENAME TO orders_v3");
    let (fault, _) = vault.restored();
    assert_eq!(fault, "the table public.orders_v3 is not in it");
}

#[test]
fn a_table_that_was_nearly_empty_may_have_been_filled_since() {
    let Some(vault) = Vault::new("") else { return };
    vault.each(&["CREATE TABLE events (n int)", "CREATE ROLE weak LOGIN"]);
    vault.each(&["GRANT SELECT ON ALL TABLES IN SCHEMA public TO weak"]);
    vault.each(&["GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO weak"]);
    vault.dumped(&[]);
    vault.each(&["INSERT INTO events SELECT generate_series(1, 50000)", "ANALYZE"]);
    let (fault, holds) = vault.restored();
    assert_eq!(fault, "", "{holds}");
    assert!(holds.contains("with few rows of public.events, which may be younger"), "{holds}");
    // A dump that was not to hold its rows says so, and so does one of rows that its maker may not see.
    vault.dumped(&["--exclude-table-data=events"]);
    let (fault, _) = vault.restored();
    assert_eq!(fault, "the table public.events has 50000 rows, and 0 in it");
    vault.house.server.sql("ALTER TABLE events ENABLE ROW LEVEL SECURITY");
    vault.dumped(&["--username=weak", "--enable-row-security"]);
    let (fault, _) = vault.restored();
    assert_eq!(fault, "the table public.events has 50000 rows, and 0 in it");
}

#[test]
fn a_dump_of_which_no_table_has_its_rows_is_of_another_time_or_place() {
    let Some(vault) = Vault::new("") else { return };
    vault.each(&["TRUNCATE \"Content\"", "CREATE TABLE events (n int)"]);
    vault.dumped(&[]);
    vault.each(&[
        "INSERT INTO events SELECT generate_series(1, 50000)",
        "INSERT INTO \"Content\" (body) SELECT n FROM generate_series(1, 5000) n",
        "ANALYZE",
    ]);
    let (fault, _) = vault.restored();
    assert!(fault.contains("rows, and 0 in it"), "{fault}");
}

#[test]
fn links_and_folders_that_are_passed_over_are_told() {
    let Some(vault) = Vault::new("") else { return };
    let real = vault.house.path().join("real");
    std::os::unix::fs::symlink(real, vault.folder.join("latest.dump")).expect("a link");
    vault.dumped(&[]);
    std::fs::remove_file(vault.folder.join("theirs.dump")).expect("it is there");
    let words = ["--format=directory", "--file"];
    let folder = vault.folder.join("of-today").display().to_string();
    let mut dump = std::process::Command::new(vault.house.server.program("pg_dump"));
    dump.args(words).arg(&folder).env("PGHOST", vault.house.server.host());
    assert!(dump.env("PGUSER", "postgres").status().is_ok_and(|status| status.success()));
    vault.tended();
    let told = vault.told("backup_due").expect("it is told");
    let says = "a backup is due: there is none; `latest.dump` is a link and `of-today` is a folder: \
                none of them is looked at";
    assert_eq!(told, says);
}

#[test]
fn where_we_make_them_a_newer_file_of_others_is_none() {
    let Some(vault) = Vault::new("make = true") else { return };
    assert_eq!(vault.tended().len(), 2, "one is made and restored");
    std::fs::write(vault.folder.join("half.dump"), "half of one").expect("it is written");
    assert_eq!(vault.tended(), Vec::<String>::new());
    assert_eq!(vault.told("backup_bad"), None);
}
