//! Single rows, looked at again after an act.

use std::collections::BTreeSet;

use super::checks::{COVERAGE_GAP, SCHEDULE_ENDED, SCHEDULE_PLAYLIST_GONE, SPEC};
use super::fault::{Fallback, Fault};
use crate::agent::tenant::RowLook;
use crate::agent::tenant_snapshot::Seen;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::platform::{DisplayRow, Roll, RowKind, RowRef, ScheduleRow};
use crate::domain::sight::Blind;
use crate::domain::subject::{Key, Subject};

pub(super) fn prove(
    seen: &Seen,
    keys: &BTreeSet<Key>,
    schedules: &[RowLook<ScheduleRow>],
    displays: &[RowLook<DisplayRow>],
) -> Diagnosis<Fault> {
    let mut roll = Roll::new(&SPEC, keys);
    for check in SPEC.checks {
        roll.partial(&check.id, "only what is to be proved was looked at");
    }
    for look in schedules {
        let subject = RowRef::new(RowKind::Schedule, &look.tenant, &look.id).subject();
        for (key, row) in asked(keys, &subject, look, &mut roll) {
            schedule(&mut roll, key, row, look);
        }
    }
    for look in displays {
        let subject = RowRef::new(RowKind::Display, &look.tenant, &look.id).subject();
        for (key, row) in asked(keys, &subject, look, &mut roll) {
            display(&mut roll, key, row, look);
        }
    }
    roll.into_diagnosis(&seen.tenants)
}

/// The findings about a row that was seen; what was not seen is entered as unknown.
fn asked<'k, 'l, T>(
    keys: &'k BTreeSet<Key>,
    subject: &Subject,
    look: &'l RowLook<T>,
    roll: &mut Roll<Fault>,
) -> Vec<(&'k Key, &'l T)> {
    let of_row = keys.iter().filter(|key| key.subject == *subject);
    match &look.row {
        Ok(Some(row)) => of_row.map(|key| (key, row)).collect(),
        Ok(None) => Vec::new(),
        Err(Blind { why }) => {
            of_row.for_each(|key| roll.unknown(&key.check, subject.clone(), why));
            Vec::new()
        }
    }
}

fn schedule(roll: &mut Roll<Fault>, key: &Key, row: &ScheduleRow, look: &RowLook<ScheduleRow>) {
    let (name, subject) = (row.name.clone(), key.subject.clone());
    let fault = if key.check == SCHEDULE_ENDED {
        let now = look.platform_now.unwrap_or(look.at);
        let ended = row.ends_at.map(|end| end.to_string()).unwrap_or_default();
        (row.active && row.ended(now)).then_some(Fault::Ended { name, ended })
    } else if key.check == SCHEDULE_PLAYLIST_GONE {
        let playlist = row.playlist.clone();
        row.active.then_some(Fault::PlaylistGone { name, playlist })
    } else {
        return roll.unknown(&key.check, subject, "one schedule alone does not tell");
    };
    match fault {
        Some(fault) => roll.faulty(&key.check, subject, fault, look.at),
        None => roll.healthy(&key.check, subject, look.at),
    }
}

/// A display with a playlist of its own always has one in effect.
fn display(roll: &mut Roll<Fault>, key: &Key, row: &DisplayRow, look: &RowLook<DisplayRow>) {
    let subject = key.subject.clone();
    if key.check != COVERAGE_GAP {
        return roll.unknown(&key.check, subject, "one display alone does not tell");
    }
    if row.playlist.is_some() {
        return roll.healthy(&key.check, subject, look.at);
    }
    let fallback = Fallback::None { why: "the assignment did not take effect".to_owned() };
    let fault = Fault::Gap { name: row.name.clone(), now: true, fallback };
    roll.faulty(&key.check, subject, fault, look.at);
}
