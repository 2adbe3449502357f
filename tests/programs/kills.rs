//! Proof: the real agent is killed at one system call after the other around a restart; whatever it left, the next
//! run does not repeat it.
//!
//! The number of kills is `OPSWARDEN_PROOF_N` (24 unless set).

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::fake::{Fake, GUARDIAN};
use super::peers::{env, skip, test_name};

/// System calls that stand around every step: writing the ledger, starting a program, waiting for it.
const CALLS: [&str; 6] = ["pwrite64", "fdatasync", "clone3", "wait4", "rename", "epoll_wait"];

fn number() -> u32 {
    env("OPSWARDEN_PROOF_N").and_then(|text| text.parse().ok()).unwrap_or(24)
}

/// One run that is killed at the `when`-th `call`; `false` where it ended before.
fn killed(fake: &Fake, call: &str, when: u32) -> bool {
    let inject = format!("inject={call}:signal=SIGKILL:when={when}");
    let trace = format!("trace={call}");
    let arguments = ["-f", "-qq", "-e", &trace, "-e", &inject, "-o", "/dev/null", GUARDIAN];
    let status = fake
        .program("strace", &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("strace starts");
    !matches!(status.code(), Some(0..=2))
}

#[test]
#[expect(clippy::print_stderr, reason = "the figure is what the programme is for")]
fn a_killed_agent_never_restarts_twice() {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    if !works.is_ok_and(|out| out.status.success()) {
        return skip(&test_name(), "strace");
    }
    let (mut kills, mut ends) = (0, BTreeMap::new());
    let mut when = 1;
    while kills < number() {
        let before = kills;
        for call in CALLS {
            let fake = Fake::new();
            fake.run(&[]);
            fake.crash();
            if !killed(&fake, call, when) {
                continue;
            }
            kills += 1;
            *ends.entry(aftermath(&fake, call, when)).or_insert(0_u32) += 1;
        }
        assert!(when > 1 || kills > before, "no kill ever hit: the tracer does not inject");
        when = if kills == before { 1 } else { when + 1 };
    }
    eprintln!(
        "agents killed around acts: {kills} kills, 0 second executions; states after the next run: {ends:?}"
    );
}

/// What the next run finds, and the law: never more executions than intents, never a second one for an intent.
fn aftermath(fake: &Fake, call: &str, when: u32) -> String {
    let done = fake.restarts();
    let intents = |fake: &Fake| fake.asked(&["remediations"]).as_array().map_or(0, Vec::len);
    let intended = intents(fake);
    let place = format!("killed at {call} {when}");
    assert!(done <= intended, "{place}: {done} executions, {intended} intents");
    fake.run(&[]);
    let verify = fake.asked(&["ledger", "verify"]);
    assert_eq!(verify["clean"], true, "{place}: {verify}");
    assert!(fake.restarts() <= 1, "{place}: executed {} times", fake.restarts());
    if intended > 0 {
        assert_eq!(fake.restarts(), done, "{place}: the next run repeated it");
    }
    let state = fake.asked(&["remediations"])[0]["state"].as_str().map(str::to_owned);
    state.unwrap_or_else(|| "none".to_owned())
}
