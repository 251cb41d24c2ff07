//! TLS of a listener: certificate, key and client authorities from PEM files, read again on demand.
//!
//! Invariants: connections that are open keep what they were accepted with; a reload that fails changes
//! nothing. Never logs or prints a key.

use super::settings::TlsFiles;
use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why TLS cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or is not PEM.
    #[error("cannot read {what} from {}", path.display())]
    File {
        /// What it should hold.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: rustls_pki_types::pem::Error,
    },
    /// A file holds no certificate.
    #[error("there is no certificate in {}", path.display())]
    Empty {
        /// Which file.
        path: PathBuf,
    },
    /// The certificate, the key and the authorities do not make a configuration.
    #[error("the certificate, the key or the client authorities are not usable")]
    Invalid(#[source] super::BoxError),
}

/// Reads the files of a listener again.
#[derive(Clone)]
pub struct TlsReloader {
    files: Arc<TlsFiles>,
    http2: bool,
    current: Arc<ArcSwap<ServerConfig>>,
}

impl fmt::Debug for TlsReloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsReloader").field("files", &self.files).finish_non_exhaustive()
    }
}

impl TlsReloader {
    pub(super) fn load(files: &TlsFiles, http2: bool) -> Result<Self, TlsError> {
        let current = Arc::new(ArcSwap::new(server_config(files, http2)?));
        Ok(Self { files: Arc::new(files.clone()), http2, current })
    }

    /// Reads the files; connections accepted from now on use them.
    ///
    /// # Errors
    /// As [`TlsError`] says; what was in use stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        self.current.store(server_config(&self.files, self.http2)?);
        Ok(())
    }

    pub(super) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }
}

fn server_config(files: &TlsFiles, http2: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let certificates = certificates(&files.cert)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|source| TlsError::File {
        what: "a private key",
        path: files.key.clone(),
        source,
    })?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let builder = match &files.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for authority in self::certificates(path)? {
                roots.add(authority).map_err(invalid)?;
            }
            let mut verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            if files.client_optional {
                verifier = verifier.allow_unauthenticated();
            }
            builder.with_client_cert_verifier(verifier.build().map_err(invalid)?)
        }
    };
    let mut config = builder.with_single_cert(certificates, key).map_err(invalid)?;
    config.alpn_protocols =
        if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
    Ok(Arc::new(config))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| TlsError::File { what: "certificates", path: path.to_owned(), source })?;
    if certificates.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned() });
    }
    Ok(certificates)
}

fn invalid(error: impl Into<super::BoxError>) -> TlsError {
    TlsError::Invalid(error.into())
}
