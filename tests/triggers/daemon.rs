//! The daemon under a real systemd: `opswarden.service` as it is generated, with agents that are due every few seconds.

use serde_json::Value;

use super::machine::Machine;
use super::systemd::{by_command, settings, slots};

pub(crate) const UNIT: &str = "opswarden.service";
pub(crate) const AGENT: &str = "health-guardian";
/// Where every user may write, unless a sandbox says no.
const OPEN: &str = "/srv/open";

/// A machine with the daemon's unit.
pub(crate) struct Stage {
    pub(crate) machine: Machine,
}

/// An agent that is due so often.
pub(crate) fn every(seconds: &str, timeout: &str) -> String {
    let schedule = format!("cron = \"{seconds} * * * * *\"\ntimeout = \"{timeout}\"");
    settings(&schedule, &by_command())
}

impl Stage {
    /// Not started yet. `look` is what the agent runs to look at its service, `more` what an admin adds to the unit.
    pub(crate) fn boot(settings: &str, look: &str, more: &str) -> Option<Self> {
        let machine = Machine::boot(settings, &[])?;
        machine.script("/srv/status", look);
        machine.script("/srv/restart", "exit 0\n");
        machine.generate("daemon");
        if !more.is_empty() {
            let text = format!("[Service]\n{more}\n");
            machine.put(&format!("/etc/systemd/system/{UNIT}.d/more.conf"), &text);
            machine.do_it(&["systemctl", "daemon-reload"]);
        }
        Some(Self { machine })
    }

    pub(crate) fn start(&self) {
        let started = self.machine.systemctl(&["start", UNIT]);
        assert!(started, "{}", self.machine.journal());
    }

    pub(crate) fn shows(&self, property: &str) -> String {
        self.machine.shows(UNIT, property)
    }

    pub(crate) fn kill(&self, signal: &str) {
        self.machine.do_it(&["systemctl", "kill", "--kill-whom=main", "--signal", signal, UNIT]);
    }

    pub(crate) fn runs(&self) -> Vec<Value> {
        self.machine.runs(AGENT)
    }

    pub(crate) fn in_state(&self, state: &str) -> usize {
        self.runs().iter().filter(|run| run["state"] == state).count()
    }

    /// Waits for so many more runs that end well.
    pub(crate) fn goes_on(&self, more: usize) {
        let before = self.in_state("ok");
        self.machine.awaits("slots go on", || self.in_state("ok") >= before + more);
    }

    /// The scheduler's sign of life.
    pub(crate) fn beat(&self) -> Value {
        serde_json::from_str(&self.machine.read("/var/lib/opswarden/scheduler.json"))
            .unwrap_or_default()
    }

    /// The process of a run that is in the ledger and goes on.
    pub(crate) fn at_work(&self) -> u64 {
        let mut pid = None;
        self.machine.awaits("a run at work", || {
            let beat = self.beat();
            let run = &beat["working"][0]["run"];
            let is_it = |row: &Value| row["state"] == "running" && row["id"] == *run;
            pid = beat["working"][0]["pid"].as_u64();
            pid.is_some() && self.runs().iter().any(is_it)
        });
        pid.expect("it was seen")
    }

    /// From the first slot to the last each has exactly one row, or is counted by one of slots that were missed.
    pub(crate) fn assert_orderly(&self, seconds: i64) {
        let runs = self.runs();
        let slots = slots(&runs);
        assert!(runs.iter().all(|run| run["trigger"] == "scheduler"), "{runs:#?}");
        let counted = |run: &Value| run["slots"].as_i64().unwrap_or(1).max(1);
        let (Some(first), Some(last)) = (slots.first(), slots.last()) else { return };
        let all: i64 = runs.iter().map(counted).sum();
        // The first row may itself count slots before it.
        let before = runs.iter().find(|run| run["slot"] == first.to_string());
        let before = before.map_or(0, |run| counted(run) - 1);
        let expected = last.duration_since(*first).as_secs() / seconds + 1 + before;
        assert_eq!(all, expected, "a slot without a word, or with two: {runs:#?}");
    }
}

#[test]
fn the_daemon_is_active_once_it_waits_for_slots_and_runs_each_once_in_its_sandbox() {
    // What keeps it from its start until the test says go.
    let held = "ExecStart=\nExecStart=/bin/sh -c 'until [ -e /srv/go ]; do sleep 0.1; done; \
                exec /usr/lib/opswarden/scheduler'";
    let look = format!("touch {OPEN}/escaped\nsleep 1.2\necho start-1\n");
    let Some(stage) = Stage::boot(&every("*/2", "1900ms"), &look, held) else { return };
    let machine = &stage.machine;
    machine.do_it(&["mkdir", "-m", "777", OPEN]);
    machine.do_it(&["systemctl", "start", "--no-block", UNIT]);
    machine.awaits("its process", || stage.shows("MainPID") != "0");
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(stage.shows("ActiveState"), "activating", "nobody waits for slots yet");
    machine.put("/srv/go", "");
    machine.awaits("its readiness", || stage.shows("ActiveState") == "active");
    let main = stage.shows("MainPID");
    let agent = stage.at_work().to_string();
    for pid in [&main, &agent] {
        let status = machine.read(&format!("/proc/{pid}/status"));
        for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapBnd:\t0000000000000000"] {
            assert!(status.contains(line), "{pid}: {line}: {status}");
        }
        let user = machine.do_it(&["id", "-u", "opswarden"]);
        assert!(status.contains(&format!("Uid:\t{}\t", user.trim())), "{pid}: {status}");
    }
    let group = machine.read(&format!("/proc/{agent}/cgroup"));
    let own = format!("/system.slice/{UNIT}/opswarden-runs-{main}/");
    assert!(group.contains(&own), "a run has a control group of its own: {group}");
    let of_main = machine.read(&format!("/proc/{main}/cgroup"));
    assert!(of_main.trim_end().ends_with(UNIT), "{of_main}");
    stage.goes_on(3);
    assert!(!machine.systemd.path(&format!("{OPEN}/escaped")).exists(), "a sandbox is closed");
    stage.assert_orderly(2);
    assert_eq!(stage.shows("NRestarts"), "0");
    let status = stage.shows("StatusText");
    assert!(status.contains("next: health-guardian at "), "{status}");
    assert_eq!(machine.read("/srv/messages"), "", "nobody is told of anything");
}

#[test]
fn timers_beside_the_daemon_run_no_slot_twice() {
    let look = "sleep 0.2\necho start-1\n";
    let Some(stage) = Stage::boot(&every("*/2", "1900ms"), look, "") else { return };
    stage.machine.generate("timers");
    stage.start();
    assert!(stage.machine.systemctl(&["start", "opswarden-health-guardian.timer"]));
    stage.goes_on(4);
    let ticked = stage.machine.shows("opswarden-health-guardian.timer", "LastTriggerUSec");
    assert!(!["", "n/a"].contains(&ticked.as_str()), "both were at work: {ticked}");
    let runs = stage.runs();
    let slots = slots(&runs);
    let gaps = slots.windows(2).filter(|pair| pair[1].duration_since(pair[0]).as_secs() != 2);
    assert_eq!(gaps.count(), 0, "every slot has a row: {runs:#?}");
    assert_eq!(stage.machine.read("/srv/messages"), "", "nobody is told of anything");
}
