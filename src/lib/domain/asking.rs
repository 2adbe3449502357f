//! Which requests are made, and which of those that stand have come to their end. Pure.
//!
//! One request per finding is open at a time. A request that no longer says what is true is withdrawn before another one is
//! made, so that nobody approves what was true once.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::approval::{Approval, ApprovalState, Ask, MOST_WAITING, Standing, Verdict, expires_at};
use super::duration::HumanDuration;
use super::event::{Event, NewEvent};
use super::incident::ApprovalId;
use super::ledger::LedgerView;
use super::proposal::Proposal;
use super::saved_plan::Applying;
use super::subject::{AgentName, Key};

/// What an agent wants of each finding in this run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// What it proposes, whatever the gate says to it.
    pub proposed: BTreeMap<Key, Proposal>,
    /// What it leaves alone, and why.
    pub left: BTreeMap<Key, String>,
}

/// Everything that requests are decided from.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The agent.
    pub agent: &'a AgentName,
    /// The ledger as it is.
    pub view: &'a LedgerView,
    /// What the agent wants.
    pub wishes: &'a Wishes,
    /// What only waits for a person's word.
    pub asks: &'a [Ask],
    /// How long a request lasts.
    pub expiry: HumanDuration,
    /// What a person has carried out in this run.
    pub applying: Option<&'a Applying>,
    /// Now.
    pub now: Timestamp,
}

/// How many more requests may be made by `agent`.
#[must_use]
pub fn room(view: &LedgerView, agent: &AgentName, now: Timestamp) -> usize {
    let waits = |one: &&Approval| {
        one.ask.proposal.key.agent == *agent
            && one.state == ApprovalState::Pending
            && one.is_open(now)
    };
    MOST_WAITING.saturating_sub(view.approvals.iter().filter(waits).count())
}

impl Asking<'_> {
    /// What is to be recorded: first what ends, then what is asked, then what a person grants by applying it.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events: Vec<Event> = self.own().filter_map(|open| self.end(open)).collect();
        let ended = self.after(&events);
        let mut next = ended.next_approval.max(1);
        for ask in self.asks {
            let digest = ask.proposal.digest();
            let standing = ended.standing(&digest, ask.incident, self.now);
            let grants = self.applying.is_some_and(|applying| applying.grants);
            let approval = match standing {
                Standing::Waits(found) => found.id,
                // Who applies a plan is not bothered by being asked again.
                Standing::Expired(_) if !grants => continue,
                Standing::Unasked | Standing::Expired(_) => {
                    events.push(self.request(ApprovalId(next), ask));
                    next += 1;
                    ApprovalId(next - 1)
                }
                Standing::Granted(_) | Standing::Denied(_) => continue,
            };
            if grants {
                events.push(self.grant(approval));
            }
        }
        events
    }

    /// Open requests of the agent, oldest first.
    fn own(&self) -> impl Iterator<Item = &Approval> {
        let own =
            |one: &&Approval| one.state.is_open() && one.ask.proposal.key.agent == *self.agent;
        self.view.approvals.iter().filter(own)
    }

    fn after(&self, events: &[Event]) -> LedgerView {
        let said = |event: &Event| NewEvent {
            at: self.now,
            actor: format!("agent:{}", self.agent),
            run: None,
            event: event.clone(),
        };
        let events: Vec<NewEvent> = events.iter().map(said).collect();
        self.view.after(&events).unwrap_or_else(|_| self.view.clone())
    }

    /// The end of a request, where it has come to one.
    fn end(&self, open: &Approval) -> Option<Event> {
        let approval = open.id;
        if self.now >= open.expires_at {
            return Some(Event::ApprovalExpired { approval });
        }
        let why = self.outdated(open)?;
        Some(Event::ApprovalWithdrawn { approval, why })
    }

    /// Why a request no longer says what is true; `None` also where that is not known.
    fn outdated(&self, open: &Approval) -> Option<String> {
        let (key, incident) = (&open.ask.proposal.key, open.ask.incident);
        let active = self.view.incident_of(key).map(|found| found.id);
        if let Some(incident) = incident.filter(|_| active != incident) {
            return Some(format!("{incident} has ended"));
        }
        if let Some(now) = self.wishes.proposed.get(key) {
            let changes = open.ask.proposal.changes(now);
            let same = open.digest == now.digest();
            return (!same).then(|| format!("it has changed since: {}", changes.join("; ")));
        }
        self.wishes.left.get(key).map(|why| format!("{} leaves it alone now: {why}", self.agent))
    }

    fn request(&self, approval: ApprovalId, ask: &Ask) -> Event {
        let expires_at = expires_at(self.now, self.expiry);
        Event::ApprovalRequested { approval, ask: ask.clone(), expires_at }
    }

    fn grant(&self, approval: ApprovalId) -> Event {
        let what = self.applying.map(|applying| applying.what.as_str()).unwrap_or_default();
        Event::ApprovalDecided {
            approval,
            verdict: Verdict::Granted,
            reason: format!("{what} is applied"),
        }
    }
}
