//! Whether a stream is a whole tar archive: every header's sum is right, every file is there to its end, and the archive says
//! that it ends. Contents are read over and not kept.

use std::io::{self, Read};

const BLOCK: usize = 512;
/// Where a header has the size of what follows, in octal digits, and where its own sum.
const SIZE: std::ops::Range<usize> = 124..136;
const SUM: std::ops::Range<usize> = 148..156;

/// How many entries it has.
pub(super) fn entries(mut archive: impl Read) -> Result<u64, String> {
    let mut found = 0;
    loop {
        let Some(header) = block(&mut archive)? else {
            return Err("it ends without saying so: the end is missing".to_owned());
        };
        if header.iter().all(|byte| *byte == 0) {
            return if found == 0 { Err("it holds nothing".to_owned()) } else { Ok(found) };
        }
        let size = size(&header).filter(|_| has_its_sum(&header));
        let Some(size) = size else {
            return Err(format!("entry {} has a broken header", found + 1));
        };
        let padded = size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64);
        let read = io::copy(&mut (&mut archive).take(padded), &mut io::sink()).map_err(unread)?;
        if read != padded {
            return Err(format!("entry {} is cut short", found + 1));
        }
        found += 1;
    }
}

/// The next block; `None` at a clean end.
fn block(archive: &mut impl Read) -> Result<Option<[u8; BLOCK]>, String> {
    let mut bytes = Vec::with_capacity(BLOCK);
    archive.take(BLOCK as u64).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let whole = <[u8; BLOCK]>::try_from(bytes);
    whole.map(Some).map_err(|_| "it is cut within a header".to_owned())
}

fn unread(error: io::Error) -> String {
    format!("it cannot be read to its end: {error}")
}

/// Octal digits, or a number of its own where the first bit is set: then the last eight bytes count.
fn size(header: &[u8; BLOCK]) -> Option<u64> {
    let field = &header[SIZE];
    if field[0] & 0x80 != 0 {
        return field[4..].try_into().map(u64::from_be_bytes).ok();
    }
    octal(field)
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(|c| c == ' ' || c == '\0'), 8).ok()
}

/// The sum counts its own field as blanks.
fn has_its_sum(header: &[u8; BLOCK]) -> bool {
    let own = SUM;
    let count =
        |(place, byte): (usize, &u8)| u64::from(if own.contains(&place) { b' ' } else { *byte });
    let sum: u64 = header.iter().enumerate().map(count).sum();
    octal(&header[SUM]) == Some(sum)
}
