//! Everything that can start agents, pointed at one state folder by mistake, with kills and freezes: every slot is run once, or
//! stands in the ledger as skipped or missed.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::daemon::{Daemon, SCHEDULER, runs};
use super::fake::{Fake, GUARDIAN};

const REPORTER: &str = env!("CARGO_BIN_EXE_ops-reporter");
const AGENTS: [(&str, &str); 2] = [("health-guardian", GUARDIAN), ("ops-reporter", REPORTER)];

/// So many slots of each agent, one a second.
fn slots() -> u64 {
    std::env::var("OPSWARDEN_PROOF_N").ok().and_then(|number| number.parse().ok()).unwrap_or(15)
}

/// Numbers that are drawn anew each time: a storm has no order to repeat.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn every_second(fake: &Fake) {
    let schedule = |agent: &str| {
        format!(
            "[agents.{agent}.schedule]\nseconds = true\ncron = \"* * * * * *\"\ntimeout = \"900ms\"\n\
             catch_up_within = \"3s\"\n"
        )
    };
    let both = format!("{}{}", schedule("ops-reporter"), schedule("health-guardian"));
    fake.instead(
        "[agents.health-guardian.policy]",
        &format!("{both}[agents.health-guardian.policy]"),
    );
}

/// A timer like those of systemd or PM2: starts the agent about every second, whatever became of the start before.
fn timer(fake: &Fake, program: &str, trigger: &str, over: &AtomicBool) {
    let mut started: Vec<Child> = Vec::new();
    while !over.load(Ordering::Relaxed) {
        let mut command = fake.program(program, &["--if-due", "--trigger", trigger]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        started.push(command.spawn().expect("it starts"));
        started.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        std::thread::sleep(Duration::from_millis(970));
    }
    for mut child in started {
        let _ended = child.wait();
    }
}

/// Every process of ours in this folder: agents and schedulers.
fn ours(fake: &Fake) -> Vec<Pid> {
    let folder = fake.path();
    let of = |entry: std::fs::DirEntry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        let program = std::fs::read_link(entry.path().join("exe")).ok()?;
        let name = program.file_name()?.to_str()?;
        let agent = AGENTS.iter().any(|(agent, _)| *agent == name) || name == "scheduler";
        let here = std::fs::read_link(entry.path().join("cwd")).ok()? == folder;
        (agent && here).then_some(Pid::from_raw(pid)?)
    };
    std::fs::read_dir("/proc").expect("it is there").flatten().filter_map(of).collect()
}

/// Kills or freezes one of them now and then.
fn weather(fake: &Fake, over: &AtomicBool) -> (u32, u32) {
    let seed = Instant::now().elapsed().as_nanos() ^ u128::from(std::process::id());
    let mut dice = Dice(u64::try_from(seed).unwrap_or(7) | 1);
    let (mut killed, mut frozen) = (0, 0);
    while !over.load(Ordering::Relaxed) {
        std::thread::sleep(Duration::from_millis(200 + dice.throw(400)));
        let all = ours(fake);
        let Some(pid) = all.get(usize::try_from(dice.throw(all.len().max(1) as u64)).unwrap_or(0))
        else {
            continue;
        };
        if dice.throw(2) == 0 {
            killed += u32::from(kill_process(*pid, Signal::KILL).is_ok());
        } else if kill_process(*pid, Signal::STOP).is_ok() {
            frozen += 1;
            std::thread::sleep(Duration::from_millis(300 + dice.throw(1500)));
            let _gone = kill_process(*pid, Signal::CONT);
        }
    }
    (killed, frozen)
}

