//! What an operator allows a binding. Denied unless granted.

use std::collections::BTreeMap;

/// What one binding may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Key-value buckets.
    pub kv: Vec<String>,
    /// Kept answers.
    pub responses: bool,
    /// Vector collections.
    pub vectors: Vec<String>,
    /// Named HTTP destinations; what they are is the host's to know. None is not even the interface.
    pub http: Option<BTreeMap<String, super::Destination>>,
    /// Facts of the exchange beyond the usual ones.
    pub attributes: Vec<String>,
    /// Request headers beyond `x-lockgate-*`.
    pub headers: Vec<String>,
}

/// An import that a binding is not granted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it imports `{import}`, which is not granted: {remedy}")]
pub struct UngrantedImport {
    /// The interface.
    pub import: String,
    /// What to do about it.
    pub remedy: &'static str,
}

/// Interfaces of the contract that every plugin may import.
const OPEN: [&str; 5] = ["types", "exchange", "signals", "log", "metrics"];
/// WASI packages that are linked inert.
const INERT: [&str; 5] = ["wasi:cli/", "wasi:io/", "wasi:clocks/", "wasi:random/", "wasi:filesystem/"];

impl Grants {
    /// Every import beyond the grants.
    #[must_use]
    pub fn missing(&self, imports: &[String]) -> Vec<UngrantedImport> {
        imports
            .iter()
            .filter_map(|import| {
                Some(UngrantedImport { remedy: self.refusal(import)?, import: import.clone() })
            })
            .collect()
    }

    /// Whether no service is granted.
    #[must_use]
    pub fn only_computes(&self) -> bool {
        let Self { kv, responses, vectors, http, attributes: _, headers: _ } = self;
        kv.is_empty() && !responses && vectors.is_empty() && http.is_none()
    }

    /// Whether a fact of the exchange may be read.
    #[must_use]
    pub fn allows_attr(&self, key: &str) -> bool {
        let private = key.starts_with("principal.") || key == "client.ip";
        !private || self.attributes.iter().any(|granted| granted == key)
    }

    /// Whether a request header may be read.
    #[must_use]
    pub fn allows_header(&self, name: &str) -> bool {
        name.starts_with("x-lockgate-")
            || self.headers.iter().any(|granted| granted.eq_ignore_ascii_case(name))
    }

    fn refusal(&self, import: &str) -> Option<&'static str> {
        let name = import.split('@').next().unwrap_or(import);
        if let Some(interface) = name.strip_prefix("lockgate:plugin/") {
            return match interface {
                _ if OPEN.contains(&interface) => None,
                "kv" => self.kv.is_empty().then_some("add `kv: [bucket, …]` to the binding's grants"),
                "responses" => (!self.responses).then_some("add `responses: true` to the binding's grants"),
                "vectors" => self
                    .vectors
                    .is_empty()
                    .then_some("add `vectors: [collection, …]` to the binding's grants"),
                "http" => {
                    self.http.is_none().then_some("add `http: { name: { url: … } }` to the binding's grants")
                }
                _ => Some("this host does not offer it"),
            };
        }
        if INERT.iter().any(|package| name.starts_with(package)) {
            return None;
        }
        Some("plugins have no sockets of their own; ask for the `http` interface of the contract")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_granted_is_missing() {
        let imports: Vec<String> = [
            "wasi:cli/stderr@0.2.6",
            "lockgate:plugin/exchange@0.1.0",
            "lockgate:plugin/kv@0.1.0",
            "lockgate:plugin/vectors@0.1.0",
            "wasi:sockets/tcp@0.2.6",
            "acme:own/thing",
        ]
        .map(str::to_owned)
        .to_vec();
        let missing =
            |grants: Grants| grants.missing(&imports).into_iter().map(|m| m.import).collect::<Vec<_>>();
        assert_eq!(missing(Grants::default()).len(), 4);
        let granted = Grants { kv: vec!["b".into()], vectors: vec!["c".into()], ..Grants::default() };
        assert_eq!(missing(granted), ["wasi:sockets/tcp@0.2.6", "acme:own/thing"]);
    }

    #[test]
    fn private_facts_and_headers_need_a_grant() {
        let none = Grants::default();
        assert!(
            none.allows_attr("route.name")
                && !none.allows_attr("principal.key")
                && !none.allows_attr("client.ip")
        );
        assert!(none.allows_header("x-lockgate-cache") && !none.allows_header("user-agent"));
        let some =
            Grants { attributes: vec!["client.ip".into()], headers: vec!["User-Agent".into()], ..none };
        assert!(
            some.allows_attr("client.ip")
                && !some.allows_attr("principal.key")
                && some.allows_header("user-agent")
        );
    }
}
