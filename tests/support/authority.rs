//! An authority of certificates for the tests' own servers.

use std::sync::Arc;

use opswarden::adapters::channel::Trust;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// A certificate with its key, both in PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
    der: (Vec<u8>, Vec<u8>),
}

impl Identity {
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        let key = PrivateKeyDer::try_from(self.der.1.clone()).expect("the test can make it");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![self.der.0.clone().into()], key)
            .expect("the test can make it");
        TlsAcceptor::from(Arc::new(config))
    }
}

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("the test can make it");
        params.distinguished_name.push(rcgen::DnType::CommonName, "an authority of tests");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("the test can make it");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("the test can make it") }
    }

    /// Its own certificate, in PEM.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The system's roots and this one.
    pub(crate) fn trust(&self) -> Trust {
        Trust::and_pem(self.issuer.pem().as_bytes()).expect("the test can make it")
    }

    /// A certificate for `name` that is valid from the one year to the other.
    pub(crate) fn identity(&self, name: &str, years: [i32; 2]) -> Identity {
        let mut params =
            CertificateParams::new(vec![name.to_owned()]).expect("the test can make it");
        params.not_before = date_time_ymd(years[0], 1, 1);
        params.not_after = date_time_ymd(years[1], 12, 31);
        let key = KeyPair::generate().expect("the test can make it");
        let certificate = params.signed_by(&key, &self.issuer).expect("the test can make it");
        Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
            der: (certificate.der().to_vec(), key.serialize_der()),
        }
    }

    /// A certificate that is good for servers on this machine.
    pub(crate) fn good(&self) -> Identity {
        self.identity("localhost", [2020, 2090])
    }
}

// Counts every helper as used, whichever of them a test crate needs.
const _: () = {
    let _ = Identity::acceptor;
    let _ = Authority::pem;
    let _ = Authority::trust;
};
