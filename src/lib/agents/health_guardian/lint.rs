//! What is wrong with health-guardian's settings beyond their types.

use std::collections::BTreeSet;

use super::checks::SERVICE_RAISE;
use super::settings::{HealthGuardian, Service};
use crate::agent::Problem;
use crate::domain::process::ManagerKind;

impl HealthGuardian {
    /// Problems beyond types.
    #[must_use]
    pub fn lint(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut say = |path: String, message: String| problems.push(Problem { path, message });
        if !(SERVICE_RAISE..=10).contains(&self.probe_attempts) {
            say(
                "probe_attempts".into(),
                format!(
                    "write a number from {SERVICE_RAISE} to 10: so many agreeing looks make a finding"
                ),
            );
        }
        if !(1..=100).contains(&self.memory_percent) {
            say("memory_percent".into(), "write a percentage from 1 to 100".into());
        }
        if self.restart_storm == 0 {
            say(
                "restart_storm".into(),
                "0 would call every process a storm; write 1 or more".into(),
            );
        }
        if self.certificate_critical_days > self.certificate_warn_days {
            say("certificate_critical_days".into(), "must not exceed certificate_warn_days".into());
        }
        if self.limits.disk_critical_percent < self.limits.disk_percent {
            say(
                "limits.disk_critical_percent".into(),
                "must not be below limits.disk_percent".into(),
            );
        }
        for (place, url) in self.uplink.iter().enumerate() {
            if let Err(message) = usable_url(url) {
                say(format!("uplink[{place}]"), message);
            }
        }
        let mut names = BTreeSet::new();
        for (place, service) in self.services.iter().enumerate() {
            if !names.insert(service.name.as_str()) {
                say(
                    format!("services[{place}].name"),
                    format!("`{}` is named twice", service.name),
                );
            }
            for (path, message) in service.lint(self) {
                say(format!("services[{place}].{path}"), message);
            }
        }
        problems
    }
}

impl Service {
    fn lint(&self, all: &HealthGuardian) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut say = |path: String, message: &str| problems.push((path, message.to_owned()));
        if self.name.is_empty() || self.name.contains(['/', ':', '.']) {
            say("name".into(), "write a name without `/`, `:` and `.`");
        }
        if self.probes.is_empty() && self.process.is_empty() {
            say("probes".into(), "nothing is looked at: write a probe, name a process, or both");
        }
        for (place, dependency) in self.dependencies.iter().flatten().enumerate() {
            let path = format!("dependencies[{place}]");
            match all.service(dependency) {
                _ if *dependency == self.name => say(path, "a service cannot depend on itself"),
                None => say(path, "is not a service of this list; add it with a probe of its own"),
                Some(found) if found.probes.is_empty() => {
                    say(path, "has no probe, so it could never be seen healthy");
                }
                Some(_) => {}
            }
        }
        match (&self.command, self.manager) {
            (None, ManagerKind::Command) if !self.process.is_empty() => {
                say(
                    "command".into(),
                    "the \"command\" manager needs `command.status` (and `command.restart`)",
                );
            }
            (Some(_), ManagerKind::Pm2 | ManagerKind::Systemd) => {
                say(
                    "command".into(),
                    "is read by the \"command\" manager only; set manager = \"command\"",
                );
            }
            (Some(command), ManagerKind::Command) if command.status.is_empty() => {
                say(
                    "command.status".into(),
                    "write the program and its arguments, like [\"/usr/bin/x\", \"status\"]",
                );
            }
            _ => {}
        }
        let mut names = BTreeSet::new();
        for (place, probe) in self.probes.iter().enumerate() {
            let path = |key: &str| format!("probes[{place}].{key}");
            if !names.insert(probe.name.as_str()) {
                say(path("name"), "two probes of a service need different names");
            }
            if let Err(message) = usable_url(&probe.url) {
                say(path("url"), &message);
            }
            for pointer in probe.body.keys().chain(probe.degraded.keys()) {
                if !pointer.starts_with('/') {
                    say(path("body"), "a JSON pointer starts with `/`, like \"/data/status\"");
                }
            }
            if probe.deadline.get().is_zero() {
                say(path("deadline"), "0 leaves no time for an answer");
            }
        }
        problems
    }
}

/// Whether a prober understands `url`.
pub(super) fn usable_url(url: &str) -> Result<(), String> {
    let (scheme, rest) =
        url.split_once("://").ok_or("write http://…, https://… or tcp://host:port")?;
    let authority = rest.split('/').next().unwrap_or_default();
    if authority.contains('@') {
        return Err(
            "leave out the user and password before `@`; probes carry no credentials".to_owned()
        );
    }
    match scheme {
        _ if authority.is_empty() => Err("names no host".to_owned()),
        "http" | "https" => Ok(()),
        "tcp" => match authority.rsplit_once(':').map(|(_, port)| port.parse::<u16>()) {
            Some(Ok(_)) => Ok(()),
            _ => Err("tcp:// needs a port, like tcp://127.0.0.1:5432".to_owned()),
        },
        other => {
            Err(format!("`{other}` is not a scheme that can be probed; use http, https or tcp"))
        }
    }
}
