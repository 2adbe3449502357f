//! A plan in a file: what a dry run would do, kept so that a person can have exactly that done later.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::approval::{Approval, Ask};
use super::plan::Plan;
use super::proposal::{ActionDigest, Proposal};
use super::subject::{AgentName, Key};

/// The version of the file's form.
pub const PLAN_VERSION: u64 = 1;

/// A plan as it is kept in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedPlan {
    /// The version of this form.
    pub plan_version: u64,
    /// The version of opswarden that wrote it.
    pub version: String,
    /// The agent that planned.
    pub agent: AgentName,
    /// The host that it planned for.
    pub host: String,
    /// The ledger that it planned on; `None` where there was none yet.
    pub ledger: Option<String>,
    /// When.
    pub made_at: Timestamp,
    /// The digest of the settings that it planned by.
    pub settings: ActionDigest,
    /// What would be done.
    pub actions: Vec<SavedAction>,
    /// The digest of everything above.
    pub digest: ActionDigest,
}

/// One act of a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SavedAction {
    /// What would be done, on what, and on which facts.
    pub ask: Ask,
    /// The digest of its proposal.
    pub digest: ActionDigest,
    /// Whether it is done only where a person approves it; who applies the plan does.
    pub needs_approval: bool,
}

/// Why a file is no plan that can be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotThisPlan {
    /// Another form.
    #[error("the plan has form {found}, this opswarden reads {PLAN_VERSION}; make it anew")]
    Form {
        /// The file's form.
        found: u64,
    },
    /// Somebody changed it.
    #[error("the plan is not as it was written: its digest does not fit")]
    Edited,
    /// Not for this agent, host or ledger.
    #[error("the plan is for {what} {theirs}, and this is {ours}; make it anew here")]
    Elsewhere {
        /// What differs.
        what: &'static str,
        /// As the plan has it.
        theirs: String,
        /// As it is here.
        ours: String,
    },
}

/// Where a plan is made, or applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The agent.
    pub agent: AgentName,
    /// The host.
    pub host: String,
    /// The ledger, where there is one.
    pub ledger: Option<String>,
}

impl SavedPlan {
    /// The plan as a file keeps it: what would be done, and what a person would be asked for.
    #[must_use]
    pub fn new(plan: &Plan, place: Place, settings: ActionDigest, made_at: Timestamp) -> Self {
        let saved = |ask: Ask, needs_approval: bool| SavedAction {
            digest: ask.proposal.digest(),
            ask,
            needs_approval,
        };
        let acts = plan.actions.iter().map(|action| saved(action.ask(), false));
        let asks = plan.asks.iter().map(|ask| saved(ask.clone(), true));
        let mut all = Self {
            plan_version: PLAN_VERSION,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            agent: place.agent,
            host: place.host,
            ledger: place.ledger,
            made_at,
            settings,
            actions: acts.chain(asks).collect(),
            digest: ActionDigest::of(b""),
        };
        all.digest = all.sum();
        all
    }

    /// The digest of everything but the digest itself.
    fn sum(&self) -> ActionDigest {
        let bare = Self { digest: ActionDigest::of(b""), ..self.clone() };
        ActionDigest::of(&serde_json::to_vec(&bare).unwrap_or_default())
    }

    /// Whether it is a plan of `agent`, as it was written.
    ///
    /// # Errors
    ///
    /// The text says what does not fit.
    pub fn made_by(&self, agent: &AgentName) -> Result<(), NotThisPlan> {
        if self.plan_version != PLAN_VERSION {
            return Err(NotThisPlan::Form { found: self.plan_version });
        }
        if self.digest != self.sum() {
            return Err(NotThisPlan::Edited);
        }
        same("agent", self.agent.as_str(), agent.as_str())
    }

    /// Whether it can be applied here.
    ///
    /// # Errors
    ///
    /// The text says what does not fit.
    pub fn fits(&self, place: &Place) -> Result<(), NotThisPlan> {
        self.made_by(&place.agent)?;
        same("host", &self.host, &place.host)?;
        let named =
            |ledger: &Option<String>| ledger.clone().unwrap_or_else(|| "(none yet)".to_owned());
        same("ledger", &named(&self.ledger), &named(&place.ledger))
    }
}

fn same(what: &'static str, theirs: &str, ours: &str) -> Result<(), NotThisPlan> {
    if theirs == ours {
        return Ok(());
    }
    Err(NotThisPlan::Elsewhere { what, theirs: theirs.to_owned(), ours: ours.to_owned() })
}

/// What a run is bound to: it does these things and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applying {
    /// Who wants it.
    pub by: String,
    /// What is applied, in words.
    pub what: String,
    /// Whether applying it is a person's approval of everything in it.
    pub grants: bool,
    /// What may be done, by finding.
    pub wanted: BTreeMap<Key, Proposal>,
}

impl Applying {
    /// A person has a saved plan carried out.
    #[must_use]
    pub fn plan(saved: &SavedPlan, by: String) -> Self {
        let of = |action: &SavedAction| {
            let proposal = &action.ask.proposal;
            (proposal.key.clone(), proposal.clone())
        };
        Self {
            by,
            what: format!(
                "the plan {} of {}",
                saved.digest.short(),
                super::moment::full(saved.made_at)
            ),
            grants: true,
            wanted: saved.actions.iter().map(of).collect(),
        }
    }

    /// A person has one granted request carried out.
    #[must_use]
    pub fn approval(approval: &Approval, by: String) -> Self {
        let proposal = approval.ask.proposal.clone();
        let wanted = BTreeMap::from([(proposal.key.clone(), proposal)]);
        Self { by, what: approval.id.to_string(), grants: false, wanted }
    }

    /// `Err` with the reason where `proposal` is not what is applied.
    ///
    /// # Errors
    ///
    /// The text names what changed.
    pub fn holds(&self, proposal: &Proposal) -> Result<(), String> {
        match self.wanted.get(&proposal.key) {
            None => Err(format!("it is no part of {}, and nothing else is done now", self.what)),
            Some(wanted) if wanted == proposal => Ok(()),
            Some(wanted) => Err(format!(
                "it is not any more what {} says: {}",
                self.what,
                wanted.changes(proposal).join("; ")
            )),
        }
    }
}
