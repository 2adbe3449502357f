//! A plan on its way through a file, and requests, by the real programs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use serde_json::{Value, json};

use super::fake::{Fake, OPSCTL};

const CONTENT: &str = env!("CARGO_BIN_EXE_content-lifecycle");
const PLAN: [&str; 3] = ["--plan", "--out", "plan.json"];
const APPLY: [&str; 2] = ["--apply", "plan.json"];

/// Everything that was printed, in one line, and the code.
fn told(output: &Output) -> (String, Option<i32>) {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let text = String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ");
    (text, output.status.code())
}

fn asked(fake: &Fake, words: &[&str]) -> (String, Option<i32>) {
    told(&fake.program(OPSCTL, words).env("USER", "ada").output().expect("opsctl starts"))
}

fn plan_of(fake: &Fake) -> Value {
    let text = fs::read(fake.path().join("plan.json")).expect("the plan is there");
    serde_json::from_slice(&text).expect("a plan")
}

/// A service that crashed, in a house where every act needs a person.
fn careful() -> Fake {
    let fake = Fake::new();
    fake.instead("settle = \"10ms\"", "settle = \"10ms\"\nautonomy = \"approve\"");
    assert_eq!(fake.run(&[]).status.code(), Some(0));
    fake.crash();
    fake
}

#[test]
fn a_fresh_plan_is_kept_for_its_owner_and_applied() {
    let fake = Fake::new();
    fake.run(&[]);
    fake.crash();
    let (text, code) = told(&fake.run(&PLAN));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("1 act is kept in plan.json"), "{text}");
    let file = fake.path().join("plan.json");
    let mode = fs::metadata(&file).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(fake.restarts(), 0);
    let plan = plan_of(&fake);
    assert_eq!(plan["agent"], "health-guardian");
    assert_eq!(plan["actions"][0]["needs_approval"], false);
    let (text, code) = told(&fake.run(&APPLY));
    assert_eq!((code, fake.restarts()), (Some(0), 1), "{text}");
    let again = told(&fake.run(&APPLY));
    assert_eq!((again.1, fake.restarts()), (Some(3), 1), "{}", again.0);
    assert!(again.0.contains("it is well now: the finding is gone"), "{}", again.0);
}

#[test]
fn a_plan_overwrites_nothing_and_its_run_is_not_even_begun() {
    let fake = Fake::new();
    fs::write(fake.path().join("plan.json"), "mine").expect("it is written");
    let (text, code) = told(&fake.run(&PLAN));
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("plan.json exists already and is not overwritten"), "{text}");
    assert_eq!(fs::read_to_string(fake.path().join("plan.json")).expect("it is there"), "mine");
    let alone = told(&fake.run(&["--out", "other.json"]));
    assert_eq!(alone.1, Some(78), "only a plan is kept: {}", alone.0);
}

#[test]
fn to_apply_a_plan_is_to_approve_what_is_in_it() {
    let fake = careful();
    fake.run(&PLAN);
    assert_eq!(plan_of(&fake)["actions"][0]["needs_approval"], true);
    let applied = fake.guardian(&APPLY).env("USER", "ada").output().expect("it starts");
    let (text, code) = told(&applied);
    assert_eq!((code, fake.restarts()), (Some(0), 1), "{text}");
    let approval = &fake.asked(&["approvals"])[0];
    assert_eq!((&approval["state"], &approval["used_by"]), (&json!("used"), &json!("REM-1")));
    assert_eq!(approval["decided"]["by"], "human:ada", "{approval:#}");
    assert!(approval["decided"]["reason"].as_str().expect("a reason").contains("is applied"));
    assert_eq!(fake.asked(&["remediations"])[0]["approval"], "APR-1");
    assert_eq!(fake.asked(&["ledger", "verify"])["clean"], true);
}

#[test]
fn a_plan_opens_no_other_door() {
    let fake = careful();
    fake.run(&PLAN);
    asked(&fake, &["pause", "all", "--for", "1h", "--reason", "moving disks"]);
    let (text, code) = told(&fake.run(&APPLY));
    assert_eq!((code, fake.restarts()), (Some(3), 0), "{text}");
    assert!(text.contains("refused at door 1 (armed)"), "{text}");
    assert_eq!(fake.asked(&["approvals"]), json!([]), "and nobody is asked for what it keeps shut");
}

#[test]
fn a_stale_plan_is_refused_and_what_changed_is_named() {
    let fake = Fake::new();
    fake.run(&[]);
    fake.crash();
    fake.run(&PLAN);
    // Somebody starts it, and it fails in another way.
    let path = fake.path().display().to_string();
    fake.script_is("status", &format!("cat {path}/service >/dev/null\necho start-7\nexit 1\n"));
    let (text, code) = told(&fake.run(&APPLY));
    assert_eq!((code, fake.restarts()), (Some(3), 0), "{text}");
    assert!(text.contains("identity: nothing → start-7"), "{text}");
}

