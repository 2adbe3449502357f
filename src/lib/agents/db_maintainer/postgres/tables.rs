//! What of tables is due: those that are old, those with many dead or new rows, those whose statistics are out of date. Pure.

use std::time::Duration;

use super::advice::Advice;
use super::detect::{Faults, Of, not_now};
use super::fault::{DatabaseFault, FreezeCounter, VacuumCause};
use crate::domain::operation::DataKind;
use crate::domain::subject::{Subject, SubjectKind};
use crate::domain::upkeep::{DatabaseLook, ElsewhereKind, Holder, OldElsewhere, TableLook};

/// Fewer dead rows are not worth a vacuum, however small the table.
const LEAST_DEAD: u64 = 1000;
/// Why a vacuum for its rows waits of a table that is too old.
pub(super) const ONE_VACUUM: &str = "the vacuum that freezes the table takes care of them";
/// What is left so soon after a vacuum, that one could not remove.
const JUST_NOW: Duration = Duration::from_mins(10);
/// A table that is so many times as old as the server's own limit has an autovacuum that does not come.
const LATE: u64 = 2;

impl Of<'_> {
    pub(super) fn old(&self, look: &DatabaseLook) -> Faults {
        let old = look.tables.iter().filter_map(|table| {
            let (counter, age, late) = self.too_old(table.ages(), look)?;
            let data = self.data(DataKind::Table, &table.name);
            let fault = DatabaseFault::FreezeAge {
                table: data.clone(),
                counter,
                autovacuum_late: age >= late,
                critical: age >= self.limits().freeze_critical,
                held_by: self.holder(look, |holder| {
                    let limit = self.limits().freeze_warning.min(late);
                    // How old a multixact is that it holds, nobody tells.
                    counter == FreezeCounter::Multixact
                        || holder.age().is_none_or(|age| age >= limit)
                }),
                busy: not_now(look),
            };
            Some((data.subject(&self.snapshot.host), fault))
        });
        old.chain(self.old_elsewhere(look)).collect()
    }

    fn old_elsewhere(&self, look: &DatabaseLook) -> impl Iterator<Item = (Subject, DatabaseFault)> {
        look.elsewhere.iter().filter_map(|one| {
            let (counter, age, late) = self.too_old((one.age, one.multixact_age), look)?;
            let (id, what, advice) = elsewhere(one, &self.database.name);
            let fault = DatabaseFault::FreezeAgeElsewhere {
                what,
                counter,
                autovacuum_late: age >= late,
                critical: age >= self.limits().freeze_critical,
                advice,
            };
            Some((self.subject(SubjectKind::Database, &id), fault))
        })
    }

    /// By which counter something is too old, how old it is by that, and at what age autovacuum is late; the older where both are.
    fn too_old(
        &self,
        (age, multixact_age): (u64, u64),
        look: &DatabaseLook,
    ) -> Option<(FreezeCounter, u64, u64)> {
        let late = |comes: u64| comes.saturating_mul(LATE);
        let ages = [
            (FreezeCounter::Multixact, multixact_age, late(look.multixact_freeze_max_age)),
            (FreezeCounter::Transaction, age, late(look.freeze_max_age)),
        ];
        let warning = self.limits().freeze_warning;
        ages.into_iter()
            .filter(|(_, age, late)| *age >= warning.min(*late))
            .max_by_key(|(_, age, _)| *age)
    }

    /// Tables that a vacuum helps.
    pub(super) fn vacuums(&self, look: &DatabaseLook) -> Faults {
        let due = look.tables.iter().filter_map(|table| Some((table, self.cause(table, look)?)));
        due.filter(|(table, _)| !self.is_left(table, look))
            .map(|(table, cause)| {
                let data = self.data(DataKind::Table, &table.name);
                // Those that were inserted are due by the server's own rule alone.
                let waits = cause == VacuumCause::DeadRows && table.dead_rows <= table.due_rows;
                let is_old = self.too_old(table.ages(), look).is_some();
                let fault = DatabaseFault::VacuumDue {
                    table: data.clone(),
                    cause,
                    why_not: why_not(table, look, waits).to_owned(),
                    busy: not_now(look).or_else(|| is_old.then(|| ONE_VACUUM.to_owned())),
                    held_by: self.holder(look, |holder| is_in_vain(table, holder)),
                };
                (data.subject(&self.snapshot.host), fault)
            })
            .collect()
    }

    /// Whether what is there is what a vacuum of just now had to leave, because somebody holds it back.
    fn is_left(&self, table: &TableLook, look: &DatabaseLook) -> bool {
        table.vacuumed.is_some_and(|ago| ago < JUST_NOW) && self.holder(look, |_| true).is_some()
    }

    /// Why a table is to be vacuumed, if it is.
    fn cause(&self, table: &TableLook, look: &DatabaseLook) -> Option<VacuumCause> {
        let churn = u64::from(self.limits().churn_percent);
        let named = self.is_named(table, look);
        let rows = table.live_rows.saturating_add(table.dead_rows);
        let churns = named && table.dead_rows.saturating_mul(100) >= rows.saturating_mul(churn);
        if table.dead_rows >= LEAST_DEAD && (churns || table.dead_rows > table.due_rows) {
            return Some(VacuumCause::DeadRows);
        }
        let due = table.due_inserted_rows.is_some_and(|due| table.inserted_rows > due);
        due.then_some(VacuumCause::NewRows)
    }

    /// Tables of which only the statistics are out of date: a vacuum makes them anew, too.
    pub(super) fn analyzes(&self, look: &DatabaseLook) -> Faults {
        let stale = look.tables.iter().filter(|table| {
            let is_vacuumed =
                self.cause(table, look).is_some() || self.too_old(table.ages(), look).is_some();
            table.changed_rows > table.due_changed_rows && !is_vacuumed
        });
        stale
            .map(|table| {
                let data = self.data(DataKind::Table, &table.name);
                let fault = DatabaseFault::AnalyzeDue {
                    table: data.clone(),
                    why_not: why_not(table, look, false).to_owned(),
                    busy: not_now(look),
                };
                (data.subject(&self.snapshot.host), fault)
            })
            .collect()
    }
}

