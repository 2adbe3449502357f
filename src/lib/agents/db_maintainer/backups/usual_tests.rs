//! What is usual for backups, and what of a new one is not.

use std::collections::BTreeMap;

use super::super::checks::{BACKUP_BAD, BACKUP_BYTES, BACKUP_MILLISECONDS};
use super::tests::{World, ago, found, now, recorded, subject};
use crate::agent::Agent as _;
use crate::domain::diagnosis::Sample;
use crate::domain::upkeep::FoundBackup;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;

/// One that seems to have taken so long.
fn that_took(hours: i64, took_ms: u64) -> FoundBackup {
    FoundBackup { took_ms: Some(took_ms), ..found(hours, 1000) }
}

impl World {
    /// What earlier runs saw, so many hours ago.
    fn seen(&mut self, series: &str, all: &[(i64, f64)]) {
        let sample = |(hours, value): &(i64, f64)| Sample {
            series: series.to_owned(),
            subject: subject(),
            at: ago(*hours),
            value: *value,
        };
        let all = BTreeMap::from([(subject(), all.iter().map(sample).collect())]);
        self.recall.series.insert(series.to_owned(), all);
    }

    /// What a run notes of how long they took, in milliseconds.
    fn noted(&self) -> Vec<f64> {
        let judged = self.agent().detect(&self.snapshot(), &self.recall, now());
        let of_time = judged.samples.into_iter().filter(|one| one.series == BACKUP_MILLISECONDS);
        of_time.map(|one| one.value).collect()
    }
}

#[test]
fn a_size_is_held_against_what_lies_there_and_what_earlier_runs_saw() {
    let mut world = World::new();
    world.look().backups = [found(1, 400)].into_iter().collect();
    assert_eq!(world.told(&BACKUP_BAD), None, "nothing is known of what is usual");
    let at_first = world.agent().detect(&world.snapshot(), &world.recall, now());
    let sample = at_first.samples.iter().find(|sample| sample.series == BACKUP_BYTES).unwrap();
    assert_eq!((sample.at, sample.value), (ago(1), 400.0), "noted at its own moment");
    world.seen(BACKUP_BYTES, &[25, 49, 73, 97].map(|hours| (hours, 1000.0)));
    let (_, says) = world.told(&BACKUP_BAD).unwrap();
    assert!(says.contains("400 bytes, and 1000 are usual (L1)"), "{says}");
    world.look().backups[0].size_bytes = 500;
    assert_eq!(world.told(&BACKUP_BAD), None, "half of it is allowed");
}

#[test]
fn a_backup_is_noted_once() {
    let mut world = World::new();
    let noted = world.agent().detect(&world.snapshot(), &world.recall, now()).samples;
    let of_size: Vec<_> =
        noted.into_iter().filter(|sample| sample.series == BACKUP_BYTES).collect();
    assert_eq!(of_size.len(), 1);
    let all = BTreeMap::from([(subject(), of_size)]);
    world.recall.series.insert(BACKUP_BYTES.to_owned(), all);
    let again = world.agent().detect(&world.snapshot(), &world.recall, now()).samples;
    assert!(again.iter().all(|sample| sample.series != BACKUP_BYTES), "{again:?}");
}

#[test]
fn one_that_is_made_much_faster_than_those_before_is_no_good() {
    let mut world = World::new();
    world.look().backups = [(1, 2_000), (25, MINUTE), (49, MINUTE), (73, MINUTE)]
        .map(|(at, took)| that_took(at, took))
        .into();
    assert!(
        world.told(&BACKUP_BAD).unwrap().1.contains("it took 2.0 s, and 60.0 s are usual (L1)")
    );
    assert_eq!(world.noted(), [2_000.0]);
}

#[test]
fn a_file_that_is_written_over_every_night_says_nothing_about_how_long_that_took() {
    // Its birth is that of the first night; now and then a night is a little early.
    let mut world = World::new();
    world.look().backups = vec![that_took(1, 24 * HOUR + 10 * MINUTE)];
    assert!(world.noted().is_empty(), "longer than it takes until the next one");
    world.seen(BACKUP_BYTES, &[(24, 1000.0)]);
    world.look().backups = vec![that_took(1, 24 * HOUR - MINUTE)];
    assert!(world.noted().is_empty(), "begun before the one before it was there");
    world.look().backups = vec![that_took(1, 20 * HOUR)];
    assert_eq!(world.noted(), [20.0 * 3_600_000.0], "a dump may take long");
    let record = recorded(1).record;
    world.look().backups = vec![FoundBackup { record, ..that_took(1, 24 * HOUR - MINUTE) }];
    assert_eq!(world.noted().len(), 1, "what a record tells is known");
}

#[test]
fn one_that_was_made_anew_is_not_held_against_what_only_seemed_to_take_days() {
    let mut world = World::new();
    world.look().backups = vec![that_took(1, 10 * MINUTE)];
    // As earlier versions noted it.
    let day = 24.0 * 3_600_000.0;
    let days = [1.01, 2.01, 3.01, 4.01].map(|days| days * day);
    let all: Vec<_> = [97, 73, 49, 25].into_iter().zip(days).collect();
    world.seen(BACKUP_MILLISECONDS, &all);
    assert_eq!(world.told(&BACKUP_BAD), None);
}
