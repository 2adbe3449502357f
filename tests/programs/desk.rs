//! What the operator's tool says must be true: about what holds an agent back and about a ledger that is gone.

use std::fs;

use super::fake::{Fake, OPSCTL};

/// Everything that was printed, and the code.
fn told(fake: &Fake, words: &[&str]) -> (String, Option<i32>) {
    let output = fake.program(OPSCTL, words).output().expect("it starts");
    let text = [output.stdout, output.stderr].concat();
    // As one line, wherever it was broken.
    let text = String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    (text, output.status.code())
}

fn pause(fake: &Fake, agent: &str) -> String {
    told(fake, &["pause", agent, "--for", "1h", "--reason", "x"]).0
}

fn resume(fake: &Fake, what: &str) -> String {
    told(fake, &["resume", what, "--reason", "x"]).0
}

#[test]
fn a_resumed_agent_that_something_else_holds_is_not_called_free() {
    let fake = Fake::new();
    let paused = pause(&fake, "all");
    assert!(paused.contains(&fake.path().join("state").display().to_string()), "{paused}");
    assert!(resume(&fake, "health-guardian").contains("pause:all still keeps"));
    let asked = fake.asked(&["resume", "health-guardian", "--reason", "x"]);
    assert_eq!(asked["holding"], serde_json::json!(["pause:all"]));
    pause(&fake, "health-guardian");
    let lifted = resume(&fake, "health-guardian");
    assert!(lifted.contains("Lifted: pause:health-guardian"), "{lifted}");
    assert!(lifted.contains("pause:all still keeps"), "{lifted}");
    assert!(resume(&fake, "all").contains("all may act again"));
    assert!(resume(&fake, "health-guardian").contains("Nothing kept"));
}

#[test]
fn an_operation_that_was_never_switched_off_is_not_switched_on() {
    let fake = Fake::new();
    assert!(resume(&fake, "restart_process").contains("was not switched off"));
    fake.run(&[]);
    assert!(resume(&fake, "restart_process").contains("was not switched off"));
    assert_eq!(fake.asked(&["status"])["controls"], serde_json::json!([]));
}

#[test]
fn a_ledger_that_is_gone_is_not_taken_for_one_that_never_was() {
    let fake = Fake::new();
    let (new, code) = told(&fake, &["doctor"]);
    assert!(new.contains("the first run creates it") && !new.contains("blocked ledger"), "{new}");
    assert!(new.contains("nothing starts it") && code == Some(1), "{new}");
    fake.run(&[]);
    fs::remove_file(fake.path().join("state/ops.db")).expect("it was there");
    let (gone, code) = told(&fake, &["doctor"]);
    assert!(gone.contains("is gone") && code == Some(1), "{gone}");
    for words in [&["incidents"][..], &["ledger", "verify"], &["status"]] {
        let (said, _) = told(&fake, words);
        assert!(said.contains("is gone") && said.contains("only propose"), "{words:?}: {said}");
    }
}

#[test]
fn a_question_for_no_rows_is_refused() {
    let fake = Fake::new();
    for question in ["runs", "remediations"] {
        assert_eq!(told(&fake, &[question, "-n", "0"]).1, Some(78), "{question}");
    }
}

#[test]
fn with_a_mistake_in_the_settings_one_can_still_look_and_hold_agents_back_but_nothing_else() {
    let fake = Fake::new();
    fake.run(&[]);
    let file = fake.path().join("agents.toml");
    let good = fs::read_to_string(&file).expect("the settings are there");
    for broken in [format!("{good}\n[agents.nobody]\n"), format!("oops\n{good}")] {
        fs::write(&file, broken).expect("it is written");
        let (status, code) = told(&fake, &["status"]);
        assert!(status.contains("no agent starts with this file"), "{status}");
        assert!(status.contains("health-guardian ok"), "{status}");
        assert_eq!(code, Some(0));
        let (paused, code) =
            told(&fake, &["pause", "all", "--for", "1h", "--reason", "look first"]);
        assert!(paused.contains("all") && code == Some(0), "{paused}");
        let (undone, code) = told(&fake, &["undo", "REM-1", "--reason", "x"]);
        assert_eq!(code, Some(78), "{undone}");
    }
    fs::write(&file, good).expect("it is written");
    assert!(resume(&fake, "all").contains("all may act again"), "the pause was written down");
}

#[test]
fn an_agent_that_is_not_to_run_is_not_called_due() {
    let fake = Fake::new();
    fake.run(&[]);
    let (next, _) = told(&fake, &["schedule", "next"]);
    assert!(next.contains("health-guardian") && !next.contains("fleet-manager"), "{next}");
    let (named, _) = told(&fake, &["schedule", "next", "fleet-manager"]);
    assert!(named.contains("fleet-manager"), "who asks for it by name is answered: {named}");
    let due =
        |fake: &Fake| fake.asked(&["status"])["agentResults"]["health-guardian"]["next"].clone();
    assert!(due(&fake).is_string());
    told(&fake, &["schedule", "suspend", "health-guardian", "--for", "2d", "--reason", "x"]);
    let next = due(&fake).as_str().map(|at| at.parse::<jiff::Timestamp>().expect("a moment"));
    let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    assert!(next.is_some_and(|at| at > tomorrow), "{next:?}");
    let (slots, _) = told(&fake, &["schedule", "next", "health-guardian", "-n", "1"]);
    assert!(slots.contains("is skipped: suspended until") && slots.ends_with(": x"), "{slots}");
    told(&fake, &["schedule", "resume", "health-guardian", "--reason", "x"]);
    let slots = fake.asked(&["schedule", "next", "health-guardian", "-n", "1"]);
    assert!(slots[0]["slot"].is_string() && slots[0]["suspended"].is_null(), "{slots}");
}

/// A machine may have no rules of time zones, or old ones: a schedule means the same on all of them.
#[test]
fn the_rules_of_time_zones_are_those_that_the_program_carries() {
    let fake = Fake::new();
    let rules = fake.path().join("rules");
    fs::create_dir_all(rules.join("Europe")).expect("a folder");
    // A zone whose clocks stand at UTC for ever, by the name of one whose clocks do not.
    let utc = [&b"TZif2"[..], &[0; 15], &[0, 0, 0, 0].repeat(4), &1_u32.to_be_bytes()].concat();
    let header = [&utc[..], &4_u32.to_be_bytes()].concat();
    let zone = [&header[..], &[0; 6], b"UTC\0", &header, &[0; 6], b"UTC\0", b"\nUTC0\n"].concat();
    fs::write(rules.join("Europe/Berlin"), zone).expect("it is written");
    let words = [
        "schedule",
        "explain",
        "health-guardian",
        "--tz",
        "Europe/Berlin",
        "--from",
        "2026-07-01T00:00:00Z",
    ];
    let asked = |rules: Option<&std::path::Path>| {
        let mut program = fake.program(OPSCTL, &words);
        rules.map(|rules| program.env("TZDIR", rules));
        let output = program.output().expect("it starts");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (own, with_others) = (asked(None), asked(Some(&rules)));
    assert!(own.contains("+02"), "{own}");
    assert_eq!(own, with_others);
}
