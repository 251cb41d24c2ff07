//! What a provider's adapter made of requests, and what of it holds for more than one of them.
//!
//! Never locks: what is kept is replaced whole, and whoever is overtaken at that does it again. Keeps nothing of an exchange,
//! and no credential.

use crate::chat::Operation;
use crate::plugin::{Call, CallBody, HeaderValue as Said};
use crate::upstream::Upstream;
use arc_swap::ArcSwap;
use http::{HeaderName, HeaderValue, Method, Uri};
use std::sync::Arc;

/// Calls of one provider that are kept. Clients may name models themselves (`provider/*`), so there may be any number.
const MOST: usize = 64;
/// Bytes of the name of a model whose call is kept: longer than any is, and no burden where clients make names up.
const MAX_MODEL: usize = 256;

/// A provider's request but for its body and its credential.
#[derive(Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Below the provider's base URL.
    pub uri: Uri,
    /// The headers.
    pub headers: Vec<(HeaderName, Value)>,
    /// A signer of the host's.
    pub signer: Option<String>,
    /// Whether the host reads the answer itself.
    pub native: bool,
}

/// The value of a header.
#[derive(Debug)]
pub enum Value {
    /// As it stands.
    Text(HeaderValue),
    /// A credential of the provider's, which is put in where the request is sent.
    Secret {
        /// Which one.
        name: String,
        /// What stands before it.
        prefix: String,
    },
}

impl Head {
    /// What an adapter's call means, and the call's body.
    ///
    /// # Errors
    /// What of the call is none.
    pub fn of(call: Call, upstream: &Upstream) -> Result<(Self, CallBody), &'static str> {
        let native = call.is_native();
        let Call { method, path, headers, body, signer, .. } = call;
        let header = |(name, value): (String, Said)| {
            let value = match value {
                Said::Text(text) => Value::Text(text.try_into().ok()?),
                Said::Secret { name, prefix } => Value::Secret { name, prefix },
            };
            Some((name.try_into().ok()?, value))
        };
        let head = Self {
            method: Method::from_bytes(method.as_bytes()).map_err(|_| "method")?,
            uri: upstream.url(&path).map_err(|_| "path")?,
            headers: headers.into_iter().map(header).collect::<Option<_>>().ok_or("header")?,
            signer,
            native,
        };
        Ok((head, body))
    }
}

/// The calls of one provider that hold.
#[derive(Debug, Default)]
pub struct Calls(ArcSwap<Vec<Held>>);

/// A call that its adapter would make again of the same.
#[derive(Debug, Clone)]
struct Held {
    operation: Operation,
    streaming: bool,
    model: Arc<str>,
    head: Arc<Head>,
}

impl Calls {
    /// The call of such a request, where one holds.
    #[must_use]
    pub fn held(&self, operation: Operation, streaming: bool, model: &str) -> Option<Arc<Head>> {
        let held = self.0.load();
        let held = held.iter().find(|held| held.is_of(operation, streaming, model))?;
        Some(held.head.clone())
    }

    /// Keeps the call of such requests, and forgets the oldest where there are too many. A model whose name is no name is
    /// passed over.
    pub fn hold(&self, operation: Operation, streaming: bool, model: &str, head: Arc<Head>) {
        if model.len() > MAX_MODEL {
            return;
        }
        let new = Held { operation, streaming, model: model.into(), head };
        self.0.rcu(|held| {
            let others = held.iter().filter(|held| !held.is_of(operation, streaming, model));
            let mut held: Vec<Held> = others.cloned().collect();
            held.drain(..held.len().saturating_sub(MOST - 1));
            held.push(new.clone());
            held
        });
    }
}

impl Held {
    fn is_of(&self, operation: Operation, streaming: bool, model: &str) -> bool {
        self.operation == operation && self.streaming == streaming && *self.model == *model
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn head(path: &'static str) -> Arc<Head> {
        let uri = Uri::from_static(path);
        Arc::new(Head { method: Method::POST, uri, headers: Vec::new(), signer: None, native: true })
    }

    #[test]
    fn a_call_holds_for_the_same_operation_way_and_model() {
        let (calls, operation) = (Calls::default(), Operation::Chat);
        assert!(calls.held(operation, false, "m").is_none());
        calls.hold(operation, false, "m", head("/m"));
        calls.hold(operation, true, "m", head("/streamed"));
        calls.hold(operation, false, "n", head("/n"));
        let held = |operation, streaming, model| {
            calls.held(operation, streaming, model).map(|head| head.uri.path().to_owned())
        };
        assert_eq!(held(operation, false, "m").unwrap(), "/m");
        assert_eq!(held(operation, true, "m").unwrap(), "/streamed");
        assert_eq!(held(operation, false, "n").unwrap(), "/n");
        assert_eq!(held(operation, true, "n"), None);
        assert_eq!(held(Operation::Embeddings, false, "m"), None);
    }

    #[test]
    fn what_is_no_name_is_not_kept() {
        let calls = Calls::default();
        for length in [MAX_MODEL, MAX_MODEL + 1] {
            let model = "m".repeat(length);
            calls.hold(Operation::Chat, false, &model, head("/"));
            assert_eq!(calls.held(Operation::Chat, false, &model).is_some(), length == MAX_MODEL);
        }
    }

    #[test]
    fn only_so_many_are_kept_and_the_newest() {
        let calls = Calls::default();
        for model in 0..2 * MOST {
            // Twice, as where two exchanges ask at once.
            for _ in 0..2 {
                calls.hold(Operation::Chat, false, &model.to_string(), head("/"));
            }
        }
        let held = |model: usize| calls.held(Operation::Chat, false, &model.to_string()).is_some();
        assert_eq!(
            (0..2 * MOST).filter(|model| held(*model)).collect::<Vec<_>>(),
            Vec::from_iter(MOST..2 * MOST)
        );
    }
}
