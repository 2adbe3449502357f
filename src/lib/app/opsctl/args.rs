//! The command line of `opsctl`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use clap_complete::Shell;
use jiff::Timestamp;

use super::db::DbVerb;
use super::generate::GenerateVerb;
use super::init::args::InitArgs;
use crate::app::cli::{CONFIG_HELP, Output};
use crate::domain::duration::HumanDuration;

/// The operator's tool of opswarden: what is the state, why, and stop.
#[derive(Clone, Debug, Parser)]
#[command(name = "opsctl", version, propagate_version = true, subcommand_required = true)]
pub struct Opsctl {
    /// The settings file, if not the default one.
    #[arg(help = CONFIG_HELP, long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The form of what is printed
    #[arg(short, long, global = true, value_name = "FORM", value_enum, default_value_t)]
    pub output: Output,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// What `opsctl` can do.
#[derive(Clone, Debug, Subcommand)]
pub enum Verb {
    /// Everything an admin wants to know, on one screen
    Status,
    /// Incidents: all active ones, or one with its whole life
    Incidents {
        /// Which ones
        #[command(subcommand)]
        verb: Option<IncidentsVerb>,
    },
    /// Why was this done, or left alone?
    Explain {
        /// An incident (INC-1), a remediation (REM-1), a request (APR-1), or a finding's whole key
        id: String,
        /// Every door of the gate with its numbers, and what would change the answer
        #[arg(long)]
        why_not: bool,
    },
    /// The last runs
    Runs {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        last: u32,
    },
    /// The last remediations, each with before and after
    Remediations {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        last: u32,
    },
    /// What agents ask for: everything that waits for an answer, and what ended of late
    Approvals,
    /// Let an agent do what it asks for: exactly that, once, and only while nothing has changed
    Approve {
        /// The request, like APR-1
        id: String,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
    /// Answer a request with no; a grant that was not used yet is taken back
    Deny {
        /// The request, like APR-1
        id: String,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
    /// Stop acting, for a time: agents go on looking, recording and telling
    Pause {
        /// An agent, or "all"
        agent: String,
        /// For how long, like 30m or 2h
        #[arg(long = "for", value_name = "DURATION")]
        duration: HumanDuration,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
    /// Let agents act again
    Resume {
        /// An agent, "all", an operation that was switched off because it never helped; or what is held: the remediation that
        /// was taken back (REM-1), the key of a finding, or "holds" for every hold
        what: String,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
    /// Take back what an agent did: its recorded inverse, where nobody changed the target since
    #[command(group = clap::ArgGroup::new("what").required(true))]
    Undo {
        /// The remediation, like REM-1
        #[arg(group = "what")]
        remediation: Option<String>,
        /// Instead: everything that a run did, the last act first
        #[arg(long, value_name = "RUN", group = "what")]
        run: Option<String>,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
    /// End an incident by your own word; if it is still wrong, the next run opens it anew
    Resolve {
        /// The incident, like INC-1
        id: String,
        /// Why; stands in the ledger as its proof
        #[arg(long)]
        reason: String,
        /// It was never true
        #[arg(long)]
        false_alarm: bool,
    },
    /// Say that you are on it: no reminders, and no next step, until it becomes worse
    Ack {
        /// The incident, like INC-1
        id: String,
        /// What you do; stands in the ledger
        #[arg(long, default_value = "on it")]
        reason: String,
    },
    /// Hear no more of something, for a time; a recovery is told all the same
    #[command(group = clap::ArgGroup::new("how-long").required(true))]
    Silence {
        /// An incident (INC-1), the key of a finding, or a check (fleet-manager/display_offline)
        what: String,
        /// For how long, like 30m or 2h
        #[arg(long = "for", value_name = "DURATION", group = "how-long")]
        duration: Option<HumanDuration>,
        /// Until the incident ends
        #[arg(long, group = "how-long")]
        until_resolved: bool,
        /// Until the incident becomes worse, or ends
        #[arg(long, group = "how-long")]
        until_worse: bool,
        /// No longer: lift the silence
        #[arg(long, group = "how-long")]
        off: bool,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
    /// Who was told of what, and why
    Notify {
        /// What about it
        #[command(subcommand)]
        verb: NotifyVerb,
    },
    /// The runbook of a check: what it means, what to look at, how to fix it
    Runbook {
        /// The check, like `service_down`, or an incident, like `INC-1`; without one, every check is listed
        check: Option<String>,
    },
    /// When agents are due, and what becomes of a slot that meets an obstacle
    Schedule {
        /// What about it
        #[command(subcommand)]
        verb: ScheduleVerb,
    },
    /// What starts agents by themselves, from the settings in effect, as files for systemd or PM2
    Generate {
        /// For which
        #[command(subcommand)]
        verb: GenerateVerb,
    },
    /// The settings: are they right, and what is in effect?
    Config {
        /// What about them
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// First settings: asks, or takes them from the command line, writes them, and tries what they name
    Init(InitArgs),
    /// Try live what each action would need
    Doctor,
    /// The data stores that db-maintainer tends
    Db {
        /// What about them
        #[command(subcommand)]
        verb: DbVerb,
    },
    /// The ledger itself
    Ledger {
        /// What about it
        #[command(subcommand)]
        verb: LedgerVerb,
    },
    /// The published view
    State {
        /// What about it
        #[command(subcommand)]
        verb: StateVerb,
    },
    /// Break two small services and a whole sandbox platform, and watch what is repaired, what is not, and why
    Demo {
        /// What the platform's tenant follows from; with -o json only its account is given
        #[arg(long, value_name = "N", default_value_t = 7)]
        seed: u64,
    },
    /// A service of the demo; only the demo starts it
    #[command(hide = true)]
    DemoService {
        /// What it does
        #[command(subcommand)]
        verb: DemoVerb,
    },
    /// Completions for a shell, on standard output
    Completions {
        /// The shell
        shell: Shell,
        /// The program: opsctl, or an agent's name
        #[arg(long, value_name = "NAME", default_value = "opsctl")]
        program: String,
    },
    /// The manual pages of every program, written into a folder
    Manual {
        /// The folder, like ~/.local/share/man/man1
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
    },
}

/// What the demo's own processes do.
#[derive(Clone, Debug, Subcommand)]
pub enum DemoVerb {
    /// Answers on loopback until the demo ends
    Serve {
        /// The demo's folder
        folder: PathBuf,
        /// The service's name
        name: String,
    },
    /// Tells a service's status as init scripts do
    Status {
        /// The demo's folder
        folder: PathBuf,
        /// The service's name
        name: String,
    },
    /// Starts a service anew
    Restart {
        /// The demo's folder
        folder: PathBuf,
        /// The service's name
        name: String,
    },
}

/// Which incidents.
#[derive(Clone, Debug, Subcommand)]
pub enum IncidentsVerb {
    /// Every active incident, and those resolved of late
    List,
    /// One incident with its whole life
    Show {
        /// Its id, like INC-1
        id: String,
    },
}

/// What about telling.
#[derive(Clone, Debug, Subcommand)]
pub enum NotifyVerb {
    /// The last notifications: what was told, and what is waiting
    List {
        /// How many
        #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
        last: u32,
    },
    /// Send a trial message, and say what became of it
    #[command(group = clap::ArgGroup::new("which").required(true))]
    Test {
        /// The channel
        #[arg(group = "which")]
        channel: Option<String>,
        /// Every channel
        #[arg(long, group = "which")]
        all: bool,
    },
    /// Why a route was told of an incident, or was not, and when it will be
    Why {
        /// The incident, like INC-1
        incident: String,
        /// The route; without one, every route
        route: Option<String>,
    },
    /// Tell people that a unit of systemd failed, past the ledger and at most once in an hour; units call it
    Failed {
        /// The unit
        unit: String,
    },
}

/// What about schedules.
#[derive(Clone, Debug, Subcommand)]
pub enum ScheduleVerb {
    /// The next slots, of one agent or of all
    Next {
        /// The agent; without one, every agent that is not off
        agent: Option<String>,
        /// How many of each
        #[arg(short = 'n', long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
    },
    /// One agent's schedule: its rules, what the local clock does to it within a year, and its next slots
    Explain {
        /// The agent
        agent: String,
        /// From when on, like 2026-10-25T00:00:00Z, if not from now on
        #[arg(long, value_name = "TIME")]
        from: Option<Timestamp>,
        /// The zone in which local times are shown, if not its own
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
    },
    /// Start no slot of an agent for a time, whatever triggers it; `pause` only stops acting
    Suspend {
        /// The agent, or "all"
        agent: String,
        /// For how long, like 30m or 2h
        #[arg(long = "for", value_name = "TIME")]
        duration: HumanDuration,
        /// Why; stands in the ledger, and with every slot that is skipped
        #[arg(long)]
        reason: String,
    },
    /// Let its slots start again
    Resume {
        /// The agent, or "all"
        agent: String,
        /// Why; stands in the ledger
        #[arg(long)]
        reason: String,
    },
}

/// What about the settings.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigVerb {
    /// Every mistake with its line; 78 where there is one
    Check,
    /// Every effective setting
    Show {
        /// With the place that each value comes from
        #[arg(long)]
        origin: bool,
        /// Instead: the commented settings file with every default
        #[arg(long, conflicts_with = "origin")]
        defaults: bool,
    },
}

/// What about the ledger.
#[derive(Clone, Debug, Subcommand)]
pub enum LedgerVerb {
    /// Fold every event again and compare with what is stored
    Verify,
}

/// What about the view.
#[derive(Clone, Debug, Subcommand)]
pub enum StateVerb {
    /// Take incidents over from a view that another program wrote
    Import {
        /// The file
        file: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::CommandFactory as _;

    use super::*;
    use crate::app::cli;
    use crate::app::exit::Exit;

    fn read(line: &str) -> Result<Opsctl, Exit> {
        cli::program(std::iter::once("opsctl").chain(line.split(' ')).map(OsString::from))
    }

    #[test]
    fn the_definition_holds_together() {
        Opsctl::command().debug_assert();
    }

    #[test]
    fn a_pause_needs_a_duration_and_a_reason() {
        let parsed = read("pause all --for 2h --reason work").unwrap();
        let Verb::Pause { agent, duration, reason } = parsed.verb else { panic!("no pause") };
        assert_eq!((agent.as_str(), reason.as_str()), ("all", "work"));
        assert_eq!(duration, HumanDuration::mins(120));
        assert_eq!(read("pause all --for 2h").unwrap_err(), Exit::BadConfig);
        assert_eq!(read("pause all --for 2 --reason work").unwrap_err(), Exit::BadConfig);
    }

    #[test]
    fn the_form_and_the_file_can_stand_after_the_verb() {
        let parsed = read("config show --origin -o json --config /x.toml").unwrap();
        assert_eq!((parsed.output, parsed.config), (Output::Json, Some(PathBuf::from("/x.toml"))));
    }
}
