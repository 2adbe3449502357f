//! A folder of log files, as whoever tends it sees it: names, sizes, times and who writes. Never what the logs say.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Everything that the upkeep of a set of logs depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogsLook {
    /// The logs, by name.
    pub files: Vec<LogFile>,
    /// The archives that we made of logs, by name.
    pub archives: Vec<Archive>,
    /// Why nothing here can be trimmed in place, where the file system is known not to have that.
    pub no_trim: Option<String>,
    /// Why nothing can be done here, if so: it cannot be written.
    pub closed: Option<String>,
    /// Why this is not all of it, if it is not.
    pub cut_short: Option<String>,
}

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFile {
    /// Its path below the folder.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When it was last written.
    pub written_at: Timestamp,
    /// Which file it is, whatever it is called: its device and number.
    pub node: String,
    /// Who has it open for writing.
    pub held: Held,
    /// Why nothing is done to such a file, if so.
    pub unfit: Option<String>,
    /// Whether an act of this run had no time for it, so that it waits for the next one.
    pub put_off: bool,
}

/// Who has a file open for writing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// Nobody.
    Free,
    /// Processes that only append: wherever the end is, there they write.
    Appended,
    /// Among others one that writes at a place of its own, which would leave a hole in a file that has become shorter.
    Placed {
        /// The program.
        by: String,
    },
    /// That cannot be seen from here.
    Unseen {
        /// Why.
        why: String,
    },
}

/// An archive of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archive {
    /// Its path below the folder of its tier.
    pub name: String,
    /// The path of the log that it was made of, below the folder.
    pub of: String,
    /// How tight it is.
    pub tier: Tier,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// When the log was last written.
    pub written_at: Timestamp,
    /// Whether an act of this run had no time for it, so that it waits for the next one.
    pub put_off: bool,
}

/// How tight an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Packed quickly.
    Warm,
    /// Packed as tight as the form allows.
    Cold,
}

impl Tier {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Warm, Self::Cold];

    /// The name of its folder.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}
