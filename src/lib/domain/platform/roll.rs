//! Findings about the rows of tenants: faults and doubts by name, the well ones by number.
//!
//! A tenant may have fifty thousand rows. Only what somebody asks for is named: what is wrong, what could not be judged,
//! and what an active incident or a proof waits for.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::domain::diagnosis::{
    Absence, Census, CheckFindings, Coverage, Diagnosis, Evidence, Fault, Origin, Verdict,
};
use crate::domain::spec::Spec;
use crate::domain::subject::{CheckId, Key, Subject, SubjectKind};

/// Where a subject stands that somebody asks for and that no finding names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It was judged, and is well.
    Well,
    /// A whole listing does not have it.
    Gone,
    /// It is there, and nobody expects it to be well: why.
    Excused(String),
    /// It was not judged, and why.
    Unseen(String),
}

/// Findings on their way to a diagnosis.
#[derive(Debug)]
pub struct Roll<F> {
    diagnosis: Diagnosis<F>,
    asked: BTreeMap<CheckId, BTreeSet<Subject>>,
}

impl<F: Fault> Roll<F> {
    /// A roll with every check of `spec`; `asked` are the findings that somebody waits for.
    #[must_use]
    pub fn new<'k>(spec: &Spec, asked: impl IntoIterator<Item = &'k Key>) -> Self {
        let mut diagnosis = Diagnosis::default();
        for check in spec.checks {
            diagnosis.checks.insert(check.id.clone(), CheckFindings::new(Coverage::Whole));
        }
        let mut of: BTreeMap<CheckId, BTreeSet<Subject>> = BTreeMap::new();
        for key in asked.into_iter().filter(|key| key.agent == spec.name) {
            of.entry(key.check.clone()).or_default().insert(key.subject.clone());
        }
        Self { diagnosis, asked: of }
    }

    /// The diagnosis of an agent that could not see the platform at all: nothing is well and nothing is wrong.
    #[must_use]
    pub fn all_blind<'k>(
        spec: &Spec,
        asked: impl IntoIterator<Item = &'k Key>,
        why: &str,
    ) -> Diagnosis<F> {
        let mut roll = Self::new(spec, asked);
        for check in spec.checks {
            roll.blind(&check.id, "all", why);
        }
        for (check, subjects) in std::mem::take(&mut roll.asked) {
            for subject in subjects {
                roll.unknown(&check, subject, why);
            }
        }
        roll.diagnosis
    }

    fn of(&mut self, check: &CheckId) -> &mut CheckFindings<F> {
        let whole = || CheckFindings::new(Coverage::Whole);
        self.diagnosis.checks.entry(check.clone()).or_insert_with(whole)
    }

    /// A fault, seen in what the platform said at `at`.
    pub fn faulty(&mut self, check: &CheckId, subject: Subject, fault: F, at: Timestamp) {
        let evidence = Evidence::once(Origin::Platform, at);
        self.of(check).findings.insert(subject, Verdict::Faulty(fault, evidence));
    }

    /// A subject that is named as well: one that is not a row, and so is in no census.
    pub fn healthy(&mut self, check: &CheckId, subject: Subject, at: Timestamp) {
        let evidence = Evidence::once(Origin::Platform, at);
        self.of(check).findings.insert(subject, Verdict::Healthy(evidence));
    }

    /// A subject that could not be judged.
    pub fn unknown(&mut self, check: &CheckId, subject: Subject, why: &str) {
        self.of(check).findings.insert(subject, Verdict::unknown(why));
    }

    /// Subjects may be missing from what was looked at.
    pub fn partial(&mut self, check: &CheckId, why: &str) {
        self.of(check).coverage = Coverage::Partial { why: why.to_owned() };
    }

    /// Nothing of a tenant could be judged for this check.
    pub fn blind(&mut self, check: &CheckId, tenant: &str, why: &str) {
        self.partial(check, why);
        self.unknown(check, Subject::new(SubjectKind::Tenant, tenant, "all"), why);
        self.settle(check, tenant, Timestamp::UNIX_EPOCH, |_| Asked::Unseen(why.to_owned()));
    }

    /// Answers what is asked about a tenant for this check and has no finding.
    pub fn settle(
        &mut self,
        check: &CheckId,
        tenant: &str,
        at: Timestamp,
        stands: impl Fn(&Subject) -> Asked,
    ) {
        let asked = self.asked.get(check).cloned().unwrap_or_default();
        for subject in asked.into_iter().filter(|subject| subject.scope() == tenant) {
            if self.of(check).findings.contains_key(&subject) {
                continue;
            }
            match stands(&subject) {
                Asked::Well => self.healthy(check, subject, at),
                Asked::Gone => drop(self.of(check).absent.insert(subject, Absence::Gone)),
                Asked::Excused(why) => {
                    self.of(check).absent.insert(subject, Absence::Excused { why });
                }
                Asked::Unseen(why) => self.unknown(check, subject, &why),
            }
        }
    }

    /// The tenant's rows were listed completely: so many of them are asked this check's question.
    pub fn census(&mut self, check: &CheckId, tenant: &str, seen: usize) {
        let of_check = self.of(check);
        let of_tenant = of_check.findings.iter().filter(|(subject, _)| subject.scope() == tenant);
        let not_well = of_tenant.filter(|(_, verdict)| !matches!(verdict, Verdict::Healthy(_)));
        let count = |many: usize| u64::try_from(many).unwrap_or(u64::MAX);
        let well = count(seen).saturating_sub(count(not_well.count()));
        of_check.census.insert(tenant.to_owned(), Census { seen: count(seen), well });
    }

    /// Whether a finding says that `subject` is faulty.
    #[must_use]
    pub fn is_faulty(&self, check: &CheckId, subject: &Subject) -> bool {
        let of_check = self.diagnosis.checks.get(check);
        of_check
            .and_then(|of_check| of_check.findings.get(subject))
            .is_some_and(|verdict| matches!(verdict, Verdict::Faulty(..)))
    }

    /// The diagnosis. A tenant that settings no longer name is nobody's to judge.
    #[must_use]
    pub fn into_diagnosis(mut self, tenants: &[String]) -> Diagnosis<F> {
        for (check, subjects) in std::mem::take(&mut self.asked) {
            let foreign = subjects
                .into_iter()
                .filter(|subject| tenants.iter().all(|tenant| tenant != subject.scope()));
            for subject in foreign {
                self.unknown(&check, subject, "its tenant is not in the settings");
            }
        }
        self.diagnosis
    }

    /// The diagnosis so far, for what is not per check.
    pub const fn diagnosis(&mut self) -> &mut Diagnosis<F> {
        &mut self.diagnosis
    }
}
