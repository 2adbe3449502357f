//! What is concluded from backups as they lie there.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::checks::{
    BACKUP_BAD, BACKUP_COPIES, BACKUP_DUE, BACKUPS_MANY, BACKUPS_UNSEEN, RECOVERY_SHORT,
    RESTORE_DUE, RESTORE_UNPROVABLE,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use crate::agent::{Agent as _, Remedy};
use crate::domain::diagnosis::{Fault as _, Verdict};
use crate::domain::duration::HumanDuration;
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::severity::Severity;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Subject};
use crate::domain::upkeep::{
    Backup, BackupSetLook, Compared, CopyLook, DeclaredBackup, DeclaredCopy, Flaw, FoundBackup,
    Level, RestoreProof,
};

pub(super) fn now() -> Timestamp {
    "2026-11-29T03:00:00Z".parse().unwrap()
}

pub(super) fn ago(hours: i64) -> Timestamp {
    now() - SignedDuration::from_hours(hours)
}

pub(super) fn found(hours: i64, size_bytes: u64) -> FoundBackup {
    let name = format!("{hours}.dump");
    FoundBackup { name, taken_at: ago(hours), size_bytes, took_ms: None, record: None }
}

pub(super) fn recorded(hours: i64) -> FoundBackup {
    let backup = found(hours, 1000);
    let record = Backup {
        name: backup.name.clone(),
        taken_at: backup.taken_at,
        size_bytes: 1000,
        sha256: String::new(),
        took_ms: 1,
        source: None,
        key_id: None,
        etag: None,
        fault: None,
    };
    FoundBackup { record: Some(record), ..backup }
}

pub(super) fn proof(hours: i64, restore_ms: u64) -> RestoreProof {
    RestoreProof {
        backup: "1.dump".to_owned(),
        taken_at: ago(hours),
        proved_at: ago(hours),
        restore_ms,
        holds: "rows".to_owned(),
        good_until: None,
        fault: None,
        level: None,
    }
}

pub(super) fn copy(
    place: &str,
    medium: &str,
    offsite: bool,
    holds_newest: Sight<bool>,
) -> CopyLook {
    let (place, medium, compared) = (place.to_owned(), medium.to_owned(), Compared::Contents);
    CopyLook { place, medium, offsite, holds_newest, compared }
}

pub(super) struct World {
    pub(super) declared: DeclaredBackup,
    sight: Sight<BackupSetLook>,
    pub(super) recall: Recall,
}

impl World {
    /// A backup of an hour ago, and a proof of yesterday.
    pub(super) fn new() -> Self {
        let declared: DeclaredBackup = serde_json::from_value(
            serde_json::json!({ "name": "shop", "folder": "/b", "rpo": "24h" }),
        )
        .unwrap();
        let look = BackupSetLook {
            backups: vec![found(1, 1000)],
            flaws: Vec::new(),
            unread: None,
            proof: Some(proof(24, 2000)),
            proved: Some(proof(24, 2000)),
            copies: vec![copy("/nas", "nas", true, Ok(true))],
            unprovable: None,
            passed_over: Vec::new(),
        };
        Self { declared, sight: Ok(look), recall: Recall::default() }
    }

    pub(super) fn look(&mut self) -> &mut BackupSetLook {
        self.sight.as_mut().unwrap()
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            backups: BTreeMap::from([("shop".to_owned(), self.sight.clone())]),
            ..Snapshot::blank(now())
        }
    }

    pub(super) fn agent(&self) -> DbMaintainer {
        DbMaintainer { backups: vec![self.declared.clone()], ..DbMaintainer::default() }
    }

    /// What is told of a check: how bad it is and what it says.
    pub(super) fn told(&self, check: &CheckId) -> Option<(Severity, String)> {
        match self.verdict(check) {
            Verdict::Faulty(fault, _) => {
                let message = fault.message();
                let said = message.strip_prefix("shop: ").expect("it says of what");
                Some((fault.severity(), said.to_owned()))
            }
            Verdict::Healthy(_) => None,
            Verdict::Unknown { why } => panic!("{check}: {why}"),
        }
    }

    fn verdict(&self, check: &CheckId) -> Verdict<Fault> {
        let judged = self.agent().detect(&self.snapshot(), &self.recall, now());
        judged.checks[check].findings[&subject()].clone()
    }

    /// What is done or left about it.
    pub(super) fn remedy(&self, check: &CheckId) -> String {
        let Verdict::Faulty(fault, _) = self.verdict(check) else { return String::new() };
        match self.agent().remedy(&subject(), &fault, &self.snapshot(), now()) {
            Remedy::Act(step) => step.operation.to_string(),
            Remedy::Leave { why } => why,
        }
    }
}

