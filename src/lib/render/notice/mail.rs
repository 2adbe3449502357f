//! Messages as mail.
//!
//! A mail's id follows from the message's, so that a repetition is known for one; its thread's from what it is about, so
//! that all mails of one incident hang together. The first mail of a thread is not needed for that: every one of them
//! refers to the same id, which no mail has.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::foreign::{as_it_is, fit, units};
use super::{compose, html, plain};
use crate::domain::notice::Message;

/// What a list of mails shows of a subject, and some more.
const SUBJECT: usize = 120;
/// A longer left part of an id is written in short; the standard allows lines of 78 characters (RFC 5322, 2.1.1).
const LEFT: usize = 48;

/// One mail, but for its sender, its receivers and its date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject: one line.
    pub subject: String,
    /// The text part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// What stands before the `@` of its Message-ID.
    pub message_id_left: String,
    /// What stands before the `@` of the id that In-Reply-To and References name.
    pub references_left: String,
}

impl Mail {
    /// The value of Message-ID.
    #[must_use]
    pub fn message_id(&self, domain: &str) -> String {
        format!("<{}@{domain}>", self.message_id_left)
    }

    /// The value of In-Reply-To and of References.
    #[must_use]
    pub fn references(&self, domain: &str) -> String {
        format!("<{}@{domain}>", self.references_left)
    }
}

/// The message as a mail.
#[must_use]
pub fn mail(message: &Message) -> Mail {
    let sheet = compose::sheet(message);
    // Incidents are counted per ledger: another host has an `INC-12` of its own.
    let place = format!("{}.{}", message.environment.as_str(), message.host);
    Mail {
        subject: fit(&sheet.headline, SUBJECT, units, as_it_is),
        text: plain::text(&sheet),
        html: html::page(&sheet),
        message_id_left: left(&message.id),
        references_left: format!("{}.{}", left(&message.thread), left(&place)),
    }
}

/// `text` where it may stand before an `@`, else what follows from it and from nothing else.
fn left(text: &str) -> String {
    let is_atom = |part: &str| {
        !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if text.len() <= LEFT && text.split('.').all(is_atom) {
        return text.to_owned();
    }
    let mut written = String::new();
    for byte in Sha256::digest(text.as_bytes()).iter().take(16) {
        let _infallible = write!(written, "{byte:02x}");
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_where_it_may_stand_in_a_header_and_else_follows_from_the_text() {
        assert_eq!(
            left("019aa001-7b44-7000-8000-1f2e3d4c5b6a"),
            "019aa001-7b44-7000-8000-1f2e3d4c5b6a"
        );
        for odd in ["", "a b", "a@b", "a..b", ".a", "a>\r\nBcc: x@example.test", &"x".repeat(49)] {
            let written = left(odd);
            assert!(written.len() == 32 && written.chars().all(|c| c.is_ascii_hexdigit()), "{odd}");
            assert_eq!(written, left(odd));
        }
        assert_ne!(left("a b"), left("a  b"));
    }
}
