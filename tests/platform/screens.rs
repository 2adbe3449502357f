//! What is on glass, and what a display or a schedule is told about it, on tenants that are drawn up row by row.

use std::collections::{BTreeMap, BTreeSet};

use opswarden::agent::tenant::TenantLook;
use opswarden::agent::{Agent, Remedy};
use opswarden::agents::fleet_manager::FleetManager;
use opswarden::domain::diagnosis::Verdict;
use opswarden::domain::incident::Incident;
use opswarden::domain::platform::{
    ContentDetail, ContentStatus, Dialect, DisplayRow, GroupRow, ScheduleRow,
};
use opswarden::domain::run::Recall;

use super::behaviours::{all_day, findings, tenant, well};
use super::laws::{at, by_group, display, doctor, incidents, judged, listing, snapshot_of};
use super::world::NOON;

/// What an agent would do about each of its findings.
fn remedies<A>(agent: &A, look: &TenantLook, dialect: Dialect) -> BTreeMap<String, String>
where
    A: Agent<Snapshot = opswarden::agent::tenant_snapshot::Snapshot>,
{
    let snapshot = snapshot_of(look, dialect);
    let found = agent.detect(&snapshot, &Recall::default(), at(NOON));
    let mut all = BTreeMap::new();
    for (check, of_check) in &found.checks {
        for (subject, verdict) in &of_check.findings {
            if let Verdict::Faulty(fault, _) = verdict {
                let told = match agent.remedy(subject, fault, &snapshot, at(NOON)) {
                    Remedy::Act(step) => step.operation.to_string(),
                    Remedy::Leave { .. } => "left".to_owned(),
                };
                all.insert(format!("{check} {}", subject.id()), told);
            }
        }
    }
    all
}

/// A display that plays its own playlist.
fn own(number: usize) -> DisplayRow {
    DisplayRow { playlist: Some("p".to_owned()), ..well(number) }
}

#[test]
fn a_screen_goes_blank_when_the_last_piece_expires() {
    let mut look = tenant(vec![own(1)], Vec::new(), ContentStatus::Active);
    let mut expires = |text: &str| {
        let detail = ContentDetail { expires_at: Some(at(text)), ..ContentDetail::default() };
        look.shelf.details.insert("c".to_owned(), detail);
        findings(&look)
    };
    let blank = BTreeSet::from(["display_blank display:default/d1".to_owned()]);
    assert_eq!(expires("2026-11-19T00:00:00Z"), blank, "it is over");
    assert_eq!(expires("2026-11-20T12:30:00Z"), blank, "it will be soon");
    assert_eq!(expires("2026-12-24T00:00:00Z"), BTreeSet::new(), "it lasts");
}

#[test]
fn a_display_that_was_never_seen_is_not_called_blank_either() {
    let never = DisplayRow { last_heartbeat: None, ..well(1) };
    assert_eq!(findings(&tenant(vec![never], Vec::new(), ContentStatus::Active)), BTreeSet::new());
}

#[test]
fn only_a_display_without_a_playlist_of_its_own_is_given_the_fallback() {
    let gone = ScheduleRow {
        playlist: Some("long gone".to_owned()),
        display: Some("d1".to_owned()),
        ..all_day("s")
    };
    let given = |row: DisplayRow| {
        let mut look = tenant(vec![row], vec![gone.clone()], ContentStatus::Active);
        let mut fallback = look.playlists.as_ref().expect("it was seen").items[0].clone();
        fallback.id = "p2".to_owned();
        look.playlists.as_mut().expect("it was seen").items.push(fallback);
        remedies(&doctor(), &look, Dialect::Reference)["coverage_gap d1"].clone()
    };
    assert_eq!(given(own(1)), "left");
    assert!(given(well(1)).contains("p2"), "{}", given(well(1)));
}

#[test]
fn two_schedules_on_a_display_whose_zone_is_not_known_are_not_called_well() {
    let on = |id: &str| ScheduleRow { display: Some("d1".to_owned()), ..all_day(id) };
    let mut look = tenant(vec![own(1)], vec![on("a"), on("b")], ContentStatus::Active);
    let pair = "schedule_overlap schedule:default/a+b";
    assert!(findings(&look).contains(pair));
    let open: Vec<Incident> = incidents(&look, Dialect::Vizora);
    look.displays = listing(vec![DisplayRow { zone: Some("Mars/Olympus".to_owned()), ..own(1) }]);
    let (said, unknown) = judged(&look, Dialect::Vizora, &open);
    assert!(!said.contains_key(pair), "{said:?}");
    assert!(unknown.contains(&pair.to_owned()), "{unknown:?}");
}

#[test]
fn what_a_silent_display_is_told_depends_on_its_connection_and_its_silence() {
    let told = |silent, status, dialect| {
        // Others are well, so that no place is dark.
        let row = DisplayRow { playlist: Some("p".to_owned()), ..display(1, silent, None, status) };
        let look = tenant(vec![row, own(2), own(3)], Vec::new(), ContentStatus::Active);
        remedies(&FleetManager::default(), &look, dialect)["display_offline d1"].clone()
    };
    let (online, offline) = (8, 0);
    for (silent, status, dialect, wanted) in [
        (20, online, Dialect::Vizora, "reload"),
        (20, offline, Dialect::Vizora, "left"),
        (20, offline, Dialect::Reference, "ping"),
        // Longer than an hour: it will not come back by itself.
        (61, online, Dialect::Vizora, "left"),
        (61, offline, Dialect::Reference, "left"),
    ] {
        let found = told(silent, status, dialect);
        assert!(found.contains(wanted), "{silent} {status} {dialect:?}: {found}");
    }
}

#[test]
fn two_groups_of_one_name_are_two_places() {
    let silent = |number| display(number, 30, None, 0);
    let rows: Vec<DisplayRow> = (1..=3).map(silent).chain((4..=6).map(well)).collect();
    let mut look = tenant(rows, Vec::new(), ContentStatus::Active);
    let group = |id: &str, displays: &[&str]| GroupRow {
        id: id.to_owned(),
        name: "Lobby".to_owned(),
        displays: displays.iter().map(|id| (*id).to_owned()).collect(),
    };
    // A display that is named twice counts once.
    let dark = group("west", &["d1", "d2", "d3"]);
    let small = group("south", &["d1", "d1", "d2"]);
    look.groups = listing(vec![dark, small, group("east", &["d4", "d5", "d6"])]);
    let agent = FleetManager { place_displays: 3, ..by_group() };
    let found = remedies(&agent, &look, Dialect::Vizora);
    let dark: Vec<&String> = found.keys().filter(|key| key.starts_with("location_dark")).collect();
    assert_eq!(dark, ["location_dark west"]);
}
