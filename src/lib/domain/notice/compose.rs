//! From rows to a message.

use std::collections::BTreeMap;

use super::message::{Body, Ended, IncidentLine};
use super::notification::{Kind, Notification};
use crate::domain::gate::Door;
use crate::domain::incident::{Incident, IncidentId, Remediation, RemediationState};
use crate::domain::operation::Inverse;
use crate::domain::run::Ruling;
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// So many incidents of one message are spelled out.
const SPELLED_OUT: usize = 10;

/// What messages are composed from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The incidents that are told of.
    pub incidents: BTreeMap<IncidentId, Incident>,
    /// Their remediations.
    pub remediations: Vec<Remediation>,
    /// The last ruling on each of their findings.
    pub rulings: BTreeMap<Key, Ruling>,
    /// How many findings each finding explains.
    pub explains: BTreeMap<Key, u64>,
    /// How bad each incident was when the route was last told.
    pub was: BTreeMap<IncidentId, Severity>,
}

impl Sources {
    /// One incident as messages tell it.
    #[must_use]
    pub fn line(&self, incident: &Incident) -> IncidentLine {
        let key = &incident.key;
        let ruling = self.rulings.get(key);
        let why = match (&incident.escalated, ruling) {
            (Some(called), _) => called.reason.clone(),
            (None, Some(Ruling::Acted { .. }) | None) => String::new(),
            (None, Some(ruling)) => ruling.reason(),
        };
        // A receiver would make marks of these, and people copy what they read.
        let why = why.replace('`', "");
        let was = self.was.get(&incident.id).copied();
        IncidentLine {
            id: incident.id,
            agent: key.agent.to_string(),
            check: key.check.to_string(),
            subject: key.subject.short(),
            severity: incident.severity,
            was: was.filter(|was| *was != incident.severity),
            message: incident.message.clone(),
            facts: incident.facts.clone(),
            opened_at: incident.opened_at,
            ended: incident.resolved.as_ref().map(|end| Ended {
                at: end.at,
                resolution: end.resolution,
                proof: end.proof.clone(),
            }),
            tried: self.tried(incident.id),
            why,
            escalated: incident.escalated.is_some(),
            alone: is_alone(key, ruling),
            undoable: self.undoable(incident.id),
            acknowledged_by: incident.acknowledged().map(|taken| taken.by.clone()),
            explains: self.explains.get(key).copied().unwrap_or(0),
        }
    }

    fn of(&self, incident: IncidentId) -> impl Iterator<Item = &Remediation> {
        self.remediations.iter().filter(move |one| one.incident == Some(incident))
    }

    fn tried(&self, incident: IncidentId) -> Option<String> {
        let last = self.of(incident).max_by_key(|one| one.id)?;
        let came = match (last.state, &last.outcome) {
            (RemediationState::Intended, _) => "was about to be sent".to_owned(),
            (RemediationState::Verifying, _) => "was sent, and waits for its proof".to_owned(),
            (state, None) => state.as_str().to_owned(),
            (state, Some(outcome)) => format!("{}: {outcome}", state.as_str()),
        };
        Some(format!("{} ({}): {came}", last.operation, last.id))
    }

    fn undoable(&self, incident: IncidentId) -> Option<crate::domain::incident::RemediationId> {
        let exact = |one: &&Remediation| {
            one.state == RemediationState::Verified
                && one.undone.is_none()
                && one.undo_of.is_none()
                && matches!(one.inverse, Inverse::Exact(_))
        };
        self.of(incident).filter(exact).map(|one| one.id).max()
    }
}

/// Whether no agent will do anything by itself, however long one waits. What the house finds of itself nobody repairs.
fn is_alone(key: &Key, ruling: Option<&Ruling>) -> bool {
    match ruling {
        Some(Ruling::Left { .. }) => true,
        Some(Ruling::Refused { doors }) => doors.last().is_some_and(|last| match last.door {
            Door::Armed | Door::Autonomy | Door::Owner | Door::Supported => true,
            Door::Freeze
            | Door::Coverage
            | Door::BlastRadius
            | Door::Attempts
            | Door::Budget
            | Door::Guard => false,
        }),
        Some(
            Ruling::NotRipe { .. }
            | Ruling::Held { .. }
            | Ruling::Folded { .. }
            | Ruling::Acted { .. },
        ) => false,
        None => key.agent.as_str() == HOUSE,
    }
}

/// Who owns what opswarden finds of itself.
const HOUSE: &str = "opswarden";

/// The body of a message about these incidents: the worst first, then the oldest.
#[must_use]
pub fn about_incidents(sources: &Sources) -> Body {
    let mut incidents: Vec<&Incident> = sources.incidents.values().collect();
    incidents.sort_by_key(|one| (std::cmp::Reverse(one.severity), one.opened_at, one.id));
    let omitted = incidents.len().saturating_sub(SPELLED_OUT) as u64;
    let lines = incidents.into_iter().take(SPELLED_OUT).map(|one| sources.line(one)).collect();
    Body::Incidents { lines, omitted }
}

/// What two notifications must share to leave as one message: the route, whether it is over, and the question that was asked.
#[must_use]
pub fn group_of(row: &Notification, incident: &Incident) -> (String, bool, Key) {
    let key = &incident.key;
    let all = crate::domain::subject::Subject::new(key.subject.kind(), "", "");
    let key = Key::new(key.agent.clone(), key.check.clone(), all);
    (row.route.clone(), row.kind == Kind::Recovered, key)
}

/// The word for a group: that of its most pressing member.
#[must_use]
pub fn kind_of(kinds: impl IntoIterator<Item = Kind>) -> Kind {
    const PRESSING: [Kind; 6] = [
        Kind::Unacknowledged,
        Kind::Worse,
        Kind::Opened,
        Kind::News,
        Kind::Reminder,
        Kind::Recovered,
    ];
    let kinds: Vec<Kind> = kinds.into_iter().collect();
    PRESSING
        .into_iter()
        .find(|kind| kinds.contains(kind))
        .or_else(|| kinds.first().copied())
        .unwrap_or(Kind::Opened)
}
