//! Backups that somebody is still writing: they are none yet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, Mode, OFlags, lstat, openat};

use crate::adapters::logs::{About, Writers};
use crate::domain::upkeep::{FoundBackup, Held};
use crate::ports::clock::Clock;

/// What was not written for so long is finished.
const DAY: Duration = Duration::from_hours(24);
/// What was written within this time may still be written by somebody who is not seen.
const YOUNG: Duration = Duration::from_mins(10);
/// So long after the first look such a file is looked at again.
const AGAIN: Duration = Duration::from_secs(3);

/// Leaves out of `all` what is still written: by a process that has it open, or, where not all processes are seen, by
/// whoever changed it between two looks. What has a record of ours is finished.
pub(super) async fn leave_out(folder: &Path, all: &mut Vec<FoundBackup>, clock: &dyn Clock) {
    let fresh: BTreeMap<String, About> = all
        .iter()
        .filter(|one| one.record.is_none())
        .filter_map(|one| Some((one.name.clone(), about(folder, &one.name)?)))
        .filter(|(_, about)| is_within(DAY, about, clock))
        .collect();
    if fresh.is_empty() {
        return;
    }
    let (mut written, unsure) = held(folder, &fresh);
    written.extend(changed(folder, &fresh, unsure, clock).await);
    let written: BTreeSet<String> = written.into_iter().cloned().collect();
    all.retain(|one| !written.contains(&one.name));
}

/// Which of those that may be written by somebody who is not seen change while one looks.
async fn changed<'f>(
    folder: &Path,
    fresh: &BTreeMap<String, About>,
    mut unsure: Vec<&'f String>,
    clock: &dyn Clock,
) -> Vec<&'f String> {
    unsure.retain(|name| is_within(YOUNG, &fresh[*name], clock));
    if !unsure.is_empty() {
        clock.sleep(AGAIN).await;
        unsure.retain(|name| about(folder, name).as_ref() != fresh.get(*name));
    }
    unsure
}

fn about(folder: &Path, name: &str) -> Option<About> {
    About::of(&lstat(folder.join(name)).ok()?)
}

fn is_within(time: Duration, about: &About, clock: &dyn Clock) -> bool {
    clock.now().duration_since(about.written_at()).unsigned_abs() < time
}

/// Which of them somebody has open for writing, and of which that cannot be told.
fn held<'f>(
    folder: &Path,
    fresh: &'f BTreeMap<String, About>,
) -> (Vec<&'f String>, Vec<&'f String>) {
    let nodes = fresh.values().map(|about| about.node).collect();
    let Ok(place) = openat(CWD, folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()) else {
        return (Vec::new(), fresh.keys().collect());
    };
    let writers = Writers::of(place, &nodes);
    let (mut written, mut unsure) = (Vec::new(), Vec::new());
    for (name, about) in fresh {
        match writers.held(about) {
            Held::Placed { .. } | Held::Appended => written.push(name),
            Held::Unseen { .. } => unsure.push(name),
            Held::Free => {}
        }
    }
    (written, unsure)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::time::SystemTime;

    use jiff::Timestamp;

    use super::*;
    use crate::adapters::system_clock::SystemClock;
    use crate::ports::Pending;

    /// While it sleeps, a file grows.
    struct Meanwhile<'f>(&'f Path);

    impl Clock for Meanwhile<'_> {
        fn now(&self) -> Timestamp {
            SystemClock::new().now()
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _: Duration) -> Pending<'_, ()> {
            let mut file = std::fs::File::options().append(true).open(self.0).unwrap();
            file.write_all(b"more").unwrap();
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn what_grows_between_two_looks_is_written_and_what_does_not_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["done", "grows"] {
            std::fs::write(folder.path().join(name), "some").unwrap();
        }
        let abouts: BTreeMap<String, About> = ["done", "grows"]
            .map(|name| (name.to_owned(), about(folder.path(), name).unwrap()))
            .into();
        let grows = folder.path().join("grows");
        let unsure = abouts.keys().collect();
        let found = changed(folder.path(), &abouts, unsure, &Meanwhile(&grows)).await;
        assert_eq!(found, ["grows"]);
    }

    #[tokio::test]
    async fn what_was_written_long_ago_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("old");
        std::fs::write(&file, "some").unwrap();
        let long_ago = SystemTime::from(SystemClock::new().now()) - 2 * YOUNG;
        std::fs::File::options().write(true).open(&file).unwrap().set_modified(long_ago).unwrap();
        let abouts = [("old".to_owned(), about(folder.path(), "old").unwrap())].into();
        let unsure = BTreeMap::keys(&abouts).collect();
        assert!(changed(folder.path(), &abouts, unsure, &Meanwhile(&file)).await.is_empty());
    }
}
