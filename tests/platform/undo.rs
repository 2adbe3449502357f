//! A person takes back what the agents did: the rows are as before, nobody else's work is lost, and it stays taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opswarden::agent::Agent as _;
use opswarden::agents::content_lifecycle::ContentLifecycle;
use opswarden::agents::fleet_manager::FleetManager;
use opswarden::agents::schedule_doctor::ScheduleDoctor;
use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::gate::{Door, refusal};
use opswarden::domain::incident::{Remediation, RemediationState, control};
use opswarden::domain::operation::{Operation, Target, TargetState};
use opswarden::domain::platform::{Field, RowRef};
use opswarden::domain::run::Ruling;
use opswarden::domain::spec::Spec;
use opswarden::engine::undo::{UndoRequest, Undoing};
use opswarden::ports::store::{Batch, Scope, Store as _};
use opswarden::sandbox::{Dialect, Options};

use super::world::{NOON, SMALL, Who, World};

fn spec(who: Who) -> Spec {
    match who {
        Who::Content => ContentLifecycle::SPEC,
        Who::Fleet => FleetManager::SPEC,
        Who::Schedules => ScheduleDoctor::SPEC,
    }
}

fn row_of(remediation: &Remediation) -> RowRef {
    match remediation.operation.target() {
        Target::Row(row) => row.clone(),
        other @ (Target::Process(_) | Target::Data(_)) => panic!("{other} is no row"),
    }
}

/// What of a row is compared: what nobody's hand changes is left out.
type Fields = BTreeMap<Field, Option<String>>;

async fn fields(world: &World, row: &RowRef) -> Fields {
    let engine = world.engine();
    let hands = engine.hands.platform.as_ref().expect("there are hands");
    let state = hands.read(row).await.expect("the platform answers").expect("the row is there");
    let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
    assert_eq!(eyes.release().await, Vec::new());
    kept(state.fields)
}

fn kept(fields: Fields) -> Fields {
    let own = [Field::UpdatedAt, Field::LastHeartbeat];
    fields.into_iter().filter(|(field, _)| !own.contains(field)).collect()
}

fn before(remediation: &Remediation) -> Fields {
    match &remediation.before {
        TargetState::Row(state) => kept(state.fields.clone()),
        other => panic!("{other:?} is no row"),
    }
}

async fn undone(world: &World, who: Who, remediation: &Remediation) -> Undoing {
    let engine = world.engine();
    let incident = remediation.incident.expect("an act has an incident");
    let incident = world.store.incident(incident).await.expect("readable").expect("it is there");
    let request = UndoRequest {
        spec: &spec(who),
        remediation,
        facts: &incident.facts,
        actor: "human:root",
        reason: "it was right as it was",
    };
    let undoing = engine.undo(&request).await.expect("the ledger works");
    let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
    assert_eq!(eyes.release().await, Vec::new());
    undoing
}

/// What an agent changed for good in its last run, newest first.
async fn changed(world: &World, who: Who) -> Vec<Remediation> {
    let mut all = world.remediations().await;
    all.retain(|one| one.key.agent.as_str() == who.name());
    all.retain(|one| one.state == RemediationState::Verified && one.undo_of.is_none());
    let lasting = |one: &Remediation| {
        !matches!(
            one.operation,
            Operation::PingDisplay(_) | Operation::ReloadDisplay(_) | Operation::ResetDisplay(_)
        )
    };
    all.retain(lasting);
    all
}

pub(crate) async fn someone(world: &World, operation: &Operation) {
    let engine = world.engine();
    let hands = engine.hands.platform.as_ref().expect("there are hands");
    hands.send(operation).await.expect("the platform takes it");
    let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
    assert_eq!(eyes.release().await, Vec::new());
}

async fn lift(world: &World, remediation: &Remediation) {
    let event = Event::ControlChanged {
        control: control::hold_of(&remediation.key),
        on: false,
        reason: "it may be done again".to_owned(),
        expires_at: None,
        facts: BTreeMap::new(),
    };
    let now = opswarden::ports::clock::Clock::now(&world.clock);
    let event = NewEvent { at: now, actor: "human:root".to_owned(), run: None, event };
    let scope = Scope { about: None, agent: None, recent: Duration::from_hours(24), now };
    let mut decide = |_: &_| Batch { events: vec![event.clone()], notes: Vec::new() };
    world.store.commit(scope, &mut decide).await.expect("the ledger works");
}

