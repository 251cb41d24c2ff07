//! From a verified client certificate to a principal.
//!
//! Never looks at a certificate that the listener did not verify, and never at its dates or its issuer: that is done.

use super::permissions::matches;
use super::{Holder, Permissions, Principal};
use crate::server::ClientIdentity;
use std::sync::Arc;

/// Bytes of a name that a principal is given.
const MAX_NAME: usize = 256;

/// Who shows certificates of some name.
#[derive(Debug, Clone)]
pub struct CertificateRule {
    /// Its name, which is the principal's key.
    pub name: Arc<str>,
    /// What must be in the certificate: each pattern in its field.
    pub wants: Vec<(Field, String)>,
    /// The tenant.
    pub tenant: Arc<str>,
    /// Who it is, as far as it is known.
    pub holder: Holder,
    /// What of the principal is named by what the first pattern found.
    pub names: Option<HolderField>,
    /// What may be asked for.
    pub permissions: Arc<Permissions>,
    /// Whether it is who asks even where a key came along.
    pub outranks_keys: bool,
}

/// A name in a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// A subject alternative name that is a URI, such as a SPIFFE id.
    Uri,
    /// A subject alternative name that is a host.
    Dns,
    /// A subject alternative name that is an address of mail.
    Email,
    /// The subject's common name.
    CommonName,
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    Fingerprint,
}

/// A field of [`Holder`] that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderField {
    /// The person.
    User,
    /// The application.
    Service,
    /// The agent.
    Agent,
}

impl CertificateRule {
    /// Who shows this certificate, where the rule is for it.
    #[must_use]
    pub fn principal(&self, identity: &ClientIdentity) -> Option<Principal> {
        let mut named = None;
        for (field, pattern) in &self.wants {
            let found = values(*field, identity).find(|value| matches(pattern, value))?;
            named = named.or(Some(found));
        }
        // A rule that wants nothing is for nobody.
        let named = named?;
        let mut holder = self.holder.clone();
        if let Some(field) = self.names {
            let fits =
                named.len() <= MAX_NAME && named.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
            let place = match field {
                HolderField::User => &mut holder.user,
                HolderField::Service => &mut holder.service,
                HolderField::Agent => &mut holder.agent,
            };
            // What cannot be said in a log or a header is no name to count by.
            *place = Some(fits.then(|| Arc::from(named))?);
        }
        Some(Principal {
            tenant: self.tenant.clone(),
            key: self.name.clone(),
            holder,
            permissions: self.permissions.clone(),
        })
    }
}

fn values(field: Field, identity: &ClientIdentity) -> Box<dyn Iterator<Item = &str> + '_> {
    let names = &identity.names;
    match field {
        Field::Uri => Box::new(names.uris.iter().map(String::as_str)),
        Field::Dns => Box::new(names.hosts.iter().map(String::as_str)),
        Field::Email => Box::new(names.emails.iter().map(String::as_str)),
        Field::CommonName => Box::new(names.common_name.iter().map(String::as_str)),
        Field::Fingerprint => Box::new(std::iter::once(&*identity.fingerprint)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::server::CertificateNames;

    fn identity(uri: &str, common_name: &str) -> ClientIdentity {
        let names = CertificateNames {
            uris: vec![uri.to_owned()],
            common_name: Some(common_name.to_owned()),
            ..CertificateNames::default()
        };
        ClientIdentity { fingerprint: "ab".repeat(32).into(), names: Arc::new(names) }
    }

    fn rule(wants: &[(Field, &str)]) -> CertificateRule {
        CertificateRule {
            name: "mesh".into(),
            wants: wants.iter().map(|(field, pattern)| (*field, (*pattern).to_owned())).collect(),
            tenant: "acme".into(),
            holder: Holder { team: Some("core".into()), ..Holder::default() },
            names: Some(HolderField::Service),
            permissions: Permissions::all(),
            outranks_keys: false,
        }
    }

    #[test]
    fn a_rule_wants_all_that_it_says_and_names_who_it_is() {
        let rule = rule(&[(Field::Uri, "spiffe://acme.example/ns/prod/*"), (Field::CommonName, "billing")]);
        let billing = identity("spiffe://acme.example/ns/prod/billing", "billing");
        let principal = rule.principal(&billing).unwrap();
        assert_eq!((&*principal.tenant, &*principal.key), ("acme", "mesh"));
        assert_eq!(principal.holder.service.as_deref(), Some("spiffe://acme.example/ns/prod/billing"));
        assert_eq!(principal.holder.team.as_deref(), Some("core"));
        assert_eq!(rule.principal(&identity("spiffe://acme.example/ns/prod/billing", "other")), None);
        assert_eq!(rule.principal(&identity("spiffe://acme.example/ns/dev/billing", "billing")), None);
        assert_eq!(rule.principal(&identity("spiffe://evil.example/ns/prod/x", "billing")), None);
    }

    #[test]
    fn a_rule_that_wants_nothing_is_for_nobody_and_a_name_that_is_none_is_refused() {
        assert_eq!(rule(&[]).principal(&identity("a", "b")), None);
        let any = rule(&[(Field::CommonName, "*")]);
        assert!(any.principal(&identity("a", "b")).is_some());
        for name in ["a\nb", "ä", &"x".repeat(MAX_NAME + 1)] {
            assert_eq!(any.principal(&identity("a", name)), None, "{name:?}");
        }
        let mut printed = rule(&[(Field::Fingerprint, &"ab".repeat(32))]);
        printed.names = None;
        assert!(printed.principal(&identity("a", "b")).is_some());
    }
}
