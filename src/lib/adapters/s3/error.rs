//! Why a request to an object storage came to nothing, in words of our own.

use std::fmt;
use std::io;

use crate::adapters::cause::{Cause, cause};

/// Clocks that differ by more than so many minutes are told: signatures are good for a quarter of an hour.
const SKEW: i64 = 5;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum S3Error {
    /// The store could not be reached; nothing was sent.
    #[error("{0}")]
    Unreached(String),
    /// It was sent, and no whole answer came: whether it was carried out nobody knows.
    #[error("{0}")]
    Lost(String),
    /// The store said no.
    #[error("{0}")]
    Refused(Refusal),
    /// An answer that is not understood.
    #[error("its answer is not understood: {0}")]
    Shape(&'static str),
    /// More than is ever listed at once.
    #[error("there are more than {0} objects, which is the most that are listed at once")]
    Many(usize),
    /// What is to be put needs more parts than an object may have.
    #[error("it is larger than an object in {0} parts can be")]
    Large(u16),
    /// A name that an address cannot hold, so that another object would be meant; nothing was sent.
    #[error(
        "`{0}` is no name of an object: it must have 1 to 1024 bytes, and no part of it may be `.` or `..`"
    )]
    Key(String),
    /// What is to be put could not be read to its end.
    #[error("failed to read what is to be stored")]
    Source(#[source] io::Error),
    /// A file of our own could not be read or written.
    #[error("failed to {what}")]
    File {
        /// What failed.
        what: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It failed, and its parts are still there.
    #[error("{error}; and its parts could not be taken back (upload {upload}): {why}")]
    Left {
        /// Why it failed.
        error: Box<S3Error>,
        /// The upload that is left.
        upload: String,
        /// Why it is.
        why: String,
    },
}

impl S3Error {
    /// Whether the store says that there is no such object, or no such upload.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Refused(no) if no.status == 404 && ["NoSuchKey", "NoSuchUpload"].contains(&no.code.as_str()))
    }
}

/// A no: its status, the store's code for it, and by how much the clocks differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of HTTP.
    pub status: u16,
    /// The store's own code; empty where it gave none.
    pub code: String,
    /// By how many minutes its clock is before ours, where it told the time.
    pub ahead_minutes: Option<i64>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Late signatures are refused in several words, most of which do not name the clock.
        let is_skewed = |minutes: &i64| minutes.abs() >= SKEW;
        if let (400..=403, Some(minutes)) = (self.status, self.ahead_minutes.filter(is_skewed)) {
            let way = if minutes > 0 { "before" } else { "behind" };
            return write!(f, "its clock is {} min {way} ours{}", minutes.abs(), self.told());
        }
        let known = match self.code.as_str() {
            "InvalidAccessKeyId" | "NotSignedUp" => "it does not know the access key",
            "SignatureDoesNotMatch" => "the secret is not that of the access key",
            "AccessDenied" | "AllAccessDisabled" => "the access key may not do that",
            "NoSuchBucket" => "there is no such bucket",
            "RequestTimeTooSkewed" => "its clock and ours differ too much",
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "AuthorizationQueryParametersError"
            | "IllegalLocationConstraintException" => {
                "the bucket belongs to another region or address"
            }
            "SlowDown" | "ServiceUnavailable" | "TooManyRequests" => "it asks for fewer requests",
            "NotImplemented" | "MethodNotAllowed" => "it does not know this request",
            "NoSuchKey" => "there is no such object",
            "NoSuchUpload" => "there is no such upload",
            _ => return write!(f, "it answered {}{}", self.status, self.told()),
        };
        write!(f, "{known}{}", self.told())
    }
}

impl Refusal {
    fn told(&self) -> String {
        if self.code.is_empty() { String::new() } else { format!(" ({})", self.code) }
    }
}

/// What an error of the HTTP library stands for. Its own text names the address asked for, so it is not used.
pub(super) fn of_http(error: &reqwest::Error) -> S3Error {
    let why = why(error).to_owned();
    if error.is_connect() || error.is_builder() {
        S3Error::Unreached(why)
    } else {
        S3Error::Lost(why)
    }
}

fn why(error: &reqwest::Error) -> &'static str {
    match (cause(error), error.is_connect()) {
        (Some(Cause::Tls(tls)), _) => of_tls(tls),
        (Some(Cause::NoName), _) => "its name cannot be resolved",
        (Some(Cause::Refused), _) => "the connection was refused",
        (Some(Cause::BrokenOff), _) => "the connection was broken off",
        (Some(Cause::NoWay), _) => "there is no way to its host",
        (Some(Cause::NotAllowed), _) => "this machine does not allow the connection",
        (Some(Cause::Late | Cause::NoPort) | None, true) => "no connection could be made",
        (Some(Cause::Late | Cause::NoPort) | None, false) => "no whole answer came",
    }
}

fn of_tls(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = error else { return "the TLS handshake failed" };
    match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => "its certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "its certificate is not valid yet",
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        Bad::UnknownIssuer => "the issuer of its certificate is not trusted",
        _ => "its certificate is invalid",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, code: &str, ahead_minutes: Option<i64>) -> String {
        Refusal { status, code: code.to_owned(), ahead_minutes }.to_string()
    }

    #[test]
    fn every_reason_has_words_of_its_own_and_a_clock_is_told_before_it_is_taken_for_a_wrong_key() {
        let wrong = said(403, "SignatureDoesNotMatch", Some(0));
        assert_eq!(wrong, "the secret is not that of the access key (SignatureDoesNotMatch)");
        let late = said(403, "AccessDenied", Some(17));
        assert_eq!(late, "its clock is 17 min before ours (AccessDenied)");
        assert_eq!(
            said(403, "AccessDenied", Some(-90)),
            "its clock is 90 min behind ours (AccessDenied)"
        );
        assert_eq!(
            said(403, "AccessDenied", Some(2)),
            "the access key may not do that (AccessDenied)"
        );
        assert_eq!(said(404, "NoSuchBucket", Some(17)), "there is no such bucket (NoSuchBucket)");
        assert_eq!(said(500, "", None), "it answered 500");
        assert_eq!(said(418, "Teapot", None), "it answered 418 (Teapot)");
    }

    #[test]
    fn only_a_missing_object_or_upload_is_gone() {
        let no = |status, code: &str| {
            S3Error::Refused(Refusal { status, code: code.to_owned(), ahead_minutes: None })
        };
        assert!(no(404, "NoSuchKey").is_gone() && no(404, "NoSuchUpload").is_gone());
        assert!(!no(404, "NoSuchBucket").is_gone() && !no(404, "").is_gone());
        assert!(!no(403, "NoSuchKey").is_gone() && !S3Error::Lost(String::new()).is_gone());
    }
}
