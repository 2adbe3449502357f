//! The life of a request: asked, answered, and used at most once.

use jiff::Timestamp;

use super::{Entities, EntityRef};
use crate::domain::approval::{Approval, ApprovalEnd, ApprovalState, Decided, Verdict};
use crate::domain::event::{Event, NewEvent};
use crate::domain::incident::{ApprovalId, RemediationId};
use crate::domain::moment;
use crate::domain::operation::Operation;
use crate::domain::subject::Key;

/// How the actors begin whose word counts as an approval.
const PERSON: &str = "human:";

impl Entities {
    pub(super) fn request(&mut self, new: &NewEvent) -> Result<Vec<EntityRef>, String> {
        let Event::ApprovalRequested { approval: id, ask, expires_at } = &new.event else {
            return Err("not a request".to_owned());
        };
        if self.approvals.contains_key(id) {
            return Err("the id is taken".to_owned());
        }
        if let Some(other) = self.open_approval(&ask.proposal.key) {
            return Err(format!("{} is open for the same finding", other.id));
        }
        if *expires_at <= new.at {
            return Err("it would have expired before it was asked".to_owned());
        }
        self.put_approval(Approval {
            id: *id,
            ask: ask.clone(),
            digest: ask.proposal.digest(),
            requested_at: new.at,
            requested_by: new.run.clone(),
            expires_at: *expires_at,
            state: ApprovalState::Pending,
            decided: None,
            ended: None,
            used_by: None,
        });
        Ok(vec![EntityRef::Approval(*id)])
    }

    pub(super) fn decide(&mut self, new: &NewEvent) -> Result<Vec<EntityRef>, String> {
        use ApprovalState::{Denied, Granted, Pending};
        let Event::ApprovalDecided { approval: id, verdict, reason } = &new.event else {
            return Err("not an answer".to_owned());
        };
        if !new.actor.starts_with(PERSON) {
            return Err(format!("{} is no person", new.actor));
        }
        if reason.trim().is_empty() {
            return Err("an answer needs its reason".to_owned());
        }
        let legal: &[ApprovalState] = match verdict {
            Verdict::Granted => &[Pending],
            // What was granted and not used yet can be taken back.
            Verdict::Denied => &[Pending, Granted],
        };
        let mut found = self.approval_in(*id, legal)?;
        if new.at >= found.expires_at {
            return Err(format!("it expired at {}", moment::full(found.expires_at)));
        }
        let decided = Decided { by: new.actor.clone(), at: new.at, reason: reason.clone() };
        found.state = match verdict {
            Verdict::Granted => Granted,
            Verdict::Denied => {
                found.ended =
                    Some(ApprovalEnd { at: new.at, why: format!("by {}: {reason}", new.actor) });
                Denied
            }
        };
        found.decided = Some(decided);
        self.put_approval(found);
        Ok(vec![EntityRef::Approval(*id)])
    }

    pub(super) fn expire(
        &mut self,
        at: Timestamp,
        event: &Event,
    ) -> Result<Vec<EntityRef>, String> {
        let Event::ApprovalExpired { approval: id } = event else {
            return Err("not an expiry".to_owned());
        };
        let open = self.open_request(*id)?;
        if at < open.expires_at {
            return Err(format!("it does not expire before {}", moment::full(open.expires_at)));
        }
        let why = match open.state {
            ApprovalState::Granted => "it was granted, and not carried out in time",
            _ => "nobody answered in time",
        };
        Ok(self.close(open, ApprovalState::Expired, at, why.to_owned()))
    }

    pub(super) fn withdraw(
        &mut self,
        at: Timestamp,
        event: &Event,
    ) -> Result<Vec<EntityRef>, String> {
        let Event::ApprovalWithdrawn { approval: id, why } = event else {
            return Err("not a withdrawal".to_owned());
        };
        let open = self.open_request(*id)?;
        Ok(self.close(open, ApprovalState::Withdrawn, at, why.clone()))
    }

    /// An intent takes its grant with it: the same one, for the same act, once.
    pub(super) fn use_up(
        &mut self,
        id: ApprovalId,
        by: RemediationId,
        act: (&Key, &Operation),
        at: Timestamp,
    ) -> Result<EntityRef, String> {
        let granted = self
            .approval_in(id, &[ApprovalState::Granted])
            .map_err(|why| format!("{id}: {why}"))?;
        let proposal = &granted.ask.proposal;
        if (&proposal.key, &proposal.operation) != act {
            return Err(format!("{id} was granted for something else"));
        }
        if at >= granted.expires_at {
            return Err(format!("{id} expired at {}", moment::full(granted.expires_at)));
        }
        let used = Approval { used_by: Some(by), ..granted };
        self.close(used, ApprovalState::Used, at, format!("carried out as {by}"));
        Ok(EntityRef::Approval(id))
    }

    /// Nothing was sent under a grant: it stands again, unless somebody was asked anew meanwhile.
    pub(super) fn give_back(&mut self, id: ApprovalId) -> Option<EntityRef> {
        let used = self.approvals.get(&id).filter(|one| one.state == ApprovalState::Used)?.clone();
        if self.open_approval(&used.ask.proposal.key).is_some() {
            return None;
        }
        self.put_approval(Approval {
            state: ApprovalState::Granted,
            ended: None,
            used_by: None,
            ..used
        });
        Some(EntityRef::Approval(id))
    }

    fn close(
        &mut self,
        open: Approval,
        state: ApprovalState,
        at: Timestamp,
        why: String,
    ) -> Vec<EntityRef> {
        let id = open.id;
        self.put_approval(Approval { state, ended: Some(ApprovalEnd { at, why }), ..open });
        vec![EntityRef::Approval(id)]
    }

    fn open_request(&self, id: ApprovalId) -> Result<Approval, String> {
        self.approval_in(id, &[ApprovalState::Pending, ApprovalState::Granted])
    }

    /// A copy of the request where its state is one of `legal`, to be changed and put back.
    fn approval_in(&self, id: ApprovalId, legal: &[ApprovalState]) -> Result<Approval, String> {
        let found = self.approvals.get(&id).ok_or("there is no such request")?;
        if legal.contains(&found.state) {
            Ok(found.clone())
        } else {
            Err(format!("it is {}", found.state.as_str()))
        }
    }
}
