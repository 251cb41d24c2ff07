//! Tests of the price look-up.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::chat::Service;
use proptest::prelude::*;

fn usage() -> Usage {
    Usage { input: 1_000, output: 100, ..Usage::default() }
}

#[test]
fn shipped_prices_are_read_and_bill() {
    assert!(BUILTIN.len() > 2_000, "{}", BUILTIN.len());
    let prices = Prices::builtin();
    // 1,000 × 2.50 + 100 × 10 dollars per million.
    assert_eq!(prices.cost("openai", "gpt-4o", &usage()).unwrap().to_string(), "0.003500");
    let claude = prices.find("anthropic", "claude-sonnet-4-5").unwrap();
    assert_eq!(claude.cache_read.unwrap().to_string(), "0.0000003");
    assert_eq!(claude.mode.as_deref(), Some("chat"));
    assert!(claude.max_input_tokens.unwrap() >= 200_000);
}

#[test]
fn tiers_of_service_are_shipped() {
    let prices = Prices::builtin();
    let cost = |service| prices.cost("openai", "gpt-5", &Usage { service, ..usage() }).unwrap();
    let [standard, flex, priority] = [Service::Standard, Service::Flex, Service::Priority].map(cost);
    assert!(flex < standard && standard < priority, "{flex} {standard} {priority}");
    let local =
        prices.cost("mistral", "mistral-large-latest", &Usage { service: Service::Priority, ..usage() });
    assert_eq!(local, None);
}

#[test]
fn what_is_kept_for_an_hour_searched_for_and_painted_is_shipped() {
    let prices = Prices::builtin();
    let media = crate::chat::Media { cache_hour: 1_000, searches: 1, ..Default::default() };
    let usage = Usage { input: 1_000, cache_write: 1_000, media, ..Usage::default() };
    // 1,000 × 6 dollars per million, and a cent for the search.
    assert_eq!(prices.cost("anthropic", "claude-sonnet-4-5", &usage).unwrap().to_string(), "0.016000");
    assert!(prices.find("nscale", "black-forest-labs/FLUX.1-schnell").unwrap().media.pixel.is_some());
}

#[test]
fn every_shipped_entry_has_a_price() {
    for (name, entry) in BUILTIN.iter() {
        let by_piece = entry.price.media;
        let rates = [entry.price.input, by_piece.image, by_piece.character, by_piece.second, by_piece.query];
        let more = [by_piece.audio_input, by_piece.image_input, by_piece.image_output, entry.price.output];
        let more = more.into_iter().chain([by_piece.pixel]);
        let some = rates.into_iter().chain(more).flatten().any(|rate| rate.picos() > 0);
        assert!(some, "{name} has no price");
        assert!(name.contains('/') || entry.provider.is_some(), "{name} belongs to nobody");
    }
}

#[test]
fn a_price_is_found_for_its_own_provider_only() {
    let mut prices = Prices::builtin();
    assert!(prices.find("gemini", "gemini-2.5-pro").is_some());
    assert!(prices.find("google", "gemini-2.5-pro").is_some());
    assert!(prices.find("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0").is_some());
    assert_eq!(prices.find("local", "gpt-4o"), None);
    assert_eq!(prices.cost("local", "gpt-4o", &usage()), None);
    prices.alias("local", "openai");
    assert_eq!(prices.find("local", "gpt-4o"), prices.find("openai", "gpt-4o"));
}

#[test]
fn a_dated_name_falls_back_to_the_name() {
    let mut prices = Prices::empty();
    prices
        .overlay(r#"{"p/m":{"input_cost_per_token":1e-6},"p/m-2024-01-01":{"input_cost_per_token":2e-6}}"#)
        .unwrap();
    let input = |model: &str| prices.find("p", model).map(|price| price.input.unwrap().to_string());
    assert_eq!(input("m-2024-01-01").as_deref(), Some("0.000002"));
    for dated in ["m-2025-02-03", "m-20250203", "m@20250203", "m-latest", "m"] {
        assert_eq!(input(dated).as_deref(), Some("0.000001"), "{dated}");
    }
    for other in ["m-mini", "m-2025", "-20250203", "m-2025-02-0x"] {
        assert_eq!(input(other), None, "{other}");
    }
}

#[test]
fn the_operators_price_wins() {
    let mut prices = Prices::builtin();
    prices.overlay(r#"{"openai/gpt-4o":{"input_cost_per_token":0,"output_cost_per_token":0},"free":{"input_cost_per_token":"0"}}"#).unwrap();
    assert_eq!(prices.cost("openai", "gpt-4o", &usage()), Some(Usd::ZERO));
    assert!(prices.find("anyone", "free").is_some());
    prices.set("openai/gpt-4o", Price { input: Rate::from_usd_per_token(1e-6), ..Price::default() });
    assert_eq!(prices.cost("openai", "gpt-4o", &usage()), None, "the output's rate is unknown now");
    assert!(prices.overlay("[]").is_err());
    assert!(prices.overlay(r#"{"x":1}"#).is_err());
}

#[test]
fn a_loose_source_is_read_for_what_it_says() {
    let mut prices = Prices::empty();
    prices
        .overlay(
            r#"{
            "sample_spec": {"input_cost_per_token": 1},
            "m": {"litellm_provider":"p","input_cost_per_token":"1e-6","output_cost_per_token":-1,"max_input_tokens":"many",
                  "max_output_tokens":4096.0,"extra":{"a":[1]},"input_cost_per_token_above_200k_tokens":2e-6,
                  "input_cost_per_token_above_128k_tokens":1.5e-6,"input_cost_per_token_batches":5e-7,
                  "output_cost_per_token_batches":1e-6,"output_cost_per_reasoning_token":"3e-6","input_cost_per_token_cache_hit":1e-7,
                  "input_cost_per_token_above_200k_tokens_priority":9e-6,"input_cost_per_token_above_soon_priority":9}
        }"#,
        )
        .unwrap();
    assert_eq!(prices.find("any", "sample_spec"), None);
    let price = prices.find("p", "m").unwrap();
    assert_eq!((price.output, price.max_input_tokens, price.max_output_tokens), (None, None, Some(4096)));
    assert_eq!(price.reasoning.unwrap().to_string(), "0.000003");
    assert_eq!(price.cache_read.unwrap().to_string(), "0.0000001");
    let served: Vec<_> = price.services.iter().map(|(service, above, _)| (*service, *above)).collect();
    assert_eq!(served, [(Service::Batch, 0), (Service::Priority, 200_000)]);
    let at = |tokens| price.rates(tokens).input.unwrap().to_string();
    assert_eq!((at(1), at(128_001), at(200_001)), ("0.000001".into(), "0.0000015".into(), "0.000002".into()));
}

proptest! {
    #[test]
    fn no_name_panics(provider in ".{0,12}", model in ".{0,24}") {
        let _ = Prices::builtin().find(&provider, &model);
    }

    #[test]
    fn no_json_panics(json in r#"\{"m":\{"(input_cost_per_token|mode|max_input_tokens|x)":[-0-9e."\[\]{}a]{0,8}\}\}"#) {
        let _ = Prices::empty().overlay(&json);
    }
}
