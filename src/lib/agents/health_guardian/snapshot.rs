//! What health-guardian looks at in one pass, and how often.
//!
//! A second and third look is taken only where the first shows something ill or something recovering, and where
//! a remediation is to be proved. Everything is looked at side by side, so that one address that never answers
//! costs no other one its time.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join_all, join4};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::checks::{PROCESS_RAISE, SERVICE_CLEAR, SERVICE_RAISE};
use super::judge::{Judgement, judge};
use super::settings::{HealthGuardian, Probe, Service};
use crate::agent::Scope;
use crate::domain::diagnosis::Origin;
use crate::domain::process::{ManagerKind, ProcessReading, ProcessStatus};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Scan, Sight};
use crate::domain::subject::{Key, Subject, SubjectKind};
use crate::ports::host::HostReading;
use crate::ports::probe::{ProbeReading, ProbeRequest};
use crate::ports::sensors::Sensors;

/// Everything that was seen in one pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The host that looked.
    pub host: String,
    /// Why this is not everything, where it is not.
    pub partial: Option<String>,
    /// The findings that were asked about, where not all were.
    pub asked: BTreeSet<Key>,
    /// Readings per probe, oldest first, by the id of its subject.
    pub probes: BTreeMap<String, Sight<Vec<ProbeReading>>>,
    /// Looks at each manager, oldest first.
    pub managers: BTreeMap<ManagerKind, Vec<ManagerLook>>,
    /// The machine itself.
    pub machine: Option<MachineLook>,
    /// Whether anything outside answers; `None` where it is not checked.
    pub uplink: Option<UplinkLook>,
}

/// One look at a process manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ManagerLook {
    /// When.
    pub at: Timestamp,
    /// What it said.
    pub seen: Sight<Scan<ProcessReading>>,
}

/// One look at the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MachineLook {
    /// When.
    pub at: Timestamp,
    /// What it said.
    pub seen: Sight<HostReading>,
}

/// One look at the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UplinkLook {
    /// When.
    pub at: Timestamp,
    /// Whether at least one address answered.
    pub up: Sight<bool>,
}

/// Looks at what `scope` asks for.
pub(super) async fn observe(
    settings: &HealthGuardian,
    sensors: &Sensors,
    scope: &Scope,
    recall: &Recall,
) -> Snapshot {
    let whole = *scope == Scope::Everything;
    let pass = Pass { settings, sensors, scope, recall, whole };
    let (probes, managers, machine, uplink) =
        join4(pass.probes(), pass.managers(), pass.machine(), pass.uplink()).await;
    Snapshot {
        host: sensors.host_name.clone(),
        partial: (!whole).then(|| "only what was acted on was looked at".to_owned()),
        asked: match scope {
            Scope::Everything => BTreeSet::new(),
            Scope::Proof(keys) => keys.iter().cloned().collect(),
        },
        probes,
        managers,
        machine,
        uplink,
    }
}

struct Pass<'a> {
    settings: &'a HealthGuardian,
    sensors: &'a Sensors,
    scope: &'a Scope,
    recall: &'a Recall,
    whole: bool,
}

