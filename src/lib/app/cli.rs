//! The command line of the agents' own binaries, and how every command line of ours is read.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, Command, CommandFactory, FromArgMatches, ValueEnum};

use super::exit::Exit;
use super::out;
use crate::domain::run::Trigger;
use crate::domain::spec::Spec;

/// The form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// For programs: one JSON document, whose schema docs/ describes.
    Json,
}

/// What starts an agent by its schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StartedBy {
    /// Our own scheduler.
    Scheduler,
    /// A timer of systemd.
    Systemd,
    /// PM2.
    Pm2,
}

impl StartedBy {
    /// As the ledger has it.
    #[must_use]
    pub const fn trigger(self) -> Trigger {
        match self {
            Self::Scheduler => Trigger::Scheduler,
            Self::Systemd => Trigger::Systemd,
            Self::Pm2 => Trigger::Pm2,
        }
    }
}

/// The help of `--config`.
pub const CONFIG_HELP: &str =
    "The settings file [default: $OPSWARDEN_CONFIG, ./agents.toml, /etc/opswarden/agents.toml]";

/// What an agent's binary understands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct AgentArgs {
    /// The settings file, if not the default one.
    #[arg(help = CONFIG_HELP, long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The form of the report
    #[arg(short, long, value_name = "FORM", value_enum, default_value_t)]
    pub output: Output,
    /// Look and print exactly the plan that would run; change nothing, send nothing
    #[arg(long, conflicts_with_all = ["observe", "replay"])]
    pub plan: bool,
    /// With --plan: keep the plan in a new FILE, to be applied later
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub out: Option<PathBuf>,
    /// A run that does exactly what a kept plan, or a granted request (APR-1), says and what still holds of it
    #[arg(long, value_name = "PLAN", conflicts_with_all = ["plan", "observe", "replay"])]
    pub apply: Option<String>,
    /// Look and record, and act on nothing, whatever the settings allow
    #[arg(long, conflicts_with = "replay")]
    pub observe: bool,
    /// Run only if a slot of the schedule is due and nobody else has it; else end at once, with 0
    #[arg(long, conflicts_with_all = ["plan", "apply", "replay"])]
    pub if_due: bool,
    /// With --if-due: what starts it, for the ledger
    #[arg(long, value_name = "WHAT", value_enum, requires = "if_due")]
    pub trigger: Option<StartedBy>,
    /// Judge a recorded run again, from FILE alone: no network, no writes
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
}

/// The command line of the agent that `spec` describes.
#[must_use]
pub fn agent_command(spec: &Spec) -> Command {
    let name = spec.name.to_string();
    let examples = format!(
        "Examples:\n  \
         {name}                       one run, now\n  \
         {name} --plan                what would it do?\n  \
         {name} --plan --out FILE     keep that plan\n  \
         {name} --apply FILE          do what that plan says, if it still holds\n  \
         {name} --observe -o json     look and record only, report as JSON\n  \
         {name} --if-due              for timers: one run, if a slot is due\n  \
         {name} --replay FILE         why did that run decide so?\n\n{}",
        Exit::help()
    );
    AgentArgs::augment_args(Command::new("agent"))
        .bin_name(&name)
        .display_name(&name)
        .version(env!("CARGO_PKG_VERSION"))
        .about(format!("{}: {}", spec.name, spec.summary))
        .after_help(examples)
        .max_term_width(100)
}

/// Reads the command line of the agent that `spec` describes; the first of `arguments` is the program's name.
///
/// # Errors
///
/// The code with which to end at once: help and version were printed, or the usage error was.
pub fn agent(
    spec: &Spec,
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<AgentArgs, Exit> {
    let matched = agent_command(spec).try_get_matches_from(arguments);
    matched.and_then(|found| AgentArgs::from_arg_matches(&found)).map_err(|error| end(&error))
}

/// Reads the command line of a program with sub-commands.
///
/// # Errors
///
/// The code with which to end at once: help and version were printed, or the usage error was.
pub fn program<T: CommandFactory + FromArgMatches>(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<T, Exit> {
    let command = T::command().after_help(Exit::help()).max_term_width(100);
    let matched = command.try_get_matches_from(arguments);
    matched.and_then(|found| T::from_arg_matches(&found)).map_err(|error| end(&error))
}

/// Prints what the reader of the command line has to say: help goes to standard output, everything else to
/// standard error. A usage error is bad configuration.
fn end(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // clap colours for a terminal only and honours NO_COLOR; a closed pipe is no error of ours.
            let _ = error.print();
            Exit::Clean
        }
        _ => {
            if error.print().is_err() {
                out::complain("the command line cannot be used");
            }
            Exit::BadConfig
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::registry;

    fn read(words: &[&str]) -> Result<AgentArgs, Exit> {
        let spec = (registry::ALL[0].spec)();
        agent(&spec, std::iter::once("agent").chain(words.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_options_are_read() {
        let args = read(&["--config", "/x.toml", "--plan", "-o", "json"]).unwrap();
        assert_eq!(args.config, Some(PathBuf::from("/x.toml")));
        assert!(args.plan && !args.observe);
        assert_eq!(args.output, Output::Json);
        assert_eq!(read(&[]).unwrap(), AgentArgs::default());
    }

    #[test]
    fn a_usage_error_is_bad_configuration_and_help_is_no_error() {
        assert_eq!(read(&["--plna"]), Err(Exit::BadConfig));
        assert_eq!(read(&["--plan", "--observe"]), Err(Exit::BadConfig));
        assert_eq!(read(&["--out", "plan.json"]), Err(Exit::BadConfig));
        assert_eq!(read(&["--apply", "plan.json", "--plan"]), Err(Exit::BadConfig));
        assert_eq!(read(&["--apply", "APR-1", "--observe"]), Err(Exit::BadConfig));
        assert_eq!(read(&["-o", "xml"]), Err(Exit::BadConfig));
        assert_eq!(read(&["--help"]), Err(Exit::Clean));
        assert_eq!(read(&["--version"]), Err(Exit::Clean));
    }

    #[test]
    fn the_help_tells_the_examples_and_every_exit_code() {
        for entry in registry::ALL {
            let spec = (entry.spec)();
            let mut command = agent_command(&spec);
            command.clone().debug_assert();
            let help = command.render_help().to_string();
            assert!(help.contains(&format!("{} --plan", spec.name)), "{help}");
            for exit in Exit::ALL {
                assert!(help.contains(exit.meaning()), "{help}");
            }
        }
    }
}
