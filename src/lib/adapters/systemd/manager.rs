//! systemd, through `systemctl` and `journalctl`, for the units that settings name.
//!
//! Only named units are looked at and acted on. Times are asked for in UTC, because systemd prints them in the
//! caller's zone.

use std::time::Duration;

use super::show;
use super::show::{PROPERTIES, Shown};
use crate::adapters::child::{Outcome, Program};
use crate::adapters::redact::Redactor;
use crate::adapters::tail;
use crate::domain::process::{ProcessReading, ProcessRef};
use crate::domain::sight::{Blind, Scan, Sight};
use crate::ports::Pending;
use crate::ports::processes::{ActFailure, ProcessControl, Processes};

/// How long a question may take.
const QUESTION: Duration = Duration::from_secs(10);
/// How long a restart may take: `systemctl` waits for the start to succeed. One that is cut off goes on in systemd.
const ACT: Duration = Duration::from_mins(1);
/// How many lines of the journal are read.
const JOURNAL_LINES: &str = "50";
/// Journal lines may be long; the newest are cut out afterwards.
const JOURNAL_BYTES: usize = 4 * 1024 * 1024;

/// The units of one systemd.
#[derive(Clone, Debug)]
pub struct Systemd {
    systemctl: Vec<String>,
    journalctl: Vec<String>,
    units: Vec<String>,
}

impl Systemd {
    /// The units `units`, through these programs with their leading arguments.
    #[must_use]
    pub const fn new(systemctl: Vec<String>, journalctl: Vec<String>, units: Vec<String>) -> Self {
        Self { systemctl, journalctl, units }
    }

    async fn shown(&self, units: &[String]) -> Sight<Vec<Option<Shown>>> {
        if let Some(odd) = units.iter().find(|unit| !is_unit_name(unit)) {
            return Err(Blind::because(format!("`{odd}` is not the name of a unit")));
        }
        let properties = format!("--property={}", PROPERTIES.join(","));
        let options = ["show", "--no-pager", &properties, "--"];
        let arguments = options.into_iter().chain(units.iter().map(String::as_str));
        match self.systemctl(arguments).deadline(QUESTION).run().await {
            Outcome::Exited { stdout, .. } if stdout.cut_short => {
                Err(Blind::because("the answer of `systemctl show` is too long"))
            }
            Outcome::Exited { code: 0, stdout, .. } => show::read(&stdout.text(), units),
            outcome => Err(Blind::because(what_happened("systemctl show", &outcome))),
        }
    }

    fn systemctl<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Program {
        let argv = self.systemctl.iter().cloned().chain(arguments.into_iter().map(str::to_owned));
        Program::new(argv).env("TZ", "UTC").env("LC_ALL", "C")
    }

    async fn restart_now(&self, process: &ProcessRef) -> Result<String, ActFailure> {
        let unit = self
            .units
            .iter()
            .find(|unit| **unit == process.name && process.instance.is_none())
            .ok_or_else(|| ActFailure::Refused(format!("{process} is not a declared unit")))?;
        let shown = self.shown(std::slice::from_ref(unit)).await.map_err(|blind| {
            ActFailure::Refused(format!("it could not be read before acting: {blind}"))
        })?;
        let [Some(shown)] = shown.as_slice() else {
            return Err(ActFailure::Refused(format!("systemd does not know {unit}")));
        };
        if shown.gave_up {
            settle(&self.systemctl(["reset-failed", "--", unit]).run().await, "reset-failed")?;
        }
        let restart = self.systemctl(["restart", "--no-ask-password", "--", unit]);
        settle(&restart.deadline(ACT).run().await, "restart")?;
        Ok(format!("systemd restarted {unit}"))
    }

    async fn journal(&self, unit: &str, limit_bytes: usize) -> Sight<String> {
        let arguments = ["-u", unit, "-n", JOURNAL_LINES, "--no-pager", "-o", "cat", "-q"];
        let argv = self.journalctl.iter().map(String::as_str).chain(arguments);
        let program =
            Program::new(argv).env("LC_ALL", "C").deadline(QUESTION).limit_bytes(JOURNAL_BYTES);
        match program.run().await {
            Outcome::Exited { code: 0, stdout, .. } => {
                Ok(tail::of_bytes(&stdout.bytes, limit_bytes))
            }
            outcome => Err(Blind::because(what_happened("journalctl", &outcome))),
        }
    }
}

