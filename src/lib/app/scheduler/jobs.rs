//! What is scheduled by the settings.

use crate::app::config::Config;
use crate::app::registry::{self, Entry};
use crate::app::wire;
use crate::domain::planner::Job;

/// The job of an agent by these settings.
pub(in crate::app) fn job(config: &Config, entry: &Entry) -> Job {
    let name = (entry.spec)().name;
    let settings = config.of(&name);
    Job::new(name, &config.host, settings.schedule.clone(), settings.rules.clone())
}

/// The jobs of all agents that these settings leave on.
pub(super) fn jobs(config: &Config) -> Vec<Job> {
    let on = registry::ALL.iter().filter(|entry| wire::off(config, entry).is_none());
    on.map(|entry| job(config, entry)).collect()
}
