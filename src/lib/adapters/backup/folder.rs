//! A folder of backups that we made: each is a file with a record beside it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::adapters::private_file;
use crate::adapters::store::hex;
use crate::domain::upkeep::{Backup, Flaw, RestoreProof, last_good};
use crate::ports::processes::ActFailure;

/// What a record's name ends with, after the backup's own.
const RECORD: &str = ".json";
/// So many bytes of a file are read at once.
const PART: usize = 256 * 1024;
/// The record of the last restore.
const PROOF: &str = "restore-proof.json";
/// The record of the last that was good.
const PROVED: &str = "restore-proved.json";

/// Every backup that has a record, newest first.
pub(crate) fn listed(folder: &Path) -> Result<Vec<Backup>, String> {
    let unread = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut found = Vec::new();
    for file in private_file::entries(folder).map_err(unread)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(RECORD)
            && ![PROOF, PROVED].contains(&name.as_str())
            && !name.starts_with('.')
        {
            found.extend(record::<Backup>(&file)?);
        }
    }
    found.sort_by(|one, other| (other.taken_at, &other.name).cmp(&(one.taken_at, &one.name)));
    Ok(found)
}

/// The last restore for a proof, as it was written down in `folder`.
///
/// # Errors
///
/// A fragment: the record is there and cannot be read.
pub fn proof(folder: &Path) -> Result<Option<RestoreProof>, String> {
    record(&folder.join(PROOF))
}

/// The last that was good.
pub(crate) fn proved(folder: &Path) -> Result<Option<RestoreProof>, String> {
    record(&folder.join(PROVED))
}

/// A restore for a proof that was tried.
pub(crate) struct Tried {
    /// Which backup.
    pub(crate) backup: String,
    /// When that one was taken.
    pub(crate) taken_at: Timestamp,
    /// When it was restored.
    pub(crate) proved_at: Timestamp,
    /// How long that took.
    pub(crate) took: Duration,
    /// So long it counts, if it was good.
    pub(crate) good_for: Duration,
}

/// Writes down what it showed, and says so. What was good stays known beside what was not.
pub(crate) fn conclude(
    folder: &Path,
    tried: Tried,
    found: Result<String, Flaw>,
) -> Result<String, ActFailure> {
    let (holds, flaw) = match found {
        Ok(holds) => (holds, None),
        Err(flaw) => ("nothing that can be relied on".to_owned(), Some(flaw)),
    };
    let until = tried.proved_at.checked_add(tried.good_for).ok();
    let proof = RestoreProof {
        backup: tried.backup,
        taken_at: tried.taken_at,
        proved_at: tried.proved_at,
        restore_ms: u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX),
        holds,
        good_until: until.filter(|_| flaw.is_none()),
        level: flaw.as_ref().map(|flaw| flaw.level),
        fault: flaw.map(|flaw| flaw.why),
    };
    keep_proof(folder, &proof).map_err(|error| unwritten(&error))?;
    match proof.fault {
        None => {
            let took = tried.took.as_secs_f64();
            Ok(format!("{} holds {}; restored in {took:.1} s", proof.backup, proof.holds))
        }
        Some(why) => Err(ActFailure::Refused(format!("{} is no good: {why}", proof.backup))),
    }
}

fn keep_proof(folder: &Path, proof: &RestoreProof) -> io::Result<()> {
    private_file::folder(folder)?;
    let text = serde_json::to_vec_pretty(proof).map_err(io::Error::other)?;
    if proof.fault.is_none() {
        private_file::replace(&folder.join(PROVED), &text)?;
    }
    private_file::replace(&folder.join(PROOF), &text)
}

pub(crate) fn keep_record(folder: &Path, backup: &Backup) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(backup).map_err(io::Error::other)?;
    private_file::write_new(&folder.join(format!("{}{RECORD}", backup.name)), &text)
}

/// Which of `all` (newest first) is the newest that is what was written.
pub(crate) fn newest_good(folder: &Path, all: &[Backup]) -> Option<usize> {
    all.iter().position(|one| fault(folder, one).is_none())
}

/// Which of `all` (newest first) are past the newest `keep` and may go. The newest that is what was written (`good`) stays,
/// however many newer ones are not, and so does the last good one, as far as restores tell (`notes`).
pub(crate) fn past_retention(
    all: &[Backup],
    good: Option<usize>,
    keep: usize,
    notes: &Path,
) -> Result<Vec<Backup>, ActFailure> {
    let (tried, proved) = (proof(notes), proved(notes));
    let (tried, proved) =
        (tried.map_err(ActFailure::Refused)?, proved.map_err(ActFailure::Refused)?);
    let names = all.iter().map(|one| one.name.as_str());
    let stays = last_good(names, tried.as_ref(), proved.as_ref());
    let old = all.iter().enumerate().skip(keep);
    let gone: Vec<Backup> = old
        .filter(|(place, one)| Some(*place) != good && Some(&one.name) != stays.as_ref())
        .map(|(_, one)| one.clone())
        .collect();
    if gone.is_empty() {
        let why = "none may go: what is past its retention is the last good one";
        return Err(ActFailure::NotSent(why.to_owned()));
    }
    Ok(gone)
}

pub(crate) fn unwritten(error: &io::Error) -> ActFailure {
    ActFailure::Refused(format!("failed to write: {error}"))
}

/// Takes a backup away: the record first, so that none is without its file.
pub(crate) fn remove(folder: &Path, backup: &Backup) -> io::Result<()> {
    remove_record(folder, &backup.name)?;
    gone(std::fs::remove_file(folder.join(&backup.name)))
}

