//! Small stories, each of which went wrong somewhere once.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use opswarden::agent::tenant::{ShelfLook, TenantLook};
use opswarden::domain::incident::RemediationState;
use opswarden::domain::operation::{Operation, Target};
use opswarden::domain::platform::{
    ContentDetail, ContentStatus, Dialect, DisplayRow, GroupRow, PlaylistItem, PlaylistRow,
    ScheduleRow,
};
use opswarden::domain::report::ExitClass;
use opswarden::domain::run::RunState;
use opswarden::domain::severity::Severity;
use opswarden::ports::clock::Clock as _;
use opswarden::ports::store::Store as _;
use opswarden::sandbox::{Fault, FaultKind, Options, Sizes, TruthEntry};

use super::laws::{at, display, judged, listing};
use super::raw::tokens_of_displays;
use super::world::{NOON, Who, World, found};

/// A display that is well, and shows what schedules say.
pub(crate) fn well(number: usize) -> DisplayRow {
    display(number, 0, None, 8)
}

pub(crate) fn all_day(id: &str) -> ScheduleRow {
    ScheduleRow {
        id: id.to_owned(),
        name: id.to_owned(),
        starts_at: at("2026-01-01T00:00:00Z"),
        ends_at: None,
        from_minute: None,
        to_minute: None,
        days: (0..7).collect(),
        priority: 1,
        active: true,
        playlist: Some("p".to_owned()),
        display: None,
        group: None,
    }
}

/// A tenant with one playlist of one item in that state.
pub(crate) fn tenant(
    displays: Vec<DisplayRow>,
    schedules: Vec<ScheduleRow>,
    status: ContentStatus,
) -> TenantLook {
    let items = vec![PlaylistItem { content: "c".to_owned(), status, layout: false }];
    let members = displays.iter().map(|one| one.id.clone()).collect();
    TenantLook {
        tenant: "default".to_owned(),
        displays: listing(displays),
        groups: listing(vec![GroupRow {
            id: "g".to_owned(),
            name: "g".to_owned(),
            displays: members,
        }]),
        schedules: listing(schedules),
        playlists: listing(vec![PlaylistRow { id: "p".to_owned(), name: "p".to_owned(), items }]),
        shelf: ShelfLook {
            content: BTreeMap::from([("c".to_owned(), status)]),
            whole: true,
            details: BTreeMap::from([("c".to_owned(), ContentDetail::default())]),
            cut_short: None,
        },
    }
}

/// Every finding, as check and subject, in both dialects.
pub(crate) fn findings(look: &TenantLook) -> BTreeSet<String> {
    let of = |dialect| {
        let (said, unknown) = judged(look, dialect, &[]);
        assert_eq!(unknown, Vec::<String>::new());
        said.into_iter().filter(|(_, fault)| fault.is_some()).map(|(key, _)| key).collect()
    };
    let (one, other): (BTreeSet<String>, BTreeSet<String>) =
        (of(Dialect::Vizora), of(Dialect::Reference));
    assert_eq!(one, other);
    one
}

#[test]
fn a_schedule_for_a_group_covers_its_displays() {
    let grouped = ScheduleRow { group: Some("g".to_owned()), ..all_day("s") };
    let look = tenant(vec![well(1), well(2)], vec![grouped], ContentStatus::Active);
    assert_eq!(findings(&look), BTreeSet::new());
    let bare = tenant(vec![well(1)], Vec::new(), ContentStatus::Active);
    let wanted = ["coverage_gap display:default/d1", "display_blank display:default/d1"];
    assert_eq!(findings(&bare), wanted.map(str::to_owned).into());
}

#[test]
fn a_display_that_only_has_a_schedule_of_next_month_has_a_gap_now() {
    let later = ScheduleRow {
        starts_at: at("2026-12-20T00:00:00Z"),
        display: Some("d1".to_owned()),
        ..all_day("s")
    };
    let look = tenant(vec![well(1)], vec![later], ContentStatus::Active);
    assert!(findings(&look).contains("coverage_gap display:default/d1"));
}

#[test]
fn a_playlist_of_archived_items_is_a_blank_screen() {
    let own = DisplayRow { playlist: Some("p".to_owned()), ..well(1) };
    let look = tenant(vec![own.clone()], Vec::new(), ContentStatus::Archived);
    assert_eq!(findings(&look), BTreeSet::from(["display_blank display:default/d1".to_owned()]));
    let look = tenant(vec![own], Vec::new(), ContentStatus::Active);
    assert_eq!(findings(&look), BTreeSet::new());
}

