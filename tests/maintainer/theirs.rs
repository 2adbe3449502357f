//! Dumps that others make: what may have happened since is no flaw of one, and which of their files are looked at.

use super::backups::Vault;
use super::house::Report;
use super::restores::PROVED;
use super::zoo::written;

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
