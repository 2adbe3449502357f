//! What is wrong with logs, and what of their upkeep is due. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::LogsFault;
use super::settings::{LogSettings, all};
use crate::agents::db_maintainer::checks::{
    AGENT, ARCHIVES_EXPIRED, ARCHIVES_WARM, LOG_LARGE, LOG_STUCK, LOGS_OLD, LOGS_UNSEEN,
};
use crate::agents::db_maintainer::{Fault, Snapshot};
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Evidence, Origin, Verdict};
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::sight::Sight;
use crate::domain::subject::{CheckId, Subject};
use crate::domain::upkeep::LogsLook;

/// The checks of logs.
const CHECKS: [&CheckId; 6] =
    [&LOGS_UNSEEN, &LOG_STUCK, &ARCHIVES_EXPIRED, &LOG_LARGE, &LOGS_OLD, &ARCHIVES_WARM];

type Faults = BTreeMap<Subject, LogsFault>;

pub(crate) fn detect(
    declared: &[LogSettings],
    snapshot: &Snapshot,
    recall: &Recall,
    diagnosis: &mut Diagnosis<Fault>,
) {
    for check in CHECKS {
        diagnosis.checks.insert(check.clone(), CheckFindings::new(Coverage::Whole));
    }
    for set in &all(declared) {
        let sight = snapshot.logs.get(&set.name);
        let of = Of { set, snapshot, recall };
        for check in CHECKS {
            let findings = diagnosis.checks.get_mut(check).expect("it was put in above");
            of.conclude(check, sight, findings);
        }
    }
}

/// One set and what is known of it.
struct Of<'a> {
    set: &'a LogSettings,
    snapshot: &'a Snapshot,
    recall: &'a Recall,
}

impl Of<'_> {
    fn whole(&self) -> DataRef {
        DataRef::of_store(DataKind::Logs, &self.set.name)
    }

    fn log(&self, name: &str) -> DataRef {
        DataRef::new(DataKind::Log, &self.set.name, name)
    }

    fn subject(&self, data: &DataRef) -> Subject {
        data.subject(&self.snapshot.host)
    }

    fn conclude(
        &self,
        check: &CheckId,
        sight: Option<&Sight<LogsLook>>,
        findings: &mut CheckFindings<Fault>,
    ) {
        let evidence = Evidence::once(Origin::Store, self.snapshot.at);
        // What cannot be written cannot be tended: that is told once.
        let (look, unseen) = match sight {
            None => (None, None),
            Some(Err(blind)) => (None, Some(&blind.why)),
            Some(Ok(look)) => match &look.closed {
                Some(why) => (None, Some(why)),
                None => (Some(look), look.cut_short.as_ref()),
            },
        };
        let faults = if *check == LOGS_UNSEEN {
            let fault = unseen.map(|why| LogsFault::Unseen { why: why.clone() });
            fault.into_iter().map(|fault| (self.subject(&self.whole()), fault)).collect()
        } else {
            look.map(|look| self.faults(check, look)).unwrap_or_default()
        };
        // What is not seen is not well; what is seen of it is still judged.
        let hidden = match sight {
            None => Some("it was not looked at"),
            Some(_) => unseen.filter(|_| *check != LOGS_UNSEEN).map(String::as_str),
        };
        if let Some(why) = hidden {
            findings.coverage = Coverage::Partial { why: why.to_owned() };
        }
        for subject in self.asked(check) {
            let verdict = match hidden {
                Some(why) => Verdict::unknown(why),
                None => Verdict::Healthy(evidence),
            };
            findings.findings.insert(subject, verdict);
        }
        for (subject, fault) in faults {
            findings.findings.insert(subject, Verdict::Faulty(Fault::Logs(fault), evidence));
        }
    }

    /// Whom somebody asks about: the set itself, what has an incident, and what is to be proved.
    fn asked(&self, check: &CheckId) -> BTreeSet<Subject> {
        let open = self.recall.incidents.iter().map(|incident| &incident.key);
        let keys = open.chain(&self.snapshot.wanted);
        let own = keys.filter(|key| key.agent == AGENT && key.check == *check);
        let prefix = format!("{}/", self.set.name);
        let ours = own
            .map(|key| key.subject.clone())
            .filter(|subject| subject.id() == self.set.name || subject.id().starts_with(&prefix));
        ours.chain([self.subject(&self.whole())]).collect()
    }

    fn faults(&self, check: &CheckId, look: &LogsLook) -> Faults {
        let (rules, at) = (self.set.rules(), self.snapshot.at);
        let whole = |is_due: bool, fault: fn(DataRef) -> LogsFault| {
            let data = is_due.then(|| self.whole());
            data.map(|data| (self.subject(&data), fault(data))).into_iter().collect()
        };
        match check {
            check if *check == LOG_STUCK => self.stuck(look),
            check if *check == LOG_LARGE => {
                let large = rules.large(look).into_iter().map(|file| {
                    let (log, node) = (self.log(&file.name), file.node.clone());
                    (self.subject(&log), LogsFault::Large { log, node })
                });
                large.collect()
            }
            check if *check == LOGS_OLD => {
                whole(!rules.old(look, at).is_empty(), |logs| LogsFault::Old { logs })
            }
            check if *check == ARCHIVES_WARM => {
                whole(!rules.warm(look, at).is_empty(), |logs| LogsFault::Warm { logs })
            }
            _ => whole(!rules.expired(look, at).is_empty(), |logs| LogsFault::Expired { logs }),
        }
    }

    /// Each log that is too large by itself, and those that are too old as one: they are many at once.
    fn stuck(&self, look: &LogsLook) -> Faults {
        let mut faults = Faults::new();
        for stuck in self.set.rules().stuck(look, self.snapshot.at) {
            let (log, why) = (self.log(&stuck.file.name), stuck.why);
            if stuck.is_large {
                faults.insert(self.subject(&log), LogsFault::TooLarge { log, why });
            } else {
                let subject = self.subject(&self.whole());
                faults.entry(subject).or_insert(LogsFault::TooOld { log, why });
            }
        }
        faults
    }
}
