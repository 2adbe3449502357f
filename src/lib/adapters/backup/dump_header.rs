//! The header of a PostgreSQL dump in the custom format: what it is a dump of, of which version, and when it was made.
//!
//! Layout as PostgreSQL writes it since archive version 1.12 (servers 9.0 and later): five letters, three bytes of version, the
//! size of whole numbers and of offsets, the kind of archive, how it is compressed, seven numbers of local time, then texts.

use std::io::{self, Read};

use jiff::civil;

/// What every dump in the custom format begins with.
const MAGIC: &[u8; 5] = b"PGDMP";
/// The kind of archive that is one file with everything in it.
const CUSTOM: u8 = 1;
/// No text of a header is longer.
const LONGEST: u64 = 10_000;

/// What a header tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DumpHeader {
    /// When it was made, by the clock and in the zone of whoever made it.
    pub(super) made_at: Option<civil::DateTime>,
    /// The database.
    pub(super) database: String,
    /// The server's version, as it calls itself: `15.18 (Debian …)`.
    pub(super) server: String,
}

impl DumpHeader {
    /// The server's major version.
    pub(super) fn major(&self) -> Option<u32> {
        let digits = self.server.split(|c: char| !c.is_ascii_digit()).next()?;
        digits.parse().ok()
    }
}

/// Reads the header at the beginning of a file.
pub(super) fn read(mut file: impl Read) -> Result<DumpHeader, String> {
    let short = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => "it ends within its header".to_owned(),
        _ => format!("it cannot be read: {error}"),
    };
    let mut magic = [0; 5];
    file.read_exact(&mut magic).map_err(short)?;
    if &magic != MAGIC {
        return Err("it is no dump in the custom format".to_owned());
    }
    let [major, minor, _revision, whole, _offset, kind] = array(&mut file).map_err(short)?;
    if major != 1 || minor < 12 || kind != CUSTOM || !(1..=8).contains(&whole) {
        return Err(format!(
            "it is a dump of a kind that is not known here: {major}.{minor}, {kind}"
        ));
    }
    let mut reader = Reader { file, whole };
    // Since 1.15 the algorithm in a byte; before that a level.
    if minor >= 15 {
        let [_algorithm] = array(&mut reader.file).map_err(short)?;
    } else {
        reader.number().map_err(short)?;
    }
    let made_at = reader.time().map_err(short)?;
    let database = reader.text().map_err(short)?;
    let server = reader.text().map_err(short)?;
    Ok(DumpHeader { made_at, database, server })
}

struct Reader<R> {
    file: R,
    /// The bytes of a whole number.
    whole: u8,
}

impl<R: Read> Reader<R> {
    /// A sign and so many bytes, the smallest first.
    fn number(&mut self) -> io::Result<i64> {
        let [sign] = array(&mut self.file)?;
        let mut value: i64 = 0;
        for place in 0..u32::from(self.whole) {
            let [byte] = array(&mut self.file)?;
            value |= i64::from(byte).checked_shl(8 * place).unwrap_or_default();
        }
        Ok(if sign == 0 { value } else { value.wrapping_neg() })
    }

    fn text(&mut self) -> io::Result<String> {
        let length = self.number()?;
        let Ok(length) = u64::try_from(length) else { return Ok(String::new()) };
        if length > LONGEST {
            return Err(io::Error::other("a text of its header has no end"));
        }
        let mut bytes = Vec::new();
        let read = (&mut self.file).take(length).read_to_end(&mut bytes)?;
        if u64::try_from(read).ok() != Some(length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Second, minute, hour, day, month from zero, years since 1900, and whether it was summer time.
    fn time(&mut self) -> io::Result<Option<civil::DateTime>> {
        let mut parts = [0; 7];
        for part in &mut parts {
            *part = self.number()?;
        }
        let [second, minute, hour, day, month, year, _summer] = parts;
        let made = || {
            civil::DateTime::new(
                i16::try_from(year + 1900).ok()?,
                i8::try_from(month + 1).ok()?,
                i8::try_from(day).ok()?,
                i8::try_from(hour).ok()?,
                i8::try_from(minute).ok()?,
                i8::try_from(second.min(59)).ok()?,
                0,
            )
            .ok()
        };
        Ok(made())
    }
}

fn array<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The beginning of a dump that `pg_dump` 15 made, byte by byte.
    fn of_15() -> Vec<u8> {
        let mut bytes = b"PGDMP\x01\x0e\x00\x04\x08\x01".to_vec();
        let mut number = |value: i32| {
            bytes.push(u8::from(value < 0));
            bytes.extend(value.unsigned_abs().to_le_bytes());
        };
        for value in [-1, 24, 5, 3, 29, 10, 126, 0, 4] {
            number(value);
        }
        bytes.extend(b"shop");
        bytes.push(0);
        bytes.extend(5_u32.to_le_bytes());
        bytes.extend(b"15.18");
        bytes
    }

    #[test]
    fn a_header_tells_of_what_when_and_by_which_version() {
        let header = read(&of_15()[..]).unwrap();
        assert_eq!((header.database.as_str(), header.major()), ("shop", Some(15)));
        assert_eq!(header.made_at, Some(civil::date(2026, 11, 29).at(3, 5, 24, 0)));
    }

    proptest! {
        #[test]
        fn a_header_that_is_cut_or_changed_never_panics(cut in 0..70_usize, place in 0..70_usize, byte: u8) {
            let mut bytes = of_15();
            let place = place.min(bytes.len() - 1);
            bytes[place] = byte;
            bytes.truncate(cut);
            let _whatever = read(&bytes[..]);
        }
    }

    #[test]
    fn whatever_is_no_dump_says_so() {
        for bad in [&b""[..], b"PGD", b"PK\x03\x04 a zip", b"PGDMP\x01\x0e\x00\x04\x08\x03"] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
        let whole = of_15();
        for cut in 0..whole.len() {
            assert!(read(&whole[..cut]).is_err(), "{cut}");
        }
    }
}
