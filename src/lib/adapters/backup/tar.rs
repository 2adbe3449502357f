//! Whether a stream is a whole tar archive: every file is there to its end, and the archive says that it ends. Contents are read
//! over and not kept, and whatever packs the archive is read to its end, where its own sum is.

use std::io::{self, Read};

const BLOCK: usize = 512;

/// What is read, and whether its last block said that the archive ends: such a block is empty.
struct Watched<R> {
    stream: R,
    /// So many of the bytes that were read last are zero.
    zeros: u64,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let own = &buffer[..read];
        let tail = own.iter().rev().take_while(|byte| **byte == 0).count();
        let before = if tail == read { self.zeros } else { 0 };
        self.zeros = before.saturating_add(tail as u64);
        Ok(read)
    }
}

/// How many entries it has.
pub(super) fn entries(archive: impl Read) -> Result<u64, String> {
    let mut archive = ::tar::Archive::new(Watched { stream: archive, zeros: 0 });
    let mut found = 0;
    for entry in archive.entries().map_err(unread)? {
        let place = found + 1;
        let broken = |error: io::Error| format!("entry {place} is broken: {error}");
        let mut entry = entry.map_err(broken)?;
        let size = entry.size();
        if io::copy(&mut entry, &mut io::sink()).map_err(broken)? != size {
            return Err(format!("entry {place} is cut short"));
        }
        found += 1;
    }
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(unread)?;
    if rest.zeros < BLOCK as u64 {
        return Err("it ends without saying so: the end is missing".to_owned());
    }
    if found == 0 { Err("it holds nothing".to_owned()) } else { Ok(found) }
}

fn unread(error: io::Error) -> String {
    format!("it cannot be read to its end: {error}")
}
