//! What can be well or ill, and the key under which a finding about it is known.
//!
//! A subject is `kind:scope/id`, for example `service:host-a/web`. The scope is the host for everything
//! that lives on one machine, so that the same name on two hosts is two subjects. A key is
//! `agent/check/subject` and is stable for the life of the subject: it never holds a pid or another
//! number that a restart would change.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kinds of subject that checks ask about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectKind {
    /// A service as its users see it, through probes.
    Service,
    /// A process as its process manager sees it.
    Process,
    /// A process manager itself.
    Manager,
    /// A machine.
    Host,
    /// A mounted file system.
    Disk,
    /// The host's own way out to the network.
    Uplink,
    /// One of opswarden's own agents.
    Agent,
    /// opswarden's own ledger.
    Ledger,
    /// A display of the platform; its scope is the tenant, as for every row of the platform.
    Display,
    /// A place where displays hang.
    Location,
    /// A piece of content.
    Content,
    /// A schedule, or two of them that meet.
    Schedule,
    /// A tenant of the platform as a whole.
    Tenant,
    /// A way to people.
    Channel,
    /// A database.
    Database,
    /// The backups of something.
    Backup,
    /// A table of a database.
    Table,
    /// An index of a database.
    Index,
    /// A bucket of an object storage.
    Bucket,
    /// Everything that a Redis server holds.
    Keyspace,
    /// A set of log files.
    Logs,
    /// A log file.
    Log,
}

impl SubjectKind {
    /// Every kind, in order.
    pub const ALL: [Self; 22] = [
        Self::Service,
        Self::Process,
        Self::Manager,
        Self::Host,
        Self::Disk,
        Self::Uplink,
        Self::Agent,
        Self::Ledger,
        Self::Display,
        Self::Location,
        Self::Content,
        Self::Schedule,
        Self::Tenant,
        Self::Channel,
        Self::Database,
        Self::Backup,
        Self::Table,
        Self::Index,
        Self::Bucket,
        Self::Keyspace,
        Self::Logs,
        Self::Log,
    ];

    /// The word used in keys and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Process => "process",
            Self::Manager => "manager",
            Self::Host => "host",
            Self::Disk => "disk",
            Self::Uplink => "uplink",
            Self::Agent => "agent",
            Self::Ledger => "ledger",
            Self::Display => "display",
            Self::Location => "location",
            Self::Content => "content",
            Self::Schedule => "schedule",
            Self::Tenant => "tenant",
            Self::Channel => "channel",
            Self::Database => "database",
            Self::Backup => "backup",
            Self::Table => "table",
            Self::Index => "index",
            Self::Bucket => "bucket",
            Self::Keyspace => "keyspace",
            Self::Logs => "logs",
            Self::Log => "log",
        }
    }
}

/// A text that is not a subject, an agent name, a check id or a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {expected}")]
pub struct NotAName {
    text: String,
    expected: &'static str,
}

impl NotAName {
    fn new(text: &str, expected: &'static str) -> Self {
        Self { text: text.to_owned(), expected }
    }
}

/// What can be well or ill: `kind:scope/id`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z]+:[^/:]*/.+$"))]
pub struct Subject {
    kind: SubjectKind,
    scope: String,
    id: String,
}

impl Subject {
    /// A subject of `kind` named `id` inside `scope`. A slash in the scope would make the text form
    /// ambiguous and is written as `_`.
    #[must_use]
    pub fn new(kind: SubjectKind, scope: &str, id: &str) -> Self {
        Self { kind, scope: scope.replace(['/', ':'], "_"), id: id.to_owned() }
    }

    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The scope: the host name for everything this host owns.
    #[must_use]
    pub fn scope(&self) -> &str {
        &self.scope
    }

    /// The name inside the scope.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The short form without the scope, for readers on a single host: `service:web`.
    #[must_use]
    pub fn short(&self) -> String {
        format!("{}:{}", self.kind.as_str(), self.id)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}/{}", self.kind.as_str(), self.scope, self.id)
    }
}

