//! What must not change, and what may only shrink, when the same tenant is seen in another way.

use std::collections::{BTreeMap, BTreeSet};

use opswarden::agent::Agent;
use opswarden::agent::tenant::TenantLook;
use opswarden::agents::fleet_manager::{self, FleetManager};
use opswarden::agents::schedule_doctor::{self, ScheduleDoctor};
use opswarden::domain::diagnosis::{Diagnosis, Symptom, Verdict};
use opswarden::domain::incident::{Incident, IncidentId};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::plan::Plan;
use opswarden::domain::platform::{Dialect, DisplayStatus};
use opswarden::domain::policy::{Budgets, Policy};
use opswarden::domain::run::Recall;
use opswarden::domain::severity::{Environment, Severity};
use opswarden::domain::sight::{Blind, Sight};
use opswarden::domain::subject::Key;
use opswarden::engine::{Setting, plan};
use proptest::prelude::*;

use crate::dice::Dice;
use crate::looks::{TENANT, display, hidden, now, shuffled, tenant};

/// An agent that judges a tenant as a whole.
trait Judge: Agent {
    fn agent() -> Self;
    fn saw(dialect: Dialect, look: Sight<TenantLook>) -> Self::Snapshot;
}

impl Judge for FleetManager {
    fn agent() -> Self {
        Self::default()
    }

    fn saw(dialect: Dialect, look: Sight<TenantLook>) -> Self::Snapshot {
        let seen = |look| fleet_manager::snapshot::Seen {
            dialect,
            tenants: vec![TENANT.to_owned()],
            looks: fleet_manager::snapshot::Looks::Everything(vec![look]),
        };
        Self::Snapshot { platform: look.map(seen) }
    }
}

impl Judge for ScheduleDoctor {
    fn agent() -> Self {
        let fallback_playlists = BTreeMap::from([(TENANT.to_owned(), "p-0".to_owned())]);
        Self { fallback_playlists, ..Self::default() }
    }

    fn saw(dialect: Dialect, look: Sight<TenantLook>) -> Self::Snapshot {
        let seen = |look| schedule_doctor::snapshot::Seen {
            dialect,
            tenants: vec![TENANT.to_owned()],
            looks: schedule_doctor::snapshot::Looks::Everything(vec![look]),
        };
        Self::Snapshot { platform: look.map(seen) }
    }
}

fn setting(dialect: Dialect) -> Setting {
    let policy = Policy { fleet_percent: 100, min_healthy_percent: 0, ..Policy::default() };
    Setting {
        policy,
        budgets: Budgets { actions_per_run: 1_000, actions_per_hour: 1_000 },
        environment: Environment::Production,
        host: "host-a".to_owned(),
        seed: 5,
        only_looks: None,
        dialect: Some(dialect),
    }
}

/// An incident for each of these findings.
fn incidents(keys: &BTreeSet<Key>) -> Vec<Incident> {
    let of = |(place, key): (usize, &Key)| Incident {
        id: IncidentId(u64::try_from(place).unwrap() + 1),
        key: key.clone(),
        severity: Severity::Warning,
        message: "it is ill".to_owned(),
        facts: BTreeMap::new(),
        opened_at: crate::looks::at(-600),
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
        last_operation: None,
        escalated: None,
        resolved: None,
    };
    keys.iter().enumerate().map(of).collect()
}

/// What an agent makes of a look, while incidents for `known` are open.
fn judged<A: Judge>(
    dialect: Dialect,
    look: Sight<TenantLook>,
    known: &BTreeSet<Key>,
) -> (Diagnosis<Symptom>, Plan) {
    let (agent, snapshot) = (A::agent(), A::saw(dialect, look));
    let recall = Recall { incidents: incidents(known), ..Recall::default() };
    let view = LedgerView { active: incidents(known), ..LedgerView::default() };
    let diagnosis = agent.detect(&snapshot, &recall, now());
    let planned = plan(&agent, &setting(dialect), &view, &snapshot, &diagnosis, now());
    (diagnosis.plain(), planned)
}

fn with<A: Judge>(
    diagnosis: &Diagnosis<Symptom>,
    wanted: impl Fn(&Verdict<Symptom>) -> bool,
) -> BTreeSet<Key> {
    let mut found = BTreeSet::new();
    for (check, of_check) in &diagnosis.checks {
        for (subject, verdict) in &of_check.findings {
            if wanted(verdict) {
                found.insert(Key::new(A::SPEC.name, check.clone(), subject.clone()));
            }
        }
    }
    found
}

fn faults<A: Judge>(diagnosis: &Diagnosis<Symptom>) -> BTreeSet<Key> {
    with::<A>(diagnosis, |verdict| matches!(verdict, Verdict::Faulty(..)))
}

fn well<A: Judge>(diagnosis: &Diagnosis<Symptom>) -> BTreeSet<Key> {
    with::<A>(diagnosis, |verdict| matches!(verdict, Verdict::Healthy(_)))
}

fn acted(plan: &Plan) -> BTreeSet<Key> {
    plan.actions.iter().map(|action| action.key.clone()).collect()
}

/// A tenant, its faults, and what is planned with an incident open for each of them.
fn base<A: Judge>(dialect: Dialect, dice: &mut Dice) -> (TenantLook, BTreeSet<Key>, Plan) {
    let look = tenant(dice);
    let known = faults::<A>(&judged::<A>(dialect, Ok(look.clone()), &BTreeSet::new()).0);
    let (_, planned) = judged::<A>(dialect, Ok(look.clone()), &known);
    (look, known, planned)
}

