//! Who may read and write what agents rest on.

use std::collections::BTreeSet;
use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use super::row::{Grade, Row};
use crate::app::config::{Config, Environ, secret};

const GROUP_WRITES: u32 = 0o020;
const OTHERS_WRITE: u32 = 0o002;
const OTHERS_READ: u32 = 0o004;
/// In a folder with this mark, only its owner moves a file away.
const STICKY: u32 = 0o1000;

/// The settings, the secrets' files, and the state folder.
pub(super) fn permissions(config: &Config, environ: &Environ) -> Vec<Row> {
    let mut rows = vec![settings(&config.file)];
    rows.extend(secret_files(environ, &config.file).iter().filter_map(|file| secret(file)));
    rows.extend(state(&config.paths.state));
    rows
}

fn mode(about: &Metadata) -> u32 {
    about.permissions().mode()
}

/// Whoever writes the settings chooses what is restarted, by which command.
fn settings(file: &Path) -> Row {
    let about = "settings file".to_owned();
    let shown = file.display();
    let Ok(found) = std::fs::metadata(file) else {
        return (Grade::Partial, about, format!("{shown} cannot be looked at"));
    };
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = std::fs::metadata(folder.unwrap_or(Path::new("."))).ok();
    let replaceable =
        folder.is_some_and(|folder| mode(&folder) & (OTHERS_WRITE | STICKY) == OTHERS_WRITE);
    if mode(&found) & OTHERS_WRITE != 0 {
        let why = format!("{shown} can be changed by everybody: chmod o-w {shown}");
        return (Grade::Blocked, about, why);
    }
    if replaceable {
        let why = format!("{shown} can be replaced by everybody: its folder is open to all");
        return (Grade::Blocked, about, why);
    }
    if mode(&found) & GROUP_WRITES != 0 && found.gid() != 0 {
        let why = format!("{shown} can be changed by its whole group");
        return (Grade::Partial, about, why);
    }
    let own = rustix::process::geteuid().as_raw();
    if found.uid() != 0 && found.uid() != own {
        let why =
            format!("{shown} belongs to the user {}, neither root nor this user", found.uid());
        return (Grade::Partial, about, why);
    }
    (Grade::Ok, about, format!("{shown} is written by its owner only"))
}

/// The files that secrets come from: those that variables name, and those of their folder.
fn secret_files(environ: &Environ, settings: &Path) -> BTreeSet<PathBuf> {
    let named = environ.files_of_secrets().map(PathBuf::from);
    let entries = std::fs::read_dir(secret::folder(environ, settings)).ok();
    let others = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    named.chain(others).collect()
}

fn secret(file: &Path) -> Option<Row> {
    let found = std::fs::metadata(file).ok()?;
    let about = format!("secret file {}", file.display());
    let mode = mode(&found);
    Some(if mode & (OTHERS_READ | OTHERS_WRITE) != 0 {
        let why = format!("everybody may read or change it: chmod o-rwx {}", file.display());
        (Grade::Blocked, about, why)
    } else {
        (Grade::Ok, about, "is closed to others".to_owned())
    })
}

/// What lies in the state folder and belongs to somebody else cannot be used by whoever works there.
fn state(folder: &Path) -> Option<Row> {
    let about = "state owner".to_owned();
    let owner = std::fs::metadata(folder).ok()?;
    if mode(&owner) & OTHERS_WRITE != 0 {
        let why = format!("{} can be written by everybody", folder.display());
        return Some((Grade::Blocked, about, why));
    }
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let foreign =
        entries.filter(|entry| entry.metadata().is_ok_and(|entry| entry.uid() != owner.uid()));
    let names: Vec<String> =
        foreign.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    Some(if names.is_empty() {
        (Grade::Ok, about, format!("all of {} belongs to one user", folder.display()))
    } else {
        let why = format!(
            "{} belong to another user than {}: chown -R {}:{} {}",
            names.join(", "),
            folder.display(),
            owner.uid(),
            owner.gid(),
            folder.display()
        );
        (Grade::Blocked, about, why)
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    fn with_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn settings_that_others_may_change_are_no_settings() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("agents.toml");
        std::fs::write(&file, "").unwrap();
        for (mode, grade) in [(0o644, Grade::Ok), (0o640, Grade::Ok), (0o666, Grade::Blocked)] {
            with_mode(&file, mode);
            assert_eq!(settings(&file).0, grade, "{mode:o}");
        }
        with_mode(&file, 0o600);
        with_mode(folder.path(), 0o777);
        assert_eq!(settings(&file).0, Grade::Blocked, "the folder is open");
        with_mode(folder.path(), 0o1777);
        assert_eq!(settings(&file).0, Grade::Ok, "as in /tmp");
    }

    #[test]
    fn a_secret_that_others_may_read_is_found_however_it_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let [by_variable, handed] =
            ["hook", "credentials/smtp_pass"].map(|name| folder.path().join(name));
        std::fs::create_dir(handed.parent().unwrap()).unwrap();
        for file in [&by_variable, &handed] {
            std::fs::write(file, "x").unwrap();
            with_mode(file, 0o604);
        }
        let environ = Environ::of([
            ("SLACK_WEBHOOK_URL_FILE", by_variable.to_str().unwrap()),
            ("CREDENTIALS_DIRECTORY", handed.parent().unwrap().to_str().unwrap()),
            ("OTHER_FILE", "/etc/passwd"),
        ]);
        let graded = || -> Vec<Grade> {
            let settings = Path::new("/nowhere/agents.toml");
            secret_files(&environ, settings)
                .iter()
                .filter_map(|file| secret(file))
                .map(|row| row.0)
                .collect()
        };
        assert_eq!(graded(), [Grade::Blocked, Grade::Blocked]);
        with_mode(&by_variable, 0o640);
        with_mode(&handed, 0o600);
        assert_eq!(graded(), [Grade::Ok, Grade::Ok]);
    }

    #[test]
    fn a_state_folder_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ops.db"), "").unwrap();
        assert_eq!(state(folder.path()).map(|row| row.0), Some(Grade::Ok));
        assert_eq!(state(&folder.path().join("nowhere")), None);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(folder.path().join("ops.db"), Some(65_534), None).unwrap();
            let (grade, _, why) = state(folder.path()).unwrap();
            assert!(grade == Grade::Blocked && why.starts_with("ops.db belong"), "{why}");
        }
        with_mode(folder.path(), 0o777);
        assert_eq!(state(folder.path()).map(|row| row.0), Some(Grade::Blocked));
    }
}
