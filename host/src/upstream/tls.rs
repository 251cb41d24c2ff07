//! TLS towards providers: whom to trust, and which certificate to show.
//!
//! Invariant: providers without settings of their own share one configuration, so that the system's
//! authorities are read once per process.

use super::settings::{Http2, UpstreamSettings};
use hyper_rustls::ConfigBuilderExt;
use rustls::client::WantsClientCert;
use rustls::crypto::ring;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// Why TLS towards a provider cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamTlsError {
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
    /// One half of a client certificate is missing.
    #[error("`client_cert` and `client_key` go together")]
    Half,
    /// The parts do not make a configuration.
    #[error("the certificates or the key are not usable")]
    Invalid(#[from] rustls::Error),
}

/// The configuration for an upstream.
pub(super) fn client_config(
    settings: &UpstreamSettings,
    http2: Http2,
) -> Result<Arc<ClientConfig>, UpstreamTlsError> {
    let mut config = match (&settings.ca_file, &settings.client_cert, &settings.client_key) {
        (None, None, None) => shared()?,
        (_, Some(_), None) | (_, None, Some(_)) => return Err(UpstreamTlsError::Half),
        (ca_file, client_cert, client_key) => {
            let builder = trusting(ca_file.as_deref())?;
            match (client_cert, client_key) {
                (Some(cert), Some(key)) => {
                    builder.with_client_auth_cert(certificates(cert)?, private_key(key)?)?
                }
                _ => builder.with_no_client_auth(),
            }
        }
    };
    config.alpn_protocols = match http2 {
        Http2::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        Http2::Always => vec![b"h2".to_vec()],
        Http2::Never => vec![b"http/1.1".to_vec()],
    };
    Ok(Arc::new(config))
}

fn shared() -> Result<ClientConfig, UpstreamTlsError> {
    static SHARED: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(config) = SHARED.get() {
        return Ok(config.clone());
    }
    let config = trusting(None)?.with_no_client_auth();
    Ok(SHARED.get_or_init(|| config).clone())
}

/// Trusts a file's authorities, else the system's, else (in a bare container) those built in.
fn trusting(
    ca_file: Option<&Path>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, UpstreamTlsError> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
    };
    if let Some(path) = ca_file {
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate)?;
        }
        return Ok(builder()?.with_root_certificates(roots));
    }
    match builder()?.with_native_roots() {
        Ok(trusting) => Ok(trusting),
        Err(error) => {
            tracing::info!(%error, "no system certificate authorities; using the built-in ones");
            Ok(builder()?.with_webpki_roots())
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, UpstreamTlsError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| UpstreamTlsError::File { what: "certificates", path: path.to_owned(), source })?;
    if certificates.is_empty() {
        return Err(UpstreamTlsError::Empty { path: path.to_owned() });
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, UpstreamTlsError> {
    PrivateKeyDer::from_pem_file(path).map_err(|source| UpstreamTlsError::File {
        what: "a private key",
        path: path.to_owned(),
        source,
    })
}
