//! What is wrong with opswarden's own ledger, and what of its upkeep is due. Pure.

use jiff::Timestamp;

use super::super::checks::{
    AGENT, BACKUP_BAD, BACKUP_DUE, BACKUPS_MANY, LEDGER_DAMAGED, LEDGER_LOG_LONG, LEDGER_LOOSE,
    RESTORE_DUE,
};
use super::super::due::{due, due_again};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::LedgerFault;
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Evidence, Origin, Verdict};
use crate::domain::operation::{DataKind, DataRef, LEDGER};
use crate::domain::subject::{CheckId, Key, Subject};
use crate::domain::upkeep::{LedgerLook, last_good};

/// A write-ahead log that is longer is written back: SQLite does so by itself at 4 MiB, where nobody reads all the time.
const LOG_BYTES: u64 = 64 * 1024 * 1024;
/// Less than this is not worth writing a file anew for.
const LOOSE_BYTES: u64 = 16 * 1024 * 1024;

/// The ledger's own checks.
const OF_DATABASE: [&CheckId; 3] = [&LEDGER_DAMAGED, &LEDGER_LOG_LONG, &LEDGER_LOOSE];
const OF_BACKUPS: [&CheckId; 4] = [&BACKUP_BAD, &BACKUP_DUE, &RESTORE_DUE, &BACKUPS_MANY];

pub(in super::super) fn detect(
    agent: &DbMaintainer,
    snapshot: &Snapshot,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let database = DataRef::of_store(DataKind::Database, LEDGER).subject(&snapshot.host);
    let backups = DataRef::of_store(DataKind::Backups, LEDGER).subject(&snapshot.host);
    let checks = OF_DATABASE.map(|check| (check, &database));
    let checks = checks.into_iter().chain(OF_BACKUPS.map(|check| (check, &backups)));
    for (check, subject) in checks {
        let (coverage, verdict) = match &snapshot.ledger {
            Err(blind) => {
                (Coverage::Partial { why: blind.why.clone() }, Verdict::unknown(&blind.why))
            }
            Ok(look) => (Coverage::Whole, verdict(agent, (check, subject), look, snapshot.at)),
        };
        let mut findings = CheckFindings::new(coverage);
        findings.findings.insert(Subject::clone(subject), verdict);
        diagnosis.checks.insert(check.clone(), findings);
    }
}

fn verdict(
    agent: &DbMaintainer,
    asked: (&CheckId, &Subject),
    look: &LedgerLook,
    at: Timestamp,
) -> Verdict<Fault> {
    let evidence = Evidence::once(Origin::Store, at);
    match fault(agent, asked, look, at) {
        Some(fault) => Verdict::Faulty(Fault::Ledger(fault), evidence),
        None => Verdict::Healthy(evidence),
    }
}

fn fault(
    agent: &DbMaintainer,
    (check, subject): (&CheckId, &Subject),
    look: &LedgerLook,
    at: Timestamp,
) -> Option<LedgerFault> {
    let settings = &agent.ledger;
    match check {
        check if *check == LEDGER_DAMAGED => {
            look.damage.clone().map(|what| LedgerFault::LedgerDamaged { what })
        }
        check if *check == LEDGER_LOG_LONG => {
            let bytes = look.wal_bytes;
            (bytes > LOG_BYTES).then_some(LedgerFault::LogLong { bytes })
        }
        check if *check == LEDGER_LOOSE => {
            let (bytes, size_bytes) = (look.loose_bytes, look.size_bytes);
            let share = u64::from(settings.loose_percent);
            let much = bytes.saturating_mul(100) >= size_bytes.saturating_mul(share);
            (much && bytes >= LOOSE_BYTES).then_some(LedgerFault::Loose { bytes, size_bytes })
        }
        check if *check == BACKUP_BAD => bad(look),
        check if *check == BACKUP_DUE => {
            // One that is no good is none.
            let good = look.backups.iter().find(|backup| backup.fault.is_none());
            let last = good.map(|backup| backup.taken_at);
            let (every, grace) = (settings.backup_every.get(), settings.grace.get());
            due(last, every, grace, at).map(|overdue| LedgerFault::BackupDue { last, overdue })
        }
        check if *check == RESTORE_DUE => {
            let last = look.proved.as_ref().map(|proof| proof.proved_at);
            let (every, grace) = (settings.prove_every.get(), settings.grace.get());
            let cause = bad(look).map(|_| Key::new(AGENT, BACKUP_BAD, subject.clone()));
            let failed = look.proof.as_ref().is_some_and(|proof| proof.fault.is_some());
            due_again(last, failed, every, grace, at).map(|overdue| LedgerFault::RestoreDue {
                last,
                overdue,
                cause,
            })
        }
        _ => {
            let (count, kept) = (look.backups.len(), settings.backups_kept);
            let names = || look.backups.iter().map(|one| one.name.as_str());
            let stays = last_good(names(), look.proof.as_ref(), look.proved.as_ref());
            let mut old = names().skip(usize::try_from(kept).unwrap_or(usize::MAX));
            // Nothing goes while the newest is not what was written. Where it only could not be restored, a new one is made every
            // day, and would fill the disk.
            let is_written = look.backups.first().is_some_and(|newest| newest.fault.is_none());
            let many = is_written && old.any(|name| Some(name) != stays.as_deref());
            many.then_some(LedgerFault::BackupsMany { count, kept })
        }
    }
}

/// The newest backup is not what was written, or it is the one that could not be restored.
fn bad(look: &LedgerLook) -> Option<LedgerFault> {
    let newest = look.backups.first()?;
    let of_newest = look.proof.as_ref();
    let of_newest = of_newest.filter(|proof| proof.is_of(&newest.name, newest.taken_at));
    let unrestored = of_newest.and_then(|proof| proof.fault.clone());
    let why = newest.fault.clone().or(unrestored)?;
    Some(LedgerFault::BackupBad { name: newest.name.clone(), why })
}
