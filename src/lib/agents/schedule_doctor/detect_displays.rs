//! What concerns displays: gaps in what is planned for them, and schedules that meet on them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::checks::{COVERAGE_GAP, SCHEDULE_OVERLAP};
use super::detect::Judge;
use super::fault::{Fallback, Fault};
use crate::agent::tenant::{rows, whole};
use crate::domain::duration::HumanDuration;
use crate::domain::platform::{
    Asked, Catalogue, Dialect, DisplayRow, Listing, Playable, Programme, Roll, RowKind, RowRef,
    ScheduleRow, overlap,
};
use crate::domain::subject::{Subject, SubjectKind};

impl Judge<'_> {
    /// What concerns displays: schedules that meet, and gaps.
    pub(super) fn displays(&self, why: Option<&str>, roll: &mut Roll<Fault>) {
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
        // Where rows may name a playlist that is gone, only a whole list of playlists excludes that.
        let doubt = match self.dialect {
            Dialect::Reference => whole(&self.look.playlists, "playlists").err(),
            Dialect::Vizora => None,
        };
        for why in [&list.cut_short, &doubt].into_iter().flatten() {
            roll.partial(&COVERAGE_GAP, why);
        }
        let rows: BTreeMap<&str, &DisplayRow> =
            list.items.iter().map(|row| (row.id.as_str(), row)).collect();
        roll.settle(&COVERAGE_GAP, tenant, list.at, |subject| {
            let row = rows.get(subject.id());
            if let Some(why) = row.and_then(|row| row.excused()) {
                return Asked::Excused(why.to_owned());
            }
            match (row.is_some(), &list.cut_short) {
                (true, _) => doubt.clone().map_or(Asked::Well, Asked::Unseen),
                (false, Some(why)) => Asked::Unseen(why.clone()),
                (false, None) => Asked::Gone,
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
        if whole(&self.look.playlists, "playlists").is_ok() && !catalogue.holds(playlist) {
            return Fallback::None {
                why: format!(
                    "there is no playlist {playlist}: write another id as fallback_playlists.{tenant} under [agents.schedule-doctor]"
                ),
            };
        }
        match catalogue.playable(playlist, now) {
            Playable::Yes => Fallback::Ready { playlist: playlist.clone() },
            Playable::No => Fallback::None {
                why: format!("the fallback playlist {playlist} has nothing that can be delivered"),
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
        let mut doubt = list.cut_short.clone();
        for display in expected {
            let zone = match display.time_zone() {
                Ok(zone) => zone,
                // Which of its schedules meet is not known, and a pair may meet on this display alone.
                Err(why) => {
                    doubt.get_or_insert(format!("of display {}, {why}", display.name));
                    continue;
                }
            };
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
        if let Some(why) = &doubt {
            roll.partial(&SCHEDULE_OVERLAP, why);
        }
        let ids: BTreeSet<&str> =
            rows(&self.look.schedules).iter().map(|row| row.id.as_str()).collect();
        roll.settle(&SCHEDULE_OVERLAP, tenant, list.at, |subject| {
            match (subject.id().split('+').all(|id| ids.contains(id)), &doubt) {
                (_, Some(why)) => Asked::Unseen(why.clone()),
                (true, None) => Asked::Well,
                (false, None) => Asked::Gone,
            }
        });
    }
}

/// Why a display with a playlist of its own gets no other one.
const OWN_AFTER: &str = "it has a playlist of its own, which plays once the schedule whose playlist is gone is out of force";

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
