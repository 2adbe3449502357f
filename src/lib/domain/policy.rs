//! What an agent may do, and how much of it: the settings of `[agents.<name>.policy]` and `[budgets]`.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::HumanDuration;

/// How far an agent may go. Ordered: a later level allows more.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Autonomy {
    /// Found and recorded.
    Observe,
    /// The plan is recorded and told; nothing waits for an answer.
    Propose,
    /// A request that a person can grant with `opsctl approve`.
    Approve,
    /// Carried out, inside the gate.
    #[default]
    Act,
}

impl Autonomy {
    /// The word used in files and messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Propose => "propose",
            Self::Approve => "approve",
            Self::Act => "act",
        }
    }
}

/// `[agents.<name>.policy]`: what one agent may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// How far the agent may go: "observe", "propose", "approve" or "act".
    pub autonomy: Autonomy,
    /// How long a person can grant a request, and a grant can be used.
    pub approval_expiry: HumanDuration,
    /// Checks that are switched off. An open incident of such a check is closed as "check disabled".
    pub disabled_checks: BTreeSet<String>,
    /// Attempts in one episode before a person is called.
    pub attempts: u32,
    /// The shortest time between the first and the second attempt of an episode; doubled for each further one.
    pub back_off: HumanDuration,
    /// The longest time between two attempts.
    pub back_off_cap: HumanDuration,
    /// An incident that comes back within this time continues the attempts and the back-off of the last one.
    pub relapse_window: HumanDuration,
    /// So many episodes of one finding within `flap_window` are flapping: nothing more is tried.
    pub flap_episodes: u32,
    /// The time in which episodes are counted for flapping.
    pub flap_window: HumanDuration,
    /// Restarts and reloads of all services of this host in one run.
    pub restarts_per_run: u32,
    /// Displays of a tenant that may be told something in one run, and in any hour, in percent; at least one.
    #[schemars(range(max = 100))]
    pub fleet_percent: u32,
    /// With a smaller share of displays well than this, in percent, no display is told anything: so many at once have one
    /// cause.
    #[schemars(range(max = 100))]
    pub min_healthy_percent: u32,
    /// Quiet changes of one kind (archive, deactivate, assign) of a tenant in one run.
    pub quiet_per_run: u32,
    /// The same in a day, in percent of the tenant's rows of that kind; at least five.
    #[schemars(range(max = 100))]
    pub quiet_percent_per_day: u32,
    /// How long after an action its subject is left alone before it is looked at again. Unset: each check's own
    /// time, 30 seconds for services and processes.
    pub settle: Option<HumanDuration>,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            autonomy: Autonomy::Act,
            approval_expiry: HumanDuration::mins(24 * 60),
            disabled_checks: BTreeSet::new(),
            attempts: 2,
            back_off: HumanDuration::mins(10),
            back_off_cap: HumanDuration::mins(6 * 60),
            relapse_window: HumanDuration::mins(30),
            flap_episodes: 3,
            flap_window: HumanDuration::mins(6 * 60),
            restarts_per_run: 3,
            fleet_percent: 10,
            min_healthy_percent: 51,
            quiet_per_run: 100,
            quiet_percent_per_day: 10,
            settle: None,
        }
    }
}

/// `[budgets]`: what all agents of this host may do together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Budgets {
    /// Disruptive actions in one run of one agent.
    pub actions_per_run: u32,
    /// Disruptive actions of all agents in any hour.
    pub actions_per_hour: u32,
}

impl Default for Budgets {
    fn default() -> Self {
        Self { actions_per_run: 10, actions_per_hour: 30 }
    }
}
