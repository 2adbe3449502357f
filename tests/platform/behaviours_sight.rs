//! What was seen only in part, or says less than it seems to, and what must not be made of it.

use std::collections::BTreeSet;
use std::time::Duration;

use opswarden::adapters::platform::Limits;
use opswarden::domain::platform::{ContentStatus, DisplayRow, ScheduleRow, Zone};
use opswarden::domain::report::ExitClass;
use opswarden::sandbox::{Dialect, Fault, FaultKind, Found, Options, Scenario, Sizes};

use super::behaviours::{all_day, findings, tenant, well};
use super::laws::at;
use super::world::{NOON, SMALL, Who, World, found};

const DIALECTS: [Dialect; 2] = [Dialect::Vizora, Dialect::Reference];

async fn world(dialect: Dialect, seed: u64, sizes: Sizes) -> World {
    World::at(NOON, Options { seed, sizes, dialect, ..Options::default() }).await
}

/// What arrived, without when.
fn sent(world: &World) -> BTreeSet<(String, String)> {
    world.sandbox.effects().into_iter().map(|one| (one.act.what, one.act.row)).collect()
}

/// Nothing is wrong here, so that whatever is found rests on what was not seen.
#[tokio::test]
async fn a_healthy_row_is_left_alone_however_much_a_list_leaves_out() {
    let sizes = Sizes { displays: 230, content: 230, playlists: 120, schedules: 150, tenants: 1 };
    for dialect in DIALECTS {
        let scenario = Scenario::Healthy;
        let options = Options { seed: 8, sizes, dialect, scenario, ..Options::default() };
        let mut world = World::at(NOON, options).await;
        let routes = ["GET /displays", "GET /display-groups", "GET /playlists", "GET /content"];
        for route in routes {
            world.sandbox.set_faults(vec![Fault::always(route, FaultKind::TruncatedPage)]);
            for who in Who::ALL {
                let report = world.run(who).await;
                assert_eq!(found(&report), BTreeSet::new(), "{dialect:?}, {route}");
            }
        }
        world.sandbox.set_faults(Vec::new());
        // Two pages of each list in a run, and others in the next.
        world.limits = Limits { per_hour: 2, ..Limits::NONE };
        for who in [Who::ALL, Who::ALL].concat() {
            world.pass(Duration::from_mins(61));
            let report = world.run(who).await;
            assert_eq!(found(&report), BTreeSet::new(), "{dialect:?}");
            let (partial, unknown) = (&report.partial, &report.unknown);
            assert!(
                !partial.is_empty(),
                "{dialect:?} {who:?} saw too much or nothing: {unknown:?}"
            );
        }
        assert_eq!(sent(&world), BTreeSet::new(), "{dialect:?}");
        world.end().await;
    }
}

/// Each time that a list is asked for, its rows move: a walk sees some twice and others never, and its count may look
/// right all the same.
#[tokio::test]
async fn rows_that_move_between_two_pages_end_no_incident_and_cost_no_row_anything() {
    let sizes = Sizes { displays: 230, content: 230, playlists: 30, schedules: 150, tenants: 1 };
    for dialect in DIALECTS {
        let mut world = world(dialect, 12, sizes).await;
        world.observe_only = true;
        for who in Who::ALL {
            world.run(who).await;
        }
        let routes = ["GET /displays", "GET /content", "GET /schedules"];
        let shifts = routes.map(|route| Fault::always(route, FaultKind::ShiftingPages));
        world.sandbox.set_faults(shifts.to_vec());
        // What is gone must be gone twice before that is believed.
        for _ in 0..3 {
            world.pass(Duration::from_mins(1));
            for who in Who::ALL {
                world.run(who).await;
            }
        }
        world.observe_only = false;
        for who in Who::ALL {
            world.run(who).await;
        }
        world.sandbox.set_faults(Vec::new());
        assert_eq!(world.sandbox.score(&[]).wrong_acts, Vec::new(), "{dialect:?}");
        let truth = world.sandbox.truth_now().into_iter();
        let truth: BTreeSet<String> =
            truth.map(|one| format!("{} {}", one.check, one.subject)).collect();
        let ended = world.incidents().await.into_iter().filter(|one| !one.is_active());
        let wrongly: Vec<_> = ended
            .filter(|one| truth.contains(&format!("{} {}", one.key.check, one.key.subject)))
            .collect();
        assert!(wrongly.is_empty(), "{dialect:?}: {wrongly:?}");
        world.end().await;
    }
}

