//! A folder of backups that we made: each is a file with a record beside it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::adapters::private_file;
use crate::adapters::store::hex;
use crate::domain::upkeep::{Backup, RestoreProof};
use crate::ports::processes::ActFailure;

/// What a record's name ends with, after the backup's own.
const RECORD: &str = ".json";
/// So many bytes of a file are read at once.
const PART: usize = 256 * 1024;
/// The record of the last restore.
const PROOF: &str = "restore-proof.json";

/// Every backup that has a record, newest first.
pub(crate) fn listed(folder: &Path) -> Result<Vec<Backup>, String> {
    let unread = |error: io::Error| format!("{} cannot be read: {error}", folder.display());
    let mut found = Vec::new();
    for file in private_file::entries(folder).map_err(unread)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(RECORD) && name != PROOF && !name.starts_with('.') {
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

pub(crate) fn keep_proof(folder: &Path, proof: &RestoreProof) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(proof).map_err(io::Error::other)?;
    private_file::replace(&folder.join(PROOF), &text)
}

pub(crate) fn keep_record(folder: &Path, backup: &Backup) -> io::Result<()> {
    let text = serde_json::to_vec_pretty(backup).map_err(io::Error::other)?;
    private_file::write_new(&folder.join(format!("{}{RECORD}", backup.name)), &text)
}

/// Takes away what is more than the newest `keep`, and says how many went. What counts as good is what is what was written; the
/// newest of those stays, however many newer ones are not.
pub(crate) fn prune(folder: &Path, keep: usize) -> Result<String, ActFailure> {
    let all = listed(folder).map_err(ActFailure::NotSent)?;
    let good = all.iter().position(|one| fault(folder, one).is_none());
    let mut gone = 0;
    for (place, backup) in all.iter().enumerate().skip(keep) {
        if Some(place) == good {
            continue;
        }
        remove(folder, backup).map_err(|error| unwritten(&error))?;
        gone += 1;
    }
    if gone == 0 {
        let why = "none may go: what is past its retention is the last good one";
        return Err(ActFailure::NotSent(why.to_owned()));
    }
    Ok(format!("{gone} taken away, {} stay", all.len() - gone))
}

pub(crate) fn unwritten(error: &io::Error) -> ActFailure {
    ActFailure::Refused(format!("failed to write: {error}"))
}

/// Takes a backup away: the record first, so that none is without its file.
fn remove(folder: &Path, backup: &Backup) -> io::Result<()> {
    for name in [format!("{}{RECORD}", backup.name), backup.name.clone()] {
        match std::fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
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
    let file = folder.join(&backup.name);
    let size = match std::fs::metadata(&file) {
        Ok(found) => found.len(),
        Err(error) => return Some(format!("its file cannot be looked at: {error}")),
    };
    if size != backup.size_bytes {
        return Some(format!("it is {size} bytes long, and was {}", backup.size_bytes));
    }
    match sha256(&file) {
        Ok(found) if found == backup.sha256 => None,
        Ok(_) => Some("its contents are not what was written".to_owned()),
        Err(error) => Some(format!("it cannot be read: {error}")),
    }
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
