//! ops-reporter: watches over the other agents, and sees to it that people are told.
//!
//! It repairs nothing. What it finds are agents that do not run as they should, by their schedules and by their runs in the
//! ledger; the roll-up, the digest and the dashboard are the house's, and leave with its run.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::agent::{Agent, Need, Problem, Remedy, Scope};
use crate::domain::diagnosis::{
    Absence, CheckFindings, Coverage, Diagnosis, Evidence, Fault as EngineFault, Origin, Verdict,
};
use crate::domain::freshness::History;
use crate::domain::run::Recall;
use crate::domain::severity::Severity;
use crate::domain::spec::{CheckClass, CheckSpec, Spec};
use crate::domain::subject::{AgentName, CheckId, Key, Subject, SubjectKind};
use crate::ports::sensors::Sensors;

/// The agent's name.
pub const AGENT: AgentName = AgentName::of("ops-reporter");
/// An agent's next start is overdue.
pub const AGENT_LATE: CheckId = CheckId::of("agent_late");
/// An agent starts far more often than its schedule says.
pub const AGENT_TOO_OFTEN: CheckId = CheckId::of("agent_too_often");
/// An agent's runs have become much shorter.
pub const AGENT_TOO_FAST: CheckId = CheckId::of("agent_too_fast");

const fn check(id: CheckId, summary: &'static str) -> CheckSpec {
    CheckSpec {
        id,
        summary,
        worst: Severity::Warning,
        class: CheckClass::Incident,
        raise: 1,
        clear: 1,
        settle: std::time::Duration::ZERO,
    }
}

/// `[agents.ops-reporter]`: watches over the other agents, and sees to it that people are told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OpsReporter {
    /// An agent that starts more than so many times as often as its schedule says is triggered twice.
    #[schemars(range(min = 2, max = 16))]
    pub too_often_times: u32,
    /// Runs that take less than so many percent of what they used to take look at less than they should.
    #[schemars(range(min = 1, max = 90))]
    pub too_fast_percent: u8,
}

impl Default for OpsReporter {
    fn default() -> Self {
        Self { too_often_times: 3, too_fast_percent: 10 }
    }
}

/// What it saw: how every agent ran lately.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// This host.
    pub host: String,
    /// When it looked.
    pub at: Timestamp,
    /// How the agents ran; none where the ledger could not be read.
    pub histories: Vec<History>,
}

/// That an agent does not run as it should.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// In one sentence.
    pub message: String,
}

impl EngineFault for Fault {
    fn severity(&self) -> Severity {
        Severity::Warning
    }

    fn message(&self) -> String {
        self.message.clone()
    }

    fn facts(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    fn caused_by(&self) -> Option<Key> {
        None
    }
}

impl Agent for OpsReporter {
    const SPEC: Spec = Spec {
        name: AGENT,
        summary: "watches over the other agents, and sees to it that people are told",
        cron: "*/30 * * * *",
        checks: &[
            check(AGENT_LATE, "an agent's next start is overdue"),
            check(AGENT_TOO_OFTEN, "an agent starts far more often than its schedule says"),
            check(AGENT_TOO_FAST, "an agent's runs have become much shorter"),
        ],
        series: &[],
        watches: true,
    };
    type Snapshot = Snapshot;
    type Fault = Fault;

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }

    fn needs(&self) -> Vec<Need> {
        Vec::new()
    }

    async fn observe(&self, sensors: &Sensors, _scope: &Scope, recall: &Recall) -> Snapshot {
        Snapshot {
            host: sensors.host_name.clone(),
            at: sensors.now(),
            histories: recall.histories.clone(),
        }
    }

    fn detect(&self, snapshot: &Snapshot, recall: &Recall, _now: Timestamp) -> Diagnosis<Fault> {
        let mut diagnosis = Diagnosis::default();
        for spec in Self::SPEC.checks {
            diagnosis.checks.insert(spec.id.clone(), self.judged(&spec.id, snapshot, recall));
        }
        diagnosis
    }

    fn remedy(&self, _: &Subject, _: &Fault, _: &Snapshot, _: Timestamp) -> Remedy {
        let why = "what starts agents lies outside of them; look at the timer or the scheduler";
        Remedy::Leave { why: why.to_owned() }
    }
}

