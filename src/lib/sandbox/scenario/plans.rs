//! Schedules.

use super::deal::Deal;
use super::fleet::{Displays, Part as Hung, group};
use super::shelf::Playlists;
use crate::sandbox::model::schedule::Schedule;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::seed::Seeded;
use crate::sandbox::time::{DAY, HOUR, Stamp};

/// The part that schedules play; pairs take two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Plain,
    Ended,
    NoTarget,
    EmptyGroup,
    EmptyPlaylist,
    GonePlaylist,
    Overlapping,
    OverlappingByNight,
    OverlappingByGroup,
    Touching,
    SwitchedOffGroup,
    OtherPriority,
    NextMonth,
    Off,
    OverMidnight,
}

const USUAL: usize = 120;
const SHARES: [(Part, usize); 14] = [
    (Part::Ended, 15),
    (Part::NoTarget, 5),
    (Part::EmptyGroup, 4),
    (Part::EmptyPlaylist, 4),
    (Part::GonePlaylist, 4),
    (Part::Overlapping, 11),
    (Part::OverlappingByNight, 3),
    (Part::OverlappingByGroup, 2),
    (Part::Touching, 3),
    (Part::SwitchedOffGroup, 2),
    (Part::OtherPriority, 4),
    (Part::NextMonth, 4),
    (Part::Off, 4),
    (Part::OverMidnight, 4),
];
const BATCH: usize = 12;
const EVERY_DAY: [i64; 7] = [0, 1, 2, 3, 4, 5, 6];

struct Planner<'a> {
    now: Stamp,
    tenant: &'a mut Tenant,
    playlists: &'a Playlists,
    seeded: &'a mut Seeded,
    switched_off: Vec<String>,
    made: usize,
    turn: usize,
}

