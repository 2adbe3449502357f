//! The sentences of messages, the same on every channel.

use std::time::Duration;

use jiff::Timestamp;

use crate::domain::incident::Resolution;
use crate::domain::moment;
use crate::domain::notice::{Ended, IncidentLine, Kind, Message};
use crate::render::time::largest_unit;

/// What is said where an earlier attempt may have arrived.
pub(super) const REPETITION: &str =
    "This may be a repetition: whether an earlier attempt arrived is not known.";

/// Where a message comes from.
pub(super) fn source(message: &Message) -> String {
    format!(
        "{}, {} · {:?} · {} · {}",
        message.environment.as_str(),
        message.host,
        message.priority,
        message.thread,
        moment::full(message.at)
    )
}

/// How a message about one incident begins.
pub(super) fn beginning(kind: Kind, line: &IncidentLine) -> String {
    if let Some(ended) = &line.ended {
        return end_in_short(ended.resolution).to_owned();
    }
    let severity = line.severity.as_str();
    match kind {
        Kind::Worse => format!("Worse, now {severity}"),
        Kind::News => format!("News, {severity}"),
        Kind::Reminder => format!("Still open, {severity}"),
        Kind::Unacknowledged => format!("Nobody is on it, {severity}"),
        Kind::Recovered => "Over".to_owned(),
        Kind::Opened
        | Kind::Status
        | Kind::Digest
        | Kind::Approval
        | Kind::Dashboard
        | Kind::Test => capitalised(severity),
    }
}

/// How a message about several incidents begins.
pub(super) const fn beginning_of_several(kind: Kind) -> &'static str {
    match kind {
        Kind::Worse => "became worse",
        Kind::News => "with news",
        Kind::Reminder => "still open",
        Kind::Unacknowledged => "that nobody is on",
        Kind::Recovered => "over",
        Kind::Opened
        | Kind::Status
        | Kind::Digest
        | Kind::Approval
        | Kind::Dashboard
        | Kind::Test => "open",
    }
}

/// The first letter large.
pub(super) fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

const fn end_in_short(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::AutoFixed => "Repaired",
        Resolution::Recovered => "Well again",
        Resolution::SubjectGone => "Gone",
        Resolution::CheckDisabled => "No longer checked",
        Resolution::Manual => "Ended by a person",
        Resolution::FalseAlarm => "False alarm",
    }
}

/// How an incident ended, in one sentence. What nobody looked at is not called well.
pub(super) const fn end_in_words(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::AutoFixed => "opswarden repaired it, and saw that it is well",
        Resolution::Recovered => "it is well again, without an act of opswarden",
        Resolution::SubjectGone => {
            "its subject no longer exists; whether it was repaired is not known"
        }
        Resolution::CheckDisabled => "its check was switched off; whether it is well is not known",
        Resolution::Manual => "a person ended it",
        Resolution::FalseAlarm => "a person called it a false alarm",
    }
}

/// Since when, and how long that is.
pub(super) fn since(from: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", moment::full(from), span(from, now))
}

/// From when to when, and how long that is.
pub(super) fn lasted(line: &IncidentLine, ended: &Ended) -> String {
    let how_long = span(line.opened_at, ended.at);
    format!("{how_long}, from {} to {}", moment::full(line.opened_at), moment::full(ended.at))
}

/// The time from one moment to another; none where they are the wrong way round.
pub(super) fn span(from: Timestamp, to: Timestamp) -> String {
    largest_unit(Duration::try_from(to.duration_since(from)).unwrap_or_default())
}

/// How bad an incident is, and was.
pub(super) fn severity(line: &IncidentLine) -> String {
    let now = line.severity.as_str();
    match line.was {
        Some(was) if was != line.severity => format!("{now}, was {}", was.as_str()),
        Some(_) | None => now.to_owned(),
    }
}

/// Whether a person is needed, and who is on it.
pub(super) fn person(line: &IncidentLine) -> String {
    let needed = match (line.escalated, line.alone) {
        (true, _) => "needed",
        (false, true) => "needed: no agent acts on it",
        (false, false) => "not needed yet",
    };
    match &line.acknowledged_by {
        Some(by) => format!("{needed}; {by} is on it"),
        None => needed.to_owned(),
    }
}

/// What was tried.
pub(super) fn tried(line: &IncidentLine) -> &str {
    line.tried.as_deref().unwrap_or("nothing")
}

/// Why no more is done, or what is waited for.
pub(super) fn why(line: &IncidentLine) -> &str {
    if line.why.is_empty() { "the next run looks again" } else { &line.why }
}

/// What [`why`] is called.
pub(super) const fn why_label(line: &IncidentLine) -> &'static str {
    if line.escalated || line.alone { "Why no more" } else { "What follows" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_nobody_looked_at_is_not_called_well() {
        for unseen in [Resolution::SubjectGone, Resolution::CheckDisabled] {
            assert!(end_in_words(unseen).contains("not known"));
        }
        assert!(end_in_words(Resolution::AutoFixed).contains("is well"));
    }

    #[test]
    fn a_span_of_the_wrong_way_round_is_none() {
        let at = |text: &str| text.parse().unwrap();
        let (early, late) = (at("2026-11-20T12:00:00Z"), at("2026-11-20T12:20:00Z"));
        assert_eq!((span(early, late), span(late, early)), ("20 min".to_owned(), "0 s".to_owned()));
    }
}