#[test]
fn a_display_that_nobody_expects_to_play_is_not_offline() {
    let silent = DisplayRow { playlist: Some("p".to_owned()), ..display(1, 200, None, 8) };
    let never = DisplayRow { last_heartbeat: None, ..silent.clone() };
    let pairing = DisplayRow { playlist: silent.playlist.clone(), ..display(1, 200, None, 1) };
    let disabled = DisplayRow { disabled: true, ..silent.clone() };
    let unpaired = DisplayRow { unpaired_at: Some(at("2026-11-01T00:00:00Z")), ..silent.clone() };
    for excused in [never, pairing, disabled, unpaired] {
        let look = tenant(vec![excused], Vec::new(), ContentStatus::Active);
        assert_eq!(findings(&look), BTreeSet::new());
    }
    let look = tenant(vec![silent], Vec::new(), ContentStatus::Active);
    assert_eq!(findings(&look), BTreeSet::from(["display_offline display:default/d1".to_owned()]));
}

#[tokio::test]
async fn rows_that_come_and_go_between_two_pages_are_neither_lost_nor_imagined() {
    let sizes = Sizes { displays: 230, content: 230, playlists: 20, schedules: 30, tenants: 1 };
    let mut world = World::at(NOON, Options { seed: 9, sizes, ..Options::default() }).await;
    world.observe_only = true;
    for (who, route) in [(Who::Fleet, "GET /displays"), (Who::Content, "GET /content")] {
        let clean = found(&world.run(who).await);
        assert!(clean.len() > 20, "{}", clean.len());
        world.sandbox.set_faults(vec![Fault::always(route, FaultKind::ShiftingPages)]);
        let report = world.run(who).await;
        world.sandbox.set_faults(Vec::new());
        let now = found(&report);
        let truth: BTreeSet<_> = world.sandbox.truth_now().iter().map(TruthEntry::found).collect();
        let imagined: Vec<_> = now.difference(&clean).filter(|one| !truth.contains(*one)).collect();
        assert!(imagined.len() <= 5, "more than rows that pass by: {imagined:?}");
        let ended = world.incidents().await.into_iter().filter(|one| !one.is_active());
        let ended: Vec<_> = ended
            .filter(|one| {
                truth.iter().any(|entry| {
                    entry.check == one.key.check.as_str()
                        && entry.subject == one.key.subject.to_string()
                })
            })
            .collect();
        assert!(ended.is_empty(), "{ended:?}");
    }
    world.end().await;
}

#[tokio::test]
async fn what_was_mended_does_not_make_up_for_what_was_not() {
    let world = World::small(5).await;
    let report = world.run(Who::Schedules).await;
    assert!(report.counts["verified"] > 0, "{:?}", report.counts);
    assert!(report.open.iter().any(|one| one.severity >= Severity::Warning), "{:?}", report.open);
    assert_eq!(report.exit, ExitClass::Findings);
    world.end().await;
}

#[tokio::test]
async fn an_account_that_may_only_look_tries_nothing_and_uses_up_no_attempt() {
    let world = World::small(31).await;
    for _ in 0..3 {
        let viewer = world.engine_as("viewer@");
        let report = world.run_with(&viewer, Who::Content).await;
        assert!(!found(&report).is_empty(), "{report:?}");
        world.pass(Duration::from_hours(3));
    }
    assert_eq!(world.remediations().await, []);
    let incidents = world.incidents().await;
    let unfit = incidents.iter().filter(|one| one.key.check.as_str() == "account_unfit");
    assert_eq!(unfit.count(), 1, "the account itself is the fault");
    let mut told = false;
    for incident in &incidents {
        let rulings = world.store.decisions(&incident.key, 5).await.expect("the ledger works");
        told |= format!("{rulings:?}").contains("the account is a viewer");
    }
    assert!(told, "nothing says why nothing was done");
    world.run(Who::Content).await;
    let tried = world.remediations().await;
    assert!(!tried.is_empty(), "a manager still may");
    assert!(tried.iter().all(|one| one.attempt == 1), "{tried:?}");
    world.end().await;
}

