//! What tokens cost: a table shipped with the binary, the operator's own prices above it, and money that
//! adds up exactly.
//!
//! Invariants: an unknown price is `None`, never zero; the operator's price wins over the shipped one; a
//! shipped price is found only for the provider it belongs to, so that a private server's `gpt-4o` is not
//! billed as somebody else's. Never fetches anything.

mod currency;
mod model;
mod rate;
mod table;
#[cfg(test)]
mod tests;
mod usd;

pub use currency::Currency;
pub use model::Price;
pub use rate::{MediaRates, Rate, Rates};
pub use usd::{NotAnAmount, Usd};

use crate::chat::Usage;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use table::Table;

/// Read when first asked for.
static BUILTIN: LazyLock<Table> =
    LazyLock::new(|| table::parse(include_str!("../data/prices.json")).unwrap_or_default());

/// The table's names of providers that are known by other names as well.
const SAME_PROVIDER: [(&str, &[&str]); 9] = [
    ("azure-openai", &["azure"]),
    ("google", &["gemini"]),
    ("vertex", &["vertex_ai"]),
    ("aws", &["bedrock"]),
    ("together", &["together_ai"]),
    ("fireworks", &["fireworks_ai"]),
    ("nvidia", &["nvidia_nim"]),
    ("lambda", &["lambda_ai"]),
    ("meta", &["meta_llama"]),
];

/// Prices by provider and model.
#[derive(Debug, Clone)]
pub struct Prices {
    builtin: Option<&'static LazyLock<Table>>,
    own: Table,
    known_as: HashMap<String, String, foldhash::fast::RandomState>,
}

impl Prices {
    /// The shipped prices. They are read at the first look-up, or by [`Prices::warm`].
    #[must_use]
    pub fn builtin() -> Self {
        Self { builtin: Some(&BUILTIN), ..Self::empty() }
    }

    /// No price is known.
    #[must_use]
    pub fn empty() -> Self {
        Self { builtin: None, own: Table::default(), known_as: HashMap::default() }
    }

    /// Adds an operator's prices from the widely used JSON. They win over the shipped ones and over those
    /// added before.
    ///
    /// # Errors
    /// When the text is not a JSON object of objects; nothing is added then.
    pub fn overlay(&mut self, json: &str) -> Result<(), serde_json::Error> {
        self.own.extend(table::parse(json)?);
        Ok(())
    }

    /// Sets one price. `name`: `provider/model`, or a model whoever serves it.
    pub fn set(&mut self, name: &str, price: Price) {
        self.own.insert(name.into(), table::Entry { provider: None, price: price.into() });
    }

    /// Says which provider of the table the operator's provider really is: `primary` may be `openai`.
    pub fn alias(&mut self, provider: impl Into<String>, known_as: impl Into<String>) {
        self.known_as.insert(provider.into(), known_as.into());
    }

    /// Reads the shipped prices now, so that the first exchange does not wait for it.
    pub fn warm(&self) {
        if let Some(builtin) = self.builtin {
            LazyLock::force(builtin);
        }
    }

    /// The price of a provider's model. Where the very name is not known, the name without its date is.
    #[must_use]
    pub fn find(&self, provider: &str, model: &str) -> Option<&Arc<Price>> {
        self.find_exactly(provider, model).or_else(|| self.find_exactly(provider, undated(model)?))
    }

    /// What this usage costs; none where the price is unknown.
    #[must_use]
    pub fn cost(&self, provider: &str, model: &str, usage: &Usage) -> Option<Usd> {
        self.find(provider, model)?.cost(usage)
    }

    fn find_exactly(&self, provider: &str, model: &str) -> Option<&Arc<Price>> {
        let alias = self.known_as.get(provider).map(String::as_str);
        for name in std::iter::once(provider).chain(alias) {
            let full = [name, "/", model].concat();
            if let Some(own) = self.own.get(full.as_str()) {
                return Some(&own.price);
            }
        }
        let known = alias.unwrap_or(provider);
        if let Some(own) = self.own.get(model).filter(|own| own.serves(known)) {
            return Some(&own.price);
        }
        let builtin: &Table = self.builtin?;
        let others = SAME_PROVIDER.iter().find(|(name, _)| *name == known).map_or(&[][..], |(_, same)| same);
        std::iter::once(known).chain(others.iter().copied()).find_map(|name| {
            let bare = || builtin.get(model).filter(|entry| entry.provider.is_some() && entry.serves(name));
            builtin.get([name, "/", model].concat().as_str()).or_else(bare).map(|entry| &entry.price)
        })
    }
}

impl table::Entry {
    /// Whether this is that provider's. The table divides some providers further: `bedrock_converse`,
    /// `vertex_ai-language-models`.
    fn serves(&self, provider: &str) -> bool {
        let Some(own) = self.provider.as_deref() else { return true };
        own.strip_prefix(provider).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
    }
}

/// The name without a trailing date (`-2024-08-06`, `-20241022`, `@20241022`) or `-latest`.
fn undated(model: &str) -> Option<&str> {
    if let Some(name) = model.strip_suffix("-latest") {
        return Some(name);
    }
    let is_date = |tail: &str| {
        let shape: String = tail.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        matches!(shape.as_str(), "-0000-00-00" | "-00000000" | "@00000000")
    };
    [11, 9].into_iter().find_map(|length| {
        let (name, tail) = model.split_at_checked(model.len().checked_sub(length)?)?;
        (is_date(tail) && !name.is_empty()).then_some(name)
    })
}
