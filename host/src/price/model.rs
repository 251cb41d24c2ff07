//! What a model costs: its rates, and what a usage comes to by them.
//!
//! Invariant: a cost that would need an unknown rate is unknown.

#[cfg(test)]
mod tests;

use super::Usd;
use super::rate::{MediaRates, Rate, Rates};
use crate::chat::{Service, Usage};

/// What a model costs, and its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Price {
    /// Of a token of the prompt.
    pub input: Option<Rate>,
    /// Of a token of the answer.
    pub output: Option<Rate>,
    /// Of a token read from the provider's cache; the input's rate where it is not named.
    pub cache_read: Option<Rate>,
    /// Of a token written to the provider's cache; the input's rate where it is not named.
    pub cache_write: Option<Rate>,
    /// Of a token written there for an hour.
    pub cache_hour: Option<Rate>,
    /// Of a token of the answer that nobody sees; the output's rate where it is not named.
    pub reasoning: Option<Rate>,
    /// Rates for prompts longer than so many tokens, shortest first. They hold for the whole request.
    pub tiers: Vec<(u64, Rates)>,
    /// The same of other tiers of service; those for prompts of any length are for longer ones than 0.
    pub services: Vec<(Service, u64, Rates)>,
    /// Rates of what is not text.
    pub media: MediaRates,
    /// `chat`, `embedding`, …: the source's own words.
    pub mode: Option<Box<str>>,
    /// Tokens of a prompt at most.
    pub max_input_tokens: Option<u64>,
    /// Tokens of an answer at most.
    pub max_output_tokens: Option<u64>,
}

impl Price {
    /// The rates for a prompt of this many tokens.
    #[must_use]
    pub fn rates(&self, input_tokens: u64) -> Rates {
        let base = Rates {
            input: self.input,
            output: self.output,
            cache_read: self.cache_read,
            cache_write: self.cache_write,
            cache_hour: self.cache_hour,
        };
        let tier = self.tiers.iter().rev().find(|(above, _)| input_tokens > *above);
        tier.map_or(base, |(_, tier)| tier.or(base))
    }

    /// The rates of a tier of service; none where they are not known, as those of another say nothing of it.
    fn served(&self, service: Service, input_tokens: u64) -> Option<Rates> {
        if service == Service::Standard {
            return Some(self.rates(input_tokens));
        }
        let own = |above: u64| self.services.iter().find(move |(of, at, _)| *of == service && *at == above);
        let (.., base) = own(0)?;
        let reached = self.services.iter().filter(|(of, at, _)| *of == service && input_tokens > *at);
        let tier = reached.max_by_key(|(_, at, _)| *at).map_or(base, |(.., tier)| tier);
        // Where its long prompts have prices that are not named, they are not known.
        let priced_apart = self.tiers.iter().any(|(above, _)| input_tokens > *above && own(*above).is_none());
        (!priced_apart).then(|| tier.or(*base))
    }

    /// What this usage costs, to the nearest nano-dollar; none where a rate that it needs is unknown.
    #[must_use]
    pub fn cost(&self, usage: &Usage) -> Option<Usd> {
        let rates = self.served(usage.service, usage.input)?;
        let (own, media) = (&self.media, &usage.media);
        let reasoning = self.reasoning.filter(|_| usage.service == Service::Standard);
        let cached = usage.cache_read.saturating_add(usage.cache_write);
        let heard = media.audio_input.saturating_add(media.image_input);
        let shown = media.audio_output.saturating_add(media.image_output);
        let for_an_hour = media.cache_hour.min(usage.cache_write);
        let tokens = [
            (usage.input.saturating_sub(cached).saturating_sub(heard), rates.input),
            (usage.cache_read, rates.cache_read.or(rates.input)),
            (usage.cache_write - for_an_hour, rates.cache_write.or(rates.input)),
            (for_an_hour, rates.for_an_hour()),
            (media.audio_input, own.audio_input.or(rates.input)),
            (media.image_input, own.image_input.or(rates.input)),
            (usage.output.saturating_sub(shown).saturating_sub(usage.reasoning), rates.output),
            (usage.reasoning.min(usage.output.saturating_sub(shown)), reasoning.or(rates.output)),
            (media.audio_output, own.audio_output.or(rates.output)),
            (media.image_output, own.image_output.or(rates.output)),
        ];
        // Of each, whether tokens stand for it where it has no price of its own.
        let units = [
            (media.images, own.image, 1, usage.output > 0 || media.pixels > 0 && own.pixel.is_some()),
            (media.pixels, own.pixel.filter(|_| own.image.is_none()), 1, true),
            (media.characters, own.character, 1, usage.output > 0),
            (media.millis, own.second, 1_000, usage.input > 0),
            (media.queries, own.query, 1, usage.input > 0),
            (media.searches, own.web_search, 1, false),
        ];
        let mut picos = 0_u128;
        let mut by_unit = false;
        for (count, rate, per, by_token) in units.into_iter().filter(|(count, ..)| *count > 0) {
            match rate {
                Some(rate) => {
                    picos += u128::from(count) * u128::from(rate.picos()) / per;
                    by_unit = true;
                }
                None if by_token => {}
                None => return None,
            }
        }
        for (tokens, rate) in tokens.into_iter().filter(|(tokens, _)| *tokens > 0) {
            match rate {
                Some(rate) => picos += u128::from(tokens) * u128::from(rate.picos()),
                // What is billed by the piece need not be billed by the token, too.
                None if by_unit => {}
                None => return None,
            }
        }
        let nanos = (picos + 500) / 1_000;
        Some(Usd::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)))
    }
}
