//! The laws of judgement, as properties over random worlds.

#[path = "support/worlds.rs"]
mod worlds;
#[path = "support/worlds_ledger.rs"]
mod worlds_ledger;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use opswarden::agent::Agent;
use opswarden::agents::health_guardian::settings::{Probe, Service};
use opswarden::agents::health_guardian::snapshot::{MachineLook, ManagerLook, UplinkLook};
use opswarden::agents::health_guardian::{Fault, HealthGuardian, Snapshot};
use opswarden::domain::cause::Causes;
use opswarden::domain::diagnosis::{
    CheckFindings, Coverage, Diagnosis, Evidence, Origin, Standing, Symptom, Verdict,
};
use opswarden::domain::event::{Event, NewEvent, RemediationOutcome};
use opswarden::domain::gate::{Door, refusal};
use opswarden::domain::incident::{
    Incident, IncidentId, Remediation, RemediationState, Resolution, RunId,
};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::merge::{MergeInput, Merged, merge};
use opswarden::domain::operation::{Operation, Target, TargetState};
use opswarden::domain::plan::Plan;
use opswarden::domain::process::{ManagerKind, ProcessRef, ProcessStatus};
use opswarden::domain::proof::prove_by;
use opswarden::domain::run::Ruling;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::sight::{Blind, Scan, Sight};
use opswarden::domain::spec::Spec;
use opswarden::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use opswarden::engine::{Setting, plan};
use opswarden::ports::host::{DiskReading, HostReading};
use opswarden::ports::probe::ProbeReading;
use proptest::prelude::*;
use worlds::{ago, now};
use worlds_ledger::{recall, setting};

const SERVICES: usize = 4;

fn spec() -> Spec {
    HealthGuardian::SPEC
}

fn merged(setting: &Setting, view: &LedgerView, diagnosis: &Diagnosis<Symptom>) -> Merged {
    merged_as(&spec(), setting, view, diagnosis, now())
}

fn merged_as(
    spec: &Spec,
    setting: &Setting,
    view: &LedgerView,
    diagnosis: &Diagnosis<Symptom>,
    now: Timestamp,
) -> Merged {
    let (policy, environment) = (&setting.policy, Environment::Production);
    merge(&MergeInput { spec, policy, environment, view, diagnosis, now })
}

fn recorded(events: &[Event], at: Timestamp) -> Vec<NewEvent> {
    let new = |event: &Event| NewEvent {
        at,
        actor: "agent:test".to_owned(),
        run: Some(RunId("run-1".to_owned())),
        event: event.clone(),
    };
    events.iter().map(new).collect()
}

/// The view after a merge is committed.
fn after(view: &LedgerView, merged: &Merged) -> LedgerView {
    after_at(view, merged, now())
}

fn after_at(view: &LedgerView, merged: &Merged, at: Timestamp) -> LedgerView {
    let mut after = view.after(&recorded(&merged.events, at)).expect("a merge is always legal");
    for (key, streak) in &merged.streaks {
        match streak {
            Some(streak) => drop(after.streaks.insert(key.clone(), streak.clone())),
            None => drop(after.streaks.remove(key)),
        }
    }
    after
}

/// Everything that a run starts from.
#[derive(Clone, Debug)]
struct World {
    agent: HealthGuardian,
    setting: Setting,
    view: LedgerView,
    /// How often each process had been started again when the last run looked.
    restarts: BTreeMap<Subject, u32>,
    snapshot: Snapshot,
}

struct Judged {
    diagnosis: Diagnosis<Fault>,
    merged: Merged,
    after: LedgerView,
    plan: Plan,
}

impl World {
    fn detect(&self) -> Diagnosis<Fault> {
        self.agent.detect(&self.snapshot, &recall(&self.view, &self.restarts), now())
    }

