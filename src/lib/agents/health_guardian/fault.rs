//! What can be wrong, as health-guardian knows it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::judge::Blame;
use super::settings::Limits;
use crate::domain::diagnosis::Fault as EngineFault;
use crate::domain::process::{ProcessReading, ProcessRef, ProcessStatus};
use crate::domain::severity::Severity;
use crate::domain::subject::Key;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// A service answers wrongly or not at all.
    ServiceDown {
        /// The service.
        service: String,
        /// What was asked.
        url: String,
        /// What is wrong with the answer.
        why: String,
        /// What that is to be blamed on.
        blame: Blame,
        /// The finding that explains it.
        cause: Option<Key>,
    },
    /// A service says that it is degraded.
    ServiceDegraded {
        /// The service.
        service: String,
        /// What it says.
        why: String,
        /// The finding that explains it.
        cause: Option<Key>,
    },
    /// A certificate ends soon, or has ended.
    CertificateEnding {
        /// What was asked.
        url: String,
        /// Its last day.
        ends: String,
        /// Whether that day is over.
        ended: bool,
        /// Whether the critical limit is reached.
        critical: bool,
    },
    /// A process does not run.
    ProcessDown(ProcessFault),
    /// Its manager restarts it over and over.
    RestartStorm {
        /// The process.
        process: ProcessRef,
        /// The finding that explains it: its manager has given up by now.
        cause: Option<Key>,
    },
    /// It is close to its own limit, or was until it died.
    ProcessMemory {
        /// The process.
        fault: ProcessFault,
        /// The finding that explains it: it is down by now.
        cause: Option<Key>,
    },
    /// A manager cannot be read.
    ManagerUnreadable {
        /// Why.
        why: String,
    },
    /// Something of the machine is used up.
    Machine {
        /// What.
        resource: &'static str,
        /// The limit, in percent.
        limit: u32,
    },
    /// A disk is nearly full.
    Disk {
        /// Where it is mounted.
        mount: String,
        /// The limit that is passed, in percent.
        limit: u8,
        /// Whether that is the critical one.
        critical: bool,
    },
    /// Nothing outside answers.
    UplinkDown,
}

/// A process that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProcessFault {
    /// Which one.
    pub process: ProcessRef,
    /// What its manager says; `None` where the manager does not know it.
    pub reading: Option<ProcessReading>,
}

impl ProcessFault {
    fn status(&self) -> Option<ProcessStatus> {
        self.reading.as_ref().map(|reading| reading.status)
    }
}

impl Fault {
    /// The fault of a disk that is `used` percent full, if that is one.
    pub(super) fn of_disk(mount: &str, used: f64, limits: &Limits) -> Option<Self> {
        let fault = |limit, critical| Self::Disk { mount: mount.to_owned(), limit, critical };
        if used > f64::from(limits.disk_critical_percent) {
            Some(fault(limits.disk_critical_percent, true))
        } else if used > f64::from(limits.disk_percent) {
            Some(fault(limits.disk_percent, false))
        } else {
            None
        }
    }
}

impl EngineFault for Fault {
    fn severity(&self) -> Severity {
        match self {
            Self::CertificateEnding { critical, .. } | Self::Disk { critical, .. } => {
                if *critical {
                    Severity::Critical
                } else {
                    Severity::Warning
                }
            }
            // Somebody wanted it stopped: worth knowing, not worth waking anybody for.
            Self::ProcessDown(fault) if fault.status() == Some(ProcessStatus::Stopped) => {
                Severity::Warning
            }
            Self::ProcessDown(_) | Self::ServiceDown { .. } | Self::RestartStorm { .. } => {
                Severity::Critical
            }
            Self::ServiceDegraded { .. }
            | Self::ProcessMemory { .. }
            | Self::ManagerUnreadable { .. }
            | Self::Machine { .. }
            | Self::UplinkDown => Severity::Warning,
        }
    }

