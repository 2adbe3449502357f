//! What is on glass: which playlist a display shows at a minute, and whether that playlist has anything to show.
//!
//! The local day and minute of every minute ahead are written down once for each zone, so that asking all of them is
//! a look into a table.

use std::collections::{BTreeMap, HashMap};

use jiff::tz::TimeZone;

use crate::sandbox::model::content::ContentStatus;
use crate::sandbox::model::display::Display;
use crate::sandbox::model::schedule::Schedule;
use crate::sandbox::model::tenant::Tenant;
use crate::sandbox::time::{MINUTE, Stamp};

/// How far ahead anything is asked: a week.
const AHEAD: usize = 7 * MINUTES_OF_DAY;
/// A layout may show a playlist that shows a layout, and so on, no deeper than this.
const DEPTH: u8 = 4;

/// A minute as the wall clock beside the display shows it; days count from Sunday, 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Local {
    day: i64,
    minute: i64,
}

/// Schedules by display, and the minutes ahead.
pub(super) struct Plan<'a> {
    tenant: &'a Tenant,
    by_display: HashMap<&'a str, Vec<&'a Schedule>>,
    minutes: Vec<Stamp>,
    zones: BTreeMap<&'a str, Vec<Local>>,
}

impl<'a> Plan<'a> {
    pub(super) fn of(tenant: &'a Tenant, now: Stamp) -> Self {
        let mut by_display: HashMap<&str, Vec<&Schedule>> = HashMap::new();
        for schedule in tenant.schedules.iter().filter(|schedule| schedule.is_live(now)) {
            for display in tenant.targets(schedule) {
                by_display.entry(&display.id).or_default().push(schedule);
            }
        }
        for found in by_display.values_mut() {
            found.sort_by_key(|one| -one.priority);
        }
        let start = now.minus(now.0.rem_euclid(MINUTE));
        let later = (1..AHEAD).map(|n| start.plus(i64::try_from(n).unwrap_or(0) * MINUTE));
        let minutes: Vec<Stamp> = std::iter::once(now).chain(later).collect();
        let mut zones = BTreeMap::new();
        for display in tenant.displays.iter() {
            zones.entry(display.timezone.as_str()).or_insert_with_key(|name| {
                let zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
                wall_clock(&zone, &minutes)
            });
        }
        Self { tenant, by_display, minutes, zones }
    }

    /// The schedules that aim at a display, the strongest first.
    pub(super) fn schedules(&self, display: &Display) -> &[&'a Schedule] {
        self.by_display.get(display.id.as_str()).map_or(&[], Vec::as_slice)
    }

    /// Whether there is a minute among the next `minutes` at which `is` is true on the display's clock.
    ///
    /// Without a schedule what a display shows changes in one way alone: content ends. What is missing then stays
    /// missing, so that the last minute speaks for all before it.
    pub(super) fn any_minute(
        &self,
        display: &Display,
        minutes: usize,
        is: impl Fn(Stamp, Local) -> bool,
    ) -> bool {
        let Some(zone) = self.zones.get(display.timezone.as_str()) else { return false };
        let skipped = if self.schedules(display).is_empty() { minutes - 1 } else { 0 };
        let ahead = self.minutes.iter().zip(zone).take(minutes).skip(skipped);
        ahead.into_iter().any(|(at, local)| is(*at, *local))
    }

    /// The playlists of which one is in effect: several where schedules of one priority meet, because the platform does
    /// not say which of them it takes. One that is gone is none.
    pub(super) fn playlists(&self, display: &Display, at: Stamp, local: Local) -> Vec<&'a str> {
        let playing = || self.schedules(display).iter().filter(|one| in_force(one, at, local));
        let chosen: Vec<&str> = match playing().map(|one| one.priority).max() {
            Some(top) => {
                let strongest = playing().filter(|one| one.priority == top);
                strongest.map(|one| one.playlist_id.as_str()).collect()
            }
            None => display.current_playlist.as_deref().into_iter().collect(),
        };
        let there = chosen.into_iter().filter_map(|id| self.tenant.playlists.get(id));
        there.map(|playlist| playlist.id.as_str()).collect()
    }

    /// Whether a schedule, and not the display itself, says what is shown.
    pub(super) fn is_scheduled(&self, display: &Display, at: Stamp, local: Local) -> bool {
        self.schedules(display).iter().any(|one| in_force(one, at, local))
    }

    /// Whether a playlist has anything to show at that moment.
    pub(super) fn delivers(&self, playlist: &str, at: Stamp) -> bool {
        delivers(self.tenant, playlist, at, DEPTH)
    }
}

/// Where the clock is not set between the first and the last of so many minutes, it moves on by one each.
const PART: usize = 60;

/// The wall clock at each of these minutes, which follow each other.
fn wall_clock(zone: &TimeZone, minutes: &[Stamp]) -> Vec<Local> {
    let mut all = Vec::with_capacity(minutes.len());
    for part in minutes.chunks(PART) {
        let (first, last) = (local(zone, part[0]), local(zone, part[part.len() - 1]));
        if first.later(part.len() - 1) == last {
            all.extend((0..part.len()).map(|more| first.later(more)));
        } else {
            all.extend(part.iter().map(|at| local(zone, *at)));
        }
    }
    all
}

impl Local {
    fn later(self, minutes: usize) -> Self {
        let day = i64::try_from(MINUTES_OF_DAY).unwrap_or(i64::MAX);
        let minute = self.minute + i64::try_from(minutes).unwrap_or(0);
        Self { day: (self.day + minute / day) % 7, minute: minute % day }
    }
}