async fn world(dialect: Dialect) -> World {
    World::at(NOON, Options { seed: 5, sizes: SMALL, dialect, ..Options::default() }).await
}

#[tokio::test]
async fn a_whole_run_is_taken_back_stays_so_and_is_done_again_when_the_hold_is_lifted() {
    let mut kinds = BTreeSet::new();
    for dialect in [Dialect::Vizora, Dialect::Reference] {
        for who in Who::ALL {
            let world = world(dialect).await;
            world.run(who).await;
            let acts = changed(&world, who).await;
            for act in &acts {
                assert_ne!(
                    fields(&world, &row_of(act)).await,
                    before(act),
                    "{act:?} changed nothing"
                );
                kinds.insert(act.operation.verb());
                let undoing = undone(&world, who, act).await;
                assert!(
                    matches!(undoing, Undoing::Done { .. }),
                    "{dialect:?} {act:?}: {undoing:?}"
                );
                assert_eq!(fields(&world, &row_of(act)).await, before(act), "{act:?}");
            }
            world.pass(Duration::from_mins(40));
            let again = world.run(who).await;
            let acted: Vec<_> = again.plan.actions.iter().map(|action| &action.key).collect();
            for act in &acts {
                assert!(!acted.contains(&&act.key), "{} was done again", act.key);
                let left = again.plan.deferrals.iter().find(|one| one.key == act.key);
                let left = left.unwrap_or_else(|| panic!("{} is not found any more", act.key));
                let Ruling::Refused { doors } = &left.ruling else { panic!("{:?}", left.ruling) };
                assert_eq!(refusal(doors).map(|(door, _)| door), Some(Door::Owner));
            }
            let Some(act) = acts.first() else { continue };
            lift(&world, act).await;
            world.pass(Duration::from_hours(7));
            let third = world.run(who).await;
            let acted: Vec<_> = third.plan.actions.iter().map(|action| &action.key).collect();
            assert!(acted.contains(&&act.key), "{} is left alone: {:?}", act.key, third.plan);
            assert_eq!(world.sandbox.sessions_open(), 0);
            world.end().await;
        }
    }
    let wanted = BTreeSet::from(["archive_content", "assign_playlist", "deactivate_schedule"]);
    assert_eq!(kinds, wanted);
}

#[tokio::test]
async fn what_somebody_changed_since_is_not_taken_back_and_the_field_is_named() {
    for dialect in [Dialect::Vizora, Dialect::Reference] {
        for who in [Who::Content, Who::Schedules] {
            let world = world(dialect).await;
            world.run(who).await;
            let acts = changed(&world, who).await;
            let act = acts.first().expect("something was done");
            let row = row_of(act);
            let (operation, field) = match &act.operation {
                Operation::ArchiveContent(_) => {
                    let status = "active".to_owned();
                    (Operation::RestoreContent { content: row.clone(), status }, Field::Status)
                }
                Operation::DeactivateSchedule(_) => {
                    (Operation::ActivateSchedule(row.clone()), Field::Active)
                }
                Operation::AssignPlaylist { .. } => (
                    Operation::AssignPlaylist { display: row.clone(), playlist: None },
                    Field::CurrentPlaylist,
                ),
                other => panic!("{other:?} was not expected"),
            };
            someone(&world, &operation).await;
            let theirs = fields(&world, &row).await;
            let many = world.sandbox.effects().len();
            let undoing = undone(&world, who, act).await;
            let Undoing::Refused { why } = &undoing else { panic!("{undoing:?}") };
            assert!(why.contains(field.as_str()), "{why} does not name {}", field.as_str());
            assert_eq!(world.sandbox.effects().len(), many, "something was sent");
            assert_eq!(fields(&world, &row).await, theirs);
            world.end().await;
        }
    }
}
