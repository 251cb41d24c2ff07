//! Any texts: they are counted and estimated without a panic, no text is more tokens than it has bytes or none at all, and
//! neither the order nor the number of texts changes what a count is the sum of. Zeros part the texts.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockgate::tokens::{Estimates, Family, Sizes};

const FAMILIES: [Family; 5] = [Family::O200k, Family::Cl100k, Family::Claude, Family::Gemini, Family::Other];

// Making the tokenizers takes seconds, which are no input's.
fuzz_target!(init: for family in FAMILIES { let _ = family.count(["a"].into_iter()); }, |input: &[u8]| {
    let Some((reported, texts)) = input.split_first_chunk::<8>() else { return };
    let reported = u64::from_le_bytes(*reported);
    let mut texts: Vec<String> =
        texts.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect();
    let model = texts.pop().unwrap_or_default();
    let bytes: u64 = texts.iter().map(|text| text.len() as u64).sum();
    let mut sizes = Sizes::default();
    texts.iter().for_each(|text| sizes.add(text));
    assert_eq!(sizes.bytes(), bytes);

    for family in FAMILIES {
        let estimated = sizes.tokens(family);
        assert_eq!(estimated == 0, bytes == 0);
        assert!(sizes.answer(family, bytes) >= estimated.saturating_sub(1));
        let Some((tokens, whole)) = family.count(texts.iter().map(String::as_str)) else {
            assert!(!family.has_tokenizer());
            continue;
        };
        assert_eq!(tokens == 0, bytes == 0);
        assert!(tokens <= bytes);
        if whole {
            let one = |text: &String| family.count(std::iter::once(text.as_str())).expect("as above").0;
            assert_eq!(tokens, texts.iter().map(one).sum::<u64>());
            assert_eq!(family.count(texts.iter().rev().map(String::as_str)), Some((tokens, true)));
        }
    }

    let estimates = Estimates::default();
    let before = estimates.tokens(&model, &sizes);
    for _ in 0..4 {
        estimates.learn(&model, &sizes, reported);
        let after = estimates.tokens(&model, &sizes);
        // Rounded up, from a quarter to four times.
        assert!(
            after <= before.saturating_mul(4).saturating_add(1) && after >= before / 4,
            "{before} {after}"
        );
    }
});
