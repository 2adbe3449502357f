//! What is wrong with one service: its name, its process, how it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use super::address::Address;
use crate::agents::health_guardian::settings::{HealthGuardian, Probe, Service};
use crate::domain::process::ManagerKind;

/// Where, relative to the service, and what to write instead.
type Found = (String, String);

impl Service {
    pub(super) fn lint(&self, all: &HealthGuardian) -> Vec<Found> {
        let mut found = Vec::new();
        if self.name.is_empty() || self.name.contains(['/', ':', '.']) {
            found.push(("name".into(), "write a name without `/`, `:` and `.`".into()));
        }
        if self.probes.is_empty() && self.process.is_empty() {
            let message = "nothing is looked at: write a probe, name a process, or both";
            found.push(("probes".into(), message.into()));
        }
        found.extend(self.of_dependencies(all));
        found.extend(self.of_process());
        let mut names = BTreeSet::new();
        for (place, probe) in self.probes.iter().enumerate() {
            let twice = (!names.insert(probe.name.as_str()))
                .then(|| ("name", "two probes of a service need different names".to_owned()));
            let wrong = twice.into_iter().chain(probe.lint());
            found.extend(wrong.map(|(key, what)| (format!("probes[{place}].{key}"), what)));
        }
        found
    }

    fn of_dependencies(&self, all: &HealthGuardian) -> Vec<Found> {
        let wrong = |dependency: &String| match all.service(dependency) {
            _ if *dependency == self.name => Some("a service cannot depend on itself"),
            None => Some("is not a service of this list; add it with a probe of its own"),
            Some(found) if found.probes.is_empty() => {
                Some("has no probe, so it could never be seen healthy")
            }
            Some(_) => None,
        };
        self.dependencies
            .iter()
            .flatten()
            .enumerate()
            .filter_map(|(place, name)| {
                Some((format!("dependencies[{place}]"), wrong(name)?.to_owned()))
            })
            .collect()
    }

    fn of_process(&self) -> Option<Found> {
        let (key, message) = match (&self.command, self.manager) {
            (None, ManagerKind::Command) if !self.process.is_empty() => (
                "command",
                "the \"command\" manager needs `command.status` (and `command.restart`)".to_owned(),
            ),
            (Some(_), ManagerKind::Pm2 | ManagerKind::Systemd) => (
                "command",
                "is read by the \"command\" manager only; set manager = \"command\"".to_owned(),
            ),
            (Some(command), ManagerKind::Command) if command.status.is_empty() => (
                "command.status",
                "write the program and its arguments, like [\"/usr/bin/x\", \"status\"]".to_owned(),
            ),
            (Some(command), ManagerKind::Command) if command.programs().any(|program| is_relative(program)) => (
                "command",
                "a program's path must begin with /, or be a bare name that is looked up; a relative one would depend on \
                 the folder that a run starts in"
                    .to_owned(),
            ),
            (Some(_), ManagerKind::Command) if self.process.is_empty() => (
                "command",
                "is read only where `process` names what it manages; write that too".to_owned(),
            ),
            (None, ManagerKind::Systemd) if !self.process.is_empty() && !is_unit(&self.process) => {
                ("process", not_a_unit(&self.process))
            }
            _ => return None,
        };
        Some((key.to_owned(), message))
    }
}

/// A path that is neither whole nor a bare name.
fn is_relative(program: &str) -> bool {
    program.contains('/') && !program.starts_with('/')
}

/// Whether systemd takes a text for the name of one unit, and not for an option or a pattern.
fn is_unit(text: &str) -> bool {
    let good = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    !text.starts_with('-') && text.chars().all(good)
}

fn not_a_unit(text: &str) -> String {
    format!(
        "`{text}` is not the name of a unit; write one like \"api.service\", of letters, digits \
         and `:-_.\\@`"
    )
}

impl Probe {
    fn lint(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.name.contains(['/', ':', '#', '.']) || self.name.contains(char::is_whitespace) {
            let message = "write a name without `/`, `:`, `#`, `.` and spaces";
            found.push(("name", message.to_owned()));
        }
        match Address::read(&self.url) {
            Err(message) => found.push(("url", message)),
            Ok(address) if address.scheme == "tcp" => found.extend(self.beyond_a_connection()),
            Ok(_) => {}
        }
        found.extend(self.of_status().map(|message| ("status", message)));
        for (key, wanted) in [("body", &self.body), ("degraded", &self.degraded)] {
            found.extend(of_values(wanted).into_iter().map(|message| (key, message)));
        }
        if self.deadline.get().is_zero() {
            found.push(("deadline", "0 leaves no time for an answer".to_owned()));
        }
        found
    }

    /// What a probe by tcp can never see.
    fn beyond_a_connection(&self) -> impl Iterator<Item = (&'static str, String)> {
        let asked = [
            ("status", self.status != BTreeSet::from([200])),
            ("body", !self.body.is_empty()),
            ("degraded", !self.degraded.is_empty()),
            ("assets", self.assets),
        ];
        asked.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| {
            let message = format!(
                "a tcp probe sees only whether a connection is accepted; remove `{key}`, or \
                 probe by http"
            );
            (key, message)
        })
    }

    fn of_status(&self) -> Option<String> {
        if self.status.is_empty() {
            return Some("names no code, so that nothing would ever be well; write [200]".into());
        }
        let odd = self.status.iter().find(|code| !(100..=599).contains(*code))?;
        Some(format!("{odd} is not a status code; write some from 100 to 599"))
    }
}

/// What is wrong with the values that a body is asked for.
fn of_values(wanted: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let wrong = |(pointer, values): (&String, &BTreeSet<String>)| {
        if !pointer.starts_with('/') {
            return Some(format!(
                "`{pointer}` is not a JSON pointer, which starts with `/`, like \"/data/status\""
            ));
        }
        values.is_empty().then(|| {
            format!("no value is allowed at \"{pointer}\"; write some, or remove the pointer")
        })
    };
    wanted.iter().filter_map(wrong).collect()
}
