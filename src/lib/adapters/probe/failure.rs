//! Why a look failed, in our own words where the cause is known.

use std::error::Error;
use std::io::{self, ErrorKind};

use jiff::Timestamp;
use rustix::io::Errno;
use rustls::CertificateError;

use crate::adapters::redact::Redactor;
use crate::ports::probe::ProbeAnswer;

/// No whole answer came, and no more will.
const BROKEN_OFF: &str = "the connection was broken off";
/// The name has no address.
const NO_NAME: &str = "the name cannot be resolved";

/// The answer that an HTTP error stands for.
pub(super) fn of_http(error: &reqwest::Error) -> ProbeAnswer {
    let mut source: Option<&(dyn Error + 'static)> = error.source();
    let mut deepest = None;
    while let Some(cause) = source {
        if let Some(answer) = cause.downcast_ref::<io::Error>().and_then(of_io) {
            return answer;
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return of_tls(error);
        }
        let text = cause.to_string();
        // The HTTP library keeps the types of these two to itself.
        if text.contains("dns error") {
            return no_way(NO_NAME);
        }
        if text.contains("connection closed before message completed") {
            return failed(BROKEN_OFF);
        }
        deepest = Some(text);
        source = cause.source();
    }
    let why = deepest.unwrap_or_else(|| "the request failed".to_owned());
    let why = Redactor::default().fragment(&why);
    if error.is_builder() { not_asked(why) } else { failed(why) }
}

/// The answer that a socket error stands for, if it stands for one by itself.
pub(super) fn of_io(error: &io::Error) -> Option<ProbeAnswer> {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(of_tls(tls));
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
            Some(no_way("there is no way to the host"))
        }
        _ => of_ourselves(error),
    }
}

/// What this very process lacks: descriptors, ports, memory, permission.
fn of_ourselves(error: &io::Error) -> Option<ProbeAnswer> {
    const OURS: [Errno; 7] = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::NOBUFS,
        Errno::NOMEM,
        Errno::ADDRNOTAVAIL,
        Errno::PERM,
        Errno::ACCESS,
    ];
    let code = Errno::from_io_error(error)?;
    OURS.contains(&code)
        .then(|| not_asked(format!("no connection could be made from here: {code}")))
}

/// What a socket error of no name of its own stands for. Errors of name resolution have no code of the system.
pub(super) fn unnamed(error: &io::Error) -> ProbeAnswer {
    match error.raw_os_error() {
        None => no_way(NO_NAME),
        Some(_) => failed(error.to_string()),
    }
}

fn failed(why: impl Into<String>) -> ProbeAnswer {
    ProbeAnswer::Failed { why: why.into() }
}

fn no_way(why: impl Into<String>) -> ProbeAnswer {
    ProbeAnswer::NoWay { why: why.into() }
}

/// The fault is ours.
pub(super) fn not_asked(why: impl Into<String>) -> ProbeAnswer {
    ProbeAnswer::NotAsked { why: why.into() }
}

fn of_tls(error: &rustls::Error) -> ProbeAnswer {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return failed(Redactor::default().fragment(&format!("the TLS handshake failed: {error}")));
    };
    let untrusted = |why: &str| ProbeAnswer::Untrusted { why: why.to_owned(), ended: None };
    match certificate {
        CertificateError::ExpiredContext { not_after, .. } => ProbeAnswer::Untrusted {
            why: "the certificate has expired".to_owned(),
            ended: i64::try_from(not_after.as_secs())
                .ok()
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
        },
        CertificateError::Expired => untrusted("the certificate has expired"),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            untrusted("the certificate is not valid yet")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            untrusted("the certificate is for another name")
        }
        CertificateError::UnknownIssuer => untrusted("the certificate's issuer is not trusted"),
        CertificateError::Revoked => untrusted("the certificate was revoked"),
        other => {
            let why = Redactor::default().fragment(&format!("the certificate is invalid: {other}"));
            untrusted(&why)
        }
    }
}
