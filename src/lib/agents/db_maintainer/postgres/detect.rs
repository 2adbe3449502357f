//! What is wrong with databases, and what of their upkeep is due. Pure.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::checks::{
    AGENT, COUNTER_ENDING, DATABASE_UNREACHABLE, FREEZE_AGE, HORIZON_HELD, INDEX_BLOATED,
    INDEX_INVALID, TABLE_MISSING, VACUUM_DUE,
};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::fault::{DatabaseFault, FreezeCounter};
use super::settings::{DatabaseSettings, Limits};
use super::{counters, holders};
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Evidence, Origin, Verdict};
use crate::domain::operation::{DataKind, DataRef, Operation, Upkeep};
use crate::domain::run::Recall;
use crate::domain::sight::Sight;
use crate::domain::subject::{CheckId, Subject, SubjectKind};
use crate::domain::upkeep::{BloatedIndex, Counter, DatabaseLook, TableLook};

/// Fewer dead rows are not worth a vacuum, however small the table.
const LEAST_DEAD: u64 = 1000;
/// A counter of which so much is used up, in percent, is critical.
const CRITICAL_COUNTER: u64 = 90;
/// A table that is so many times as old as the server's own limit has an autovacuum that does not come.
const LATE: u64 = 2;
/// So many indexes are built anew in a run.
const REINDEXES: usize = 2;
/// And none of them again before so long.
const REINDEX_AGAIN: SignedDuration = SignedDuration::from_hours(10 * 24);

/// The checks of databases.
const CHECKS: [&CheckId; 8] = [
    &DATABASE_UNREACHABLE,
    &TABLE_MISSING,
    &HORIZON_HELD,
    &FREEZE_AGE,
    &COUNTER_ENDING,
    &INDEX_INVALID,
    &VACUUM_DUE,
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

type Faults = BTreeMap<Subject, DatabaseFault>;

/// One database and what is known of it.
struct Of<'a> {
    agent: &'a DbMaintainer,
    database: &'a DatabaseSettings,
    snapshot: &'a Snapshot,
    recall: &'a Recall,
}

