//! One program under many names: a package installs a single file, and a link to it for every agent and tool.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use super::exit::Exit;
use super::{agent_run, foreign, opsctl, out, registry, sandbox, scheduler};

/// A program, from its command line to its exit code.
type Tool = fn(Vec<OsString>) -> Exit;

/// The names that are not agents, each with its `main`.
const TOOLS: [(&str, Tool); 3] =
    [("opsctl", opsctl::run), ("sandbox", sandbox::run), ("scheduler", scheduler::run)];

/// The whole of every `main`. A file that carries the exact name of another agent or tool acts as that one; `own` is what a
/// file with any other name is.
#[must_use]
pub fn main(own: &str) -> ExitCode {
    if let Err(why) = foreign::left_behind() {
        out::complain(&why);
        return Exit::BadConfig.into();
    }
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let called = called(arguments.first().map_or(OsStr::new(""), OsString::as_os_str));
    let name = called.filter(|name| is_ours(name)).unwrap_or(own).to_owned();
    agent_run::guarded(|| run(&name, arguments)).into()
}

/// The whole of the `main` of a program that is the scheduler by every name: it stays in memory, and holds nothing that only agents
/// and tools need.
#[must_use]
pub fn scheduler() -> ExitCode {
    agent_run::guarded(|| scheduler::run(std::env::args_os().collect())).into()
}

/// The file's own name.
fn called(path: &OsStr) -> Option<&str> {
    Path::new(path).file_name()?.to_str()
}

fn tool(name: &str) -> Option<Tool> {
    TOOLS.iter().find(|(tool, _)| *tool == name).map(|(_, run)| *run)
}

fn is_ours(name: &str) -> bool {
    tool(name).is_some() || registry::find(name).is_some()
}

fn run(name: &str, arguments: Vec<OsString>) -> Exit {
    match (tool(name), registry::find(name)) {
        (Some(tool), _) => tool(arguments),
        (None, Some(entry)) => agent_run::run(entry, arguments),
        (None, None) => {
            out::complain(&format!("{name} is not a program of this opswarden"));
            Exit::BadConfig
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_known_by_its_own_name_wherever_it_lies() {
        for (path, ours) in [
            ("/usr/lib/opswarden/health-guardian", true),
            ("opsctl", true),
            ("./scheduler", true),
            ("/opt/x/opsctl-new", false),
            ("", false),
        ] {
            assert_eq!(called(OsStr::new(path)).is_some_and(is_ours), ours, "{path}");
        }
    }

    #[test]
    fn no_tool_has_the_name_of_an_agent() {
        assert!(TOOLS.iter().all(|(name, _)| registry::find(name).is_none()));
    }
}
