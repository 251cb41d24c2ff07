//! Who administers: from a token to a name and a role.
//!
//! Invariants: only hashes of tokens are held, compared in constant time with every one there is; who shows too many
//! wrong ones waits; where neither tokens nor issuers are configured, only this machine is let in, and no page that a
//! browser on it shows.

use super::configured::{Hash, digest};
use super::issuer::{Claim, Issuers};
use super::lockout::{Lockout, LockoutSettings};
use super::{AuthError, Rejected};
use http::header::{AUTHORIZATION, HOST, HeaderMap, ORIGIN};
use http::uri::Authority;
use schemars::JsonSchema;
use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

/// Whether a request that came from this machine was also meant by somebody on it: not by a page that a browser here
/// shows, which sends its origin, or has had its own name lead here.
fn is_of_this_machine(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let here = host.is_none_or(|host| {
        let host = host.host().trim_matches(['[', ']']);
        host.eq_ignore_ascii_case("localhost")
            || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
    });
    here && !headers.contains_key(ORIGIN)
}

/// What an administrator may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Looks at usage and at the list of keys.
    Viewer,
    /// Reloads, and looks at and decides about what is kept: answers, and requests held for review.
    Operator,
    /// Makes, changes and revokes keys.
    Owner,
}

impl Role {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Owner => "owner",
        }
    }
}

/// An administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The name of the token, or the issuer and the user that it names; for the log.
    pub name: Arc<str>,
    /// What may be done.
    pub role: Role,
}

/// Which claim of an issuer's tokens gives roles.
#[derive(Debug, Clone)]
pub struct RoleClaim {
    /// The issuer, by its name.
    pub issuer: Arc<str>,
    /// The claim.
    pub claim: Claim,
    /// The role for each word that it may hold.
    pub roles: Vec<(String, Role)>,
    /// The claim that names who it is.
    pub user: Claim,
}

/// The administrators there are.
#[derive(Default)]
pub struct Admins {
    /// Tokens by their hashes.
    pub tokens: Vec<([u8; 32], Administrator)>,
    /// Whose tokens give roles, and by which claims.
    pub issuers: Issuers,
    /// The claims, one for each of the issuers.
    pub claims: Vec<RoleClaim>,
    /// What is known of addresses, and how patient to be with them.
    pub lockout: (Arc<Lockout>, Option<LockoutSettings>),
}

impl fmt::Debug for Admins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Admins").field("tokens", &self.tokens.len()).finish_non_exhaustive()
    }
}

