//! Laws of judgement that hold for any tenant: order says nothing, healthy rows say nothing of others, and what is not
//! seen is never well.

use std::collections::BTreeSet;

use opswarden::agent::Agent;
use opswarden::agent::tenant::{ShelfLook, TenantLook};
use opswarden::agent::tenant_snapshot::{Looks, Seen, Snapshot};
use opswarden::agents::fleet_manager::FleetManager;
use opswarden::agents::fleet_manager::settings::Place;
use opswarden::agents::schedule_doctor::ScheduleDoctor;
use opswarden::domain::diagnosis::{Diagnosis, Verdict};
use opswarden::domain::incident::{Incident, IncidentId};
use opswarden::domain::platform::{
    ContentDetail, ContentStatus, Dialect, DisplayRow, DisplayStatus, GroupRow, Listing,
    PlaylistItem, PlaylistRow, ScheduleRow,
};
use opswarden::domain::run::Recall;
use opswarden::domain::severity::Severity;
use opswarden::domain::sight::{Blind, Sight};
use opswarden::domain::subject::Key;
use proptest::prelude::*;

use super::world::NOON;

const TENANT: &str = "default";

pub(crate) fn at(text: &str) -> jiff::Timestamp {
    text.parse().expect("a moment")
}

#[expect(clippy::unnecessary_wraps, reason = "it is what a look holds")]
pub(crate) fn listing<T>(items: Vec<T>) -> Sight<Listing<T>> {
    let (platform_now, total) = (at(NOON), items.len() as u64);
    Ok(Listing { items, cut_short: None, total, platform_now, at: at(NOON) })
}

pub(crate) fn display(number: usize, silent: u64, own: Option<usize>, status: u8) -> DisplayRow {
    let heard = at(NOON).checked_sub(std::time::Duration::from_mins(silent)).expect("a moment");
    DisplayRow {
        id: format!("d{number}"),
        name: format!("Display {number}"),
        location: Some(format!("hall {}", number % 3)),
        status: match status {
            0 => DisplayStatus::Error,
            1 => DisplayStatus::Pairing,
            2 => DisplayStatus::Offline,
            _ => DisplayStatus::Online,
        },
        zone: [None, Some("Europe/Berlin"), Some("Asia/Tokyo")][number % 3].map(str::to_owned),
        last_heartbeat: (status != 3).then_some(heard),
        disabled: status == 4,
        playlist: own.map(|own| format!("p{own}")),
        paired_at: None,
        unpaired_at: None,
    }
}

fn schedule(
    number: usize,
    aim: (Option<usize>, usize),
    window: (u16, u16),
    kind: u8,
) -> ScheduleRow {
    let (to, playlist) = aim;
    ScheduleRow {
        id: format!("s{number}"),
        name: format!("Schedule {number}"),
        starts_at: at(if kind == 0 { "2026-12-10T00:00:00Z" } else { "2026-01-01T00:00:00Z" }),
        ends_at: (kind == 1).then(|| at("2026-11-01T00:00:00Z")),
        from_minute: (window.0 != window.1).then_some(window.0),
        to_minute: (window.0 != window.1).then_some(window.1),
        days: (0..7).filter(|day| kind != 2 || day % 2 == 0).collect(),
        priority: i64::from(kind % 2),
        active: kind != 3,
        playlist: (kind != 4).then(|| format!("p{playlist}")),
        display: to.filter(|to| to % 2 == 0).map(|to| format!("d{to}")),
        group: to.filter(|to| to % 2 == 1).map(|to| format!("g{}", to % 4)),
    }
}

/// Any tenant: displays, groups, schedules that aim at either or at nothing, playlists that play or do not.
fn tenants() -> impl Strategy<Value = TenantLook> {
    let displays =
        prop::collection::vec((0_u64..200, prop::option::of(0_usize..6), 0_u8..9), 1..10);
    let aim = (prop::option::of(0_usize..10), 0_usize..7);
    let schedules = prop::collection::vec((aim, (0_u16..1440, 0_u16..1440), 0_u8..9), 0..10);
    let playlists = prop::collection::vec(prop::collection::vec(0_usize..8, 0..4), 5..6);
    let groups = prop::collection::vec(prop::collection::vec(0_usize..10, 0..4), 4..5);
    (displays, schedules, playlists, groups).prop_map(|(displays, schedules, playlists, groups)| {
        let displays = displays.into_iter().enumerate();
        let schedules = schedules.into_iter().enumerate();
        let status = |item: usize| {
            if item < 5 { ContentStatus::Active } else { ContentStatus::Archived }
        };
        let ends = |item: usize| match item {
            0 => Some(at("2026-11-19T00:00:00Z")),
            1 => Some(at("2026-11-20T14:00:00Z")),
            _ => None,
        };
        let item = |content: &usize| PlaylistItem {
            content: format!("c{content}"),
            status: status(*content),
            layout: false,
        };
        let detail = |item| ContentDetail { expires_at: ends(item), ..ContentDetail::default() };
        TenantLook {
            tenant: TENANT.to_owned(),
            displays: listing(
                displays
                    .map(|(number, (silent, own, status))| display(number, silent, own, status))
                    .collect(),
            ),
            groups: listing(
                groups
                    .into_iter()
                    .enumerate()
                    .map(|(number, members)| GroupRow {
                        id: format!("g{number}"),
                        name: format!("Group {number}"),
                        displays: members.iter().map(|id| format!("d{id}")).collect(),
                    })
                    .collect(),
            ),
            schedules: listing(
                schedules
                    .map(|(number, (aim, window, kind))| schedule(number, aim, window, kind))
                    .collect(),
            ),
            playlists: listing(
                playlists
                    .iter()
                    .enumerate()
                    .map(|(number, items)| PlaylistRow {
                        id: format!("p{number}"),
                        name: format!("Playlist {number}"),
                        items: items.iter().map(item).collect(),
                    })
                    .collect(),
            ),
            shelf: ShelfLook {
                content: (0..8).map(|item| (format!("c{item}"), status(item))).collect(),
                whole: true,
                details: (0..8).map(|item| (format!("c{item}"), detail(item))).collect(),
                cut_short: None,
            },
        }
    })
}

