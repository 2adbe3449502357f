//! The command line of `scheduler`.

use std::path::PathBuf;

use clap::Parser;

use crate::app::cli::CONFIG_HELP;
use crate::domain::duration::HumanDuration;

/// Waits for the slots of every agent and starts the agents.
///
/// One for each state folder: a second one ends with 75. SIGHUP reads the settings anew and keeps the old ones where there is a
/// mistake; SIGTERM or SIGINT let the agents at work end, a second one ends them.
#[derive(Clone, Debug, Parser)]
#[command(name = "scheduler", version)]
pub struct SchedulerArgs {
    /// The settings file, if not the default one.
    #[arg(help = CONFIG_HELP, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Run what is due now, wait for its end, and end
    #[arg(long)]
    pub once: bool,
    /// Without the pulse of the cron library, which wakes the scheduler once a minute in addition to its own timer
    #[arg(long)]
    pub no_pulse: bool,
    /// How long agents at work may go on once the scheduler is to end
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub drain: HumanDuration,
    /// Where the agents' programs are, if not beside this one
    #[arg(long, value_name = "DIR")]
    pub programs: Option<PathBuf>,
}
