//! Dumps that others make: what may have happened since is no flaw of one, and which of their files are looked at.

use super::backups::Vault;
use super::house::Report;

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
