//! What an answer tells of its exchange: headers, and the comment that ends a stream.
//!
//! Only reads what the life knows. Never tells what a plugin may not say in a header: whatever is not plain text without
//! commas stays in the log and the ledger.

use super::life::{Life, millis};
use super::quota;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::fmt::Write as _;

/// Bytes of the flags' header; what does not fit is in the log and the ledger.
const MAX_FLAGS_HEADER: usize = 1_024;
/// About how many headers an answer has.
const DESCRIBED: usize = 24;

// Made once: reading a name takes as long as telling it.
/// The exchange's id.
pub static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
static ROUTE: HeaderName = HeaderName::from_static("x-lockgate-route");
static ATTEMPTS: HeaderName = HeaderName::from_static("x-lockgate-attempts");
static CACHE: HeaderName = HeaderName::from_static("x-lockgate-cache");
static CACHE_ID: HeaderName = HeaderName::from_static("x-lockgate-cache-id");
static PROVIDER: HeaderName = HeaderName::from_static("x-lockgate-provider");
static MODEL: HeaderName = HeaderName::from_static("x-lockgate-model");
static OVERHEAD_MS: HeaderName = HeaderName::from_static("x-lockgate-overhead-ms");
static TOKENS_IN: HeaderName = HeaderName::from_static("x-lockgate-tokens-in");
static TOKENS_OUT: HeaderName = HeaderName::from_static("x-lockgate-tokens-out");
static USAGE: HeaderName = HeaderName::from_static("x-lockgate-usage");
static COST_USD: HeaderName = HeaderName::from_static("x-lockgate-cost-usd");
static COST: HeaderName = HeaderName::from_static("x-lockgate-cost");
static DEGRADED: HeaderName = HeaderName::from_static("x-lockgate-degraded");
static FLAGS: HeaderName = HeaderName::from_static("x-lockgate-flags");

impl Life {
    /// Adds what is known to an answer's headers. `complete`: tokens and cost are known as well.
    pub fn describe(&self, headers: &mut HeaderMap, complete: bool) {
        headers.reserve(DESCRIBED);
        put(headers, &REQUEST_ID, self.exchange.id());
        put(headers, &ROUTE, &self.route.name);
        headers.insert(&ATTEMPTS, self.attempts.into());
        headers.insert(&CACHE, HeaderValue::from_static(self.cache.name()));
        if let Some(id) = &self.cache_id {
            put(headers, &CACHE_ID, id);
        }
        if let Some(target) = self.target() {
            let prompt = self.exchange.prompt();
            put(headers, &PROVIDER, &target.provider.name);
            put(headers, &MODEL, target.model_for(prompt.model()));
        }
        put(headers, &OVERHEAD_MS, &millis(self.overhead()));
        if complete {
            let usage = self.total_usage();
            headers.insert(&TOKENS_IN, usage.input.into());
            headers.insert(&TOKENS_OUT, usage.output.into());
            headers.insert(&USAGE, HeaderValue::from_static(self.basis().name()));
            if let Some(cost) = self.cost() {
                put(headers, &COST_USD, &cost.to_string());
                if let Some(currency) = &self.gateway.currency {
                    put(headers, &COST, &currency.show(cost));
                }
            }
        }
        if let Some(degraded) = self.degraded {
            headers.insert(&DEGRADED, HeaderValue::from_static(degraded));
        }
        quota::describe(self, headers);
        let flags = self.flags();
        if !flags.is_empty() {
            put(headers, &FLAGS, &flags);
        }
    }

    /// The comment that ends a stream: what the headers could not know yet.
    #[must_use]
    pub fn epilogue(&self) -> String {
        let usage = self.total_usage();
        let mut line = format!(
            "lockgate tokens-in={} tokens-out={} attempts={} overhead-ms={} usage={}",
            usage.input,
            usage.output,
            self.attempts,
            millis(self.overhead()),
            self.basis().name()
        );
        if let Some(cost) = self.cost() {
            let _ = write!(line, " cost-usd={cost}");
        }
        let flags = self.flags();
        if !flags.is_empty() {
            let _ = write!(line, " flags={flags}");
        }
        line
    }

    fn flags(&self) -> String {
        let mut line = String::new();
        for (key, value) in self.exchange.flags() {
            let clean = |text: &str| text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b',' | b';'));
            if !clean(&key) || !clean(&value) || line.len() + key.len() + value.len() + 2 > MAX_FLAGS_HEADER {
                continue;
            }
            let comma = if line.is_empty() { "" } else { "," };
            let _ = write!(line, "{comma}{key}={value}");
        }
        line
    }
}

/// Sets a header whose value is one by construction; what is not is left out.
pub fn put(headers: &mut HeaderMap, name: &'static HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
