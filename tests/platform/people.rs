//! People who work on the platform at the same time, and who switch agents off and on.

use std::collections::BTreeMap;
use std::time::Duration;

use opswarden::domain::event::{Event, NewEvent};
use opswarden::domain::ledger::LedgerView;
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{RowKind, RowRef};
use opswarden::ports::platform::{Platform, PlatformControl as _};
use opswarden::ports::store::{Batch, Scope, Store as _};
use opswarden::sandbox::Effect;

use crate::dice::Dice;
use crate::time::RunTime;
use crate::world::World;

/// Sends operations as a person would who works with the platform's own pages.
pub(crate) async fn edit(world: &World, operation: &Operation) -> Vec<Effect> {
    let before = world.sandbox.effects().len();
    let client = world.client("a-person", RunTime::starts(&world.time));
    // What the platform refuses to a person is nobody's fault.
    let _refused = client.send(operation).await;
    assert_eq!(client.release().await, Vec::new());
    world.sandbox.effects().split_off(before)
}

/// Something that a person may do to some row.
pub(crate) async fn some_edit(world: &World, dice: &mut Dice) -> Option<Operation> {
    let client = world.client("a-person", RunTime::starts(&world.time));
    let tenant = dice.pick(&client.tenants()).clone();
    let row = |kind, id: &str| RowRef::new(kind, &tenant, id);
    let operation = match dice.below(4) {
        0 => {
            let all = client.content(&tenant).await.unwrap().items;
            let one = dice.pick(&all);
            let content = row(RowKind::Content, &one.id);
            match one.status.as_str() {
                "archived" => {
                    Some(Operation::RestoreContent { content, status: "active".to_owned() })
                }
                "active" => Some(Operation::ArchiveContent(content)),
                _ => None,
            }
        }
        1 => {
            let all = client.schedules(&tenant).await.unwrap().items;
            let one = (!all.is_empty()).then(|| dice.pick(&all));
            one.map(|one| match one.active {
                true => Operation::DeactivateSchedule(row(RowKind::Schedule, &one.id)),
                false => Operation::ActivateSchedule(row(RowKind::Schedule, &one.id)),
            })
        }
        _ => {
            let displays = client.displays(&tenant).await.unwrap().items;
            let playlists = client.playlists(&tenant).await.unwrap().items;
            let display = row(RowKind::Display, &dice.pick(&displays).id);
            let playlist = (!dice.one_in(3)).then(|| dice.pick(&playlists).id.clone());
            Some(Operation::AssignPlaylist { display, playlist })
        }
    };
    assert_eq!(client.release().await, Vec::new());
    operation
}

/// Switches a control on or off.
pub(crate) async fn control(world: &World, key: &str, on: bool) {
    let now = world.time_now();
    let event = Event::ControlChanged {
        control: key.to_owned(),
        on,
        reason: "a person wants it".to_owned(),
        expires_at: None,
        facts: BTreeMap::new(),
    };
    let event = NewEvent { at: now, actor: "a person".to_owned(), run: None, event };
    let mut decide = |_: &LedgerView| Batch { events: vec![event.clone()], notes: Vec::new() };
    let scope = Scope { agent: None, recent: Duration::ZERO, now };
    world.store.commit(scope, &mut decide).await.unwrap();
}