impl OpsReporter {
    fn judged(
        &self,
        check: &CheckId,
        snapshot: &Snapshot,
        recall: &Recall,
    ) -> CheckFindings<Fault> {
        let now = snapshot.at;
        if snapshot.histories.is_empty() {
            return unseen(check, snapshot, recall);
        }
        let mut findings = CheckFindings::new(Coverage::Whole);
        // Its own runs are of this moment; whoever runs next sees whether there are any.
        for history in snapshot.histories.iter().filter(|history| history.agent != AGENT) {
            if !history.enabled {
                let why = "settings switch the agent off, or its slots are suspended".to_owned();
                let subject = subject(snapshot, history.agent.as_str());
                findings.absent.insert(subject, Absence::Excused { why });
                continue;
            }
            let wrong = match check {
                check if *check == AGENT_LATE => history.late(now),
                check if *check == AGENT_TOO_OFTEN => history.too_often(now, self.too_often_times),
                _ => history.too_fast(self.too_fast_percent),
            };
            let evidence = Evidence::once(Origin::Loopback, now);
            let verdict = match wrong {
                Some(message) => Verdict::Faulty(Fault { message }, evidence),
                None => Verdict::Healthy(evidence),
            };
            findings.findings.insert(subject(snapshot, history.agent.as_str()), verdict);
        }
        findings
    }
}

fn subject(snapshot: &Snapshot, agent: &str) -> Subject {
    Subject::new(SubjectKind::Agent, &snapshot.host, agent)
}

fn unseen(check: &CheckId, snapshot: &Snapshot, recall: &Recall) -> CheckFindings<Fault> {
    const WHY: &str = "how agents ran could not be read from the ledger";
    let mut findings = CheckFindings::new(Coverage::Partial { why: WHY.to_owned() });
    findings.findings.insert(subject(snapshot, "all"), Verdict::unknown(WHY));
    let open = recall.incidents.iter().map(|incident| &incident.key);
    for key in open.filter(|key| key.agent == AGENT && key.check == *check) {
        findings.findings.insert(key.subject.clone(), Verdict::unknown(WHY));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::freshness::PastRun;
    use crate::domain::run::RunState;

    fn at(minutes: i64) -> Timestamp {
        let noon: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        noon.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap()
    }

    fn history(agent: &'static str, last: i64) -> History {
        let run = PastRun { started_at: at(last), ended_at: Some(at(last)), state: RunState::Ok };
        History {
            agent: AgentName::of(agent),
            cron: "*/10 * * * *".to_owned(),
            zone: "UTC".to_owned(),
            enabled: true,
            began: Some(at(-1000)),
            last_well: Some(at(last)),
            runs: vec![run],
        }
    }

    fn faulty(snapshot: &Snapshot, check: &CheckId) -> Vec<String> {
        let diagnosis = OpsReporter::default().detect(snapshot, &Recall::default(), snapshot.at);
        let findings = diagnosis.checks[check].findings.iter();
        let faulty = findings.filter(|(_, verdict)| matches!(verdict, Verdict::Faulty(..)));
        faulty.map(|(subject, _)| subject.id().to_owned()).collect()
    }

    #[test]
    fn a_late_agent_is_a_finding_and_a_fresh_one_is_not() {
        let histories = vec![history("fleet-manager", -16), history("health-guardian", -5)];
        let snapshot = Snapshot { host: "host-a".to_owned(), at: at(0), histories };
        assert_eq!(faulty(&snapshot, &AGENT_LATE), ["fleet-manager"]);
        assert!(faulty(&snapshot, &AGENT_TOO_OFTEN).is_empty());
    }

    #[test]
    fn without_the_ledger_nothing_is_well() {
        let snapshot = Snapshot { host: "host-a".to_owned(), at: at(0), histories: Vec::new() };
        let diagnosis = OpsReporter::default().detect(&snapshot, &Recall::default(), at(0));
        for findings in diagnosis.checks.values() {
            assert!(findings.findings.values().all(|one| matches!(one, Verdict::Unknown { .. })));
        }
    }
}
