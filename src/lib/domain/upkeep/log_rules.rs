//! Which logs are trimmed, archived, packed tighter and taken away: pure, the same for who judges and who acts.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::log_name::{GOING, Glob, is_packed, series};
use super::logs::{Archive, Held, LogFile, LogsLook, Tier};

/// Cuts are multiples of it, and so of the blocks of every file system that can cut in place (at most 64 KiB).
pub const CUT_BYTES: u64 = 1024 * 1024;

/// A log that is larger may take more time than there is, as one of many gigabytes of holes does, so that all others go before it.
const SLOW_BYTES: u64 = 1024 * 1024 * 1024;
/// And so may an archive of so many bytes: text is packed to about an eighth.
const SLOW_PACKED_BYTES: u64 = SLOW_BYTES / 8;

/// How a set of logs is tended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRules {
    /// The patterns of its file names.
    pub patterns: Vec<Glob>,
    /// So many folders deep below its own.
    pub depth: u32,
    /// A log that is larger is trimmed, in bytes.
    pub trim_above_bytes: u64,
    /// At least so many of its newest bytes stay.
    pub keep_bytes: u64,
    /// A log that nobody has written for so long is archived.
    pub hot: Duration,
    /// An archive is packed tighter so long after the log was last written.
    pub warm: Duration,
    /// And taken away after so long.
    pub cold: Duration,
}

/// A log that is due, and to which nothing may be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck<'a> {
    /// Which.
    pub file: &'a LogFile,
    /// Whether it is too large; else it is too old.
    pub is_large: bool,
    /// Why.
    pub why: String,
}

/// What may be done about a file.
enum Ruling {
    /// Nothing is due.
    Well,
    Due,
    Stuck(String),
}

impl LogRules {
    /// Whether a file of this name is a log of the set. What others have packed is none, and what was about to go when a run
    /// was killed still is one.
    #[must_use]
    pub fn is_log(&self, name: &str) -> bool {
        let name = name.strip_suffix(GOING).unwrap_or(name);
        !is_packed(name) && self.patterns.iter().any(|pattern| pattern.matches(name))
    }

    /// How many bytes are cut off the beginning of a log of so many: whole blocks, and at least `keep_bytes` stay.
    #[must_use]
    pub const fn cut(&self, size_bytes: u64) -> u64 {
        if size_bytes <= self.trim_above_bytes || self.keep_bytes == 0 {
            return 0;
        }
        let spare = size_bytes.saturating_sub(self.keep_bytes);
        spare - spare % CUT_BYTES
    }