impl FromStr for Subject {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let wrong = || NotAName::new(text, "a subject of the form kind:scope/id");
        let (kind, rest) = text.split_once(':').ok_or_else(wrong)?;
        let (scope, id) = rest.split_once('/').ok_or_else(wrong)?;
        let kind =
            SubjectKind::ALL.into_iter().find(|known| known.as_str() == kind).ok_or_else(wrong)?;
        if id.is_empty() {
            return Err(wrong());
        }
        Ok(Self::new(kind, scope, id))
    }
}

impl TryFrom<String> for Subject {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// The name of an agent, in kebab-case: `health-guardian`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z0-9-]+$"))]
pub struct AgentName(Cow<'static, str>);

/// The name of a check, in snake case: `process_down`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z0-9_]+$"))]
pub struct CheckId(Cow<'static, str>);

macro_rules! name {
    ($type:ident, $expected:literal, $extra:literal) => {
        impl $type {
            /// A name that is written in the code.
            #[must_use]
            pub const fn of(name: &'static str) -> Self {
                Self(Cow::Borrowed(name))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NotAName;

            fn try_from(text: String) -> Result<Self, NotAName> {
                let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == $extra;
                if text.is_empty() || !text.chars().all(good) {
                    return Err(NotAName::new(&text, $expected));
                }
                Ok(Self(Cow::Owned(text)))
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0.into_owned()
            }
        }
    };
}

name!(AgentName, "an agent name in kebab-case", '-');

impl AgentName {
    /// The owner of findings about opswarden itself, which every agent may raise and resolve.
    pub const HOUSE: Self = Self::of("opswarden");
}
name!(CheckId, "a check id in snake_case", '_');

/// The name under which a finding lives: `agent/check/subject`.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String", extend("pattern" = r"^[a-z0-9-]+/[a-z0-9_]+/[a-z]+:[^/:]*/.+$"))]
pub struct Key {
    /// The one agent that owns the finding.
    pub agent: AgentName,
    /// The check that asks.
    pub check: CheckId,
    /// The subject that it asks about.
    pub subject: Subject,
}

impl Key {
    /// The key of `check` on `subject`, owned by `agent`.
    #[must_use]
    pub const fn new(agent: AgentName, check: CheckId, subject: Subject) -> Self {
        Self { agent, check, subject }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.agent, self.check, self.subject)
    }
}

impl FromStr for Key {
    type Err = NotAName;

    fn from_str(text: &str) -> Result<Self, NotAName> {
        let wrong = || NotAName::new(text, "a key of the form agent/check/kind:scope/id");
        let (agent, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (check, subject) = rest.split_once('/').ok_or_else(wrong)?;
        Ok(Self {
            agent: AgentName::try_from(agent.to_owned())?,
            check: CheckId::try_from(check.to_owned())?,
            subject: subject.parse()?,
        })
    }
}

impl TryFrom<String> for Key {
    type Error = NotAName;

    fn try_from(text: String) -> Result<Self, NotAName> {
        text.parse()
    }
}

impl From<Key> for String {
    fn from(key: Key) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_survives_its_text_form() {
        let subject = Subject::new(SubjectKind::Process, "host-a", "pm2:web#1");
        let key = Key::new(AgentName::of("health-guardian"), CheckId::of("process_down"), subject);
        assert_eq!(key.to_string(), "health-guardian/process_down/process:host-a/pm2:web#1");
        assert_eq!(key.to_string().parse::<Key>(), Ok(key));
    }

    #[test]
    fn a_scope_cannot_forge_another_subject() {
        let subject = Subject::new(SubjectKind::Disk, "a/b:c", "/var");
        assert_eq!(subject.to_string(), "disk:a_b_c//var");
        assert_eq!(subject.to_string().parse::<Subject>(), Ok(subject));
    }

    #[test]
    fn nonsense_is_refused_with_what_was_expected() {
        for text in ["", "x", "service:a", "planet:a/b", "service:a/"] {
            let error = text.parse::<Subject>().unwrap_err().to_string();
            assert!(error.contains("kind:scope/id"), "{text}: {error}");
        }
    }
}
