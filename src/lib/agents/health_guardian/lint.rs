//! What is wrong with health-guardian's settings beyond their types.

mod address;
mod circle;
mod service;

use std::collections::{BTreeMap, BTreeSet};

use self::address::Address;
use super::checks::SERVICE_RAISE;
use super::settings::{HealthGuardian, Limits, Service};
use crate::agent::Problem;
use crate::domain::process::ManagerKind;

impl HealthGuardian {
    /// Problems beyond types.
    #[must_use]
    pub fn lint(&self) -> Vec<Problem> {
        let mut problems = self.of_numbers();
        problems.extend(self.limits.lint());
        problems.extend(self.of_uplink());
        problems.extend(self.of_services());
        problems.extend(circle::problems(self));
        problems
    }

    fn of_numbers(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !(SERVICE_RAISE..=10).contains(&self.probe_attempts) {
            problems.push(problem(
                "probe_attempts",
                format!(
                    "write a number from {SERVICE_RAISE} to 10: so many agreeing looks make a finding"
                ),
            ));
        }
        problems.extend(percentage("memory_percent", self.memory_percent));
        if self.restart_storm == 0 {
            let message = "0 would call every process a storm; write 1 or more";
            problems.push(problem("restart_storm", message));
        }
        if self.certificate_critical_days > self.certificate_warn_days {
            let message = "must not exceed certificate_warn_days";
            problems.push(problem("certificate_critical_days", message));
        }
        problems
    }

    fn of_uplink(&self) -> impl Iterator<Item = Problem> {
        let wrong = |url: &String| match Address::read(url) {
            Err(message) => Some(message),
            Ok(address) if address.is_this_host() => {
                Some("is this very host, which always answers itself; write one outside".to_owned())
            }
            Ok(_) => None,
        };
        self.uplink.iter().enumerate().filter_map(move |(place, url)| {
            wrong(url).map(|message| problem(format!("uplink[{place}]"), message))
        })
    }

    fn of_services(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut names = BTreeSet::new();
        let mut commanded: BTreeMap<&str, &Service> = BTreeMap::new();
        for (place, service) in self.services.iter().enumerate() {
            let at = |path: &str| format!("services[{place}].{path}");
            if !names.insert(service.name.as_str()) {
                problems.push(problem(at("name"), format!("`{}` is named twice", service.name)));
            }
            let found = service.lint(self).into_iter();
            problems.extend(found.map(|(path, message)| problem(at(&path), message)));
            if service.manager != ManagerKind::Command || service.command.is_none() {
                continue;
            }
            let first = commanded.entry(&service.process).or_insert(service);
            if first.command != service.command && !service.process.is_empty() {
                let message = format!(
                    "`{}` has another command in service `{}`; write the same, or name another \
                     process",
                    service.process, first.name
                );
                problems.push(problem(at("command"), message));
            }
        }
        problems
    }
}

impl Limits {
    fn lint(&self) -> Vec<Problem> {
        let percentages = [
            ("limits.cpu_percent", self.cpu_percent),
            ("limits.memory_percent", self.memory_percent),
            ("limits.swap_percent", self.swap_percent),
            ("limits.disk_percent", self.disk_percent),
            ("limits.disk_critical_percent", self.disk_critical_percent),
        ];
        let mut problems: Vec<Problem> =
            percentages.into_iter().filter_map(|(path, value)| percentage(path, value)).collect();
        if self.disk_critical_percent < self.disk_percent {
            let message = "must not be below limits.disk_percent";
            problems.push(problem("limits.disk_critical_percent", message));
        }
        problems
    }
}

fn problem(path: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem { path: path.into(), message: message.into() }
}

fn percentage(path: &str, value: u8) -> Option<Problem> {
    let wrong = !(1..=100).contains(&value);
    wrong.then(|| problem(path, "write a percentage from 1 to 100"))
}
