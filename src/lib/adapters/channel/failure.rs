//! Why there was no answer, in our own words: a library's text may name an address.

use std::error::Error;
use std::io::{self, ErrorKind};

use rustls::CertificateError;

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It may pass by itself.
    Passing(String),
    /// Somebody must change something, here or there.
    Lasting(String),
}

impl Trouble {
    pub(super) fn text(self) -> String {
        match self {
            Self::Passing(why) | Self::Lasting(why) => why,
        }
    }
}

/// What an error of any library stands for, by the first cause that is known.
pub(super) fn cause(error: &(dyn Error + 'static)) -> Option<Trouble> {
    let mut source = Some(error);
    while let Some(error) = source {
        if let Some(trouble) = error.downcast_ref::<io::Error>().and_then(of_io) {
            return Some(trouble);
        }
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(of_tls(tls));
        }
        // The HTTP library keeps the types of these to itself.
        let text = error.to_string();
        if text.contains("dns error") {
            return Some(passing("its name cannot be resolved"));
        }
        if text.contains("connection closed") || text.contains("end of file") {
            return Some(passing("the connection was broken off"));
        }
        source = error.source();
    }
    None
}

fn of_io(error: &io::Error) -> Option<Trouble> {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(of_tls(tls));
        }
        if let Some(trouble) = inner.downcast_ref::<io::Error>().and_then(of_io) {
            return Some(trouble);
        }
    }
    let text = match error.kind() {
        ErrorKind::ConnectionRefused => "the connection was refused",
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::UnexpectedEof => "the connection was broken off",
        ErrorKind::TimedOut => "it did not answer in time",
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no way to it",
        ErrorKind::AddrNotAvailable => "this machine has no free port",
        ErrorKind::PermissionDenied => "this machine does not allow the connection",
        _ => return None,
    };
    Some(passing(text))
}

/// A certificate that is out of its time is cured by its owner or by our clock; one that is not trusted by somebody
/// who reads of it.
fn of_tls(error: &rustls::Error) -> Trouble {
    let rustls::Error::InvalidCertificate(certificate) = error else {
        return passing("the TLS handshake failed");
    };
    match certificate {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            passing("its certificate has expired")
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            passing("its certificate is not valid yet; check this machine's clock")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            lasting("its certificate is for another name; write the name that it is for")
        }
        // An authority that was made anew under its old name signs with another key.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => lasting(
            "its certificate's issuer is not trusted; if that is a private authority, name its file",
        ),
        _ => lasting("its certificate is invalid"),
    }
}

fn passing(why: &str) -> Trouble {
    Trouble::Passing(why.to_owned())
}

fn lasting(why: &str) -> Trouble {
    Trouble::Lasting(why.to_owned())
}
