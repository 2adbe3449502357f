//! The settings of health-guardian: which services, how they are probed, which process answers for them.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::{DeclaredProcess, Need};
use crate::domain::diagnosis::Origin;
use crate::domain::duration::HumanDuration;
use crate::domain::process::ManagerKind;

/// Keeps services running: probes them, watches their processes and the host, restarts what crashed, proves it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HealthGuardian {
    /// How many probes a service gets in one run: the second and later ones only after a failed first.
    pub probe_attempts: u32,
    /// The pause between two probes of the same service.
    pub probe_pause: HumanDuration,
    /// The pause between two looks at a process that seems ill.
    pub process_pause: HumanDuration,
    /// A process that was started less than this ago is not restarted because its service does not answer yet.
    pub start_grace: HumanDuration,
    /// A process above this share of its own limit is reloaded or restarted, in percent.
    pub memory_percent: u8,
    /// A process that was restarted so often since the last run, at most an hour ago, is in a restart storm.
    pub restart_storm: u32,
    /// A certificate that ends within so many days is a warning.
    pub certificate_warn_days: u32,
    /// A certificate that ends within so many days is critical.
    pub certificate_critical_days: u32,
    /// Addresses outside this host, as URLs. Where none of them answers, this host's own uplink is down and
    /// probes through it say nothing about services. Empty: not checked.
    pub uplink: Vec<String>,
    /// Limits of the machine itself.
    pub limits: Limits,
    /// The services.
    pub services: Vec<Service>,
}

/// Limits of the machine itself; above them is an incident, never an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// CPU in use, in percent of all cores.
    pub cpu_percent: u8,
    /// Memory in use, in percent.
    pub memory_percent: u8,
    /// Swap in use, in percent.
    pub swap_percent: u8,
    /// A disk fuller than this is a warning, in percent.
    pub disk_percent: u8,
    /// A disk fuller than this is critical, in percent.
    pub disk_critical_percent: u8,
    /// Five-minute load per logical CPU, in percent: 200 means two runnable tasks for each.
    pub load_percent: u32,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name in findings and messages.
    pub name: String,
    /// Who manages its process: "pm2", "systemd" or "command".
    #[serde(default = "pm2")]
    pub manager: ManagerKind,
    /// The name of its process there: a PM2 app, a systemd unit. Empty: nothing is restarted, only alerted.
    #[serde(default)]
    pub process: String,
    /// Other services of this list that it cannot work without. Not set: unknown, and a failing probe of a
    /// living process is only alerted. An empty list says that there are none.
    #[serde(default)]
    pub dependencies: Option<Vec<String>>,
    /// For the "command" manager: how its process is looked at and restarted.
    #[serde(default)]
    pub command: Option<Commands>,
    /// How it is looked at.
    #[serde(default)]
    pub probes: Vec<Probe>,
}

/// Commands of the "command" manager, as argument lists; no shell is involved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Commands {
    /// Tells the status by its exit code, as init scripts do: 0 running, 1 or 2 dead, 3 stopped. The first line
    /// of its output identifies the running process, for example its pid.
    #[schemars(example = ["/etc/init.d/shop", "status"])]
    pub status: Vec<String>,
    /// Restarts the process.
    #[serde(default)]
    pub restart: Vec<String>,
    /// A file that holds the latest output.
    #[serde(default)]
    pub log: Option<String>,
}

/// One look at a service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Its name, where a service has more than one probe: findings are then about "service.name".
    #[serde(default)]
    pub name: String,
    /// "http://…", "https://…" or "tcp://host:port". Only an address of this very machine can justify a restart.
    pub url: String,
    /// The status codes that mean well; every other one does not.
    #[serde(default = "ok_only")]
    pub status: BTreeSet<u16>,
    /// Values that a JSON body must hold to be well: JSON pointer to allowed values, all of them.
    #[serde(default)]
    pub body: BTreeMap<String, BTreeSet<String>>,
    /// Values that mean degraded instead of down: JSON pointer to values, any of them.
    #[serde(default)]
    pub degraded: BTreeMap<String, BTreeSet<String>>,
    /// Whether the page must name a script or style sheet, and these must load too.
    #[serde(default)]
    pub assets: bool,
    /// The time for one whole answer.
    #[serde(default = "ten_seconds")]
    pub deadline: HumanDuration,
}

const fn pm2() -> ManagerKind {
    ManagerKind::Pm2
}

fn ok_only() -> BTreeSet<u16> {
    BTreeSet::from([200])
}

const fn ten_seconds() -> HumanDuration {
    HumanDuration::secs(10)
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu_percent: 95,
            memory_percent: 90,
            swap_percent: 80,
            disk_percent: 85,
            disk_critical_percent: 95,
            load_percent: 400,
        }
    }
}

