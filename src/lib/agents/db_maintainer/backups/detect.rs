//! What is wrong with declared backups, and what is due. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::super::checks::{
    BACKUP_BAD, BACKUP_BYTES, BACKUP_COPIES, BACKUP_DUE, BACKUP_MILLISECONDS, BACKUPS_MANY,
    BACKUPS_UNSEEN, COPY_DUE, RECOVERY_SHORT, RESTORE_DUE, RESTORE_UNPROVABLE,
};
use super::super::due::{due, due_again};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::BackupsFault;
use crate::domain::diagnosis::{
    CheckFindings, Coverage, Diagnosis, Evidence, Origin, Sample, Verdict,
};
use crate::domain::duration::HumanDuration;
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Subject};
use crate::domain::upkeep::{
    BackupSetLook, Compared, CopyLook, DeclaredBackup, Flaw, FoundBackup, Level,
};

const WEEK: Duration = Duration::from_hours(7 * 24);
/// Fewer backups before the newest say nothing about what is usual.
const LEAST_KNOWN: usize = 3;
/// So many count.
const KNOWN: usize = 7;
/// What is usually done so quickly may be done in no time at all.
const LEAST_MILLISECONDS: f64 = 10_000.0;
/// Clocks differ by less.
const FUTURE: Duration = Duration::from_hours(26);
/// The data itself, and two backups; on two media; one of them in another building.
const COPIES: usize = 3;
const MEDIA: usize = 2;
/// What data in use lies on.
const DATA: &str = "disk";

const CHECKS: [&CheckId; 9] = [
    &BACKUPS_UNSEEN,
    &BACKUP_BAD,
    &BACKUP_DUE,
    &COPY_DUE,
    &RESTORE_DUE,
    &RESTORE_UNPROVABLE,
    &BACKUPS_MANY,
    &BACKUP_COPIES,
    &RECOVERY_SHORT,
];

pub(in super::super) fn detect(
    agent: &DbMaintainer,
    snapshot: &Snapshot,
    recall: &Recall,
    diagnosis: &mut Diagnosis<Fault>,
) {
    let none = Err(Blind::because("it was not looked at"));
    for declared in &agent.backups {
        let data = DataRef::of_store(DataKind::Backups, &declared.name);
        let of = Of {
            declared,
            subject: data.subject(&snapshot.host),
            sight: snapshot.backups.get(&declared.name).unwrap_or(&none),
            recall,
            at: snapshot.at,
        };
        for check in CHECKS {
            let findings = diagnosis.checks.entry(check.clone());
            of.conclude(check, findings.or_insert_with(|| CheckFindings::new(Coverage::Whole)));
        }
        diagnosis.samples.extend(of.samples());
    }
    for check in CHECKS {
        let findings = diagnosis.checks.entry(check.clone());
        findings.or_insert_with(|| CheckFindings::new(Coverage::Whole));
    }
}

/// One declared thing and what is known of its backups.
struct Of<'a> {
    declared: &'a DeclaredBackup,
    subject: Subject,
    sight: &'a Sight<BackupSetLook>,
    recall: &'a Recall,
    at: Timestamp,
}

