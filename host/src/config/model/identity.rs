//! The settings of who asks besides the keys of tenants: keys made at run time, tokens, certificates, lock-out.

use crate::auth::Permissions;
use crate::auth::admin::Role;
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Keys that are made at run time.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    /// The SQLite file that they are kept in. Without one none can be made.
    pub file: Option<PathBuf>,
}

/// Who asks, where that is not a key of a tenant.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Identity {
    /// Identity providers whose tokens are taken.
    pub issuers: Vec<Issuer>,
    /// Client certificates that are taken, in order: the first that fits is who asks. Needs `tls.client_ca`.
    pub certificates: Vec<Certificate>,
    /// What becomes of who guesses.
    pub lockout: Lockout,
}

/// An identity provider whose tokens (JWT) are taken.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// Its name in logs and records, in place of a key's.
    pub name: String,
    /// The `iss` of its tokens: an https URL. Its keys are found below it, by discovery.
    pub issuer: String,
    /// The `aud` that a token must have one of.
    #[schemars(length(min = 1))]
    pub audience: Vec<String>,
    /// Where its keys are, where they are not to be discovered.
    pub jwks_uri: Option<String>,
    /// How its tokens may be signed.
    #[serde(default = "algorithms")]
    #[schemars(length(min = 1))]
    pub algorithms: Vec<Algorithm>,
    /// Seconds by which its clock may differ.
    #[serde(default = "one_minute")]
    #[schemars(range(max = 600))]
    pub clock_skew_s: u64,
    /// Authorities to trust instead of the system's, as a PEM file.
    pub ca_file: Option<PathBuf>,
    /// Which claims name whom.
    #[serde(default)]
    pub claims: Claims,
    /// The tenant of all its tokens, where no claim names it.
    pub tenant: Option<String>,
    /// What else a token must say: of each claim, one of these words.
    #[serde(default)]
    pub require: BTreeMap<String, Vec<String>>,
    /// What may be asked for.
    #[serde(default)]
    pub permissions: Permissions,
    /// Whether requests may say which user and agent they are of, as for keys.
    #[serde(default)]
    pub delegates: bool,
    /// Roles on the admin listener. Without `tenant` and `claims.tenant` its tokens are for that alone.
    pub admin: Option<AdminClaim>,
}

/// Which claims name whom: by name, or by JSON pointer (`/act/sub`). One that a token has not names nobody.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Claims {
    /// The tenant. A token without it, or of one that is not configured, is refused.
    pub tenant: Option<String>,
    /// The team.
    pub team: Option<String>,
    /// The person; `sub` where nothing is said.
    pub user: Option<String>,
    /// The application.
    pub service: Option<String>,
    /// The agent.
    pub agent: Option<String>,
    /// For whom it acts.
    pub on_behalf_of: Option<String>,
}

/// How an issuer's tokens give roles.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminClaim {
    /// The claim.
    pub claim: String,
    /// The role for each word of it; of several the highest.
    #[schemars(extend("minProperties" = 1))]
    pub roles: BTreeMap<String, Role>,
}

/// How a token is signed. Shared secrets and unsigned tokens are not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[expect(missing_docs, reason = "the names of RFC 7518")]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    EdDSA,
}

/// Client certificates that are taken. Everything that is said must be in the certificate; an entry may end in `*`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Its name in logs and records, in place of a key's.
    pub name: String,
    /// A subject alternative name that is a URI, such as `spiffe://acme.example/ns/prod/*`.
    pub uri: Option<String>,
    /// A subject alternative name that is a host.
    pub dns: Option<String>,
    /// A subject alternative name that is an address of mail.
    pub email: Option<String>,
    /// The subject's common name.
    pub common_name: Option<String>,
    /// SHA-256 of the certificate, in lower-case hexadecimal.
    pub fingerprint: Option<String>,
    /// The tenant.
    pub tenant: String,
    /// The team.
    pub team: Option<String>,
    /// The person.
    pub user: Option<String>,
    /// The application.
    pub service: Option<String>,
    /// The agent.
    pub agent: Option<String>,
    /// What the name that was found (the first of those above) names.
    pub names: Option<Names>,
    /// Whether requests may say which user and agent they are of, as for keys.
    #[serde(default)]
    pub delegates: bool,
    /// Whether the certificate is who asks even where a key came along, as SDKs insist on sending one.
    #[serde(default)]
    pub outranks_keys: bool,
    /// What may be asked for.
    #[serde(default)]
    pub permissions: Permissions,
}

/// What a certificate's name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// The person.
    User,
    /// The application.
    Service,
    /// The agent.
    Agent,
}

/// What becomes of who guesses: an address that showed too many wrong credentials waits before another is looked at.
/// Credentials that were good from there before are served as ever.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Lockout {
    /// Wrong credentials that an address may show before it has to wait; 0 for as many as it likes.
    pub failures: u16,
    /// Milliseconds of the first wait; each further wrong credential doubles it.
    #[schemars(range(min = 1))]
    pub first_ms: u64,
    /// Milliseconds of the longest.
    #[schemars(range(min = 1, max = 86_400_000))]
    pub longest_ms: u64,
}

impl Default for Lockout {
    fn default() -> Self {
        Self { failures: 20, first_ms: 1_000, longest_ms: 300_000 }
    }
}

/// A token of an administrator.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminToken {
    /// Its name in the log.
    pub name: String,
    /// What it may do: `viewer` (usage, the list of keys), `operator` (reload, kept answers, requests held for review
    /// as well), `owner` (keys as well).
    pub role: Role,
    /// `sha256:` and the hexadecimal digest of the token (`lockgate hash-key` makes it).
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub hash: String,
}

fn algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA]
}

const fn one_minute() -> u64 {
    60
}
