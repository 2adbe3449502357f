//! Exit codes: one enum, one number each (docs/SPEC.md §8).

use std::process::ExitCode;

use crate::domain::report::Report;
use crate::domain::run::RunState;

/// How a program ends. Listed so that the first one that applies wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// The settings or the command line cannot be used.
    BadConfig,
    /// Already running, or not ours to run now.
    NotNow,
    /// The gate refused a request of a person.
    Refused,
    /// Could not complete, could not see what had to be seen, or could not record it.
    Incomplete,
    /// At least one warning or critical finding is not proven healthy.
    Findings,
    /// Nothing is left to do.
    Clean,
}

impl Exit {
    /// Every code, the first that applies first.
    pub const ALL: [Self; 6] = [
        Self::BadConfig,
        Self::NotNow,
        Self::Refused,
        Self::Incomplete,
        Self::Findings,
        Self::Clean,
    ];

    /// The number that the operating system sees.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings => 1,
            Self::Incomplete => 2,
            Self::Refused => 3,
            Self::NotNow => 75,
            Self::BadConfig => 78,
        }
    }

    /// What it means, in one line of help.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Clean => "nothing is left to do, or the run was not due",
            Self::Findings => "a warning or critical finding is not proven healthy",
            Self::Incomplete => {
                "could not complete, could not see everything, or could not record it"
            }
            Self::Refused => {
                "the gate refused what a person asked for (opsctl undo, approve, deny; --apply)"
            }
            Self::NotNow => "already running, or not ours to run now",
            Self::BadConfig => "the settings or the command line cannot be used",
        }
    }

    /// The one of several that wins.
    #[must_use]
    pub fn first_match(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().min().unwrap_or(Self::Clean)
    }

    /// The code of a run that stands at `state` when its process ends.
    #[must_use]
    pub const fn of_run(state: RunState) -> Self {
        match state {
            RunState::Ok => Self::Clean,
            RunState::Findings => Self::Findings,
            RunState::Running
            | RunState::Failed
            | RunState::TimedOut
            | RunState::Killed
            | RunState::Crashed
            | RunState::Lost
            | RunState::Interrupted => Self::Incomplete,
            RunState::Skipped | RunState::Missed => Self::NotNow,
        }
    }

    /// The code of a run that ended with its report.
    #[must_use]
    pub fn of_report(report: &Report) -> Self {
        let exit = match report.exit.state() {
            RunState::Ok => Self::Clean,
            state => Self::of_run(state),
        };
        let refused = (!report.not_applied.is_empty()).then_some(Self::Refused);
        Self::first_match(refused.into_iter().chain([exit]))
    }

    /// The table for `--help`, smallest number first.
    #[must_use]
    pub fn help() -> String {
        let mut rows = Self::ALL;
        rows.sort_by_key(|exit| exit.code());
        let lines: Vec<String> =
            rows.iter().map(|exit| format!("  {:>2}  {}", exit.code(), exit.meaning())).collect();
        format!("Exit codes:\n{}", lines.join("\n"))
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_applies_wins() {
        assert_eq!(Exit::first_match([Exit::Findings, Exit::Incomplete]), Exit::Incomplete);
        assert_eq!(Exit::first_match([Exit::NotNow, Exit::Incomplete]), Exit::NotNow);
        assert_eq!(Exit::first_match([Exit::Clean, Exit::BadConfig]), Exit::BadConfig);
        assert_eq!(Exit::first_match([]), Exit::Clean);
    }

    #[test]
    fn every_code_is_a_number_of_its_own() {
        let codes: std::collections::BTreeSet<u8> =
            Exit::ALL.iter().map(|exit| exit.code()).collect();
        assert_eq!(codes.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 75, 78]);
    }

    #[test]
    fn every_state_of_a_run_has_a_code() {
        for state in RunState::ALL {
            let clean = Exit::of_run(state) == Exit::Clean;
            assert_eq!(clean, state == RunState::Ok, "{}", state.as_str());
        }
    }
}
