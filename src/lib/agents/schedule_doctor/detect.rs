//! From a snapshot to verdicts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::checks::{
    COVERAGE_GAP, SCHEDULE_ENDED, SCHEDULE_NO_TARGET, SCHEDULE_OVERLAP, SCHEDULE_PLAYLIST_EMPTY,
    SCHEDULE_PLAYLIST_GONE, SCHEDULES_SERIES, SPEC,
};
use super::fault::{Fallback, Fault};
use super::prove::prove;
use super::settings::ScheduleDoctor;
use super::snapshot::{Looks, Snapshot};
use super::unsure::Unsure;
use crate::agent::tenant::{TenantLook, rows, whole};
use crate::domain::diagnosis::{Diagnosis, Sample};
use crate::domain::duration::HumanDuration;
use crate::domain::platform::{
    Asked, Catalogue, Dialect, DisplayRow, Listing, Playable, Population, Programme, Roll, RowKind,
    RowRef, ScheduleRow, overlap,
};
use crate::domain::run::Recall;
use crate::domain::sight::Blind;
use crate::domain::subject::{CheckId, Subject, SubjectKind};

/// The checks that ask about one schedule.
const OF_SCHEDULES: [&CheckId; 4] =
    [&SCHEDULE_ENDED, &SCHEDULE_PLAYLIST_GONE, &SCHEDULE_PLAYLIST_EMPTY, &SCHEDULE_NO_TARGET];

/// Judges everything.
pub(super) fn detect(
    settings: &ScheduleDoctor,
    snapshot: &Snapshot,
    recall: &Recall,
) -> Diagnosis<Fault> {
    let incidents = recall.incidents.iter().map(|incident| &incident.key);
    let seen = match &snapshot.platform {
        Ok(seen) => seen,
        Err(Blind { why }) => return Roll::all_blind(&SPEC, incidents, why),
    };
    match &seen.looks {
        Looks::Everything(tenants) => {
            let mut roll = Roll::new(&SPEC, incidents);
            for look in tenants {
                Judge { settings, recall, look, dialect: seen.dialect }.tenant(&mut roll);
            }
            roll.into_diagnosis(&seen.tenants)
        }
        Looks::Proof { keys, schedules, displays } => prove(seen, keys, schedules, displays),
    }
}

struct Judge<'a> {
    settings: &'a ScheduleDoctor,
    recall: &'a Recall,
    look: &'a TenantLook,
    dialect: Dialect,
}

