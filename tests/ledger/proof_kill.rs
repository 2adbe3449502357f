//! Proof: a writer that is killed at any system call loses nothing that it has acknowledged.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use opswarden::adapters::store::verify;
use opswarden::ports::store::Store;

use super::processes::{
    Job, acknowledged, calls, can_trace, cases, copy, report, spread, tampered,
};
use super::support::{everything, noon, open, story};

/// How many incidents each writer opens.
const COUNT: usize = 2;

/// What one kill left behind.
struct Aftermath {
    lost: Vec<String>,
    proposes_only: bool,
    active: Vec<u64>,
    killed: bool,
}

/// Runs one writer over a copy of `template`, kills it, and looks at what it left.
async fn kill(template: &Path, call: &str, occurrence: usize, too_early: bool) -> Aftermath {
    let place = tempfile::tempdir().unwrap();
    copy(template, place.path());
    let job = Job { state: place.path(), name: "w", count: COUNT, too_early };
    let output = tampered(job, call, &format!("signal=SIGKILL:when={occurrence}"));
    let store = open(place.path()).await;
    let found = verify(&store).await.unwrap();
    assert!(found.is_clean(), "{call} {occurrence}: {found:?}");
    let view = store.view(everything()).await.unwrap();
    let proposes_only = view.controls.contains_key("propose_only");
    let there = |name: &String| view.active.iter().any(|one| one.key.subject.id() == name);
    let lost = acknowledged(&output).into_iter().filter(|name| !there(name)).collect();
    store.publish(noon()).await.unwrap();
    let left = std::fs::read_dir(place.path()).unwrap();
    assert!(left.into_iter().all(|name| !format!("{name:?}").contains(".ops-state-")));
    store.close().await.unwrap();
    let active = view.active.iter().map(|one| one.id.0).collect();
    Aftermath { lost, proposes_only, active, killed: output.status.signal() == Some(9) }
}

fn sites(template: &Path) -> Vec<(String, usize)> {
    let place = tempfile::tempdir().unwrap();
    copy(template, place.path());
    let job = Job { state: place.path(), name: "w", count: COUNT, too_early: false };
    calls(job).into_keys().collect()
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_a_writer_is_killed_at_any_system_call() {
    if !can_trace("proof_kill") {
        return;
    }
    let (fresh, used) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(used.path()).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    store.close().await.unwrap();
    let wanted = cases(300);
    let (mut killed, mut sites_seen) = (0, 0);
    for template in [fresh.path(), used.path()] {
        let all = sites(template);
        sites_seen += all.len();
        for (call, occurrence) in spread(&all, wanted / 2) {
            let after = kill(template, &call, occurrence, false).await;
            assert_eq!(after.lost, Vec::<String>::new(), "{call} {occurrence}");
            assert!(!after.proposes_only, "{call} {occurrence}: taken for a loss");
            killed += usize::from(after.killed);
        }
    }
    assert!(killed > wanted / 2, "only {killed} of {wanted} writers were killed");
    report(&format!(
        "{killed} writers killed at {sites_seen} sites, 0 acknowledged incidents lost"
    ));
}

#[tokio::test]
async fn a_writer_that_speaks_before_it_commits_is_caught() {
    if !can_trace("proof_kill") {
        return;
    }
    let used = tempfile::tempdir().unwrap();
    let store = open(used.path()).await;
    story(&store).await;
    store.close().await.unwrap();
    let mut lost = 0;
    // Where it writes to the ledger it has spoken: a few of all sites might all lie elsewhere.
    for (call, occurrence) in sites(used.path()).iter().filter(|(call, _)| call == "pwrite64") {
        lost += kill(used.path(), call, *occurrence, true).await.lost.len();
    }
    assert!(lost > 0, "the proof cannot fail");
}

#[tokio::test]
async fn a_rescue_that_is_killed_anywhere_is_finished_by_the_next_open() {
    if !can_trace("proof_kill") {
        return;
    }
    let (lost, damaged) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(damaged.path()).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    store.close().await.unwrap();
    std::fs::copy(damaged.path().join("ops-state.json"), lost.path().join("ops-state.json"))
        .unwrap();
    std::fs::write(damaged.path().join("ops.db"), [0x5a; 9_000]).unwrap();
    std::fs::write(damaged.path().join("ops.db-wal"), [0x5a; 9_000]).unwrap();
    let wanted = cases(300) / 3;
    let mut killed = 0;
    for template in [lost.path(), damaged.path()] {
        for (call, occurrence) in spread(&sites(template), wanted / 2) {
            let after = kill(template, &call, occurrence, false).await;
            assert!(after.proposes_only, "{call} {occurrence}: the loss is forgotten");
            assert!(after.active.starts_with(&[2, 3]), "{call} {occurrence}: {:?}", after.active);
            assert_eq!(after.lost, Vec::<String>::new(), "{call} {occurrence}");
            killed += usize::from(after.killed);
        }
    }
    report(&format!("{killed} rescues killed, all finished by the next open"));
}