pub(super) fn subject() -> Subject {
    DataRef::of_store(DataKind::Backups, "shop").subject("host-a")
}

#[test]
fn nothing_is_told_of_a_good_one() {
    let world = World::new();
    for check in [
        BACKUPS_UNSEEN,
        BACKUP_BAD,
        BACKUP_DUE,
        RESTORE_DUE,
        RESTORE_UNPROVABLE,
        BACKUPS_MANY,
        BACKUP_COPIES,
        RECOVERY_SHORT,
    ] {
        assert_eq!(world.told(&check), None, "{check}");
    }
}

#[test]
fn what_cannot_be_seen_is_told_and_everything_else_is_unknown() {
    let mut world = World::new();
    world.sight = Err(Blind::because("/b cannot be read"));
    assert_eq!(world.told(&BACKUPS_UNSEEN).unwrap().0, Severity::Warning);
    assert!(matches!(world.verdict(&BACKUP_DUE), Verdict::Unknown { .. }));
    assert!(matches!(world.verdict(&BACKUP_BAD), Verdict::Unknown { .. }));
}

#[test]
fn what_others_make_is_told_when_it_is_late_and_ours_is_made_when_it_is_due() {
    let mut world = World::new();
    world.look().backups = vec![found(24, 1000)];
    assert_eq!(world.told(&BACKUP_DUE), None, "within its grace");
    world.declared.make = true;
    assert_eq!(world.told(&BACKUP_DUE).unwrap().0, Severity::Info);
    assert_eq!(world.remedy(&BACKUP_DUE), "back up shop");
    world.declared.make = false;
    world.look().backups = vec![found(27, 1000)];
    assert_eq!(world.told(&BACKUP_DUE).unwrap().0, Severity::Warning);
    assert!(world.remedy(&BACKUP_DUE).contains("its maker is another"));
    world.look().flaws = vec![Flaw::new(Level::Intact, "it is empty")];
    assert_eq!(world.told(&BACKUP_DUE).unwrap().1, "a backup is due: there is none that is good");
    world.look().backups.clear();
    assert_eq!(world.told(&BACKUP_DUE).unwrap().1, "a backup is due: there is none");
}

#[test]
fn a_proof_is_due_again_and_not_where_it_cannot_be_made() {
    let mut world = World::new();
    world.look().proved = Some(proof(24 * 7, 2000));
    assert_eq!(world.told(&RESTORE_DUE).unwrap().0, Severity::Info);
    assert!(world.remedy(&RESTORE_DUE).contains("restore the newest backup of shop"));
    world.look().proved = Some(proof(24 * 8, 2000));
    assert_eq!(world.told(&RESTORE_DUE).unwrap().0, Severity::Warning);
    world.look().unprovable = Some("server binaries not found in /x".to_owned());
    assert_eq!(world.told(&RESTORE_DUE), None);
    let (severity, says) = world.told(&RESTORE_UNPROVABLE).unwrap();
    assert_eq!(severity, Severity::Info);
    assert_eq!(says, "L2 checked, restore unproven: server binaries not found in /x");
    world.look().unread = Some("server binaries not found in /x".to_owned());
    assert!(world.told(&RESTORE_UNPROVABLE).unwrap().1.starts_with("L1 checked"));
    let found = std::mem::take(&mut world.look().backups);
    let says = "there is no backup, and none can be restored here: server binaries not found in /x";
    assert_eq!(world.told(&RESTORE_UNPROVABLE).unwrap().1, says);
    world.look().backups = found;
    world.look().flaws = vec![Flaw::new(Level::Intact, "cut short")];
    let says =
        "the newest is no good, and none can be restored here: server binaries not found in /x";
    assert_eq!(world.told(&RESTORE_UNPROVABLE).unwrap().1, says);
    world.look().flaws.clear();
    world.look().unprovable = None;
    world.declared.prove_every = HumanDuration::default();
    assert_eq!(world.told(&RESTORE_DUE), None, "nobody asked for one");
}

