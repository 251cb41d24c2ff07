//! The settings of what tokens cost.

use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What tokens cost.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Prices {
    /// A price list in the widely used JSON format, instead of the one that ships.
    pub file: Option<PathBuf>,
    /// Prices of single models, in the same format.
    pub overrides: BTreeMap<String, serde_json::Value>,
    /// What becomes of a request for a model whose price is unknown.
    pub unknown: UnknownPrice,
    /// The currency that costs are said in beside dollars, and that budgets may be written in (`amount`).
    pub currency: Option<Currency>,
}

/// A currency, at a rate that stays until it is changed here.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Currency {
    /// Its three letters, such as `EUR`.
    #[schemars(regex(pattern = r"^[A-Z]{3}$"))]
    pub code: String,
    /// The dollars that one of it is worth.
    pub usd: f64,
}

/// What becomes of a request for a model whose price is unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownPrice {
    /// It is served; its cost stays unknown.
    #[default]
    AllowUnpriced,
    /// It is refused.
    Reject,
}
