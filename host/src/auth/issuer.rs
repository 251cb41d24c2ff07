//! Tokens of identity providers: signed claims (JWT) whose keys the provider publishes (OpenID Connect discovery, JWKS).
//!
//! Invariants: a token is good only where its signature, its issuer, its audience and its time all are; the algorithm
//! is of the operator's list and fits the key, so a public key is never a shared secret and nothing is unsigned; a
//! token that was verified is taken from memory until its end, or until the provider's keys change. No request waits
//! for the network but the first with an unknown key, and that for a bounded time. No token is kept, only its hash.

mod claims;
mod keyset;
mod source;
#[cfg(test)]
mod tests;
mod token;

pub use claims::{Claim, ClaimNames};
pub use keyset::Algorithm;
pub use source::{KeySource, KeySourceSettings, is_safe};

use super::configured::Hash;
use super::{Holder, Permissions, Principal, Rejected};
use crate::clock::unix_seconds;
use claims::Claims;
use dashmap::DashMap;
use std::sync::Arc;
use token::Token;

/// Verified tokens that are remembered, of one issuer.
const MAX_VERIFIED: usize = 20_000;

/// Whose tokens are taken, and for whom.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// Its name, which is the principal's key.
    pub name: Arc<str>,
    /// The `iss` of its tokens.
    pub issuer: String,
    /// The `aud` of its tokens: one of these.
    pub audience: Vec<String>,
    /// The algorithms that its tokens may be signed by.
    pub algorithms: Vec<Algorithm>,
    /// Seconds by which its clock may differ from ours.
    pub clock_skew: u64,
    /// What else a token must say: the claim, and what of it is one of these.
    pub require: Vec<(Claim, Vec<String>)>,
    /// Whom the claims name.
    pub names: ClaimNames,
    /// The tenant of all its tokens; else a claim says it.
    pub tenant: Option<Arc<str>>,
    /// What may be asked for.
    pub permissions: Arc<Permissions>,
    /// Whether requests may say of which user and agent they are.
    pub delegates: bool,
}

/// One issuer.
#[derive(Debug)]
pub struct Issuer {
    settings: IssuerSettings,
    keys: Arc<KeySource>,
    verified: DashMap<Hash, Verified, foldhash::quality::RandomState>,
}

/// A token that was found good.
#[derive(Debug, Clone)]
struct Verified {
    principal: Principal,
    /// When it ends, the clock's skew counted.
    ends: u64,
    /// The keys it was verified with.
    generation: u64,
}

