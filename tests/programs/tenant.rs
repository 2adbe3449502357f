//! The programs beside a platform: a person takes an act back, an agent leaves it alone, and the person lets it go on; and
//! what the doctor says of an account that is refused.

use std::fs;
use std::sync::Arc;

use opswarden::adapters::system_clock::SystemClock;
use opswarden::domain::incident::Incident;
use opswarden::domain::severity::Severity;
use opswarden::sandbox::{Fault, FaultKind, Options, PASSWORD, Running, Sandbox, Sizes, Throttle};

use super::fake::{Fake, OPSCTL};

const CONTENT: &str = env!("CARGO_BIN_EXE_content-lifecycle");
const REPORTER: &str = env!("CARGO_BIN_EXE_ops-reporter");

/// The programs beside a small tenant.
struct House {
    fake: Fake,
    sandbox: Running,
    email: String,
}

impl House {
    fn new() -> Self {
        let sizes = Sizes { displays: 5, content: 40, playlists: 8, schedules: 6, tenants: 1 };
        let options = Options { seed: 7, sizes, throttle: Throttle::Off, ..Options::default() };
        let sandbox =
            Sandbox::start(options, Arc::new(SystemClock::new())).expect("a port is free");
        let account = sandbox.accounts().into_iter().find(|one| one.email.starts_with("ops@"));
        let email = account.expect("there is one").email;
        let fake = Fake::new();
        let file = fake.path().join("agents.toml");
        let text = fs::read_to_string(&file).expect("the settings are there");
        let platform = format!(
            "{text}\n[platform]\nurl = \"{}\"\n\n[platform.limits]\nper_second = 0\nper_minute = 0\nper_hour = 0\n\
             sign_ins_per_minute = 0\ntotal_per_second = 0\n",
            sandbox.base_url()
        );
        fs::write(&file, platform).expect("they are written");
        Self { fake, sandbox, email }
    }

    fn told(&self, program: &str, words: &[&str]) -> String {
        self.told_with(PASSWORD, program, words)
    }

    fn told_with(&self, password: &str, program: &str, words: &[&str]) -> String {
        let mut command = self.fake.program(program, words);
        command.env("VALIDATOR_EMAIL", &self.email).env("VALIDATOR_PASSWORD", password);
        let output = command.output().expect("it starts");
        let text = [output.stdout, output.stderr].concat();
        String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What arrived at the platform since the last call.
    fn arrived(&self) -> Vec<String> {
        let effects = self.sandbox.take_effects().into_iter();
        effects.map(|effect| format!("{} {}", effect.act.what, effect.act.row)).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_is_left_alone_until_the_person_who_took_it_back_lets_it_go() {
    let house = House::new();
    house.told(CONTENT, &[]);
    let done = house.arrived();
    assert!(
        done.len() > 1 && done.iter().all(|act| act.starts_with("archive content")),
        "{done:?}"
    );
    let undone = house.told(OPSCTL, &["undo", "REM-1", "--reason", "it is wanted"]);
    assert!(undone.contains("`opsctl resume REM-1`"), "{undone}");
    let back = house.arrived();
    assert_eq!(back.len(), 1, "{back:?}");
    house.told(CONTENT, &[]);
    assert_eq!(house.arrived(), Vec::<String>::new(), "it is held");
    let lifted = house.told(OPSCTL, &["resume", "REM-1", "--reason", "it is not"]);
    assert!(lifted.contains("What was held may be acted on again"), "{lifted}");
    let again = house.told(OPSCTL, &["resume", "holds", "--reason", "all of them"]);
    assert!(again.contains("Nothing is held"), "{again}");
    let unknown = house.told(OPSCTL, &["resume", "REM-999", "--reason", "x"]);
    assert!(unknown.contains("there is no REM-999"), "{unknown}");
    house.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_does_not_call_an_agent_well_that_sees_nothing() {
    let house = House::new();
    let blind = house.told_with("wrong", OPSCTL, &["doctor"]);
    assert!(blind.contains("partial content-lifecycle: sight: 0 of"), "{blind}");
    let seen = house.told(OPSCTL, &["doctor"]);
    assert!(seen.contains("ok content-lifecycle: sight:"), "{seen}");
    house.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worst_of_what_is_open_is_listed_first() {
    let house = House::new();
    house.told(CONTENT, &["--observe"]);
    let told = house.told(OPSCTL, &["incidents", "-o", "json"]);
    let listed: Vec<Incident> = serde_json::from_str(&told).expect("a list");
    let severities: Vec<Severity> = listed.iter().map(|one| one.severity).collect();
    assert!(severities.is_sorted_by(|one, next| one >= next), "{severities:?}");
    assert_eq!(severities.first(), Some(&Severity::Critical));
    assert_eq!(severities.last(), Some(&Severity::Info));
    house.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_state_is_posted_to_the_platform_and_that_this_failed_is_noticed() {
    let house = House::new();
    house.told(REPORTER, &[]);
    assert_eq!(house.arrived(), ["report ops status ops-status"]);
    let fault = Fault::always("POST /health/ops-status", FaultKind::Status(413));
    house.sandbox.set_faults(vec![fault]);
    house.told(REPORTER, &[]);
    house.told(REPORTER, &[]);
    let open = house.told(OPSCTL, &["incidents"]);
    assert!(open.contains("given up on channel dashboard"), "{open}");
    house.sandbox.set_faults(Vec::new());
    house.told(REPORTER, &[]);
    house.told(REPORTER, &[]);
    let open = house.told(OPSCTL, &["incidents", "-o", "json"]);
    let listed: Vec<Incident> = serde_json::from_str(&open).expect("a list");
    let dead = listed.iter().find(|one| one.key.check.as_str() == "channel_dead");
    assert!(dead.is_some_and(|one| one.resolved.is_some()), "{open}");
    assert_eq!(house.sandbox.sessions_open(), 0);
    house.sandbox.stop().await;
}
