//! The roll-up's truth table, and what the view may never leave out.

use std::collections::BTreeMap;

use jiff::Timestamp;
use opswarden::adapters::store::RosterEntry;
use opswarden::domain::entities::Entities;
use opswarden::domain::event::NewEvent;
use opswarden::domain::incident::{Control, Incident, Remediation};
use opswarden::domain::run::RunState;
use opswarden::domain::severity::Severity;
use opswarden::domain::subject::AgentName;
use opswarden::domain::view::{LatestRun, SystemStatus, ViewInput, ViewRemediation, render};
use proptest::prelude::*;

use super::support::{AGENT, at, escalated, intended, noon, opened, recovered, run};

fn roster() -> Vec<RosterEntry> {
    let entry = |agent, cron: &str, enabled| RosterEntry {
        agent,
        schedule: cron.parse().unwrap(),
        enabled,
    };
    vec![
        entry(AGENT, "*/5 * * * *", true),
        entry(AgentName::of("fleet-manager"), "*/10 * * * *", true),
        entry(AgentName::of("db-maintainer"), "0 3 * * *", false),
    ]
}

fn nothing(now: Timestamp) -> ViewInput {
    ViewInput {
        ledger_id: "ledger".to_owned(),
        ledger_seq: 1,
        now,
        roster: roster(),
        active: Vec::new(),
        resolved: Vec::new(),
        resolved_total: 0,
        remediations: Vec::new(),
        rulings: BTreeMap::new(),
        runs: BTreeMap::new(),
        controls: BTreeMap::new(),
    }
}

fn incidents(events: &[NewEvent]) -> (Vec<Incident>, Vec<Incident>) {
    let mut set = Entities::default();
    for event in events {
        set.apply(event).unwrap();
    }
    set.into_parts().incidents.into_iter().partition(Incident::is_active)
}

fn with(events: &[NewEvent]) -> ViewInput {
    let (active, resolved) = incidents(events);
    let resolved_total = resolved.len() as u64;
    ViewInput { active, resolved, resolved_total, ..nothing(noon()) }
}

fn ran(agent: &AgentName, minutes_ago: i64, ended: RunState) -> (AgentName, LatestRun) {
    let start = noon() - jiff::SignedDuration::from_mins(minutes_ago);
    let mut one = run("run-1", start, ended);
    one.agent = agent.clone();
    (agent.clone(), LatestRun { started: one.clone(), ended: Some(one) })
}

fn with_run(agent: &'static str, minutes_ago: i64, ended: RunState) -> ViewInput {
    let runs = BTreeMap::from([ran(&AgentName::of(agent), minutes_ago, ended)]);
    ViewInput { runs, ..nothing(noon()) }
}

fn with_unknown(agent: &'static str) -> ViewInput {
    let mut input = with_run(agent, 1, RunState::Ok);
    let latest = input.runs.get_mut(&AgentName::of(agent)).unwrap();
    let ended = latest.ended.as_mut().unwrap();
    ended.unknown.insert("service_down".to_owned(), "the prober is blind".to_owned());
    input
}

#[test]
fn the_roll_up_is_the_worst_of_what_counts() {
    use Severity::{Critical as Worst, Info, Warning};
    use SystemStatus::{Critical, Degraded, Healthy};
    let table: Vec<(&str, ViewInput, SystemStatus, &str)> = vec![
        ("nothing", nothing(noon()), Healthy, ""),
        ("info", with(&[opened(1, "web", Info)]), Healthy, ""),
        ("warning", with(&[opened(1, "web", Warning)]), Degraded, "INC-1 warning: web"),
        ("critical", with(&[opened(1, "web", Worst)]), Critical, "INC-1 critical: web"),
        (
            "escalated",
            with(&[opened(1, "web", Worst), escalated(1)]),
            Critical,
            "a person is needed",
        ),
        ("resolved", with(&[opened(1, "web", Worst), recovered(1)]), Healthy, ""),
        ("both", with(&[opened(1, "a", Warning), opened(2, "b", Worst)]), Critical, "INC-2"),
        ("on time", with_run("health-guardian", 7, RunState::Findings), Healthy, ""),
        ("late", with_run("health-guardian", 8, RunState::Ok), Degraded, "health-guardian is late"),
        ("guardian lost", with_run("health-guardian", 16, RunState::Ok), Critical, "is lost"),
        ("other lost", with_run("fleet-manager", 31, RunState::Ok), Degraded, "is lost"),
        ("failing", with_run("fleet-manager", 1, RunState::Failed), Degraded, "is failing"),
        ("timed out", with_run("fleet-manager", 1, RunState::TimedOut), Degraded, "is failing"),
        ("disabled and lost", with_run("db-maintainer", 9_999, RunState::Failed), Healthy, ""),
        ("unknown", with_unknown("fleet-manager"), Degraded, "could not judge service_down"),
        ("disabled and unknown", with_unknown("db-maintainer"), Healthy, ""),
    ];
    for (name, input, status, reason) in table {
        let view = render(&input);
        assert_eq!(view.system_status, status, "{name}: {:?}", view.reasons);
        let first = view.reasons.first().map_or("", String::as_str);
        assert!(first.contains(reason), "{name}: {first}");
        assert_eq!(view.reasons.is_empty(), status == Healthy, "{name}");
    }
}

