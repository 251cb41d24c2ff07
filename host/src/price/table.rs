//! Reading the widely used JSON of prices: a model's name, and an object of prices and limits.
//!
//! Lenient where the source is loose (unknown fields, a text where a number is expected): what cannot be read
//! is unknown. Source: LiteLLM's `model_prices_and_context_window.json`.

use super::model::Price;
use super::rate::{MediaRates, Rate, Rates};
use crate::chat::Service;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// One entry of the source.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entry {
    /// The provider, where the source names it.
    pub provider: Option<Box<str>>,
    /// The price.
    pub price: Arc<Price>,
}

/// Prices by the source's names of models.
pub(super) type Table = HashMap<Box<str>, Entry, foldhash::fast::RandomState>;

/// Reads a table. The source's own example entry is left out.
pub(super) fn parse(json: &str) -> Result<Table, serde_json::Error> {
    let mut table: Table = serde_json::from_str(json)?;
    table.remove("sample_spec");
    Ok(table)
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Entry::deserialize(deserializer).map(|entry| Arc::unwrap_or_clone(entry.price))
    }
}

struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the prices of a model, such as input_cost_per_token")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let (mut provider, mut own) = (None, Price::default());
        let price = &mut own;
        while let Some(Key(name)) = map.next_key::<Key<'de>>()? {
            match name.as_ref() {
                "litellm_provider" => provider = text(map.next_value()?),
                "output_cost_per_reasoning_token" => price.reasoning = rate(&map.next_value()?),
                "search_context_cost_per_query" => price.media.web_search = same(&map.next_value()?),
                "mode" => price.mode = text(map.next_value()?),
                "max_input_tokens" => price.max_input_tokens = count(&map.next_value()?),
                "max_output_tokens" => price.max_output_tokens = count(&map.next_value()?),
                name => match Slot::of(name) {
                    Some(slot) => slot.set(price, rate(&map.next_value()?)),
                    None => {
                        if let Some(slot) = media_slot(name) {
                            let known = slot(&mut price.media);
                            // Where a source names both sides, the answer's counts.
                            let told = rate(&map.next_value()?)
                                .filter(|_| known.is_none() || name.starts_with("output"));
                            *known = told.or(*known);
                        } else {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                },
            }
        }
        price.tiers.sort_by_key(|(above, _)| *above);
        Ok(Entry { provider, price: own.into() })
    }
}

/// The rate of what is not text that a field names.
fn media_slot(name: &str) -> Option<fn(&mut MediaRates) -> &mut Option<Rate>> {
    Some(match name {
        "input_cost_per_audio_token" => |rates| &mut rates.audio_input,
        "output_cost_per_audio_token" => |rates| &mut rates.audio_output,
        "input_cost_per_image_token" => |rates| &mut rates.image_input,
        "output_cost_per_image_token" => |rates| &mut rates.image_output,
        "input_cost_per_image" | "output_cost_per_image" => |rates| &mut rates.image,
        "input_cost_per_character" => |rates| &mut rates.character,
        "input_cost_per_second" | "output_cost_per_second" => |rates| &mut rates.second,
        "input_cost_per_query" => |rates| &mut rates.query,
        "input_cost_per_pixel" => |rates| &mut rates.pixel,
        _ => return None,
    })
}

/// A field's name, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a field's name")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

/// The rate that a field names: which, of what tier of service, and for prompts longer than how much.
struct Slot {
    which: fn(&mut Rates) -> &mut Option<Rate>,
    service: Service,
    above: u64,
}

impl Slot {
    fn of(name: &str) -> Option<Self> {
        let services =
            [("_batches", Service::Batch), ("_flex", Service::Flex), ("_priority", Service::Priority)];
        let served = services.iter().find_map(|(end, service)| Some((name.strip_suffix(end)?, *service)));
        let (name, service) = served.unwrap_or((name, Service::Standard));
        if let Some(rest) = name.strip_prefix("cache_creation_input_token_cost_above_1hr") {
            let above = if rest.is_empty() { 0 } else { thousands(rest.strip_prefix("_above_")?)? };
            return Some(Self { which: |rates| &mut rates.cache_hour, service, above });
        }
        let (base, above) = match name.split_once("_above_") {
            None => (name, 0),
            Some((base, rest)) => (base, thousands(rest)?),
        };
        let which: fn(&mut Rates) -> &mut Option<Rate> = match base {
            "input_cost_per_token" => |rates| &mut rates.input,
            "output_cost_per_token" => |rates| &mut rates.output,
            // The second is what some sources call it.
            "cache_read_input_token_cost" | "input_cost_per_token_cache_hit" => |rates| &mut rates.cache_read,
            "cache_creation_input_token_cost" => |rates| &mut rates.cache_write,
            _ => return None,
        };
        Some(Self { which, service, above })
    }

    fn set(&self, price: &mut Price, rate: Option<Rate>) {
        if self.service != Service::Standard {
            let own = |(service, above, _): &&mut (Service, u64, Rates)| {
                *service == self.service && *above == self.above
            };
            if let Some((.., rates)) = price.services.iter_mut().find(own) {
                *(self.which)(rates) = rate;
            } else {
                let mut rates = Rates::default();
                *(self.which)(&mut rates) = rate;
                price.services.push((self.service, self.above, rates));
            }
        } else if self.above == 0 {
            let mut base = price.rates(0);
            *(self.which)(&mut base) = rate;
            (price.input, price.output) = (base.input, base.output);
            (price.cache_read, price.cache_write) = (base.cache_read, base.cache_write);
            price.cache_hour = base.cache_hour;
        } else if let Some((_, rates)) = price.tiers.iter_mut().find(|(at, _)| *at == self.above) {
            *(self.which)(rates) = rate;
        } else {
            let mut rates = Rates::default();
            *(self.which)(&mut rates) = rate;
            price.tiers.push((self.above, rates));
        }
    }
}

/// `200k_tokens`.
fn thousands(text: &str) -> Option<u64> {
    text.strip_suffix("k_tokens")?.parse::<u64>().ok()?.checked_mul(1_000)
}

/// The one rate of an object of several: where they differ, which holds is not known.
fn same(value: &Value) -> Option<Rate> {
    let mut rates = value.as_object()?.values().map(rate);
    let first = rates.next()??;
    rates.all(|other| other == Some(first)).then_some(first)
}

fn rate(value: &Value) -> Option<Rate> {
    let usd = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    Rate::from_usd_per_token(usd)
}

fn count(value: &Value) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
    let whole = |float: f64| (0.0..1e15).contains(&float).then_some(float as u64);
    value.as_u64().or_else(|| value.as_f64().and_then(whole))
}

fn text(value: Value) -> Option<Box<str>> {
    match value {
        Value::String(text) => Some(text.into_boxed_str()),
        _ => None,
    }
}
