//! Whose certificates are believed: the system's roots, and one file of a private authority.
//!
//! The roots are read when they are first needed, because that costs more than a message.

use std::io::Read as _;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use rustls::ClientConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls_platform_verifier::Verifier;

/// A file of authorities is larger than this nowhere; Debian's has 220 kB for all of the world.
const FILE_BYTES: u64 = 1024 * 1024;
/// What is missing where there is nobody to believe.
pub(super) const NO_ROOTS: &str =
    "no trusted root certificates were found; install ca-certificates";

/// The authorities that are believed.
#[derive(Debug, Default)]
pub struct Trust {
    extra: Vec<CertificateDer<'static>>,
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl Trust {
    /// The system's roots alone.
    #[must_use]
    pub fn system() -> Self {
        Self::default()
    }

    /// The system's roots, and the authorities in this text in PEM.
    ///
    /// # Errors
    ///
    /// A fragment, where there is no certificate in it or one that cannot be read.
    pub fn and_pem(pem: &[u8]) -> Result<Self, String> {
        let extra: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        match extra {
            Ok(extra) if !extra.is_empty() => Ok(Self { extra, ..Self::default() }),
            Ok(_) | Err(_) => {
                Err("no certificate in PEM is in the file of the authority".to_owned())
            }
        }
    }

    /// The system's roots, and the authorities in this file.
    ///
    /// # Errors
    ///
    /// A fragment, where the file cannot be read or holds no certificate.
    pub fn and_file(path: &Path) -> Result<Self, String> {
        let failed = |error| format!("failed to read the authority in {}: {error}", path.display());
        let mut pem = Vec::new();
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FILE_BYTES).read_to_end(&mut pem).map_err(failed)?;
        Self::and_pem(&pem).map_err(|why| format!("{why}: {}", path.display()))
    }

    /// The authorities besides the system's.
    pub(super) fn extra(&self) -> &[CertificateDer<'static>] {
        &self.extra
    }

    /// How a client speaks TLS.
    pub(super) fn tls(&self) -> Result<Arc<ClientConfig>, String> {
        self.tls.get_or_init(|| configure(&self.extra)).clone()
    }
}

fn configure(extra: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let verifier = Verifier::new_with_extra_roots(extra.iter().cloned(), Arc::clone(&provider))
        .map_err(|_| NO_ROOTS.to_owned())?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| "TLS cannot be configured".to_owned())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told_by_the_name_of_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("ca.pem");
        let missing = Trust::and_file(&file).unwrap_err();
        assert!(missing.contains("ca.pem") && missing.starts_with("failed to read"), "{missing}");
        std::fs::write(&file, "-----BEGIN PRIVATE KEY-----\ncanary\n").unwrap();
        let empty = Trust::and_file(&file).unwrap_err();
        assert!(empty.contains("ca.pem") && !empty.contains("canary"), "{empty}");
    }
}
