//! What is published and told of a life: nothing is swallowed, nothing is dressed up, and what is over is over.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use opswarden::domain::incident::{IncidentId, Resolution};
use opswarden::domain::operation::Operation;
use opswarden::domain::platform::{RowKind, RowRef};
use opswarden::domain::report::{Change, ExitClass, Report};
use opswarden::sandbox::{Fault, FaultKind, Options, Scenario};
use serde_json::Value;

use super::raw::remove_display;
use super::world::{NOON, SMALL, Who, World};

const TENANT: &str = "default";

/// A tenant of which nothing is wrong.
async fn calm() -> World {
    let scenario = Scenario::Healthy;
    let mut world =
        World::at(NOON, Options { seed: 3, sizes: SMALL, scenario, ..Options::default() }).await;
    world.observe_only = true;
    world
}

fn published(world: &World) -> Value {
    let text = std::fs::read(world.folder.path().join("ops-state.json")).expect("it is published");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn status(world: &World) -> String {
    published(world)["systemStatus"].as_str().expect("a word").to_owned()
}

/// A person gives a display this playlist, or takes its own away.
async fn assign(world: &World, display: &str, playlist: Option<&str>) {
    let engine = world.engine_as("manager@");
    let hands = engine.hands.platform.as_ref().expect("there are hands");
    let display = RowRef::new(RowKind::Display, TENANT, display);
    let operation = Operation::AssignPlaylist { display, playlist: playlist.map(str::to_owned) };
    hands.send(&operation).await.expect("the platform takes it");
    let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
    assert_eq!(eyes.release().await, Vec::new());
}

/// Whether it has nothing to show, and both agents must say so.
fn is_blank(world: &World, display: &str) -> bool {
    let subject = format!("display:{TENANT}/{display}");
    let truth = world.sandbox.truth_now();
    let of_display = truth.iter().filter(|one| one.subject == subject);
    let mut checks: Vec<&str> = of_display.map(|one| one.check.as_str()).collect();
    checks.sort_unstable();
    checks == ["coverage_gap", "display_blank"]
}

/// So many displays that show something only because of their own playlist, with that.
async fn leaning(world: &World, many: usize) -> Vec<(String, String)> {
    let engine = world.engine();
    let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
    let rows = eyes.displays(TENANT).await.expect("the platform answers").items;
    assert_eq!(eyes.release().await, Vec::new());
    let mut found = Vec::new();
    for row in rows {
        let Some(playlist) = row.playlist else { continue };
        assign(world, &row.id, None).await;
        if is_blank(world, &row.id) {
            found.push((row.id.clone(), playlist.clone()));
        }
        assign(world, &row.id, Some(&playlist)).await;
        if found.len() == many {
            break;
        }
    }
    assert_eq!(found.len(), many, "too few displays have a playlist of their own");
    found
}

fn ends(report: &Report) -> Vec<Resolution> {
    let of = |(_, change): &(IncidentId, Change)| match change {
        Change::Resolved { resolution, .. } => Some(*resolution),
        _ => None,
    };
    report.changes.iter().filter_map(of).collect()
}

#[tokio::test]
async fn a_recovery_does_not_make_up_for_what_went_wrong_meanwhile() {
    let world = calm().await;
    let both = leaning(&world, 2).await;
    let ((one, own), (other, others)) = (&both[0], &both[1]);
    for (who, exits) in [(Who::Schedules, 1), (Who::Fleet, 1)] {
        assert_eq!(world.run(who).await.exit, ExitClass::Clean);
        assign(&world, one, None).await;
        assert_eq!(world.run(who).await.exit, ExitClass::Findings);
        assign(&world, one, Some(own)).await;
        assign(&world, other, None).await;
        let report = world.run(who).await;
        assert_eq!(ends(&report), [Resolution::Recovered], "{who:?}");
        assert_eq!((report.open.len(), report.exit), (exits, ExitClass::Findings), "{who:?}");
        assert_eq!(status(&world), "DEGRADED");
        assign(&world, other, Some(others)).await;
        let report = world.run(who).await;
        assert_eq!((report.open.len(), report.exit), (0, ExitClass::Clean), "{who:?}");
        assert_eq!(status(&world), "HEALTHY");
    }
    world.end().await;
}

#[tokio::test]
async fn a_clean_run_of_one_agent_covers_up_nothing_of_another() {
    let world = calm().await;
    let display = leaning(&world, 1).await;
    assign(&world, &display[0].0, None).await;
    let report = world.run(Who::Schedules).await;
    let open = report.open.iter().map(|one| one.id.to_string()).collect::<Vec<_>>();
    assert_eq!(open.len(), 1, "{:?}", report.open);
    for _ in 0..3 {
        assert_eq!(world.run(Who::Content).await.exit, ExitClass::Clean);
        let state = published(&world);
        assert_eq!(state["systemStatus"], "DEGRADED");
        assert!(state["reasons"][0].as_str().expect("a reason").starts_with(&open[0]));
        world.pass(Duration::from_mins(15));
    }
    world.end().await;
}

/// Whoever looks at the status only now and then still learns of it.
#[tokio::test]
async fn what_came_and_went_within_one_run_is_published_with_its_end() {
    let mut world = calm().await;
    world.observe_only = false;
    let display = leaning(&world, 1).await;
    assert_eq!(world.run(Who::Schedules).await.exit, ExitClass::Clean);
    let before = published(&world);
    assert_eq!(before["incidents"], serde_json::json!([]));
    assign(&world, &display[0].0, None).await;
    let report = world.run(Who::Schedules).await;
    assert_eq!(report.exit, ExitClass::Clean, "{report:?}");
    let after = published(&world);
    assert_eq!(after["systemStatus"], before["systemStatus"]);
    assert!(after["ledgerSeq"].as_u64() > before["ledgerSeq"].as_u64());
    let incident = &after["incidents"][0];
    assert_eq!(
        (&incident["type"], &incident["status"], &incident["resolution"]),
        (&"coverage_gap".into(), &"resolved".into(), &"auto_fixed".into())
    );
    assert!(incident["resolved"].is_string() && incident["detected"].is_string());
    let act = &after["recentRemediations"][0];
    assert_eq!((&act["incident"], &act["outcome"]), (&incident["id"], &"verified".into()));
    world.end().await;
}

#[tokio::test]
async fn an_incident_of_a_row_that_was_deleted_ends_only_where_that_is_certain() {
    let world = calm().await;
    let display = leaning(&world, 1).await;
    assign(&world, &display[0].0, None).await;
    for who in [Who::Schedules, Who::Fleet] {
        assert_eq!(world.run(who).await.open.len(), 1, "{who:?}");
    }
    remove_display(&world, &display[0].0).await;
    world.sandbox.set_faults(vec![Fault::always("GET /displays", FaultKind::Status(500))]);
    for _ in 0..3 {
        for who in [Who::Schedules, Who::Fleet] {
            let report = world.run(who).await;
            assert_eq!((report.open.len(), report.exit), (1, ExitClass::Incomplete), "{who:?}");
        }
        assert_eq!(status(&world), "DEGRADED");
    }
    world.sandbox.set_faults(Vec::new());
    let mut ended = Vec::new();
    for _ in 0..2 {
        world.pass(Duration::from_mins(15));
        for who in [Who::Schedules, Who::Fleet] {
            ended.extend(ends(&world.run(who).await));
        }
    }
    assert_eq!(ended, [Resolution::SubjectGone; 2]);
    assert_eq!(status(&world), "HEALTHY");
    world.end().await;
}

#[tokio::test]
async fn an_incident_of_a_check_that_is_switched_off_ends_and_is_not_called_well() {
    let mut world = calm().await;
    let display = leaning(&world, 1).await;
    assign(&world, &display[0].0, None).await;
    world.run(Who::Schedules).await;
    assert_eq!(status(&world), "DEGRADED");
    world.policy.disabled_checks.insert("coverage_gap".to_owned());
    let report = world.run(Who::Schedules).await;
    assert_eq!((ends(&report), report.exit), (vec![Resolution::CheckDisabled], ExitClass::Clean));
    assert_eq!(status(&world), "HEALTHY");
    world.end().await;
}

#[tokio::test]
async fn when_something_was_first_seen_does_not_move_however_often_it_is_seen_again() {
    let mut world = World::small(17).await;
    world.observe_only = true;
    let detected = |world: &World| -> BTreeMap<String, String> {
        let state = published(world);
        let rows = state["incidents"].as_array().expect("a list").clone();
        let text = |row: &Value, name: &str| row[name].as_str().expect("a text").to_owned();
        rows.iter().map(|row| (text(row, "id"), text(row, "detected"))).collect()
    };
    let mut first: BTreeMap<IncidentId, Timestamp> = BTreeMap::new();
    for who in Who::ALL {
        world.run(who).await;
    }
    let told = detected(&world);
    for incident in world.incidents().await {
        first.insert(incident.id, incident.opened_at);
    }
    let keys: Vec<_> = world.incidents().await.into_iter().map(|one| one.key).collect();
    assert!(keys.len() > 20, "{}", keys.len());
    for _ in 0..3 {
        world.pass(Duration::from_mins(15));
        for who in Who::ALL {
            world.run(who).await;
        }
        let now = world.incidents().await;
        let still: Vec<_> =
            now.iter().filter(|one| one.is_active() && keys.contains(&one.key)).collect();
        assert!(still.len() > 20, "{} of {}", still.len(), keys.len());
        for incident in still {
            assert_eq!(first.get(&incident.id), Some(&incident.opened_at), "{incident:?}");
        }
        for (id, at) in detected(&world) {
            assert!(told.get(&id).is_none_or(|before| *before == at), "{id}");
        }
    }
    world.end().await;
}
