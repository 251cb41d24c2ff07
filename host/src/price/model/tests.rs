//! What usages of every kind cost.
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