fn local(zone: &TimeZone, at: Stamp) -> Local {
    let here = zone.to_datetime(at.timestamp());
    Local {
        day: i64::from(here.weekday().to_sunday_zero_offset()),
        minute: i64::from(here.hour()) * 60 + i64::from(here.minute()),
    }
}

/// Whether a schedule says what is shown at that minute.
pub(super) fn in_force(schedule: &Schedule, at: Stamp, local: Local) -> bool {
    schedule.is_active
        && schedule.start <= at
        && schedule.end.is_none_or(|end| end >= at)
        && covers(schedule, local)
}

/// A window that ends before it begins runs over midnight and belongs to the day on which it began.
fn covers(schedule: &Schedule, local: Local) -> bool {
    let on = |day: i64| schedule.days.contains(&day);
    let yesterday = (local.day + 6) % 7;
    match (schedule.start_time, schedule.end_time) {
        (Some(start), Some(end)) if end < start => {
            (local.minute >= start && on(local.day)) || (local.minute < end && on(yesterday))
        }
        (Some(start), Some(end)) => start <= local.minute && local.minute < end && on(local.day),
        _ => on(local.day),
    }
}

fn delivers(tenant: &Tenant, playlist: &str, at: Stamp, depth: u8) -> bool {
    let playlist = tenant.playlists.get(playlist);
    playlist.is_some_and(|list| {
        list.items.iter().any(|item| is_deliverable(tenant, &item.content_id, at, depth))
    })
}

fn is_deliverable(tenant: &Tenant, content: &str, at: Stamp, depth: u8) -> bool {
    let Some(content) = tenant.content.get(content) else { return false };
    let live = content.status == ContentStatus::Active
        && content.expires.is_none_or(|expires| expires > at);
    if !live || content.kind != "layout" {
        return live;
    }
    let Some(depth) = depth.checked_sub(1) else { return false };
    content.zone_ids("contentId").any(|id| is_deliverable(tenant, id, at, depth))
        || content.zone_ids("playlistId").any(|id| delivers(tenant, id, at, depth))
}

/// Minutes of a day, for asking.
pub(super) const MINUTES_OF_DAY: usize = 24 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    fn window(days: &[i64], start: Option<i64>, end: Option<i64>) -> Schedule {
        Schedule {
            id: String::new(),
            name: String::new(),
            description: None,
            start: Stamp(0),
            end: None,
            start_time: start,
            end_time: end,
            days: days.to_vec(),
            priority: 1,
            is_active: true,
            created: Stamp(0),
            updated: Stamp(0),
            playlist_id: String::new(),
            display_id: None,
            group_id: None,
        }
    }

    fn is_open(schedule: &Schedule, day: i64, minute: i64) -> bool {
        covers(schedule, Local { day, minute })
    }

    #[test]
    fn a_window_begins_with_its_first_minute_and_ends_before_its_last() {
        let day = window(&[1], Some(480), Some(720));
        assert!(!is_open(&day, 1, 479) && is_open(&day, 1, 480));
        assert!(is_open(&day, 1, 719) && !is_open(&day, 1, 720));
        assert!(!is_open(&day, 2, 500));
        assert!(is_open(&window(&[1], None, Some(720)), 1, 1439), "half a window is a whole day");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_began() {
        let night = window(&[6], Some(1320), Some(120));
        assert!(is_open(&night, 6, 1320) && is_open(&night, 0, 119));
        assert!(!is_open(&night, 6, 60) && !is_open(&night, 0, 120) && !is_open(&night, 0, 1320));
    }

    #[test]
    fn the_minutes_of_a_week_are_those_of_the_zone_one_by_one() {
        for (zone, from) in [
            ("Europe/Berlin", "2026-03-27T13:37:41Z"),
            ("Europe/Berlin", "2026-10-23T00:00:00Z"),
            ("Australia/Lord_Howe", "2026-04-02T09:10:00Z"),
            ("America/New_York", "2026-11-20T12:00:00Z"),
            ("Asia/Kathmandu", "2026-12-30T23:59:59Z"),
        ] {
            let zone = TimeZone::get(zone).unwrap();
            let now = Stamp::parse(from).unwrap();
            let start = now.minus(now.0.rem_euclid(MINUTE));
            let later = (1..AHEAD).map(|n| start.plus(i64::try_from(n).unwrap() * MINUTE));
            let minutes: Vec<Stamp> = std::iter::once(now).chain(later).collect();
            let each: Vec<Local> = minutes.iter().map(|at| local(&zone, *at)).collect();
            assert_eq!(wall_clock(&zone, &minutes), each, "{from}");
        }
    }

    #[test]
    fn the_wall_clock_skips_and_repeats_an_hour_and_has_its_own_day() {
        let shown = |zone: &str, at: &str| {
            let found = local(&TimeZone::get(zone).unwrap(), Stamp::parse(at).unwrap());
            (found.day, found.minute)
        };
        assert_eq!(shown("Europe/Berlin", "2026-03-29T00:59:00Z"), (0, 119));
        assert_eq!(shown("Europe/Berlin", "2026-03-29T01:00:00Z"), (0, 180));
        assert_eq!(shown("Europe/Berlin", "2026-10-25T00:30:00Z"), (0, 150));
        assert_eq!(shown("Europe/Berlin", "2026-10-25T01:30:00Z"), (0, 150));
        assert_eq!(shown("Australia/Lord_Howe", "2026-11-20T14:00:00Z"), (6, 60));
        assert_eq!(shown("America/New_York", "2026-11-20T03:00:00Z"), (4, 1320));
    }
}
