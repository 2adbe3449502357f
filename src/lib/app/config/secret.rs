//! Secrets: where they come from, and a type that never prints one.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use super::environ::Environ;
use super::notify::{ChannelSettings, secret_names};
use super::platform::{TenantSettings, account_names};
use crate::render::triggers::systemd::CREDENTIAL_PREFIX;

/// A text that is never printed: `***` in messages, in debug output and in files.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the one call that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// A name of the environment that is recognised.
#[derive(Clone, Debug)]
pub struct Recognised {
    /// The variable.
    pub name: Cow<'static, str>,
    /// Whether its value must never be seen in any output. Host and port of the mail server may.
    pub hidden: bool,
}

/// Every recognised name but the accounts of further tenants. Those that no agent uses yet are read all the same, so that a
/// mistake in them shows at once and so that their values never reach a log.
pub const RECOGNISED: [Recognised; 8] = [
    known("SMTP_HOST", false),
    known("SMTP_PORT", false),
    known("SMTP_USER", true),
    known("SMTP_PASS", true),
    known("OPS_ALERT_EMAIL", true),
    known("SLACK_WEBHOOK_URL", true),
    known("VALIDATOR_EMAIL", true),
    known("VALIDATOR_PASSWORD", true),
];

const fn known(name: &'static str, hidden: bool) -> Recognised {
    Recognised { name: Cow::Borrowed(name), hidden }
}

/// A recognised name with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The recognised name.
    pub name: String,
    /// What gave it: the variable, the file's variable, or the credentials folder.
    pub by: String,
    /// The value.
    pub value: Secret,
    /// Whether the value must never be seen.
    pub hidden: bool,
}

