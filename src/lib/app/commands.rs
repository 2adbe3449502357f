//! Every program of the package with its command line: what completions and manual pages are made of.

use clap::{Command, CommandFactory as _};

use super::cli;
use super::exit::Exit;
use super::opsctl::args::Opsctl;
use super::registry;
use super::sandbox::SandboxArgs;
use super::scheduler::args::SchedulerArgs;

/// One command line for each program in `src/bin`.
#[must_use]
pub fn all() -> Vec<Command> {
    let tools = [Opsctl::command(), SandboxArgs::command(), SchedulerArgs::command()];
    let tools = tools.into_iter().map(|tool| tool.after_help(Exit::help()));
    let agents = registry::ALL.iter().map(|entry| cli::agent_command(&(entry.spec)()));
    tools.chain(agents).collect()
}

/// The command line of `program`.
#[must_use]
pub fn find(program: &str) -> Option<Command> {
    all().into_iter().find(|command| name(command) == program)
}

/// The program's name, as people type it.
#[must_use]
pub fn name(command: &Command) -> &str {
    command.get_display_name().unwrap_or_else(|| command.get_name())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_program_has_a_command_line_here() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let programs: BTreeSet<String> =
            entries.map(|file| file.file_stem().unwrap().to_string_lossy().into_owned()).collect();
        let ours: BTreeSet<String> = all().iter().map(|one| name(one).to_owned()).collect();
        assert_eq!(ours, programs);
    }
}
