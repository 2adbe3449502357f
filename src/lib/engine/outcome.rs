//! What a run leaves: its row, its notes, its report.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::progress::Progress;
use crate::domain::incident::{Incident, IncidentId};
use crate::domain::report::{Change, OpenIncident, Report, exit_class};
use crate::domain::run::{AgentRun, Decision, RunState};
use crate::domain::severity::Severity;
use crate::domain::spec::CheckClass;
use crate::domain::subject::{CheckId, Key};
use crate::ports::store::Note;

impl Progress {
    /// The run's row as it stands.
    pub(super) fn row(&self, host: &str) -> AgentRun {
        let claim = self.claim.as_ref();
        AgentRun {
            id: self.run.clone(),
            agent: self.spec.name.clone(),
            trigger: self.trigger,
            scope: host.to_owned(),
            epoch: claim.map_or(0, |claim| claim.epoch),
            slot: claim.map(|claim| claim.slot),
            slot_until: None,
            slots: None,
            why: claim.and_then(|claim| claim.why.clone()),
            plan_only: claim.is_some_and(|claim| claim.plan_only),
            attempt: claim.map_or(1, |claim| claim.attempt),
            token: claim.map(|claim| claim.token),
            owner: self.owner.clone(),
            lease_until: claim.map(|claim| claim.deadline),
            started_at: self.started_at,
            ended_at: None,
            late_ms: claim.and_then(|one| i64::try_from(one.late_by.as_millis()).ok()),
            exit: None,
            usage: BTreeMap::new(),
            counts: self.counts.clone(),
            unknown: BTreeMap::new(),
            state: RunState::Running,
        }
    }

    /// Checks of severity warning or above that ended unknown.
    fn unknown_that_counts(&self) -> BTreeMap<String, String> {
        let counts = |check: &CheckId| {
            self.spec.check(check).is_some_and(|spec| spec.worst >= Severity::Warning)
        };
        let text = |of: &BTreeMap<String, String>| {
            let mut parts: Vec<String> =
                of.iter().take(3).map(|(subject, why)| format!("{subject}: {why}")).collect();
            if of.len() > 3 {
                parts.push(format!("and {} more", of.len() - 3));
            }
            parts.join("; ")
        };
        self.unknown
            .iter()
            .filter(|(check, _)| counts(check))
            .map(|(check, of)| (check.to_string(), text(of)))
            .collect()
    }

    /// Whether the run did or found anything worth an event.
    pub(super) fn is_eventful(&self) -> bool {
        !self.changes.is_empty() || !self.attempts.is_empty() || !self.not_sent.is_empty()
    }

    /// Whether its tape is to be kept longer.
    pub(super) fn keeps_tape(&self) -> bool {
        let opened = self.changes.iter().any(|(_, change)| matches!(change, Change::Opened { .. }));
        opened || self.counts.get("acted").is_some_and(|acted| *acted > 0)
    }

    /// Operational rows that the run leaves.
    pub(super) fn notes(&self, now: Timestamp) -> Vec<Note> {
        let keep = |series: &str| {
            self.spec.series.iter().find(|(name, _)| *name == series).map_or(1, |(_, keep)| *keep)
        };
        let seen = Note::Seen { agent: self.spec.name.clone(), checks: self.seen.clone(), at: now };
        let samples = self.samples.iter().map(|sample| Note::Sample {
            agent: self.spec.name.clone(),
            keep: keep(&sample.series),
            sample: sample.clone(),
        });
        let decisions = self.rulings.iter().map(|(key, ruling)| {
            Note::Decision(Box::new(Decision {
                key: key.clone(),
                run: self.run.clone(),
                at: now,
                ruling: ruling.clone(),
            }))
        });
        std::iter::once(seen).chain(samples).chain(decisions).collect()
    }

    /// What a dry run would open: it stands in no ledger, and counts all the same.
    fn would_open<'a>(&'a self, open: &'a [OpenIncident]) -> impl Iterator<Item = Severity> + 'a {
        let ended = |id: IncidentId| {
            let of = self.changes.iter().filter(move |(other, _)| *other == id);
            of.into_iter().any(|(_, change)| matches!(change, Change::Resolved { .. }))
        };
        self.changes.iter().filter_map(move |(id, change)| match change {
            Change::Opened { severity, .. }
                if !ended(*id) && open.iter().all(|known| known.id != *id) =>
            {
                Some(*severity)
            }
            _ => None,
        })
    }

    /// Whether a finding is a person's to mend, and they were told of it before: it stands in the report, and no run is red for it.
    fn is_known_advice(&self, key: &Key, severity: Severity, open: &[OpenIncident]) -> bool {
        let is_advice =
            self.spec.check(&key.check).is_some_and(|check| check.class == CheckClass::Advice);
        let incident = open.iter().find(|incident| incident.key == *key);
        is_advice
            && severity < Severity::Critical
            && incident.is_some_and(|incident| !self.has_news_of(incident.id))
    }

    fn has_news_of(&self, incident: IncidentId) -> bool {
        self.changes.iter().any(|(id, change)| {
            let is_news = match change {
                Change::Opened { .. } | Change::Severity { .. } | Change::Escalated { .. } => true,
                Change::Facts { .. } | Change::Resolved { .. } => false,
            };
            *id == incident && is_news
        })
    }

    /// The report.
    pub(super) fn report(self, ended_at: Timestamp, open: &[Incident]) -> Report {
        let open: Vec<OpenIncident> = open
            .iter()
            .map(|incident| OpenIncident {
                id: incident.id,
                key: incident.key.clone(),
                status: incident.status().to_owned(),
                severity: incident.severity,
                message: incident.message.clone(),
            })
            .collect();
        let unknown = self.unknown_that_counts();
        let incidents = open.iter().map(|incident| (&incident.key, incident.severity));
        let found = self.unproven.iter().map(|(key, symptom)| (key, symptom.severity));
        let unproven = incidents
            .chain(found)
            .filter(|(key, severity)| !self.is_known_advice(key, *severity, &open))
            .map(|(_, severity)| severity)
            .chain(self.would_open(&open));
        let exit = exit_class(unproven, &unknown, &self.troubles);
        Report {
            run: self.run,
            agent: self.spec.name,
            started_at: self.started_at,
            ended_at,
            plan: self.plan,
            attempts: self.attempts.into_values().collect(),
            not_sent: self.not_sent,
            not_applied: self.not_applied,
            changes: self.changes,
            open,
            unknown,
            partial: self.partial,
            counts: self.counts,
            off: None,
            troubles: self.troubles,
            tape: None,
            exit,
        }
    }
}
