//! Why a question got no answer that can be used.

use std::fmt;

use crate::adapters::cause::{Cause, cause};
use crate::ports::processes::ActFailure;

/// Why there is no usable answer. No text in it holds a body, a token or an address of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// A limit or the deadline forbids to ask; nothing was sent.
    Held(String),
    /// The account cannot be used; nothing was sent.
    Account(String),
    /// There is no way to ask this, now or later; nothing was sent.
    Impossible(String),
    /// The platform could not be reached, or our own files could not be used; nothing was sent.
    Unreached(String),
    /// It was sent, and no whole answer came. The status, where that much came.
    Lost(Option<u16>, String),
    /// An answer that says no: the status, and the platform's word.
    Said(u16, String),
    /// An answer that is not understood.
    Shape(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held(why) => write!(f, "{why} allows no more requests"),
            Self::Account(why)
            | Self::Impossible(why)
            | Self::Unreached(why)
            | Self::Lost(_, why)
            | Self::Shape(why) => f.write_str(why),
            Self::Said(status, word) if word.is_empty() => {
                write!(f, "the platform answered {status}")
            }
            Self::Said(status, word) => write!(f, "the platform answered {status}: {word}"),
        }
    }
}

impl Failure {
    /// Whether the platform does not know the route, which is our fault and says nothing about a row.
    pub(super) fn is_drift(&self) -> bool {
        matches!(self, Self::Said(404, word) if word.starts_with("Cannot "))
    }

    /// Whether the platform says that there is no such row. Something else that stands before it, and says 404 without the
    /// platform's words, knows nothing of rows.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self, Self::Said(404, word) if !word.is_empty()) && !self.is_drift()
    }

    /// Whether asking again may help: the platform, or the way to it, is not well.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Unreached(_) | Self::Lost(..) => true,
            Self::Said(status, _) => *status == 429 || *status >= 500,
            Self::Held(_) | Self::Account(_) | Self::Impossible(_) | Self::Shape(_) => false,
        }
    }

    /// Whether the row was tried. What held the question itself back says nothing about the row.
    pub(super) const fn was_tried(&self) -> bool {
        match self {
            Self::Held(_) | Self::Account(_) => false,
            Self::Impossible(_)
            | Self::Unreached(_)
            | Self::Lost(..)
            | Self::Said(..)
            | Self::Shape(_) => true,
        }
    }

    /// What it means for a write.
    pub(super) fn of_act(self) -> ActFailure {
        let text = self.to_string();
        match self {
            Self::Said(..) if self.is_drift() => {
                ActFailure::Refused(format!("{text}; the platform no longer has this route"))
            }
            // Who we are, or how often we ask, was refused: what the write asks for was not even looked at.
            Self::Said(401 | 403 | 429, _)
            | Self::Held(_)
            | Self::Account(_)
            | Self::Unreached(_) => ActFailure::NotSent(text),
            // 408: the platform gave up waiting for us, at a moment that nobody knows.
            Self::Said(408, _) | Self::Lost(..) | Self::Shape(_) => ActFailure::Unknown(text),
            Self::Said(status, _) if (400..500).contains(&status) => ActFailure::Refused(text),
            Self::Said(..) => ActFailure::Unknown(text),
            Self::Impossible(_) => ActFailure::Refused(text),
        }
    }
}

/// What an error of the HTTP library stands for. Its own text names the address asked for, so it is not used.
pub(super) fn of_http(error: &reqwest::Error, status: Option<u16>) -> Failure {
    let why = why(error);
    if error.is_connect() || error.is_builder() {
        return Failure::Unreached(why);
    }
    Failure::Lost(status, why)
}

fn why(error: &reqwest::Error) -> String {
    let text = match (cause(error), error.is_connect()) {
        (Some(Cause::Tls(tls)), _) => return of_tls(tls),
        (Some(Cause::NoName), _) => "the platform's name cannot be resolved",
        (Some(Cause::Refused), _) => "the connection was refused",
        (Some(Cause::BrokenOff), _) => "the connection was broken off",
        (Some(Cause::NoWay), _) => "there is no way to the platform's host",
        (Some(Cause::Late | Cause::NoPort | Cause::NotAllowed) | None, connecting) => {
            match (error.is_timeout(), connecting) {
                (true, true) => "no connection came in time",
                (true, false) => "no whole answer came in time",
                (false, true) => "no connection could be made",
                (false, false) => "no whole answer came",
            }
        }
    };
    text.to_owned()
}

fn of_tls(error: &rustls::Error) -> String {
    use rustls::CertificateError as Bad;
    let rustls::Error::InvalidCertificate(bad) = error else {
        return "the TLS handshake failed".to_owned();
    };
    let text = match bad {
        Bad::Expired | Bad::ExpiredContext { .. } => "the platform's certificate has expired",
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => {
            "the platform's certificate is not valid yet"
        }
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "the platform's certificate is for another name"
        }
        Bad::UnknownIssuer => "the issuer of the platform's certificate is not trusted",
        Bad::Revoked => "the platform's certificate was revoked",
        _ => "the platform's certificate is invalid",
    };
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(status: u16, word: &str) -> Failure {
        Failure::Said(status, word.to_owned())
    }

    #[test]
    fn a_missing_row_is_told_from_a_missing_route() {
        let route = said(404, "Cannot GET /api/v1/x");
        assert!(route.is_drift() && !route.is_gone());
        let row = said(404, "Content not found");
        assert!(row.is_gone() && !row.is_drift());
        assert!(!said(400, "x").is_gone());
        let foreign = said(404, "");
        assert!(!foreign.is_gone() && !foreign.is_drift());
    }

    #[test]
    fn only_a_clear_no_is_a_refusal() {
        let refused = [said(400, "x"), said(409, "x"), said(404, "Cannot PATCH /x")];
        for failure in refused {
            assert!(matches!(failure.of_act(), ActFailure::Refused(_)));
        }
        let held = Failure::Held("the run's deadline".to_owned());
        let unreached = Failure::Unreached("the connection was refused".to_owned());
        for failure in [said(401, ""), said(403, "x"), said(429, ""), held, unreached] {
            assert!(matches!(failure.of_act(), ActFailure::NotSent(_)));
        }
        let lost = Failure::Lost(None, "no whole answer came".to_owned());
        let shape = Failure::Shape("x".to_owned());
        for failure in [said(500, ""), said(503, ""), said(302, ""), said(408, ""), lost, shape] {
            assert!(matches!(failure.of_act(), ActFailure::Unknown(_)));
        }
    }
}
