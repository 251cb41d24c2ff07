//! Who may come in, from a configuration and from what outlives it.

use super::Shared;
use crate::auth::admin::{Administrator, Admins, Role, RoleClaim};
use crate::auth::issuer::{
    Algorithm, Claim, ClaimNames, Issuer, IssuerSettings, Issuers, KeySource, KeySourceSettings,
};
use crate::auth::{
    CertificateRule, Field, Holder, HolderField, LockoutSettings, Sources, Tags, TenantKey, hash_key,
    parse_hash,
};
use crate::config::{Config, identity};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// Everybody who may come in to ask models.
pub fn clients(shared: &Shared, config: &Config) -> Sources {
    let configured = config.tenants.iter().flat_map(|(tenant, settings)| {
        let tenant: Arc<str> = tenant.as_str().into();
        settings.keys.iter().map(move |key| TenantKey {
            tenant: tenant.clone(),
            name: key.name.as_str().into(),
            hash: key.hash.clone(),
            holder: Holder {
                team: name(&key.team),
                user: name(&key.user),
                service: name(&key.service),
                agent: name(&key.agent),
                on_behalf_of: None,
                delegates: key.delegates,
                tags: Tags::of(key.tags.iter().map(|(name, value)| (name.as_str(), value.as_str())))
                    .unwrap_or_default(),
                priority: key.priority,
                // Those of the configuration are with the routes.
                ..Holder::default()
            },
            permissions: key.permissions.clone().shared(),
        })
    });
    let for_clients = |issuer: &&identity::Issuer| issuer.tenant.is_some() || issuer.claims.tenant.is_some();
    Sources {
        configured: configured.collect(),
        keys: shared.keys.clone(),
        issuers: issuers(shared, config.identity.issuers.iter().filter(for_clients)),
        certificates: config.identity.certificates.iter().map(certificate).collect(),
        anonymous: config.anonymous.as_deref().map(Arc::from),
        lockout: (shared.lockout.clone(), lockout(config)),
    }
}

/// Everybody who may administer.
pub fn admins(shared: &Shared, config: &Config) -> Admins {
    let token = config.admin.token.as_ref().and_then(|token| {
        let owner = Administrator { name: "token".into(), role: Role::Owner };
        Some((parse_hash(&hash_key(token.expose()))?, owner))
    });
    let tokens = config.admin.tokens.iter().filter_map(|token| {
        let administrator = Administrator { name: token.name.as_str().into(), role: token.role };
        Some((parse_hash(&token.hash)?, administrator))
    });
    let for_admins = config.identity.issuers.iter().filter(|issuer| issuer.admin.is_some());
    let claims = for_admins.clone().filter_map(|issuer| {
        let admin = issuer.admin.as_ref()?;
        Some(RoleClaim {
            issuer: issuer.name.as_str().into(),
            claim: admin.claim.parse().ok()?,
            roles: admin.roles.iter().map(|(word, role)| (word.clone(), *role)).collect(),
            user: user(issuer)?,
        })
    });
    Admins {
        tokens: token.into_iter().chain(tokens).collect(),
        claims: claims.collect(),
        issuers: issuers(shared, for_admins),
        lockout: (shared.admin_lockout.clone(), lockout(config)),
    }
}

/// The chains besides the routes' own that principals of a tenant may be given.
pub fn chains<'c>(config: &'c Config, tenant: &str) -> BTreeSet<&'c str> {
    let Some(settings) = config.tenants.get(tenant) else { return BTreeSet::new() };
    let of_keys = settings.keys.iter().map(|key| &key.permissions);
    let fits = |of: &Option<String>| of.as_deref().is_none_or(|of| of == tenant);
    let of_issuers = config.identity.issuers.iter().filter(|issuer| fits(&issuer.tenant));
    let of_certificates = config.identity.certificates.iter().filter(|rule| rule.tenant == tenant);
    let permissions = of_keys
        .chain(of_issuers.map(|issuer| &issuer.permissions))
        .chain(of_certificates.map(|rule| &rule.permissions));
    let named = permissions.filter_map(|permissions| permissions.chain.as_deref());
    named.chain(settings.chains.iter().map(String::as_str)).collect()
}