/// What both agents say of a tenant: per finding whether it is faulty, and how; `None` for one that is well.
pub(crate) type Said = std::collections::BTreeMap<String, Option<String>>;

fn said<F: std::fmt::Debug>(diagnosis: &Diagnosis<F>, unknown: &mut Vec<String>) -> Said {
    let mut said = Said::new();
    for (check, of_check) in &diagnosis.checks {
        for (subject, verdict) in &of_check.findings {
            let key = format!("{check} {subject}");
            match verdict {
                Verdict::Faulty(fault, _) => drop(said.insert(key, Some(format!("{fault:?}")))),
                Verdict::Healthy(_) => drop(said.insert(key, None)),
                Verdict::Unknown { .. } => unknown.push(key),
            }
        }
    }
    said
}

pub(crate) fn doctor() -> ScheduleDoctor {
    let fallback_playlists = [(TENANT.to_owned(), "p2".to_owned())].into();
    ScheduleDoctor { fallback_playlists, ..ScheduleDoctor::default() }
}

/// Incidents for everything that was found in `look`.
pub(crate) fn incidents(look: &TenantLook, dialect: Dialect) -> Vec<Incident> {
    fn of<A: Agent>(diagnosis: &Diagnosis<A::Fault>) -> Vec<Key> {
        let checks = diagnosis.checks.iter();
        let all = checks.flat_map(|(check, of)| {
            of.findings.iter().map(move |(subject, verdict)| (check, subject, verdict))
        });
        let faulty = all.filter(|(_, _, verdict)| matches!(verdict, Verdict::Faulty(..)));
        faulty
            .map(|(check, subject, _)| Key::new(A::SPEC.name, check.clone(), subject.clone()))
            .collect()
    }
    let none = Recall::default();
    let fleet = FleetManager::default().detect(&snapshot_of(look, dialect), &none, at(NOON));
    let grouped = by_group().detect(&snapshot_of(look, dialect), &none, at(NOON));
    let schedules = doctor().detect(&snapshot_of(look, dialect), &none, at(NOON));
    let fleet = of::<FleetManager>(&fleet).into_iter().chain(of::<FleetManager>(&grouped));
    let keys: BTreeSet<Key> = fleet.chain(of::<ScheduleDoctor>(&schedules)).collect();
    let incident = |(number, key)| Incident {
        id: IncidentId(number),
        key,
        severity: Severity::Warning,
        message: String::new(),
        facts: std::collections::BTreeMap::new(),
        opened_at: at(NOON),
        relapse_of: None,
        attempts: 0,
        last_attempt_at: None,
        last_operation: None,
        escalated: None,
        acknowledged: None,
        resolved: None,
    };
    (1..).zip(keys).map(incident).collect()
}

pub(crate) fn snapshot_of(look: &TenantLook, dialect: Dialect) -> Snapshot {
    let looks = Looks::Everything(vec![look.clone()]);
    Snapshot { platform: Ok(Seen { dialect, tenants: vec![TENANT.to_owned()], looks }) }
}

pub(crate) fn judged(
    look: &TenantLook,
    dialect: Dialect,
    incidents: &[Incident],
) -> (Said, Vec<String>) {
    let recall = Recall { incidents: incidents.to_vec(), ..Recall::default() };
    let fleet = FleetManager::default().detect(&snapshot_of(look, dialect), &recall, at(NOON));
    let schedules = doctor().detect(&snapshot_of(look, dialect), &recall, at(NOON));
    let mut unknown = Vec::new();
    let mut all = said(&fleet, &mut unknown);
    all.extend(said(&schedules, &mut unknown));
    (all, unknown)
}

/// The same where groups are the places that can be dark.
fn judged_by_group(look: &TenantLook, dialect: Dialect, incidents: &[Incident]) -> Said {
    let recall = Recall { incidents: incidents.to_vec(), ..Recall::default() };
    let found = by_group().detect(&snapshot_of(look, dialect), &recall, at(NOON));
    said(&found, &mut Vec::new())
}

