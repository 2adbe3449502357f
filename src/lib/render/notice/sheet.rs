//! What a message says, in parts, before a channel gives them a form.
//!
//! Texts in here are raw: whoever writes one writes it through [`super::foreign`]. How many parts there can be is bounded
//! here; how long each may be is the channel's business.

use crate::domain::notice::Trend;
use crate::render::style::Tone;

/// A message in parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sheet {
    /// What it is, in one line.
    pub headline: String,
    /// How it feels.
    pub tone: Tone,
    /// The rest, in the order of reading.
    pub parts: Vec<Part>,
    /// Where it comes from, in one line.
    pub source: String,
}

impl Sheet {
    /// How much room each longer text has, where all of them together have `room` and none needs more than `most`.
    pub(super) fn share(&self, room: usize, most: usize) -> usize {
        let texts: usize = self.parts.iter().map(Part::texts).sum();
        (room / texts.max(1)).min(most)
    }
}

/// A part of a message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    /// A paragraph.
    Text(String),
    /// The name of what follows.
    Title(String),
    /// Short facts, which may stand side by side.
    Facts(Vec<Row>),
    /// Longer ones, one below the other.
    Rows(Vec<Row>),
    /// Lines of a list.
    List(Vec<String>),
    /// What to type.
    Calls(Vec<String>),
    /// Where to read on. Only [`super::address`] makes one.
    Link(Link),
    /// Counts by day.
    Trend(Vec<Trend>),
}

impl Part {
    /// How many longer texts it holds.
    const fn texts(&self) -> usize {
        match self {
            Self::Text(_) | Self::Title(_) => 1,
            Self::Rows(rows) => rows.len(),
            Self::List(lines) => lines.len(),
            Self::Facts(_) | Self::Calls(_) | Self::Link(_) | Self::Trend(_) => 0,
        }
    }
}

/// A fact with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// Its name.
    pub label: String,
    /// The fact.
    pub text: String,
}

/// A page on the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// What it is.
    pub label: String,
    /// Where it is: no character in it means anything to a channel.
    pub url: String,
}

/// A fact with its name.
pub(super) fn row(label: &str, text: impl Into<String>) -> Row {
    Row { label: label.to_owned(), text: text.into() }
}

/// `no finding`, `1 finding`, `3 findings`.
pub(super) fn counted(count: u64, one: &str) -> String {
    match count {
        0 => format!("no {one}"),
        1 => format!("1 {one}"),
        _ => format!("{count} {one}s"),
    }
}