fn order<A: Judge>(dialect: Dialect, seed: u64) {
    let mut dice = Dice::of(seed);
    let (look, known, _) = base::<A>(dialect, &mut dice);
    let (one, planned) = judged::<A>(dialect, Ok(look.clone()), &known);
    let (other, again) = judged::<A>(dialect, Ok(shuffled(&look, &mut dice)), &known);
    assert_eq!(one, other);
    assert_eq!(planned, again);
}

fn addition<A: Judge>(dialect: Dialect, seed: u64) {
    let mut dice = Dice::of(seed);
    let (mut look, known, planned) = base::<A>(dialect, &mut dice);
    for number in 0..=dice.below(4) {
        let mut more = display(&mut dice, &format!("new-{number}"));
        (more.status, more.disabled, more.unpaired_at) = (DisplayStatus::Online, false, None);
        (more.location, more.last_heartbeat) = (None, Some(now()));
        (more.zone, more.playlist) = (None, Some("p-new".to_owned()));
        look.displays.as_mut().unwrap().items.push(more);
    }
    let mut good = look.playlists.as_ref().unwrap().items[0].clone();
    "p-new".clone_into(&mut good.id);
    good.items.truncate(0);
    good.items.push(opswarden::domain::platform::PlaylistItem {
        content: "c-new".to_owned(),
        status: opswarden::domain::platform::ContentStatus::Active,
        layout: false,
    });
    look.playlists.as_mut().unwrap().items.push(good);
    look.shelf
        .content
        .insert("c-new".to_owned(), opswarden::domain::platform::ContentStatus::Active);
    look.shelf.details.insert("c-new".to_owned(), Default::default());
    let (more, again) = judged::<A>(dialect, Ok(look), &known);
    assert_eq!(faults::<A>(&more), known);
    assert_eq!(acted(&again), acted(&planned));
}

/// How many faults a law has looked at, so that it does not hold for want of any.
fn hiding<A: Judge>(dialect: Dialect, seed: u64) -> usize {
    let mut dice = Dice::of(seed);
    let (look, known, planned) = base::<A>(dialect, &mut dice);
    let (less, again) = judged::<A>(dialect, Ok(hidden(&look, &mut dice)), &known);
    let new: Vec<_> = faults::<A>(&less).difference(&known).cloned().collect();
    assert!(new.is_empty(), "seen by not looking: {new:?}");
    let new: Vec<_> = acted(&again).difference(&acted(&planned)).cloned().collect();
    assert!(new.is_empty(), "done because of not looking: {new:?}");
    let healed: Vec<_> = well::<A>(&less).intersection(&known).cloned().collect();
    assert!(healed.is_empty(), "well by not looking: {healed:?}");
    let gone = less.gone(&known);
    assert!(gone.is_empty(), "gone by not looking: {gone:?}");
    known.len()
}

fn blindness<A: Judge>(dialect: Dialect, seed: u64) {
    let mut dice = Dice::of(seed);
    let (_, known, _) = base::<A>(dialect, &mut dice);
    let nothing = Err(Blind::because("the platform cannot be reached"));
    let (blind, planned) = judged::<A>(dialect, nothing, &known);
    assert_eq!(well::<A>(&blind), BTreeSet::new());
    assert_eq!(faults::<A>(&blind), BTreeSet::new());
    assert_eq!(acted(&planned), BTreeSet::new());
    assert_eq!(blind.gone(&known), BTreeSet::new());
}

fn cases() -> ProptestConfig {
    let cases = u32::try_from(crate::world::size(256)).unwrap();
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop_oneof![Just(Dialect::Vizora), Just(Dialect::Reference)]
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn the_order_of_lists_means_nothing(dialect in dialects(), seed: u64) {
        order::<FleetManager>(dialect, seed);
        order::<ScheduleDoctor>(dialect, seed);
    }

    #[test]
    fn healthy_displays_beside_them_change_nothing(dialect in dialects(), seed: u64) {
        addition::<FleetManager>(dialect, seed);
        addition::<ScheduleDoctor>(dialect, seed);
    }

    #[test]
    fn what_is_hidden_makes_nothing_ill_and_nothing_well(dialect in dialects(), seed: u64) {
        hiding::<FleetManager>(dialect, seed);
        hiding::<ScheduleDoctor>(dialect, seed);
    }

    #[test]
    fn who_sees_nothing_says_nothing_and_does_nothing(dialect in dialects(), seed: u64) {
        blindness::<FleetManager>(dialect, seed);
        blindness::<ScheduleDoctor>(dialect, seed);
    }
}

#[test]
fn the_tenants_of_these_laws_have_faults_of_every_kind() {
    let mut found = BTreeSet::new();
    let mut acts = 0;
    for seed in 0..200 {
        for dialect in [Dialect::Vizora, Dialect::Reference] {
            let (_, known, planned) = base::<FleetManager>(dialect, &mut Dice::of(seed));
            found.extend(known.into_iter().map(|key| key.check));
            acts += planned.actions.len();
            let (_, known, planned) = base::<ScheduleDoctor>(dialect, &mut Dice::of(seed));
            found.extend(known.into_iter().map(|key| key.check));
            acts += planned.actions.len();
        }
    }
    let all = FleetManager::SPEC.checks.iter().chain(ScheduleDoctor::SPEC.checks);
    let all: BTreeSet<_> = all.map(|check| check.id.clone()).collect();
    assert_eq!(found, all);
    assert!(acts > 100, "{acts}");
}
