//! Chores: routine work that falls due. No incident while it is done and helps; one as soon as it failed, or is overdue.

use std::time::Duration;

use jiff::Timestamp;

use super::{Merge, MergeInput, change};
use crate::domain::diagnosis::{Evidence, Symptom};
use crate::domain::incident::{Incident, Remediation, RemediationState};
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// A chore that gave way so often in a row,
const GAVE_WAY: usize = 3;
/// over so long a time, does not come to its turn by itself.
const NIGHTS: Duration = Duration::from_hours(24);

/// Whether attempts that gave way at these moments, newest first, are too many to wait for another one.
fn never_comes(times: &[Timestamp]) -> bool {
    let (newest, first) = (times.first(), times.get(GAVE_WAY - 1));
    let (Some(newest), Some(first)) = (newest, first) else { return false };
    newest.duration_since(*first).unsigned_abs() >= NIGHTS
}

impl Merge<'_> {
    /// A chore that is due is no incident while it is done and helps; once an attempt failed, or it is overdue, it is one.
    pub(super) fn due(&mut self, key: Key, symptom: &Symptom, evidence: &Evidence) {
        let severity = symptom.severity.max(Severity::Warning);
        let grave = Symptom { severity, ..symptom.clone() };
        if let Some(incident) = self.input.view.incident_of(&key) {
            self.out.events.extend(change(incident, &grave));
        } else if self.is_explained(&key, symptom) {
            // What explains it is told instead.
        } else if symptom.severity >= Severity::Warning || self.has_failed(&key) {
            self.open(key, &grave, evidence.oldest);
        }
    }

    /// Whether the last attempt at a chore failed, or the last ones all gave way, night after night.
    fn has_failed(&self, key: &Key) -> bool {
        let of_key = self.input.view.remediations.iter().filter(|found| found.key == *key);
        let ended = of_key.filter(|found| found.undo_of.is_none() && !found.state.is_open());
        let mut newest: Vec<&Remediation> = ended.collect();
        newest.sort_unstable_by_key(|found| std::cmp::Reverse(found.id));
        let gave_way = |found: &&&Remediation| found.state == RemediationState::Withdrawn;
        let times: Vec<Timestamp> =
            newest.iter().take_while(gave_way).map(|found| found.intended_at).collect();
        let told = newest.get(times.len());
        told.is_some_and(|found| found.state == RemediationState::Failed) || never_comes(&times)
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
