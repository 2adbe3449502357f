//! From a snapshot to verdicts.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::checks::{
    AGENT, DISPLAY_BLANK, DISPLAY_ERROR, DISPLAY_OFFLINE, DISPLAYS_SERIES, LOCATION_DARK, SPEC,
};
use super::fault::Fault;
use super::places::{Hall, places};
use super::settings::{FleetManager, Place};
use crate::agent::tenant::{RowLook, TenantLook, rows, whole};
use crate::agent::tenant_snapshot::{Looks, Seen, Snapshot};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::platform::{
    Asked, Dialect, DisplayRow, DisplayStatus, Listing, Programme, Roll, RowKind, RowRef, Tally,
};
use crate::domain::run::Recall;
use crate::domain::sight::Blind;
use crate::domain::subject::{Key, Subject, SubjectKind};

/// Judges everything.
pub(super) fn detect(
    settings: &FleetManager,
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
        Looks::Proof { keys, displays, .. } => prove(settings, seen, keys, displays),
    }
}

struct Judge<'a> {
    settings: &'a FleetManager,
    recall: &'a Recall,
    look: &'a TenantLook,
    dialect: Dialect,
}

impl Judge<'_> {
    fn tenant(&self, roll: &mut Roll<Fault>) {
        let list = match &self.look.displays {
            Ok(list) => list,
            Err(Blind { why }) => {
                for check in SPEC.checks {
                    roll.blind(&check.id, &self.look.tenant, why);
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
        self.connections(list, roll);
        let unclear = self.screens(list, roll);
        let rows: BTreeMap<&str, &DisplayRow> =
            list.items.iter().map(|row| (row.id.as_str(), row)).collect();
        let places = places(self.settings, self.look);
        let groups = self.groups_doubt();
        if let Some(why) = &groups {
            roll.partial(&LOCATION_DARK, why);
        }
        for check in SPEC.checks {
            roll.settle(&check.id, &self.look.tenant, list.at, |subject| {
                let of_place = subject.kind() == SubjectKind::Location;
                let row = rows.get(subject.id()).filter(|_| !of_place);
                if let Some(why) = row.and_then(|row| row.excused()) {
                    return Asked::Excused(why.to_owned());
                }
                let is_here = if of_place {
                    places.contains_key(subject.id()) && why.is_none()
                } else {
                    row.is_some()
                };
                let hidden = if of_place { why.as_ref().or(groups.as_ref()) } else { why.as_ref() };
                match (is_here, hidden) {
                    (true, _) if check.id == DISPLAY_BLANK => unclear
                        .as_ref()
                        .filter(|unclear| unclear.displays.contains(subject.id()))
                        .map_or(Asked::Well, |unclear| Asked::Unseen(unclear.why.clone())),
                    (true, _) => Asked::Well,
                    (false, Some(why)) => Asked::Unseen(why.clone()),
                    (false, None) => Asked::Gone,
                }
            });
        }
        if why.is_none() {
            let expected = list.items.iter().filter(|display| display.excused().is_none()).count();
            for check in [&DISPLAY_OFFLINE, &DISPLAY_ERROR] {
                roll.census(check, &self.look.tenant, expected);
            }
        }
    }

    /// Why some places are not known, if they are not.
    fn groups_doubt(&self) -> Option<String> {
        let by_group = self.settings.place == Place::Group;
        by_group.then(|| whole(&self.look.groups, "groups").err()).flatten()
    }

    /// Counts the displays. Why the list cannot be taken for all of them, if so.
    fn counted(&self, list: &Listing<DisplayRow>, roll: &mut Roll<Fault>) -> Option<String> {
        Tally::of(&self.look.tenant, "displays", DISPLAYS_SERIES, list).count(self.recall, roll)
    }

    fn connections(&self, list: &Listing<DisplayRow>, roll: &mut Roll<Fault>) {
        let now = list.platform_now;
        let dark = self.dark_places(list, roll);
        for display in list.items.iter().filter(|display| display.excused().is_none()) {
            let subject = subject(&self.look.tenant, display);
            if let Some(fault) = offline(self.settings, display, now, dark.get(&display.id)) {
                roll.faulty(&DISPLAY_OFFLINE, subject.clone(), fault, list.at);
            }
            match display.status {
                DisplayStatus::Error => {
                    roll.faulty(&DISPLAY_ERROR, subject, error(display), list.at);
                }
                DisplayStatus::Unrecognised => {
                    roll.unknown(&DISPLAY_ERROR, subject, "its status is a word that is not known");
                }
                DisplayStatus::Online
                | DisplayStatus::Offline
                | DisplayStatus::Pairing
                | DisplayStatus::Inactive => {}
            }
        }
    }

    /// Raises dark places. The finding of each display that hangs in one.
    fn dark_places(
        &self,
        list: &Listing<DisplayRow>,
        roll: &mut Roll<Fault>,
    ) -> BTreeMap<String, Key> {
        let mut dark = BTreeMap::new();
        if list.cut_short.is_some() {
            // A display that was not listed may be the one that is lit.
            return dark;
        }
        let silent = |display: &&&DisplayRow| is_silent(self.settings, display, list.platform_now);
        for (place, Hall { name, displays }) in places(self.settings, self.look) {
            if displays.iter().filter(silent).count() < displays.len() {
                continue;
            }
            let subject = Subject::new(SubjectKind::Location, &self.look.tenant, place);
            let key = Key::new(AGENT, LOCATION_DARK, subject.clone());
            dark.extend(displays.iter().map(|display| (display.id.clone(), key.clone())));
            let fault = Fault::LocationDark { place: name.to_owned(), displays: displays.len() };
            roll.faulty(&LOCATION_DARK, subject, fault, list.at);
        }
        dark
    }

    /// Raises blank screens. Which of the others could not be told, if so.
    fn screens<'l>(
        &self,
        list: &'l Listing<DisplayRow>,
        roll: &mut Roll<Fault>,
    ) -> Option<Unclear<'l>> {
        let tenant = &self.look.tenant;
        if let Some(why) = self.look.programme_doubt() {
            // Without its schedules nothing is known of a screen.
            roll.blind(&DISPLAY_BLANK, tenant, &why);
            return None;
        }
        let catalogue = self.look.catalogue(self.dialect);
        let programme = Programme::new(rows(&self.look.schedules), rows(&self.look.groups));
        let from = list.platform_now;
        let ahead = SignedDuration::try_from(self.settings.blank_ahead.get()).unwrap_or_default();
        let to = from.checked_add(ahead).unwrap_or(Timestamp::MAX);
        let mut unclear: Option<Unclear<'l>> = None;
        for display in list.items.iter().filter(|display| display.excused().is_none()) {
            let subject = subject(tenant, display);
            let zone = match display.time_zone() {
                Ok(zone) => zone,
                Err(why) => {
                    roll.unknown(&DISPLAY_BLANK, subject, &why);
                    continue;
                }
            };
            let seen = programme.ahead(display, &zone, &catalogue, from, to);
            match (seen.blank, seen.doubt) {
                (Some(since), _) => {
                    let no_playlist = seen.gap == Some(since);
                    let name = display.name.clone();
                    let fault = Fault::Blank { name, now: since == from, no_playlist };
                    roll.faulty(&DISPLAY_BLANK, subject, fault, list.at);
                }
                (None, Some(why)) => {
                    let why = || self.look.shelf.cut_short.clone().unwrap_or(why);
                    let unclear = unclear
                        .get_or_insert_with(|| Unclear { why: why(), displays: BTreeSet::new() });
                    unclear.displays.insert(display.id.as_str());
                }
                (None, None) => {}
            }
        }
        if let Some(Unclear { why, .. }) = &unclear {
            roll.partial(&DISPLAY_BLANK, why);
        }
        if let Err(Blind { why }) = &self.look.playlists {
            roll.unknown(&DISPLAY_BLANK, Subject::new(SubjectKind::Tenant, tenant, "all"), why);
        }
        unclear
    }
}

