//! A backup in the clear: as it lies there, or decrypted for as long as it is looked at.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::BackupSet;
use super::bench::Bench;
use super::programs::finished;
use crate::adapters::child::{Outcome, Program, find};

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
    Flawed(String),
    /// It could not be found out.
    Unread(String),
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
        let Some((program, _)) = encryption.decrypt.split_first() else {
            return Err(Unclear::Unread("it is not said what decrypts it".to_owned()));
        };
        if find(program).is_none() {
            let why = format!("`{program}`, which decrypts it, is not on this host");
            return Err(Unclear::Unread(why));
        }
        let unread = |error: io::Error| Unclear::Unread(format!("it cannot be decrypted: {error}"));
        let bench = Bench::new(&self.place.scratch, &self.mark()).map_err(Unclear::Unread)?;
        let mut options = File::options();
        let made = options.write(true).create_new(true).mode(0o600).open(bench.file(DECRYPTED));
        let mut plain = made.map_err(unread)?;
        let input = Stdio::from(File::open(file).map_err(unread)?);
        let decrypt = Program::new(encryption.decrypt.clone()).deadline(time);
        let outcome = decrypt.feed_from(input, &mut |part: &[u8]| plain.write_all(part)).await;
        let outcome = outcome.map_err(unread)?;
        let said_so = matches!(outcome, Outcome::Exited { .. });
        finished(outcome).map_err(|why| {
            let key = &encryption.key_id;
            let why = format!("it cannot be decrypted with the key {key}: {why}");
            if said_so { Unclear::Flawed(why) } else { Unclear::Unread(why) }
        })?;
        Ok(Clear::Decrypted(bench))
    }
}