#[test]
fn a_running_agent_is_judged_by_its_start_and_by_its_last_end() {
    let (agent, mut latest) = ran(&AGENT, 1, RunState::Failed);
    latest.started.state = RunState::Running;
    let runs = BTreeMap::from([(agent, latest)]);
    let view = render(&ViewInput { runs, ..nothing(noon()) });
    let shown = &view.agent_results["health-guardian"];
    assert_eq!((shown.state.as_str(), shown.outcome.as_deref()), ("failing", Some("running")));
    assert_eq!(view.agent_results["fleet-manager"].state, "never_run");
    assert_eq!(view.agent_results["db-maintainer"].state, "disabled");
    assert_eq!(view.agent_results["db-maintainer"].next, None);
}

#[test]
fn a_view_is_good_until_the_next_run_should_have_spoken() {
    let none = render(&nothing(noon()));
    assert_eq!(none.valid_until, noon(), "not at all, where nobody has run yet");
    let five = render(&with_run("health-guardian", 1, RunState::Ok));
    assert_eq!(five.valid_until, at("2026-11-20T12:06:00Z"), "a slot and the least grace");
    let ten = render(&with_run("fleet-manager", 1, RunState::Ok));
    assert_eq!(ten.valid_until, at("2026-11-20T12:12:00Z"), "a slot and a fifth of the period");
}

#[test]
fn only_controls_that_apply_are_shown() {
    let control = |key: &str, on, expires_at| Control {
        key: key.to_owned(),
        on,
        reason: "why".to_owned(),
        set_by: "human:root".to_owned(),
        set_at: noon(),
        expires_at,
        facts: std::collections::BTreeMap::new(),
    };
    let all = [
        control("pause:all", true, None),
        control("pause:a", false, None),
        control("pause:b", true, Some(noon())),
    ];
    let controls = all.into_iter().map(|one| (one.key.clone(), one)).collect();
    let view = render(&ViewInput { controls, ..nothing(noon()) });
    assert_eq!(view.controls.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["pause:all"]);
}

#[test]
fn reasons_are_bounded_and_say_so() {
    let many: Vec<_> =
        (1..=80).map(|id| opened(id, &format!("s{id}"), Severity::Warning)).collect();
    let view = render(&with(&many));
    assert_eq!(view.reasons.len(), 51);
    assert_eq!(view.reasons.last().unwrap(), "and 30 more");
    assert_eq!(view.incidents.len(), 80);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 64, ..ProptestConfig::default()
    })]

    #[test]
    fn no_active_incident_is_ever_left_out_and_an_all_clear_is_healthy_again(
        severities in prop::collection::vec((0..3_u8, any::<bool>(), any::<bool>()), 0..400)
    ) {
        let mut events = Vec::new();
        for (place, (severity, give_up, end)) in severities.iter().enumerate() {
            let number = place as u64 + 1;
            let severity = [Severity::Info, Severity::Warning, Severity::Critical]
                [usize::from(*severity)];
            events.push(opened(number, &format!("s{number}"), severity));
            if *give_up { events.push(escalated(number)); }
            if *end { events.push(recovered(number)); }
        }
        let input = with(&events);
        let view = render(&input);
        for incident in &input.active {
            let id = incident.id.to_string();
            let shown = view.incidents.iter().find(|one| one.id == id);
            prop_assert_eq!(shown.map(|one| one.status.as_str()), Some(incident.status()));
        }
        let resolved = view.incidents.iter().filter(|one| one.status == "resolved").count();
        prop_assert!(resolved <= 200);
        prop_assert_eq!(view.incidents_omitted + resolved as u64, input.resolved_total);
        let worst = input.active.iter().map(|one| one.severity).max().unwrap_or(Severity::Info);
        let expected = [SystemStatus::Healthy, SystemStatus::Degraded, SystemStatus::Critical]
            [worst as usize];
        prop_assert_eq!(view.system_status, expected);
        events.extend(input.active.iter().map(|incident| recovered(incident.id.0)));
        prop_assert_eq!(render(&with(&events)).system_status, SystemStatus::Healthy);
    }
}

#[test]
fn a_remediation_names_its_check_and_how_long_it_took_as_soon_as_that_is_known() {
    let mut set = Entities::default();
    for event in [opened(1, "web", Severity::Critical), intended(1, 1, "web", 1)] {
        set.apply(&event).unwrap();
    }
    let mut one = set.into_parts().remediations.remove(0);
    let shown = |one: &Remediation| {
        let input = ViewInput { remediations: vec![one.clone()], ..nothing(noon()) };
        render(&input).recent_remediations.remove(0)
    };
    assert_eq!((shown(&one).check.as_str(), shown(&one).took_ms), (one.key.check.as_str(), None));
    let after = |ms: i64| one.intended_at + jiff::SignedDuration::from_millis(ms);
    let (answered, went_back) = (after(1234), after(-1));
    one.acted_at = Some(answered);
    assert_eq!(shown(&one).took_ms, Some(1234));
    one.acted_at = Some(went_back);
    assert_eq!(shown(&one).took_ms, None);
}

#[test]
fn a_remediation_of_an_older_view_is_read_without_what_it_did_not_say() {
    let older = serde_json::json!({
        "id": "REM-1", "incident": null, "agent": "db-maintainer", "action": "compact ledger",
        "target": "database:ledger", "at": noon(), "outcome": "verified", "before": "size 2",
        "after": "size 1", "proof": null,
    });
    let read: ViewRemediation = serde_json::from_value(older).unwrap();
    assert_eq!((read.check.as_str(), read.took_ms), ("", None));
}
