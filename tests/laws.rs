//! The laws of judgement, as properties over random worlds.

#[path = "support/worlds.rs"]
mod worlds;

use std::collections::BTreeSet;

use opswarden::agent::Agent;
use opswarden::agents::health_guardian::{Fault, HealthGuardian, Snapshot};
use opswarden::domain::diagnosis::{Diagnosis, Standing, Symptom, Verdict};
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::gate::{Door, refusal};
use opswarden::domain::incident::{IncidentId, Resolution, RunId};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::merge::{MergeInput, Merged, merge};
use opswarden::domain::plan::Plan;
use opswarden::domain::run::Ruling;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::sight::Blind;
use opswarden::domain::spec::Spec;
use opswarden::domain::subject::{AgentName, Key};
use opswarden::engine::plan;
use proptest::prelude::*;
use worlds::{ago, now, setting};

const SERVICES: usize = 4;

fn spec() -> Spec {
    HealthGuardian::SPEC
}

fn merged(view: &LedgerView, diagnosis: &Diagnosis<Symptom>) -> Merged {
    merged_as(&spec(), view, diagnosis)
}

fn merged_as(spec: &Spec, view: &LedgerView, diagnosis: &Diagnosis<Symptom>) -> Merged {
    let setting = setting();
    merge(&MergeInput {
        spec,
        policy: &setting.policy,
        environment: Environment::Production,
        view,
        diagnosis,
        now: now(),
    })
}

fn recorded(events: &[Event]) -> Vec<NewEvent> {
    let new = |event: &Event| NewEvent {
        at: now(),
        actor: "agent:test".to_owned(),
        run: Some(RunId("run-1".to_owned())),
        event: event.clone(),
    };
    events.iter().map(new).collect()
}

/// The view after a merge is committed.
fn after(view: &LedgerView, merged: &Merged) -> LedgerView {
    let mut after = view.after(&recorded(&merged.events)).expect("a merge is always legal");
    for (key, streak) in &merged.streaks {
        match streak {
            Some(streak) => drop(after.streaks.insert(key.clone(), streak.clone())),
            None => drop(after.streaks.remove(key)),
        }
    }
    after
}

struct Judged {
    diagnosis: Diagnosis<Fault>,
    merged: Merged,
    plan: Plan,
}

fn judge(agent: &HealthGuardian, view: &LedgerView, snapshot: &Snapshot) -> Judged {
    let diagnosis = agent.detect(snapshot, &worlds::recall(view), now());
    let merged = merged(view, &diagnosis.plain());
    let planned = plan(agent, &setting(), &after(view, &merged), snapshot, &diagnosis, now());
    Judged { diagnosis, merged, plan: planned }
}

fn resolved(merged: &Merged) -> BTreeSet<IncidentId> {
    let ended = |event: &Event| match event {
        Event::IncidentResolved { incident, .. } => Some(*incident),
        _ => None,
    };
    merged.events.iter().filter_map(ended).collect()
}

fn world() -> impl Strategy<Value = (HealthGuardian, LedgerView, Snapshot)> {
    (worlds::guardian(SERVICES), worlds::ledger(SERVICES), worlds::snapshot(SERVICES))
}

