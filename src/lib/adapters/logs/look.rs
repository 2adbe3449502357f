//! Looking at a set of logs: names, sizes and times, and who writes. No log is opened.

use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

use rustix::fs::{Access, access};
use rustix::io::Errno;

use super::LogFolder;
use super::file_system::without_a_cut;
use super::folder::ARCHIVE;
use super::walk::{self, Met};
use super::writers::Writers;
use crate::domain::operation::{DataRef, DataState, Measure};
use crate::domain::sight::{Blind, Sight};
use crate::domain::upkeep::{Archive, LogFile, LogsLook, Tier};
use crate::ports::Pending;
use crate::ports::data_store::LogStore;

/// The length of a moment in an archive's name, with the dot before it: `.20261120T030000Z`.
const STAMP_LENGTH: usize = 17;

impl LogStore for LogFolder {
    fn look(&self) -> Pending<'_, Sight<LogsLook>> {
        let own = self.clone();
        Box::pin(async move {
            let looked = tokio::task::spawn_blocking(move || own.seen()).await;
            looked.unwrap_or_else(|_| Err(Blind::because("the look was broken off")))
        })
    }
}

impl LogFolder {
    pub(super) fn seen(&self) -> Sight<LogsLook> {
        let shown = self.root.display();
        let root = match self.opened() {
            Ok(root) => root,
            Err(Errno::NOENT) if self.may_be_missing => return Ok(LogsLook::default()),
            Err(Errno::NOENT) => {
                return Err(Blind::because(format!("the folder {shown} does not exist")));
            }
            Err(error) => {
                return Err(Blind::because(format!("the folder {shown} cannot be read: {error}")));
            }
        };
        let is_log = |name: &str| self.rules.is_log(name);
        let walked = walk::walk(&root, self.rules.depth, ARCHIVE, &is_log).map_err(|error| {
            Blind::because(format!("the folder {shown} cannot be read: {error}"))
        })?;
        let (archives, archives_cut_short) = self.archives(&root)?;
        let nodes: BTreeSet<_> = walked.files.iter().map(|met| met.about.node).collect();
        let writers = Writers::of(&root, &nodes);
        let files = walked.files.iter().map(|met| self.file(met, &writers)).collect();
        let closed = access(&self.root, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK);
        let cut_short = walked.cut_short.or(archives_cut_short);
        Ok(LogsLook {
            files,
            archives,
            no_trim: no_trim(&root),
            closed: closed
                .err()
                .map(|error| format!("the folder {shown} cannot be written by this user: {error}")),
            cut_short: cut_short.map(|why| format!("not all of {shown} was seen: {why}")),
        })
    }

    fn file(&self, met: &Met, writers: &Writers) -> LogFile {
        let Met { name, about } = met;
        let many = about.names > 1;
        LogFile {
            name: name.clone(),
            size_bytes: about.size_bytes,
            written_at: about.written_at(),
            node: about.node.to_string(),
            held: writers.held(about),
            unfit: many.then(|| format!("it has {} names (hard links)", about.names)),
            put_off: self.is_put_off(name),
        }
    }

    fn archives(&self, root: &OwnedFd) -> Sight<(Vec<Archive>, Option<String>)> {
        let (mut archives, mut cut_short) = (Vec::new(), None);
        for tier in Tier::ALL {
            let below = format!("{ARCHIVE}/{}", tier.as_str());
            let unread = |error: std::io::Error| {
                let shown = self.root.join(&below);
                Blind::because(format!("the folder {} cannot be read: {error}", shown.display()))
            };
            let folder = match walk::folder(root, &below) {
                Ok(folder) => folder,
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(unread(error.into())),
            };
            let is_ours = |name: &str| log_of(name).is_some();
            let walked = walk::walk(&folder, self.rules.depth, "", &is_ours).map_err(unread)?;
            cut_short = cut_short.or(walked.cut_short);
            archives.extend(walked.files.iter().filter_map(|met| {
                Some(Archive {
                    of: log_of(&met.name)?.to_owned(),
                    tier,
                    size_bytes: met.about.size_bytes,
                    written_at: met.about.written_at(),
                    put_off: self.is_put_off(&put_off_name(tier, &met.name)),
                    name: met.name.clone(),
                })
            }));
        }
        Ok((archives, cut_short))
    }

    /// The set as a whole, as it is measured before and after.
    pub(super) fn whole(&self, data: &DataRef) -> Sight<Option<DataState>> {
        let look = self.seen()?;
        let now = self.clock.now();
        let bytes = look.files.iter().map(|file| file.size_bytes).sum::<u64>();
        let archived = look.archives.iter().map(|archive| archive.size_bytes).sum::<u64>();
        let count = |count: usize| count.to_string();
        let measures = [
            (Measure::Count, count(look.files.len())),
            (Measure::SizeBytes, bytes.to_string()),
            (Measure::Old, count(self.rules.old(&look, now).len())),
            (Measure::Warm, count(self.rules.warm(&look, now).len())),
            (Measure::Expired, count(self.rules.expired(&look, now).len())),
            (Measure::ArchivedBytes, archived.to_string()),
        ];
        Ok(Some(DataState { data: data.clone(), measures: measures.into_iter().collect() }))
    }
}

/// Under which name an archive is put off.
pub(super) fn put_off_name(tier: Tier, name: &str) -> String {
    format!("{ARCHIVE}/{}/{name}", tier.as_str())
}

fn no_trim(root: &OwnedFd) -> Option<String> {
    without_a_cut(root).map(|name| no_cut(&format!("{name} file system")))
}

/// Why nothing is trimmed there.
pub(super) fn no_cut(of: &str) -> String {
    format!(
        "a {of} cannot cut the beginning of a file off in place, and every other way would lose what is written meanwhile"
    )
}

/// The log that an archive of ours was made of; `None` for what we did not make.
pub(super) fn log_of(name: &str) -> Option<&str> {
    let name = name.strip_suffix(".gz")?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A second one of the same second has a number behind its moment.
    let name = match name.rsplit_once('-') {
        Some((head, number)) if is_number(number) && head.ends_with('Z') => head,
        _ => name,
    };
    let (log, stamp) = name.split_at_checked(name.len().checked_sub(STAMP_LENGTH)?)?;
    let (date, time) = stamp.strip_prefix('.')?.strip_suffix('Z')?.split_once('T')?;
    let is_moment = date.len() == 8 && time.len() == 6 && is_number(date) && is_number(time);
    (is_moment && !log.is_empty() && !log.ends_with('/')).then_some(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_named_is_an_archive_of_ours() {
        for (name, expected) in [
            ("app.log.20261120T030000Z.gz", Some("app.log")),
            ("sub/app.log.1.20261120T030000Z-2.gz", Some("sub/app.log.1")),
            ("app.log.gz", None),
            ("app.log.1.gz", None),
            ("app.log-20261120.gz", None),
            (".20261120T030000Z.gz", None),
            ("sub/.20261120T030000Z.gz", None),
            ("app.log.20261120T03000xZ.gz", None),
            ("é.20261120T030000Z.gz", Some("é")),
        ] {
            assert_eq!(log_of(name), expected, "{name}");
        }
    }
}
