//! What one model's tokens cost.
//!
//! Invariant: an unknown rate is `None`, never zero; a cost that would need an unknown rate is unknown.

use super::Usd;
use crate::chat::{Service, Usage};
use std::fmt;
use std::num::NonZeroU64;

const PICOS: u64 = 1_000_000_000_000;

/// The price of one token, in whole trillionths of a dollar. Held with one more, so that none takes no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// A rate of so many dollars per token; none for what is not a price (negative, not finite, or above
    /// a dollar a token).
    #[must_use]
    pub fn from_usd_per_token(usd: f64) -> Option<Self> {
        if !(0.0..=1.0).contains(&usd) {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "between 0 and 1e12, checked above"
        )]
        let picos = (usd * PICOS as f64).round() as u64;
        Some(Self(NonZeroU64::MIN.saturating_add(picos)))
    }

    /// In dollars per token.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "at most 1e12")]
    pub fn usd_per_token(self) -> f64 {
        self.picos() as f64 / PICOS as f64
    }

    /// In trillionths of a dollar per token.
    #[must_use]
    pub const fn picos(self) -> u64 {
        self.0.get() - 1
    }
}

/// US dollars per token, in decimal notation without an exponent.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.picos() / PICOS, self.picos() % PICOS);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{rest:012}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// The rates that a request is billed by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rates {
    /// Of a token of the prompt.
    pub input: Option<Rate>,
    /// Of a token of the answer.
    pub output: Option<Rate>,
    /// Of a token of the prompt that was read from the provider's cache.
    pub cache_read: Option<Rate>,
    /// Of a token of the prompt that was written to the provider's cache.
    pub cache_write: Option<Rate>,
    /// Of one that was written there for an hour.
    pub cache_hour: Option<Rate>,
}

impl Rates {
    /// These, and others where these say nothing.
    fn or(self, other: Self) -> Self {
        Self {
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            cache_read: self.cache_read.or(other.cache_read),
            cache_write: self.cache_write.or(other.cache_write),
            cache_hour: self.cache_hour.or(other.cache_hour),
        }
    }

    /// Of a token that was written to the cache for an hour. A price that tells writing apart and not for how long does not
    /// tell this.
    fn for_an_hour(&self) -> Option<Rate> {
        self.cache_hour.or(self.input.filter(|_| self.cache_write.is_none()))
    }
}

