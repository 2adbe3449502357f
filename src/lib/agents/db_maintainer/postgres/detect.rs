//! What is wrong with databases, and what of their upkeep is due. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::super::checks::{
    AGENT, ANALYZE_DUE, COUNTER_ENDING, DATABASE_UNREACHABLE, FREEZE_AGE, HORIZON_HELD,
    INDEX_BLOATED, INDEX_INVALID, REBUILD_LEFT, TABLE_MISSING, VACUUM_DUE,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::advice::Advice;
use super::fault::DatabaseFault;
use super::holders::Holds;
use super::settings::{DatabaseSettings, Limits};
use super::unseen::Dark;
use super::{counters, holders, unseen};
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Evidence, Origin, Verdict};
use crate::domain::nearest::nearest;
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::sight::Sight;
use crate::domain::subject::{CheckId, Subject, SubjectKind};
use crate::domain::upkeep::{DatabaseLook, Holder, KeyColumn, PartitionedTable, TableLook};

/// A counter of which so much is used up, in percent, is critical.
const CRITICAL_COUNTER: u64 = 90;
/// How much of it is used up is told in steps of so much, in percent.
const STEP: u64 = 5;
/// So many indexes are built anew in a run.
const REINDEXES: usize = 2;
/// The checks of databases.
const CHECKS: [&CheckId; 10] = [
    &DATABASE_UNREACHABLE,
    &TABLE_MISSING,
    &HORIZON_HELD,
    &FREEZE_AGE,
    &COUNTER_ENDING,
    &INDEX_INVALID,
    &REBUILD_LEFT,
    &VACUUM_DUE,
    &ANALYZE_DUE,
    &INDEX_BLOATED,
];

pub(in super::super) fn detect(
    agent: &DbMaintainer,
    snapshot: &Snapshot,
    recall: &Recall,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let mut room = REINDEXES;
    let none = Err(crate::domain::sight::Blind::because("it was not looked at"));
    for check in CHECKS {
        diagnosis.checks.insert(check.clone(), CheckFindings::new(Coverage::Whole));
    }
    for database in &agent.databases {
        let sight = snapshot.databases.get(&database.name).unwrap_or(&none);
        let of = Of { agent, database, snapshot, recall };
        for check in CHECKS {
            let faults = match sight {
                Ok(look) => of.faults(check, look, &mut room),
                Err(_) => BTreeMap::new(),
            };
            let findings = diagnosis.checks.get_mut(check).expect("it was put in above");
            of.conclude(check, sight, faults, findings);
        }
    }
}

pub(super) type Faults = BTreeMap<Subject, DatabaseFault>;

/// One database and what is known of it.
pub(super) struct Of<'a> {
    agent: &'a DbMaintainer,
    pub(super) database: &'a DatabaseSettings,
    pub(super) snapshot: &'a Snapshot,
    pub(super) recall: &'a Recall,
}