/// Screens of which it could not be told whether they are blank.
struct Unclear<'l> {
    why: String,
    displays: BTreeSet<&'l str>,
}

fn subject(tenant: &str, display: &DisplayRow) -> Subject {
    RowRef::new(RowKind::Display, tenant, &display.id).subject()
}

fn is_silent(settings: &FleetManager, display: &DisplayRow, now: Timestamp) -> bool {
    display.silence(now).is_some_and(|silence| silence > settings.offline_after.get())
}

fn offline(
    settings: &FleetManager,
    display: &DisplayRow,
    now: Timestamp,
    cause: Option<&Key>,
) -> Option<Fault> {
    let silence = display.silence(now).filter(|_| is_silent(settings, display, now))?;
    Some(Fault::Offline {
        name: display.name.clone(),
        location: display.location.clone(),
        last_heartbeat: display.last_heartbeat?.to_string(),
        status: display.status,
        persistent: silence > settings.persistent_after.get(),
        cause: cause.cloned(),
    })
}

fn error(display: &DisplayRow) -> Fault {
    Fault::Error { name: display.name.clone() }
}

/// Single displays, looked at again.
fn prove(
    settings: &FleetManager,
    seen: &Seen,
    keys: &BTreeSet<Key>,
    displays: &[RowLook<DisplayRow>],
) -> Diagnosis<Fault> {
    let mut roll = Roll::new(&SPEC, keys);
    for check in SPEC.checks {
        roll.partial(&check.id, "only what is to be proved was looked at");
    }
    for look in displays {
        let subject = RowRef::new(RowKind::Display, &look.tenant, &look.id).subject();
        let row = match &look.row {
            Ok(Some(row)) => row,
            Ok(None) => continue,
            Err(Blind { why }) => {
                for key in keys.iter().filter(|key| key.subject == subject) {
                    roll.unknown(&key.check, subject.clone(), why);
                }
                continue;
            }
        };
        for key in keys.iter().filter(|key| key.subject == subject) {
            let fault = if key.check == DISPLAY_ERROR {
                (row.status == DisplayStatus::Error).then(|| error(row))
            } else if key.check == DISPLAY_OFFLINE {
                let now = look.platform_now.unwrap_or(look.at);
                offline(settings, row, now, None)
            } else {
                roll.unknown(&key.check, subject.clone(), "one display alone does not tell");
                continue;
            };
            match fault {
                Some(fault) => roll.faulty(&key.check, subject.clone(), fault, look.at),
                None => roll.healthy(&key.check, subject.clone(), look.at),
            }
        }
    }
    roll.into_diagnosis(&seen.tenants)
}
