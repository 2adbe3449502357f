//! Random ledgers and policies for the laws. A test file that uses it declares `worlds` too.

use std::collections::{BTreeMap, BTreeSet};

use opswarden::agent::Agent;
use opswarden::agents::health_guardian::HealthGuardian;
use opswarden::domain::diagnosis::Sample;
use opswarden::domain::incident::{
    Control, Escalated, Incident, IncidentId, Remediation, RemediationId, RemediationState,
    Resolution, Resolved, RunId, control,
};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::operation::{Inverse, Operation, TargetState};
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::process::{ProcessRef, ProcessStatus};
use opswarden::domain::run::{Effectiveness, Recall, Streak};
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::subject::{Key, Subject};
use opswarden::engine::Setting;
use proptest::prelude::*;
use proptest::sample::select;

use super::worlds::{FORGOTTEN, HOST, MANAGERS, ago, keys, process_ref, row};

pub(crate) fn setting() -> Setting {
    Setting {
        policy: Policy::default(),
        budgets: Budgets::default(),
        environment: Environment::Production,
        host: HOST.to_owned(),
        seed: 7,
        only_looks: None,
        dialect: None,
        applying: None,
    }
}

/// Settings of judgement: now and then a check is switched off, or little is allowed.
pub(crate) fn settings() -> impl Strategy<Value = Setting> {
    let checks: Vec<&str> =
        HealthGuardian::SPEC.checks.iter().map(|check| check.id.as_str()).collect();
    let disabled = prop::option::weighted(0.2, select(checks));
    (disabled, 1_u32..4, 1_u32..4, 1_u32..12).prop_map(|(disabled, restarts, attempts, hourly)| {
        let disabled_checks: BTreeSet<String> = disabled.into_iter().map(str::to_owned).collect();
        Setting {
            policy: Policy {
                disabled_checks,
                restarts_per_run: restarts,
                attempts,
                ..Policy::default()
            },
            budgets: Budgets { actions_per_hour: hourly, ..Budgets::default() },
            ..setting()
        }
    })
}

type Flavour = (u8, u32, i64);

fn flavour() -> impl Strategy<Value = Flavour> {
    (0_u8..6, 0_u32..4, 1_i64..40_000)
}

/// An incident on `key` in any state that it can be in.
pub(crate) fn incident(id: u64, key: Key, (kind, attempts, age): Flavour) -> Incident {
    let severity = [Severity::Info, Severity::Warning, Severity::Critical][usize::from(kind % 3)];
    Incident {
        id: IncidentId(id),
        key,
        severity,
        message: "something is wrong".to_owned(),
        facts: BTreeMap::new(),
        opened_at: ago(age + 1),
        relapse_of: None,
        attempts,
        last_attempt_at: (attempts > 0).then(|| ago(age)),
        last_operation: None,
        escalated: (kind >= 4)
            .then(|| Escalated { at: ago(age), reason: "attempts are spent".to_owned() }),
        acknowledged: None,
        resolved: None,
    }
}

/// What an attempt at `key` would have been sent to: its own process, or the one of the service.
fn target(key: &Key) -> Option<ProcessRef> {
    let id = key.subject.id();
    let wanted = |process: &ProcessRef| match key.check.as_str() {
        "process_down" | "process_memory" => process.to_string() == id,
        "service_down" => process.name == id.replace("svc", "app") && process.instance.is_none(),
        _ => false,
    };
    let instances = [None, Some(0), Some(1)];
    let places = (0..=FORGOTTEN).flat_map(|place| MANAGERS.map(|manager| (manager, place)));
    let mut all =
        places.flat_map(|(manager, place)| instances.map(|one| process_ref(manager, place, one)));
    all.find(wanted)
}

/// The last attempt of an incident, in any state that it can be in; `None` where nothing can be attempted.
pub(crate) fn remediation(
    of: &mut Incident,
    state: RemediationState,
    age: i64,
) -> Option<Remediation> {
    use RemediationState::{Intended, Unknown};
    let process = target(&of.key)?;
    let at = ago(age);
    of.attempts = of.attempts.max(1);
    of.last_attempt_at = Some(at);
    let before = row(process.clone(), ProcessStatus::Crashed, 1, 1);
    let answered = !matches!(state, Intended | Unknown);
    Some(Remediation {
        id: RemediationId(of.id.0),
        key: of.key.clone(),
        incident: Some(of.id),
        run: RunId("run-0".to_owned()),
        operation: Operation::RestartProcess(process),
        reason: "it is crashed".to_owned(),
        attempt: of.attempts,
        state,
        before: TargetState::Process(before),
        after: None,
        inverse: Inverse::None { why: "none".to_owned() },
        intended_at: at,
        acted_at: answered.then_some(at),
        verify_at: answered.then_some(at),
        finished_at: (!state.is_open()).then_some(at),
        outcome: None,
        evidence: Vec::new(),
        undo_of: None,
        undone: None,
        approval: None,
    })
}

fn state() -> impl Strategy<Value = RemediationState> {
    use RemediationState::{Failed, Intended, Unknown, Verified, Verifying, Withdrawn};
    select(vec![Intended, Verifying, Unknown, Verified, Verified, Failed, Withdrawn])
}