impl Planner<'_> {
    /// A schedule for every hour of every day, for nobody yet.
    fn draft(&mut self) -> Schedule {
        self.made += 1;
        let batch = i64::try_from(self.made / BATCH).unwrap_or(0) % 100;
        let playlist = self.playlists.good[self.made % self.playlists.good.len()].clone();
        Schedule {
            id: self.seeded.cuid(),
            name: format!("Schedule {:03}", self.made),
            description: None,
            start: self.now.minus((30 + batch) * DAY),
            end: None,
            start_time: None,
            end_time: None,
            days: EVERY_DAY.to_vec(),
            priority: 1 + i64::try_from(self.made % 3).unwrap_or(0),
            is_active: true,
            created: self.now.minus((30 + batch) * DAY),
            updated: self.now.minus(10 * DAY),
            playlist_id: playlist,
            display_id: None,
            group_id: None,
        }
    }

    fn insert(&mut self, schedule: Schedule) {
        self.tenant.schedules.insert(schedule);
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a schedule may also have no time")]
const fn at(hour: i64, minute: i64) -> Option<i64> {
    Some(hour * 60 + minute)
}

pub(super) fn plan(
    deal: &Deal<'_>,
    tenant: &mut Tenant,
    playlists: &Playlists,
    displays: &Displays,
    seeded: &mut Seeded,
) {
    let total = deal.options.sizes.schedules;
    let mut parts = deal.roles(&SHARES, USUAL, Part::Plain, total, seeded);
    // Pairs need room: those who play no part make it.
    parts.sort_by_key(|part| *part == Part::Plain);
    let plain = displays.of(Hung::Plain);
    let switched_off = displays.of(Hung::Disabled);
    let mut planner =
        Planner { now: deal.now, tenant, playlists, seeded, switched_off, made: 0, turn: 0 };
    cover_groups(&mut planner, displays);
    for display in displays.of(Hung::ByDay) {
        let mut schedule = planner.draft();
        (schedule.start_time, schedule.end_time) = (at(8, 0), at(20, 0));
        schedule.display_id = Some(display);
        planner.insert(schedule);
    }
    for part in parts {
        if planner.tenant.schedules.len() >= total || plain.is_empty() {
            break;
        }
        // Each gets a display of its own while there are any, so that what meets is what was meant to.
        let display = plain[planner.turn % plain.len()].clone();
        planner.turn += 1;
        place(deal, &mut planner, part, display);
    }
}

/// Displays that show what their group shows: by two schedules that follow each other around the clock.
fn cover_groups(planner: &mut Planner<'_>, displays: &Displays) {
    let grouped = displays.of(Hung::Grouped);
    if !grouped.is_empty() {
        let mut members = grouped;
        members.extend(displays.of(Hung::Disabled).into_iter().take(1));
        let group = group("Lobby screens", members, planner.now, planner.seeded);
        for (from, to) in [(at(6, 0), at(22, 0)), (at(22, 0), at(6, 0))] {
            let mut schedule = planner.draft();
            schedule.group_id = Some(group.id.clone());
            (schedule.start_time, schedule.end_time) = (from, to);
            schedule.priority = 5;
            planner.insert(schedule);
        }
        planner.tenant.groups.insert(group);
    }
    let empty = group("Screens to come", Vec::new(), planner.now, planner.seeded);
    planner.tenant.groups.insert(empty);
}

fn place(deal: &Deal<'_>, planner: &mut Planner<'_>, part: Part, display: String) {
    let now = planner.now;
    let mut schedule = planner.draft();
    schedule.display_id = Some(display.clone());
    match part {
        Part::Plain => (schedule.start_time, schedule.end_time) = (at(9, 0), at(18, 0)),
        Part::Ended => schedule.end = Some(now.minus((1 + planner.seeded.between(0, 20)) * DAY)),
        // The live platform's rows always aim at something, if only at a group of nobody.
        Part::NoTarget if deal.dangles() => schedule.display_id = None,
        Part::NoTarget | Part::EmptyGroup => {
            schedule.display_id = None;
            let empty = planner.tenant.groups.iter().find(|group| group.displays.is_empty());
            schedule.group_id = empty.map(|group| group.id.clone());
        }
        Part::OverlappingByGroup => {
            let group = group("Evening screens", vec![display], now, planner.seeded);
            let mut other = planner.draft();
            other.group_id = Some(group.id.clone());
            other.priority = schedule.priority;
            (other.start_time, other.end_time) = (at(17, 0), at(21, 0));
            (schedule.start_time, schedule.end_time) = (at(19, 0), at(23, 0));
            planner.tenant.groups.insert(group);
            planner.insert(other);
        }
        Part::SwitchedOffGroup => {
            let members = planner.switched_off.iter().take(1).cloned().collect();
            let group = group("Screens in storage", members, now, planner.seeded);
            (schedule.display_id, schedule.group_id) = (None, Some(group.id.clone()));
            planner.tenant.groups.insert(group);
        }
        Part::Touching => {
            return pair(planner, schedule, (at(8, 0), at(12, 0)), (at(12, 0), at(16, 0)), 0);
        }
        Part::EmptyPlaylist => {
            let empty = planner.playlists.empty.first();
            schedule.playlist_id = empty.cloned().unwrap_or(schedule.playlist_id);
        }
        Part::GonePlaylist if deal.dangles() => schedule.playlist_id = planner.seeded.cuid(),
        Part::GonePlaylist => {}
        Part::Overlapping => {
            return pair(planner, schedule, (at(8, 0), at(14, 0)), (at(12, 0), at(20, 0)), 0);
        }
        Part::OverlappingByNight => {
            return pair(planner, schedule, (at(21, 0), at(3, 0)), (at(1, 30), at(5, 0)), 0);
        }
        Part::OtherPriority => {
            return pair(planner, schedule, (at(8, 0), at(14, 0)), (at(12, 0), at(20, 0)), 1);
        }
        Part::NextMonth => schedule.start = now.plus(30 * DAY),
        Part::Off => schedule.is_active = false,
        Part::OverMidnight => {
            (schedule.start_time, schedule.end_time) = (at(22, 0), at(2, 0));
            schedule.days = vec![5, 6];
            schedule.end = Some(now.plus(90 * DAY + HOUR));
        }
    }
    planner.insert(schedule);
}

/// Two schedules on one display whose windows meet; whether they are in each other's way is a matter of priority.
fn pair(
    planner: &mut Planner<'_>,
    one: Schedule,
    first: (Option<i64>, Option<i64>),
    second: (Option<i64>, Option<i64>),
    apart: i64,
) {
    let mut other = planner.draft();
    other.display_id.clone_from(&one.display_id);
    other.priority = one.priority + apart;
    let mut one = one;
    (one.start_time, one.end_time) = first;
    (other.start_time, other.end_time) = second;
    planner.insert(one);
    planner.insert(other);
}