fn lockout(config: &Config) -> Option<LockoutSettings> {
    let settings = &config.identity.lockout;
    (settings.failures > 0).then(|| LockoutSettings {
        failures: settings.failures,
        first: Duration::from_millis(settings.first_ms),
        longest: Duration::from_millis(settings.longest_ms),
    })
}

/// Issuers; the keys that were fetched for one outlive configurations.
fn issuers<'c>(shared: &Shared, settings: impl Iterator<Item = &'c identity::Issuer>) -> Issuers {
    let mut known: parking_lot::MutexGuard<'_, HashMap<KeySourceSettings, Arc<KeySource>>> =
        shared.token_keys.lock();
    let made = settings.map(|issuer| {
        let at = KeySourceSettings {
            issuer: issuer.issuer.clone(),
            jwks_uri: issuer.jwks_uri.clone(),
            ca_file: issuer.ca_file.clone(),
        };
        let keys = known.entry(at.clone()).or_insert_with(|| Arc::new(KeySource::new(at))).clone();
        Arc::new(Issuer::new(issuer_settings(issuer), keys))
    });
    Issuers::new(made.collect())
}

fn issuer_settings(issuer: &identity::Issuer) -> IssuerSettings {
    let claim = |claim: &Option<String>| claim.as_deref().and_then(|claim| claim.parse::<Claim>().ok());
    let claims = &issuer.claims;
    let require = issuer.require.iter();
    IssuerSettings {
        name: issuer.name.as_str().into(),
        issuer: issuer.issuer.clone(),
        audience: issuer.audience.clone(),
        algorithms: issuer.algorithms.iter().map(|algorithm| algorithm_of(*algorithm)).collect(),
        clock_skew: issuer.clock_skew_s,
        require: require.filter_map(|(name, wanted)| Some((name.parse().ok()?, wanted.clone()))).collect(),
        names: ClaimNames {
            tenant: claim(&claims.tenant),
            team: claim(&claims.team),
            user: user(issuer),
            service: claim(&claims.service),
            agent: claim(&claims.agent),
            on_behalf_of: claim(&claims.on_behalf_of),
        },
        tenant: name(&issuer.tenant),
        permissions: issuer.permissions.clone().shared(),
        delegates: issuer.delegates,
    }
}

fn user(issuer: &identity::Issuer) -> Option<Claim> {
    issuer.claims.user.as_deref().unwrap_or("sub").parse().ok()
}

fn certificate(rule: &identity::Certificate) -> CertificateRule {
    let wants = [
        (Field::Uri, &rule.uri),
        (Field::Dns, &rule.dns),
        (Field::Email, &rule.email),
        (Field::CommonName, &rule.common_name),
        (Field::Fingerprint, &rule.fingerprint),
    ];
    CertificateRule {
        name: rule.name.as_str().into(),
        wants: wants.into_iter().filter_map(|(field, pattern)| Some((field, pattern.clone()?))).collect(),
        tenant: rule.tenant.as_str().into(),
        holder: Holder {
            team: name(&rule.team),
            user: name(&rule.user),
            service: name(&rule.service),
            agent: name(&rule.agent),
            on_behalf_of: None,
            delegates: rule.delegates,
            ..Holder::default()
        },
        names: rule.names.map(|names| match names {
            identity::Names::User => HolderField::User,
            identity::Names::Service => HolderField::Service,
            identity::Names::Agent => HolderField::Agent,
        }),
        permissions: rule.permissions.clone().shared(),
        outranks_keys: rule.outranks_keys,
    }
}

const fn algorithm_of(algorithm: identity::Algorithm) -> Algorithm {
    match algorithm {
        identity::Algorithm::RS256 => Algorithm::Rs256,
        identity::Algorithm::RS384 => Algorithm::Rs384,
        identity::Algorithm::RS512 => Algorithm::Rs512,
        identity::Algorithm::PS256 => Algorithm::Ps256,
        identity::Algorithm::PS384 => Algorithm::Ps384,
        identity::Algorithm::PS512 => Algorithm::Ps512,
        identity::Algorithm::ES256 => Algorithm::Es256,
        identity::Algorithm::ES384 => Algorithm::Es384,
        identity::Algorithm::EdDSA => Algorithm::EdDsa,
    }
}

fn name(name: &Option<String>) -> Option<Arc<str>> {
    name.as_deref().map(Arc::from)
}
