//! What a list that was cut short must not lead to.

use jiff::{SignedDuration, Timestamp};
use opswarden::agent::Agent as _;
use opswarden::agent::tenant::{ShelfLook, TenantLook};
use opswarden::agent::tenant_snapshot::{Looks, Seen, Snapshot};
use opswarden::agents::fleet_manager::{FleetManager, checks};
use opswarden::domain::diagnosis::Verdict;
use opswarden::domain::platform::{Dialect, DisplayRow, DisplayStatus, Listing};
use opswarden::domain::run::Recall;

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

/// Whether the hall is called dark.
fn is_dark(cut_short: Option<&str>) -> bool {
    let displays = ["d-1", "d-2", "d-3"].map(silent).into();
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
    assert!(is_dark(None));
    assert!(!is_dark(Some("1 of 4 rows was not read")), "the fourth one may be lit");
}