    fn message(&self) -> String {
        match self {
            Self::ServiceDown { service, url, why, .. } => {
                format!("{service} is down: {why} ({url})")
            }
            Self::ServiceDegraded { service, why, .. } => format!("{service} is degraded: {why}"),
            Self::CertificateEnding { url, ends, ended: true, .. } => {
                format!("the certificate of {url} has ended, on {ends}")
            }
            Self::CertificateEnding { url, ends, .. } => {
                format!("the certificate of {url} ends on {ends}")
            }
            Self::ProcessDown(fault) => match (fault.status(), &fault.process) {
                (None, process) => {
                    format!("{process} is missing: its manager does not know it")
                }
                (Some(ProcessStatus::Stopped), process) => {
                    format!("{process} is stopped")
                }
                (Some(status), process) => {
                    let exit = fault.reading.as_ref().and_then(|r| r.last_exit.as_deref());
                    let exit = exit.map(|exit| format!(" ({exit})")).unwrap_or_default();
                    format!("{process} is {}{exit}", status.as_str())
                }
            },
            Self::RestartStorm { process, .. } => {
                format!("{process} is restarted over and over")
            }
            Self::ProcessMemory { fault, cause: Some(_) } => {
                let status = fault.status().map_or("missing", ProcessStatus::as_str);
                format!("{} used nearly all memory of its own limit and is {status}", fault.process)
            }
            Self::ProcessMemory { fault, cause: None } => {
                format!("{} uses nearly all memory of its own limit", fault.process)
            }
            Self::ManagerUnreadable { why } => format!("the process manager is unreadable: {why}"),
            Self::Machine { resource, limit } => {
                format!("the machine's {resource} is used above {limit} %")
            }
            Self::Disk { mount, limit, .. } => format!("the disk {mount} is fuller than {limit} %"),
            Self::UplinkDown => "nothing outside this host answers".to_owned(),
        }
    }

    fn facts(&self) -> BTreeMap<String, String> {
        let fact = |name: &str, value: &str| BTreeMap::from([(name.to_owned(), value.to_owned())]);
        match self {
            Self::ServiceDown { why, url, .. } => {
                BTreeMap::from([("why".to_owned(), why.clone()), ("url".to_owned(), url.clone())])
            }
            Self::ServiceDegraded { why, .. } | Self::ManagerUnreadable { why } => fact("why", why),
            Self::CertificateEnding { ends, ended, .. } => BTreeMap::from([
                ("ends".to_owned(), ends.clone()),
                ("ended".to_owned(), ended.to_string()),
            ]),
            Self::ProcessDown(fault) | Self::ProcessMemory { fault, .. } => {
                fact("status", fault.status().map_or("missing", ProcessStatus::as_str))
            }
            Self::Machine { limit, .. } => fact("limit_percent", &limit.to_string()),
            Self::Disk { limit, .. } => fact("limit_percent", &limit.to_string()),
            Self::RestartStorm { .. } | Self::UplinkDown => BTreeMap::new(),
        }
    }

    fn caused_by(&self) -> Option<Key> {
        match self {
            Self::ServiceDown { cause, .. }
            | Self::ServiceDegraded { cause, .. }
            | Self::ProcessMemory { cause, .. }
            | Self::RestartStorm { cause, .. } => cause.clone(),
            Self::CertificateEnding { .. }
            | Self::ProcessDown(_)
            | Self::ManagerUnreadable { .. }
            | Self::Machine { .. }
            | Self::Disk { .. }
            | Self::UplinkDown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_fuller_than_its_limit_from_the_first_byte_above_it_on() {
        let limits = Limits::default();
        let severity = |used| Fault::of_disk("/", used, &limits).map(|fault| fault.severity());
        assert_eq!(severity(85.0), None);
        assert_eq!(severity(85.1), Some(Severity::Warning));
        assert_eq!(severity(95.0), Some(Severity::Warning));
        assert_eq!(severity(95.1), Some(Severity::Critical));
    }
}