impl Default for HealthGuardian {
    fn default() -> Self {
        Self {
            probe_attempts: 3,
            probe_pause: HumanDuration::secs(5),
            process_pause: HumanDuration::secs(2),
            start_grace: HumanDuration::mins(1),
            memory_percent: 85,
            restart_storm: 3,
            certificate_warn_days: 21,
            certificate_critical_days: 7,
            uplink: Vec::new(),
            limits: Limits::default(),
            services: shipped(),
        }
    }
}

/// The three services that the design names, alert only: no process is named until an admin does.
fn shipped() -> Vec<Service> {
    let expect = |pointer: &str, value: &str| {
        BTreeMap::from([(pointer.to_owned(), BTreeSet::from([value.to_owned()]))])
    };
    let probe = |url: &str| Probe {
        name: String::new(),
        url: url.to_owned(),
        status: ok_only(),
        body: BTreeMap::new(),
        degraded: BTreeMap::new(),
        assets: false,
        deadline: ten_seconds(),
    };
    let service = |name: &str, probe: Probe| Service {
        name: name.to_owned(),
        manager: ManagerKind::Pm2,
        process: String::new(),
        dependencies: None,
        command: None,
        probes: vec![probe],
    };
    vec![
        service(
            "middleware",
            Probe {
                body: expect("/data/status", "ok"),
                degraded: expect("/data/status", "degraded"),
                ..probe("http://127.0.0.1:3000/api/v1/health/ready")
            },
        ),
        service(
            "realtime",
            Probe {
                body: expect("/ready", "true"),
                ..probe("http://127.0.0.1:3002/api/health/ready")
            },
        ),
        service("web", Probe { assets: true, ..probe("http://127.0.0.1:3001/") }),
    ]
}

impl Probe {
    /// Where its evidence is taken, by the address alone: loopback, a private network, or the way that the
    /// public takes.
    #[must_use]
    pub fn origin(&self) -> Origin {
        let rest = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host_port = authority.rsplit('@').next().unwrap_or_default();
        let host = match host_port.strip_prefix('[') {
            Some(v6) => v6.split(']').next().unwrap_or_default(),
            None => host_port.split(':').next().unwrap_or_default(),
        };
        if host == "localhost" {
            return Origin::Loopback;
        }
        match host.parse::<std::net::IpAddr>() {
            Ok(ip) if ip.is_loopback() => Origin::Loopback,
            Ok(std::net::IpAddr::V4(ip)) if ip.is_private() || ip.is_link_local() => Origin::Lan,
            Ok(std::net::IpAddr::V6(ip)) if ip.is_unique_local() => Origin::Lan,
            _ => Origin::Edge,
        }
    }

    /// The address as people are told it: without its query, which may authorise.
    #[must_use]
    pub fn shown_url(&self) -> &str {
        self.url.split('?').next().unwrap_or_default()
    }

    /// The id of findings of this probe of `service`.
    #[must_use]
    pub fn subject_id(&self, service: &str) -> String {
        if self.name.is_empty() { service.to_owned() } else { format!("{service}.{}", self.name) }
    }
}

impl HealthGuardian {
    /// The service called `name`.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// Every probe with its service.
    pub fn probes(&self) -> impl Iterator<Item = (&Service, &Probe)> {
        self.services
            .iter()
            .flat_map(|service| service.probes.iter().map(move |probe| (service, probe)))
    }

    /// The senses that these settings need.
    #[must_use]
    pub fn senses(&self) -> Vec<Need> {
        let mut needs = vec![Need::Host];
        let probed = self.probes().map(|(_, probe)| &probe.url);
        let urls: Vec<&String> = probed.chain(&self.uplink).collect();
        if !urls.is_empty() {
            needs.push(Need::Prober { tls: urls.iter().any(|url| url.starts_with("https:")) });
        }
        for kind in ManagerKind::ALL {
            let declared: Vec<_> = self
                .services
                .iter()
                .filter(|service| service.manager == kind && !service.process.is_empty())
                .map(Service::declared)
                .collect();
            if !declared.is_empty() {
                needs.push(Need::Manager { kind, declared });
            }
        }
        needs
    }
}

impl Commands {
    /// The programs that it names.
    pub(super) fn programs(&self) -> impl Iterator<Item = &String> {
        [&self.status, &self.restart].into_iter().filter_map(|words| words.first())
    }
}

impl Service {
    /// The services that it needs, as far as that is declared.
    pub(super) fn needed(&self) -> impl Iterator<Item = &String> {
        self.dependencies.iter().flatten()
    }

    fn declared(&self) -> DeclaredProcess {
        let command = self.command.clone().unwrap_or_default();
        DeclaredProcess {
            name: self.process.clone(),
            status: command.status,
            restart: command.restart,
            log: command.log,
        }
    }
}
