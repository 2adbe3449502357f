//! One answer: its status, what its headers tell, and a body that is never read without a bound.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Response;
use reqwest::header::{CONTENT_LENGTH, DATE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED, SERVER};
use tokio::time::{Instant, timeout_at};

use super::error::{Refusal, S3Error, of_http};

/// A page of 1000 keys of 1024 bytes, each of them written as three, is well below.
const BODY_BYTES: usize = 8 * 1024 * 1024;
/// A longer code is none.
const CODE_CHARS: usize = 64;
/// What is said where the time is over.
pub(super) const LATE: &str = "no whole answer came in time";

/// One answer that was read to its end.
pub(super) struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
    ahead_minutes: Option<i64>,
}

impl Answer {
    /// Reads an answer to its end.
    pub(super) async fn read(
        mut response: Response,
        now: Timestamp,
        end: Instant,
    ) -> Result<Self, S3Error> {
        let mut bytes = Vec::new();
        loop {
            match timeout_at(end, response.chunk()).await {
                Ok(Ok(Some(chunk))) if bytes.len() + chunk.len() > BODY_BYTES => {
                    return Err(S3Error::Shape("it is too long"));
                }
                Ok(Ok(Some(chunk))) => bytes.extend_from_slice(&chunk),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(of_http(&error)),
                Err(_) => return Err(S3Error::Lost(LATE.to_owned())),
            }
        }
        let body = String::from_utf8(bytes).map_err(|_| S3Error::Shape("it is not UTF-8"))?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let ahead_minutes = told_at(&headers).map(|at| at.duration_since(now).as_mins());
        Ok(Self { status, headers, body, ahead_minutes })
    }

    /// The answer, where it says yes.
    pub(super) fn accepted(self) -> Result<Self, S3Error> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(self.refusal()) }
    }

    /// The answer as a no, whatever its status: a long request may be told its end in the body of a 200.
    pub(super) fn refusal(&self) -> S3Error {
        S3Error::Refused(Refusal {
            status: self.status,
            code: code(&self.body),
            ahead_minutes: self.ahead_minutes,
        })
    }

    /// Whether the body is an error, whatever the status.
    pub(super) fn is_error(&self) -> bool {
        !code(&self.body).is_empty()
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    pub(super) fn body(&self) -> &str {
        &self.body
    }

    /// Whether the store calls itself so, whatever follows.
    pub(super) fn is_of(&self, server: &str) -> bool {
        let told = text(&self.headers, &SERVER).unwrap_or_default();
        told.get(..server.len()).is_some_and(|start| start.eq_ignore_ascii_case(server))
    }

    /// The mark of this content, as the store wrote it.
    pub(super) fn etag(&self) -> Option<String> {
        text(&self.headers, &ETAG).map(str::to_owned)
    }

    pub(super) fn size_bytes(&self) -> Option<u64> {
        text(&self.headers, &CONTENT_LENGTH)?.parse().ok()
    }

    pub(super) fn modified_at(&self) -> Option<Timestamp> {
        moment(text(&self.headers, &LAST_MODIFIED)?)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn told_at(headers: &HeaderMap) -> Option<Timestamp> {
    moment(text(headers, &DATE)?)
}

fn moment(text: &str) -> Option<Timestamp> {
    rfc2822::parse(text).ok().map(|at| at.timestamp())
}

/// The store's code for what went wrong. Its message is left alone: it may repeat what was asked.
fn code(body: &str) -> String {
    let within = |body| {
        let (_, error) = str::split_once(body, "<Error")?;
        let (_, rest) = error.split_once("<Code>")?;
        rest.split_once("</Code>").map(|(code, _)| code.trim())
    };
    let code = within(body).unwrap_or_default();
    let is_word = code.len() <= CODE_CHARS && code.chars().all(|c| c.is_ascii_alphanumeric());
    if is_word { code.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_one_word_of_an_error_and_nothing_else() {
        let xml = "<?xml version=\"1.0\"?>\n<Error xmlns=\"x\"><Code>NoSuchBucket</Code><Message>m</Message></Error>";
        assert_eq!(code(xml), "NoSuchBucket");
        for none in ["", "<html>", "<Code>x</Code>", "<Error><Code>hunter2 & more</Code></Error>"] {
            assert_eq!(code(none), "", "{none}");
        }
    }

    #[test]
    fn the_time_of_an_answer_is_read_as_http_writes_it() {
        let at = moment("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(at.to_string(), "1994-11-06T08:49:37Z");
        assert_eq!(moment("yesterday"), None);
    }
}