    /// The logs that are to be trimmed, the largest first.
    #[must_use]
    pub fn large<'a>(&self, look: &'a LogsLook) -> Vec<&'a LogFile> {
        let newest = newest(&look.files);
        let is_due = |file: &&LogFile| matches!(self.trim(look, &newest, file), Ruling::Due);
        let mut due: Vec<&LogFile> = look.files.iter().filter(is_due).collect();
        due.sort_by_key(|file| std::cmp::Reverse(file.size_bytes));
        due
    }

    /// The logs that are to be archived, the oldest first; those that may take long come last, the largest at the very end.
    #[must_use]
    pub fn old<'a>(&self, look: &'a LogsLook, now: Timestamp) -> Vec<&'a LogFile> {
        let newest = newest(&look.files);
        let is_due = |file: &&LogFile| matches!(self.archive(&newest, file, now), Ruling::Due);
        let mut due: Vec<&LogFile> = look.files.iter().filter(is_due).collect();
        due.sort_by_key(|file| (slow(file.size_bytes, SLOW_BYTES), file.written_at));
        due
    }

    /// The logs that are due, and to which nothing may be done.
    #[must_use]
    pub fn stuck<'a>(&self, look: &'a LogsLook, now: Timestamp) -> Vec<Stuck<'a>> {
        let newest = newest(&look.files);
        let mut stuck = Vec::new();
        for file in &look.files {
            if let Ruling::Stuck(why) = self.trim(look, &newest, file) {
                stuck.push(Stuck { file, is_large: true, why });
            } else if let Ruling::Stuck(why) = self.archive(&newest, file, now) {
                stuck.push(Stuck { file, is_large: false, why });
            }
        }
        stuck
    }

    /// The archives that are to be packed tighter, the oldest first; those that may take long come last, the largest at the very end.
    #[must_use]
    pub fn warm<'a>(&self, look: &'a LogsLook, now: Timestamp) -> Vec<&'a Archive> {
        let gone = self.expired(look, now);
        let is_due = |archive: &&Archive| {
            let is_old = age(archive.written_at, now) >= self.warm;
            archive.tier == Tier::Warm && is_old && !archive.put_off && !gone.contains(archive)
        };
        let mut due: Vec<&Archive> = look.archives.iter().filter(is_due).collect();
        due.sort_by_key(|archive| {
            (slow(archive.size_bytes, SLOW_PACKED_BYTES), archive.written_at)
        });
        due
    }

    /// The archives that are to go. What is left of a series that nobody writes any more stays.
    #[must_use]
    pub fn expired<'a>(&self, look: &'a LogsLook, now: Timestamp) -> Vec<&'a Archive> {
        let live = newest(&look.files);
        let mut last: BTreeMap<String, &Archive> = BTreeMap::new();
        for archive in &look.archives {
            let newest = last.entry(series(&archive.of)).or_insert(archive);
            if rank(archive) > rank(newest) {
                *newest = archive;
            }
        }
        let is_last = |archive: &Archive| {
            let of = series(&archive.of);
            !live.contains_key(&of)
                && last.get(&of).is_some_and(|newest| rank(newest) == rank(archive))
        };
        let gone =
            |archive: &&Archive| age(archive.written_at, now) >= self.cold && !is_last(archive);
        look.archives.iter().filter(gone).collect()
    }

    fn trim(&self, look: &LogsLook, newest: &Newest<'_>, file: &LogFile) -> Ruling {
        let is_newest = newest.get(&series(&file.name)).is_some_and(|one| one.name == file.name);
        let in_use = match &file.held {
            Held::Appended | Held::Placed { .. } => true,
            // What was rotated away is archived whole, when its time comes.
            Held::Free | Held::Unseen { .. } => is_newest,
        };
        if self.cut(file.size_bytes) == 0 || !in_use {
            return Ruling::Well;
        }
        if let Some(why) = file.unfit.as_ref().or(look.no_trim.as_ref()) {
            return Ruling::Stuck(why.clone());
        }
        match &file.held {
            Held::Free | Held::Appended => Ruling::Due,
            Held::Placed { by } => Ruling::Stuck(format!(
                "{by} does not append to it: it writes at a place of its own, and would leave a hole"
            )),
            Held::Unseen { why } => Ruling::Stuck(why.clone()),
        }
    }

    fn archive(&self, newest: &Newest<'_>, file: &LogFile, now: Timestamp) -> Ruling {
        let is_newest = newest.get(&series(&file.name)).is_some_and(|one| one.name == file.name);
        let is_old = age(file.written_at, now) >= self.hot;
        if !is_old || is_newest || file.size_bytes == 0 || file.put_off {
            return Ruling::Well;
        }
        match (&file.held, &file.unfit) {
            (Held::Appended | Held::Placed { .. }, _) => Ruling::Well,
            (_, Some(why)) | (Held::Unseen { why }, None) => Ruling::Stuck(why.clone()),
            (Held::Free, None) => Ruling::Due,
        }
    }
}

/// The newest log of each series that holds anything: the last words of whatever wrote it.
type Newest<'a> = BTreeMap<String, &'a LogFile>;

fn newest(files: &[LogFile]) -> Newest<'_> {
    let mut newest: Newest<'_> = BTreeMap::new();
    for file in files.iter().filter(|file| file.size_bytes > 0) {
        let last = newest.entry(series(&file.name)).or_insert(file);
        // Of two that are equally old the shorter name is the one in use: the other has a number.
        let rank = |one: &LogFile| (one.written_at, std::cmp::Reverse(one.name.len()));
        if rank(file) > rank(last) {
            *last = file;
        }
    }
    newest
}

/// Sorts what is larger than that behind everything else, and by its size.
fn slow(bytes: u64, than: u64) -> Option<u64> {
    (bytes > than).then_some(bytes)
}

fn rank(archive: &Archive) -> (Timestamp, &str, Tier) {
    (archive.written_at, &archive.name, archive.tier)
}

/// How long ago that was; what lies in the future is new.
fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
#[path = "log_rules_tests.rs"]
mod tests;
