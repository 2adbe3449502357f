//! Chores: routine work that falls due. No incident while it is done and helps; one as soon as it failed, is overdue, or never
//! comes to its turn.

use std::time::Duration;

use jiff::Timestamp;

use super::{Merge, MergeInput, change};
use crate::domain::diagnosis::{Evidence, Symptom};
use crate::domain::incident::{Incident, Remediation, RemediationState};
use crate::domain::run::Streak;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// A chore that gave way, or was put off, so often in a row,
const LEFT: u32 = 3;
/// over so long a time, does not come to its turn by itself.
const NIGHTS: Duration = Duration::from_hours(24);
/// Runs that are nearer to each other put a chore off once: who runs an agent thrice by hand has not waited.
const ONCE: Duration = Duration::from_hours(1);
/// What was not put off for so long was done meanwhile, or was not due: nights, and two that were missed.
const LAPSE: Duration = Duration::from_hours(3 * 24);

/// How often a chore came to nothing in a row, and from when until when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Row {
    times: u32,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Row {
    fn and(self, times: u32, first: Timestamp, last: Timestamp) -> Self {
        Self {
            times: self.times.saturating_add(times),
            first: Some(self.first.map_or(first, |known| known.min(first))),
            last: self.last.max(Some(last)),
        }
    }

    /// Whether that is too much to wait for another moment.
    fn never_comes(&self) -> bool {
        let (Some(first), Some(last)) = (self.first, self.last) else { return false };
        self.times >= LEFT && between(first, last) >= NIGHTS
    }
}

/// The time from one moment to a later one.
fn between(first: Timestamp, last: Timestamp) -> Duration {
    Duration::try_from(last.duration_since(first)).unwrap_or_default()
}

impl Merge<'_> {
    /// A chore that is due is no incident while it is done and helps; once an attempt failed, or it is overdue, or it was left
    /// night after night, it is one.
    pub(super) fn due(&mut self, key: Key, symptom: &Symptom, evidence: &Evidence) {
        let severity = symptom.severity.max(Severity::Warning);
        let grave = Symptom { severity, ..symptom.clone() };
        let put_off = self.put_off(&key, symptom, evidence);
        if let Some(incident) = self.input.view.incident_of(&key) {
            self.out.events.extend(change(incident, &grave));
        } else if self.is_explained(&key, symptom) {
            // What explains it is told instead.
        } else if symptom.severity >= Severity::Warning || self.has_failed(&key, put_off.as_ref()) {
            self.open(key.clone(), &grave, evidence.oldest);
        }
        match put_off {
            Some(streak) if self.input.view.streaks.get(&key) != Some(&streak) => {
                self.out.streaks.insert(key, Some(streak));
            }
            Some(_) => {}
            None => self.forget_streak(&key),
        }
    }

    /// In how many runs in a row it waited for a better moment, this one included: since it was last done, or failed, or a
    /// person ended its incident.
    fn put_off(&self, key: &Key, symptom: &Symptom, evidence: &Evidence) -> Option<Streak> {
        let began_anew = self.came_to_an_end(key);
        let before = self.input.view.streaks.get(key).filter(|streak| {
            let counts = streak.faulty && streak.gone_runs == 0 && streak.until <= self.input.now;
            counts && streak.since > began_anew && between(streak.until, self.input.now) <= LAPSE
        });
        let at = evidence.newest;
        match (before, &symptom.not_now) {
            // A run that goes to work ends no row: whether that helps is not known yet.
            (before, None) => before.cloned(),
            (Some(streak), Some(_)) if between(streak.until, at) < ONCE => Some(streak.clone()),
            (Some(streak), Some(_)) => Some(Streak {
                samples: streak.samples.saturating_add(1),
                until: at,
                ..streak.clone()
            }),
            (None, Some(_)) => {
                Some(Streak { faulty: true, samples: 1, since: at, until: at, gone_runs: 0 })
            }
        }
    }

    /// When it last came to an end, whatever that was.
    fn came_to_an_end(&self, key: &Key) -> Timestamp {
        let resolved = self.input.view.resolved.iter().filter(|one| one.key == *key);
        let ended = resolved.filter_map(Incident::ended_at).max();
        let tried = self.tried(key).into_iter().find(|found| !gave_way(found));
        ended.max(tried.map(|found| found.intended_at)).unwrap_or(Timestamp::MIN)
    }

    /// The attempts at it that ended, newest first.
    fn tried(&self, key: &Key) -> Vec<&Remediation> {
        let of_key = self.input.view.remediations.iter().filter(|found| found.key == *key);
        let ended = of_key.filter(|found| found.undo_of.is_none() && !found.state.is_open());
        let mut newest: Vec<&Remediation> = ended.collect();
        newest.sort_unstable_by_key(|found| std::cmp::Reverse(found.id));
        newest
    }

    /// Whether the last attempt at a chore failed, or it gave way or was put off night after night.
    fn has_failed(&self, key: &Key, put_off: Option<&Streak>) -> bool {
        let newest = self.tried(key);
        let away: Vec<Timestamp> = newest
            .iter()
            .take_while(|found| gave_way(found))
            .map(|found| found.intended_at)
            .collect();
        let told = newest.get(away.len());
        if told.is_some_and(|found| found.state == RemediationState::Failed) {
            return true;
        }
        let row = away.into_iter().fold(Row::default(), |row, at| row.and(1, at, at));
        let row = put_off.map_or(row, |streak| row.and(streak.samples, streak.since, streak.until));
        row.never_comes()
    }

    /// How often a chore was tried before it became an incident, and when last.
    pub(super) fn as_a_chore(&self, key: &Key) -> (u32, Option<Timestamp>) {
        let MergeInput { view, .. } = self.input;
        let ended =
            view.resolved.iter().filter(|one| one.key == *key).filter_map(Incident::ended_at);
        let since = ended.max().unwrap_or(Timestamp::MIN);
        let of_key = view.remediations.iter().filter(|found| found.key == *key);
        let tried = of_key.filter(|found| {
            found.incident.is_none()
                && found.undo_of.is_none()
                && found.state == RemediationState::Failed
                && found.intended_at > since
        });
        tried.fold((0, None), |(many, last), found| (many + 1, last.max(Some(found.intended_at))))
    }
}

/// Whether it came to nothing, so that it says nothing about the work.
fn gave_way(found: &Remediation) -> bool {
    found.state == RemediationState::Withdrawn
}