    fn judge(&self) -> Judged {
        let diagnosis = self.detect();
        let merged = merged(&self.setting, &self.view, &diagnosis.plain());
        let after = after(&self.view, &merged);
        let plan = plan(&self.agent, &self.setting, &after, &self.snapshot, &diagnosis, now());
        Judged { diagnosis, merged, after, plan }
    }

    /// Whether the merge judges by evidence alone: the check exists, and is not switched off.
    fn looks_at(&self, key: &Key) -> bool {
        let disabled = &self.setting.policy.disabled_checks;
        spec().check(&key.check).is_some() && !disabled.contains(key.check.as_str())
    }
}

fn resolved(merged: &Merged) -> BTreeSet<IncidentId> {
    let ended = |event: &Event| match event {
        Event::IncidentResolved { incident, .. } => Some(*incident),
        _ => None,
    };
    merged.events.iter().filter_map(ended).collect()
}

prop_compose! {
    fn world()(
        agent in worlds::guardian(SERVICES),
        setting in worlds_ledger::settings(),
        view in worlds_ledger::ledger(SERVICES),
        restarts in worlds_ledger::restarts(SERVICES),
        snapshot in worlds::snapshot(SERVICES),
    ) -> World {
        World { agent, setting, view, restarts, snapshot }
    }
}

/// A sense that sees nothing, or not everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sense {
    Managers,
    /// The list of disks ends early.
    Disks,
    Machine,
    Uplink,
}

const SENSES: [Sense; 4] = [Sense::Managers, Sense::Disks, Sense::Machine, Sense::Uplink];

/// What is hidden from an eye.
#[derive(Clone, Debug)]
struct Hidden {
    senses: BTreeSet<Sense>,
    /// Probes, by the place of their service.
    probes: Vec<bool>,
    /// Names whose rows a listing which is cut short does not get to, by the place of their service.
    names: Vec<bool>,
}

prop_compose! {
    fn hidden()(
        senses in prop::sample::subsequence(SENSES.to_vec(), 0..=SENSES.len()),
        probes in prop::collection::vec(prop::bool::ANY, SERVICES),
        names in prop::collection::vec(prop::bool::weighted(0.3), SERVICES),
    ) -> Hidden {
        Hidden { senses: senses.into_iter().collect(), probes, names }
    }
}

/// Makes some senses blind, and cuts lists short.
fn seen_less(snapshot: &Snapshot, hidden: &Hidden) -> Snapshot {
    let mut less = snapshot.clone();
    let blind = || Blind::because("hidden");
    for (seen, _) in less.probes.values_mut().zip(&hidden.probes).filter(|(_, hidden)| **hidden) {
        *seen = Err(blind());
    }
    for look in less.managers.values_mut().flatten() {
        if hidden.senses.contains(&Sense::Managers) {
            look.seen = Err(blind());
        } else if let Ok(scan) = &mut look.seen {
            // A list that ends within a cluster is a case of its own, below.
            let places = hidden.names.iter().enumerate().filter(|(_, hidden)| **hidden);
            let names: BTreeSet<String> = places.map(|(place, _)| format!("app{place}")).collect();
            cut_short(scan, |row| names.contains(&row.process.name));
        }
    }
    if let Some(look) = &mut less.machine {
        match &mut look.seen {
            Ok(reading) if hidden.senses.contains(&Sense::Disks) => {
                cut_short(&mut reading.disks, |disk| disk.mount == "/");
            }
            _ => {}
        }
        if hidden.senses.contains(&Sense::Machine) {
            look.seen = Err(blind());
        }
    }
    if let Some(look) = less.uplink.as_mut().filter(|_| hidden.senses.contains(&Sense::Uplink)) {
        look.up = Err(blind());
    }
    less
}

