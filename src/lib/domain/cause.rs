//! Which finding stands at the root of another one.

use std::collections::BTreeSet;

use super::diagnosis::{Diagnosis, Standing, Symptom};
use super::ledger::LedgerView;
use super::policy::Policy;
use super::severity::Severity;
use super::subject::Key;

/// What causes are looked up in.
#[derive(Clone, Copy, Debug)]
pub struct Causes<'a> {
    /// What one agent concluded.
    pub diagnosis: &'a Diagnosis<Symptom>,
    /// Its incidents.
    pub view: &'a LedgerView,
    /// Its policy: a check that is switched off explains nothing.
    pub policy: &'a Policy,
}

impl Causes<'_> {
    /// The finding at the root of `key`'s causes. Each of them stands: is faulty, or has an active incident. A
    /// finding that is worse than its cause is not explained by it, and neither is one to which its own causes lead
    /// back: of findings that explain each other in a circle, each is told by itself.
    #[must_use]
    pub fn root(&self, key: &Key, symptom: &Symptom) -> Option<Key> {
        let mut passed = BTreeSet::from([key.clone()]);
        let mut root = None;
        let mut next = symptom.caused_by.clone();
        while let Some(cause) = next {
            if cause == *key {
                return None;
            }
            if !passed.insert(cause.clone()) {
                break;
            }
            let (severity, further) = self.standing(key, &cause);
            if severity.is_none_or(|severity| severity < symptom.severity) {
                break;
            }
            root = Some(cause);
            next = further;
        }
        root
    }

    /// How bad a cause of `key` is, if it stands, and what causes it in turn.
    fn standing(&self, key: &Key, cause: &Key) -> (Option<Severity>, Option<Key>) {
        // What another agent finds explains nothing here: it would depend on who looked first.
        if cause.agent != key.agent || self.policy.disabled_checks.contains(cause.check.as_str()) {
            return (None, None);
        }
        if let Standing::Faulty(symptom, _) = self.diagnosis.standing(&cause.check, &cause.subject)
        {
            return (Some(symptom.severity), symptom.caused_by.clone());
        }
        (self.view.incident_of(cause).map(|incident| incident.severity), None)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::diagnosis::{CheckFindings, Coverage, Evidence, Origin, Verdict};
    use crate::domain::subject::{AgentName, CheckId, Subject, SubjectKind};

    fn key(name: usize) -> Key {
        let subject = Subject::new(SubjectKind::Service, "host-a", &format!("s{name}"));
        Key::new(AgentName::of("a"), CheckId::of("c"), subject)
    }

    /// Findings that are all critical; each names the cause that stands at its place.
    fn diagnosis(causes: &[Option<usize>]) -> Diagnosis<Symptom> {
        let mut of_check = CheckFindings::new(Coverage::Whole);
        for (name, cause) in causes.iter().enumerate() {
            let evidence = Evidence::once(Origin::Loopback, Timestamp::UNIX_EPOCH);
            of_check.findings.insert(key(name).subject, Verdict::Faulty(symptom(*cause), evidence));
        }
        Diagnosis {
            checks: BTreeMap::from([(CheckId::of("c"), of_check)]),
            samples: Vec::new(),
            populations: Vec::new(),
        }
    }

    fn symptom(cause: Option<usize>) -> Symptom {
        Symptom {
            severity: Severity::Critical,
            message: "it is down".into(),
            facts: BTreeMap::new(),
            caused_by: cause.map(key),
            not_now: None,
        }
    }

    fn roots(causes: &[Option<usize>], policy: &Policy) -> Vec<Option<Key>> {
        let (diagnosis, view) = (diagnosis(causes), LedgerView::default());
        let lookup = Causes { diagnosis: &diagnosis, view: &view, policy };
        causes
            .iter()
            .enumerate()
            .map(|(name, cause)| lookup.root(&key(name), &symptom(*cause)))
            .collect()
    }

    #[test]
    fn a_chain_leads_to_its_end_and_a_circle_to_nobody() {
        let policy = Policy::default();
        assert_eq!(roots(&[None, Some(0), Some(1)], &policy), [None, Some(key(0)), Some(key(0))]);
        assert_eq!(roots(&[Some(1), Some(0)], &policy), [None, None]);
        assert_eq!(roots(&[Some(0)], &policy), [None]);
        // What hangs on a circle is told with one of its findings.
        assert_eq!(roots(&[Some(1), Some(0), Some(0)], &policy), [None, None, Some(key(1))]);
    }

    #[test]
    fn a_check_that_is_switched_off_explains_nothing() {
        let policy =
            Policy { disabled_checks: BTreeSet::from(["c".to_owned()]), ..Policy::default() };
        assert_eq!(roots(&[None, Some(0)], &policy), [None, None]);
    }

    proptest! {
        #[test]
        fn whatever_explains_whatever_every_root_is_told_by_itself(
            causes in prop::collection::vec(prop::option::of(0_usize..12), 12),
        ) {
            let roots = roots(&causes, &Policy::default());
            for root in roots.iter().flatten() {
                let place = (0..causes.len()).find(|name| key(*name) == *root).expect("a root is a finding");
                prop_assert_eq!(&roots[place], &None, "{} is explained itself", root);
            }
            prop_assert!(roots.iter().any(Option::is_none), "an outage is always told");
        }
    }
}
