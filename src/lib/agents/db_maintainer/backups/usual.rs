//! What is usual for backups, and what of the newest is not: how large they are, and how long they took. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::super::checks::{BACKUP_BYTES, BACKUP_MILLISECONDS};
use super::detect::Of;
use crate::domain::diagnosis::Sample;
use crate::domain::upkeep::{BackupSetLook, Flaw, FoundBackup, Level};

/// Fewer backups before the newest say nothing about what is usual.
const LEAST_KNOWN: usize = 3;
/// So many count.
const KNOWN: usize = 7;
/// What is usually done so quickly may be done in no time at all.
const LEAST_MILLISECONDS: f64 = 10_000.0;
/// Clocks differ by less.
const FUTURE: Duration = Duration::from_hours(26);

impl Of<'_> {
    /// What is strange about it beside those before.
    pub(super) fn implausible(&self, newest: &FoundBackup, look: &BackupSetLook) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let ahead = Duration::try_from(newest.taken_at.duration_since(self.at)).unwrap_or_default();
        if ahead > FUTURE {
            flaws.push(Flaw::new(Level::Fresh, "it is of a day that is still to come"));
        }
        let size = |backup: &FoundBackup| Some(precise(backup.size_bytes));
        let of_usual = |usual: f64| usual * f64::from(self.declared.size_percent) / 100.0;
        let usual = self.usual(newest, look, BACKUP_BYTES, size);
        // One that was unlike those before it and good when it was restored is what is usual from then on.
        let proved = self.proved_size(newest, look);
        let usual = usual.map(|usual| match proved {
            Some(proved) if proved < of_usual(usual) => proved,
            _ => usual,
        });
        let least = usual.map(of_usual);
        if let (Some(usual), true) = (usual, least > Some(precise(newest.size_bytes))) {
            let why = format!("it has {} bytes, and {usual:.0} are usual", newest.size_bytes);
            flaws.push(Flaw::new(Level::Plausible, why));
        }
        let took = |backup: &FoundBackup| self.took(backup, look).map(precise);
        let usual = self.usual(newest, look, BACKUP_MILLISECONDS, took);
        let usual = usual.filter(|usual| *usual >= LEAST_MILLISECONDS);
        let least = usual.map(|usual| usual * f64::from(self.declared.duration_percent) / 100.0);
        let quick = took(newest).filter(|took| least > Some(*took));
        if let (Some(usual), Some(took)) = (usual, quick) {
            let (took, usual) = (took / 1000.0, usual / 1000.0);
            let why = format!("it took {took:.1} s, and {usual:.1} s are usual");
            flaws.push(Flaw::new(Level::Plausible, why));
        }
        flaws
    }

    /// The median of the seven before the newest: of those that lie there, and of those that earlier runs saw.
    fn usual(
        &self,
        newest: &FoundBackup,
        look: &BackupSetLook,
        series: &str,
        of: impl Fn(&FoundBackup) -> Option<f64>,
    ) -> Option<f64> {
        let before = look.backups.iter().filter(|backup| backup.taken_at < newest.taken_at);
        let mut known: BTreeMap<Timestamp, f64> =
            before.filter_map(|backup| Some((backup.taken_at, of(backup)?))).collect();
        let seen = self.recall.series.get(series).and_then(|all| all.get(&self.subject));
        let longest = precise(milliseconds(self.declared.every.get()));
        let is_known = |sample: &&Sample| {
            // Earlier versions noted what was no length of time.
            sample.at < newest.taken_at
                && (series != BACKUP_MILLISECONDS || sample.value <= longest)
        };
        for sample in seen.into_iter().flatten().filter(is_known) {
            known.entry(sample.at).or_insert(sample.value);
        }
        let mut values: Vec<f64> = known.into_values().rev().take(KNOWN).collect();
        values.sort_by(f64::total_cmp);
        (values.len() >= LEAST_KNOWN).then(|| values[values.len() / 2])
    }

    /// How large the last was that was restored and was good, where that is before the newest.
    fn proved_size(&self, newest: &FoundBackup, look: &BackupSetLook) -> Option<f64> {
        let at = look.proved.as_ref()?.taken_at;
        let there = look.backups.iter().find(|backup| backup.taken_at == at);
        let seen = self.recall.series.get(BACKUP_BYTES).and_then(|all| all.get(&self.subject));
        let seen = || seen?.iter().find(|sample| sample.at == at).map(|sample| sample.value);
        let size = there.map(|backup| precise(backup.size_bytes)).or_else(seen);
        size.filter(|_| at < newest.taken_at)
    }

    /// What later runs hold against what is newest then. Each backup is noted once.
    pub(super) fn samples(&self) -> Vec<Sample> {
        let Ok(look) = self.sight else { return Vec::new() };
        let Some(newest) = look.backups.first() else { return Vec::new() };
        let took = self.took(newest, look);
        let values = [(BACKUP_BYTES, Some(newest.size_bytes)), (BACKUP_MILLISECONDS, took)];
        let noted = |series: &str| {
            let seen = self.recall.series.get(series).and_then(|all| all.get(&self.subject));
            seen.is_some_and(|seen| seen.iter().any(|sample| sample.at >= newest.taken_at))
        };
        let sample = |(series, value): (&str, Option<u64>)| {
            let (subject, at) = (self.subject.clone(), newest.taken_at);
            let value = precise(value.filter(|_| !noted(series))?);
            Some(Sample { series: series.to_owned(), subject, at, value })
        };
        values.into_iter().filter_map(sample).collect()
    }

    /// How long a backup took, in milliseconds, as far as that is known. Without a record it is told by its file's birth, and a
    /// file that is written over keeps that: one that would have taken longer than it takes until the next, or that was begun
    /// before the one before it was done, says nothing.
    fn took(&self, backup: &FoundBackup, look: &BackupSetLook) -> Option<u64> {
        let took = backup.took_ms?;
        if backup.record.is_some() {
            return Some(took);
        }
        let taken = Duration::from_millis(took);
        let begun = backup.taken_at.checked_sub(taken).unwrap_or(Timestamp::MIN);
        let there = look.backups.iter().map(|one| one.taken_at);
        let seen = self.recall.series.get(BACKUP_BYTES).and_then(|all| all.get(&self.subject));
        let seen = seen.into_iter().flatten().map(|sample| sample.at);
        let mut others = there.chain(seen).filter(|at| *at < backup.taken_at);
        let is_over = taken > self.declared.every.get() || others.any(|at| at > begun);
        (!is_over).then_some(took)
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Sizes and lengths of time are far below where this loses anything.
#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are nine thousand terabytes")]
const fn precise(value: u64) -> f64 {
    value as f64
}