pub(crate) fn by_group() -> FleetManager {
    FleetManager { place: Place::Group, place_displays: 1, ..FleetManager::default() }
}

fn faults(said: &Said) -> Said {
    said.iter()
        .filter(|(_, fault)| fault.is_some())
        .map(|(key, fault)| (key.clone(), fault.clone()))
        .collect()
}

fn dialects() -> impl Strategy<Value = Dialect> {
    prop::sample::select(vec![Dialect::Vizora, Dialect::Reference])
}

/// Takes rows away, and tells so.
fn hide<T>(list: &mut Sight<Listing<T>>, keep: usize, blind: bool) {
    if blind {
        *list = Err(Blind::because("it does not answer"));
    } else if let Ok(list) = list {
        list.items.truncate(keep);
        list.cut_short = Some("a page is missing".to_owned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn the_order_of_lists_changes_nothing(look in tenants(), dialect in dialects(), turn in 1_usize..9) {
        let mut other = look.clone();
        let turned = turn;
        other.displays.as_mut().expect("seen").items.reverse();
        other.groups.as_mut().expect("seen").items.reverse();
        let schedules = &mut other.schedules.as_mut().expect("seen").items;
        let many = schedules.len().max(1);
        schedules.rotate_left(turned % many);
        other.playlists.as_mut().expect("seen").items.reverse();
        // Which of several displays is named for an overlap may differ; that it is one may not.
        let bare = |said: Said| -> Vec<(String, bool)> {
            said.into_iter().map(|(key, fault)| (key, fault.is_some())).collect()
        };
        prop_assert_eq!(bare(judged(&look, dialect, &[]).0), bare(judged(&other, dialect, &[]).0));
    }

    #[test]
    fn healthy_displays_say_nothing_of_others(look in tenants(), dialect in dialects()) {
        let mut more = look.clone();
        for number in 20..26 {
            let mut fresh = display(number, 0, None, 8);
            fresh.location = Some("a place of its own".to_owned());
            fresh.playlist = Some("always".to_owned());
            more.displays.as_mut().expect("seen").items.push(fresh);
        }
        more.playlists.as_mut().expect("seen").items.push(PlaylistRow {
            id: "always".to_owned(),
            name: "Always".to_owned(),
            items: vec![PlaylistItem { content: "c4".to_owned(), status: ContentStatus::Active, layout: false }],
        });
        prop_assert_eq!(judged(&look, dialect, &[]).0, judged(&more, dialect, &[]).0);
    }

    #[test]
    fn what_is_hidden_is_never_well_and_adds_no_fault(
        look in tenants(),
        dialect in dialects(),
        which in 0_usize..6,
        keep in 0_usize..6,
        blind in any::<bool>(),
    ) {
        let all = incidents(&look, dialect);
        let (seen, _) = judged(&look, dialect, &all);
        let mut hidden = look.clone();
        match which {
            0 => hide(&mut hidden.displays, keep, blind),
            1 => hide(&mut hidden.groups, keep, blind),
            2 => hide(&mut hidden.schedules, keep, blind),
            3 => hide(&mut hidden.playlists, keep, blind),
            4 => {
                hidden.shelf.details.retain(|id, _| *id < format!("c{keep}"));
                hidden.shelf.cut_short = Some("limits".to_owned());
            }
            _ => {
                hidden.shelf.content.retain(|id, _| *id < format!("c{keep}"));
                hidden.shelf.whole = false;
                hidden.shelf.details.clear();
                hidden.shelf.cut_short = Some("it does not answer".to_owned());
            }
        }
        let grouped = faults(&judged_by_group(&look, dialect, &all));
        for (key, fault) in judged_by_group(&hidden, dialect, &all) {
            match fault {
                Some(_) => prop_assert!(grouped.contains_key(&key), "{key} is new: {fault:?}"),
                None => prop_assert!(!grouped.contains_key(&key), "{key} is called well"),
            }
        }
        let (partly, _) = judged(&hidden, dialect, &all);
        let known = faults(&seen);
        for (key, fault) in &partly {
            match fault {
                Some(_) => prop_assert!(known.contains_key(key), "{key} is new: {fault:?}"),
                None => prop_assert!(!known.contains_key(key), "{key} is called well"),
            }
        }
    }

    #[test]
    fn who_sees_nothing_says_nothing(look in tenants(), dialect in dialects()) {
        let all = incidents(&look, dialect);
        let recall = Recall { incidents: all.clone(), ..Recall::default() };
        let seen = Snapshot { platform: Err(Blind::because("no answer")) };
        let mut unknown = Vec::new();
        let mut words = said(&FleetManager::default().detect(&seen, &recall, at(NOON)), &mut unknown);
        words.extend(said(&doctor().detect(&seen, &recall, at(NOON)), &mut unknown));
        prop_assert!(words.is_empty(), "{words:?}");
        for incident in &all {
            let key = format!("{} {}", incident.key.check, incident.key.subject);
            prop_assert!(unknown.contains(&key), "{key} is not said to be unknown");
        }
    }
}