/// A scheduler that is started again whenever it is gone, as a service manager does; with a second one beside it, which is told
/// that it is too many.
fn schedulers(fake: &Fake, over: &AtomicBool) -> (u32, u32) {
    let (mut starts, mut refused) = (0, 0);
    let mut daemon = None::<Child>;
    while !over.load(Ordering::Relaxed) {
        let start = || {
            let mut command = fake.program(SCHEDULER, &[]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
        };
        let gone = daemon.as_mut().is_none_or(|one| matches!(one.try_wait(), Ok(Some(_))));
        if gone {
            daemon = Some(start());
            starts += 1;
        } else {
            let code = start().wait().expect("it ends").code();
            refused += u32::from(code == Some(75));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    if let Some(mut daemon) = daemon {
        let _gone = daemon.kill().and_then(|()| daemon.wait());
    }
    (starts, refused)
}

/// Every second that a row stands for.
fn seconds(row: &Value) -> std::ops::RangeInclusive<i64> {
    let second = |name: &str| {
        let text = row[name].as_str()?;
        text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
    };
    let from = second("slot").expect("it has a slot");
    from..=second("slot_until").unwrap_or(from)
}

/// What is wrong with one agent's rows, and how its slots ended.
fn judge(rows: &[&Value]) -> (Vec<String>, BTreeMap<String, usize>) {
    let mut covered: BTreeMap<i64, Vec<&str>> = BTreeMap::new();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows {
        let state = row["state"].as_str().unwrap_or("nothing");
        for second in seconds(row) {
            covered.entry(second).or_default().push(state);
            *ends.entry(state.to_owned()).or_default() += 1;
        }
    }
    let mut wrong = Vec::new();
    for (second, states) in &covered {
        if states.len() > 1 {
            wrong.push(format!("the slot {second} has {states:?}"));
        }
    }
    let (first, last) = (covered.keys().next(), covered.keys().next_back());
    if let (Some(first), Some(last)) = (first, last) {
        let silent = (*first..=*last).filter(|second| !covered.contains_key(second));
        wrong.extend(silent.map(|second| format!("the slot {second} has no row")));
    }
    (wrong, ends)
}

#[test]
fn whatever_starts_agents_every_slot_is_run_once_or_says_why_not() {
    let fake = Fake::new();
    every_second(&fake);
    let wanted = slots();
    let over = AtomicBool::new(false);
    let ((killed, frozen), (starts, refused)) = std::thread::scope(|scope| {
        for trigger in ["systemd", "pm2"] {
            for (_, program) in AGENTS {
                let (fake, over) = (&fake, &over);
                scope.spawn(move || timer(fake, program, trigger, over));
            }
        }
        let weather = scope.spawn(|| weather(&fake, &over));
        let schedulers = scope.spawn(|| schedulers(&fake, &over));
        std::thread::sleep(Duration::from_secs(wanted));
        over.store(true, Ordering::Relaxed);
        (weather.join().expect("no panic"), schedulers.join().expect("no panic"))
    });
    // What was killed leaves a row without an end; the next run settles it.
    assert_eq!(Daemon::start(&fake, &["--once"]).ends(), Some(0));
    let rows = runs(&fake);
    let mut triggers: BTreeMap<&str, usize> = BTreeMap::new();
    for (agent, _) in AGENTS {
        let own: Vec<&Value> = rows.iter().filter(|row| row["agent"] == agent).collect();
        let (wrong, ends) = judge(&own);
        let total: usize = ends.values().sum();
        println_of(&format!("{agent}: {total} slots: {ends:?}"));
        assert!(wrong.is_empty(), "{agent}: {wrong:#?}");
        assert!(total as u64 + 3 >= wanted, "{total} of {wanted} slots");
        for row in own {
            *triggers.entry(row["trigger"].as_str().unwrap_or_default()).or_default() += 1;
        }
    }
    println_of(&format!(
        "by {triggers:?}; {killed} kills, {frozen} freezes, {starts} schedulers started, {refused} refused"
    ));
}

#[expect(clippy::print_stdout, reason = "the figures are what the programme is run for")]
fn println_of(text: &str) {
    println!("{text}");
}

#[test]
fn a_slot_twice_and_a_slot_without_a_row_would_be_noticed() {
    let row = |slot: &str, until: Option<&str>, state: &str| serde_json::json!({ "slot": slot, "slot_until": until, "state": state });
    let good = [
        row("2026-11-20T10:00:00Z", None, "ok"),
        row("2026-11-20T10:00:01Z", Some("2026-11-20T10:00:03Z"), "missed"),
    ];
    assert_eq!(judge(&good.iter().collect::<Vec<_>>()).0, Vec::<String>::new());
    let twice = row("2026-11-20T10:00:03Z", None, "ok");
    let silent = row("2026-11-20T10:00:06Z", None, "ok");
    let bad: Vec<&Value> = good.iter().chain([&twice, &silent]).collect();
    assert_eq!(judge(&bad).0.len(), 3, "{:?}", judge(&bad));
}
