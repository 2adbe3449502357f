//! The operational tables and the questions that people ask.

use std::collections::BTreeMap;

use opswarden::domain::diagnosis::Sample;
use opswarden::domain::incident::{IncidentId, RunId};
use opswarden::domain::run::{Decision, Ruling, RunState, Streak};
use opswarden::domain::severity::Severity;
use opswarden::domain::subject::{AgentName, CheckId, Subject, SubjectKind};
use opswarden::ports::store::{Note, RunQuery, Scope, Store};

use super::support::{
    AGENT, at, commit, event_at, everything, key, noon, note, open, opened, run, story,
};

fn decision(minute: u32, why: &str) -> Note {
    Note::Decision(Box::new(Decision {
        key: key("api"),
        run: RunId(format!("run-{minute}")),
        at: at(&format!("2026-11-20T12:{minute:02}:00Z")),
        ruling: Ruling::Left { why: why.to_owned() },
    }))
}

#[tokio::test]
async fn a_ruling_is_kept_only_where_it_differs_from_the_last() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    commit(&store, vec![opened(1, "api", Severity::Warning)]).await.unwrap();
    for (minute, why) in [(1, "a"), (2, "a"), (3, "b"), (4, "a")] {
        note(&store, vec![decision(minute, why)]).await;
    }
    let kept = store.decisions(&key("api"), 10).await.unwrap();
    let runs: Vec<_> = kept.iter().map(|one| one.run.0.as_str()).collect();
    assert_eq!(runs, ["run-4", "run-3", "run-1"]);
    let view = store.ops_state(noon()).await.unwrap();
    assert_eq!(view.incidents[0].remediation, "none: a");
    let mut late = decision(5, "c");
    if let Note::Decision(decision) = &mut late {
        decision.at = at("2026-12-21T12:00:00Z");
    }
    note(&store, vec![late]).await;
    assert_eq!(store.decisions(&key("api"), 10).await.unwrap().len(), 1, "30 days are kept");
}

#[tokio::test]
async fn samples_are_recalled_newest_first_and_bounded() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let subject = Subject::new(SubjectKind::Process, "host-a", "pm2:web");
    // The clock is set back once: what it had kept of the future goes, or it would outlive every new value.
    for (minute, value) in [(0, 0.0), (1, 0.1), (3, 3.0), (2, 2.5), (4, 1e300)] {
        let sample = Sample {
            series: "restarts".to_owned(),
            subject: subject.clone(),
            at: at(&format!("2026-11-20T12:{minute:02}:00Z")),
            value,
        };
        note(&store, vec![Note::Sample { agent: AGENT, sample, keep: 3 }]).await;
    }
    let recall = store.recall(&AGENT, &[("restarts", 2), ("other", 5)]).await.unwrap();
    let values: Vec<f64> = recall.series["restarts"][&subject].iter().map(|s| s.value).collect();
    assert_eq!(values, [1e300, 2.5]);
    assert!(recall.series["other"].is_empty());
    let all = store.recall(&AGENT, &[("restarts", 9)]).await.unwrap();
    assert_eq!(all.series["restarts"][&subject].len(), 3);
}

