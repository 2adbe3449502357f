//! The environment, read once into a plain map, with the host's name and the time. The one place that asks the
//! operating system for it.
#![expect(clippy::disallowed_methods, reason = "this is the one reader of the environment")]

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::adapters::system_clock::SystemClock;
use crate::ports::clock::Clock as _;

/// The environment of a process, the name of its host, and when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environ {
    variables: BTreeMap<String, String>,
    host: String,
    now: Option<Timestamp>,
}

impl Environ {
    /// The environment of this process. A variable that is not UTF-8 is none of ours and is left out.
    #[must_use]
    pub fn read() -> Self {
        let variables = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Self { variables, host, now: Some(SystemClock::new().now()) }
    }

    /// An environment of exactly these variables, on a host called `localhost`, at no time.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            variables: variables.into_iter().map(owned).collect(),
            host: "localhost".to_owned(),
            now: None,
        }
    }

    /// The same environment, read at `now`.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        Self { now: Some(now), ..self }
    }

    /// The same environment, in which `name` has this value, whatever gave it one before.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.remove(&format!("{name}_FILE"));
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The value of `name`; an empty value counts as unset, as usual for paths and switches.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The value of `name`, empty or not.
    #[must_use]
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// The files that variables of secrets name.
    pub fn files_of_secrets(&self) -> impl Iterator<Item = &str> {
        let is_ours = |name: &str| {
            let of = name.strip_suffix("_FILE");
            let known = [
                "SMTP_",
                "OPS_ALERT_",
                "SLACK_",
                "WEBHOOK_",
                "VALIDATOR_",
                "PING_URL_",
                "DATABASE_URL",
                "REDIS_URL",
                "S3_",
            ];
            of.is_some_and(|of| known.iter().any(|begins| of.starts_with(begins)))
        };
        let named = self.variables.iter().filter(move |(name, _)| is_ours(name));
        named.map(|(_, file)| file.as_str()).filter(|file| !file.is_empty())
    }

    /// The system's name for this host.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// When it was read: what settings say of the coming year is judged from there, and not at all without it.
    #[must_use]
    pub const fn now(&self) -> Option<Timestamp> {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_unset_but_can_be_told_apart() {
        let environ = Environ::of([("A", ""), ("B", "x")]);
        assert_eq!((environ.get("A"), environ.raw("A")), (None, Some("")));
        assert_eq!(environ.get("B"), Some("x"));
    }

    #[test]
    fn the_real_environment_has_a_path_and_a_host() {
        let environ = Environ::read();
        assert!(environ.get("PATH").is_some());
        assert!(!environ.host().is_empty());
    }
}
