//! What a list that was cut short must not lead to.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use opswarden::agent::Agent as _;
use opswarden::agent::tenant::{ShelfLook, TenantLook};
use opswarden::agent::tenant_snapshot::{Looks, Seen, Snapshot};
use opswarden::agents::fleet_manager::{Fault as Found, FleetManager, checks};
use opswarden::domain::diagnosis::Verdict;
use opswarden::domain::platform::{Dialect, DisplayRow, DisplayStatus, Listing, Roll, Tally};
use opswarden::domain::run::Recall;
use opswarden::domain::subject::{Subject, SubjectKind};
use opswarden::sandbox::{self, Fault, FaultKind, Options, Sizes};

use super::world::{NOON, Who, World, found};

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().expect("a time")
}

fn listing<T>(items: Vec<T>, cut_short: Option<String>) -> Listing<T> {
    Listing { items, cut_short, total: 4, platform_now: now(), at: now() }
}

/// A display of the hall of which nothing was heard for half an hour.
fn silent(name: &str) -> DisplayRow {
    let heard = now().checked_sub(SignedDuration::from_mins(30)).expect("a time");
    DisplayRow {
        id: name.to_owned(),
        name: name.to_owned(),
        location: Some("Hall".to_owned()),
        status: DisplayStatus::Offline,
        zone: None,
        last_heartbeat: Some(heard),
        disabled: false,
        playlist: None,
        paired_at: None,
        unpaired_at: None,
    }
}

/// Whether the hall is called dark, in which three displays are silent and so many are lit.
fn is_dark(lit: usize, cut_short: Option<&str>) -> bool {
    let shines = |number| DisplayRow {
        status: DisplayStatus::Online,
        last_heartbeat: Some(now()),
        ..silent(&format!("lit-{number}"))
    };
    let displays: Vec<DisplayRow> =
        ["d-1", "d-2", "d-3"].map(silent).into_iter().chain((0..lit).map(shines)).collect();
    let look = TenantLook {
        tenant: "shop".to_owned(),
        displays: Ok(listing(displays, cut_short.map(str::to_owned))),
        groups: Ok(listing(Vec::new(), None)),
        schedules: Ok(listing(Vec::new(), None)),
        playlists: Ok(listing(Vec::new(), None)),
        shelf: ShelfLook { whole: true, ..ShelfLook::default() },
    };
    let looks = Looks::Everything(vec![look]);
    let seen = Seen { dialect: Dialect::Vizora, tenants: vec!["shop".to_owned()], looks };
    let found =
        FleetManager::default().detect(&Snapshot { platform: Ok(seen) }, &Recall::default(), now());
    let of_check = &found.checks[&checks::LOCATION_DARK];
    of_check.findings.values().any(|verdict| matches!(verdict, Verdict::Faulty(..)))
}

#[test]
fn a_place_is_dark_only_where_every_display_was_listed() {
    assert!(is_dark(0, None));
    assert!(!is_dark(0, Some("1 of 4 rows was not read")), "the fourth one may be lit");
}

#[test]
fn a_place_with_one_lit_display_is_not_dark() {
    for lit in 1..3 {
        assert!(!is_dark(lit, None));
    }
}

/// A playlist may hold nothing but a layout, and what that shows is named in the list of layouts alone.
#[tokio::test]
async fn layouts_that_cannot_be_seen_make_no_screen_blank_and_no_playlist_empty() {
    let sizes = Sizes { displays: 60, content: 120, playlists: 30, schedules: 40, tenants: 1 };
    for (dialect, kind) in [
        (sandbox::Dialect::Vizora, FaultKind::Status(500)),
        (sandbox::Dialect::Reference, FaultKind::Status(500)),
        (sandbox::Dialect::Vizora, FaultKind::EmptyList),
    ] {
        let options = Options { seed: 3, sizes, dialect, ..Options::default() };
        let mut world = World::at(NOON, options).await;
        world.observe_only = true;
        world.sandbox.set_faults(vec![Fault::always("GET /content/layouts", kind)]);
        for who in [Who::Fleet, Who::Schedules] {
            let seen: Vec<_> = found(&world.run(who).await).into_iter().collect();
            let score = world.sandbox.score(&seen);
            let wrong: Vec<_> = score.checks.values().flat_map(|of| &of.false_alarms).collect();
            assert!(wrong.is_empty(), "{who:?} says of {wrong:?} what is not true");
            assert!(!seen.is_empty());
        }
        world.end().await;
    }
}

/// How many runs, ten minutes after each other, call a list of `rows` implausible after ten that had a hundred.
fn doubted(rows: u64) -> usize {
    const KEPT: usize = 10;
    let subject = Subject::new(SubjectKind::Tenant, "shop", "displays");
    let mut at: Timestamp = "2026-11-20T12:00:00Z".parse().expect("a time");
    let mut samples = Vec::new();
    let mut doubts = 0;
    for run in 0..1_000 {
        at += SignedDuration::from_mins(10);
        let of = BTreeMap::from([(subject.clone(), samples.clone())]);
        let recall =
            Recall { series: BTreeMap::from([("displays".to_owned(), of)]), ..Recall::default() };
        let mut roll = Roll::<Found>::new(&FleetManager::SPEC, &BTreeSet::new());
        let rows = if run < KEPT { 100 } else { rows };
        let tally = Tally {
            tenant: "shop",
            what: "displays",
            series: "displays",
            rows,
            cut_short: None,
            at,
        };
        doubts += usize::from(tally.count(&recall, &mut roll).is_some());
        samples.append(&mut roll.diagnosis().samples);
        samples.drain(..samples.len().saturating_sub(KEPT));
    }
    doubts
}

#[test]
fn a_list_that_lost_most_of_its_rows_is_believed_after_three_days_and_not_before() {
    let day = 24 * 6;
    let doubts = doubted(40);
    assert!((3 * day..4 * day).contains(&doubts), "{doubts}");
    assert_eq!(doubted(50), 0);
}
