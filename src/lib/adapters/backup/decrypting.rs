//! What decrypts backups, and whether this host has all of it: where it has not, nothing is known of a backup, and nothing is
//! wrong with it. A key that is here and is another one is no such thing.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

use super::programs::{finished, is_of_this_host};
use crate::adapters::child::{Outcome, find};

/// A shell's own words for a program that it cannot run, and for one that is not there.
const NOT_RUN: [i32; 2] = [126, 127];
/// And, above this, for one that was ended by a signal.
const SIGNALLED: i32 = 128;

/// What programs say of a key that is not there or is none, in small letters: they have not looked at the backup.
const OF_ITS_KEY: [&str; 14] = [
    "no such file",
    "permission denied",
    "is a directory",
    "no secret keys found",
    "no identities found",
    "unknown identity type",
    "malformed secret key",
    "cannot allocate memory",
    "connection refused",
    "could not connect",
    "can't connect",
    "could not resolve",
    "network is unreachable",
    "timed out",
];

/// What this host lacks for decrypting, as far as that shows without trying: the program, or a file that its arguments name.
pub(super) fn lacking(decrypt: &[String]) -> Option<String> {
    let Some((program, arguments)) = decrypt.split_first() else {
        return Some("it is not said what decrypts it (encryption.decrypt)".to_owned());
    };
    if find(program).is_none() {
        return Some(format!("`{program}`, which decrypts it, is not on this host"));
    }
    let unusable = |path: PathBuf| {
        let why = unusable(&path)?;
        Some(format!("{}, which decrypts it, {why}", path.display()))
    };
    files(arguments).into_iter().find_map(unusable)
}

/// Why it has judged nothing, where a program that failed has not.
pub(super) fn unjudged(decrypt: &[String], outcome: &Outcome) -> Option<String> {
    let (code, said) = match outcome {
        Outcome::Exited { code, stderr, .. } => (*code, stderr.text()),
        other => return finished(other.clone()).err(),
    };
    if let Some(why) = lacking(decrypt) {
        return Some(why);
    }
    let empty = files(decrypt)
        .into_iter()
        .find(|path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none()));
    if let Some(path) = empty {
        return Some(format!("{}, which decrypts it, holds nothing", path.display()));
    }
    let is_of_its_key = |line: &str| {
        let small = line.to_lowercase();
        OF_ITS_KEY.iter().any(|words| small.contains(words)) || is_of_this_host(line)
    };
    match said.lines().map(str::trim).find(|line| is_of_its_key(line)) {
        Some(line) => Some(line.to_owned()),
        None if NOT_RUN.contains(&code) || code > SIGNALLED => finished(outcome.clone()).err(),
        None => None,
    }
}

/// The files that arguments name by their whole path, alone or after a `=`, a `:` or an `@`. One whose first folder is not there
/// may be no file at all but the name of something in a store of keys.
pub(crate) fn files(arguments: &[String]) -> Vec<PathBuf> {
    let named = |word: &String| {
        let (_, path) = word.split_at(word.find('/')?);
        let before = word.strip_suffix(path)?;
        let alone = before.is_empty() || before.ends_with(['=', ':', '@']);
        let of_system = ["//", "/dev/", "/proc/"].iter().any(|begins| path.starts_with(begins));
        let path = PathBuf::from(path);
        let first = path.ancestors().filter(|above| above.parent().is_some()).last()?;
        let is_known = first == path || first.is_dir();
        (alone && !of_system && is_known && !word.contains(char::is_whitespace)).then_some(path)
    };
    arguments.iter().filter_map(named).collect()
}

/// Why nobody can read anything from it, if that is so. It is not opened: some wait for whoever writes to them.
pub(crate) fn unusable(path: &Path) -> Option<String> {
    let found = match std::fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some("is not on this host".to_owned());
        }
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    if let Err(error) = accessat(CWD, path, Access::READ_OK, AtFlags::EACCESS) {
        return Some(format!("cannot be read: {}", std::io::Error::from(error)));
    }
    (found.is_file() && found.len() == 0).then(|| "holds nothing".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::child::Captured;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    fn failed(code: i32, said: &str) -> Outcome {
        let stderr = Captured { bytes: said.into(), cut_short: false };
        Outcome::Exited { code, stdout: Captured::default(), stderr }
    }

    #[test]
    fn the_files_of_a_command_are_told_from_what_only_looks_like_one() {
        let files = |all: &[&str]| files(&words(all));
        let key = [PathBuf::from("/tmp/no/key")];
        for one in ["/tmp/no/key", "--identity=/tmp/no/key", "file:/tmp/no/key", "@/tmp/no/key"] {
            assert_eq!(files(&["-d", one, "-"]), key, "{one}");
        }
        assert_eq!(files(&["/nowhere.key"]), [PathBuf::from("/nowhere.key")]);
        for one in
            ["/no-such-store/prod/key", "https://kms/key", "/tmp/x -d < y", "s/a/b", "/dev/stdin"]
        {
            assert_eq!(files(&[one]), Vec::<PathBuf>::new(), "{one}");
        }
    }

    #[test]
    fn what_a_host_lacks_for_decrypting_says_nothing_about_a_backup() {
        let place = tempfile::tempdir().unwrap();
        let [full, empty, none] = ["full", "empty", "none"].map(|name| place.path().join(name));
        std::fs::write(&full, "AGE-SECRET-KEY-1").unwrap();
        std::fs::create_dir(&empty).unwrap();
        let with = |key: &Path| words(&["sh", "-d", "-i", &key.display().to_string()]);
        assert_eq!(lacking(&with(&full)), None);
        assert!(lacking(&with(&none)).is_some_and(|why| why.ends_with("is not on this host")));
        assert!(lacking(&[]).is_some() && lacking(&words(&["no-such-program"])).is_some());
        // A folder may be empty on purpose: it counts where the program has failed.
        assert_eq!(lacking(&with(&empty)), None);
        let other = failed(1, "age: error: no identity matched any of the recipients");
        assert!(unjudged(&with(&empty), &other).is_some());
        assert_eq!(unjudged(&with(&full), &other), None, "another key");
        for (code, said) in [
            (
                1,
                "age: error: reading \"x\": failed to open file: open x: no such file or directory",
            ),
            (1, "age: error: reading \"x\": failed to read \"x\": no secret keys found"),
            (2, "gpg: note\ngpg: can't connect to the agent: IPC connect call failed"),
            (1, "Can't open \"x\" for reading, No such file or directory"),
            (127, "sh: 1: age: not found"),
            (137, "Killed"),
        ] {
            assert!(unjudged(&with(&full), &failed(code, said)).is_some(), "{said}");
        }
        for (code, said) in [(1, "bad decrypt"), (1, ""), (2, "gpg: decryption failed: Bad data")] {
            assert_eq!(unjudged(&with(&full), &failed(code, said)), None, "{said}");
        }
        let late = Outcome::TimedOut { after: std::time::Duration::from_secs(1) };
        assert_eq!(unjudged(&with(&full), &late).as_deref(), Some("it took more than 1 s"));
    }
}