/// Makes some senses blind.
fn seen_less(snapshot: &Snapshot, hide: &[bool], hide_manager: bool) -> Snapshot {
    let mut less = snapshot.clone();
    for (seen, hidden) in less.probes.values_mut().zip(hide) {
        if *hidden {
            *seen = Err(Blind::because("hidden"));
        }
    }
    if hide_manager {
        for look in less.managers.values_mut().flatten() {
            look.seen = Err(Blind::because("hidden"));
        }
    }
    less
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn only_evidence_of_health_or_a_whole_listing_resolves((agent, view, snapshot) in world()) {
        let judged = judge(&agent, &view, &snapshot);
        let plain = judged.diagnosis.plain();
        for event in &judged.merged.events {
            let Event::IncidentResolved { incident, resolution, proof, .. } = event else { continue };
            let found = view.active.iter().find(|one| one.id == *incident).expect("holds in this test");
            let standing = plain.standing(&found.key.check, &found.key.subject);
            match resolution {
                Resolution::Recovered | Resolution::AutoFixed => {
                    prop_assert!(matches!(standing, Standing::Healthy(_)), "{standing:?}");
                }
                Resolution::SubjectGone => prop_assert_eq!(standing, Standing::Gone),
                other => prop_assert!(false, "a merge never resolves as {:?}", other),
            }
            prop_assert!(!proof.is_empty());
        }
    }

    #[test]
    fn what_was_not_seen_changes_nothing((agent, view, snapshot) in world()) {
        let judged = judge(&agent, &view, &snapshot);
        let plain = judged.diagnosis.plain();
        for incident in &view.active {
            let standing = plain.standing(&incident.key.check, &incident.key.subject);
            if matches!(standing, Standing::Unknown { .. }) {
                prop_assert!(!judged.merged.streaks.contains_key(&incident.key), "{}", incident.key);
                prop_assert!(!resolved(&judged.merged).contains(&incident.id), "{}", incident.key);
            }
        }
    }

    #[test]
    fn nothing_is_forgotten((agent, view, snapshot) in world()) {
        let judged = judge(&agent, &view, &snapshot);
        let after = after(&view, &judged.merged);
        let ended = resolved(&judged.merged);
        for before in &view.active {
            let still = after.active.iter().any(|one| one.id == before.id);
            prop_assert!(still != ended.contains(&before.id), "{} is neither active nor resolved", before.id);
        }
    }

    #[test]
    fn an_agent_touches_only_its_own_keys((agent, view, snapshot) in world(), foreign in prop::collection::vec(prop::bool::ANY, 60)) {
        let mut mixed = view.clone();
        for (incident, foreign) in mixed.active.iter_mut().chain(&mut mixed.resolved).zip(foreign) {
            if foreign {
                incident.key.agent = AgentName::of("another-agent");
            }
        }
        let plain = agent.detect(&snapshot, &worlds::recall(&mixed), now()).plain();
        let merged = merged(&mixed, &plain);
        let after = after(&mixed, &merged);
        let own = |key: &Key| key.agent == spec().name;
        let foreign_before: Vec<_> = mixed.active.iter().filter(|one| !own(&one.key)).collect();
        let foreign_after: Vec<_> = after.active.iter().filter(|one| !own(&one.key)).collect();
        prop_assert_eq!(foreign_before, foreign_after);
        prop_assert!(merged.streaks.keys().all(own));
    }

    #[test]
    fn merges_of_different_agents_commute((agent, view, snapshot) in world(), other in world()) {
        // The same checks under another name stand for any second agent.
        let second = Spec { name: AgentName::of("second-agent"), ..spec() };
        let mut both = view.clone();
        for (place, mut incident) in other.1.active.into_iter().enumerate() {
            incident.id = IncidentId(2000 + place as u64);
            incident.key.agent = second.name.clone();
            both.active.push(incident);
        }
        both.next_incident = 5000;
        let mine = agent.detect(&snapshot, &worlds::recall(&view), now()).plain();
        let mut theirs = other.0.detect(&other.2, &worlds::recall(&view), now()).plain();
        for finding in theirs.checks.values_mut().flat_map(|of| of.findings.values_mut()) {
            if let Verdict::Faulty(Symptom { caused_by: Some(cause), .. }) = &mut finding.verdict {
                cause.agent = second.name.clone();
            }
        }
        let one_way = {
            let first = after(&both, &merged_as(&spec(), &both, &mine));
            let then = merged_as(&second, &first, &theirs);
            after(&first, &then)
        };
        let other_way = {
            let first = after(&both, &merged_as(&second, &both, &theirs));
            let then = merged_as(&spec(), &first, &mine);
            after(&first, &then)
        };
        // Numbers are given in order of arrival; everything else is the same.
        let content = |view: &LedgerView| {
            let mut rows: Vec<String> = view.active.iter().chain(&view.resolved).map(|one| {
                let mut one = one.clone();
                one.id = IncidentId(0);
                serde_json::to_string(&one).expect("holds in this test")
            }).collect();
            rows.sort();
            (rows, view.streaks.clone())
        };
        prop_assert_eq!(content(&one_way), content(&other_way));
    }

    #[test]
    fn a_plan_is_total((agent, view, snapshot) in world()) {
        let judged = judge(&agent, &view, &snapshot);
        let mut faulty = BTreeSet::new();
        for (check, of_check) in &judged.diagnosis.checks {
            for (subject, finding) in &of_check.findings {
                if matches!(finding.verdict, Verdict::Faulty(_)) {
                    faulty.insert(Key::new(spec().name, check.clone(), subject.clone()));
                }
            }
        }
        let actions: Vec<&Key> = judged.plan.actions.iter().map(|action| &action.key).collect();
        let deferrals: Vec<&Key> = judged.plan.deferrals.iter().map(|one| &one.key).collect();
        prop_assert_eq!(actions.len() + deferrals.len(), faulty.len(), "each exactly once");
        prop_assert!(faulty.iter().all(|key| actions.contains(&key) || deferrals.contains(&key)));
        for deferral in &judged.plan.deferrals {
            prop_assert!(!deferral.ruling.reason().is_empty());
        }
    }

    #[test]
    fn detect_ignores_the_order_of_what_was_seen((agent, view, snapshot) in world(), seed: usize) {
        let mut shuffled = snapshot.clone();
        for look in shuffled.managers.values_mut().flatten() {
            if let Ok(scan) = &mut look.seen {
                let turn = seed % scan.items.len().max(1);
                scan.items.rotate_left(turn);
                scan.items.reverse();
            }
        }
        let mut other = agent.clone();
        other.services.reverse();
        let recall = worlds::recall(&view);
        let one = agent.detect(&snapshot, &recall, now());
        let two = other.detect(&shuffled, &recall, now());
        prop_assert_eq!(one.plain().checks, two.plain().checks);
    }

    #[test]
    fn seeing_less_never_resolves_more_and_never_acts_more(
        (agent, view, snapshot) in world(),
        hide in prop::collection::vec(prop::bool::ANY, SERVICES),
        hide_manager: bool,
    ) {
        let whole = judge(&agent, &view, &snapshot);
        let less = judge(&agent, &view, &seen_less(&snapshot, &hide, hide_manager));
        prop_assert!(resolved(&less.merged).is_subset(&resolved(&whole.merged)));
        prop_assert!(less.plan.actions.len() <= whole.plan.actions.len());
        for action in &less.plan.actions {
            let planned = whole.plan.actions.iter().any(|one| one.key == action.key);
            // A place in a full budget may fall to the next in line.
            let waited = whole.plan.deferrals.iter().any(|one| match &one.ruling {
                Ruling::Refused { doors } if one.key == action.key => {
                    matches!(refusal(doors), Some((Door::BlastRadius | Door::Budget, _)))
                }
                _ => false,
            });
            prop_assert!(planned || waited, "{} is acted on only because less was seen", action.key);
        }
    }

    #[test]
    fn a_blind_agent_claims_nothing_and_does_nothing((agent, view, snapshot) in world()) {
        let mut blind = seen_less(&snapshot, &[true; SERVICES], true);
        blind.machine = None;
        let judged = judge(&agent, &view, &blind);
        for (check, of_check) in &judged.diagnosis.checks {
            let healthy = of_check.findings.values().any(|one| one.verdict == Verdict::Healthy);
            prop_assert!(!healthy, "{check} claims health without sight");
        }
        prop_assert!(judged.plan.actions.is_empty());
        for service in &agent.services {
            let known = judged.diagnosis.checks.values().flat_map(|of| of.findings.keys())
                .any(|subject| subject.id() == service.name);
            prop_assert!(known, "{} has no verdict", service.name);
        }
    }

    #[test]
    fn every_incident_has_an_exit((agent, view) in (worlds::guardian(SERVICES), worlds::ledger(SERVICES))) {
        let mut view = view;
        for round in 0..3 {
            let mut plain = agent.detect(&healthy_world(), &worlds::recall(&view), now()).plain();
            for finding in plain.checks.values_mut().flat_map(|of| of.findings.values_mut()) {
                // Each round looks later than the one before.
                if let Some(evidence) = &mut finding.evidence {
                    evidence.oldest = ago(30 - round);
                    evidence.newest = ago(30 - round);
                }
            }
            view = after(&view, &merged(&view, &plain));
        }
        prop_assert_eq!(view.active, Vec::new(), "three all-clear runs leave nothing open");
    }
}

