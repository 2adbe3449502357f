//! Chores: routine work that falls due. No incident while it is done and helps; one as soon as it failed, or is overdue.

use jiff::Timestamp;

use super::{Merge, MergeInput, change};
use crate::domain::diagnosis::{Evidence, Symptom};
use crate::domain::incident::{Incident, RemediationState};
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

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

    /// Whether the last attempt at a chore failed.
    fn has_failed(&self, key: &Key) -> bool {
        let of_key = self.input.view.remediations.iter().filter(|found| found.key == *key);
        let ended = of_key.filter(|found| found.undo_of.is_none() && !found.state.is_open());
        let told = ended.filter(|found| found.state != RemediationState::Withdrawn);
        let last = told.max_by_key(|found| found.id);
        last.is_some_and(|found| found.state == RemediationState::Failed)
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