/// Whether a text is one unit's name: neither an option nor a pattern that means several units.
fn is_unit_name(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    !text.is_empty() && !text.starts_with('-') && text.chars().all(good)
}

/// What permits it.
const UNPERMITTED: &str = "this user needs the rule of polkit that `opsctl generate systemd` writes, opswarden.rules, in \
                           /etc/polkit-1/rules.d";

/// Says whether a command was refused, or whether its effect must be looked for.
fn settle(outcome: &Outcome, verb: &str) -> Result<(), ActFailure> {
    let what = || what_happened(&format!("systemctl {verb}"), outcome);
    match outcome {
        Outcome::Exited { code: 0, .. } => Ok(()),
        // A job that was begun and failed has stopped the unit: that is no "nothing was done".
        Outcome::Exited { stderr, .. } if stderr.text().contains("Job for ") => {
            Err(ActFailure::Unknown(what()))
        }
        // Turned away before anybody looked at what was asked: it says nothing about whether a restart helps.
        Outcome::Exited { stderr, .. } if stderr.text().contains("authentication required") => {
            Err(ActFailure::NotSent(format!("{}; {UNPERMITTED}", what())))
        }
        Outcome::Exited { .. } | Outcome::CouldNotStart { .. } => Err(ActFailure::Refused(what())),
        Outcome::Signalled { .. } | Outcome::TimedOut { .. } => Err(ActFailure::Unknown(what())),
    }
}

fn what_happened(command: &str, outcome: &Outcome) -> String {
    let redactor = Redactor::default();
    match outcome {
        Outcome::Exited { code, stderr, .. } => {
            let text = stderr.text();
            let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("no message");
            format!("`{command}` exited with {code}: {}", redactor.fragment(line))
        }
        Outcome::Signalled { signal } => format!("`{command}` was ended by signal {signal}"),
        Outcome::TimedOut { after } => {
            format!("`{command}` did not end within {} s", after.as_secs())
        }
        Outcome::CouldNotStart { why } => redactor.fragment(why),
    }
}

impl Processes for Systemd {
    fn list(&self) -> Pending<'_, Sight<Scan<ProcessReading>>> {
        Box::pin(async {
            if self.units.is_empty() {
                return Ok(Scan::whole(Vec::new()));
            }
            let shown = self.shown(&self.units).await?;
            Ok(Scan::whole(shown.into_iter().flatten().map(|shown| shown.reading).collect()))
        })
    }

    fn log_tail<'a>(
        &'a self,
        reading: &'a ProcessReading,
        limit_bytes: usize,
    ) -> Pending<'a, Sight<String>> {
        Box::pin(self.journal(&reading.process.name, limit_bytes))
    }
}

impl ProcessControl for Systemd {
    fn restart<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        Box::pin(self.restart_now(process))
    }

    fn reload<'a>(&'a self, process: &'a ProcessRef) -> Pending<'a, Result<String, ActFailure>> {
        let why = format!("systemd cannot replace {process} without an outage");
        Box::pin(async { Err(ActFailure::Refused(why)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_neither_an_option_nor_a_pattern() {
        assert!(is_unit_name("web.service") && is_unit_name("a@b\\x2dc.service"));
        for text in ["", "--all", "-x", "web*", "a b", "web?", "[ab]", "a/b", "a\nb"] {
            assert!(!is_unit_name(text), "{text}");
        }
    }

    #[tokio::test]
    async fn a_systemd_that_cannot_be_asked_is_blind() {
        for program in ["/nowhere/systemctl", "/bin/false", "/bin/true"] {
            let systemd =
                Systemd::new(vec![program.to_owned()], Vec::new(), vec!["a.service".to_owned()]);
            assert!(systemd.list().await.is_err(), "{program}");
        }
    }
}
