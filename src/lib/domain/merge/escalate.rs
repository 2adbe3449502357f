//! Calling a person where nothing more is tried.

use std::collections::BTreeSet;

use super::{Merge, MergeInput, episodes};
use crate::domain::attempts::ForOthers;
use crate::domain::event::Event;
use crate::domain::incident::IncidentId;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

impl Merge<'_> {
    /// Calls a person where nothing more will be tried: the attempts are spent, or the finding flaps.
    pub(super) fn escalate(&mut self) {
        let resolved: BTreeSet<IncidentId> = self
            .out
            .events
            .iter()
            .filter_map(|event| match event {
                Event::IncidentResolved { incident, .. } => Some(*incident),
                _ => None,
            })
            .collect();
        let mut calls = Vec::new();
        for incident in &self.input.view.active {
            let own = incident.key.agent == self.input.spec.name;
            if own && incident.escalated.is_none() && !resolved.contains(&incident.id) {
                calls.extend(self.call(
                    incident.id,
                    &incident.key,
                    incident.severity,
                    incident.attempts,
                ));
            }
        }
        for event in &self.out.events {
            if let Event::IncidentOpened { incident, key, severity, attempts, .. } = event {
                calls.extend(self.call(*incident, key, *severity, *attempts));
            }
        }
        self.out.events.extend(calls);
    }

    fn call(
        &self,
        incident: IncidentId,
        key: &Key,
        severity: Severity,
        attempts: u32,
    ) -> Option<Event> {
        if severity == Severity::Info || self.input.view.open_remediation(key).is_some() {
            return None;
        }
        let policy = self.input.policy;
        let others = self.attempts_for_others(key);
        let made = attempts.saturating_add(others);
        let reason = if made >= policy.attempts && attempts > 0 {
            let counted = match others {
                0 => String::new(),
                many => format!(" ({many} of them for other findings)"),
            };
            format!("{made} of {} attempts{counted} are spent and it is not well", policy.attempts)
        } else {
            let episodes = self.episodes(key);
            if episodes < policy.flap_episodes {
                return None;
            }
            format!(
                "it is flapping: {episodes} episodes within {}; what was tried does not last",
                policy.flap_window
            )
        };
        Some(Event::Escalation { incident, reason, attempts })
    }

    /// What other findings tried on the target that this one was tried on.
    fn attempts_for_others(&self, key: &Key) -> u32 {
        let MergeInput { view, policy, now, .. } = self.input;
        let own = view.remediations.iter().filter(|found| found.key == *key);
        let target = own.max_by_key(|found| found.id).map(|found| found.operation.target());
        target.map_or(0, |target| ForOthers::of(target, key, view, policy, now).made)
    }

    /// Episodes of a finding in the flap window, the current one included.
    fn episodes(&self, key: &Key) -> u32 {
        episodes(key, self.input.view, self.input.policy, self.input.now)
            + u32::from(self.opened.contains(key))
    }
}
