//! A backup that is unlike those before it: a restore tells whether that is a flaw.

use super::super::checks::{BACKUP_BAD, BACKUP_DUE, BACKUPS_MANY, RESTORE_DUE};
use super::tests::{World, ago, found, proof, recorded};
use crate::domain::duration::HumanDuration;
use crate::domain::severity::Severity;
use crate::domain::upkeep::{Flaw, Level, RestoreProof};

/// The newest is a tenth of those before it, and the last proof was yesterday.
fn doubted() -> World {
    let mut world = World::new();
    world.look().backups = [25, 49, 73, 97].map(|hours| found(hours, 1000)).into();
    world.look().backups.insert(0, found(1, 100));
    world
}

fn of_newest() -> RestoreProof {
    proof(1, 2000)
}

#[test]
fn one_that_is_unlike_those_before_is_restored_at_once() {
    let mut world = doubted();
    assert!(world.told(&BACKUP_BAD).unwrap().1.ends_with("are usual (L1)"));
    let (severity, says) = world.told(&RESTORE_DUE).unwrap();
    assert_eq!(severity, Severity::Info);
    let begins =
        "a restore for a proof is due, as the newest is unlike those before: the last is of";
    assert!(says.starts_with(begins), "{says}");
    assert_eq!(world.remedy(&RESTORE_DUE), "restore the newest backup of shop for a proof");
    assert_eq!(world.told(&BACKUP_DUE), None, "it may be good");
    // Where something else is wrong with it, or nobody can tell here, it is no good.
    world.look().flaws = vec![Flaw::new(Level::Intact, "cut short")];
    assert_eq!(world.told(&RESTORE_DUE), None);
    world.look().proved = None;
    assert!(world.remedy(&RESTORE_DUE).contains("in vain"));
    world.look().flaws.clear();
    assert!(!world.remedy(&RESTORE_DUE).contains("in vain"));
    world.declared.prove_every = HumanDuration::default();
    assert_eq!(world.told(&RESTORE_DUE), None);
    world.look().backups.truncate(4);
    assert!(world.told(&BACKUP_BAD).is_some());
}

#[test]
fn what_was_restored_and_was_good_is_what_is_usual_from_then_on() {
    let mut world = doubted();
    world.look().proof = Some(of_newest());
    world.look().proved = Some(of_newest());
    assert_eq!(world.told(&BACKUP_BAD), None);
    assert_eq!(world.told(&RESTORE_DUE), None);
    // The next is held against it, and not against those before it.
    world.look().backups.insert(0, found(0, 90));
    assert_eq!(world.told(&BACKUP_BAD), None);
    world.look().backups[0].size_bytes = 40;
    assert!(world.told(&BACKUP_BAD).unwrap().1.contains("40 bytes, and 100 are usual (L1)"));
    // A good one of another size says nothing.
    world.look().proved = Some(RestoreProof { taken_at: ago(25), ..proof(25, 2000) });
    assert!(world.told(&BACKUP_BAD).unwrap().1.contains("1000 are usual"));
}

#[test]
fn what_was_restored_and_was_not_good_is_told_with_what_was_strange() {
    let mut world = doubted();
    let level = Some(Level::Attested);
    world.look().proof =
        Some(RestoreProof { fault: Some("no rows".to_owned()), level, ..of_newest() });
    let (_, says) = world.told(&BACKUP_BAD).unwrap();
    assert!(says.contains("are usual (L1); no rows (L4)"), "{says}");
    world.look().proved = None;
    assert!(world.remedy(&RESTORE_DUE).contains("in vain"));
}

#[test]
fn nothing_goes_while_the_newest_is_unlike_those_before() {
    let mut world = doubted();
    (world.declared.make, world.declared.kept) = (true, 2);
    world.look().backups = [25, 49, 73, 97].map(recorded).into();
    assert!(world.told(&BACKUPS_MANY).is_some());
    world.look().backups.insert(0, recorded(1));
    world.look().backups[0].size_bytes = 100;
    assert_eq!(world.told(&BACKUPS_MANY), None);
}
