//! Whether a file is what it should be, as far as that shows without restoring it.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;
use std::time::Duration;

use flate2::read::MultiGzDecoder;

use super::programs::ServerPrograms;
use super::{dump_header, tar};
use crate::domain::upkeep::{BackupFormat, Flaw, Level};

/// What the format of a file shows.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// What is wrong with it.
    pub(super) flaws: Vec<Flaw>,
    /// What could not be looked at.
    pub(super) unread: Option<String>,
}

impl Shown {
    fn of(found: Result<(), String>) -> Self {
        let flaw = found.err().map(|why| Flaw::new(Level::Intact, why));
        Self { flaws: flaw.into_iter().collect(), unread: None }
    }
}

/// Looks at all of a file. `time` bounds what a program of the server may take.
pub(super) async fn look(
    file: &Path,
    format: BackupFormat,
    programs: &ServerPrograms,
    time: Duration,
) -> Shown {
    let open = || File::open(file).map(BufReader::new).map_err(|error| error.to_string());
    match format {
        BackupFormat::Any => Shown::of(open().and_then(|mut all| {
            let mut first = [0];
            all.read_exact(&mut first).map_err(|_| "it is empty".to_owned())
        })),
        BackupFormat::Gzip => Shown::of(open().and_then(|all| {
            let read = io::copy(&mut MultiGzDecoder::new(all), &mut io::sink());
            read.map(drop).map_err(|error| format!("it cannot be unpacked to its end: {error}"))
        })),
        BackupFormat::Tar => Shown::of(open().and_then(|all| tar::entries(all).map(drop))),
        BackupFormat::TarGz => {
            let read = |all| tar::entries(MultiGzDecoder::new(all)).map(drop);
            Shown::of(open().and_then(read))
        }
        BackupFormat::PostgresDump => {
            let header = open().and_then(dump_header::read);
            if header.is_err() {
                return Shown::of(header.map(drop));
            }
            match programs.dump(file, time).await {
                Err(why) => Shown { flaws: Vec::new(), unread: Some(why) },
                Ok(found) => Shown::of(found),
            }
        }
    }
}