#[test]
fn what_is_not_this_plan_or_not_for_here_starts_nothing() {
    let fake = Fake::new();
    fake.run(&[]);
    fake.crash();
    fake.run(&PLAN);
    let written = fs::read_to_string(fake.path().join("plan.json")).expect("it is there");
    let with = |text: &str| fs::write(fake.path().join("plan.json"), text).expect("it is written");
    let refused = |why: &str| {
        let (text, code) = told(&fake.run(&APPLY));
        assert_eq!((code, fake.restarts()), (Some(78), 0), "{text}");
        assert!(text.contains(why), "{text}");
    };
    with(&written.replace("\"plan_version\": 1", "\"plan_version\": 2"));
    refused("the plan has form 2");
    with(&written.replace("it is", "it was"));
    refused("not as it was written");
    with("{}");
    refused("no plan of opswarden");
    fs::remove_file(fake.path().join("plan.json")).expect("it was there");
    refused("failed to read the plan");
    with(&written);
    let other = fake.program(CONTENT, &APPLY).output().expect("it starts");
    let (text, code) = told(&other);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("for agent health-guardian, and this is content-lifecycle"), "{text}");
    fake.instead("host = \"fake\"", "host = \"elsewhere\"");
    refused("for host fake, and this is elsewhere");
    fake.instead("host = \"elsewhere\"", "host = \"fake\"");
    let foreign = Fake::new();
    foreign.run(&[]);
    foreign.crash();
    foreign.run(&PLAN);
    with(&fs::read_to_string(foreign.path().join("plan.json")).expect("it is there"));
    refused("the plan is for ledger");
}

#[test]
fn a_request_is_granted_and_carried_out_at_once_or_by_the_next_run() {
    let fake = careful();
    let (text, code) = told(&fake.run(&[]));
    assert_eq!((code, fake.restarts()), (Some(1), 0), "{text}");
    assert!(text.contains("it waits for APR-1"), "{text}");
    let (list, _) = asked(&fake, &["approvals"]);
    assert!(list.contains("APR-1") && list.contains("cannot be brought back"), "{list}");
    let (story, _) = asked(&fake, &["explain", "APR-1"]);
    assert!(story.starts_with("APR-1") && story.contains("INC-1"), "{story}");
    let (early, code) = told(&fake.run(&["--apply", "APR-1"]));
    assert_eq!(code, Some(3), "{early}");
    assert!(early.contains("waits for a person: `opsctl approve APR-1 --reason …`"), "{early}");
    let (granted, code) = asked(&fake, &["approve", "APR-1", "--reason", "seen"]);
    assert_eq!(code, Some(0), "{granted}");
    assert!(granted.contains("`health-guardian --apply APR-1`"), "{granted}");
    assert_eq!(fake.restarts(), 0, "an answer does nothing by itself");
    let (twice, code) = asked(&fake, &["approve", "APR-1", "--reason", "seen"]);
    assert_eq!(code, Some(3), "{twice}");
    assert!(twice.contains("human:ada granted it"), "{twice}");
    let (done, code) = told(&fake.run(&["--apply", "APR-1"]));
    assert_eq!((code, fake.restarts()), (Some(0), 1), "{done}");
    let (used, code) = told(&fake.run(&["--apply", "APR-1"]));
    assert_eq!((code, fake.restarts()), (Some(3), 1), "{used}");
    let (late, code) = asked(&fake, &["deny", "APR-1", "--reason", "no"]);
    assert_eq!(code, Some(3), "{late}");
    let (unknown, code) = asked(&fake, &["approve", "APR-9", "--reason", "seen"]);
    assert_eq!(code, Some(2), "{unknown}");
    assert_eq!(asked(&fake, &["approve", "INC-1", "--reason", "seen"]).1, Some(78));
}

#[test]
fn what_is_denied_is_not_done() {
    let fake = careful();
    fake.run(&[]);
    let (granted, _) = asked(&fake, &["approve", "APR-1", "--reason", "seen"]);
    assert!(granted.contains("is granted"), "{granted}");
    let (denied, code) = asked(&fake, &["deny", "APR-1", "--reason", "a person is on it"]);
    assert_eq!(code, Some(0), "a grant is taken back: {denied}");
    let (text, code) = told(&fake.run(&[]));
    assert_eq!((code, fake.restarts()), (Some(1), 0), "{text}");
    assert!(text.contains("denied by human:ada"), "{text}");
}

#[test]
fn an_expired_request_can_not_be_granted() {
    let fake = careful();
    fake.instead("autonomy = \"approve\"", "autonomy = \"approve\"\napproval_expiry = \"1ms\"");
    fake.run(&[]);
    let (text, code) = asked(&fake, &["approve", "APR-1", "--reason", "seen"]);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("it expired at"), "{text}");
    let (applied, code) = told(&fake.run(&["--apply", "APR-1"]));
    assert_eq!((code, fake.restarts()), (Some(3), 0), "{applied}");
}
