//! What agents did is taken back exactly, unless somebody has changed it since; and then it is left alone.

use std::collections::BTreeMap;
use std::time::Duration;

use opswarden::domain::incident::{Remediation, RemediationState, control};
use opswarden::domain::operation::{Inverse, Operation};
use opswarden::domain::platform::{Field, RowRef, RowState};
use opswarden::engine::undo::{UndoRequest, Undoing};
use opswarden::ports::platform::{Platform as _, PlatformControl as _};
use opswarden::ports::store::Store as _;
use opswarden::sandbox::Dialect;

use crate::agents::Who;
use crate::dice::Dice;
use crate::people;
use crate::time::RunTime;
use crate::world::{World, generous, options, sizes};

/// The rows that are compared, without what changes by itself.
type Rows = BTreeMap<String, BTreeMap<Field, Option<String>>>;

async fn rows(world: &World, of: &[Remediation]) -> Rows {
    let client = world.client("a-look", RunTime::starts(&world.time));
    let mut all = Rows::new();
    for row in of.iter().filter_map(target) {
        let state = client.read(row).await.unwrap().unwrap();
        all.insert(row.to_string(), lasting(state));
    }
    assert_eq!(client.release().await, Vec::new());
    all
}

fn lasting(state: RowState) -> BTreeMap<Field, Option<String>> {
    let RowState { row, fields, .. } = state;
    fields.into_iter().filter(|(field, _)| !field.changes_by_itself(row.kind)).collect()
}

fn target(of: &Remediation) -> Option<&RowRef> {
    match of.operation.target() {
        opswarden::domain::operation::Target::Row(row) => Some(row),
        opswarden::domain::operation::Target::Process(_) => None,
    }
}

fn before(of: &[Remediation]) -> Rows {
    let states = of.iter().filter_map(|one| match &one.before {
        opswarden::domain::operation::TargetState::Row(state) => Some(state.clone()),
        _ => None,
    });
    states.map(|state| (state.row.to_string(), lasting(state))).collect()
}

/// What a run did that can be taken back, the last act first.
async fn acts(world: &World) -> Vec<Remediation> {
    let mut all = world.store.remediations(None, 10_000).await.unwrap();
    all.retain(|one| {
        let exact = matches!(one.inverse, Inverse::Exact(_));
        exact && one.state == RemediationState::Verified && one.undo_of.is_none()
    });
    all.sort_by_key(|one| std::cmp::Reverse(one.id));
    all
}

fn who(of: &Remediation) -> Who {
    Who::ALL.into_iter().find(|who| who.spec().name == of.key.agent).unwrap()
}

async fn undo(world: &World, of: &Remediation) -> Undoing {
    let engine = world.engine();
    let spec = who(of).spec();
    let incident = world.store.incident(of.incident.unwrap()).await.unwrap();
    let facts = incident.map_or_else(BTreeMap::new, |incident| incident.facts);
    let request = UndoRequest {
        spec: &spec,
        remediation: of,
        facts: &facts,
        actor: "a person",
        reason: "it was wanted as it was",
    };
    let undoing = engine.undo(&request).await.unwrap();
    assert_eq!(engine.release().await, Vec::<String>::new());
    undoing
}

/// A tenant on which every agent has done what it could.
async fn mended(seed: u64) -> World {
    let dialect = if seed.is_multiple_of(2) { Dialect::Vizora } else { Dialect::Reference };
    let start = "2026-11-20T12:00:00Z".parse().unwrap();
    let mut world = World::of(options(dialect, 300 + seed, sizes(20, 45, 1)), start).await;
    (world.policy, world.budgets) = generous();
    for who in Who::ALL {
        world.run(who).await;
    }
    world
}

/// Something that another person does to a row that an agent has changed.
fn meddling(of: &Remediation, dice: &mut Dice) -> Operation {
    let row = target(of).unwrap().clone();
    match &of.operation {
        Operation::ArchiveContent(_) => {
            Operation::RestoreContent { content: row, status: "active".to_owned() }
        }
        Operation::DeactivateSchedule(_) => Operation::ActivateSchedule(row),
        _ => {
            let _either_way = dice.below(2);
            Operation::AssignPlaylist { display: row, playlist: None }
        }
    }
}

async fn one(seed: u64) -> (usize, usize) {
    let mut dice = Dice::of(seed);
    let world = mended(seed).await;
    let all = acts(&world).await;
    let (mut taken, mut meddled) = (Vec::new(), Vec::new());
    for act in &all {
        world.time.pass(Duration::from_secs(1 + dice.below(90)));
        if dice.one_in(4) {
            people::edit(&world, &meddling(act, &mut dice)).await;
            let left = rows(&world, std::slice::from_ref(act)).await;
            match undo(&world, act).await {
                Undoing::Refused { why } => assert!(named(&why), "{why}"),
                other => panic!("seed {seed}: {} was edited since: {other:?}", act.operation),
            }
            assert_eq!(rows(&world, std::slice::from_ref(act)).await, left, "nothing is sent");
            meddled.push(act.clone());
        } else {
            let undoing = undo(&world, act).await;
            assert!(matches!(undoing, Undoing::Done { .. }), "seed {seed}: {undoing:?}");
            taken.push(act.clone());
        }
    }
    assert_eq!(rows(&world, &taken).await, before(&taken), "seed {seed}: as it was before");
    left_alone(&world, &taken).await;
    lifted(&world, &taken).await;
    (taken.len(), meddled.len())
}

/// A refusal says which field it was.
fn named(why: &str) -> bool {
    let fields = [Field::Status, Field::Active, Field::CurrentPlaylist, Field::Replacement];
    why.contains("changed") && fields.iter().any(|field| why.contains(field.as_str()))
}

/// What a person took back stays taken back.
async fn left_alone(world: &World, taken: &[Remediation]) {
    let keys: Vec<_> = taken.iter().map(|one| &one.key).collect();
    let since = world.time_now();
    for _ in 0..2 {
        world.time.pass(Duration::from_mins(31));
        for who in Who::ALL {
            world.run(who).await;
        }
    }
    let later = world.store.remediations(None, 10_000).await.unwrap();
    let again = later.iter().find(|one| one.intended_at > since && keys.contains(&&one.key));
    assert!(again.is_none(), "held, and done again: {again:?}");
}

/// Once the hold is lifted, it may be done again.
async fn lifted(world: &World, taken: &[Remediation]) {
    let Some(act) = taken.first() else { return };
    people::control(world, &control::hold_of(&act.key), false).await;
    world.time.pass(Duration::from_hours(7));
    let report = world.run(who(act)).await;
    let found = report.plan.actions.iter().any(|action| action.key == act.key);
    let left = report.plan.deferrals.iter().find(|one| one.key == act.key);
    let why = left.map(|one| one.ruling.reason());
    let held = why.as_ref().is_some_and(|why| why.contains("held by"));
    assert!(!held, "the hold of {} was lifted: {why:?}", act.key);
    assert!(found || why.is_some(), "{} is found again", act.key);
}

#[tokio::test]
async fn what_is_taken_back_is_as_it_was_and_what_was_edited_is_refused() {
    let (first, cases) = (crate::world::first(), crate::world::size(4));
    let (mut taken, mut refused) = (0, 0);
    for seed in first..first + cases {
        let (of_taken, of_refused) = one(seed).await;
        taken += of_taken;
        refused += of_refused;
    }
    println!("{cases} tenants: {taken} acts taken back exactly, {refused} refused after an edit");
    assert!(taken > 0 && refused > 0);
}