/// Whether a vacuum removes nothing because of it. Where the table was vacuumed after it began, that one has removed what could be;
/// what died between the last vacuum and its beginning can go.
fn is_in_vain(table: &TableLook, holder: &Holder) -> bool {
    match (holder.since(), table.vacuumed) {
        (Some(since), Some(ago)) => since >= ago,
        (None, _) | (_, None) => true,
    }
}

/// What it is known by from run to run, what it is in words, and what a person could run about it.
fn elsewhere(old: &OldElsewhere, database: &str) -> (String, String, Advice) {
    let name = &old.name;
    match old.kind {
        ElsewhereKind::Catalogue => (
            name.clone(),
            format!("the system's table {name} of the database {database}"),
            Advice::run(format!("VACUUM (FREEZE, VERBOSE) {name};")),
        ),
        ElsewhereKind::Temporary => (
            // Whatever it is called: sessions come and go.
            "temporary".to_owned(),
            format!(
                "the temporary table {name} of the database {database}, to which no autovacuum comes,"
            ),
            Advice::run(format!("DROP TABLE {name};"))
                .knowing("if the session that made it is gone; else that has to end"),
        ),
        ElsewhereKind::Database => (
            format!("database-{name}"),
            format!("the database {name} of the server of {database}"),
            Advice::run("VACUUM (FREEZE, VERBOSE);".to_owned())
                .knowing(format!("in the database {name}")),
        ),
    }
}

/// Why autovacuum has not done it, as far as that is seen; whether it `waits` for more rows the caller knows.
fn why_not(table: &TableLook, look: &DatabaseLook, waits: bool) -> &'static str {
    if !look.autovacuum {
        "autovacuum is switched off on the server"
    } else if table.autovacuum_off {
        "autovacuum is switched off for the table"
    } else if waits {
        "autovacuum waits for more of them"
    } else {
        "autovacuum is due and has not come yet"
    }
}