#[tokio::test]
async fn streaks_and_freshness_are_kept_per_key_and_check() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    let streak = Streak { faulty: true, samples: 1, since: noon(), until: noon(), gone_runs: 0 };
    let set = |streak| Note::Streak { key: key("web"), streak };
    let checks = vec![CheckId::of("service_down"), CheckId::of("process_down")];
    let seen = Note::Seen { agent: AGENT, checks, at: noon() };
    note(&store, vec![set(Some(streak.clone())), seen]).await;
    let view = store.view(everything()).await.unwrap();
    assert_eq!(view.streaks, BTreeMap::from([(key("web"), streak)]));
    assert_eq!(store.last_seen(&AGENT).await.unwrap()[&CheckId::of("process_down")], noon());
    note(&store, vec![set(None)]).await;
    assert!(store.view(everything()).await.unwrap().streaks.is_empty());
    let other = AgentName::of("fleet-manager");
    assert!(store.last_seen(&other).await.unwrap().is_empty());
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_unfinished_ones_are_found() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    for (id, time, state) in [
        ("old", "2026-01-01T00:00:00Z", RunState::Ok),
        ("a", "2026-11-20T12:00:00Z", RunState::Running),
        ("b", "2026-11-20T12:05:00Z", RunState::Findings),
        ("c", "2026-11-20T12:10:00Z", RunState::Running),
    ] {
        note(&store, vec![Note::Run(Box::new(run(id, at(time), state)))]).await;
    }
    let listed = store.runs(RunQuery { agent: Some(AGENT), limit: 10 }).await.unwrap();
    let ids: Vec<_> = listed.iter().map(|run| run.id.0.as_str()).collect();
    assert_eq!(ids, ["c", "b", "a"], "90 days are kept");
    assert_eq!(store.runs(RunQuery { agent: None, limit: 1 }).await.unwrap().len(), 1);
    let current = RunId("c".to_owned());
    let unfinished = store.unfinished_runs(&AGENT, &current).await.unwrap();
    assert_eq!(unfinished, [run("a", noon(), RunState::Running)]);
    note(&store, vec![Note::Run(Box::new(run("a", noon(), RunState::Lost)))]).await;
    assert!(store.unfinished_runs(&AGENT, &current).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_incident_can_be_told_with_its_remediations_and_events() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let of_three = store.remediations(Some(IncidentId(3)), 10).await.unwrap();
    assert_eq!(of_three.iter().map(|one| one.id.0).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(store.remediations(Some(IncidentId(2)), 10).await.unwrap(), []);
    let events = store.events_about(&["REM-1".to_owned(), "INC-1".to_owned()]).await.unwrap();
    let told: Vec<_> = events.iter().map(|one| (one.seq, one.new.event.kind())).collect();
    let kinds = [
        (1, "incident.opened"),
        (2, "agent.recovery_attempted"),
        (3, "remediation.acted"),
        (4, "remediation.completed"),
        (5, "incident.resolved"),
    ];
    assert_eq!(told, kinds);
    let listed = store.incidents(at("2026-11-20T00:00:00Z"), 10).await.unwrap();
    assert_eq!(listed.iter().map(|one| one.id.0).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(store.incidents(at("2026-11-21T00:00:00Z"), 10).await.unwrap().len(), 2);
    assert_eq!(store.incident(IncidentId(9)).await.unwrap(), None);
}

#[tokio::test]
async fn a_decision_sees_its_own_agent_s_incidents_and_everybody_s_remediations() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let mut scope = everything();
    scope.agent = Some(AgentName::of("fleet-manager"));
    let view = store.view(scope).await.unwrap();
    assert!(view.active.is_empty() && view.resolved.is_empty());
    assert_eq!(view.remediations.len(), 3);
}

#[tokio::test]
async fn times_are_cut_to_milliseconds_before_they_are_believed() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    commit(&store, vec![opened(1, "api", Severity::Warning)]).await.unwrap();
    let event = super::support::escalated(1).event;
    commit(&store, vec![event_at(at("2026-11-20T12:00:00.123456Z"), event)]).await.unwrap();
    let escalated = store.incident(IncidentId(1)).await.unwrap().unwrap().escalated.unwrap();
    assert_eq!(escalated.at, at("2026-11-20T12:00:00.123Z"));
    assert!(opswarden::adapters::store::verify(&store).await.unwrap().is_clean());
}

#[tokio::test]
async fn a_question_about_one_finding_sees_its_incident_alone_and_all_that_acts_share() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path()).await;
    story(&store).await;
    let more = (50..60).map(|number| opened(number, &format!("s{number}"), Severity::Warning));
    commit(&store, more.collect()).await.unwrap();
    let (since, until) = (noon(), noon());
    let streak = Some(Streak { faulty: true, samples: 1, since, until, gone_runs: 0 });
    note(&store, vec![Note::Streak { key: key("api"), streak }]).await;
    let whole = store.view(everything()).await.unwrap();
    assert!(!whole.remediations.is_empty() && !whole.streaks.is_empty());
    let asked = whole.active.iter().map(|one| one.key.clone()).chain([key("unheard of")]);
    for finding in asked.collect::<Vec<_>>() {
        let scope = Scope { about: Some(finding.clone()), ..everything() };
        let narrow = store.view(scope).await.unwrap();
        let mut expected = whole.clone();
        expected.active.retain(|one| one.key == finding);
        expected.resolved.clear();
        expected.streaks.clear();
        assert_eq!(narrow, expected, "{finding}");
    }
}