/// Takes the record of a backup away.
pub(super) fn remove_record(folder: &Path, name: &str) -> io::Result<()> {
    gone(std::fs::remove_file(folder.join(format!("{name}{RECORD}"))))
}

/// What is not there is gone.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    removed.or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })
}

fn record<T: DeserializeOwned>(file: &Path) -> Result<Option<T>, String> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", file.display())),
    };
    let parsed = serde_json::from_slice(&bytes);
    parsed.map(Some).map_err(|error| format!("{} is no record of ours: {error}", file.display()))
}

/// Why a backup is not what was written, if it is not. Reads all of it.
pub(crate) fn fault(folder: &Path, backup: &Backup) -> Option<String> {
    altered(&folder.join(&backup.name), backup)
}

/// Why a file is not the backup that was written, if it is not. Reads all of it.
pub(super) fn altered(file: &Path, backup: &Backup) -> Option<String> {
    let size = match std::fs::metadata(file) {
        Ok(found) => found.len(),
        Err(error) => return Some(format!("its file cannot be looked at: {error}")),
    };
    if size != backup.size_bytes {
        return Some(format!("it is {size} bytes long, and was {}", backup.size_bytes));
    }
    match sha256(file) {
        Ok(found) if found == backup.sha256 => None,
        Ok(_) => Some("its contents are not what was written".to_owned()),
        Err(error) => Some(format!("it cannot be read: {error}")),
    }
}

/// What the name of a file with a sum ends with, after the backup's own: as `sha256sum` writes it.
pub(super) const SUM: &str = ".sha256";

/// Why a backup is not what the sum beside it says, if there is one and it is not. Reads all of it.
///
/// # Errors
///
/// A fragment: the sum is there and cannot be read.
pub(super) fn of_another_sum(file: &Path) -> Result<Option<String>, String> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(SUM);
    let text = match std::fs::read_to_string(&beside) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{} cannot be read: {error}", beside.display())),
    };
    let sum = sum_in(&text).ok_or_else(|| format!("{} holds no SHA-256", beside.display()))?;
    match sha256(file) {
        Ok(found) if found.eq_ignore_ascii_case(sum) => Ok(None),
        Ok(_) => Ok(Some("its contents are not those of the sum beside it".to_owned())),
        Err(error) => Ok(Some(format!("it cannot be read: {error}"))),
    }
}

/// The sum in a text as `sha256sum` writes it, if there is one.
pub(super) fn sum_in(text: &str) -> Option<&str> {
    let sum = text.split_whitespace().next()?.trim_start_matches('\\');
    let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sum.then_some(sum)
}

/// The SHA-256 of a file, in hexadecimal digits.
pub(crate) fn sha256(file: &Path) -> io::Result<String> {
    let mut digest = Sha256::new();
    let (mut file, mut part) = (File::open(file)?, vec![0; PART]);
    loop {
        match file.read(&mut part)? {
            0 => return Ok(hex(&digest.finalize())),
            many => digest.update(&part[..many]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backup(folder: &Path, number: i64, is_good: bool) -> Backup {
        let name = format!("{number}.dump");
        let bytes = number.to_string();
        std::fs::write(folder.join(&name), if is_good { &bytes } else { "broken" }).unwrap();
        Backup {
            name,
            taken_at: jiff::Timestamp::from_second(number).unwrap(),
            size_bytes: bytes.len() as u64,
            sha256: hex(&Sha256::digest(bytes.as_bytes())),
            took_ms: 1,
            source: None,
            key_id: None,
            etag: None,
            fault: None,
        }
    }

    /// The numbers of those that may go.
    fn gone(good: &[bool], keep: usize, proved: Option<(i64, bool)>) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let newest_first = (0_i64..).zip(good).map(|(age, is_good)| (100 - age, *is_good));
        let all: Vec<Backup> =
            newest_first.map(|(number, is_good)| backup(folder.path(), number, is_good)).collect();
        let proof = proved.map(|(number, is_good)| RestoreProof {
            backup: format!("{number}.dump"),
            taken_at: jiff::Timestamp::UNIX_EPOCH,
            proved_at: jiff::Timestamp::UNIX_EPOCH,
            restore_ms: 1,
            holds: String::new(),
            good_until: None,
            fault: (!is_good).then(|| "no rows".to_owned()),
            level: None,
        });
        if let Some(proof) = proof {
            keep_proof(folder.path(), &proof).unwrap();
        }
        let good = newest_good(folder.path(), &all);
        let gone = past_retention(&all, good, keep, folder.path());
        gone.map(|gone| gone.into_iter().map(|one| one.name).collect()).unwrap_or_default()
    }

    #[test]
    fn the_newest_good_one_and_the_last_that_was_restored_stay() {
        assert_eq!(gone(&[true, true, true], 2, None), ["98.dump"]);
        assert_eq!(gone(&[false, false, true, true], 2, None), ["97.dump"]);
        assert_eq!(gone(&[true, true, true, true], 2, Some((98, true))), ["97.dump"]);
        assert!(gone(&[false, false, true], 2, None).is_empty());
        assert!(gone(&[true, true], 2, None).is_empty());
    }

    #[test]
    fn where_none_was_good_when_it_was_restored_the_oldest_stays() {
        assert_eq!(gone(&[true, true, true, true], 2, Some((100, false))), ["98.dump"]);
        assert!(gone(&[true, true, true], 2, Some((100, false))).is_empty());
    }
}