impl Of<'_> {
    fn conclude(&self, check: &CheckId, findings: &mut CheckFindings<Fault>) {
        let evidence = Evidence::once(Origin::Store, self.at);
        let verdict = match self.sight {
            Ok(look) => match self.fault(check, look) {
                Some(fault) => Verdict::Faulty(Fault::Backups(fault), evidence),
                None => Verdict::Healthy(evidence),
            },
            Err(blind) if *check == BACKUPS_UNSEEN => {
                let why = blind.why.clone();
                Verdict::Faulty(Fault::Backups(BackupsFault::Unseen { why }), evidence)
            }
            Err(blind) => {
                findings.coverage = Coverage::Partial { why: blind.why.clone() };
                Verdict::unknown(blind.why.clone())
            }
        };
        findings.findings.insert(self.subject.clone(), verdict);
    }

    fn fault(&self, check: &CheckId, look: &BackupSetLook) -> Option<BackupsFault> {
        match check {
            check if *check == BACKUPS_UNSEEN => unread(look),
            check if *check == BACKUP_BAD => self.bad(look),
            check if *check == BACKUP_DUE => self.due(look),
            check if *check == COPY_DUE => self.copy_due(look),
            check if *check == RESTORE_DUE => self.proof_due(look),
            check if *check == RESTORE_UNPROVABLE => unprovable(look),
            check if *check == BACKUPS_MANY => self.many(look),
            check if *check == BACKUP_COPIES => self.copies(look),
            _ => self.recovery(look),
        }
    }

    /// Everything that is wrong with the newest, and that it is the one that could not be restored.
    fn bad(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let newest = look.backups.first()?;
        let mut flaws = self.implausible(newest, look);
        flaws.extend(look.flaws.iter().cloned());
        let of_newest = look.proof.as_ref().filter(|proof| proof.backup == newest.name);
        if let (true, Some(proof)) = (flaws.is_empty(), of_newest) {
            let level = proof.level.unwrap_or(Level::Restored);
            flaws.extend(proof.fault.clone().map(|why| Flaw::new(level, why)));
        }
        (!flaws.is_empty()).then(|| BackupsFault::Bad { name: newest.name.clone(), flaws })
    }

    /// What is strange about it beside those before.
    fn implausible(&self, newest: &FoundBackup, look: &BackupSetLook) -> Vec<Flaw> {
        let mut flaws = Vec::new();
        let ahead = Duration::try_from(newest.taken_at.duration_since(self.at)).unwrap_or_default();
        if ahead > FUTURE {
            flaws.push(Flaw::new(Level::Fresh, "it is of a day that is still to come"));
        }
        let size = |backup: &FoundBackup| Some(precise(backup.size_bytes));
        let usual = self.usual(newest, look, BACKUP_BYTES, size);
        let least = usual.map(|usual| usual * f64::from(self.declared.size_percent) / 100.0);
        if let (Some(usual), true) = (usual, least > Some(precise(newest.size_bytes))) {
            let why = format!("it has {} bytes, and {usual:.0} are usual", newest.size_bytes);
            flaws.push(Flaw::new(Level::Plausible, why));
        }
        let took = |backup: &FoundBackup| backup.took_ms.map(precise);
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
        let mut known: std::collections::BTreeMap<Timestamp, f64> =
            before.filter_map(|backup| Some((backup.taken_at, of(backup)?))).collect();
        let seen = self.recall.series.get(series).and_then(|all| all.get(&self.subject));
        for sample in seen.into_iter().flatten().filter(|sample| sample.at < newest.taken_at) {
            known.entry(sample.at).or_insert(sample.value);
        }
        let mut values: Vec<f64> = known.into_values().rev().take(KNOWN).collect();
        values.sort_by(f64::total_cmp);
        (values.len() >= LEAST_KNOWN).then(|| values[values.len() / 2])
    }

    /// What later runs hold against what is newest then. Each backup is noted once.
    fn samples(&self) -> Vec<Sample> {
        let Some(newest) = self.sight.as_ref().ok().and_then(|look| look.backups.first()) else {
            return Vec::new();
        };
        let values =
            [(BACKUP_BYTES, Some(newest.size_bytes)), (BACKUP_MILLISECONDS, newest.took_ms)];
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

    fn due(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let (every, grace) = (self.declared.every.get(), self.declared.grace.get());
        let make = self.declared.make;
        // One that is no good is none: the one before it counts.
        let good = usize::from(self.bad(look).is_some());
        let last = look.backups.get(good).map(|backup| backup.taken_at);
        let overdue = due(last, every, grace, self.at)?;
        // What others make is none of our business until it is late.
        let late = overdue || (last.is_none() && !make);
        (late || make).then_some(BackupsFault::Due { last, overdue: late, make })
    }

    fn proof_due(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        if !self.declared.is_proved() || look.unprovable.is_some() {
            return None;
        }
        if look.backups.is_empty() && !self.declared.make {
            return None;
        }
        let last = look.proved.as_ref().map(|proof| proof.proved_at);
        let failed = look.proof.as_ref().is_some_and(|proof| proof.fault.is_some());
        let (every, grace) = (self.declared.prove_every.get(), self.declared.grace.get());
        let overdue = due_again(last, failed, every, grace, self.at)?;
        // Where a new one is made first, that one is restored.
        let in_vain = self.bad(look).is_some() && !self.declared.make;
        Some(BackupsFault::ProofDue { last, overdue, in_vain })
    }

    fn many(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let made: Vec<_> = look.backups.iter().filter(|one| one.record.is_some()).collect();
        let (count, kept) = (made.len(), self.declared.kept);
        let old = made.into_iter().skip(usize::try_from(kept).unwrap_or(usize::MAX));
        let proved = look.proved.as_ref().map(|proof| &proof.backup);
        let old = old.filter(|one| Some(&one.name) != proved).count();
        // Nothing goes while the newest is no good, and the last that was restored never does.
        let many = self.declared.make && old > 0 && self.bad(look).is_none();
        many.then_some(BackupsFault::Many { count, kept })
    }

    /// Where the newest of those that we make is missing: we put it there.
    fn copy_due(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        if !self.declared.make || look.copies.is_empty() {
            return None;
        }
        // The one that is made right before, in the same run.
        if self.due(look).is_some() {
            let missing = vec!["the backup that is due is in no other place yet".to_owned()];
            return Some(BackupsFault::CopyDue { missing });
        }
        let missing: Vec<String> = look.copies.iter().filter_map(lacks).collect();
        let due = !missing.is_empty() && look.flaws.is_empty();
        due.then_some(BackupsFault::CopyDue { missing })
    }

    /// Three copies with the data itself, on two media, one of them in another building; and each is where it should be.
    fn copies(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        if look.backups.is_empty() {
            return None;
        }
        let make = self.declared.make;
        let lacking = look.copies.iter().filter(|_| !make);
        let mut missing: Vec<String> = lacking.filter_map(lacks).collect();
        let lost = !missing.is_empty();
        let by_size = look
            .copies
            .iter()
            .filter(|copy| copy.holds_newest == Ok(true) && copy.compared == Compared::Size);
        missing.extend(
            by_size.map(|copy| {
                format!("of the copy in {} only name and size were compared", copy.place)
            }),
        );
        // What we are about to put there counts: where that fails, it is told as that.
        let counts = |copy: &&CopyLook| make || copy.holds_newest == Ok(true);
        let there: Vec<_> = look.copies.iter().filter(counts).collect();
        let copies = 2 + there.len();
        if copies < COPIES {
            missing.push(format!("there are {copies} copies of {COPIES}, with the data itself"));
        }
        // What lies in a bucket is apart from the disk of the data itself.
        let of_data = self.declared.bucket.as_ref().map(|_| DATA);
        let own = [self.declared.medium()].into_iter().chain(of_data);
        let media = there.iter().map(|copy| copy.medium.as_str()).chain(own);
        let media = media.collect::<std::collections::BTreeSet<_>>().len();
        if media < MEDIA {
            missing.push(format!("all are on one medium ({})", self.declared.medium()));
        }
        if !self.declared.offsite && !there.iter().any(|copy| copy.offsite) {
            missing.push("none is in another building".to_owned());
        }
        (!missing.is_empty()).then_some(BackupsFault::Copies { missing, lost })
    }

    /// How long the last restore took, and how much of the past would be lost at the worst moment.
    fn recovery(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let within = self.declared.recovery_within();
        let at_most = self.declared.loses_at_most();
        let took = look
            .proved
            .as_ref()
            .map(|proof| HumanDuration::from(Duration::from_millis(proof.restore_ms)));
        let took = took.filter(|took| *took > within);
        // What is late within the grace is as often as it is meant.
        let widest = widest(&look.backups);
        let late = widest > self.declared.every.get() + self.declared.grace.get();
        let loses = if late { HumanDuration::from(widest) } else { self.declared.every };
        let loses = Some(loses).filter(|loses| *loses > at_most);
        let found = took.is_some() || (loses.is_some() && !look.backups.is_empty());
        found.then_some(BackupsFault::Recovery { took, within, loses, at_most })
    }
}