impl Of<'_> {
    fn whole(&self) -> Subject {
        DataRef::of_store(DataKind::Database, &self.database.name).subject(&self.snapshot.host)
    }

    fn data(&self, kind: DataKind, object: &str) -> DataRef {
        DataRef::new(kind, &self.database.name, object)
    }

    fn limits(&self) -> &Limits {
        &self.agent.limits
    }

    fn subject(&self, kind: SubjectKind, object: &str) -> Subject {
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
                if *check == COUNTER_ENDING {
                    self.unseen(&look.counters, findings);
                }
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
            check if *check == COUNTER_ENDING => self.ending(&look.counters),
            // A standby has what its primary has.
            _ if look.is_standby => Faults::new(),
            check if *check == INDEX_INVALID => self.invalid(look),
            check if *check == VACUUM_DUE => self.dead(look),
            check if *check == INDEX_BLOATED => self.bloated(look, room),
            _ => Faults::new(),
        }
    }

    /// Whether a name of the settings means this table.
    fn means(name: &str, table: &TableLook) -> bool {
        let full = format!("{}.{}", table.schema, table.plain);
        [&table.plain, &full, &table.name].iter().any(|known| *known == name)
    }

    fn missing(&self, look: &DatabaseLook) -> Faults {
        let is_missing = |name: &&String| look.tables.iter().all(|table| !Self::means(name, table));
        let missing = self.database.tables.iter().filter(is_missing);
        missing
            .map(|name| {
                let fault = DatabaseFault::TableMissing { name: name.clone() };
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
                let fault = if held.holds {
                    DatabaseFault::HorizonHeld { holder: held.who, sql: held.sql }
                } else {
                    DatabaseFault::SessionIdle { session: held.who, sql: held.sql }
                };
                (subject, fault)
            })
            .collect()
    }

    fn holder(&self, look: &DatabaseLook) -> Option<String> {
        let held = holders::told(&look.holders, self.limits());
        held.into_iter().find(|held| held.holds).map(|held| held.who)
    }

    fn old(&self, look: &DatabaseLook) -> Faults {
        let old = look.tables.iter().filter_map(|table| {
            let (counter, age, late) = self.too_old(table, look)?;
            let data = self.data(DataKind::Table, &table.name);
            let fault = DatabaseFault::FreezeAge {
                table: data.clone(),
                counter,
                autovacuum_late: age >= late,
                critical: age >= self.limits().freeze_critical,
                held_by: self.holder(look),
                busy: not_now(look),
            };
            Some((data.subject(&self.snapshot.host), fault))
        });
        old.collect()
    }

    /// By which counter a table is too old, how old it is by that, and at what age autovacuum is late; the older where both are.
    fn too_old(&self, table: &TableLook, look: &DatabaseLook) -> Option<(FreezeCounter, u64, u64)> {
        let late = |comes: u64| comes.saturating_mul(LATE);
        let ages = [
            (FreezeCounter::Multixact, table.multixact_age, late(look.multixact_freeze_max_age)),
            (FreezeCounter::Transaction, table.age, late(look.freeze_max_age)),
        ];
        let warning = self.limits().freeze_warning;
        ages.into_iter()
            .filter(|(_, age, late)| *age >= warning.min(*late))
            .max_by_key(|(_, age, _)| *age)
    }

    fn ending(&self, counters: &[Counter]) -> Faults {
        let least = u64::from(self.limits().counter_percent);
        let ending = counters.iter().filter_map(|counter| {
            let percent = counters::percent(counter).filter(|percent| *percent >= least)?;
            let (name, sql) = (counters::name(counter), counters::advice(counter));
            let subject = self.subject(SubjectKind::Database, &name);
            let critical = percent >= CRITICAL_COUNTER;
            Some((subject, DatabaseFault::CounterEnding { name, sql, critical }))
        });
        ending.collect()
    }

    /// Counters that we may not read are not well: the database as a whole is not known, nor is any of them that is asked about.
    fn unseen(&self, counters: &[Counter], findings: &mut CheckFindings<Fault>) {
        let Some(why) = counters::unseen(counters) else { return };
        findings.coverage = Coverage::Partial { why: why.clone() };
        findings.findings.insert(self.whole(), Verdict::unknown(why.clone()));
        for counter in counters.iter().filter(|counter| counter.last.is_none()) {
            let subject = self.subject(SubjectKind::Database, &counters::name(counter));
            if let Some(verdict) = findings.findings.get_mut(&subject) {
                *verdict = Verdict::unknown(why.clone());
            }
        }
    }

    fn invalid(&self, look: &DatabaseLook) -> Faults {
        let left = look.invalid.iter().filter(|index| !index.being_built);
        left.map(|index| {
            let data = self.data(DataKind::Index, &index.name);
            let fault = DatabaseFault::IndexInvalid {
                index: data.clone(),
                table: index.table.clone(),
                of_constraint: !index.droppable,
                busy: not_now(look),
            };
            (data.subject(&self.snapshot.host), fault)
        })
        .collect()
    }

    fn dead(&self, look: &DatabaseLook) -> Faults {
        let churn = u64::from(self.limits().churn_percent);
        let named =
            |table: &TableLook| self.database.tables.iter().any(|name| Self::means(name, table));
        let is_due = |table: &&TableLook| {
            let rows = table.live_rows.saturating_add(table.dead_rows);
            let churns =
                named(table) && table.dead_rows.saturating_mul(100) >= rows.saturating_mul(churn);
            table.dead_rows >= LEAST_DEAD && (churns || table.dead_rows > table.due_rows)
        };
        let due = look.tables.iter().filter(is_due);
        due.map(|table| {
            let data = self.data(DataKind::Table, &table.name);
            let fault = DatabaseFault::VacuumDue {
                table: data.clone(),
                dead_rows: table.dead_rows,
                why_not: why_not(table, look),
                busy: not_now(look),
                held_by: self.holder(look),
            };
            (data.subject(&self.snapshot.host), fault)
        })
        .collect()
    }

    fn bloated(&self, look: &DatabaseLook, room: &mut usize) -> Faults {
        let limits = self.limits();
        let least = u64::from(limits.bloat_percent);
        let loose = |index: &BloatedIndex| index.size_bytes.saturating_sub(index.needed_bytes);
        let much = |index: &&BloatedIndex| {
            loose(index).saturating_mul(100) >= index.size_bytes.saturating_mul(least)
        };
        let mut bloated: Vec<&BloatedIndex> = look.bloated.iter().filter(much).collect();
        bloated.sort_by_key(|index| (std::cmp::Reverse(loose(index)), &index.name));
        let mut faults = Faults::new();
        for index in bloated {
            let data = self.data(DataKind::Index, &index.name);
            // Right after it was built anew the estimate may still be off: it is not judged again so soon.
            if self.is_new(&data) {
                continue;
            }
            let most = limits.bloat_most_mib.saturating_mul(1024 * 1024);
            let not_now = if let Some(busy) = not_now(look) {
                Some(busy)
            } else if index.size_bytes > most {
                Some("it is larger than bloat_most_mib allows".to_owned())
            } else if *room == 0 {
                Some(format!("{REINDEXES} are built anew in a run"))
            } else {
                *room -= 1;
                None
            };
            let fault = DatabaseFault::IndexBloated {
                index: data.clone(),
                node: index.node,
                needed_bytes: index.needed_bytes,
                size_bytes: index.size_bytes,
                not_now,
            };
            faults.insert(data.subject(&self.snapshot.host), fault);
        }
        faults
    }

    fn is_new(&self, data: &DataRef) -> bool {
        let since = self.snapshot.at.checked_sub(REINDEX_AGAIN).unwrap_or(Timestamp::MIN);
        let of_it = |operation: &Operation| {
            *operation == Operation::tend(Upkeep::ReindexIndex, data.clone())
        };
        self.recall.acted.iter().any(|acted| acted.at > since && of_it(&acted.operation))
    }
}

/// Whether it can be well: a table that is gone is neither well nor ill, and an index that is gone is no trouble any more.
fn is_there(subject: &Subject, look: &DatabaseLook) -> bool {
    let name = subject.id().split_once('/').map(|(_, name)| name);
    subject.kind() != SubjectKind::Table
        || look.tables.iter().any(|table| Some(table.name.as_str()) == name)
}

/// Why nothing is begun now, if so.
fn not_now(look: &DatabaseLook) -> Option<String> {
    if look.is_standby {
        return Some("it is a standby, which is written by its primary".to_owned());
    }
    look.busy.clone()
}

/// Why autovacuum has not done it, as far as that is seen.
fn why_not(table: &TableLook, look: &DatabaseLook) -> String {
    if !look.autovacuum {
        return "autovacuum is switched off on the server".to_owned();
    }
    if table.autovacuum_off {
        return "autovacuum is switched off for the table".to_owned();
    }
    if table.dead_rows <= table.due_rows {
        return "autovacuum waits for more of them".to_owned();
    }
    "autovacuum is due and has not come yet".to_owned()
}