/// A streak towards raising or clearing, of a subject that was absent, or of a clock that has been set back since.
fn streak() -> impl Strategy<Value = Streak> {
    (prop::bool::ANY, 0_u32..3, 61_i64..4_000, 0_u8..10).prop_map(|(faulty, samples, age, kind)| {
        let gone_runs = u32::from(kind < 2);
        let faulty = faulty && gone_runs == 0;
        let until = if kind == 9 { ago(-600) } else { ago(age) };
        Streak { faulty, samples, since: ago(age + 300), until, gone_runs }
    })
}

fn controls() -> impl Strategy<Value = BTreeMap<String, Control>> {
    let keys = [
        control::PAUSE_ALL.to_owned(),
        control::PROPOSE_ONLY.to_owned(),
        control::pause_of(&HealthGuardian::SPEC.name),
        control::retry_of("restart_process"),
    ];
    let drawn =
        prop::option::weighted(0.06, (prop::bool::weighted(0.8), prop::option::of(-600_i64..600)));
    prop::collection::vec(drawn, keys.len()).prop_map(move |drawn| {
        let set = |(key, drawn): (&String, Option<(bool, Option<i64>)>)| {
            let (on, ends) = drawn?;
            let found = Control {
                key: key.clone(),
                on,
                reason: "a test".to_owned(),
                set_by: "person:ada".to_owned(),
                set_at: ago(3_600),
                expires_at: ends.map(ago),
                facts: BTreeMap::new(),
            };
            Some((key.clone(), found))
        };
        keys.iter().zip(drawn).filter_map(set).collect()
    })
}

fn effectiveness() -> impl Strategy<Value = BTreeMap<String, Effectiveness>> {
    let one = prop::option::of((0_u64..3, 0_u64..9));
    prop::collection::vec(one, Operation::VERBS.len()).prop_map(|drawn| {
        let of = |(verb, drawn): (&&str, Option<(u64, u64)>)| {
            let (verified, more) = drawn?;
            Some(((*verb).to_owned(), Effectiveness { verified, ended: verified + more }))
        };
        Operation::VERBS.iter().zip(drawn).filter_map(of).collect()
    })
}

type Active = (Flavour, Option<(RemediationState, i64)>);

/// A ledger with active and resolved incidents, attempts, streaks, controls and what the verbs are worth.
pub(crate) fn ledger(count: usize) -> impl Strategy<Value = LedgerView> {
    let keys = keys(count);
    let size = keys.len();
    let attempt = prop::option::weighted(0.4, (state(), 61_i64..8_000));
    let active = prop::collection::vec(prop::option::weighted(0.35, (flavour(), attempt)), size);
    let resolved = prop::collection::vec(prop::option::weighted(0.2, flavour()), size);
    let streaks = prop::collection::vec(prop::option::weighted(0.25, streak()), size);
    (active, resolved, streaks, controls(), effectiveness()).prop_map(
        move |(active, resolved, streaks, controls, effectiveness)| {
            let mut view = LedgerView {
                next_incident: 1000,
                next_remediation: 1000,
                controls,
                effectiveness,
                ..Default::default()
            };
            for (place, key) in keys.iter().enumerate() {
                open(&mut view, place, key, active[place]);
                if let Some(flavour) = resolved[place] {
                    view.resolved.push(ended(500 + place as u64, key.clone(), flavour));
                }
                view.streaks.extend(streaks[place].clone().map(|streak| (key.clone(), streak)));
            }
            view
        },
    )
}

fn open(view: &mut LedgerView, place: usize, key: &Key, drawn: Option<Active>) {
    let Some((flavour, attempt)) = drawn else { return };
    let mut found = incident(place as u64 + 1, key.clone(), flavour);
    let attempt = attempt.and_then(|(state, age)| remediation(&mut found, state, age));
    view.remediations.extend(attempt);
    view.active.push(found);
}

fn ended(id: u64, key: Key, flavour: Flavour) -> Incident {
    let mut ended = incident(id, key, flavour);
    let at = ago(flavour.2 / 2);
    ended.resolved = Some(Resolved { at, resolution: Resolution::Recovered, proof: "seen".into() });
    ended
}

/// How often each process had been started again when the last run looked.
pub(crate) fn restarts(count: usize) -> impl Strategy<Value = BTreeMap<Subject, u32>> {
    let subjects = (0..count).flat_map(|place| MANAGERS.map(|kind| process_ref(kind, place, None)));
    let subjects: Vec<Subject> = subjects.map(|process| process.subject(HOST)).collect();
    prop::collection::vec(prop::option::of(0_u32..4), subjects.len()).prop_map(move |drawn| {
        let known = subjects.iter().zip(drawn);
        known.filter_map(|(subject, count)| Some((subject.clone(), count?))).collect()
    })
}

/// What the agent is told of a ledger.
pub(crate) fn recall(view: &LedgerView, restarts: &BTreeMap<Subject, u32>) -> Recall {
    const SERIES: &str = "process_restarts_total";
    let sample = |(subject, value): (&Subject, &u32)| {
        let sample = Sample {
            series: SERIES.to_owned(),
            subject: subject.clone(),
            at: ago(300),
            value: f64::from(*value),
        };
        (subject.clone(), vec![sample])
    };
    let series = BTreeMap::from([(SERIES.to_owned(), restarts.iter().map(sample).collect())]);
    Recall { incidents: view.active.clone(), series, ..Recall::default() }
}
