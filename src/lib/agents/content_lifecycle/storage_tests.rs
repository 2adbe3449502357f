//! What is found of storage, and what is proposed against it.

use std::collections::BTreeMap;

use super::checks::{STORAGE_HIGH, STORAGE_SERIES};
use super::world_tests::{ACME, List, World, days_ago, our_now, series, storage_subject, world};
use crate::domain::diagnosis::Fault as _;
use crate::domain::operation::{Guard, Operation};
use crate::domain::platform::{ContentStatus, Dialect, Field, RowKind, RowRef, Storage};
use crate::domain::run::{Acted, Recall};
use crate::domain::severity::Severity;

fn used(dialect: Dialect, used_bytes: u64) -> World {
    let mut world = world(dialect);
    world.acme().storage = Storage { used_bytes, quota_bytes: 1000 };
    world
}

/// Inactive content of so many days.
fn add(world: &mut World, id: &str, status: ContentStatus, days: i64) {
    let (row, _) = world.add(id);
    (row.status, row.created_at) = (status, days_ago(days));
}

/// What of the reference dialect may be put away for space, and what not.
fn full() -> World {
    let mut world = used(Dialect::Reference, 950);
    add(&mut world, "playing", ContentStatus::Active, 900);
    add(&mut world, "away", ContentStatus::Archived, 900);
    add(&mut world, "working", ContentStatus::Processing, 900);
    add(&mut world, "strange", ContentStatus::Unrecognised, 900);
    add(&mut world, "empty", ContentStatus::Draft, 900);
    world.acme().content.last_mut().unwrap().0.size_bytes = Some(0);
    add(&mut world, "shared", ContentStatus::Draft, 900);
    world.acme().content.last_mut().unwrap().1.global = true;
    add(&mut world, "old", ContentStatus::Rejected, 300);
    add(&mut world, "new", ContentStatus::Draft, 100);
    world
}

/// We archived something so many minutes ago.
fn acted(minutes: i64, tenant: &str, recall: Recall) -> Recall {
    let acted = Acted {
        operation: Operation::ArchiveContent(RowRef::new(RowKind::Content, tenant, "x")),
        at: our_now().checked_sub(jiff::SignedDuration::from_mins(minutes)).unwrap(),
        target_lived: false,
    };
    Recall { acted: vec![acted], ..recall }
}

#[test]
fn storage_is_high_from_the_first_byte_above_its_limit_on() {
    let level = |bytes| {
        let judged = used(Dialect::Vizora, bytes).judge();
        match judged.stands(&STORAGE_HIGH, &storage_subject()) {
            "faulty" => Some(judged.fault(&STORAGE_HIGH, &storage_subject()).severity()),
            _ => None,
        }
    };
    let levels = [800, 801, 900, 901, 2000].map(level);
    let (warning, critical) = (Some(Severity::Warning), Some(Severity::Critical));
    assert_eq!(levels, [None, warning, warning, critical, critical]);
    let judged = used(Dialect::Vizora, 901).judge();
    let fault = judged.fault(&STORAGE_HIGH, &storage_subject());
    assert_eq!(
        fault.message(),
        "acme stores more than 900 bytes, which is 90 % of its quota of 1000 bytes"
    );
    assert_eq!(fault.facts()["limit_percent"], "90");
}

#[test]
fn storage_without_an_answer_or_a_quota_is_not_judged() {
    let mut world = used(Dialect::Vizora, 950);
    world.acme().storage.quota_bytes = 0;
    assert_eq!(world.judge().stands(&STORAGE_HIGH, &storage_subject()), "unknown");
    let judged = used(Dialect::Vizora, 950).blind(List::Storage).judge();
    assert_eq!(judged.stands(&STORAGE_HIGH, &storage_subject()), "unknown");
    assert!(judged.diagnosis.samples.iter().all(|sample| sample.series != STORAGE_SERIES));
}

#[test]
fn where_archiving_frees_nothing_nothing_is_archived_for_space() {
    let mut world = full();
    world.dialect = Dialect::Vizora;
    let why = world.judge().left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("archiving frees no space on this platform"), "{why}");
    assert!(why.contains("3 that are neither active nor archived hold 3.0 MiB"), "{why}");
    let mut world = used(Dialect::Vizora, 950);
    assert!(!world.blind(List::Content).judge().left(&STORAGE_HIGH, &storage_subject()).is_empty());
}

#[test]
fn where_archiving_frees_space_the_oldest_inactive_content_is_archived() {
    let judged = full().judge();
    let step = judged.step(&STORAGE_HIGH, &storage_subject());
    let old = RowRef::new(RowKind::Content, ACME, "old");
    assert_eq!(step.operation, Operation::ArchiveContent(old));
    let fields = BTreeMap::from([(Field::Status, Some("rejected".to_owned()))]);
    assert_eq!(step.guard, Guard::SameRow { fields });
    assert_eq!(judged.census(&STORAGE_HIGH), Some(1));
}

#[test]
fn below_the_critical_limit_and_without_a_whole_list_nothing_is_archived_for_space() {
    let mut world = full();
    world.acme().storage.used_bytes = 850;
    let why = world.judge().left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("only above 90 %"), "{why}");
    let why = full().cut(List::Content).hide("old").judge().left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("which content is the oldest is not known"), "{why}");
    let why =
        full().cut(List::Details).hide("shared").judge().left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("which content is the oldest is not known"), "{why}");
    let why = full().blind(List::Content).judge().left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("could not be seen"), "{why}");
    let mut world = full();
    world.acme().content.truncate(6);
    let why = world.judge().left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("no content with a file is inactive"), "{why}");
}

#[test]
fn where_the_last_act_freed_nothing_no_more_is_archived_for_space() {
    // Newest first; a quarter of an hour apart. The act lies between the second and the first.
    let measured = |values: &[f64]| acted(20, ACME, series(STORAGE_SERIES, "storage", values));
    let judged = full().judge_after(&measured(&[930.0, 950.0]));
    judged.step(&STORAGE_HIGH, &storage_subject());
    let judged = full().judge_after(&measured(&[950.0, 950.0]));
    let why = judged.left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("freed no space"), "{why}");
    // Measured now for the first time.
    let between = acted(5, ACME, series(STORAGE_SERIES, "storage", &[960.0, 970.0]));
    full().judge_after(&between).step(&STORAGE_HIGH, &storage_subject());
    let between = acted(5, ACME, series(STORAGE_SERIES, "storage", &[950.0, 970.0]));
    assert!(!full().judge_after(&between).left(&STORAGE_HIGH, &storage_subject()).is_empty());
    // Never measured, and somebody else's.
    full().judge_after(&acted(20, ACME, Recall::default())).step(&STORAGE_HIGH, &storage_subject());
    let theirs = acted(20, "other", series(STORAGE_SERIES, "storage", &[950.0, 950.0]));
    full().judge_after(&theirs).step(&STORAGE_HIGH, &storage_subject());
}