fn cut_short<T>(scan: &mut Scan<T>, hidden: impl Fn(&T) -> bool) {
    let whole = scan.items.len();
    scan.items.retain(|row| !hidden(row));
    if scan.items.len() < whole {
        scan.cut_short = Some("hidden".to_owned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn only_evidence_of_health_or_a_whole_listing_resolves(world in world()) {
        let judged = world.judge();
        let plain = judged.diagnosis.plain();
        for event in &judged.merged.events {
            let Event::IncidentResolved { incident, resolution, proof, .. } = event else { continue };
            let found = world.view.active.iter().find(|one| one.id == *incident).expect("holds in this test");
            let standing = plain.standing(&found.key.check, &found.key.subject);
            match resolution {
                Resolution::Recovered | Resolution::AutoFixed => {
                    prop_assert!(matches!(standing, Standing::Healthy(_)), "{standing:?}");
                }
                Resolution::SubjectGone => {
                    prop_assert!(matches!(standing, Standing::Gone | Standing::Excused { .. }), "{standing:?}");
                }
                Resolution::CheckDisabled => prop_assert!(!world.looks_at(&found.key), "{}", found.key),
                other => prop_assert!(false, "a merge never resolves as {:?}", other),
            }
            prop_assert!(!proof.is_empty());
            // What was done about it has no answer yet: nothing that is seen meanwhile is one.
            let waits = world.view.open_remediation(&found.key).is_some();
            prop_assert!(!waits || *resolution == Resolution::CheckDisabled, "{} is held", found.key);
        }
    }

    #[test]
    fn what_was_not_seen_changes_nothing(world in world()) {
        let judged = world.judge();
        let plain = judged.diagnosis.plain();
        // A check that is switched off, or is gone, ends its incidents without a look, and says so.
        for incident in world.view.active.iter().filter(|one| world.looks_at(&one.key)) {
            let standing = plain.standing(&incident.key.check, &incident.key.subject);
            if matches!(standing, Standing::Unknown { .. }) {
                prop_assert!(!judged.merged.streaks.contains_key(&incident.key), "{}", incident.key);
                prop_assert!(!resolved(&judged.merged).contains(&incident.id), "{}", incident.key);
            }
        }
    }

    #[test]
    fn nothing_is_forgotten(world in world()) {
        let judged = world.judge();
        let ended = resolved(&judged.merged);
        for before in &world.view.active {
            let still = judged.after.active.iter().any(|one| one.id == before.id);
            prop_assert!(still != ended.contains(&before.id), "{} is neither active nor resolved", before.id);
        }
    }

    #[test]
    fn an_agent_touches_only_its_own_keys(world in world(), foreign in prop::collection::vec(prop::bool::ANY, 200)) {
        let mut mixed = world;
        let view = &mut mixed.view;
        let mut taken = BTreeSet::new();
        for (incident, foreign) in view.active.iter_mut().chain(&mut view.resolved).zip(foreign) {
            if foreign {
                incident.key.agent = AgentName::of("another-agent");
                taken.insert(incident.id);
            }
        }
        for found in view.remediations.iter_mut().filter(|one| one.incident.is_some_and(|of| taken.contains(&of))) {
            found.key.agent = AgentName::of("another-agent");
        }
        let judged = mixed.judge();
        let own = |key: &Key| key.agent == spec().name;
        let foreign_before: Vec<_> = mixed.view.active.iter().filter(|one| !own(&one.key)).collect();
        let foreign_after: Vec<_> = judged.after.active.iter().filter(|one| !own(&one.key)).collect();
        prop_assert_eq!(foreign_before, foreign_after);
        prop_assert!(judged.merged.streaks.keys().all(own));
    }

    #[test]
    fn merges_of_different_agents_commute(world in world(), other in world()) {
        // The same checks under another name stand for any second agent.
        let second = Spec { name: AgentName::of("second-agent"), ..spec() };
        let mut both = world.view.clone();
        add_as(&second.name, &mut both, &other.view);
        let mine = world.detect().plain();
        let mut theirs = other.detect().plain();
        for finding in theirs.checks.values_mut().flat_map(|of| of.findings.values_mut()) {
            if let Verdict::Faulty(Symptom { caused_by: Some(cause), .. }, _) = finding {
                cause.agent = second.name.clone();
            }
        }
        let my = |view: &LedgerView| after(view, &merged(&world.setting, view, &mine));
        let their = |view: &LedgerView| after(view, &merged_as(&second, &other.setting, view, &theirs, now()));
        let one_way = their(&my(&both));
        let other_way = my(&their(&both));
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
    fn a_plan_is_total(world in world()) {
        let judged = world.judge();
        let mut faulty = BTreeSet::new();
        for (check, of_check) in &judged.diagnosis.checks {
            for (subject, finding) in &of_check.findings {
                if matches!(finding, Verdict::Faulty(..)) {
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
    fn every_fault_that_was_seen_often_enough_is_told(world in world()) {
        let judged = world.judge();
        let plain = judged.diagnosis.plain();
        let ripe = |key: &Key, evidence: &Evidence| {
            let wanted = spec().check(&key.check).map_or(0, |check| check.raise);
            let in_a_row = judged.after.streaks.get(key).map_or(0, |streak| streak.samples);
            evidence.samples.max(in_a_row) >= wanted
        };
        let is_told = |key: &Key| judged.after.incident_of(key).is_some();
        for (key, symptom, evidence) in faults(&plain).filter(|(key, ..)| world.looks_at(key)) {
            if is_told(&key) || !ripe(&key, evidence) {
                continue;
            }
            // Only a finding that stands explains another one, and one that stands is told, or will be once it was
            // seen often enough.
            let causes = Causes { diagnosis: &plain, view: &world.view, policy: &world.setting.policy };
            let Some(root) = causes.root(&key, symptom) else {
                return Err(TestCaseError::fail(format!("{key} is neither told nor explained")));
            };
            let unripe = match plain.standing(&root.check, &root.subject) {
                Standing::Faulty(_, of_root) => !ripe(&root, of_root),
                Standing::Healthy(_)
                | Standing::Gone
                | Standing::Excused { .. }
                | Standing::Unknown { .. } => false,
            };
            prop_assert!(is_told(&root) || unripe, "{} is folded into {}, which nobody is told of", key, root);
        }
    }

    #[test]
    fn detect_ignores_the_order_of_what_was_seen(world in world(), seed: usize) {
        let mut shuffled = world.clone();
        for look in shuffled.snapshot.managers.values_mut().flatten() {
            if let Ok(scan) = &mut look.seen {
                let turn = seed % scan.items.len().max(1);
                scan.items.rotate_left(turn);
                scan.items.reverse();
            }
        }
        shuffled.agent.services.reverse();
        prop_assert_eq!(world.detect().plain().checks, shuffled.detect().plain().checks);
    }

    #[test]
    fn seeing_less_never_resolves_more_and_never_acts_more(world in world(), hidden in hidden()) {
        let whole = world.judge();
        let less = World { snapshot: seen_less(&world.snapshot, &hidden), ..world.clone() }.judge();
        let (plain, plain_less) = (whole.diagnosis.plain(), less.diagnosis.plain());
        for Incident { key, .. } in &world.view.active {
            // The evidence need not be the same; what it says is.
            let said = |plain: &Diagnosis<Symptom>| match plain.standing(&key.check, &key.subject) {
                Standing::Healthy(_) => "healthy",
                Standing::Gone | Standing::Excused { .. } => "gone",
                Standing::Faulty(..) | Standing::Unknown { .. } => "neither",
            };
            let (of_less, of_whole) = (said(&plain_less), said(&plain));
            prop_assert!(of_less == "neither" || of_less == of_whole, "{} is {} now, and was {}", key, of_less, of_whole);
        }
        prop_assert!(resolved(&less.merged).is_subset(&resolved(&whole.merged)));
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
        prop_assert!(less.plan.actions.len() <= whole.plan.actions.len());
    }

    #[test]
    fn a_blind_agent_claims_nothing_and_does_nothing(world in world()) {
        let all = Hidden {
            senses: BTreeSet::from(SENSES),
            probes: vec![true; SERVICES],
            names: Vec::new(),
        };
        let blind = World { snapshot: seen_less(&world.snapshot, &all), ..world };
        let judged = blind.judge();
        for (check, of_check) in &judged.diagnosis.checks {
            let healthy = of_check.findings.values().any(|one| matches!(one, Verdict::Healthy(_)));
            prop_assert!(!healthy, "{check} claims health without sight");
        }
        prop_assert!(judged.plan.actions.is_empty());
        for service in &blind.agent.services {
            let known = judged.diagnosis.checks.values().flat_map(|of| of.findings.keys())
                .any(|subject| subject.id() == service.name);
            prop_assert!(known, "{} has no verdict", service.name);
        }
    }

    #[test]
    fn every_incident_has_an_exit(world in world()) {
        let mut world = world;
        // What can never be answered is a case of its own, below.
        world.view.remediations.retain(|found| !found.state.is_open() || can_be_answered(&world.agent, found));
        for round in 1..=ALL_CLEAR {
            world.view = all_clear(&world, at_round(round));
        }
        prop_assert_eq!(world.view.active, Vec::new(), "so many all-clear runs leave nothing open");
        let waits = |one: &&Remediation| one.state.is_open();
        prop_assert_eq!(world.view.remediations.iter().find(waits), None, "and no attempt without an answer");
    }
}

/// The findings of a diagnosis that are faulty.
fn faults<'a>(
    plain: &'a Diagnosis<Symptom>,
) -> impl Iterator<Item = (Key, &'a Symptom, &'a Evidence)> + use<'a> {
    let of_check = |(check, of): (&'a CheckId, &'a CheckFindings<Symptom>)| {
        of.findings.iter().filter_map(move |(subject, finding)| match finding {
            Verdict::Faulty(symptom, evidence) => {
                let key = Key::new(spec().name, check.clone(), subject.clone());
                Some((key, symptom, evidence))
            }
            Verdict::Healthy(_) | Verdict::Unknown { .. } => None,
        })
    };
    plain.checks.iter().flat_map(of_check)
}

/// Adds what one ledger holds to another, as another agent's, under numbers of its own.
fn add_as(name: &AgentName, both: &mut LedgerView, other: &LedgerView) {
    const APART: u64 = 2000;
    let moved = |incident: &Incident| {
        let mut incident = incident.clone();
        incident.id.0 += APART;
        incident.key.agent = name.clone();
        incident
    };
    both.active.extend(other.active.iter().map(moved));
    both.resolved.extend(other.resolved.iter().map(moved));
    for found in &other.remediations {
        let mut found = found.clone();
        found.id.0 += APART;
        found.incident = found.incident.map(|of| IncidentId(of.0 + APART));
        found.key.agent = name.clone();
        both.remediations.push(found);
    }
    for (key, streak) in &other.streaks {
        both.streaks.insert(Key { agent: name.clone(), ..key.clone() }, streak.clone());
    }
    (both.next_incident, both.next_remediation) = (5000, 5000);
}

/// So many runs in which everything is well end everything: two that settle and clear, as many for what is absent.
const ALL_CLEAR: i64 = 4;

fn at_round(round: i64) -> Timestamp {
    ago(-600 * round)
}

/// The ledger after a run at `at` that found everything well. As in a run, what waits for an answer gets it before
/// the merge that may resolve.
fn all_clear(world: &World, at: Timestamp) -> LedgerView {
    let snapshot = healthy_world(&world.agent);
    let recall = recall(&world.view, &BTreeMap::new());
    let mut plain = world.agent.detect(&snapshot, &recall, at).plain();
    let later = at.duration_since(now());
    for finding in plain.checks.values_mut().flat_map(|of| of.findings.values_mut()) {
        if let Verdict::Healthy(evidence) | Verdict::Faulty(_, evidence) = finding {
            evidence.oldest += later;
            evidence.newest += later;
        }
    }
    let view = settled(world, &snapshot, &plain, at);
    let merged = merged_as(&spec(), &world.setting, &view, &plain, at);
    after_at(&view, &merged, at)
}

/// Every attempt that waits for its answer is judged by what is seen now.
fn settled(
    world: &World,
    snapshot: &Snapshot,
    plain: &Diagnosis<Symptom>,
    at: Timestamp,
) -> LedgerView {
    let spec = spec();
    let open: Vec<_> = world.view.open_of(&spec.name).cloned().collect();
    let gone = plain.gone(open.iter().map(|found| &found.key));
    let mut events = Vec::new();
    for found in open {
        let (remediation, incident) = (found.id, found.incident);
        if found.state == RemediationState::Intended {
            let (outcome, after) = (RemediationOutcome::Unknown, None);
            let observed = "its run ended".to_owned();
            events.push(Event::RemediationCompleted {
                remediation,
                incident,
                outcome,
                observed,
                after,
            });
        }
        let target = target_of(&world.agent, snapshot, &found);
        let proof = prove_by(&spec, &found, plain, &gone, &target, at);
        if matches!(proof.outcome, RemediationOutcome::Verified | RemediationOutcome::Failed) {
            let (outcome, observed, after) = (proof.outcome, proof.observed, target.ok());
            events.push(Event::RemediationSettled { remediation, outcome, observed, after });
        }
    }
    world.view.after(&recorded(&events, at)).expect("answers are legal")
}

fn process_of(operation: &Operation) -> &ProcessRef {
    match operation.target() {
        Target::Process(process) => process,
        other @ (Target::Row(_) | Target::Data(_)) => {
            unreachable!("{other} is no process of this world")
        }
    }
}

/// Whether the settings as they are still look at what was acted on, from near enough to prove anything.
fn can_be_answered(agent: &HealthGuardian, found: &Remediation) -> bool {
    let process = process_of(&found.operation);
    let probes = |service: &Service| service.probes.iter().map(Probe::origin).collect::<Vec<_>>();
    match agent.services.iter().find(|service| service.name == found.key.subject.id()) {
        Some(service) => {
            let near = probes(service).iter().all(|origin| *origin == Origin::Loopback);
            near && is_watched(agent, process.manager)
        }
        // A process, or a service that is gone: that it is gone is the answer.
        None => true,
    }
}

fn is_watched(agent: &HealthGuardian, manager: ManagerKind) -> bool {
    let uses = |service: &Service| service.manager == manager && !service.process.is_empty();
    agent.services.iter().any(uses)
}

/// The target of an attempt, as the engine reads it: a manager that no service names has no eye.
fn target_of(agent: &HealthGuardian, snapshot: &Snapshot, of: &Remediation) -> Sight<TargetState> {
    let process = process_of(&of.operation);
    let uses =
        |service: &Service| service.manager == process.manager && !service.process.is_empty();
    if !agent.services.iter().any(uses) {
        return Err(Blind::because("no settings name this manager"));
    }
    let looks = snapshot.managers.get(&process.manager).and_then(|looks| looks.last());
    let scan = looks.expect("every manager was looked at").seen.clone()?;
    let row = scan.items.into_iter().find(|row| row.process == *process);
    Ok(row.map_or(TargetState::Missing, TargetState::Process))
}

/// What is seen where everything is well: every process known, every probe answered.
fn healthy_world(agent: &HealthGuardian) -> Snapshot {
    let well = (0..3).map(|n| worlds::reading(n, worlds::http(200, None))).collect();
    let seen: Sight<Vec<ProbeReading>> = Ok(well);
    let probes = agent.services.iter().map(|service| (service.name.clone(), seen.clone()));
    let online = |manager| {
        let row = |place| {
            let process = worlds::process_ref(manager, place, None);
            worlds::row(process, ProcessStatus::Online, 1, 7)
        };
        let scan = Scan::whole((0..SERVICES).map(row).collect());
        let look = |at| ManagerLook { at, seen: Ok(scan.clone()) };
        (manager, vec![look(ago(60)), look(ago(58))])
    };
    let disk = DiskReading { mount: "/".to_owned(), total_bytes: 100, available_bytes: 90 };
    let machine = HostReading {
        cpu_percent: Some(1.0),
        cpus: 2,
        memory_total_bytes: 100,
        memory_available_bytes: 90,
        swap_total_bytes: 0,
        swap_used_bytes: 0,
        load_five: 0.1,
        disks: Scan::whole(vec![disk]),
    };
    Snapshot {
        host: worlds::HOST.to_owned(),
        partial: None,
        asked: BTreeSet::new(),
        probes: probes.collect(),
        managers: worlds::MANAGERS.into_iter().map(online).collect(),
        machine: Some(MachineLook { at: ago(60), seen: Ok(machine) }),
        uplink: Some(UplinkLook { at: ago(60), up: Ok(true) }),
    }
}

/// A diagnosis that says one thing about one key.
fn one_finding(key: &Key, faulty: bool, samples: u32, at: jiff::Timestamp) -> Diagnosis<Symptom> {
    let evidence =
        Evidence { origin: Origin::Manager, oldest: at, newest: at, samples, looks: samples };
    let symptom = Symptom {
        severity: Severity::Critical,
        message: "it is down".to_owned(),
        facts: std::collections::BTreeMap::new(),
        caused_by: None,
        not_now: None,
    };
    let finding =
        if faulty { Verdict::Faulty(symptom, evidence) } else { Verdict::Healthy(evidence) };
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
    let seen = one_finding(&process_key(), faulty, samples, at);
    after_at(view, &merged_as(&spec(), &setting, view, &seen, at), at)
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

/// How often each thing came up.
type Reached = BTreeMap<String, usize>;

fn reached_by(judged: &Judged, reached: &mut Reached) {
    let mut count = |what: String| *reached.entry(what).or_default() += 1;
    for event in &judged.merged.events {
        match event {
            Event::IncidentResolved { resolution, .. } => count(resolution.as_str().to_owned()),
            Event::IncidentOpened { relapse_of: Some(_), .. } => count("relapse".to_owned()),
            Event::Escalation { .. } => count("escalation".to_owned()),
            _ => {}
        }
    }
    for deferral in &judged.plan.deferrals {
        match &deferral.ruling {
            Ruling::NotRipe { .. } => count("not ripe".to_owned()),
            Ruling::Held { .. } => count("held".to_owned()),
            Ruling::Folded { .. } => count("folded".to_owned()),
            Ruling::Left { .. } => count("left".to_owned()),
            Ruling::Acted { .. } => count("acted in a plan".to_owned()),
            Ruling::Refused { doors } => {
                let (door, _) = refusal(doors).expect("a refusal has its door");
                count(format!("door {}", door.number()));
            }
        }
    }
    judged.plan.actions.iter().for_each(|_| count("acted".to_owned()));
}

#[test]
fn the_worlds_of_the_laws_reach_every_ruling_resolution_and_door() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut reached = Reached::new();
    for _ in 0..2_000 {
        let drawn = world().new_tree(&mut runner).expect("a world can be drawn").current();
        reached_by(&drawn.judge(), &mut reached);
    }
    // Door 3 has nothing to refuse by yet, and door 10 is asked at the moment of acting.
    let doors = [1, 2, 4, 5, 6, 7, 8, 9].map(|number| format!("door {number}"));
    let others = [
        "auto_fixed",
        "recovered",
        "subject_gone",
        "check_disabled",
        "relapse",
        "escalation",
        "not ripe",
        "held",
        "folded",
        "left",
        "acted",
    ];
    let wanted: BTreeSet<String> = doors.into_iter().chain(others.map(str::to_owned)).collect();
    let seen: BTreeSet<String> = reached.keys().cloned().collect();
    assert_eq!(seen, wanted, "{reached:?}");
}

/// A world with one service, whose process has an attempt of the last run that waits for its answer.
fn waiting(service: Service) -> World {
    let key = process_key().subject;
    let subject = Subject::new(SubjectKind::Service, key.scope(), "svc0");
    let key = Key::new(spec().name, CheckId::of("service_down"), subject);
    let mut incident = worlds_ledger::incident(1, key, (2, 1, 300));
    let attempt = worlds_ledger::remediation(&mut incident, RemediationState::Unknown, 300);
    World {
        agent: HealthGuardian { services: vec![service], ..HealthGuardian::default() },
        setting: setting(),
        view: LedgerView {
            active: vec![incident],
            remediations: attempt.into_iter().collect(),
            next_incident: 2,
            next_remediation: 2,
            ..LedgerView::default()
        },
        restarts: BTreeMap::new(),
        snapshot: healthy_world(&HealthGuardian::default()),
    }
}

fn after_all_clear_runs(mut world: World) -> LedgerView {
    for round in 1..=ALL_CLEAR {
        world.view = all_clear(&world, at_round(round));
    }
    world.view
}

#[test]
fn an_attempt_is_answered_by_its_service_seen_from_near() {
    let near = worlds::service(0, worlds::MANAGERS[0], "app0", "http://127.0.0.1:4000/ready");
    assert_eq!(after_all_clear_runs(waiting(near)).active, Vec::new());
}

#[test]
fn an_attempt_that_can_no_longer_be_answered_holds_its_incident_for_a_day_and_no_longer() {
    let far = worlds::service(0, worlds::MANAGERS[0], "app0", "http://www.example.test/ready");
    let unwatched = worlds::service(0, worlds::MANAGERS[0], "", "http://127.0.0.1:4000/ready");
    for (service, case) in [(far, "seen from outside only"), (unwatched, "no manager is asked")] {
        let mut world = waiting(service);
        world.view = after_all_clear_runs(world.clone());
        assert_eq!(world.view.active.len(), 1, "{case}: an answer may still be found");
        for round in 0..ALL_CLEAR {
            world.view = all_clear(&world, ago(-(25 * 3600 + 600 * round)));
        }
        assert_eq!(world.view.active, Vec::new(), "{case}");
    }
}

#[test]
fn a_listing_that_ends_within_a_cluster_shows_neither_a_single_process_nor_a_missing_one() {
    let service = worlds::service(0, worlds::MANAGERS[0], "app0", "http://127.0.0.1:4000/ready");
    let agent = HealthGuardian { services: vec![service], ..HealthGuardian::default() };
    let instance = |number| {
        let process = worlds::process_ref(worlds::MANAGERS[0], 0, Some(number));
        worlds::row(process, ProcessStatus::Online, 1, 7)
    };
    let mut snapshot = healthy_world(&agent);
    let down: Vec<_> = (0..3).map(|n| worlds::reading(n, worlds::http(503, None))).collect();
    snapshot.probes.insert("svc0".to_owned(), Ok(down));
    let scan = Scan { items: vec![instance(0)], cut_short: Some("it ended early".to_owned()) };
    for look in snapshot.managers.get_mut(&worlds::MANAGERS[0]).into_iter().flatten() {
        look.seen = Ok(scan.clone());
    }
    let missing = instance(1).process.subject(worlds::HOST);
    let key = Key::new(spec().name, CheckId::of("process_down"), missing.clone());
    let open = worlds_ledger::incident(1, key, (2, 0, 600));
    let view = LedgerView { next_incident: 2, active: vec![open], ..LedgerView::default() };
    let world = World { agent, setting: setting(), view, restarts: BTreeMap::new(), snapshot };
    let judged = world.judge();
    assert!(
        judged.plan.actions.is_empty(),
        "a cluster is not restarted for a probe: {:?}",
        judged.plan
    );
    let standing = judged.diagnosis.plain();
    let standing = standing.standing(&CheckId::of("process_down"), &missing);
    assert!(matches!(standing, Standing::Unknown { .. }), "{standing:?}");
}
