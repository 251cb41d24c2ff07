//! Who a client proved to be: the names in the certificate that the handshake verified.
//!
//! Never decides whether a certificate is good, and takes no name from one that it cannot read whole: fewer names open
//! fewer doors.

use rustls_pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

/// Names of one kind that are looked at; a certificate with more is somebody's mistake.
const MAX_NAMES: usize = 64;

/// Who a client proved to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClientIdentity {
    /// SHA-256 of the client's certificate, in lower-case hexadecimal.
    pub fingerprint: Arc<str>,
    /// The names in it.
    pub names: Arc<CertificateNames>,
}

/// The names in a certificate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct CertificateNames {
    /// Subject alternative names that are URIs.
    pub uris: Vec<String>,
    /// Subject alternative names that are hosts.
    pub hosts: Vec<String>,
    /// Subject alternative names that are addresses of mail.
    pub emails: Vec<String>,
    /// The subject's common name, where it has one alone.
    pub common_name: Option<String>,
}

impl ClientIdentity {
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Self {
        let digest = Sha256::digest(certificate);
        let fingerprint = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        Self { fingerprint: fingerprint.into(), names: Arc::new(names(certificate).unwrap_or_default()) }
    }
}

fn names(certificate: &[u8]) -> Option<CertificateNames> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let mut names = CertificateNames::default();
    let mut common = certificate.subject().iter_common_name();
    if let (Some(only), None) = (common.next(), common.next()) {
        names.common_name = only.as_str().ok().map(str::to_owned);
    }
    if let Some(alternative) = certificate.subject_alternative_name().ok()? {
        for name in &alternative.value.general_names {
            let (list, name) = match name {
                GeneralName::URI(name) => (&mut names.uris, *name),
                GeneralName::DNSName(name) => (&mut names.hosts, *name),
                GeneralName::RFC822Name(name) => (&mut names.emails, *name),
                _ => continue,
            };
            if list.len() == MAX_NAMES {
                return None;
            }
            list.push(name.to_owned());
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use rcgen::string::Ia5String;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn identity(change: impl FnOnce(&mut CertificateParams)) -> ClientIdentity {
        let mut params = CertificateParams::new(vec!["api.example".to_owned()]).unwrap();
        change(&mut params);
        ClientIdentity::of(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
    }

    #[test]
    fn names_are_read_by_their_kind() {
        let ia5 = |text: &str| Ia5String::try_from(text).unwrap();
        let identity = identity(|params| {
            params.subject_alt_names.push(SanType::URI(ia5("spiffe://acme.example/agent")));
            params.subject_alt_names.push(SanType::Rfc822Name(ia5("ada@example.org")));
            params.distinguished_name.push(DnType::CommonName, "ada");
        });
        let names = CertificateNames {
            uris: vec!["spiffe://acme.example/agent".into()],
            hosts: vec!["api.example".into()],
            emails: vec!["ada@example.org".into()],
            common_name: Some("ada".into()),
        };
        assert_eq!((&*identity.names, identity.fingerprint.len()), (&names, 64));
    }

    #[test]
    fn a_certificate_that_cannot_be_read_has_no_names() {
        let nothing = ClientIdentity::of(&CertificateDer::from(vec![0x30, 0x03, 0x02, 0x01]));
        assert_eq!(*nothing.names, CertificateNames::default());
        let many = identity(|params| {
            let host = |n: usize| SanType::DnsName(Ia5String::try_from(format!("h{n}.example")).unwrap());
            params.subject_alt_names.extend((0..MAX_NAMES).map(host));
        });
        assert_eq!(*many.names, CertificateNames::default());
    }
}