/// The rates of what is not text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MediaRates {
    /// Of a token of sound in the prompt; the input's rate where it is not named.
    pub audio_input: Option<Rate>,
    /// Of a token of sound in the answer; the output's rate where it is not named.
    pub audio_output: Option<Rate>,
    /// Of a token of an image in the prompt; the input's rate where it is not named.
    pub image_input: Option<Rate>,
    /// Of a token of an image in the answer; the output's rate where it is not named.
    pub image_output: Option<Rate>,
    /// Of an image that is made.
    pub image: Option<Rate>,
    /// Of a character that is spoken.
    pub character: Option<Rate>,
    /// Of a second of sound that is listened to.
    pub second: Option<Rate>,
    /// Of a search.
    pub query: Option<Rate>,
    /// Of a search of the web, where it costs the same whatever its size.
    pub web_search: Option<Rate>,
    /// Of a pixel of an image that is made.
    pub pixel: Option<Rate>,
}

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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::chat::Media;
    use proptest::prelude::*;

    fn rate(usd: f64) -> Option<Rate> {
        Some(Rate::from_usd_per_token(usd).unwrap())
    }

    fn sonnet() -> Price {
        Price {
            input: rate(3e-6),
            output: rate(1.5e-5),
            cache_read: rate(3e-7),
            cache_write: rate(3.75e-6),
            tiers: vec![(200_000, Rates { input: rate(6e-6), ..Rates::default() })],
            ..Price::default()
        }
    }

    #[test]
    fn cached_tokens_are_billed_at_their_own_rates_and_only_once() {
        let usage = Usage {
            input: 1_000,
            output: 100,
            cache_read: 600,
            cache_write: 200,
            reasoning: 50,
            ..Usage::default()
        };
        // 200 × 3000 + 600 × 300 + 200 × 3750 + 100 × 15000 nano-dollars.
        assert_eq!(sonnet().cost(&usage), Some(Usd::from_nanos(3_030_000)));
    }

    #[test]
    fn what_is_thought_and_how_it_is_served_have_their_own_prices() {
        let usage = |service| Usage { input: 100, output: 30, reasoning: 20, service, ..Usage::default() };
        let flex = Rates { input: rate(1e-6), output: rate(5e-6), ..Rates::default() };
        let price = Price { reasoning: rate(2e-5), services: vec![(Service::Flex, 0, flex)], ..sonnet() };
        // 100 × 3000 + 10 × 15000 + 20 × 20000, and 100 × 1000 + 30 × 5000 nano-dollars.
        assert_eq!(price.cost(&usage(Service::Standard)), Some(Usd::from_nanos(850_000)));
        assert_eq!(price.cost(&usage(Service::Flex)), Some(Usd::from_nanos(250_000)));
        assert_eq!(price.cost(&usage(Service::Priority)), None, "unknown is unknown");
        let long = Usage { input: 300_000, ..usage(Service::Flex) };
        assert_eq!(price.cost(&long), None, "long prompts cost more, and nobody knows how much here");
        let tiers = vec![
            (Service::Flex, 0, flex),
            (Service::Flex, 200_000, Rates { input: rate(2e-6), ..Rates::default() }),
        ];
        let known = Price { services: tiers, ..price };
        assert_eq!(known.cost(&long), Some(Usd::from_nanos(600_150_000)));
        let absurd = Usage { output: 5, ..usage(Service::Standard) };
        assert_eq!(
            sonnet().cost(&absurd),
            Some(Usd::from_nanos(375_000)),
            "no more is thought than was answered"
        );
    }

    #[test]
    fn a_long_prompt_is_billed_by_its_tier() {
        let usage = |input| Usage { input, output: 1, ..Usage::default() };
        assert_eq!(sonnet().cost(&usage(200_000)), Some(Usd::from_nanos(600_015_000)));
        assert_eq!(sonnet().cost(&usage(200_001)), Some(Usd::from_nanos(1_200_021_000)));
    }

    #[test]
    fn what_is_not_text_is_billed_at_its_own_rates() {
        let usage = |media| Usage { input: 10, output: 4, media, ..Usage::default() };
        let spoken = Price {
            media: MediaRates { audio_input: rate(1e-5), audio_output: rate(2e-5), ..MediaRates::default() },
            ..sonnet()
        };
        let sound = Media { audio_input: 8, audio_output: 4, ..Media::default() };
        // 2 × 3000 + 8 × 10000 + 4 × 20000 nano-dollars.
        assert_eq!(spoken.cost(&usage(sound)), Some(Usd::from_nanos(166_000)));
        assert_eq!(sonnet().cost(&usage(sound)), sonnet().cost(&usage(Media::default())));
        let by_piece = |media: MediaRates| Price { media, ..Price::default() };
        let images = by_piece(MediaRates { image: rate(0.04), ..MediaRates::default() });
        assert_eq!(
            images.cost(&usage(Media { images: 2, ..Media::default() })),
            Some(Usd::from_nanos(80_000_000))
        );
        assert_eq!(images.cost(&usage(Media::default())), None);
        let listening = by_piece(MediaRates { second: rate(0.0001), ..MediaRates::default() });
        assert_eq!(
            listening.cost(&usage(Media { millis: 2_500, ..Media::default() })),
            Some(Usd::from_nanos(250_000))
        );
    }

    #[test]
    fn what_is_kept_for_an_hour_has_its_own_price_or_none_that_is_known() {
        let media = Media { cache_hour: 150, ..Media::default() };
        let usage = Usage { input: 1_000, cache_write: 200, media, ..Usage::default() };
        assert_eq!(sonnet().cost(&usage), None, "writing is priced apart, and an hour is not");
        let priced = Price { cache_hour: rate(6e-6), ..sonnet() };
        // 800 × 3000 + 50 × 3750 + 150 × 6000 nano-dollars.
        assert_eq!(priced.cost(&usage), Some(Usd::from_nanos(3_487_500)));
        let all_alike = Price { cache_write: None, ..sonnet() };
        assert_eq!(all_alike.cost(&usage), Some(Usd::from_nanos(3_000_000)));
        let absurd = Usage { cache_write: 0, ..usage };
        assert_eq!(priced.cost(&absurd), Some(Usd::from_nanos(3_000_000)), "no more than was written");
    }

    #[test]
    fn what_is_counted_in_pieces_and_has_no_price_makes_the_cost_unknown() {
        let with = |media| Usage { input: 10, media, ..Usage::default() };
        let searches = Media { searches: 3, ..Media::default() };
        assert_eq!(sonnet().cost(&with(searches)), None);
        let own = MediaRates { web_search: rate(0.01), ..MediaRates::default() };
        let searching = Price { media: own, ..sonnet() };
        assert_eq!(searching.cost(&with(searches)), Some(Usd::from_nanos(30_030_000)));
        let spoken = Media { characters: 100, ..Media::default() };
        assert_eq!(sonnet().cost(&with(spoken)), None, "nobody told how much sound came of it");
        let images = Media { images: 1, ..Media::default() };
        assert_eq!(sonnet().cost(&with(images)), None);
        assert!(sonnet().cost(&Usage { output: 5, ..with(images) }).is_some(), "it was billed by tokens");
        let own = MediaRates { pixel: rate(1e-8), ..MediaRates::default() };
        let painting = Price { media: own, ..Price::default() };
        let million = Media { images: 1, pixels: 1_000_000, ..Media::default() };
        assert_eq!(
            painting.cost(&Usage { media: million, ..Usage::default() }),
            Some(Usd::from_nanos(10_000_000))
        );
        assert_eq!(painting.cost(&Usage { media: images, ..Usage::default() }), None, "of what size?");
        let own = MediaRates { image: rate(0.04), pixel: rate(1e-8), ..MediaRates::default() };
        let both = Price { media: own, ..Price::default() };
        let once = both.cost(&Usage { media: million, ..Usage::default() });
        assert_eq!(once, Some(Usd::from_nanos(40_000_000)), "an image is billed once");
    }

    #[test]
    fn an_unknown_rate_makes_the_cost_unknown_only_where_it_is_needed() {
        let embedding = Price { input: rate(2e-8), ..Price::default() };
        assert_eq!(embedding.cost(&Usage { input: 5, ..Usage::default() }), Some(Usd::from_nanos(100)));
        assert_eq!(embedding.cost(&Usage { input: 5, output: 1, ..Usage::default() }), None);
        assert_eq!(Price::default().cost(&Usage { input: 1, ..Usage::default() }), None);
    }

    #[test]
    fn rates_are_shown_without_exponents_and_nonsense_is_no_rate() {
        for (usd, shown) in [(2.5e-6, "0.0000025"), (1.25e-7, "0.000000125"), (0.0, "0"), (1.0, "1")] {
            assert_eq!(Rate::from_usd_per_token(usd).unwrap().to_string(), shown);
        }
        for bad in [-1e-6, f64::NAN, f64::INFINITY, 1.1] {
            assert_eq!(Rate::from_usd_per_token(bad), None);
        }
    }

    proptest! {
        #[test]
        fn more_tokens_never_cost_less(input in 0_u64..150_000, more in 0_u64..1_000, output: u32) {
            let cost = |input| {
                sonnet().cost(&Usage { input, output: u64::from(output), ..Usage::default() }).unwrap()
            };
            prop_assert!(cost(input) <= cost(input + more));
        }

        #[test]
        fn no_usage_panics(input: u64, output: u64, cache_read: u64, cache_write: u64) {
            let usage = Usage { input, output, cache_read, cache_write, ..Usage::default() };
            prop_assert!(sonnet().cost(&usage).is_some());
        }
    }
}
