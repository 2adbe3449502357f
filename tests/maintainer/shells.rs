//! What somebody's shell has set for clients of PostgreSQL: a database is reached as its address says, all the same.

use super::backups::Vault;

/// Each of them alone would lead a client elsewhere, or nowhere.
const SET: [(&str, &str); 12] = [
    ("PGHOST", "/nowhere"),
    ("PGHOSTADDR", "192.0.2.1"),
    ("PGPORT", "54329"),
    ("PGUSER", "stranger"),
    ("PGPASSWORD", "of-another"),
    ("PGDATABASE", "strange"),
    ("PGSSLMODE", "require"),
    ("PGSSLROOTCERT", "/nowhere/root.pem"),
    ("PGSSLCERT", "/nowhere/cert.pem"),
    ("PGSSLKEY", "/nowhere/key.pem"),
    ("PGAPPNAME", "psql"),
    ("PGOPTIONS", "-c search_path=nowhere -c default_transaction_read_only=on"),
];

#[test]
fn what_a_shell_has_set_for_clients_counts_for_no_database_and_no_restore() {
    let Some(vault) = Vault::new("make = true") else { return };
    let vault = Vault { house: vault.house.given(&SET), folder: vault.folder };
    let report = vault.house.tend();
    let all = ["back up shop: verified", "restore the newest backup of shop for a proof: verified"];
    assert_eq!(report.attempts("shop"), all, "{report:#?}");
    assert!(vault.proof()["fault"].is_null(), "{:#}", vault.proof());
    let usage = vault.house.output(&["db", "usage"]);
    assert!(usage.status.success(), "{}", String::from_utf8_lossy(&usage.stderr));
}
