//! What is wrong with declared backups, and what is due. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::super::checks::{
    BACKUP_BAD, BACKUP_COPIES, BACKUP_DUE, BACKUPS_MANY, BACKUPS_UNSEEN, COPY_DUE, RECOVERY_SHORT,
    RESTORE_DUE, RESTORE_UNPROVABLE,
};
use super::super::due::{due, due_again};
use super::super::{DbMaintainer, Fault, Snapshot};
use super::BackupsFault;
use crate::domain::diagnosis::{CheckFindings, Coverage, Diagnosis, Evidence, Origin, Verdict};
use crate::domain::duration::HumanDuration;
use crate::domain::operation::{DataKind, DataRef};
use crate::domain::run::Recall;
use crate::domain::sight::{Blind, Sight};
use crate::domain::subject::{CheckId, Subject};
use crate::domain::upkeep::{
    BackupSetLook, Compared, CopyLook, DeclaredBackup, Flaw, FoundBackup, Level, last_good,
};

const WEEK: Duration = Duration::from_hours(7 * 24);
/// The data itself, and two backups; on two media; one of them in another building.
const COPIES: usize = 3;
const MEDIA: usize = 2;
/// What data in use lies on, as settings call it.
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
pub(super) struct Of<'a> {
    pub(super) declared: &'a DeclaredBackup,
    pub(super) subject: Subject,
    pub(super) sight: &'a Sight<BackupSetLook>,
    pub(super) recall: &'a Recall,
    pub(super) at: Timestamp,
}

impl Of<'_> {
    fn conclude(&self, check: &CheckId, findings: &mut CheckFindings<Fault>) {
        let evidence = Evidence::once(Origin::Store, self.at);
        let faulty =
            |fault| Verdict::Faulty(Fault::Backups(self.declared.name.clone(), fault), evidence);
        let verdict = match self.sight {
            Ok(look) => match self.fault(check, look) {
                Some(fault) => faulty(fault),
                None => Verdict::Healthy(evidence),
            },
            Err(blind) if *check == BACKUPS_UNSEEN => {
                let why = blind.why.clone();
                faulty(BackupsFault::Unseen { why })
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
            check if *check == RESTORE_UNPROVABLE => self.unprovable(look),
            check if *check == BACKUPS_MANY => self.many(look),
            check if *check == BACKUP_COPIES => self.copies(look),
            _ => self.recovery(look),
        }
    }

    /// Everything that is wrong with the newest, and that it is the one that could not be restored.
    fn bad(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let newest = look.backups.first()?;
        let mut flaws = self.seen(newest, look);
        let of_newest = look.proof.as_ref();
        let of_newest = of_newest.filter(|proof| proof.is_of(&newest.name, newest.taken_at));
        if let (true, Some(proof)) = (flaws.iter().all(is_doubt), of_newest) {
            let level = proof.level.unwrap_or(Level::Restored);
            flaws.extend(proof.fault.clone().map(|why| Flaw::new(level, why)));
        }
        (!flaws.is_empty()).then(|| BackupsFault::Bad { name: newest.name.clone(), flaws })
    }

    /// What is wrong with the newest without a restore.
    fn seen(&self, newest: &FoundBackup, look: &BackupSetLook) -> Vec<Flaw> {
        let mut flaws = self.implausible(newest, look);
        // What was restored and was good is good, however unlike those before.
        let proved = look.proved.as_ref();
        if proved.is_some_and(|proof| proof.is_of(&newest.name, newest.taken_at)) {
            flaws.retain(|flaw| !is_doubt(flaw));
        }
        flaws.extend(look.flaws.iter().cloned());
        flaws
    }

    /// Whether the newest is unlike those before and nothing else is wrong with it: a restore would tell.
    fn doubted(&self, look: &BackupSetLook) -> bool {
        let can_tell = self.declared.is_proved() && look.unprovable.is_none();
        let Some(BackupsFault::Bad { flaws, .. }) = self.bad(look).filter(|_| can_tell) else {
            return false;
        };
        flaws.iter().all(is_doubt)
    }

    fn due(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let (every, grace) = (self.declared.every.get(), self.declared.grace.get());
        let make = self.declared.make;
        // One that is no good is none: the one before it counts.
        let bad = self.bad(look).is_some() && !self.doubted(look);
        let last = look.backups.get(usize::from(bad)).map(|backup| backup.taken_at);
        let overdue = due(last, every, grace, self.at)?;
        // What others make is none of our business until it is late.
        let late = overdue || (last.is_none() && !make);
        let passed_over = if make { Vec::new() } else { look.passed_over.clone() };
        (late || make).then_some(BackupsFault::Due { last, bad, overdue: late, make, passed_over })
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
        let doubted = self.doubted(look);
        let overdue = due_again(last, failed, every, grace, self.at);
        let overdue = overdue.or_else(|| doubted.then_some(false))?;
        // Where a new one is made first, that one is restored.
        let in_vain = self.bad(look).is_some() && !doubted && !self.declared.make;
        Some(BackupsFault::ProofDue { last, overdue, in_vain, doubted })
    }

    /// How far it was looked at, and why no further.
    fn unprovable(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let why = look.unprovable.as_ref()?;
        let why = match look.backups.first() {
            None => format!("there is no backup, and none can be restored here: {why}"),
            Some(_) if self.bad(look).is_some() => {
                format!("the newest is no good, and none can be restored here: {why}")
            }
            // One that has our record is what was written, even where nobody can read it to its end.
            Some(newest) => {
                let intact = newest.record.is_some() || look.unread.is_none();
                let level = if intact { Level::Intact } else { Level::Plausible };
                format!("{} checked, restore unproven: {why}", level.as_str())
            }
        };
        Some(BackupsFault::Unprovable { why })
    }

    fn many(&self, look: &BackupSetLook) -> Option<BackupsFault> {
        let newest = look.backups.first()?;
        let made = look.backups.iter().filter(|one| one.record.is_some());
        let made: Vec<&str> = made.map(|one| one.name.as_str()).collect();
        let (count, kept) = (made.len(), self.declared.kept);
        let stays = last_good(made.iter().copied(), look.proof.as_ref(), look.proved.as_ref());
        let mut old = made.into_iter().skip(usize::try_from(kept).unwrap_or(usize::MAX));
        // Nothing goes while the newest is not what it should be. Where it only could not be restored, a new one is made every day,
        // and would fill the disk.
        let many = self.declared.make
            && self.seen(newest, look).is_empty()
            && old.any(|name| Some(name) != stays.as_deref());
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
        let counts = |copy: &&CopyLook| matches!(copy.holds_newest, Ok(there) if there || make);
        let there: Vec<_> = look.copies.iter().filter(counts).collect();
        let copies = 2 + there.len();
        if copies < COPIES {
            missing.push(format!("there are {copies} copies of {COPIES}, with the data itself"));
        }
        // The data itself is one of the three.
        let own = [self.declared.medium(), DATA];
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

/// Whether a flaw only says that a backup is unlike those before.
fn is_doubt(flaw: &Flaw) -> bool {
    flaw.level == Level::Plausible
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
