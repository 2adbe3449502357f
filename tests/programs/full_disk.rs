//! Proof: a disk that is really full costs a run its end, and nothing that was acknowledged.
//!
//! The real agent meets a crashed service while its state and its log lie on a file system that has so many
//! kilobytes left, from none up to enough. The number of cases is `OPSWARDEN_PROOF_N` (12 unless set); they are
//! spread over the whole range.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::fake::{Fake, GUARDIAN, OPSCTL};
use super::peers::{env, skip, test_name};
use super::small_disk::{PAGE, SmallDisk};

/// More than a whole run ever needs; asserted.
const ENOUGH: u64 = 1024 * 1024;
const SLICE: usize = 12;

/// A crashed service, an agent's folders on a small disk, and maybe what an earlier run left there.
struct Case {
    fake: Fake,
    disk: SmallDisk,
}

impl Case {
    fn new(used: bool) -> Option<Self> {
        let fake = Fake::new();
        let folder = fake.path().join("small");
        fs::create_dir(&folder).expect("a folder");
        let paths =
            "[paths]\nstate = \"small/state\"\nlogs = \"small/logs\"\n[agents.health-guardian]";
        fake.instead("[agents.health-guardian]", paths);
        let disk = SmallDisk::mount(&folder)?;
        let case = Self { fake, disk };
        if used {
            let first = case.agent();
            assert_eq!(first.status.code(), Some(0), "{}", said(&first));
        }
        case.fake.crash();
        Some(case)
    }

    fn agent(&self) -> Output {
        self.disk.run(&self.fake, GUARDIAN, &["-o", "json"])
    }

