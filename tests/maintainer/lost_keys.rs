//! Keys that a host lacks: what cannot be decrypted here is no worse for it, and is made all the same.

use std::path::Path;

use super::backups::{Vault, encrypted, key};

#[test]
fn a_key_that_is_not_on_this_host_is_no_flaw_of_a_backup_and_stops_none() {
    let Some(vault) = Vault::new("") else { return };
    let place = vault.house.path().to_owned();
    let Some((recipient, identity)) = key(&place, "one") else { return };
    let with = |identity: &Path| encrypted(&recipient, &identity.display().to_string());
    vault.settings(&with(Path::new(&identity)));
    let all = ["back up shop: verified", "restore the newest backup of shop for a proof: verified"];
    assert_eq!(vault.tended(), all);
    // What should be mounted there is not.
    let [empty, folder] = [place.join("empty"), place.join("mounted")];
    std::fs::write(&empty, "").expect("it is written");
    std::fs::create_dir(&folder).expect("a folder");
    for (lost, says) in
        [(Path::new("/nowhere.key"), "is not on this host"), (&*empty, "holds nothing")]
    {
        vault.settings(&with(lost));
        let report = vault.house.tend();
        assert_eq!((report.code, report.attempts("shop")), (Some(0), Vec::new()));
        assert_eq!(vault.told("backup_bad"), None);
        assert_eq!(vault.told("backup_due"), None);
        assert_eq!(vault.told("backups_unseen"), None, "it is told once");
        let told = vault.told("restore_unprovable").expect("it is told");
        let lost = lost.display();
        let says = format!("L2 checked, restore unproven: {lost}, which decrypts it, {says}");
        assert_eq!(told, says);
    }
    // Where only the words of what decrypts tell it.
    for (lost, says) in [
        (Path::new("nowhere.key"), "nowhere.key: no such file or directory"),
        (&*folder, "which decrypts it, holds nothing"),
    ] {
        vault.settings(&with(lost));
        vault.house.tend();
        assert_eq!(vault.told("backup_bad"), None);
        let told = vault.told("backups_unseen").expect("it is told");
        assert!(told.contains(says), "{told}");
    }
    // One that is due is made, and nothing else is found of it.
    std::thread::sleep(std::time::Duration::from_millis(4100));
    vault.settings(&format!("every = \"4s\"\n{}", with(Path::new("/nowhere.key"))));
    assert_eq!(vault.tended(), ["back up shop: verified"]);
    assert_eq!((vault.dumps().len(), vault.told("backup_due")), (2, None));
}
