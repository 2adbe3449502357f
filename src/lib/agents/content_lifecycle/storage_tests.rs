//! What is found of storage, and what is proposed against it.

use std::collections::BTreeMap;

use super::checks::{CONTENT_IDLE, STORAGE_HIGH, STORAGE_SERIES};
use super::world_tests::{
    ACME, Judged, List, World, content, days_ago, key, our_now, recall, series, storage_subject,
    world,
};
use crate::domain::diagnosis::{Fault as _, Standing};
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
    let judged = world.judge();
    let why = judged.left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("archiving frees no space on this platform"), "{why}");
    assert!(why.contains("3 that are neither active nor archived hold 3.0 MiB"), "{why}");
    assert!(judged.found(&CONTENT_IDLE).is_empty());
    let mut world = used(Dialect::Vizora, 950);
    assert!(!world.blind(List::Content).judge().left(&STORAGE_HIGH, &storage_subject()).is_empty());
}

#[test]
fn where_archiving_frees_space_the_oldest_inactive_content_is_archived() {
    let judged = full().judge();
    assert_eq!(judged.found(&CONTENT_IDLE), ["old"]);
    let step = judged.step(&CONTENT_IDLE, &content("old"));
    let old = RowRef::new(RowKind::Content, ACME, "old");
    assert_eq!(step.operation, Operation::ArchiveContent(old));
    let fields = BTreeMap::from([
        (Field::Status, Some("rejected".to_owned())),
        (Field::Global, Some("false".to_owned())),
    ]);
    assert_eq!(step.guard, Guard::SameRow { fields });
    let fault = judged.fault(&CONTENT_IDLE, &content("old"));
    assert_eq!(
        fault.message(),
        "`the old` is inactive (rejected) and holds 1.0 MiB, while its tenant stores more than \
         90 % of its quota"
    );
    assert_eq!(fault.severity(), Severity::Info);
    assert_eq!(judged.census(&CONTENT_IDLE), Some(7), "all but what is archived");
    let why = judged.left(&STORAGE_HIGH, &storage_subject());
    assert!(why.ends_with("1 of it, the oldest, is a finding of content_idle"), "{why}");
}

#[test]
fn below_the_critical_limit_and_without_a_whole_list_nothing_is_archived_for_space() {
    let left = |judged: &Judged| {
        assert!(judged.found(&CONTENT_IDLE).is_empty());
        judged.left(&STORAGE_HIGH, &storage_subject())
    };
    let mut world = full();
    world.acme().storage.used_bytes = 850;
    let why = left(&world.judge());
    assert!(why.contains("only above 90 %"), "{why}");
    let unknown = "which content is the oldest is not known";
    for judged in [
        full().cut(List::Content).hide("old").judge(),
        full().cut(List::Details).hide("shared").judge(),
        full().blind(List::Content).judge(),
    ] {
        let why = left(&judged);
        assert!(why.contains(unknown), "{why}");
        assert!(!judged.whole(&CONTENT_IDLE));
        assert_eq!(judged.census(&CONTENT_IDLE), None);
    }
    let mut world = full();
    world.acme().content.truncate(6);
    let why = left(&world.judge());
    assert!(why.contains("no content with a file is inactive"), "{why}");
}

/// Newest first; a quarter of an hour apart. An act of twenty minutes ago lies between the second and the first.
fn measured(values: &[f64]) -> Recall {
    series(STORAGE_SERIES, "storage", values)
}

#[test]
fn where_the_last_act_freed_nothing_no_more_is_archived_for_space() {
    let named = |world: &World, recall: &Recall| world.judge_after(recall).found(&CONTENT_IDLE);
    // Two pieces of 25 bytes are what is stored above the limit.
    let slim = || {
        let mut world = full();
        for (row, _) in &mut world.acme().content {
            row.size_bytes = row.size_bytes.map(|size| size.min(25));
        }
        world
    };
    let freed = acted(20, ACME, measured(&[930.0, 950.0]));
    assert_eq!(named(&slim(), &freed), ["new", "old"]);
    let stuck = acted(20, ACME, measured(&[950.0, 950.0]));
    assert!(named(&slim(), &stuck).is_empty());
    let why = slim().judge_after(&stuck).left(&STORAGE_HIGH, &storage_subject());
    assert!(why.contains("freed no space"), "{why}");
    // Measured now for the first time.
    let freed = acted(5, ACME, measured(&[960.0, 970.0]));
    assert_eq!(named(&slim(), &freed), ["new", "old"]);
    let stuck = acted(5, ACME, measured(&[950.0, 970.0]));
    assert!(named(&slim(), &stuck).is_empty());
    // What a person took back is no measure.
    let mut taken_back = stuck;
    let restored = Operation::RestoreContent {
        content: RowRef::new(RowKind::Content, ACME, "x"),
        status: "draft".to_owned(),
    };
    taken_back.acted.push(Acted { operation: restored, at: our_now(), target_lived: false });
    assert_eq!(named(&slim(), &taken_back), ["old"]);
    // Never measured, and somebody else's.
    assert_eq!(named(&slim(), &acted(20, ACME, Recall::default())), ["old"]);
    let theirs = acted(20, "other", measured(&[950.0, 950.0]));
    assert_eq!(named(&slim(), &theirs), ["old"]);
}

#[test]
fn what_is_measured_to_help_is_done_as_far_as_it_must_and_ten_at_once() {
    let freed = acted(20, ACME, measured(&[930.0, 950.0]));
    let mut world = used(Dialect::Reference, 950);
    for number in 0..15 {
        add(&mut world, &format!("c{number:02}"), ContentStatus::Draft, 300 - number);
    }
    let sized = |world: &mut World, bytes| {
        for (row, _) in &mut world.acme().content {
            row.size_bytes = Some(bytes);
        }
    };
    // 50 bytes are above the limit.
    sized(&mut world, 20);
    assert_eq!(world.judge_after(&freed).found(&CONTENT_IDLE), ["c00", "c01", "c02"]);
    sized(&mut world, 25);
    assert_eq!(world.judge_after(&freed).found(&CONTENT_IDLE), ["c00", "c01"]);
    sized(&mut world, 1);
    assert_eq!(world.judge_after(&freed).found(&CONTENT_IDLE).len(), 10);
    // One that was not looked at closely ends the line, for it may be everyone's.
    world.cut(List::Details).hide("c02");
    assert_eq!(world.judge_after(&freed).found(&CONTENT_IDLE), ["c00", "c01"]);
}

#[test]
fn what_is_no_longer_to_be_put_away_is_excused_with_the_reason() {
    let asked = recall([key(&CONTENT_IDLE, content("new"))]);
    let why = |world: &World, recall: &Recall| match world
        .judge_after(recall)
        .diagnosis
        .standing(&CONTENT_IDLE, &content("new"))
    {
        Standing::Excused { why } => why.to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(why(&full(), &asked), "older content is put away first");
    let mut eased = full();
    eased.acme().storage.used_bytes = 850;
    assert_eq!(why(&eased, &asked), "its tenant has space again");
    let series = measured(&[950.0, 950.0]).series;
    let stuck = acted(20, ACME, Recall { series, ..asked.clone() });
    assert!(why(&full(), &stuck).contains("freed no space"));
    let mut away = full();
    away.acme().content.last_mut().unwrap().0.status = ContentStatus::Archived;
    assert_eq!(away.judge_after(&asked).stands(&CONTENT_IDLE, &content("new")), "healthy");
    let blind = full().blind(List::Storage).judge_after(&asked);
    assert_eq!(blind.stands(&CONTENT_IDLE, &content("new")), "unknown");
}