#[test]
fn a_schedule_that_does_not_play_now_covers_nothing_now() {
    // It is a Friday, at one in the afternoon where the display hangs.
    let covering = ScheduleRow { display: Some("d1".to_owned()), ..all_day("s") };
    let whole = tenant(vec![well(1)], vec![covering.clone()], ContentStatus::Active);
    assert_eq!(findings(&whole), BTreeSet::new());
    let hours =
        |from, to| ScheduleRow { from_minute: Some(from), to_minute: Some(to), ..covering.clone() };
    let idle = [
        ScheduleRow { days: vec![0, 1, 2, 3, 4, 6], ..covering.clone() },
        ScheduleRow { active: false, ..covering.clone() },
        ScheduleRow { display: Some("d2".to_owned()), ..covering.clone() },
        ScheduleRow { starts_at: at("2026-11-20T13:00:00Z"), ..covering.clone() },
        hours(0, 12 * 60),
        // Noon is past there, and not yet elsewhere.
        hours(11 * 60, 12 * 60 + 30),
        hours(14 * 60, 10 * 60),
    ];
    for schedule in idle {
        let look = tenant(vec![well(1), well(2)], vec![schedule.clone()], ContentStatus::Active);
        let gaps = findings(&look);
        assert!(gaps.contains("coverage_gap display:default/d1"), "{schedule:?}");
        assert!(gaps.contains("display_blank display:default/d1"), "{schedule:?}");
    }
}

#[test]
fn a_schedule_whose_playlist_shows_nothing_covers_and_leaves_the_screen_blank() {
    for status in [ContentStatus::Archived, ContentStatus::Expired, ContentStatus::Draft] {
        let plays = ScheduleRow { display: Some("d1".to_owned()), ..all_day("s") };
        let own = DisplayRow { playlist: Some("p".to_owned()), ..well(1) };
        for display in [well(1), own] {
            let look = tenant(vec![display], vec![plays.clone()], status);
            let wanted =
                ["display_blank display:default/d1", "schedule_playlist_empty schedule:default/s"];
            assert_eq!(findings(&look), wanted.map(str::to_owned).into(), "{status:?}");
        }
    }
}

#[tokio::test]
async fn a_platform_that_asks_for_patience_once_is_asked_again_and_answers() {
    for dialect in DIALECTS {
        for who in Who::ALL {
            let mut calm = world(dialect, 15, SMALL).await;
            let mut hasty = world(dialect, 15, SMALL).await;
            (calm.observe_only, hasty.observe_only) = (true, true);
            let routes = [
                "GET /content",
                "GET /content/:id",
                "GET /content/layouts",
                "GET /playlists",
                "GET /displays",
                "GET /display-groups",
                "GET /schedules",
            ];
            let refusals = routes.map(|route| Fault::times(route, FaultKind::Status(429), 1));
            hasty.sandbox.set_faults(refusals.to_vec());
            let wanted: BTreeSet<Found> = found(&calm.run(who).await);
            let report = hasty.run(who).await;
            assert_ne!(report.exit, ExitClass::Incomplete, "{dialect:?} {:?}", report.unknown);
            assert!(!wanted.is_empty());
            assert_eq!(found(&report), wanted, "{dialect:?} {who:?}");
            calm.end().await;
            hasty.end().await;
        }
    }
}

#[tokio::test]
async fn what_only_a_zone_of_a_layout_names_is_never_put_away() {
    let sizes = Sizes { displays: 60, content: 400, playlists: 30, schedules: 30, tenants: 1 };
    for dialect in DIALECTS {
        let world = world(dialect, 6, sizes).await;
        let engine = world.engine();
        let eyes = engine.sensors.platform.as_ref().expect("there are eyes");
        let layouts = eyes.layouts("default").await.expect("the platform answers").items;
        assert_eq!(eyes.release().await, Vec::new());
        let zones = layouts.into_iter().flat_map(|(_, detail)| detail.zones);
        let (mut content, mut widgets) = (BTreeSet::new(), BTreeSet::new());
        for zone in zones {
            match zone {
                Zone::Content(id) => drop(content.insert(id)),
                Zone::Widget(id) => drop(widgets.insert(id)),
                Zone::Playlist(_) => {}
            }
        }
        assert!(!content.is_empty() && !widgets.is_empty(), "{content:?} {widgets:?}");
        world.run(Who::Content).await;
        let archived: BTreeSet<String> = sent(&world).into_iter().map(|(_, row)| row).collect();
        assert!(!archived.is_empty());
        let named: Vec<&String> = content.union(&widgets).collect();
        assert!(named.iter().all(|id| !archived.contains(*id)), "{dialect:?}");
        world.end().await;
    }
}
