//! A backup in the clear: as it lies there, or decrypted for as long as it is looked at.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::bench::Bench;
use super::programs::finished;
use super::{BackupSet, decrypting};
use crate::adapters::child::{Program, Taker, find};
use crate::adapters::disk_room;
use crate::domain::upkeep::{Flaw, Level};

/// What it is called in its folder.
const DECRYPTED: &str = "decrypted";

/// A file that can be read.
pub(super) enum Clear {
    /// As it lies there.
    Plain(PathBuf),
    /// Decrypted, and gone afterwards.
    Decrypted(Bench),
}

/// Why there is none.
pub(super) enum Unclear {
    /// The backup itself is why.
    Flawed(Flaw),
    /// It could not be found out.
    Unread(String),
}

impl Unclear {
    pub(super) fn flawed(level: Level, why: impl Into<String>) -> Self {
        Self::Flawed(Flaw::new(level, why))
    }
}

/// What is decrypted, on its way to a disk on which room stays free for others: what was packed may be much larger than it looks.
struct Guarded {
    file: File,
    place: PathBuf,
}

impl Taker for Guarded {
    async fn take(&mut self, part: &[u8]) -> io::Result<()> {
        let more = part.len() as u64;
        disk_room::has_room_beside(&self.place, more, "more of it takes")
            .map_err(io::Error::other)?;
        self.file.write_all(part)
    }
}

impl Clear {
    pub(super) fn path(&self) -> PathBuf {
        match self {
            Self::Plain(path) => path.clone(),
            Self::Decrypted(bench) => bench.file(DECRYPTED),
        }
    }
}

impl BackupSet {
    /// A backup's file in the clear.
    pub(super) async fn clear(&self, file: &Path, time: Duration) -> Result<Clear, Unclear> {
        let Some(encryption) = &self.declared.encryption else {
            return Ok(Clear::Plain(file.to_owned()));
        };
        let Some(program) = encryption.decrypt.first() else {
            return Err(Unclear::Unread("it is not said what decrypts it".to_owned()));
        };
        if find(program).is_none() {
            let why = format!("`{program}`, which decrypts it, is not on this host");
            return Err(Unclear::Unread(why));
        }
        let unread = |error: io::Error| Unclear::Unread(format!("it cannot be decrypted: {error}"));
        let place = self.workplace().map_err(Unclear::Unread)?.to_owned();
        let bench = Bench::new(&place, &self.mark()).map_err(Unclear::Unread)?;
        let input = File::open(file).map_err(unread)?;
        let least = input.metadata().map_err(unread)?.len();
        let room = disk_room::has_room_beside(&place, least, "what is decrypted takes");
        room.map_err(|why| unread(io::Error::other(why)))?;
        let mut options = File::options();
        let made = options.write(true).create_new(true).mode(0o600).open(bench.file(DECRYPTED));
        let mut plain = Guarded { file: made.map_err(unread)?, place };
        let decrypt = Program::new(encryption.decrypt.clone()).deadline(time);
        let outcome = decrypt.feed_from(Stdio::from(input), &mut plain).await;
        let outcome = outcome.map_err(unread)?;
        let unjudged = decrypting::unjudged(&encryption.decrypt, &outcome);
        finished(outcome).map_err(|said| {
            let key = &encryption.key_id;
            let told = |why: String| format!("it cannot be decrypted with the key {key}: {why}");
            match unjudged {
                Some(why) => Unclear::Unread(told(why)),
                None => Unclear::flawed(Level::Intact, told(said)),
            }
        })?;
        Ok(Clear::Decrypted(bench))
    }
}
