//! What `-o json` prints, by the real programs on a real ledger, is what the schemas in `docs/json/` say.
#![expect(clippy::disallowed_methods, reason = "the programs themselves are what is tested")]
#![expect(clippy::unwrap_used, reason = "a program that cannot be started should end the test")]

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jsonschema::Validator;
use opswarden::app::documents;
use opswarden::render::table::{WIDTH, display_width};
use serde_json::{Value, json};

const OPSCTL: &str = env!("CARGO_BIN_EXE_opsctl");
const FLEET: &str = env!("CARGO_BIN_EXE_fleet-manager");
const GUARDIAN: &str = env!("CARGO_BIN_EXE_health-guardian");

fn package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A house of its own: settings, and a service that two commands manage.
struct House {
    folder: tempfile::TempDir,
    validated: BTreeSet<String>,
}

impl House {
    fn new() -> Self {
        let house = Self { folder: tempfile::tempdir().unwrap(), validated: BTreeSet::new() };
        house.script("status", "test -f up || exit 1\ncat up");
        house.script("restart", "date +start-%s-%N > up");
        let at = |name: &str| house.at(name).display().to_string();
        let settings = format!(
            "host = \"host-a\"\n\
             [agents.health-guardian]\n\
             process_pause = \"50ms\"\n\
             [agents.health-guardian.policy]\n\
             settle = \"0s\"\n\
             [agents.health-guardian.limits]\n\
             cpu_percent = 100\nmemory_percent = 100\nswap_percent = 100\n\
             disk_percent = 100\ndisk_critical_percent = 100\nload_percent = 100000\n\
             [[agents.health-guardian.services]]\n\
             name = \"shop\"\n\
             manager = \"command\"\n\
             process = \"shop\"\n\
             command = {{ status = [{:?}], restart = [{:?}] }}\n",
            at("status"),
            at("restart")
        );
        std::fs::write(house.at("agents.toml"), settings).unwrap();
        house
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, body: &str) {
        let folder = self.folder.path().display();
        std::fs::write(self.at(name), format!("#!/bin/sh\ncd '{folder}' || exit 9\n{body}\n"))
            .unwrap();
        std::fs::set_permissions(self.at(name), std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What a program prints, and what it complains about.
    fn said(&self, program: &str, words: &[&str]) -> (String, String) {
        let output = Command::new(program)
            .args(words)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TMPDIR", self.folder.path())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(output.stdout), text(output.stderr))
    }

    /// What a program prints in its form for programs.
    fn json(&self, program: &str, words: &[&str]) -> Value {
        let (text, told) = self.said(program, &[words, &["-o", "json"]].concat());
        serde_json::from_str(&text)
            .unwrap_or_else(|error| panic!("{words:?}: {error}: {text}{told}"))
    }

    /// Asks a program and holds its answer against a schema.
    fn ask(&mut self, schema: &str, program: &str, words: &[&str]) -> Value {
        let answer = self.json(program, words);
        let wrong = wrong(&validator(schema), &answer);
        assert_eq!(wrong, Vec::<String>::new(), "{schema}: {words:?}: {answer:#}");
        self.validated.insert(schema.to_owned());
        answer
    }
}

impl House {
    /// Everything about approvals, at the level that needs them.
    fn requests(&mut self) {
        let settings = std::fs::read_to_string(self.at("agents.toml")).unwrap();
        let careful =
            settings.replace("settle = \"0s\"", "settle = \"0s\"\nautonomy = \"approve\"");
        std::fs::write(self.at("agents.toml"), careful).unwrap();
        self.ask("report", GUARDIAN, &[]);
        let asked = self.ask("approvals", OPSCTL, &["approvals"]);
        assert_eq!(asked[0]["state"], "pending", "{asked:#}");
        self.ask("report", GUARDIAN, &["--plan", "--out", "plan.json"]);
        let plan = std::fs::read_to_string(self.at("plan.json")).unwrap();
        let plan: Value = serde_json::from_str(&plan).unwrap();
        assert_eq!(wrong(&validator("plan"), &plan), Vec::<String>::new(), "{plan:#}");
        self.validated.insert("plan".to_owned());
        let told = self.ask("answer", OPSCTL, &["approve", "APR-1", "--reason", "a test"]);
        assert_eq!(told["at_once"], "health-guardian --apply APR-1", "{told:#}");
        let twice = self.ask("failure", OPSCTL, &["approve", "APR-1", "--reason", "a test"]);
        assert_eq!(twice["exit"], 3, "{twice:#}");
        let applied = self.ask("report", GUARDIAN, &["--apply", "APR-1"]);
        assert_eq!(applied["attempts"][0]["state"], "verified", "{applied:#}");
        let incident = asked[0]["ask"]["incident"].as_str().unwrap();
        let life = self.ask("incident", OPSCTL, &["incidents", "show", incident]);
        let kinds: Vec<&str> = life["events"].as_array().unwrap().iter().map(kind).collect();
        assert!(kinds.contains(&"approval.requested") && kinds.contains(&"approval.decided"));
        std::fs::write(self.at("agents.toml"), settings).unwrap();
        self.ask("ledger-verify", OPSCTL, &["ledger", "verify"]);
    }
}

/// The type of a recorded event.
impl House {
    fn lists(&mut self) {
        self.ask("incidents", OPSCTL, &["incidents"]);
        self.ask("incidents", OPSCTL, &["incidents", "list"]);
        self.ask("runs", OPSCTL, &["runs"]);
        self.ask("remediations", OPSCTL, &["remediations"]);
    }

    /// What people answer, and what they are told; the channel has no address, so that nothing is sent.
    fn people(&mut self) {
        let settings = std::fs::read_to_string(self.at("agents.toml")).unwrap();
        let channel = "[[notify.channels]]\nname = \"hook\"\nkind = \"webhook\"\n";
        std::fs::write(self.at("agents.toml"), format!("{settings}\n{channel}")).unwrap();
        let taken = self.ask("ack", OPSCTL, &["ack", "INC-2", "--reason", "a test"]);
        assert_eq!(taken["incident"], "INC-2");
        let words = ["silence", "INC-2", "--until-worse", "--reason", "a test"];
        assert_eq!(self.ask("silence", OPSCTL, &words)["control"], "silence:INC-2");
        let why = self.ask("notify-why", OPSCTL, &["notify", "why", "INC-2"]);
        assert_eq!((&why[0]["route"], &why[0]["is_due"]), (&json!("hook"), &json!(false)));
        let trial = self.ask("notify-test", OPSCTL, &["notify", "test", "hook"]);
        assert_eq!(trial[0]["state"], "dead", "{trial:#}");
        assert!(trial[0]["answer"].as_str().unwrap().contains("WEBHOOK_URL_HOOK"), "{trial:#}");
        let listed = self.ask("notifications", OPSCTL, &["notify", "list"]);
        assert_eq!(listed[0]["about"], "test", "{listed:#}");
        self.ask("runbook", OPSCTL, &["runbook", "service_down"]);
        let next = self.ask("schedule-next", OPSCTL, &["schedule", "next", "--count", "2"]);
        let agents = next.as_array().unwrap().iter().map(|slot| slot["agent"].as_str().unwrap());
        assert_eq!(agents.filter(|agent| *agent == "health-guardian").count(), 2, "{next:#}");
        let explain = ["schedule", "explain", "fleet-manager", "--from", "2026-10-25T00:05:00Z"];
        let told =
            self.ask("schedule", OPSCTL, &[&explain[..], &["--tz", "Europe/Paris"]].concat());
        assert_eq!(told["slots"][5 - 1]["local"], "2026-10-25 02:50:00 +02:00", "{told:#}");
        self.ask("failure", OPSCTL, &["schedule", "explain", "nobody"]);
        let units = self.ask("generate", OPSCTL, &["generate", "systemd"]);
        assert_eq!(units["files"].as_array().unwrap().len(), 13, "{units:#}");
        let app = self.ask("generate", OPSCTL, &["generate", "pm2", "--per-agent"]);
        assert_eq!(app["files"][0]["name"], "opswarden.config.js", "{app:#}");
        self.ask("db-advice", OPSCTL, &["db", "advice"]);
        self.ask("db-usage", OPSCTL, &["db", "usage"]);
        let failed = self.ask("notify-failed", OPSCTL, &["notify", "failed", "x.service"]);
        assert_eq!(failed["told"], false, "the channel has no address: {failed:#}");
    }
}

fn kind(event: &Value) -> &str {
    event["entry"]["event"]["type"].as_str().unwrap()
}

fn validator(schema: &str) -> Validator {
    let text =
        std::fs::read_to_string(package(&format!("docs/json/{schema}.schema.json"))).unwrap();
    jsonschema::validator_for(&serde_json::from_str(&text).unwrap()).unwrap()
}

fn wrong(validator: &Validator, answer: &Value) -> Vec<String> {
    validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// A document in which one thing is not as it should be, for every field that it has.
fn damaged(answer: &Value) -> Vec<Value> {
    let first = match answer {
        Value::Array(items) => items.first().cloned().into_iter().collect(),
        other => vec![other.clone()],
    };
    let broken = first.iter().flat_map(|item| {
        let names: Vec<String> = item.as_object().unwrap().keys().cloned().collect();
        names.into_iter().map(|name| {
            let mut less = item.clone();
            less.as_object_mut().unwrap().remove(&name);
            less
        })
    });
    broken.map(|item| if answer.is_array() { json!([item]) } else { item }).collect()
}

#[test]
fn every_document_of_the_programs_is_what_its_schema_says() {
    let mut house = House::new();
    house.ask("status", OPSCTL, &["status"]);
    house.ask("doctor", OPSCTL, &["doctor"]);
    let too_early = house.ask("failure", OPSCTL, &["ledger", "verify"]);
    assert_eq!(too_early["exit"], 2, "{too_early:#}");
    let no_tape = house.ask("failure", GUARDIAN, &["--replay", "agents.toml"]);
    assert!(no_tape["error"].as_str().unwrap().contains("not a compressed tape"), "{no_tape:#}");
    let nothing = house.ask("resume", OPSCTL, &["resume", "all", "--reason", "a test"]);
    assert!(nothing["lifted"] == json!([]) && !house.at("state").exists(), "{nothing:#}");
    house.ask("failure", OPSCTL, &["state", "import", "agents.toml"]);
    assert!(!house.at("state").exists(), "a wrong file makes no ledger");
    let off = house.ask("report", FLEET, &[]);
    assert!(off["off"].as_str().unwrap().contains("[platform]"), "{off:#}");
    assert_eq!((&off["exit"], &off["open"]), (&json!("clean"), &json!([])), "{off:#}");
    assert!(!house.at("state").exists(), "an agent that is off leaves nothing");
    let dry = house.ask("report", GUARDIAN, &["--plan"]);
    assert_eq!(dry["plan"]["actions"][0]["operation"]["restart_process"]["name"], "shop");
    let run = house.ask("report", GUARDIAN, &[]);
    assert_eq!(run["attempts"][0]["state"], "verified", "{run:#}");
    let tape = run["tape"].as_str().unwrap();
    let replayed = house.ask("replay", GUARDIAN, &["--replay", tape]);
    assert_eq!(replayed["differences"], json!([]));

    let pause = ["pause", "all", "--for", "1h", "--reason", "a test"];
    let paused = house.ask("pause", OPSCTL, &pause);
    std::fs::remove_file(house.at("up")).unwrap();
    let refused = house.ask("report", GUARDIAN, &[]);
    assert!(refused["plan"]["deferrals"][0]["ruling"]["refused"].is_object(), "{refused:#}");
    house.ask("explanation", OPSCTL, &["explain", "INC-2"]);
    let key = refused["plan"]["deferrals"][0]["key"].as_str().unwrap().to_owned();
    let of_key = house.ask("explanation", OPSCTL, &["explain", &key]);
    assert_eq!(of_key["incident"]["id"], "INC-2", "the newest of the key: {of_key:#}");
    let repaired = house.ask("explanation", OPSCTL, &["explain", "REM-1"]);
    assert_eq!(repaired["incident"]["id"], "INC-1", "{repaired:#}");
    let life = house.ask("incident", OPSCTL, &["incidents", "show", "INC-1"]);
    assert!(life["events"].as_array().unwrap().len() >= 5, "{life:#}");
    let status = house.ask("status", OPSCTL, &["status"]);
    assert_eq!(status["controls"][0]["key"], paused["control"]);
    house.people();
    let ended = house.ask("resolve", OPSCTL, &["resolve", "INC-2", "--reason", "a test"]);
    assert_eq!(ended["resolution"], "manual", "{ended:#}");
    house.ask("resume", OPSCTL, &["resume", "all", "--reason", "a test"]);
    house.lists();
    let kept = house.ask("undo", OPSCTL, &["undo", "REM-1", "--reason", "a test"]);
    assert_eq!(kept[0]["outcome"], "refused", "{kept:#}");
    assert!(kept[0]["text"].as_str().unwrap().contains("cannot be undone"), "{kept:#}");
    house.requests();
    house.ask("doctor", OPSCTL, &["doctor"]);
    let first = house.ask("init", OPSCTL, &["init", "--yes", "--out", "first.toml"]);
    assert_eq!(first["settings"], "first.toml", "{first:#}");
    house.ask("config-check", OPSCTL, &["config", "check"]);
    house.ask("config-show", OPSCTL, &["config", "show", "--origin"]);
    let theirs = json!({ "incidents": [
        { "id": "a-1", "agent": "health-guardian", "type": "service_down", "target": "api",
          "detected": "2026-11-20T10:00:00Z", "status": "open", "attempts": 1 },
        { "id": "a-2", "agent": "Not An Agent", "type": "x", "target": "y",
          "detected": "2026-11-20T10:00:00Z", "status": "open", "attempts": 1 },
    ] });
    std::fs::write(house.at("theirs.json"), theirs.to_string()).unwrap();
    let taken = house.ask("state-import", OPSCTL, &["state", "import", "theirs.json"]);
    assert_eq!(taken["skipped"][0]["id"], "a-2");
    let account = house.ask("demo", OPSCTL, &["demo", "--seed", "5"]);
    assert_eq!(account["perfect"], true, "{account:#}");
    assert_eq!(account["last_round_quiet"], true, "{account:#}");
    std::fs::write(house.at("agents.toml"), "hots = 1\n").unwrap();
    let unusable = house.ask("failure", OPSCTL, &["doctor"]);
    assert_eq!(unusable["exit"], 78, "{unusable:#}");
    let wrong = house.ask("config-check", OPSCTL, &["config", "check"]);
    assert_eq!(wrong["problems"][0]["place"]["line"], 1);

    let all: BTreeSet<String> = documents::all().iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(house.validated, all, "every document was asked for");
}

#[test]
fn a_document_that_lacks_a_field_is_refused() {
    let mut house = House::new();
    let report = house.ask("report", GUARDIAN, &[]);
    let validator = validator("report");
    let lacking = damaged(&report);
    assert_eq!(lacking.len(), 14, "one for each field");
    for less in lacking {
        assert!(!validator.is_valid(&less), "{less:#}");
    }
    let mut renamed = report;
    renamed["exit"] = json!("fine");
    assert!(!validator.is_valid(&renamed), "a word outside its list");
    renamed["exit"] = json!("clean");
    renamed["changes"][0][0] = json!("INCIDENT-1");
    assert!(!validator.is_valid(&renamed), "an id of another form");
    for (schema, words) in [("runs", &["runs"][..]), ("remediations", &["remediations"])] {
        let answer = house.ask(schema, OPSCTL, words);
        let validator = self::validator(schema);
        assert!(damaged(&answer).iter().all(|less| !validator.is_valid(less)), "{schema}");
    }
}

#[test]
fn the_pages_for_people_fit_a_terminal() {
    let house = House::new();
    let pages: [(&str, &[&str]); 16] = [
        (OPSCTL, &["status"]),
        (OPSCTL, &["doctor"]),
        (GUARDIAN, &["--plan"]),
        (GUARDIAN, &[]),
        (OPSCTL, &["incidents"]),
        (OPSCTL, &["incidents", "show", "INC-1"]),
        (OPSCTL, &["explain", "INC-1"]),
        (OPSCTL, &["explain", "INC-1", "--why-not"]),
        (OPSCTL, &["explain", "REM-1", "--why-not"]),
        (OPSCTL, &["runs"]),
        (OPSCTL, &["remediations"]),
        (OPSCTL, &["pause", "health-guardian", "--for", "1h", "--reason", "a test"]),
        (OPSCTL, &["status"]),
        (OPSCTL, &["resume", "all", "--reason", "a test"]),
        (OPSCTL, &["ledger", "verify"]),
        (OPSCTL, &["incidents", "list"]),
    ];
    for (program, words) in pages {
        let (page, told) = house.said(program, words);
        assert!(!page.is_empty(), "{words:?}: {told}");
        let wide = page.lines().find(|line| display_width(line) > WIDTH);
        assert_eq!(wide, None, "{words:?}");
    }
}

#[test]
fn a_person_ends_an_incident_once_and_the_next_run_opens_it_anew() {
    let house = House::new();
    house.said(OPSCTL, &["pause", "all", "--for", "1h", "--reason", "a test"]);
    house.said(GUARDIAN, &[]);
    let wrong = house.json(OPSCTL, &["resolve", "INC-1", "--reason", "  "]);
    assert_eq!(wrong["exit"], 78, "{wrong:#}");
    let wrong = house.json(OPSCTL, &["resolve", "REM-1", "--reason", "repaired"]);
    assert_eq!(wrong["exit"], 78, "{wrong:#}");
    let unknown = house.json(OPSCTL, &["resolve", "INC-9", "--reason", "repaired"]);
    assert_eq!(unknown["error"], "there is no INC-9 here; the newest is INC-1");
    assert_eq!(unknown["exit"], 2);

    let words = ["resolve", "inc-1", "--reason", "repaired by hand", "--false-alarm"];
    let (page, told) = house.said(OPSCTL, &words);
    assert!(page.starts_with("INC-1 is ended. If it is still wrong, the next run"), "{page}{told}");
    let life = house.json(OPSCTL, &["incidents", "show", "INC-1"]);
    let end = &life["incident"]["resolved"];
    assert_eq!(end["resolution"], "false_alarm", "{life:#}");
    let proof = end["proof"].as_str().unwrap();
    assert!(proof.starts_with("by human:") && proof.ends_with(": repaired by hand"), "{proof}");
    let actor = life["events"].as_array().unwrap().last().unwrap()["entry"]["actor"].clone();
    assert!(actor.as_str().unwrap().starts_with("human:"), "{actor}");
    let view: Value =
        serde_json::from_str(&std::fs::read_to_string(house.at("state/ops-state.json")).unwrap())
            .unwrap();
    assert_eq!(view["incidents"][0]["status"], "resolved", "the view is told: {view:#}");

    let twice = house.json(OPSCTL, &["resolve", "INC-1", "--reason", "again"]);
    assert_eq!(twice["exit"], 2, "{twice:#}");
    let said = twice["error"].as_str().unwrap();
    assert!(said.starts_with("INC-1 ended at ") && said.contains("(false_alarm)"), "{said}");
    let run = house.json(GUARDIAN, &[]);
    assert_eq!(run["open"][0]["id"], "INC-2", "{run:#}");
}

#[test]
fn what_cannot_be_explained_is_told_with_what_is_near_it() {
    let house = House::new();
    house.said(GUARDIAN, &[]);
    for words in [["explain", "INC-99"], ["explain", "REM-99"]] {
        let answer = house.json(OPSCTL, &words);
        assert_eq!(answer["exit"], 2, "{answer:#}");
        let said = answer["error"].as_str().unwrap();
        assert!(said.starts_with("there is no ") && said.contains("-99 here; the newest is "));
    }
    let shown = house.json(OPSCTL, &["incidents", "show", "INC-99"]);
    assert_eq!(shown["error"], "there is no INC-99 here; the newest is INC-1");
    for wrong in ["INC", "99", "shop", "health-guardian/process_down"] {
        let answer = house.json(OPSCTL, &["explain", wrong]);
        assert_eq!(answer["exit"], 78, "{answer:#}");
        assert!(answer["error"].as_str().unwrap().contains("nor a finding's whole key"));
    }
    let near = house.json(OPSCTL, &["explain", "health-guardian/service_down/service:host-a/shop"]);
    assert_eq!(near["exit"], 2, "{near:#}");
    let said = near["error"].as_str().unwrap();
    assert!(said.starts_with("nothing is recorded about health-guardian/service_down/"), "{said}");
    let known = "health-guardian/process_down/process:host-a/command:shop";
    assert!(said.ends_with(&format!("similar and known:\n  {known}")), "{said}");
    let far = house.json(OPSCTL, &["explain", "health-guardian/service_down/service:host-a/x"]);
    assert!(!far["error"].as_str().unwrap().contains("similar"), "{far:#}");
}

#[test]
fn the_page_names_every_document_and_no_other() {
    let page = std::fs::read_to_string(package("docs/JSON.md")).unwrap();
    let named: BTreeSet<String> = page
        .split("](json/")
        .skip(1)
        .filter_map(|rest| rest.split_once(".schema.json)"))
        .map(|(name, _)| name.to_owned())
        .collect();
    let all = documents::all().into_iter().chain(documents::sent());
    let all: BTreeSet<String> = all.map(|one| one.name.to_owned()).collect();
    assert_eq!(named, all);
    let stored: BTreeSet<String> = std::fs::read_dir(package("docs/json"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(stored, all.iter().map(|name| format!("{name}.schema.json")).collect());
}