impl Admins {
    /// Who sends these headers.
    ///
    /// # Errors
    /// Nobody who may; what is wrong with the token is not said.
    pub async fn identify(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Administrator, AuthError> {
        if self.tokens.is_empty() && self.issuers.is_empty() {
            let here = peer.to_canonical().is_loopback() && is_of_this_machine(headers);
            let name = "loopback".into();
            return if here {
                Ok(Administrator { name, role: Role::Owner })
            } else {
                Err(AuthError::Missing)
            };
        }
        let mut given = headers.get_all(AUTHORIZATION).iter();
        let shown = match (given.next(), given.next()) {
            (Some(value), None) => value.as_bytes().strip_prefix(b"Bearer "),
            _ => None,
        };
        let shown = shown.filter(|shown| !shown.is_empty()).ok_or(AuthError::Missing)?;
        let digest = digest(shown);
        let (lockout, settings) = &self.lockout;
        if let Some(settings) = settings
            && let Some(wait) = lockout.wait(settings, peer, &digest)
        {
            return Err(AuthError::Locked(wait));
        }
        let known = match self.by_token(&digest) {
            Some(known) => Ok(known.clone()),
            None => self.by_claim(shown).await,
        };
        match known {
            Ok(known) => {
                lockout.succeeded(peer, &digest);
                Ok(known)
            }
            Err(Rejected::Unavailable) => Err(AuthError::Unavailable),
            Err(Rejected::Ended) => Err(AuthError::Invalid),
            Err(Rejected::Unknown) => {
                lockout.failed(peer);
                Err(AuthError::Invalid)
            }
        }
    }

    /// All are compared, whichever it is.
    fn by_token(&self, digest: &Hash) -> Option<&Administrator> {
        let mut found = u64::MAX;
        for (place, (hash, _)) in (0_u64..).zip(&self.tokens) {
            found = u64::conditional_select(&found, &place, hash.ct_eq(digest));
        }
        self.tokens.get(usize::try_from(found).ok()?).map(|(_, administrator)| administrator)
    }

    /// The highest role that the claim gives.
    async fn by_claim(&self, shown: &[u8]) -> Result<Administrator, Rejected> {
        let (claims, issuer) = self.issuers.claims(shown).await?;
        let rule = self.claims.iter().find(|rule| *rule.issuer == *issuer.name()).ok_or(Rejected::Ended)?;
        let said = claims.values(&rule.claim);
        let given =
            rule.roles.iter().filter(|(word, _)| said.contains(&word.as_str())).map(|(_, role)| *role);
        let role = given.max().ok_or(Rejected::Ended)?;
        let user = claims.name(&rule.user).ok().flatten().ok_or(Rejected::Ended)?;
        Ok(Administrator { name: format!("{}:{user}", rule.issuer).into(), role })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::auth::hash_key;
    use crate::auth::parse_hash;
    use std::time::Duration;

    async fn ask(admins: &Admins, peer: &str, headers: &[(&'static str, &str)]) -> Result<String, AuthError> {
        let named = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let who = admins.identify(&named.collect(), peer.parse().unwrap()).await?;
        Ok(format!("{} {}", who.name, who.role.name()))
    }

    fn token(name: &str, role: Role) -> (Hash, Administrator) {
        (parse_hash(&hash_key(&format!("token-{name}"))).unwrap(), Administrator { name: name.into(), role })
    }

    #[tokio::test]
    async fn without_tokens_this_machine_is_the_owner_and_a_page_on_it_is_not() {
        let admins = Admins::default();
        let owner = Ok("loopback owner".to_owned());
        for host in ["127.0.0.1:8081", "localhost:8081", "[::1]:8081", "LOCALHOST"] {
            assert_eq!(ask(&admins, "127.0.0.1", &[("host", host)]).await, owner, "{host}");
        }
        assert_eq!(ask(&admins, "::ffff:127.0.0.1", &[]).await, owner);
        for (peer, headers) in [
            ("192.0.2.1", vec![]),
            ("127.0.0.1", vec![("host", "rebound.example:8081")]),
            ("127.0.0.1", vec![("host", "127.0.0.1:8081"), ("origin", "http://page.example")]),
        ] {
            assert_eq!(ask(&admins, peer, &headers).await, Err(AuthError::Missing), "{headers:?}");
        }
    }

    #[tokio::test]
    async fn a_token_has_a_name_and_a_role_and_who_guesses_waits() {
        let patience =
            LockoutSettings { failures: 2, first: Duration::from_secs(60), longest: Duration::from_secs(60) };
        let admins = Admins {
            tokens: vec![token("ada", Role::Owner), token("bob", Role::Viewer)],
            lockout: (Arc::default(), Some(patience)),
            ..Admins::default()
        };
        for (header, wanted) in [
            ("Bearer token-ada", Ok("ada owner".to_owned())),
            ("Bearer token-bob", Ok("bob viewer".to_owned())),
            ("Bearer ", Err(AuthError::Missing)),
            ("token-ada", Err(AuthError::Missing)),
            ("Bearer token-eve", Err(AuthError::Invalid)),
            ("Bearer token-eva", Err(AuthError::Invalid)),
        ] {
            assert_eq!(ask(&admins, "127.0.0.1", &[("authorization", header)]).await, wanted, "{header}");
        }
        assert!(matches!(
            ask(&admins, "127.0.0.1", &[("authorization", "Bearer token-evi")]).await,
            Err(AuthError::Locked(_))
        ));
        assert!(ask(&admins, "127.0.0.1", &[("authorization", "Bearer token-ada")]).await.is_ok());
    }
}
