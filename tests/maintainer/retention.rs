//! What goes, and what stays, where no backup can be restored.

use super::backups::Vault;

#[test]
fn what_cannot_be_restored_night_after_night_fills_no_disk() {
    let made = |kept: u32, more: &str| format!("make = true\nkept = {kept}\n{more}");
    let unproved = made(100, "every = \"4s\"\nprove_every = \"0s\"");
    let Some(vault) = Vault::new(&unproved) else { return };
    for _ in 0..4 {
        vault.tended();
        std::thread::sleep(std::time::Duration::from_millis(4100));
    }
    let [oldest, second, third, newest] = &vault.dumps()[..] else { panic!("{:?}", vault.dumps()) };
    let never = "queries = [\"SELECT false\"]";
    vault.settings(&made(100, never));
    vault.tended();
    assert!(vault.proof()["fault"].is_string(), "{:#}", vault.proof());
    vault.settings(&made(2, never));
    assert_eq!(vault.tended(), ["prune the backups of shop: verified"]);
    assert!(vault.told("backup_bad").is_some(), "it is no good still");
    // None was restored: the oldest may be the last good one.
    assert_eq!(vault.dumps(), [oldest, third, newest].map(Clone::clone));
    assert!(!second.exists());
}