#[test]
fn a_backup_that_could_not_be_restored_is_no_good_until_there_is_a_newer_one() {
    let mut world = World::new();
    let failed = RestoreProof { fault: Some("no rows".to_owned()), ..proof(1, 2000) };
    world.look().proof = Some(failed);
    assert!(world.told(&BACKUP_BAD).unwrap().1.contains("no rows (L3)"));
    assert_eq!(world.told(&RESTORE_DUE), None, "the last good one counts still");
    world.look().proved = None;
    assert!(world.remedy(&RESTORE_DUE).contains("in vain"));
    assert_eq!(world.told(&RESTORE_DUE).unwrap().0, Severity::Warning, "none ever was good");
    // A file that was written over is another one, whatever it is called.
    world.look().backups[0].taken_at = ago(0);
    assert_eq!(world.told(&BACKUP_BAD), None);
    assert!(world.remedy(&RESTORE_DUE).contains("restore the newest"));
    world.look().backups = vec![found(0, 1000), found(1, 1000)];
    assert_eq!(world.told(&BACKUP_BAD), None);
    assert!(world.remedy(&RESTORE_DUE).contains("restore the newest"));
}

#[test]
fn only_what_we_made_is_too_many() {
    let mut world = World::new();
    world.declared.kept = 2;
    world.look().backups = (1..10).map(|hours| found(hours, 1000)).collect();
    assert_eq!(world.told(&BACKUPS_MANY), None);
    world.declared.make = true;
    world.look().backups = (1..4).map(recorded).collect();
    assert_eq!(world.remedy(&BACKUPS_MANY), "prune the backups of shop");
    world.look().flaws = vec![Flaw::new(Level::Intact, "cut short")];
    assert_eq!(world.told(&BACKUPS_MANY), None, "nothing goes while the newest is no good");
    world.look().flaws.clear();
    world.look().proved = Some(RestoreProof { backup: "3.dump".to_owned(), ..proof(24, 2000) });
    assert_eq!(world.told(&BACKUPS_MANY), None, "the last that was restored stays");
    world.look().proved = None;
    assert!(world.told(&BACKUPS_MANY).is_some());
    // What cannot be restored night after night fills no disk; where none ever could be, the oldest stays.
    world.look().proof = Some(RestoreProof { fault: Some("no rows".to_owned()), ..proof(1, 2000) });
    assert!(world.told(&BACKUP_BAD).is_some());
    assert_eq!(world.told(&BACKUPS_MANY), None, "it is the oldest");
    world.look().backups = (1..5).map(recorded).collect();
    assert_eq!(world.remedy(&BACKUPS_MANY), "prune the backups of shop");
    world.look().proof = Some(proof(24, 2000));
    world.look().backups.truncate(2);
    assert_eq!(world.told(&BACKUPS_MANY), None);
}

#[test]
fn what_could_not_be_looked_at_is_told_where_nothing_else_tells_it() {
    let mut world = World::new();
    world.look().unread = Some("`age`, which decrypts it, is not on this host".to_owned());
    let (severity, says) = world.told(&BACKUPS_UNSEEN).unwrap();
    assert_eq!(severity, Severity::Warning);
    assert!(says.starts_with("L1 checked, and no further"), "{says}");
    world.look().unprovable = Some("server binaries not found in /x".to_owned());
    assert_eq!(world.told(&BACKUPS_UNSEEN), None, "that is told as what it is");
}

#[test]
fn what_lies_in_a_bucket_elsewhere_is_a_second_medium_and_another_building() {
    let mut world = World::new();
    (world.declared.folder, world.declared.bucket) = (None, Some("media".to_owned()));
    world.look().copies = Vec::new();
    let (_, says) = world.told(&BACKUP_COPIES).unwrap();
    assert_eq!(says, "there are 2 copies of 3, with the data itself; none is in another building");
    world.declared.offsite = true;
    let (_, says) = world.told(&BACKUP_COPIES).unwrap();
    assert_eq!(says, "there are 2 copies of 3, with the data itself");
}

