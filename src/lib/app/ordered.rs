//! What the scheduler tells a run in its environment.

use jiff::Timestamp;

use super::cli::{AgentArgs, StartedBy};
use super::config::Environ;
use crate::adapters::agent_process::{CGROUP_VARIABLE, RUN_VARIABLE, join_cgroup};
use crate::domain::incident::RunId;
use crate::domain::planner::{Hold, Waiting};
use crate::domain::subject::AgentName;
use crate::ports::runner::{AGENT_VARIABLE, SLOT_VARIABLE, WAITED_VARIABLE};

/// A run that the scheduler started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ordered {
    /// Its id: by it the scheduler knows its processes and its row.
    pub(super) run: RunId,
    /// Its slot, if that was held back until now.
    pub(super) waiting: Option<Waiting>,
}

impl Ordered {
    /// What this process of `agent` is told. Nothing is believed of an environment that was handed on to another program.
    pub(super) fn of(agent: &AgentName, args: &AgentArgs, environ: &Environ) -> Option<Self> {
        let ours = args.trigger == Some(StartedBy::Scheduler)
            && environ.get(AGENT_VARIABLE) == Some(agent.as_str());
        if !ours {
            return None;
        }
        let run = RunId(environ.get(RUN_VARIABLE)?.to_owned());
        let slot = environ.get(SLOT_VARIABLE).and_then(|slot| slot.parse::<Timestamp>().ok());
        let hold = environ.get(WAITED_VARIABLE).and_then(Hold::from_code);
        let waiting = slot.zip(hold).map(|(slot, hold)| Waiting { slot, hold });
        Some(Self { run, waiting })
    }
}

/// Joins the control group that the scheduler made for this run, before anything else is started.
pub(super) fn join(environ: &Environ) {
    let Some(folder) = environ.get(CGROUP_VARIABLE) else { return };
    if let Err(error) = join_cgroup(folder.as_ref()) {
        tracing::debug!("this run has no control group of its own: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(by: StartedBy, variables: &[(&str, &str)]) -> Option<Ordered> {
        let args = AgentArgs { if_due: true, trigger: Some(by), ..AgentArgs::default() };
        let environ = Environ::of(variables.iter().copied());
        Ordered::of(&AgentName::of("health-guardian"), &args, &environ)
    }

    const BASE: [(&str, &str); 3] = [
        ("OPS_AGENT", "health-guardian"),
        ("OPS_RUN_ID", "run-7"),
        ("OPS_SLOT", "2026-11-20T10:00:00Z"),
    ];

    #[test]
    fn a_run_has_the_id_that_the_scheduler_gave_and_knows_why_it_waited() {
        let plain = told(StartedBy::Scheduler, &BASE).unwrap();
        assert_eq!(plain, Ordered { run: RunId("run-7".to_owned()), waiting: None });
        let waited = [BASE.as_slice(), &[("OPS_WAITED", "mutex=fleet-manager")]].concat();
        let waiting = told(StartedBy::Scheduler, &waited).unwrap().waiting.unwrap();
        assert_eq!(waiting.hold, Hold::Mutex { agent: AgentName::of("fleet-manager") });
    }

    #[test]
    fn an_environment_that_is_meant_for_another_is_not_believed() {
        assert_eq!(told(StartedBy::Systemd, &BASE), None);
        let other = [("OPS_AGENT", "fleet-manager"), BASE[1], BASE[2]];
        assert_eq!(told(StartedBy::Scheduler, &other), None);
        assert_eq!(told(StartedBy::Scheduler, &BASE[..1]), None);
    }
}