    fn asked(&self, arguments: &[&str]) -> Value {
        let output = self.disk.run(&self.fake, OPSCTL, &[arguments, &["-o", "json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            panic!("{error}: {}", said(&output));
        })
    }

    /// What there is to know after a run.
    fn seen(&self) -> Seen {
        let incidents = self.asked(&["incidents"]);
        let listed = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let ids = |value: &Value, field: &str| {
            let of = |one: &Value| one[field].as_str().map(str::to_owned);
            listed(value).iter().filter_map(of).collect()
        };
        let state = self.disk.path();
        let text = |name: &str| fs::read_to_string(state.join(name)).unwrap_or_default();
        Seen {
            incidents: ids(&incidents, "id"),
            intents: ids(&self.asked(&["remediations"]), "id"),
            runs: listed(&self.asked(&["runs"])),
            verified: self.asked(&["ledger", "verify"]),
            log: text("logs/ops-health-guardian.log"),
            view: text("state/ops-state.json"),
            restarts: self.fake.restarts(),
        }
    }
}

/// What there is to know after a run.
struct Seen {
    incidents: Vec<String>,
    intents: Vec<String>,
    runs: Vec<Value>,
    verified: Value,
    log: String,
    view: String,
    restarts: usize,
}

fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Everything that is wrong with a run and what it left. The judge of the proof: it is itself tested below.
fn wrong(run: &Output, after: &Seen, folder: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, law: &str| {
        if !holds {
            wrong.push(law.to_owned());
        }
    };
    let (code, text) = (run.status.code(), said(run));
    must(matches!(code, Some(0..=2)), "a run ends by itself with 0, 1 or 2");
    must(!text.contains("a fault of our own") && !text.contains("panicked"), "no panic");
    let named = ["failed to", "cannot be", "could not"].iter().any(|word| text.contains(word));
    must(code != Some(2) || named, "a run that did not complete says what failed");
    must(after.restarts <= after.intents.len(), "nothing is done without its intent");
    let unborn = after.verified["error"].as_str().is_some_and(|why| {
        why.contains("nothing is recorded yet")
            || why.contains("is not there yet")
            || why.contains("cannot be read now")
    });
    must(after.verified["clean"] == true || unborn, "the ledger is whole, or there is none yet");
    let report: Value = serde_json::from_slice(&run.stdout).unwrap_or_default();
    let troubles = report["troubles"].as_array().cloned().unwrap_or_default();
    if let Some(first) = troubles.first().and_then(Value::as_str) {
        let told = first.contains("disk is full") || first.contains("No space left");
        must(told, &format!("the first trouble is the disk: {first}"));
    }
    // A connection that still counts a transaction which the disk has ended fails at everything after it.
    must(!text.contains("transaction"), "what is told is the disk and not what follows from it");
    for id in acknowledged(&report) {
        let kept = after.incidents.contains(&id) || after.intents.contains(&id);
        must(kept, &format!("{id} was acknowledged and is lost"));
    }
    if matches!(code, Some(0 | 1)) {
        complete(&report, after, folder, &mut must);
    }
    wrong
}

/// The incidents and the attempts that a report tells of.
fn acknowledged(report: &Value) -> Vec<String> {
    let rows = |name: &str| report[name].as_array().cloned().unwrap_or_default();
    let changes = rows("changes").into_iter().map(|change| change[0].clone());
    let attempts = rows("attempts").into_iter().map(|attempt| attempt["remediation"].clone());
    changes.chain(attempts).filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// A run that calls itself complete has written everything: its row, the view, the tape and its log.
fn complete(report: &Value, after: &Seen, folder: &Path, must: &mut impl FnMut(bool, &str)) {
    let id = report["run"].as_str().unwrap_or("no run");
    let ended = |run: &&Value| run["id"] == id && run["exit"].is_number();
    must(after.runs.iter().any(|run| ended(&run)), "the end of a complete run is recorded");
    must(after.view.contains(id), "a complete run is in the view");
    let tape = format!("state/snapshots/health-guardian/{id}.json.gz");
    let size = fs::metadata(folder.join(tape)).map_or(0, |about| about.len());
    must(size > 0, "a complete run has left its tape");
    let whole = |line: &str| serde_json::from_str::<Value>(line).is_ok();
    must(after.log.lines().all(whole), "every line of the log is whole");
    let last = after.log.lines().rfind(|line| line.contains(id)).unwrap_or_default();
    must(last.contains("the run ended"), "the log of a complete run has its end");
}

/// Files that a writer had not finished.
fn unfinished(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            found.extend(unfinished(&entry.path()));
        } else if name.contains("tmp") || name.contains("journal") || name.contains("new") {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

/// One run with so much free, and the runs after it. Returns its exit code.
fn starve(used: bool, free: u64) -> Option<i32> {
    let case = Case::new(used)?;
    case.disk.fill(free);
    let run = case.agent();
    case.disk.empty();
    let place = format!("{} KiB left, used before: {used}", free / 1024);
    let none: Vec<String> = Vec::new();
    let seen = case.seen();
    assert_eq!(wrong(&run, &seen, &case.disk.path()), none, "{place}: {}", said(&run));
    let mut codes = Vec::new();
    for _ in 0..2 {
        let next = case.agent();
        let seen = case.seen();
        assert_eq!(wrong(&next, &seen, &case.disk.path()), none, "{place}: {}", said(&next));
        assert_eq!(seen.verified["clean"], true, "{place}: {}", seen.verified);
        codes.push(next.status.code());
        if next.status.code() == Some(0) {
            break;
        }
    }
    assert_eq!(codes.last(), Some(&Some(0)), "{place}: it does not come to its end: {codes:?}");
    let service = fs::read_to_string(case.fake.path().join("service")).unwrap_or_default();
    assert!(service.starts_with("up"), "{place}: {service}");
    assert_eq!(case.fake.restarts(), 1, "{place}: one crash, one restart");
    assert_eq!(unfinished(&case.disk.path()), none, "{place}");
    run.status.code()
}

fn number() -> usize {
    env("OPSWARDEN_PROOF_N").and_then(|text| text.parse().ok()).unwrap_or(SLICE)
}

/// The least space that a complete run needs, to the next step of 64 KiB: the range ends one step later.
fn end_of_range(used: bool) -> Option<u64> {
    const STEP: u64 = 64 * 1024;
    let fits = |free: &u64| {
        let case = Case::new(used)?;
        case.disk.fill(*free);
        Some(case.agent().status.code() == Some(0))
    };
    let mut free = (1..=ENOUGH / STEP).map(|step| step * STEP);
    free.find(|free| fits(free) != Some(false)).map(|free| free + STEP)
}

#[test]
#[expect(clippy::print_stderr, reason = "the figure is what the programme is for")]
fn a_full_disk_costs_a_run_its_end_and_never_what_was_acknowledged() {
    if Case::new(false).is_none() {
        return skip(&test_name(), "unshare");
    }
    let mut all = Vec::new();
    for used in [false, true] {
        let end = end_of_range(used).expect("a megabyte is enough");
        all.extend((0..=end / PAGE).map(|pages| (used, pages * PAGE)));
    }
    let many = number().min(all.len());
    let mut ends: BTreeMap<(bool, Option<i32>), u32> = BTreeMap::new();
    for place in 0..many {
        let (used, free) = all[place * all.len() / many];
        *ends.entry((used, starve(used, free))).or_default() += 1;
    }
    assert!(ends.keys().any(|(_, code)| *code == Some(2)), "the disk was never full: {ends:?}");
    eprintln!(
        "full disks: {many} amounts of free space, 0 laws broken; (ledger before, exit code): {ends:?}"
    );
}

#[test]
fn the_judge_of_full_disks_notices_a_lost_ledger_and_an_act_without_intent() {
    let Some(case) = Case::new(true) else {
        return skip(&test_name(), "unshare");
    };
    let folder = case.disk.path();
    let ledger = fs::read(folder.join("state/ops.db")).expect("the ledger is there");
    let run = case.agent();
    assert_eq!(wrong(&run, &case.seen(), &folder), Vec::<String>::new());
    let restarted = std::process::Command::new(case.fake.path().join("restart")).status();
    assert!(restarted.is_ok_and(|status| status.success()));
    assert!(
        wrong(&run, &case.seen(), &folder).iter().any(|law| law.contains("without its intent"))
    );
    fs::write(folder.join("state/ops.db"), ledger).expect("it is written");
    assert!(wrong(&run, &case.seen(), &folder).iter().any(|law| law.contains("acknowledged")));
    fs::write(folder.join("logs/ops-health-guardian.log"), "{\"half\":").expect("it is written");
    assert!(wrong(&run, &case.seen(), &folder).iter().any(|law| law.contains("log")));
}

#[test]
fn the_doctor_sees_a_full_disk() {
    let Some(case) = Case::new(true) else {
        return skip(&test_name(), "unshare");
    };
    let asked = |verb: &str| {
        let output = case.disk.run(&case.fake, OPSCTL, &[verb]);
        // As one line, wherever it was broken.
        let told = said(&output).split_whitespace().collect::<Vec<_>>().join(" ");
        (output.status.code(), told)
    };
    assert!(asked("doctor").1.contains("state is writable"), "{:?}", asked("doctor"));
    case.disk.fill(PAGE);
    let (code, told) = asked("doctor");
    assert!(code == Some(1) && told.contains("on a disk with less than 1 MiB left"), "{told}");
    let (_, status) = asked("status");
    assert!(status.contains("less than 1 MiB left"), "{status}");
}