#[tokio::test]
async fn attempts_are_counted_anew_once_a_finding_was_gone_for_long_and_not_before() {
    for (pause, wanted) in [(Duration::from_mins(20), 2), (Duration::from_mins(31), 1)] {
        let world = World::small(5).await;
        world.run(Who::Schedules).await;
        let acts = world.remediations().await;
        let act = acts.iter().find(|one| {
            one.state == RemediationState::Verified
                && matches!(one.operation, Operation::DeactivateSchedule(_))
        });
        let act = act.expect("a schedule was switched off").clone();
        assert_eq!(act.attempt, 1);
        world.pass(pause);
        let engine = world.engine();
        let Target::Row(row) = act.operation.target() else { panic!("{act:?}") };
        let again = Operation::ActivateSchedule(row.clone());
        let hands = engine.hands.platform.as_ref().expect("there are hands");
        hands.send(&again).await.expect("the platform takes it");
        let report = world.run(Who::Schedules).await;
        let action = report.plan.actions.iter().find(|action| action.key == act.key);
        let left = report.plan.deferrals.iter().find(|left| left.key == act.key);
        let attempt = action.map(|action| action.attempt);
        assert_eq!(attempt, Some(wanted), "after {pause:?}: {left:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn hundreds_of_acts_of_one_run_are_all_in_the_ledger_and_critical_incidents_stay_published() {
    let sizes = Sizes { displays: 300, content: 800, playlists: 60, schedules: 120, tenants: 2 };
    let mut world = World::at(NOON, Options { seed: 21, sizes, ..Options::default() }).await;
    world.observe_only = true;
    world.run(Who::Fleet).await;
    world.observe_only = false;
    let report = world.run(Who::Content).await;
    let effects = world.sandbox.effects();
    assert!(effects.len() > 200, "{} acts", effects.len());
    let kept = world.remediations().await;
    let kept: BTreeSet<String> = kept
        .iter()
        .filter(|one| one.run == report.run)
        .map(|one| one.operation.target().to_string())
        .collect();
    let sent: BTreeSet<String> =
        effects.iter().map(|one| format!("content {}/{}", one.tenant, one.act.row)).collect();
    assert_eq!(kept, sent);
    let incidents = world.incidents().await;
    let ended = incidents.iter().filter(|one| !one.is_active()).count();
    assert!(ended >= 200, "{ended} incidents ended");
    let state = std::fs::read(world.folder.path().join("ops-state.json")).expect("it is published");
    let state: serde_json::Value = serde_json::from_slice(&state).expect("it is JSON");
    let published = |id: &str| {
        let rows = state["incidents"].as_array().expect("a list");
        rows.iter().any(|row| row["id"] == id && row["status"] != "resolved")
    };
    let critical =
        incidents.iter().filter(|one| one.is_active() && one.severity == Severity::Critical);
    let critical: Vec<String> = critical.map(|one| one.id.to_string()).collect();
    assert!(!critical.is_empty());
    for id in critical {
        assert!(published(&id), "{id} is not published");
    }
    world.end().await;
}

#[tokio::test]
async fn a_platform_that_hangs_ends_a_run_by_its_deadline_and_leaves_nothing_half() {
    for who in Who::ALL {
        let mut world = World::small(5).await;
        world.timeout = Duration::from_secs(2);
        world.sandbox.set_faults(vec![Fault::always("*", FaultKind::Hang)]);
        let began = world.clock.now();
        let report = world.run(who).await;
        let took = world.clock.now().duration_since(began).unsigned_abs();
        assert!(took < Duration::from_secs(3), "{who:?} took {took:?}");
        assert_eq!(report.exit, ExitClass::Incomplete);
        assert_eq!(world.sandbox.effects(), Vec::new());
        assert_eq!(world.remediations().await, Vec::new());
        let runs = world.ledger_runs().await;
        let states: Vec<_> = runs.iter().map(|run| (run.state, run.ended_at.is_some())).collect();
        assert_eq!(states, vec![(RunState::Failed, true)]);
        world.end().await;
    }
}

#[tokio::test]
async fn no_token_of_a_row_and_no_secret_of_an_account_is_in_any_file() {
    let world = World::small(5).await;
    for who in Who::ALL {
        world.run(who).await;
    }
    let tapes = world.tapes();
    assert_eq!(tapes.len(), 3);
    let mut texts: Vec<(String, Vec<u8>)> =
        tapes.into_iter().map(|tape| ("a tape".to_owned(), tape)).collect();
    let mut folders = vec![world.folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                texts.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
            }
        }
    }
    assert!(texts.len() > 5, "{}", texts.len());
    let mut secrets = tokens_of_displays(&world).await;
    assert!(secrets.len() > 5, "{secrets:?}");
    secrets.extend(["jwtToken", opswarden::sandbox::PASSWORD].map(str::to_owned));
    for secret in secrets {
        for (name, text) in &texts {
            let holds = text.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!holds, "{secret} is in {name}");
        }
    }
    world.end().await;
}
