//! The letter: headers, a body in text and in HTML, and nothing that a stranger's words could add to its headers.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};

use crate::adapters::channel::forms::Mail;
use crate::ports::channel::Earlier;

/// RFC 5322 allows lines of 998 bytes; an id is one word and cannot be folded.
const ID_BYTES: usize = 250;
/// Of a longer history the first and the last are named, as RFC 5537 advises.
const MOST_REFERENCES: usize = 20;
/// Both bodies together. Many mail servers take 10 MB, and no person reads a tenth of this.
const BODY_BYTES: usize = 1024 * 1024;
/// What readers show of a subject is shorter.
const SUBJECT_CHARS: usize = 500;

/// A letter as it is sent.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) bytes: Vec<u8>,
    /// Its id, in angle brackets.
    pub(super) id: String,
}

/// Reads `ops@example.test` or `Operations <ops@example.test>`.
pub(super) fn mailbox(text: &str) -> Result<Mailbox, String> {
    let mailbox: Mailbox = text.trim().parse().map_err(|_| "is no address of mail".to_owned())?;
    if text.chars().any(char::is_control) {
        return Err("has a control character in its address".to_owned());
    }
    if !mailbox.email.to_string().is_ascii() {
        return Err(
            "has letters beyond ASCII in its address, which not every server takes".to_owned()
        );
    }
    Ok(mailbox)
}

/// Writes the letter. `earlier` is the mail that it answers to, besides those that the form names.
pub(super) fn compose(
    mail: &Mail,
    from: &Mailbox,
    to: &[Mailbox],
    at: Timestamp,
    earlier: Option<&Earlier>,
) -> Result<Letter, String> {
    let id = id(&mail.message_id).ok_or("the form gives the mail no usable id")?;
    if mail.text.len() + mail.html.len() > BODY_BYTES {
        return Err(format!("the mail is larger than {} KiB", BODY_BYTES / 1024));
    }
    let references = references(mail, &id, earlier);
    let mut builder = lettre::Message::builder()
        .from(from.clone())
        .subject(subject(&mail.subject))
        .date(moment(at))
        .message_id(Some(id.clone()))
        .raw_header(raw("Auto-Submitted", "auto-generated"))
        .raw_header(raw("X-Auto-Response-Suppress", "All"));
    for mailbox in to {
        builder = builder.to(mailbox.clone());
    }
    if let Some(last) = references.last() {
        builder = builder.in_reply_to(last.clone()).references(references.join(" "));
    }
    let body = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    let letter = builder.multipart(body).map_err(|_| "the mail cannot be written".to_owned())?;
    Ok(Letter { bytes: letter.formatted(), id })
}

fn raw(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

fn moment(at: Timestamp) -> SystemTime {
    let seconds = u64::try_from(at.as_second()).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// One line. A word that looks encoded would be decoded by its reader, into whatever a stranger wanted.
fn subject(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    line.replace("=?", "= ?").trim().chars().take(SUBJECT_CHARS).collect()
}

/// An id in angle brackets, or `None` where nothing of it can stand there.
fn id(text: &str) -> Option<String> {
    let inner: String = text
        .chars()
        .filter(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '(' | ')' | '"'))
        .collect();
    (inner.contains('@') && inner.len() <= ID_BYTES).then(|| format!("<{inner}>"))
}

/// The mails that this one continues, oldest first, each once, itself left out.
fn references(mail: &Mail, own: &str, earlier: Option<&Earlier>) -> Vec<String> {
    let named = mail.references.iter().map(String::as_str);
    let mut found: Vec<String> = Vec::new();
    for id in named.chain(earlier.map(|earlier| earlier.reference.as_str())).filter_map(id) {
        if id != own && !found.contains(&id) {
            found.push(id);
        }
    }
    if found.len() > MOST_REFERENCES {
        found.drain(1..=found.len() - MOST_REFERENCES);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            subject: "INC-1 web is down".into(),
            text: "down".into(),
            html: "<p>down</p>".into(),
            message_id: "INC-1.2@ops.example.test".into(),
            references: vec!["<INC-1.1@ops.example.test>".into()],
        }
    }

    fn written(mail: &Mail, earlier: Option<&Earlier>) -> String {
        let from = mailbox("Ops <ops@example.test>").unwrap();
        let to = [mailbox("people@example.test").unwrap()];
        let letter = compose(mail, &from, &to, Timestamp::UNIX_EPOCH, earlier).unwrap();
        String::from_utf8(letter.bytes).unwrap()
    }

    fn head(text: &str) -> Vec<&str> {
        text.split_once("\r\n\r\n").unwrap().0.split("\r\n").collect()
    }

    #[test]
    fn a_mail_names_itself_and_what_it_answers_to_and_says_that_no_person_wrote_it() {
        let earlier = Earlier { reference: "<INC-1.0@ops.example.test>".into(), alone: true };
        let text = written(&mail(), Some(&earlier));
        for line in [
            "From: Ops <ops@example.test>",
            "To: people@example.test",
            "Subject: INC-1 web is down",
            "Message-ID: <INC-1.2@ops.example.test>",
            "In-Reply-To: <INC-1.0@ops.example.test>",
            "Auto-Submitted: auto-generated",
            "X-Auto-Response-Suppress: All",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000",
        ] {
            assert!(head(&text).contains(&line), "{line} in {text}");
        }
        assert!(text.contains("References: <INC-1.1@ops.example.test>"), "{text}");
    }

    #[test]
    fn words_of_strangers_add_no_header() {
        let evil = "x\r\nBcc: thief@example.test\r\n\r\nbody\u{85}\u{2028}\0";
        let mail = Mail {
            subject: evil.into(),
            message_id: format!("{evil}@example.test"),
            references: vec![format!("a@b.test>{evil}"), evil.into()],
            ..mail()
        };
        let earlier = Earlier { reference: evil.into(), alone: true };
        let text = written(&mail, Some(&earlier));
        let names: Vec<&str> = head(&text)
            .into_iter()
            .filter(|line| !line.starts_with(' '))
            .map(|line| line.split_once(':').unwrap().0)
            .collect();
        assert!(!names.contains(&"Bcc"), "{text}");
        assert_eq!(names.iter().filter(|name| **name == "Subject").count(), 1);
        for text in [
            "ops@example.test\r\nBcc: x@y.test",
            "x\n<ops@example.test>",
            "",
            "nobody",
            "ä@example.test",
        ] {
            assert!(mailbox(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_long_history_keeps_its_beginning_and_its_end() {
        let ids = (0..100).map(|n| format!("{n}@example.test"));
        let mail = Mail { references: ids.collect(), ..mail() };
        let found = references(&mail, "<x@y.test>", None);
        assert_eq!(found.len(), MOST_REFERENCES);
        assert_eq!(
            (found[0].as_str(), found[1].as_str()),
            ("<0@example.test>", "<81@example.test>")
        );
        assert_eq!(found.last().map(String::as_str), Some("<99@example.test>"));
    }

    #[test]
    fn a_mail_without_a_usable_id_is_not_sent() {
        for text in ["", "<>", "no-at-sign", &format!("{}@x.test", "x".repeat(300))] {
            assert_eq!(id(text), None, "{text}");
        }
    }
}