#[test]
fn three_copies_on_two_media_and_one_elsewhere() {
    let mut world = World::new();
    let declared = DeclaredCopy {
        folder: Some("/nas".to_owned()),
        bucket: None,
        medium: "nas".to_owned(),
        offsite: true,
    };
    world.declared.copies = vec![declared];
    let mut with = |copies: Vec<CopyLook>| {
        world.look().copies = copies;
        world.told(&BACKUP_COPIES)
    };
    assert_eq!(with(vec![copy("/nas", "nas", true, Ok(true))]), None);
    let by_size = CopyLook { compared: Compared::Size, ..copy("/nas", "nas", true, Ok(true)) };
    let says = "of the copy in /nas only name and size were compared".to_owned();
    assert_eq!(with(vec![by_size]), Some((Severity::Info, says)));
    let (severity, says) = with(vec![copy("/nas", "nas", false, Ok(true))]).unwrap();
    assert_eq!((severity, says.as_str()), (Severity::Info, "none is in another building"));
    let (severity, says) = with(vec![copy("/d2", "disk", true, Ok(true))]).unwrap();
    assert_eq!((severity, says.as_str()), (Severity::Info, "all are on one medium (disk)"));
    let (severity, says) = with(vec![copy("/nas", "nas", true, Ok(false))]).unwrap();
    assert_eq!(severity, Severity::Warning);
    assert!(says.contains("not in /nas") && says.contains("2 copies of 3"), "{says}");
    let away = Err(Blind::because("/nas cannot be read"));
    assert_eq!(with(vec![copy("/nas", "nas", true, away)]).unwrap().0, Severity::Warning);
    // What we put there counts before it is there; what cannot be seen, or is no other place, never does.
    world.declared.make = true;
    world.look().copies = vec![copy("/nas", "nas", true, Ok(false))];
    assert_eq!(world.told(&BACKUP_COPIES), None);
    let itself = Err(Blind::because("/nas is the folder of the backups itself"));
    world.look().copies = vec![copy("/nas", "nas", true, itself)];
    let (severity, says) = world.told(&BACKUP_COPIES).unwrap();
    assert_eq!(severity, Severity::Info, "that it is not copied is told as that");
    assert!(says.starts_with("there are 2 copies of 3"), "{says}");
    world.declared.make = false;
    let mut with = |copies: Vec<CopyLook>| {
        world.look().copies = copies;
        world.told(&BACKUP_COPIES)
    };
    // Whoever declares no other place hears what that means, and no run is red for it.
    let (severity, says) = with(Vec::new()).unwrap();
    assert_eq!(severity, Severity::Info);
    assert!(says.starts_with("there are 2 copies of 3, with the data itself"), "{says}");
}

#[test]
fn what_lies_on_another_medium_than_the_data_is_on_two_media() {
    let mut world = World::new();
    world.declared.medium = Some("nas".to_owned());
    assert_eq!(world.told(&BACKUP_COPIES), None, "two on the nas, and the data on a disk");
    world.declared.medium = Some("disk".to_owned());
    world.look().copies = vec![copy("/d2", "disk", true, Ok(true))];
    assert_eq!(world.told(&BACKUP_COPIES).unwrap().1, "all are on one medium (disk)");
}

#[test]
fn a_recovery_is_held_against_what_was_agreed() {
    let mut world = World::new();
    let hour = u64::try_from(Duration::from_hours(1).as_millis()).unwrap();
    world.look().proved = Some(proof(24, hour + 1000));
    let (severity, says) = world.told(&RECOVERY_SHORT).unwrap();
    assert_eq!(severity, Severity::Warning);
    assert!(says.contains("may take 1h"), "{says}");
    world.look().proved = Some(proof(24, hour));
    assert_eq!(world.told(&RECOVERY_SHORT), None);
    world.declared.rpo = None;
    let (severity, says) = world.told(&RECOVERY_SHORT).unwrap();
    assert_eq!(severity, Severity::Info);
    assert_eq!(says, "a recovery may lose 1d, and 1h is allowed");
    let remedy = world.remedy(&RECOVERY_SHORT);
    assert!(remedy.contains("raise `rpo`") && remedy.contains("`every`"), "{remedy}");
    // What lies there tells more than what was meant.
    world.declared.rpo = Some(HumanDuration::from(Duration::from_hours(24)));
    world.look().backups = vec![found(1, 1000), found(31, 1000), found(55, 1000)];
    let (_, says) = world.told(&RECOVERY_SHORT).unwrap();
    assert_eq!(says, "a recovery may lose 1d6h, and 1d is allowed");
}