/// A world in which everything is well, every process known and every probe answered.
fn healthy_world() -> Snapshot {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    loop {
        let drawn =
            worlds::snapshot(SERVICES).new_tree(&mut runner).expect("holds in this test").current();
        let mut world = drawn;
        let Some(Ok(scan)) = world.managers.values().flatten().map(|look| &look.seen).next() else {
            continue;
        };
        if scan.items.len() < SERVICES {
            continue;
        }
        for seen in world.probes.values_mut() {
            *seen = Ok(vec![well()]);
        }
        for look in world.managers.values_mut().flatten() {
            for row in look.seen.iter_mut().flat_map(|scan| &mut scan.items) {
                row.status = opswarden::domain::process::ProcessStatus::Online;
                row.memory_bytes = Some(1);
            }
        }
        if let Some(Ok(machine)) = world.machine.as_mut().map(|look| look.seen.as_mut()) {
            machine.disks.items[0].available_bytes = 90;
        }
        return world;
    }
}

fn well() -> opswarden::ports::probe::ProbeReading {
    use opswarden::ports::probe::{NamedAssets, ProbeAnswer, ProbeReading};
    ProbeReading {
        at: ago(30),
        took_ms: 1,
        answer: ProbeAnswer::Http {
            status: 200,
            values: std::collections::BTreeMap::new(),
            json: true,
            size_bytes: 2,
            truncated: false,
            assets: Vec::new(),
            named: NamedAssets::None,
            certificate_ends: None,
        },
    }
}