impl Judge<'_> {
    fn tenant(&self, roll: &mut Roll<Fault>) {
        let tenant = &self.look.tenant;
        let list = match &self.look.schedules {
            Ok(list) => list,
            Err(Blind { why }) => {
                for check in SPEC.checks {
                    roll.blind(&check.id, tenant, why);
                }
                return;
            }
        };
        let why = self.counted(list, roll);
        if let Some(why) = &why {
            for check in SPEC.checks {
                roll.partial(&check.id, why);
            }
        }
        let unsure = self.schedules(list, roll);
        self.settle_schedules(list, why.as_deref(), &unsure, roll);
        self.displays(why.as_deref(), roll);
    }

    /// Counts the schedules. Why the list cannot be taken for all of them, if so.
    fn counted(&self, list: &Listing<ScheduleRow>, roll: &mut Roll<Fault>) -> Option<String> {
        let tenant = &self.look.tenant;
        let seen = u64::try_from(list.items.len()).unwrap_or(u64::MAX);
        let subject = Subject::new(SubjectKind::Tenant, tenant, "schedules");
        let before = self.recall.series.get(SCHEDULES_SERIES).and_then(|of| of.get(&subject));
        let before = before.map_or(&[][..], Vec::as_slice);
        let population = Population::counted(tenant, "schedules", seen, before);
        let why = list.cut_short.clone().or_else(|| population.implausible.clone());
        let diagnosis = roll.diagnosis();
        if list.cut_short.is_none() {
            #[expect(
                clippy::cast_precision_loss,
                reason = "a count of schedules stays far below 2^52"
            )]
            let value = seen as f64;
            let series = SCHEDULES_SERIES.to_owned();
            diagnosis.samples.push(Sample { series, subject, at: list.at, value });
        }
        diagnosis.populations.push(population);
        why
    }

    /// Raises what is wrong with single schedules. What could not be said of which of them.
    fn schedules(&self, list: &Listing<ScheduleRow>, roll: &mut Roll<Fault>) -> Unsure {
        let tenant = &self.look.tenant;
        let mut unsure = Unsure::default();
        let catalogue = self.look.catalogue(self.dialect);
        let now = list.platform_now;
        let mut doubt = whole(&self.look.playlists, "playlists").err();
        for schedule in list.items.iter().filter(|schedule| schedule.active) {
            let subject = RowRef::new(RowKind::Schedule, tenant, &schedule.id).subject();
            let name = schedule.name.clone();
            if schedule.ended(now) {
                let ended = schedule.ends_at.map(|end| end.to_string()).unwrap_or_default();
                roll.faulty(&SCHEDULE_ENDED, subject, Fault::Ended { name, ended }, list.at);
                continue;
            }
            match self.playlist(schedule, &catalogue, now) {
                Playlist::Good => {}
                Playlist::Gone => {
                    let playlist = schedule.playlist.clone();
                    let fault = Fault::PlaylistGone { name: name.clone(), playlist };
                    roll.faulty(&SCHEDULE_PLAYLIST_GONE, subject.clone(), fault, list.at);
                }
                Playlist::Empty(playlist) => {
                    let fault = Fault::PlaylistEmpty { name: name.clone(), playlist };
                    roll.faulty(&SCHEDULE_PLAYLIST_EMPTY, subject.clone(), fault, list.at);
                }
                Playlist::Unknown(why) => {
                    let why = self.look.shelf.cut_short.clone().unwrap_or(why);
                    unsure.playlists.insert(schedule.id.clone(), why.clone());
                    doubt.get_or_insert(why);
                }
            }
            if let Err(why) = self.target(schedule, subject, list.at, roll) {
                unsure.targets.insert(schedule.id.clone(), why);
            }
        }
        if let Some(why) = doubt {
            roll.partial(&SCHEDULE_PLAYLIST_EMPTY, &why);
            roll.partial(&SCHEDULE_PLAYLIST_GONE, &why);
        }
        if let Err(why) = whole(&self.look.groups, "groups") {
            roll.partial(&SCHEDULE_NO_TARGET, &why);
        }
        unsure
    }

    fn playlist(
        &self,
        schedule: &ScheduleRow,
        catalogue: &Catalogue<'_>,
        now: Timestamp,
    ) -> Playlist {
        let Some(playlist) = schedule.playlist.as_deref() else { return Playlist::Gone };
        if catalogue.lacks(playlist) {
            return Playlist::Gone;
        }
        match catalogue.playable(playlist, now) {
            Playable::Yes => Playlist::Good,
            Playable::No => Playlist::Empty(playlist.to_owned()),
            Playable::Unknown(why) => Playlist::Unknown(why),
        }
    }

    /// Raises a schedule that is for no display. `Err` where that is not known.
    fn target(
        &self,
        schedule: &ScheduleRow,
        subject: Subject,
        at: Timestamp,
        roll: &mut Roll<Fault>,
    ) -> Result<(), String> {
        let name = schedule.name.clone();
        let empty_group = match (&schedule.display, &schedule.group) {
            (Some(_), _) => return Ok(()),
            (None, None) => None,
            (None, Some(group)) => {
                let known = rows(&self.look.groups).iter().find(|row| row.id == *group);
                match known {
                    Some(row) if row.displays.is_empty() => Some(row.name.clone()),
                    Some(_) => return Ok(()),
                    // A group that was not listed may have displays.
                    None => return whole(&self.look.groups, "groups"),
                }
            }
        };
        roll.faulty(&SCHEDULE_NO_TARGET, subject, Fault::NoTarget { name, empty_group }, at);
        Ok(())
    }

    fn settle_schedules(
        &self,
        list: &Listing<ScheduleRow>,
        why: Option<&str>,
        unsure: &Unsure,
        roll: &mut Roll<Fault>,
    ) {
        let tenant = &self.look.tenant;
        let ids: BTreeSet<&str> = list.items.iter().map(|row| row.id.as_str()).collect();
        for check in OF_SCHEDULES {
            roll.settle(check, tenant, list.at, |subject| {
                match (ids.contains(subject.id()), unsure.of(check, subject.id()), why) {
                    (true, Some(why), _) | (false, _, Some(why)) => Asked::Unseen(why.to_owned()),
                    (true, None, _) => Asked::Well,
                    (false, _, None) => Asked::Gone,
                }
            });
            if why.is_none() {
                roll.census(check, tenant, list.items.iter().filter(|row| row.active).count());
            }
        }
    }

    /// What concerns displays: schedules that meet, and gaps.
    fn displays(&self, why: Option<&str>, roll: &mut Roll<Fault>) {
        let tenant = &self.look.tenant;
        let doubt = self.look.programme_doubt().or_else(|| why.map(str::to_owned));
        let displays = match (self.look.displays.as_ref(), doubt) {
            (Ok(displays), None) => displays,
            (seen, doubt) => {
                let why = seen.err().map(|blind| blind.why.clone()).or(doubt).unwrap_or_default();
                roll.blind(&SCHEDULE_OVERLAP, tenant, &why);
                return roll.blind(&COVERAGE_GAP, tenant, &why);
            }
        };
        let programme = Programme::new(rows(&self.look.schedules), rows(&self.look.groups));
        let expected: Vec<&DisplayRow> =
            displays.items.iter().filter(|display| display.excused().is_none()).collect();
        self.gaps(displays, &expected, &programme, roll);
        self.overlaps(displays, &expected, &programme, roll);
    }

    fn gaps(
        &self,
        list: &Listing<DisplayRow>,
        expected: &[&DisplayRow],
        programme: &Programme<'_>,
        roll: &mut Roll<Fault>,
    ) {
        let tenant = &self.look.tenant;
        let from = list.platform_now;
        let to = later(from, self.settings.gap_ahead);
        let catalogue = self.look.catalogue(self.dialect);
        let fallback = self.fallback(&catalogue, from);
        let dangles = |display: &DisplayRow| {
            programme.of(&display.id).iter().any(|schedule| {
                let named = schedule.playlist.as_deref();
                named.is_none_or(|playlist| catalogue.lacks(playlist))
            })
        };
        let may_gap = |display: &&&DisplayRow| display.playlist.is_none() || dangles(display);
        for display in expected.iter().filter(may_gap) {
            let subject = RowRef::new(RowKind::Display, tenant, &display.id).subject();
            let zone = match display.time_zone() {
                Ok(zone) => zone,
                Err(why) => {
                    roll.unknown(&COVERAGE_GAP, subject, &why);
                    continue;
                }
            };
            if let Some(since) = programme.ahead(display, &zone, &catalogue, from, to).gap {
                let name = display.name.clone();
                let fallback = match display.playlist {
                    None => fallback.clone(),
                    Some(_) => Fallback::None { why: OWN_AFTER.to_owned() },
                };
                let fault = Fault::Gap { name, now: since == from, fallback };
                roll.faulty(&COVERAGE_GAP, subject, fault, list.at);
            }
        }
        // Where a schedule can name a playlist that is gone, a gap is excluded only by the whole list of playlists.
        let unsure = match self.dialect {
            Dialect::Reference => whole(&self.look.playlists, "playlists").err(),
            Dialect::Vizora => None,
        };
        if let Some(why) = list.cut_short.as_ref().or(unsure.as_ref()) {
            roll.partial(&COVERAGE_GAP, why);
        }
        let ids: BTreeSet<&str> = list.items.iter().map(|row| row.id.as_str()).collect();
        roll.settle(&COVERAGE_GAP, tenant, list.at, |subject| {
            match (ids.contains(subject.id()), &unsure, &list.cut_short) {
                (true, Some(why), _) | (false, _, Some(why)) => Asked::Unseen(why.clone()),
                (true, None, _) => Asked::Well,
                (false, _, None) => Asked::Gone,
            }
        });
        if list.cut_short.is_none() {
            roll.census(&COVERAGE_GAP, tenant, expected.len());
        }
    }

    /// The playlist for displays that have none: another blank screen would help nobody.
    fn fallback(&self, catalogue: &Catalogue<'_>, now: Timestamp) -> Fallback {
        let tenant = &self.look.tenant;
        let Some(playlist) = self.settings.fallback_playlists.get(tenant) else {
            return Fallback::None {
                why: format!(
                    "no fallback playlist is set: write its id as fallback_playlists.{tenant} under [agents.schedule-doctor]"
                ),
            };
        };
        match catalogue.playable(playlist, now) {
            Playable::Yes => Fallback::Ready { playlist: playlist.clone() },
            Playable::No => Fallback::None {
                why: format!(
                    "the fallback playlist {playlist} does not exist or has nothing that can be delivered"
                ),
            },
            Playable::Unknown(why) => Fallback::None {
                why: format!(
                    "whether the fallback playlist {playlist} can be delivered is not known: {why}"
                ),
            },
        }
    }

    fn overlaps(
        &self,
        list: &Listing<DisplayRow>,
        expected: &[&DisplayRow],
        programme: &Programme<'_>,
        roll: &mut Roll<Fault>,
    ) {
        let tenant = &self.look.tenant;
        let from = list.platform_now;
        let to = later(from, self.settings.overlap_ahead);
        let mut asked: BTreeMap<(&str, &str, Option<&str>), bool> = BTreeMap::new();
        for display in expected {
            let Ok(zone) = display.time_zone() else { continue };
            let in_force = |schedule: &&&ScheduleRow| schedule.active && !schedule.ended(from);
            let own: Vec<&ScheduleRow> =
                programme.of(&display.id).iter().filter(in_force).copied().collect();
            for (place, one) in own.iter().enumerate() {
                for other in own[place + 1..].iter().filter(|other| other.priority == one.priority)
                {
                    let pair = (one.id.as_str(), other.id.as_str(), display.zone.as_deref());
                    let meets = || overlap(one, other, &zone, from, to).is_some();
                    if !*asked.entry(pair).or_insert_with(meets) {
                        continue;
                    }
                    let subject = pair_of(tenant, one, other);
                    if !roll.is_faulty(&SCHEDULE_OVERLAP, &subject) {
                        let fault = meeting(one, other, display);
                        roll.faulty(&SCHEDULE_OVERLAP, subject, fault, list.at);
                    }
                }
            }
        }
        if let Some(why) = &list.cut_short {
            roll.partial(&SCHEDULE_OVERLAP, why);
        }
        let ids: BTreeSet<&str> =
            rows(&self.look.schedules).iter().map(|row| row.id.as_str()).collect();
        roll.settle(&SCHEDULE_OVERLAP, tenant, list.at, |subject| {
            match (subject.id().split('+').all(|id| ids.contains(id)), &list.cut_short) {
                (_, Some(why)) => Asked::Unseen(why.clone()),
                (true, None) => Asked::Well,
                (false, None) => Asked::Gone,
            }
        });
    }
}

/// Why a display with a playlist of its own gets no other one.
const OWN_AFTER: &str = "it has a playlist of its own, which plays once the schedule whose playlist is gone is out of force";

/// What is known of a schedule's playlist.
enum Playlist {
    Good,
    Gone,
    Empty(String),
    Unknown(String),
}

fn later(from: Timestamp, ahead: HumanDuration) -> Timestamp {
    let ahead = SignedDuration::try_from(ahead.get()).unwrap_or_default();
    from.checked_add(ahead).unwrap_or(Timestamp::MAX)
}

/// Two schedules as one subject, whichever was seen first.
fn pair_of(tenant: &str, one: &ScheduleRow, other: &ScheduleRow) -> Subject {
    let (first, second) = if one.id <= other.id { (one, other) } else { (other, one) };
    Subject::new(SubjectKind::Schedule, tenant, &format!("{}+{}", first.id, second.id))
}

fn meeting(one: &ScheduleRow, other: &ScheduleRow, display: &DisplayRow) -> Fault {
    let mut names = [one.name.clone(), other.name.clone()];
    names.sort();
    Fault::Overlap { names, priority: one.priority, display: display.name.clone() }
}