/// The longest time between two of them in the last week; they are there newest first. Of what is older a few may be kept on
/// purpose.
fn widest(backups: &[FoundBackup]) -> Duration {
    let newest = backups.first().map(|one| one.taken_at).unwrap_or_default();
    let week = newest.checked_sub(WEEK).unwrap_or(Timestamp::MIN);
    let lately = backups.iter().take_while(|one| one.taken_at >= week).count();
    let gaps = backups[..lately].windows(2);
    let gaps = gaps.map(|two| two[0].taken_at.duration_since(two[1].taken_at));
    let widest = gaps.filter_map(|gap| Duration::try_from(gap).ok()).max().unwrap_or_default();
    // Whole minutes are told.
    Duration::from_mins(widest.as_secs() / 60)
}

/// Why a place does not hold the newest, if it does not.
fn lacks(copy: &CopyLook) -> Option<String> {
    match &copy.holds_newest {
        Ok(true) => None,
        Ok(false) => Some(format!("the newest backup is not in {}", copy.place)),
        Err(blind) => Some(blind.why.clone()),
    }
}

/// What of the newest could not be looked at, where that is not told as what keeps it from being restored.
fn unread(look: &BackupSetLook) -> Option<BackupsFault> {
    let why = look.unread.as_ref().filter(|_| look.unprovable.is_none())?;
    let why = format!("{} checked, and no further: {why}", Level::Plausible.as_str());
    Some(BackupsFault::Unseen { why })
}

/// How far it was looked at, and why no further.
fn unprovable(look: &BackupSetLook) -> Option<BackupsFault> {
    let why = look.unprovable.as_ref()?;
    // One that has our record is what was written, even where nobody can read it to its end.
    let summed = look.backups.first().is_some_and(|newest| newest.record.is_some());
    let intact = summed || look.unread.is_none();
    let level = if intact { Level::Intact } else { Level::Plausible };
    let why = format!("{} checked, restore unproven: {why}", level.as_str());
    Some(BackupsFault::Unprovable { why })
}

/// Sizes and lengths of time are far below where this loses anything.
#[expect(clippy::cast_precision_loss, reason = "2^53 bytes are nine thousand terabytes")]
const fn precise(value: u64) -> f64 {
    value as f64
}
