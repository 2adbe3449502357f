//! Proof: eight processes share one ledger while their neighbours are killed and stopped.

use std::collections::BTreeSet;
use std::process::Child;
use std::time::Duration;

use opswarden::adapters::store::verify;
use opswarden::ports::clock::Clock;
use opswarden::ports::store::Store;
use rustix::process::{Pid, Signal, kill_process};

use super::clock::WallClock;
use super::processes::{Job, cases, report, start};
use super::support::{everything, open};

const PROCESSES: usize = 8;

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).unwrap();
    // The child has not been waited for, so its number is still its own.
    kill_process(pid, signal).unwrap();
}

#[tokio::test]
async fn every_commit_of_eight_processes_counts_once_whoever_dies_or_sleeps() {
    let commits = cases(50);
    let place = tempfile::tempdir().unwrap();
    let clock = WallClock::start();
    let names: Vec<String> = (0..PROCESSES).map(|number| format!("w{number}")).collect();
    let job = |name| Job { state: place.path(), name, count: commits, too_early: false };
    let mut children: Vec<Option<Child>> =
        names.iter().map(|name| Some(start(job(name)))).collect();
    let (mut killed, mut stopped, mut turn) = (0, 0, 0_usize);
    while children.iter().any(Option::is_some) {
        assert!(clock.elapsed() < Duration::from_mins(10), "somebody waits for ever");
        clock.sleep(Duration::from_millis(15)).await;
        turn += 1;
        let place = turn * 5 % PROCESSES;
        let Some(child) = children[place].as_mut() else { continue };
        match child.try_wait().unwrap() {
            Some(ended) if ended.success() => children[place] = None,
            Some(ended) => panic!("{} ended with {ended}", names[place]),
            None if turn.is_multiple_of(3) => {
                signal(child, Signal::KILL);
                child.wait().unwrap();
                killed += 1;
                children[place] = Some(start(job(&names[place])));
            }
            None if turn.is_multiple_of(2) => {
                signal(child, Signal::STOP);
                clock.sleep(Duration::from_millis(30)).await;
                signal(child, Signal::CONT);
                stopped += 1;
            }
            None => {}
        }
    }
    let store = open(place.path()).await;
    let found = verify(&store).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
    let view = store.view(everything()).await.unwrap();
    let there: BTreeSet<&str> = view.active.iter().map(|one| one.key.subject.id()).collect();
    assert_eq!((there.len(), view.active.len()), (PROCESSES * commits, PROCESSES * commits));
    assert!(!view.controls.contains_key("propose_only"));
    assert!(killed > 0 && stopped > 0, "{killed} killed, {stopped} stopped");
    let sum = view.active.len();
    report(&format!(
        "{sum} of {sum} commits by {PROCESSES} processes, {killed} killed, {stopped} stopped"
    ));
}
