//! From a snapshot to verdicts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::checks::{
    SCHEDULE_ENDED, SCHEDULE_NO_TARGET, SCHEDULE_PLAYLIST_EMPTY, SCHEDULE_PLAYLIST_GONE,
    SCHEDULES_SERIES, SPEC,
};
use super::fault::Fault;
use super::prove::prove;
use super::settings::ScheduleDoctor;
use crate::agent::tenant::{TenantLook, rows, whole};
use crate::agent::tenant_snapshot::{Looks, Snapshot};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::platform::{
    Asked, Catalogue, Dialect, Listing, Playable, Roll, RowKind, RowRef, ScheduleRow, Tally,
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

pub(super) struct Judge<'a> {
    pub(super) settings: &'a ScheduleDoctor,
    recall: &'a Recall,
    pub(super) look: &'a TenantLook,
    pub(super) dialect: Dialect,
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
        let unclear = self.schedules(list, roll);
        self.settle_schedules(list, why.as_deref(), &unclear, roll);
        self.displays(why.as_deref(), roll);
    }

    /// Counts the schedules. Why the list cannot be taken for all of them, if so.
    fn counted(&self, list: &Listing<ScheduleRow>, roll: &mut Roll<Fault>) -> Option<String> {
        Tally::of(&self.look.tenant, "schedules", SCHEDULES_SERIES, list).count(self.recall, roll)
    }

    /// Raises what is wrong with schedules. What could not be told of the others.
    fn schedules<'l>(&self, list: &'l Listing<ScheduleRow>, roll: &mut Roll<Fault>) -> Unclear<'l> {
        let tenant = &self.look.tenant;
        let catalogue = self.look.catalogue(self.dialect);
        let now = list.platform_now;
        let mut doubt = whole(&self.look.playlists, "playlists").err();
        let mut unclear = Unclear::default();
        for schedule in list.items.iter().filter(|schedule| schedule.active) {
            let subject = RowRef::new(RowKind::Schedule, tenant, &schedule.id).subject();
            let name = schedule.name.clone();
            if schedule.ended(now) {
                let ended = schedule.ends_at.map(|end| end.to_string()).unwrap_or_default();
                roll.faulty(&SCHEDULE_ENDED, subject, Fault::Ended { name, ended }, list.at);
                continue;
            }
            match playlist_of(schedule, &catalogue, now) {
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
                    let listed = schedule.playlist.as_deref().is_some_and(|id| catalogue.holds(id));
                    unclear.playlists.insert(schedule.id.as_str(), listed);
                    doubt.get_or_insert_with(|| self.look.shelf.cut_short.clone().unwrap_or(why));
                }
            }
            if !self.target(schedule, subject, list.at, roll) {
                unclear.targets.insert(schedule.id.as_str());
            }
        }
        if let Some(why) = doubt {
            roll.partial(&SCHEDULE_PLAYLIST_EMPTY, &why);
            roll.partial(&SCHEDULE_PLAYLIST_GONE, &why);
            unclear.why = why;
        }
        if let Err(Blind { why }) = &self.look.playlists {
            let all = Subject::new(SubjectKind::Tenant, tenant, "all");
            roll.unknown(&SCHEDULE_PLAYLIST_EMPTY, all.clone(), why);
            roll.unknown(&SCHEDULE_PLAYLIST_GONE, all, why);
        }
        if let Err(why) = whole(&self.look.groups, "groups") {
            roll.partial(&SCHEDULE_NO_TARGET, &why);
        }
        unclear
    }

    /// Judges whom a schedule is for. Whether that could be told.
    fn target(
        &self,
        schedule: &ScheduleRow,
        subject: Subject,
        at: Timestamp,
        roll: &mut Roll<Fault>,
    ) -> bool {
        let name = schedule.name.clone();
        let empty_group = match (&schedule.display, &schedule.group) {
            (Some(_), _) => return true,
            (None, None) => None,
            (None, Some(group)) => {
                let known = rows(&self.look.groups).iter().find(|row| row.id == *group);
                match known {
                    Some(row) if row.displays.is_empty() => Some(row.name.clone()),
                    Some(_) => return true,
                    // A group that was not listed may have displays.
                    None => return false,
                }
            }
        };
        roll.faulty(&SCHEDULE_NO_TARGET, subject, Fault::NoTarget { name, empty_group }, at);
        true
    }

    fn settle_schedules(
        &self,
        list: &Listing<ScheduleRow>,
        why: Option<&str>,
        unclear: &Unclear<'_>,
        roll: &mut Roll<Fault>,
    ) {
        let tenant = &self.look.tenant;
        let ids: BTreeSet<&str> = list.items.iter().map(|row| row.id.as_str()).collect();
        for check in OF_SCHEDULES {
            roll.settle(check, tenant, list.at, |subject| {
                match (ids.contains(subject.id()), why) {
                    (true, _) => unclear.of(check, subject.id()).map_or(Asked::Well, Asked::Unseen),
                    (false, Some(why)) => Asked::Unseen(why.to_owned()),
                    (false, None) => Asked::Gone,
                }
            });
            if why.is_none() {
                roll.census(check, tenant, list.items.iter().filter(|row| row.active).count());
            }
        }
    }
}

/// What could not be told of schedules.
#[derive(Default)]
struct Unclear<'l> {
    why: String,
    /// Those whose playlist may have nothing to deliver, and whether it is surely there.
    playlists: BTreeMap<&'l str, bool>,
    /// Those whose group was not listed.
    targets: BTreeSet<&'l str>,
}

impl Unclear<'_> {
    /// Why a check has no answer on a schedule, if it has none.
    fn of(&self, check: &CheckId, schedule: &str) -> Option<String> {
        let playlist = self.playlists.get(schedule);
        if *check == SCHEDULE_PLAYLIST_EMPTY {
            return playlist.map(|_| self.why.clone());
        }
        if *check == SCHEDULE_PLAYLIST_GONE {
            return playlist.filter(|listed| !**listed).map(|_| self.why.clone());
        }
        let hidden = *check == SCHEDULE_NO_TARGET && self.targets.contains(schedule);
        hidden.then(|| "its group was not listed".to_owned())
    }
}

/// What is known of a schedule's playlist.
enum Playlist {
    Good,
    Gone,
    Empty(String),
    Unknown(String),
}

fn playlist_of(schedule: &ScheduleRow, catalogue: &Catalogue<'_>, now: Timestamp) -> Playlist {
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
