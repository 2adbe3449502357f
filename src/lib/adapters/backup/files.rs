//! The files of a folder that settings call backups, whoever made them.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, tz::TimeZone};

use super::dump_header::{self, DumpHeader};
use super::folder;
use crate::domain::upkeep::{Backup, BackupFormat, DeclaredBackup, FoundBackup, Glob};

/// A dump's own clock may be in any zone: only what is further off than a day and a half is another day's.
const ZONES: Duration = Duration::from_hours(38);
/// The header of so many of the newest is read.
pub(super) const TOLD: usize = 10;
/// What the name of one that we make ends with.
pub(super) const MADE: &str = ".dump";
/// More are not looked at: the newest count.
const MOST: usize = 1000;

/// Every backup in the folder, newest first.
pub(super) fn found(place: &Path, declared: &DeclaredBackup) -> Result<Vec<FoundBackup>, String> {
    let unread = |error: io::Error| format!("{} cannot be read: {error}", place.display());
    // Where others make them, other files may end like our records.
    let records = match folder::listed(place) {
        Err(why) if declared.make => return Err(why),
        listed => listed.unwrap_or_default(),
    };
    let records: Vec<Backup> = records.into_iter().filter(|one| is_ours(declared, one)).collect();
    let pattern = Glob::new(&declared.pattern);
    let mut all = Vec::new();
    for entry in std::fs::read_dir(place).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_sum = name.ends_with(folder::SUM);
        if name.starts_with('.') || is_sum || !pattern.matches(&name) {
            continue;
        }
        // Where we make them, what somebody else puts beside them is none of them, as in a bucket.
        if declared.make && !is_made_by_us(&declared.name, &name) {
            continue;
        }
        // A link's target may be anything; a folder is no backup.
        let meta = entry.metadata().map_err(unread)?;
        if meta.is_file() {
            all.push(one(&name, &meta, records.iter().find(|record| record.name == name)));
        }
    }
    // A record whose file is gone is a backup that is gone: it is told, and not forgotten.
    let ours = records.iter().filter(|_| declared.make);
    let lost = ours.filter(|record| !all.iter().any(|one| one.name == record.name));
    let lost: Vec<FoundBackup> = lost.map(of_record).collect();
    all.extend(lost);
    newest_first(&mut all);
    all.truncate(MOST);
    // An older one that is told as that may no longer be the newest.
    for one in all.iter_mut().take(TOLD).filter(|one| one.record.is_none()) {
        told_by_itself(place, declared.format, one);
    }
    newest_first(&mut all);
    Ok(all)
}

/// Sorts them.
pub(super) fn newest_first(all: &mut [FoundBackup]) {
    all.sort_by(|one, other| (other.taken_at, &other.name).cmp(&(one.taken_at, &one.name)));
}

/// Whether a record is one of these backups: others may be made into the same folder by another name.
pub(super) fn is_ours(declared: &DeclaredBackup, record: &Backup) -> bool {
    !declared.make || is_made_by_us(&declared.name, &record.name)
}

/// Whether this is a name that we give to a backup of `of`: with the moment at which it was taken, as `store::stamp` writes it.
/// Those of `shop` are not those of `shop-2`.
pub(super) fn is_made_by_us(of: &str, name: &str) -> bool {
    let rest = name.strip_prefix(of).and_then(|rest| rest.strip_prefix('-'));
    let Some(moment) = rest.and_then(|rest| rest.strip_suffix(MADE)) else { return false };
    let digits = |text: &str, many| text.len() == many && text.bytes().all(|b| b.is_ascii_digit());
    let parts = moment.strip_suffix('Z').and_then(|moment| moment.split_once('T'));
    parts.is_some_and(|(date, time)| digits(date, 8) && digits(time, 9))
}

/// What a record tells of a backup that is not there.
pub(super) fn of_record(record: &Backup) -> FoundBackup {
    FoundBackup {
        name: record.name.clone(),
        taken_at: record.taken_at,
        size_bytes: record.size_bytes,
        took_ms: Some(record.took_ms),
        record: Some(record.clone()),
    }
}

fn one(name: &str, meta: &Metadata, record: Option<&Backup>) -> FoundBackup {
    let written = meta.modified().ok();
    // A file is born when its writing begins, and was last written when it ended. One that is written over keeps its birth:
    // that shows beside those before it.
    let took = || written?.duration_since(meta.created().ok()?).ok();
    let took_ms = took().and_then(|took| u64::try_from(took.as_millis()).ok());
    FoundBackup {
        name: name.to_owned(),
        taken_at: record.map_or_else(|| moment(written), |record| record.taken_at),
        size_bytes: meta.len(),
        took_ms: record.map(|record| record.took_ms).or(took_ms),
        record: record.cloned(),
    }
}

fn moment(at: Option<SystemTime>) -> Timestamp {
    at.and_then(|at| Timestamp::try_from(at).ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// A dump that says that it is of another day than its file is as old as it says: files are copied and touched.
fn told_by_itself(place: &Path, format: BackupFormat, newest: &mut FoundBackup) {
    if format != BackupFormat::PostgresDump {
        return;
    }
    let header =
        File::open(place.join(&newest.name)).ok().and_then(|file| dump_header::read(file).ok());
    if let Some(header) = header {
        as_old_as_it_says(newest, &header);
    }
}

/// A dump is as old as it says, where its file is younger by more than zones of time can make it.
pub(super) fn as_old_as_it_says(backup: &mut FoundBackup, header: &DumpHeader) {
    let made = header.made_at.and_then(|made| TimeZone::UTC.to_timestamp(made).ok());
    let Some(made) = made else { return };
    let older = Duration::try_from(backup.taken_at.duration_since(made)).unwrap_or_default();
    if older > ZONES {
        backup.taken_at = made;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_ours_by_its_moment_and_not_by_how_it_begins() {
        assert!(is_made_by_us("shop", "shop-20261130T015420123Z.dump"));
        for other in [
            "shop-2-20261130T015420123Z.dump",
            "shop-20261130T015420123Z.dump.sha256",
            "shop-20261130.dump",
            "shop-20261130T015420123Z.tar",
            "shop20261130T015420123Z.dump",
        ] {
            assert!(!is_made_by_us("shop", other), "{other}");
        }
        assert!(is_made_by_us("shop-2", "shop-2-20261130T015420123Z.dump"));
    }
}
