//! Probes: one bounded look at one address.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Pending;

/// What to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeRequest {
    /// `http://…`, `https://…` or `tcp://host:port`.
    pub url: String,
    /// Everything, connecting and body included, ends by then.
    pub deadline: Duration,
    /// The values wanted from a JSON body, as JSON pointers (`/data/status`).
    pub pointers: Vec<String>,
    /// Whether to follow one script and one style sheet that the page itself names.
    pub assets: bool,
}

/// What one look showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeReading {
    /// When the look began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// What came back.
    pub answer: ProbeAnswer,
}

/// What came back from one look.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProbeAnswer {
    /// A TCP connection was accepted; nothing was said.
    Connected,
    /// An HTTP answer whose body was read to its end, or to the limit.
    Http {
        /// The status code.
        status: u16,
        /// The wanted values that the body holds, as text; a pointer that found nothing is missing here.
        values: BTreeMap<String, String>,
        /// Whether the body was JSON at all.
        json: bool,
        /// The body's size as read.
        size_bytes: u64,
        /// Whether the body went on beyond the limit of 1 MiB.
        truncated: bool,
        /// What became of the page's assets; empty where none were asked for.
        assets: Vec<AssetReading>,
        /// What the page names, where assets were asked for.
        named: NamedAssets,
        /// The end of the server certificate's validity, for https.
        certificate_ends: Option<Timestamp>,
    },
    /// Nobody listens there.
    Refused,
    /// No whole answer before the deadline.
    TimedOut,
    /// Something listens there, and what it said is no whole answer.
    Failed {
        /// A fragment.
        why: String,
    },
    /// The way there fails: its name, or the network.
    NoWay {
        /// A fragment.
        why: String,
    },
    /// Its certificate is not believed.
    Untrusted {
        /// A fragment.
        why: String,
        /// When its validity ended, where that is why.
        ended: Option<Timestamp>,
    },
    /// The question could not be asked: the fault is ours, and nothing is said about the address.
    NotAsked {
        /// A fragment.
        why: String,
    },
}

/// Which assets a page names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamedAssets {
    /// None, or none was asked for.
    #[default]
    None,
    /// At least one of its own origin, which was followed.
    Own,
    /// Only such of other origins, which are not followed.
    Foreign,
}

/// One asset of a page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetReading {
    /// Its path, without query.
    pub path: String,
    /// Its status code, or `None` where no answer came.
    pub status: Option<u16>,
}

/// The sense that probes addresses.
pub trait Prober: Send + Sync {
    /// One look. Cannot fail: what went wrong is the reading.
    fn probe<'a>(&'a self, request: &'a ProbeRequest) -> Pending<'a, ProbeReading>;
}
