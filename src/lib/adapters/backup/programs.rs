//! The programs of a PostgreSQL server on this host: where they are, of which version, and as whom they run.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::adapters::child::{Account, Captured, Outcome, Program};

/// Where Debian's packages put them, one folder for each version.
const USUAL: &str = "/usr/lib/postgresql";
/// What a restore needs.
const NEEDED: [&str; 3] = ["initdb", "postgres", "pg_restore"];
/// So much of a dump's table of contents is read.
const LIST_BYTES: usize = 32 * 1024 * 1024;
/// The account that comes with the server's package: the server does not run as root.
pub(super) const ACCOUNT: &str = "postgres";

/// The programs of a server.
#[derive(Clone, Debug)]
pub struct ServerPrograms {
    /// The folder of the settings, if they name one.
    configured: Option<PathBuf>,
}

impl ServerPrograms {
    /// Those in the folder of the settings; else the newest that the system's packages have put in their place.
    #[must_use]
    pub fn new(configured: Option<&str>) -> Self {
        Self { configured: configured.map(PathBuf::from) }
    }

    /// The folder that has all that a restore needs.
    ///
    /// # Errors
    ///
    /// A fragment that says where they were looked for.
    pub fn folder(&self) -> Result<PathBuf, String> {
        self.folder_with(&NEEDED)
    }

    fn folder_with(&self, names: &[&str]) -> Result<PathBuf, String> {
        let complete = |folder: &Path| names.iter().all(|name| folder.join(name).is_file());
        if let Some(folder) = &self.configured {
            let found = complete(folder).then(|| folder.clone());
            return found.ok_or_else(|| {
                format!("server binaries not found in {} (postgres.bin_dir)", folder.display())
            });
        }
        let versions = std::fs::read_dir(USUAL).into_iter().flatten().flatten();
        let version = |path: &PathBuf| -> Option<u32> {
            path.parent()?.file_name()?.to_str()?.split('.').next()?.parse().ok()
        };
        let folders = versions.map(|one| one.path().join("bin")).filter(|path| complete(path));
        folders.max_by_key(version).ok_or_else(|| {
            format!(
                "server binaries not found in {USUAL}; if they are elsewhere, set postgres.bin_dir"
            )
        })
    }

    /// The folder that has what makes a dump.
    ///
    /// # Errors
    ///
    /// A fragment that says where it was looked for.
    pub fn dump_folder(&self) -> Result<PathBuf, String> {
        self.folder().ok().filter(|folder| folder.join("pg_dump").is_file()).map_or_else(
            || {
                let absent = |why: String| why.replace("server binaries", "pg_dump");
                self.folder_with(&["pg_dump"]).map_err(absent)
            },
            Ok,
        )
    }

    /// One of them with its arguments, which is not run yet. Where a server is, its own is taken: what makes a dump should not
    /// be newer than what is to restore it. A host that has no server can have the clients alone.
    pub(super) fn program(&self, name: &str, arguments: &[&str]) -> Result<Program, String> {
        let of_server = self.folder().ok().filter(|folder| folder.join(name).is_file());
        let folder = of_server.map_or_else(|| self.folder_with(&[name]), Ok)?;
        let program = folder.join(name).display().to_string();
        let words = std::iter::once(program.as_str()).chain(arguments.iter().copied());
        Ok(Program::new(words).env("PGTZ", "UTC").env("LC_ALL", "C.UTF-8"))
    }

    /// The server's major version.
    pub(super) async fn major(&self) -> Result<u32, String> {
        let said = finished(self.program("postgres", &["--version"])?.run().await)?;
        let digits = said.rsplit(' ').find_map(|word| word.split('.').next()?.parse().ok());
        digits.ok_or_else(|| format!("postgres calls itself `{said}`"))
    }

    /// As whom a server runs that this process starts: as itself, but never as root.
    pub(super) fn account() -> Result<Option<Account>, String> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let of_line = |line: &str| -> Option<Account> {
            let mut fields = line.split(':');
            (fields.next()? == ACCOUNT).then_some(())?;
            Some(Account {
                user: fields.nth(1)?.parse().ok()?,
                group: fields.next()?.parse().ok()?,
            })
        };
        let found = users.lines().find_map(of_line);
        found.map(Some).ok_or_else(|| {
            format!("a server does not run as root, and this host has no user {ACCOUNT}")
        })
    }

    /// The table of contents of a dump, whole: `Ok(Err(…))` says what is wrong with it, `Err` that it could not be looked at.
    pub(super) async fn list(
        &self,
        file: &Path,
        time: Duration,
    ) -> Result<Result<String, String>, String> {
        let name = file.display().to_string();
        let list = self.program("pg_restore", &["--list", &name])?.limit_bytes(LIST_BYTES);
        let outcome = list.deadline(time).run().await;
        if matches!(&outcome, Outcome::Exited { stdout, .. } if stdout.cut_short) {
            return Err(format!("its table of contents has more than {LIST_BYTES} bytes"));
        }
        told(outcome, time)
    }

    /// Reads all of a dump: `Ok(Err(…))` says what is wrong with it, `Err` that it could not be looked at.
    pub(super) async fn dump(
        &self,
        file: &Path,
        time: Duration,
    ) -> Result<Result<(), String>, String> {
        let name = file.display().to_string();
        let listed = match self.list(file, time).await? {
            Err(why) => return Ok(Err(why)),
            Ok(listed) => listed,
        };
        let of_kind = |kind: &str| listed.lines().any(|line| line.contains(kind));
        if of_kind(" TABLE ") && !of_kind(" TABLE DATA ") {
            return Ok(Err("it holds tables and none of their rows".to_owned()));
        }
        if !of_kind(" TABLE ") {
            return Ok(Err("it holds no table".to_owned()));
        }
        let all = self.program("pg_restore", &["--file=/dev/null", &name])?;
        told(all.deadline(time).run().await, time).map(|read| read.map(drop))
    }
}

