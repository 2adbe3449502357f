//! Where the first settings and the secrets are written, and the writing: everything is looked at before anything is touched.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use super::args::InitArgs;
use crate::adapters::private_file;
use crate::app::config::Secret;
use crate::app::paths::{LOCAL_FILE, SYSTEM_FILE};

/// Where the package has its folders.
const SYSTEM_FOLDERS: [&str; 2] = ["/var/lib/opswarden", "/var/log/opswarden"];
const SYSTEM_CREDENTIALS: &str = "/etc/opswarden/credentials";
/// Settings hold no secret, but for their owner to say otherwise.
const READABLE: u32 = 0o644;

/// How many old settings files may lie beside the new one.
const MOST_KEPT: u32 = 999;

/// The places of one call.
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) credentials: Option<PathBuf>,
    /// State and logs, where they do not lie beside the file.
    pub(super) folders: Option<[String; 2]>,
    replace: bool,
}

/// What was written.
pub(super) struct Written {
    pub(super) kept: Option<PathBuf>,
    pub(super) credentials: Vec<PathBuf>,
}

impl Place {
    /// # Errors
    ///
    /// Something is there already, and nobody said that it may be replaced.
    pub(super) fn of(args: &InitArgs) -> Result<Self, String> {
        let system = Path::new(SYSTEM_FILE);
        let has_folder = system.parent().is_some_and(Path::is_dir);
        let at_home = has_folder && rustix::process::geteuid().is_root();
        let default = if at_home { system } else { Path::new(LOCAL_FILE) };
        let file = args.out.clone().unwrap_or_else(|| default.to_owned());
        if !args.force && std::fs::symlink_metadata(&file).is_ok() {
            return Err(format!(
                "{} is there already and stays as it is; --force replaces it and keeps the old one beside it, --out \
                 names another file",
                file.display()
            ));
        }
        let is_system = file == system;
        let default = is_system.then(|| PathBuf::from(SYSTEM_CREDENTIALS));
        Ok(Self {
            credentials: args.credentials.clone().or(default),
            folders: is_system.then(|| SYSTEM_FOLDERS.map(str::to_owned)),
            replace: args.force,
            file,
        })
    }

    /// Writes the settings, and the secrets where there is a folder for them.
    ///
    /// # Errors
    ///
    /// What could not be written, and why. The settings are written last, whole or not at all.
    pub(super) fn write(
        &self,
        text: &str,
        secrets: &BTreeMap<String, Secret>,
    ) -> Result<Written, String> {
        let mut credentials = Vec::new();
        if let Some(folder) = self.credentials.as_deref().filter(|_| !secrets.is_empty()) {
            self.may_write(folder, secrets)?;
            let failed = |error: std::io::Error| {
                format!("failed to write credentials into {}: {error}", folder.display())
            };
            private_file::folder(folder).map_err(failed)?;
            for (name, secret) in secrets {
                let file = folder.join(name.to_lowercase());
                if self.replace && file.exists() {
                    std::fs::remove_file(&file).map_err(failed)?;
                }
                if !file.exists() {
                    private_file::write_new(&file, secret.expose().as_bytes()).map_err(failed)?;
                }
                credentials.push(file);
            }
        }
        let kept = self
            .settings(text)
            .map_err(|error| format!("failed to write {}: {error}", self.file.display()))?;
        Ok(Written { kept, credentials })
    }

    /// Another secret under the same name is somebody's, and stays.
    fn may_write(&self, folder: &Path, secrets: &BTreeMap<String, Secret>) -> Result<(), String> {
        for (name, secret) in secrets {
            let file = folder.join(name.to_lowercase());
            let other = std::fs::read_to_string(&file)
                .is_ok_and(|there| there.trim_end_matches('\n') != secret.expose());
            if other && !self.replace {
                return Err(format!(
                    "{} holds another value already and stays as it is; --force replaces it",
                    file.display()
                ));
            }
        }
        Ok(())
    }

    /// Writes the settings aside and puts them in their place; the file that was there is kept under another name, and
    /// its owner and mode are those of the new one.
    fn settings(&self, text: &str) -> std::io::Result<Option<PathBuf>> {
        let parent = self.file.parent().filter(|parent| !parent.as_os_str().is_empty());
        let mut new = tempfile::Builder::new()
            .prefix(".agents.toml-")
            .permissions(Permissions::from_mode(READABLE))
            .tempfile_in(parent.unwrap_or(Path::new(".")))?;
        new.write_all(text.as_bytes())?;
        new.as_file().sync_all()?;
        let Ok(old) = std::fs::metadata(&self.file) else {
            new.persist_noclobber(&self.file).map_err(|error| error.error)?;
            return Ok(None);
        };
        new.as_file().set_permissions(old.permissions())?;
        chown(new.path(), Some(old.uid()), Some(old.gid()))?;
        let kept = (1..=MOST_KEPT)
            .map(|number| PathBuf::from(format!("{}.before-{number}", self.file.display())))
            .find(|kept| std::fs::symlink_metadata(kept).is_err())
            .ok_or_else(|| std::io::Error::other("too many old files lie beside it"))?;
        std::fs::hard_link(&self.file, &kept)?;
        new.persist(&self.file).map_err(|error| error.error)?;
        Ok(Some(kept))
    }
}
