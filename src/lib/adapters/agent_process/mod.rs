//! Agents as processes of the scheduler: started, attended to, and ended with everything that they started.

mod cgroup;
mod launch;
mod output;
mod tree;

pub use cgroup::join_cgroup;
pub use launch::{AgentProcesses, CGROUP_VARIABLE};
pub use tree::{RUN_VARIABLE, end_holder, is_run};
