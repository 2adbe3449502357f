//! What a bot's message is called afterwards: `channel:ts`, or `channel:ts:line` for a line in the thread of `ts`.

use std::fmt;

use crate::ports::channel::Earlier;

/// A message of the bot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) channel: String,
    /// The message that begins the thread.
    pub(super) ts: String,
    /// The line in that thread, where it is one. Such a line is never edited: it tells what was true then.
    pub(super) line: Option<String>,
}

/// What an earlier message allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is edited, and its thread gets a line.
    Edit(Reference),
    /// Its thread gets a line.
    Continue(Reference),
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.channel, self.ts)?;
        self.line.as_ref().map_or(Ok(()), |line| write!(f, ":{line}"))
    }
}

impl Reference {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':').map(str::to_owned);
        let (channel, ts, line) = (parts.next()?, parts.next()?, parts.next());
        let whole = parts.next().is_none() && is_id(&channel) && is_ts(&ts);
        (whole && line.as_deref().is_none_or(is_ts)).then_some(Self { channel, ts, line })
    }

    /// The line `line` in the thread of this message.
    pub(super) fn with_line(&self, line: Option<String>) -> Self {
        Self { line, ..self.clone() }
    }
}

/// What can be done about `earlier` in `channel`; `None` where it is not ours to continue.
pub(super) fn place(earlier: &Earlier, channel: &str) -> Option<Place> {
    let reference = Reference::read(&earlier.reference)?;
    // A name cannot be compared with the id that Slack answers.
    if is_id(channel) && channel != reference.channel {
        return None;
    }
    Some(match (&reference.line, earlier.alone) {
        (None, true) => Place::Edit(reference),
        (None, false) | (Some(_), _) => Place::Continue(reference),
    })
}

fn is_id(text: &str) -> bool {
    const SHORTEST: usize = 3;
    text.len() >= SHORTEST
        && text.starts_with(['C', 'G', 'D', 'U'])
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

fn is_ts(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier(reference: &str, alone: bool) -> Earlier {
        Earlier { reference: reference.to_owned(), alone }
    }

    #[test]
    fn a_message_of_its_own_is_edited_and_everything_else_is_continued() {
        let whole = Reference { channel: "C123".into(), ts: "1.5".into(), line: None };
        let line = whole.with_line(Some("2.5".into()));
        assert_eq!(whole.to_string(), "C123:1.5");
        assert_eq!(line.to_string(), "C123:1.5:2.5");
        let own = place(&earlier("C123:1.5", true), "#ops");
        assert_eq!(own, Some(Place::Edit(whole.clone())));
        assert_eq!(place(&earlier("C123:1.5", false), "C123"), Some(Place::Continue(whole)));
        for alone in [true, false] {
            let found = place(&earlier("C123:1.5:2.5", alone), "C123");
            assert_eq!(found, Some(Place::Continue(line.clone())));
        }
    }

    #[test]
    fn a_message_elsewhere_or_of_another_kind_is_not_continued() {
        for text in ["", "C123", "C123:", "C123:1.5:", "C123:1.5:2.5:3", "<a@b.test>", "c123:1.5"] {
            assert_eq!(place(&earlier(text, true), "C123"), None, "{text}");
        }
        assert_eq!(place(&earlier("C999:1.5", true), "C123"), None);
    }
}