/// A secret that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Both forms are set, and nobody can tell which one is meant.
    #[error("{0} and {0}_FILE are both set; unset one of them")]
    Both(String),
    /// It is set and empty.
    #[error("{0} is empty; unset it, or give it a value")]
    Empty(String),
    /// Its file cannot be read.
    #[error("failed to read {file} for {name}")]
    Unreadable {
        /// What named the file.
        name: String,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The variable by which a service manager hands over a folder of secrets.
const HANDED_OVER: &str = "CREDENTIALS_DIRECTORY";
/// A secret's file may hold at most so many bytes: a key in text form is far smaller.
const LARGEST: u64 = 64 * 1024;

/// Where the files of secrets are: the folder that the service manager hands over; else the one called `credentials` beside the
/// settings, which whoever cannot read it does without.
#[must_use]
pub fn folder(environ: &Environ, settings: &Path) -> PathBuf {
    let beside = || {
        let settings = std::path::absolute(settings).unwrap_or_else(|_| settings.to_owned());
        settings.parent().unwrap_or(Path::new("/")).join("credentials")
    };
    environ.get(HANDED_OVER).map_or_else(beside, PathBuf::from)
}

/// Reads every recognised name, from `X`, from the file that `X_FILE` names, or from the file `x` in the [`folder`] of secrets;
/// then the accounts of these tenants, what these channels need, and the addresses of these pings.
pub(super) fn read_all(
    (environ, settings): (&Environ, &Path),
    tenants: &[TenantSettings],
    channels: &[ChannelSettings],
    pings: impl Iterator<Item = String>,
) -> (Vec<Given>, Vec<SecretError>) {
    let (mut given, mut errors) = (Vec::new(), Vec::new());
    let folder = folder(environ, settings);
    let of_tenant = |tenant: &TenantSettings| account_names(&tenant.name);
    let of_channels = channels.iter().flat_map(secret_names).chain(pings);
    let accounts = tenants
        .iter()
        .flat_map(of_tenant)
        .chain(of_channels)
        .map(|name| Recognised { name: name.into(), hidden: true });
    let is_new = |wanted: &Recognised| RECOGNISED.iter().all(|known| known.name != wanted.name);
    for wanted in RECOGNISED.into_iter().chain(accounts.filter(is_new)) {
        match read(&wanted, environ, &folder) {
            Ok(found) => given.extend(found),
            Err(error) => errors.push(error),
        }
    }
    (given, errors)
}

fn read(
    wanted: &Recognised,
    environ: &Environ,
    folder: &Path,
) -> Result<Option<Given>, SecretError> {
    let file_name = format!("{}_FILE", wanted.name);
    let (text, by) = match (environ.raw(&wanted.name), environ.raw(&file_name)) {
        (Some(_), Some(_)) => return Err(SecretError::Both(wanted.name.to_string())),
        (Some(value), None) => (value.to_owned(), wanted.name.to_string()),
        (None, Some("")) => return Err(SecretError::Empty(file_name)),
        (None, Some(file)) => (read_file(Path::new(file), &file_name)?, file_name),
        (None, None) => match credential(&wanted.name, folder)? {
            Some((text, file)) => (text, file.display().to_string()),
            None => return Ok(None),
        },
    };
    if text.is_empty() {
        return Err(SecretError::Empty(by));
    }
    let value = Secret::new(text);
    Ok(Some(Given { name: wanted.name.to_string(), by, value, hidden: wanted.hidden }))
}

fn credential(name: &str, folder: &Path) -> Result<Option<(String, PathBuf)>, SecretError> {
    // systemd hands over the files of a folder under the folder's name and their own.
    let names = ["", CREDENTIAL_PREFIX].into_iter().flat_map(|prefix| {
        [name.to_lowercase(), name.to_owned()].map(|name| format!("{prefix}{name}"))
    });
    let found = names.map(|name| folder.join(name)).find(|file| file.exists());
    let text = |file: PathBuf| Ok((read_file(&file, name)?, file));
    found.map(text).transpose()
}

fn read_file(file: &Path, name: &str) -> Result<String, SecretError> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(LARGEST).read_to_string(&mut text))
        .map_err(|source| SecretError::Unreadable {
            name: name.to_owned(),
            file: file.to_owned(),
            source,
        })?;
    // Editors end a file with a newline that is no part of the secret.
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars_everywhere() {
        let secret = Secret::new("hunter2".to_owned());
        let shown = format!("{secret} {secret:?} {}", serde_json::to_string(&secret).unwrap());
        assert_eq!(shown, "*** *** \"***\"");
        assert_eq!(secret.expose(), "hunter2");
    }

    #[test]
    fn a_secret_comes_from_the_variable_its_file_or_the_credentials() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("smtp_pass");
        std::fs::write(&file, "from-file\n").unwrap();
        let value = |environ: &Environ| {
            let nowhere = Path::new("/nowhere/agents.toml");
            let (given, errors) = read_all((environ, nowhere), &[], &[], std::iter::empty());
            assert!(errors.is_empty(), "{errors:?}");
            given.iter().map(|found| found.value.expose().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(value(&Environ::of([("SMTP_PASS", "direct")])), ["direct"]);
        let named = file.to_str().unwrap();
        assert_eq!(value(&Environ::of([("SMTP_PASS_FILE", named)])), ["from-file"]);
        let handed = folder.path().to_str().unwrap();
        assert_eq!(value(&Environ::of([("CREDENTIALS_DIRECTORY", handed)])), ["from-file"]);
        std::fs::rename(&file, folder.path().join("opswarden_SMTP_PASS")).unwrap();
        assert_eq!(value(&Environ::of([("CREDENTIALS_DIRECTORY", handed)])), ["from-file"]);
        assert!(value(&Environ::default()).is_empty());
    }

    #[test]
    fn the_folder_beside_the_settings_is_read_where_nothing_is_handed_over() {
        let folder = tempfile::tempdir().unwrap();
        let beside = folder.path().join("credentials");
        std::fs::create_dir(&beside).unwrap();
        std::fs::write(beside.join("smtp_pass"), "from-beside\n").unwrap();
        let settings = folder.path().join("agents.toml");
        let value = |variables: &[(&str, &str)]| {
            let environ = Environ::of(variables.iter().copied());
            let (given, errors) = read_all((&environ, &settings), &[], &[], std::iter::empty());
            assert!(errors.is_empty(), "{errors:?}");
            given.first().map(|found| found.value.expose().to_owned())
        };
        assert_eq!(value(&[]).as_deref(), Some("from-beside"));
        assert_eq!(value(&[("SMTP_PASS", "direct")]).as_deref(), Some("direct"));
        let other = folder.path().to_str().unwrap();
        assert_eq!(value(&[("CREDENTIALS_DIRECTORY", other)]), None, "what is handed over counts");
    }

    #[test]
    fn both_forms_an_empty_value_and_a_missing_file_are_errors() {
        let message = |variables: &[(&str, &str)]| {
            let environ = Environ::of(variables.iter().copied());
            let nowhere = Path::new("/nowhere/agents.toml");
            let (_, errors) = read_all((&environ, nowhere), &[], &[], std::iter::empty());
            assert_eq!(errors.len(), 1, "{errors:?}");
            errors[0].to_string()
        };
        assert!(message(&[("SMTP_PASS", "a"), ("SMTP_PASS_FILE", "/b")]).contains("both set"));
        assert!(message(&[("SMTP_PASS", "")]).contains("SMTP_PASS is empty"));
        assert!(message(&[("SMTP_PASS_FILE", "")]).contains("SMTP_PASS_FILE is empty"));
        assert!(message(&[("SMTP_PASS_FILE", "/nowhere/x")]).contains("failed to read /nowhere/x"));
    }
}
