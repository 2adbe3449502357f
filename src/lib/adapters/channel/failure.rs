//! Why there was no answer, in our own words: a library's text may name an address.

use std::error::Error;

use rustls::CertificateError;

use crate::adapters::cause::{self, Cause};

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
    Some(match cause::cause(error)? {
        Cause::Tls(tls) => of_tls(tls),
        Cause::NoName => passing("its name cannot be resolved"),
        Cause::Refused => passing("the connection was refused"),
        Cause::BrokenOff => passing("the connection was broken off"),
        Cause::Late => passing("it did not answer in time"),
        Cause::NoWay => passing("there is no way to it"),
        Cause::NoPort => passing("this machine has no free port"),
        Cause::NotAllowed => passing("this machine does not allow the connection"),
    })
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
