//! What makes no sense in who asks: issuers, certificates, permissions, tokens of administrators.

use super::{Check, token};
use crate::auth::issuer::{Claim, is_safe};
use crate::auth::{Permissions, parse_hash};
use crate::config::model::identity::{Certificate, Issuer};
use std::collections::BTreeSet;

impl Check<'_> {
    pub(super) fn identity(&mut self) {
        let identity = &self.config.identity;
        let mut names = BTreeSet::new();
        for (n, issuer) in identity.issuers.iter().enumerate() {
            let at = format!("/identity/issuers/{n}");
            self.once(&format!("{at}/name"), &issuer.name, &mut names);
            self.issuer(&at, issuer);
        }
        for (n, certificate) in identity.certificates.iter().enumerate() {
            let at = format!("/identity/certificates/{n}");
            self.once(&format!("{at}/name"), &certificate.name, &mut names);
            self.certificate(&at, certificate);
        }
        let tls = self.config.tls.as_ref();
        if !identity.certificates.is_empty() && tls.is_none_or(|tls| tls.client_ca.is_none()) {
            let message = "nobody shows a certificate: `tls.client_ca` is missing";
            self.refuse("/identity/certificates", message.into(), None);
        }
        if tls.is_some_and(|tls| tls.client_optional && tls.client_ca.is_none()) {
            let message = "`client_optional` says something only with `client_ca`";
            self.refuse("/tls/client_optional", message.into(), None);
        }
        if identity.lockout.longest_ms < identity.lockout.first_ms {
            self.refuse("/identity/lockout/longest_ms", "this is shorter than `first_ms`".into(), None);
        }
        self.admin_tokens();
    }

    /// What the log and the limits tell principals apart by.
    fn once(&mut self, pointer: &str, name: &str, names: &mut BTreeSet<String>) {
        if name.is_empty() {
            self.refuse(pointer, "this must not be empty".into(), None);
        } else if !names.insert(name.to_owned()) {
            self.refuse(pointer, format!("there is another `{name}`"), None);
        }
    }

    fn issuer(&mut self, at: &str, issuer: &Issuer) {
        for (field, url) in [("issuer", Some(&issuer.issuer)), ("jwks_uri", issuer.jwks_uri.as_ref())] {
            if url.is_some_and(|url| !is_safe(url)) {
                let message = "this must be an https URL; http is for this machine alone";
                self.refuse(&format!("{at}/{field}"), message.into(), None);
            }
        }
        if issuer.audience.iter().any(String::is_empty) {
            self.refuse(&format!("{at}/audience"), "an audience must not be empty".into(), None);
        }
        let claims = &issuer.claims;
        match (&issuer.tenant, &claims.tenant) {
            (Some(tenant), None) => {
                self.refers(&format!("{at}/tenant"), "tenant", tenant, &self.config.tenants);
            }
            (None, Some(_)) => {}
            (Some(_), Some(_)) => {
                let message = "`tenant` is for all tokens, `claims.tenant` for each its own: leave one out";
                self.refuse(&format!("{at}/tenant"), message.into(), None);
            }
            (None, None) if issuer.admin.is_some() => {}
            (None, None) => {
                let message = "`tenant` or `claims.tenant` is missing, or `admin` where it is for that alone";
                self.refuse(at, message.into(), None);
            }
        }
        for (field, claim) in [
            ("claims/tenant", claims.tenant.as_ref()),
            ("claims/team", claims.team.as_ref()),
            ("claims/user", claims.user.as_ref()),
            ("claims/service", claims.service.as_ref()),
            ("claims/agent", claims.agent.as_ref()),
            ("claims/on_behalf_of", claims.on_behalf_of.as_ref()),
            ("admin/claim", issuer.admin.as_ref().map(|admin| &admin.claim)),
        ] {
            if let Some(Err(error)) = claim.map(|claim| claim.parse::<Claim>()) {
                self.refuse(&format!("{at}/{field}"), error.to_string(), None);
            }
        }
        for (claim, wanted) in &issuer.require {
            let pointer = format!("{at}/require/{}", token(claim));
            if let Err(error) = claim.parse::<Claim>() {
                self.refuse(&pointer, error.to_string(), None);
            }
            if wanted.is_empty() {
                self.refuse(&pointer, "without a word that it may be, no token is good".into(), None);
            }
        }
        if issuer.admin.as_ref().is_some_and(|admin| admin.roles.is_empty()) {
            self.refuse(&format!("{at}/admin/roles"), "this gives nobody a role".into(), None);
        }
        self.permissions(&format!("{at}/permissions"), &issuer.permissions);
    }

    fn certificate(&mut self, at: &str, certificate: &Certificate) {
        let Certificate { uri, dns, email, common_name, fingerprint, .. } = certificate;
        let fields = [
            ("uri", uri),
            ("dns", dns),
            ("email", email),
            ("common_name", common_name),
            ("fingerprint", fingerprint),
        ];
        let said: Vec<_> =
            fields.iter().filter_map(|(field, value)| Some((field, value.as_ref()?))).collect();
        for (field, pattern) in &said {
            if pattern.is_empty() || pattern.trim_end_matches('*').contains('*') {
                let message = "this must be a name; `*` may only end it";
                self.refuse(&format!("{at}/{field}"), message.into(), None);
            }
        }
        if said.is_empty() {
            let message =
                "say what is in the certificate: `uri`, `dns`, `email`, `common_name` or `fingerprint`";
            self.refuse(at, message.into(), None);
        }
        self.refers(&format!("{at}/tenant"), "tenant", &certificate.tenant, &self.config.tenants);
        self.permissions(&format!("{at}/permissions"), &certificate.permissions);
    }

    pub(super) fn permissions(&mut self, at: &str, permissions: &Permissions) {
        for (field, message) in permissions.faults() {
            self.refuse(&format!("{at}/{field}"), message, None);
        }
        if let Some(chain) = &permissions.chain {
            self.refers(&format!("{at}/chain"), "chain", chain, &self.config.chains);
        }
    }

    fn admin_tokens(&mut self) {
        let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        for (n, admin) in self.config.admin.tokens.iter().enumerate() {
            let at = format!("/admin/tokens/{n}");
            self.once(&format!("{at}/name"), &admin.name, &mut names);
            if parse_hash(&admin.hash).is_none() {
                self.refuse(&format!("{at}/hash"), "this is no hash".into(), None);
            } else if !hashes.insert(&admin.hash) {
                self.refuse(&format!("{at}/hash"), "this is the token of another as well".into(), None);
            }
        }
        if self.config.admin.token.as_ref().is_some_and(|token| token.expose().is_empty()) {
            self.refuse("/admin/token", "this must not be empty".into(), None);
        }
    }
}