impl Pass<'_> {
    fn troubled(&self, subject: &Subject) -> bool {
        self.recall.incidents.iter().any(|incident| incident.key.subject == *subject)
    }

    fn probe_subject(&self, service: &Service, probe: &Probe) -> (String, Subject) {
        let id = Probe::subject_id(probe, &service.name);
        let subject = Subject::new(SubjectKind::Service, &self.sensors.host_name, &id);
        (id, subject)
    }

    /// The probes that the scope asks for, each with its id and subject; for a proof those of dependencies, too,
    /// because they may explain what is still wrong.
    fn wanted(&self) -> Vec<(String, Subject, &Probe)> {
        let asked = |service: &&Service| {
            let mut of_service = service.probes.iter();
            of_service.any(|probe| self.scope.wants(&self.probe_subject(service, probe).1))
        };
        let explaining: BTreeSet<&String> =
            self.settings.services.iter().filter(asked).flat_map(Service::needed).collect();
        let all = self.settings.probes().map(|(service, probe)| {
            let (id, subject) = self.probe_subject(service, probe);
            let wanted = self.scope.wants(&subject) || explaining.contains(&service.name);
            wanted.then_some((id, subject, probe))
        });
        all.flatten().collect()
    }

    async fn probes(&self) -> BTreeMap<String, Sight<Vec<ProbeReading>>> {
        let wanted = self.wanted();
        let looks = wanted.iter().map(|(_, subject, probe)| self.probe_rounds(subject, probe));
        let seen = join_all(looks).await;
        wanted.into_iter().map(|(id, _, _)| id).zip(seen).collect()
    }

    /// Up to three looks at one address, some seconds apart.
    async fn probe_rounds(&self, subject: &Subject, probe: &Probe) -> Sight<Vec<ProbeReading>> {
        let prober = self.sensors.prober.as_ref().map_err(Clone::clone)?;
        // A proof asks for as many agreeing looks as raise it, and for no more.
        let rounds = if self.whole { self.settings.probe_attempts.max(1) } else { SERVICE_RAISE };
        let mut readings: Vec<ProbeReading> = Vec::new();
        for round in 0..rounds {
            if round > 0 && !self.sensors.pause(self.settings.probe_pause.get()).await {
                break;
            }
            let deadline = probe.deadline.get().min(self.sensors.time_left());
            if deadline.is_zero() {
                break;
            }
            let request = ProbeRequest {
                url: probe.url.clone(),
                deadline,
                pointers: probe.body.keys().chain(probe.degraded.keys()).cloned().collect(),
                assets: probe.assets,
            };
            readings.push(prober.probe(&request).await);
            if self.whole && !self.another_look(subject, probe, &readings) {
                break;
            }
        }
        if readings.is_empty() {
            return Err(Blind::because("no time was left in this run"));
        }
        Ok(readings)
    }

    fn another_look(&self, subject: &Subject, probe: &Probe, readings: &[ProbeReading]) -> bool {
        let newest = readings.last().map(|reading| judge(probe, reading));
        if matches!(newest, Some(Judgement::Throttled | Judgement::NotAsked(_))) {
            // Asking again would only press on.
            return false;
        }
        let well = |reading: &&ProbeReading| judge(probe, reading) == Judgement::Well;
        let well_in_a_row = readings.iter().rev().take_while(well).count();
        let enough = if self.troubled(subject) { SERVICE_CLEAR as usize } else { 1 };
        well_in_a_row < enough
    }

    async fn managers(&self) -> BTreeMap<ManagerKind, Vec<ManagerLook>> {
        let kinds: Vec<ManagerKind> = ManagerKind::ALL
            .into_iter()
            .filter(|kind| self.watched(*kind).next().is_some() && self.wants_manager(*kind))
            .collect();
        let looks = join_all(kinds.iter().map(|kind| self.manager_looks(*kind))).await;
        kinds.into_iter().zip(looks).collect()
    }

    fn watched(&self, kind: ManagerKind) -> impl Iterator<Item = &str> {
        self.settings
            .services
            .iter()
            .filter(move |service| service.manager == kind && !service.process.is_empty())
            .map(|service| service.process.as_str())
    }

    fn wants_manager(&self, kind: ManagerKind) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Proof(keys) => keys.iter().any(|key| {
                key.subject.kind() == SubjectKind::Process
                    && key.subject.id().starts_with(&format!("{}:", kind.as_str()))
            }),
        }
    }

    async fn manager_looks(&self, kind: ManagerKind) -> Vec<ManagerLook> {
        let mut looks = vec![self.manager_look(kind).await];
        while looks.len() < PROCESS_RAISE as usize
            && looks.last().is_some_and(|look| !self.whole || self.suspicious(kind, look))
            && self.sensors.pause(self.settings.process_pause.get()).await
        {
            looks.push(self.manager_look(kind).await);
        }
        looks
    }

    async fn manager_look(&self, kind: ManagerKind) -> ManagerLook {
        let seen = match self.sensors.manager(kind) {
            Ok(manager) => manager.list().await,
            Err(blind) => Err(blind),
        };
        ManagerLook { at: self.sensors.now(), seen }
    }

    /// Whether a second look is worth its time: something watched is not simply online, or was not.
    fn suspicious(&self, kind: ManagerKind, look: &ManagerLook) -> bool {
        let Ok(scan) = &look.seen else { return true };
        let ill = |reading: &&ProcessReading| {
            reading.status != ProcessStatus::Online
                || over_limit(reading, self.settings.memory_percent)
        };
        self.watched(kind).any(|name| {
            let mut rows =
                scan.items.iter().filter(|reading| reading.process.name == name).peekable();
            rows.peek().is_none()
                || rows.any(|row| {
                    ill(&row) || self.troubled(&row.process.subject(&self.sensors.host_name))
                })
        })
    }

    async fn machine(&self) -> Option<MachineLook> {
        if !self.whole {
            return None;
        }
        let seen = match &self.sensors.host {
            Ok(host) => host.read().await,
            Err(blind) => Err(blind.clone()),
        };
        Some(MachineLook { at: self.sensors.now(), seen })
    }

    /// Looked at where a probe goes through it.
    async fn uplink(&self) -> Option<UplinkLook> {
        let through_it =
            || self.wanted().iter().any(|(_, _, probe)| probe.origin() == Origin::Edge);
        if self.settings.uplink.is_empty() || !(self.whole || through_it()) {
            return None;
        }
        let up = match &self.sensors.prober {
            Err(blind) => Err(blind.clone()),
            Ok(prober) => {
                let deadline = super::checks::UPLINK_DEADLINE.min(self.sensors.time_left());
                let requests: Vec<ProbeRequest> = self
                    .settings
                    .uplink
                    .iter()
                    .map(|url| ProbeRequest {
                        url: url.clone(),
                        deadline,
                        pointers: Vec::new(),
                        assets: false,
                    })
                    .collect();
                let looks = requests.iter().map(|request| prober.probe(request));
                let readings = join_all(looks).await;
                Ok(readings.iter().any(answered))
            }
        };
        Some(UplinkLook { at: self.sensors.now(), up })
    }
}

/// Any answer at all proves the way out.
const fn answered(reading: &ProbeReading) -> bool {
    use crate::ports::probe::ProbeAnswer;
    matches!(reading.answer, ProbeAnswer::Connected | ProbeAnswer::Http { .. })
}

/// Whether a process uses more than `percent` of its own limit; never where the limit is unknown.
pub(super) fn over_limit(reading: &ProcessReading, percent: u8) -> bool {
    match (reading.memory_bytes, reading.memory_limit_bytes) {
        (Some(used), Some(limit)) if limit > 0 => {
            u128::from(used) * 100 > u128::from(limit) * u128::from(percent)
        }
        _ => false,
    }
}
