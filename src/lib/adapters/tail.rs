//! The newest part of a log, in bytes: a log is not ours, may grow while it is read, and need not be text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::domain::sight::{Blind, Sight};

/// The last `limit_bytes` of a text, beginning with a whole line where one begins there.
pub(crate) fn of_bytes(bytes: &[u8], limit_bytes: usize) -> String {
    let skipped = bytes.len().saturating_sub(limit_bytes);
    let kept = &bytes[skipped..];
    let starts_line = skipped == 0 || bytes[skipped - 1] == b'\n';
    let whole = match kept.iter().position(|byte| *byte == b'\n') {
        Some(end) if !starts_line && end + 1 < kept.len() => &kept[end + 1..],
        _ => kept,
    };
    bounded(String::from_utf8_lossy(whole).into_owned(), limit_bytes)
}

/// Marks for bytes that are no UTF-8 are longer than those bytes: the limit holds for what is returned.
fn bounded(text: String, limit_bytes: usize) -> String {
    let mut start = text.len().saturating_sub(limit_bytes);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    text[start..].to_owned()
}

/// The newest part of each file, `limit_bytes` in all, each under its name where there are several.
pub(crate) fn of_files(paths: &[String], limit_bytes: usize) -> Sight<String> {
    if paths.is_empty() {
        return Err(Blind::because("its manager names no log file"));
    }
    let share = limit_bytes / paths.len();
    let mut text = String::new();
    let mut unreadable = Vec::new();
    for path in paths {
        let heading = if paths.len() > 1 { format!("==> {path} <==\n") } else { String::new() };
        match of_file(Path::new(path), share.saturating_sub(heading.len() + 1)) {
            Ok(part) => {
                text.push_str(&heading);
                text.push_str(&part);
                if !part.is_empty() && !part.ends_with('\n') {
                    text.push('\n');
                }
            }
            Err(error) => unreadable.push(format!("{path}: {error}")),
        }
    }
    if text.is_empty() && !unreadable.is_empty() {
        return Err(Blind::because(format!("no log can be read: {}", unreadable.join("; "))));
    }
    Ok(text)
}

fn of_file(path: &Path, limit_bytes: usize) -> std::io::Result<String> {
    // Opening a named pipe would wait for a writer.
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    let mut file = File::open(path)?;
    // One byte more tells whether the part begins a line.
    let wanted = u64::try_from(limit_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(wanted)))?;
    let mut bytes = Vec::new();
    file.take(wanted).read_to_end(&mut bytes)?;
    Ok(of_bytes(&bytes, limit_bytes))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_newest_whole_lines_are_kept() {
        assert_eq!(of_bytes(b"one\ntwo\nthree\n", 9), "three\n");
        assert_eq!(of_bytes(b"one\ntwo\nthree\n", 10), "two\nthree\n");
        assert_eq!(of_bytes(b"onelongline", 4), "line");
        assert_eq!(of_bytes(b"a\n", 100), "a\n");
    }

    #[test]
    fn a_file_is_read_from_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "old\n".repeat(100_000) + "new\n").unwrap();
        let path = path.display().to_string();
        assert_eq!(of_files(std::slice::from_ref(&path), 9).unwrap(), "old\nnew\n");
        let several = of_files(&[path.clone(), "/nowhere".to_owned()], 1_000).unwrap();
        assert!(several.starts_with(&format!("==> {path} <==\n")) && several.ends_with("new\n"));
    }

    #[test]
    fn a_log_that_cannot_be_read_is_blind_and_not_empty() {
        assert!(of_files(&[], 10).is_err());
        assert!(of_files(&["/nowhere".to_owned()], 10).is_err());
        assert!(of_files(&["/dev".to_owned()], 10).is_err());
    }

    proptest! {
        #[test]
        fn the_limit_holds_whatever_the_bytes(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            limit in 0..250_usize,
        ) {
            prop_assert!(of_bytes(&bytes, limit).len() <= limit);
        }
    }
}
