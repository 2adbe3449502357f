//! Why a look failed, in our own words where the cause is known.

use std::error::Error;
use std::io::{self, ErrorKind};

use rustls::CertificateError;

use crate::adapters::redact::Redactor;
use crate::ports::probe::ProbeAnswer;

/// No whole answer came, and no more will.
const BROKEN_OFF: &str = "the connection was broken off";

/// The answer that an HTTP error stands for.
pub(super) fn of_http(error: &reqwest::Error) -> ProbeAnswer {
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut deepest = None;
    while let Some(cause) = source {
        if let Some(answer) = cause.downcast_ref::<io::Error>().and_then(of_io) {
            return answer;
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return failed(of_tls(error));
        }
        let text = cause.to_string();
        // The HTTP library keeps the types of these two to itself.
        if text.contains("dns error") {
            return failed("the name cannot be resolved");
        }
        if text.contains("connection closed before message completed") {
            return failed(BROKEN_OFF);
        }
        deepest = Some(text);
        source = cause.source();
    }
    let why = deepest.unwrap_or_else(|| "the request failed".to_owned());
    failed(Redactor::default().fragment(&why))
}

/// The answer that a socket error stands for, if it stands for one by itself.
pub(super) fn of_io(error: &io::Error) -> Option<ProbeAnswer> {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(failed(of_tls(tls)));
        }
        if let Some(answer) = inner.downcast_ref::<io::Error>().and_then(of_io) {
            return Some(answer);
        }
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(ProbeAnswer::Refused),
        ErrorKind::TimedOut => Some(ProbeAnswer::TimedOut),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Some(failed(BROKEN_OFF)),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Some(failed("there is no way to the host"))
        }
        _ => None,
    }
}

/// An answer with a fragment.
pub(super) fn failed(why: impl Into<String>) -> ProbeAnswer {
    ProbeAnswer::Failed { why: why.into() }
}

fn of_tls(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return Redactor::default().fragment(&format!("the TLS handshake failed: {error}"));
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name".to_owned()
        }
        CertificateError::UnknownIssuer => "the certificate's issuer is not trusted".to_owned(),
        CertificateError::Revoked => "the certificate was revoked".to_owned(),
        other => Redactor::default().fragment(&format!("the certificate is invalid: {other}")),
    }
}
