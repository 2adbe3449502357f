//! Proof: eight processes race for the slots of one agent through the same claim, and every slot is run by one of them,
//! skipped or missed, once.

#![expect(clippy::disallowed_methods, reason = "the processes themselves are what is tried")]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jiff::Timestamp;
use opswarden::domain::run::{AgentRun, RunState};
use opswarden::ports::clock::Clock as _;
use opswarden::ports::store::{RunQuery, Store as _};

use super::clock::WallClock;
use super::processes::{cases, report, writer};
use super::support::open;

const PROCESSES: usize = 8;

fn racer(state: &std::path::Path, slots: usize, begins: Timestamp) -> Child {
    let mut command = Command::new(writer().with_file_name("slot_racer"));
    command.arg(state).arg(slots.to_string()).arg(begins.as_millisecond().to_string());
    command.stdout(Stdio::piped());
    command.spawn().expect("build it: cargo build --example slot_racer")
}

/// Every second that a row stands for.
fn seconds(row: &AgentRun) -> impl Iterator<Item = i64> {
    let from = row.slot.map(Timestamp::as_second).expect("it has a slot");
    from..=row.slot_until.map_or(from, Timestamp::as_second)
}

#[tokio::test]

async fn every_slot_that_eight_processes_race_for_is_one_row() {
    let wanted = cases(200);
    let place = tempfile::tempdir().expect("a folder");
    drop(open(place.path()).await);
    let begins = WallClock::start().now() + Duration::from_secs(1);
    let racers: Vec<Child> = (0..PROCESSES).map(|_| racer(place.path(), wanted, begins)).collect();
    let mut ran: BTreeMap<String, usize> = BTreeMap::new();
    for racer in racers {
        let output = racer.wait_with_output().expect("it ends");
        assert!(output.status.success());
        for slot in String::from_utf8_lossy(&output.stdout).lines() {
            *ran.entry(slot.to_owned()).or_default() += 1;
        }
    }
    let store = open(place.path()).await;
    let limit = u32::try_from(wanted * 2).expect("small");
    let rows = store.runs(RunQuery { agent: None, limit }).await.expect("they are read");
    let mut covered: BTreeMap<i64, usize> = BTreeMap::new();
    for row in &rows {
        seconds(row).for_each(|second| *covered.entry(second).or_default() += 1);
    }
    let (first, last) = (covered.keys().next(), covered.keys().next_back());
    let span = last.zip(first).map_or(0, |(last, first)| last - first + 1);
    assert_eq!(i64::try_from(covered.len()), Ok(span), "a slot without a row");
    assert!(rows.iter().all(|row| row.epoch == 0), "no clock was set back");
    let slots = covered.len();
    assert!(slots * 10 > wanted * 8, "{slots} of {wanted}");
    assert!(covered.values().all(|rows| *rows == 1), "a slot with two rows");
    assert!(ran.values().all(|runs| *runs == 1), "a slot that two processes ran");
    let runs = rows.iter().filter(|row| row.state == RunState::Ok).count();
    assert_eq!(runs, ran.len(), "what was claimed is what was run");
    report(&format!(
        "{slots} slots raced for by {PROCESSES} processes: {runs} run once, {} missed and said so, 0 twice, 0 unaccounted for",
        slots - runs
    ));
}
