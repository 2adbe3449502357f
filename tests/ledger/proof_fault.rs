//! Proof: a full or failing disk costs a clean error, never the ledger.

use std::path::Path;

use opswarden::adapters::store::verify;
use opswarden::ports::store::Store;

use super::processes::{
    Job, acknowledged, calls, can_trace, cases, copy, report, spread, tampered,
};
use super::support::{everything, noon, open, story};

const COUNT: usize = 2;
/// The calls that touch files. A reader's errors belong here too: they must not be taken for damage.
const CALLS: [&str; 9] = [
    "pwrite64",
    "fdatasync",
    "fsync",
    "openat",
    "rename",
    "renameat",
    "ftruncate",
    "pread64",
    "fchmod",
];

/// How one writer ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It managed all the same.
    Done,
    /// It said what failed.
    Clean,
    /// Its process could not be loaded: the tracer counts per thread, and the first thread loads libraries.
    NotLoaded,
}

async fn starve(template: &Path, call: &str, what: &str) -> End {
    let place = tempfile::tempdir().unwrap();
    copy(template, place.path());
    let job = Job { state: place.path(), name: "w", count: COUNT, too_early: false };
    let output = tampered(job, call, what);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let end = match output.status.code() {
        Some(0) => End::Done,
        Some(2) if said.contains("failed to") => End::Clean,
        Some(127) if said.contains("shared libraries") => End::NotLoaded,
        code => panic!("{call} {what}: {code:?} {said}"),
    };
    let store = open(place.path()).await;
    let found = verify(&store).await.unwrap();
    assert!(found.is_clean(), "{call} {what}: {found:?}");
    let view = store.view(everything()).await.unwrap();
    assert!(!view.controls.contains_key("propose_only"), "{call} {what}: taken for a loss");
    for name in acknowledged(&output) {
        let there = view.active.iter().any(|one| one.key.subject.id() == name);
        assert!(there, "{call} {what}: {name} was acknowledged");
    }
    store.close().await.unwrap();
    end
}

#[tokio::test]
async fn a_full_or_failing_disk_costs_a_clean_error_and_never_the_ledger() {
    if !can_trace("proof_fault") {
        return;
    }
    let (fresh, used) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = open(used.path()).await;
    story(&store).await;
    store.publish(noon()).await.unwrap();
    store.close().await.unwrap();
    let mut ends = Vec::new();
    for template in [fresh.path(), used.path()] {
        let counted = tempfile::tempdir().unwrap();
        copy(template, counted.path());
        let job = Job { state: counted.path(), name: "w", count: COUNT, too_early: false };
        let mut sites = Vec::new();
        for ((call, occurrence), in_state) in calls(job) {
            if in_state && CALLS.contains(&call.as_str()) {
                for what in ["error=ENOSPC", "error=EIO"] {
                    sites.push((call.clone(), format!("{what}:when={occurrence}")));
                    sites.push((call.clone(), format!("{what}:when={occurrence}+")));
                }
            }
        }
        for (call, what) in spread(&sites, cases(160).min(sites.len())) {
            ends.push(starve(template, &call, &what).await);
        }
    }
    let clean = ends.iter().filter(|end| **end == End::Clean).count();
    let done = ends.iter().filter(|end| **end == End::Done).count();
    assert!(clean > ends.len() / 4, "the disk hardly ever failed: {clean} of {}", ends.len());
    report(&format!(
        "{} faults of the disk: {clean} clean errors, {done} survived, 0 ledgers damaged",
        ends.len()
    ));
}