impl Of<'_> {
    fn whole(&self) -> Subject {
        DataRef::of_store(DataKind::Database, &self.database.name).subject(&self.snapshot.host)
    }

    pub(super) fn data(&self, kind: DataKind, object: &str) -> DataRef {
        DataRef::new(kind, &self.database.name, object)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.agent.limits
    }

    pub(super) fn subject(&self, kind: SubjectKind, object: &str) -> Subject {
        let id = format!("{}/{object}", self.database.name);
        Subject::new(kind, &self.snapshot.host, &id)
    }

    /// What was found, in the check's own words; whatever somebody asks about and was not found is well.
    fn conclude(
        &self,
        check: &CheckId,
        sight: &Sight<DatabaseLook>,
        faults: Faults,
        findings: &mut CheckFindings<Fault>,
    ) {
        let evidence = Evidence::once(Origin::Store, self.snapshot.at);
        let asked = self.asked(check);
        match sight {
            Ok(look) => {
                for subject in asked.into_iter().filter(|subject| is_there(subject, look)) {
                    findings.findings.insert(subject, Verdict::Healthy(evidence));
                }
                self.unseen(check, look, findings);
                for (subject, fault) in faults {
                    let fault = Fault::Database(fault);
                    findings.findings.insert(subject, Verdict::Faulty(fault, evidence));
                }
            }
            Err(blind) if *check == DATABASE_UNREACHABLE => {
                let fault = Fault::Database(DatabaseFault::Unreachable { why: blind.why.clone() });
                findings.findings.insert(self.whole(), Verdict::Faulty(fault, evidence));
            }
            Err(blind) => {
                let why = blind.why.clone();
                findings.coverage = Coverage::Partial { why: why.clone() };
                for subject in asked {
                    findings.findings.insert(subject, Verdict::unknown(why.clone()));
                }
            }
        }
    }

    /// What was not seen is not well: the database as a whole is not known then, nor is anything of it that is asked about.
    fn unseen(&self, check: &CheckId, look: &DatabaseLook, findings: &mut CheckFindings<Fault>) {
        let Some(Dark { why, whom }) = unseen::of(check, look) else { return };
        findings.coverage = Coverage::Partial { why: why.clone() };
        let prefix = format!("{}/", self.database.name);
        for (subject, verdict) in &mut findings.findings {
            let is_whole = subject.id() == self.database.name;
            let is_dark = subject.id().strip_prefix(&prefix).is_some_and(&whom);
            if is_whole || is_dark {
                *verdict = Verdict::unknown(why.clone());
            }
        }
    }

    /// Whom somebody asks about: the database itself, what has an incident, and what is to be proved.
    fn asked(&self, check: &CheckId) -> BTreeSet<Subject> {
        let open = self.recall.incidents.iter().map(|incident| &incident.key);
        let keys = open.chain(&self.snapshot.wanted);
        let own = keys.filter(|key| key.agent == AGENT && key.check == *check);
        let prefix = format!("{}/", self.database.name);
        let ours = own.map(|key| key.subject.clone()).filter(|subject| {
            subject.id() == self.database.name || subject.id().starts_with(&prefix)
        });
        ours.chain([self.whole()]).collect()
    }

    fn faults(&self, check: &CheckId, look: &DatabaseLook, room: &mut usize) -> Faults {
        match check {
            check if *check == TABLE_MISSING => self.missing(look),
            check if *check == HORIZON_HELD => self.held(look),
            check if *check == FREEZE_AGE => self.old(look),
            check if *check == COUNTER_ENDING => self.ending(look),
            // A standby has what its primary has.
            _ if look.is_standby => Faults::new(),
            check if *check == INDEX_INVALID => self.invalid(look),
            check if *check == REBUILD_LEFT => self.left_to_people(look),
            check if *check == VACUUM_DUE => self.vacuums(look),
            check if *check == ANALYZE_DUE => self.analyzes(look),
            check if *check == INDEX_BLOATED => self.bloated(look, room),
            _ => Faults::new(),
        }
    }

    /// Whether a name of the settings means this table.
    fn means(name: &str, table: &TableLook) -> bool {
        table.name == name || is_called(name, &table.schema, &table.plain)
    }

    /// Whether the settings say that it changes all the time: by its own name, or by that of a table whose rows lie in it.
    pub(super) fn is_named(&self, table: &TableLook, look: &DatabaseLook) -> bool {
        self.database.tables.iter().any(|name| {
            let of = |whole: &&PartitionedTable| is_called(name, &whole.schema, &whole.plain);
            Self::means(name, table)
                || look.partitioned.iter().filter(of).any(|one| one.parts.contains(&table.name))
        })
    }

    fn missing(&self, look: &DatabaseLook) -> Faults {
        let is_missing = |name: &&String| {
            look.tables.iter().all(|table| !Self::means(name, table))
                && look
                    .partitioned
                    .iter()
                    .all(|table| !is_called(name, &table.schema, &table.plain))
        };
        let missing = self.database.tables.iter().filter(is_missing);
        missing
            .map(|name| {
                let known = look.tables.iter().flat_map(|table| [&table.plain, &table.name]);
                let fault = DatabaseFault::TableMissing {
                    name: name.clone(),
                    database: self.database.name.clone(),
                    meant: nearest(name, known.map(String::as_str)).map(str::to_owned),
                };
                (self.subject(SubjectKind::Database, name), fault)
            })
            .collect()
    }

    fn held(&self, look: &DatabaseLook) -> Faults {
        let mut holders = holders::told(&look.holders, self.limits());
        // Of two sessions of one program, that which holds something back is told: the later in the list is.
        holders.sort_by_key(|held| held.holds);
        holders
            .into_iter()
            .map(|held| {
                let subject = self.subject(SubjectKind::Database, &held.id);
                let (who, advice, database) = (held.who, held.advice, self.database.name.clone());
                let fault = match held.holds {
                    Holds::Nothing => DatabaseFault::SessionIdle { session: who, database, advice },
                    holds => DatabaseFault::HorizonHeld {
                        holder: who,
                        database,
                        advice,
                        catalogues_only: holds == Holds::Catalogues,
                    },
                };
                (subject, fault)
            })
            .collect()
    }

    /// Who keeps a vacuum from helping, of those that matter for it, if anybody does.
    pub(super) fn holder(
        &self,
        look: &DatabaseLook,
        matters: impl Fn(&Holder) -> bool,
    ) -> Option<String> {
        holders::in_the_way_of_a_vacuum(&look.holders, self.limits(), matters)
    }

    fn ending(&self, look: &DatabaseLook) -> Faults {
        let least = u64::from(self.limits().counter_percent);
        // Of a column that a sequence fills, that one knows better.
        let counted = |key: &&KeyColumn| {
            look.counters.iter().any(|counter| {
                let column = (counter.table.as_deref(), counter.column.as_deref());
                counter.last.is_some() && column == (Some(&key.table), Some(&key.column))
            })
        };
        let keys = look.keys.iter().filter(|key| !counted(key)).filter_map(|key| {
            let percent =
                Some(counters::percent_of_key(key)).filter(|percent| *percent >= least)?;
            let name = format!("{}.{}", key.table, key.column);
            Some((name, counters::advice_of_key(key), percent, true))
        });
        let ending = look.counters.iter().filter_map(|counter| {
            let percent = counters::percent(counter).filter(|percent| *percent >= least)?;
            Some((counters::name(counter), counters::advice(counter), percent, false))
        });
        let told = |(name, advice, percent, by_largest): (String, Advice, u64, bool)| {
            let subject = self.subject(SubjectKind::Database, &name);
            let name = format!("{}/{name}", self.database.name);
            // The largest value may be one that somebody chose, with none to follow it.
            let critical = percent >= CRITICAL_COUNTER && !by_largest;
            // In steps: a number that grows a little every day is no news every day.
            let percent = percent / STEP * STEP;
            (subject, DatabaseFault::CounterEnding { name, percent, by_largest, advice, critical })
        };
        keys.chain(ending).map(told).collect()
    }
}

/// Whether a name of the settings is that of a table, with or without its schema.
fn is_called(name: &str, schema: &str, plain: &str) -> bool {
    name == plain
        || name.strip_prefix(schema).is_some_and(|rest| rest.strip_prefix('.') == Some(plain))
}

/// Whether it can be well: a table that is gone is neither well nor ill, and an index that is gone is no trouble any more.
fn is_there(subject: &Subject, look: &DatabaseLook) -> bool {
    let name = subject.id().split_once('/').map(|(_, name)| name);
    subject.kind() != SubjectKind::Table
        || look.tables.iter().any(|table| Some(table.name.as_str()) == name)
}

/// Why nothing is ever begun there.
pub(super) const STANDBY: &str = "it is a standby, which is written by its primary";

/// Why nothing is begun now, if so.
pub(super) fn not_now(look: &DatabaseLook) -> Option<String> {
    if look.is_standby {
        return Some(STANDBY.to_owned());
    }
    // Whoever is not seen may be taking a dump, or lag.
    look.busy.clone().or_else(|| unseen::others(&look.unseen))
}