/// What a program printed that should have succeeded.
pub(super) fn finished(outcome: Outcome) -> Result<String, String> {
    match outcome {
        Outcome::Exited { code: 0, stdout, .. } => Ok(stdout.text().trim().to_owned()),
        Outcome::Exited { code, stderr, .. } => {
            Err(stderr.first_line().unwrap_or_else(|| format!("it ended with {code}")))
        }
        Outcome::Signalled { signal } => Err(format!("it was ended by signal {signal}")),
        Outcome::TimedOut { after } => Err(format!("it took more than {} s", after.as_secs())),
        Outcome::CouldNotStart { why } => Err(why),
    }
}

/// What a program says of a file: its complaint is about the file; what kept it from looking is not.
fn told(outcome: Outcome, time: Duration) -> Result<Result<String, String>, String> {
    match outcome {
        Outcome::Exited { code: 0, stdout, .. } => Ok(Ok(stdout.text())),
        Outcome::Exited { stderr, .. } => {
            let said = complaint(&stderr).unwrap_or_else(|| "it cannot be read".to_owned());
            if is_of_this_host(&said) { Err(said) } else { Ok(Err(said)) }
        }
        Outcome::TimedOut { .. } => Err(format!("it was not read within {} s", time.as_secs())),
        other => finished(other).map(Ok),
    }
}

/// What `pg_restore` complains of: warnings may come before it.
pub(super) fn complaint(stderr: &Captured) -> Option<String> {
    const ERROR: &str = "pg_restore: error: ";
    let text = stderr.text();
    let error = text.lines().find(|line| line.starts_with(ERROR));
    error.map(|line| line.replace(ERROR, "")).or_else(|| stderr.first_line())
}

/// What a program complains of that says nothing about the backup: its host lacks something. An extension, its library or what
/// has to be loaded before it; a locale, or a collation that a server makes of one; a dictionary; memory or room.
const OF_THIS_HOST: [&str; 19] = [
    "unsupported version",
    "not supported in this installation",
    "not supported in this build",
    "No space left",
    "could not open extension control file",
    "could not load library",
    "could not access file",
    "is not available",
    "loaded via shared_preload_libraries",
    "must be preloaded",
    "could not create locale",
    "could not open collator",
    "collation \"pg_catalog.",
    "/tsearch_data/",
    "user mapping not found",
    "server closed the connection",
    "could not connect",
    "out of memory",
    "out of shared memory",
];

/// Whether a complaint is about this host and not about the backup.
pub(super) fn is_of_this_host(complaint: &str) -> bool {
    OF_THIS_HOST.iter().any(|part| complaint.contains(part))
}

/// Gives a folder to the account that will write into it.
pub(super) fn give(folder: &Path, account: Option<Account>) -> Result<(), String> {
    let Some(account) = account else { return Ok(()) };
    let is_ours = std::fs::metadata(folder).is_ok_and(|found| found.uid() == account.user);
    if is_ours {
        return Ok(());
    }
    std::os::unix::fs::chown(folder, Some(account.user), Some(account.group))
        .map_err(|error| format!("{} cannot be given to a server: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_complaint_is_the_error_and_not_a_warning_before_it() {
        let said = |text: &str| complaint(&Captured { bytes: text.into(), cut_short: false });
        let text = "pg_restore: while PROCESSING TOC:\npg_restore: error: could not execute query: ERROR:  no\nDETAIL: x";
        assert_eq!(said(text).as_deref(), Some("could not execute query: ERROR:  no"));
        assert_eq!(said("\nKilled\n").as_deref(), Some("Killed"));
        assert_eq!(said(""), None);
    }

    #[test]
    fn what_a_host_lacks_is_told_from_what_a_dump_lacks() {
        for of_host in [
            "ERROR:  could not create locale \"xx_XX.utf8\": No such file or directory",
            "ERROR:  collation \"pg_catalog.xx_XX.utf8\" for encoding \"UTF8\" does not exist",
            "ERROR:  could not load library \"/usr/lib/postgresql/15/lib/x.so\": libx.so.3: cannot open",
            "ERROR:  could not access file \"$libdir/x\": No such file or directory",
            "ERROR:  ICU is not supported in this build",
            "ERROR:  x can only be loaded via shared_preload_libraries",
            "ERROR:  could not open stop-word file \"/usr/share/postgresql/15/tsearch_data/x.stop\": No",
        ] {
            assert!(is_of_this_host(of_host), "{of_host}");
        }
        for of_dump in [
            "ERROR:  relation \"public.few\" does not exist",
            "ERROR:  collation \"public.odd\" does not exist",
            "ERROR:  insert or update on table \"child\" violates foreign key constraint",
            "could not read from input file: end of file",
        ] {
            assert!(!is_of_this_host(of_dump), "{of_dump}");
        }
    }
}