impl Issuer {
    /// An issuer, and where its keys are.
    #[must_use]
    pub fn new(settings: IssuerSettings, keys: Arc<KeySource>) -> Self {
        Self { settings, keys, verified: DashMap::default() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    fn known(&self, digest: &Hash, now: u64) -> Option<Principal> {
        let known = self.verified.get(digest)?;
        let good = known.ends > now && known.generation == self.keys.generation() && self.keys.is_good();
        good.then(|| known.principal.clone())
    }

    /// The claims of a token that is good for this issuer, and when they end.
    async fn claims(&self, token: &Token<'_>, now: u64) -> Result<(Claims, u64, u64), Rejected> {
        let settings = &self.settings;
        let algorithm = token.algorithm().filter(|algorithm| settings.algorithms.contains(algorithm));
        let algorithm = algorithm.ok_or(Rejected::Unknown)?;
        let (keys, generation) = self.keys.keys_for(token.key_id(), algorithm).await?;
        if !keys.iter().any(|key| key.verifies(algorithm, token.signed(), token.signature())) {
            return Err(Rejected::Unknown);
        }
        let claims = token.claims().ok_or(Rejected::Ended)?;
        let ends = claims.lasts(now, settings.clock_skew).ok_or(Rejected::Ended)?;
        let fits = claims.is_for(&settings.audience)
            && settings.require.iter().all(|(claim, wanted)| claims.says(claim, wanted));
        if fits { Ok((claims, ends, generation)) } else { Err(Rejected::Ended) }
    }

    async fn identify(&self, token: &Token<'_>, digest: &Hash, now: u64) -> Result<Principal, Rejected> {
        let (claims, ends, generation) = self.claims(token, now).await?;
        let principal = self.principal(&claims).ok_or(Rejected::Ended)?;
        if self.verified.len() >= MAX_VERIFIED {
            self.verified.retain(|_, known| known.ends > now);
            if self.verified.len() >= MAX_VERIFIED {
                // Rather verify again than keep without bound.
                self.verified.clear();
            }
        }
        self.verified.insert(*digest, Verified { principal: principal.clone(), ends, generation });
        Ok(principal)
    }

    fn principal(&self, claims: &Claims) -> Option<Principal> {
        let settings = &self.settings;
        let names = &settings.names;
        let tenant = match &settings.tenant {
            Some(tenant) => tenant.clone(),
            None => claims.name(names.tenant.as_ref()?).ok()??,
        };
        let name = |claim: &Option<Claim>| match claim {
            Some(claim) => claims.name(claim),
            None => Ok(None),
        };
        let holder = Holder {
            team: name(&names.team).ok()?,
            user: name(&names.user).ok()?,
            service: name(&names.service).ok()?,
            agent: name(&names.agent).ok()?,
            on_behalf_of: name(&names.on_behalf_of).ok()?,
            delegates: settings.delegates,
            ..Holder::default()
        };
        Some(Principal {
            tenant,
            key: settings.name.clone(),
            holder,
            permissions: settings.permissions.clone(),
        })
    }
}

/// The issuers of a configuration.
#[derive(Debug, Clone, Default)]
pub struct Issuers(Vec<Arc<Issuer>>);

impl Issuers {
    /// These.
    #[must_use]
    pub fn new(issuers: Vec<Arc<Issuer>>) -> Self {
        Self(issuers)
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has the keys fetched that are not there yet, so that the first token need not wait.
    pub fn warm(&self) {
        for issuer in &self.0 {
            let _ = issuer.keys.is_good();
        }
    }

    /// Whose token this is.
    pub(super) async fn identify(&self, shown: &[u8], digest: &Hash) -> Result<Principal, Rejected> {
        let now = unix_seconds();
        if let Some(principal) = self.0.iter().find_map(|issuer| issuer.known(digest, now)) {
            return Ok(principal);
        }
        let (token, issuers) = self.of(shown)?;
        let mut rejected = Rejected::Unknown;
        for issuer in issuers {
            match issuer.identify(&token, digest, now).await {
                Ok(principal) => return Ok(principal),
                // Of several that the token may be of, the one that came furthest says why.
                Err(why) => rejected = rejected.or(why),
            }
        }
        Err(rejected)
    }

    /// What a token says, and which issuer's it is: the first for which it is good.
    pub(super) async fn claims(&self, shown: &[u8]) -> Result<(Claims, &Issuer), Rejected> {
        let (token, issuers) = self.of(shown)?;
        let mut rejected = Rejected::Unknown;
        for issuer in issuers {
            match issuer.claims(&token, unix_seconds()).await {
                Ok((claims, ..)) => return Ok((claims, issuer)),
                Err(why) => rejected = rejected.or(why),
            }
        }
        Err(rejected)
    }

    fn of<'a, 's>(
        &'s self,
        shown: &'a [u8],
    ) -> Result<(Token<'a>, impl Iterator<Item = &'s Issuer>), Rejected> {
        if self.is_empty() {
            return Err(Rejected::Unknown);
        }
        let token = Token::parse(shown).ok_or(Rejected::Unknown)?;
        let issuer = token.issuer().ok_or(Rejected::Unknown)?;
        let issuers = self.0.iter().filter(move |known| known.settings.issuer == issuer);
        Ok((token, issuers.map(|issuer| &**issuer)))
    }
}

impl Rejected {
    fn or(self, other: Self) -> Self {
        if self == Self::Unknown { other } else { self }
    }
}
