//! What an error of a connection stands for, by the first cause that is known. A library's text may name an address, so each
//! adapter has words of its own for it.

use std::error::Error;
use std::io::{self, ErrorKind};

/// Why a connection came to nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause<'e> {
    /// The encryption, or a certificate.
    Tls(&'e rustls::Error),
    /// The name has no address.
    NoName,
    /// Nobody listens there.
    Refused,
    /// It ended before its time.
    BrokenOff,
    /// The system waited for long enough.
    Late,
    /// No way leads there.
    NoWay,
    /// This machine has no port left for it.
    NoPort,
    /// This machine does not allow it.
    NotAllowed,
}

/// The first known cause of an error of any library.
pub(crate) fn cause<'e>(error: &'e (dyn Error + 'static)) -> Option<Cause<'e>> {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(cause) = error.downcast_ref::<io::Error>().and_then(of_io) {
            return Some(cause);
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(Cause::Tls(tls));
        }
        // The HTTP library keeps the types of these to itself.
        let text = error.to_string();
        if text.contains("dns error") {
            return Some(Cause::NoName);
        }
        if text.contains("connection closed") || text.contains("end of file") {
            return Some(Cause::BrokenOff);
        }
        source = error.source();
    }
    None
}

fn of_io(error: &io::Error) -> Option<Cause<'_>> {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(Cause::Tls(tls));
        }
        if let Some(cause) = inner.downcast_ref::<io::Error>().and_then(of_io) {
            return Some(cause);
        }
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(Cause::Refused),
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => Some(Cause::BrokenOff),
        ErrorKind::TimedOut => Some(Cause::Late),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Some(Cause::NoWay),
        ErrorKind::AddrNotAvailable => Some(Cause::NoPort),
        ErrorKind::PermissionDenied => Some(Cause::NotAllowed),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_found_however_deep_it_lies() {
        let refused = io::Error::from(ErrorKind::ConnectionRefused);
        let wrapped = io::Error::other(io::Error::other(refused));
        assert!(matches!(cause(&wrapped), Some(Cause::Refused)));
        let tls = io::Error::other(rustls::Error::DecryptError);
        assert!(matches!(cause(&tls), Some(Cause::Tls(rustls::Error::DecryptError))));
        assert!(cause(&io::Error::other("something else")).is_none());
    }
}