/// A diagnosis that says one thing about one key.
fn one_finding(key: &Key, faulty: bool, samples: u32, at: jiff::Timestamp) -> Diagnosis<Symptom> {
    use opswarden::domain::diagnosis::{CheckFindings, Coverage, Evidence, Finding, Origin};
    let evidence =
        Evidence { origin: Origin::Manager, oldest: at, newest: at, samples, looks: samples };
    let symptom = Symptom {
        severity: Severity::Critical,
        message: "it is down".to_owned(),
        facts: std::collections::BTreeMap::new(),
        caused_by: None,
    };
    let finding =
        if faulty { Finding::faulty(symptom, evidence) } else { Finding::healthy(evidence) };
    let mut diagnosis = Diagnosis::default();
    let mut of_check = CheckFindings::new(Coverage::Whole);
    of_check.findings.insert(key.subject.clone(), finding);
    diagnosis.checks.insert(key.check.clone(), of_check);
    diagnosis
}

fn process_key() -> Key {
    worlds::keys(1)
        .into_iter()
        .find(|key| key.check.as_str() == "process_down")
        .expect("holds in this test")
}

/// Merges one finding into a view as of `at`.
fn step(view: &LedgerView, faulty: bool, samples: u32, at: jiff::Timestamp) -> LedgerView {
    let setting = setting();
    let merged = merge(&MergeInput {
        spec: &spec(),
        policy: &setting.policy,
        environment: Environment::Production,
        view,
        diagnosis: &one_finding(&process_key(), faulty, samples, at),
        now: at,
    });
    let mut events = recorded(&merged.events);
    for event in &mut events {
        event.at = at;
    }
    let mut next = view.after(&events).expect("holds in this test");
    for (key, streak) in merged.streaks {
        match streak {
            Some(streak) => drop(next.streaks.insert(key, streak)),
            None => drop(next.streaks.remove(&key)),
        }
    }
    next
}

#[test]
fn a_finding_is_raised_only_by_enough_looks_and_cleared_only_by_enough() {
    let empty = LedgerView { next_incident: 1, ..LedgerView::default() };
    let once = step(&empty, true, 1, ago(600));
    assert!(once.active.is_empty(), "one look of two raises nothing");
    let twice = step(&once, true, 1, ago(300));
    assert_eq!(twice.active.len(), 1);
    assert_eq!(twice.active[0].opened_at, ago(600), "the episode starts with the first look");
    let better = step(&twice, false, 1, ago(200));
    assert_eq!(better.active.len(), 1, "one good look of two clears nothing");
    let relapsed = step(&better, true, 1, ago(150));
    let better = step(&relapsed, false, 1, ago(100));
    assert_eq!(better.active.len(), 1, "a bad look in between starts the count anew");
    let well = step(&better, false, 1, ago(50));
    assert!(well.active.is_empty());
}

#[test]
fn the_attempt_window_belongs_to_an_episode() {
    let empty = LedgerView { next_incident: 1, ..LedgerView::default() };
    let mut open = step(&empty, true, 2, ago(90_000));
    open.active[0].attempts = 2;
    open.active[0].last_attempt_at = Some(ago(89_000));
    let well = step(&open, false, 2, ago(88_000));
    let soon = step(&well, true, 2, ago(88_000 - 600));
    assert_eq!(soon.active[0].attempts, 2, "a relapse within half an hour continues");
    assert_eq!(soon.active[0].relapse_of, Some(well.resolved[0].id));
    let late = step(&well, true, 2, ago(50_000));
    assert_eq!(late.active[0].attempts, 0, "a new episode starts afresh");
    assert_ne!(late.active[0].id, well.resolved[0].id, "and is a new incident");
}

#[test]
fn a_flapping_subject_calls_a_person_and_is_left_alone() {
    let mut view = LedgerView { next_incident: 1, ..LedgerView::default() };
    for episode in 0..3 {
        let start = 20_000 - episode * 6_000;
        view = step(&view, true, 2, ago(start));
        let escalated = view.active[0].escalated.is_some();
        assert_eq!(escalated, episode == 2, "episode {}", episode + 1);
        if episode < 2 {
            view = step(&view, false, 2, ago(start - 3_000));
        }
    }
    assert!(
        view.active[0].escalated.as_ref().expect("holds in this test").reason.contains("flapping")
    );
}
