//! Tokens: the tokenizer against what is known of it, estimates against the tokenizer.
#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;
use proptest::prelude::*;

/// Texts, and their tokens in both tokenizers.
const CASES: &[(&str, u64, u64)] = &[
    ("tiktoken is great!", 6, 6),
    ("antidisestablishmentarianism", 6, 6),
    ("2 + 2 = 4", 7, 7),
    ("お誕生日おめでとう", 9, 8),
    ("", 0, 0),
    ("  leading and   inner  spaces  ", 8, 8),
    ("\n\n\tfn main() {\n    println!(\"{}\", 1_000);\n}\n", 14, 14),
    ("I'm sure they'll've gone; it's WE'RE", 12, 10),
    ("1234567890 12 3", 8, 8),
    ("😀 👩\u{200d}👩\u{200d}👧\u{200d}👧 e\u{301} é", 22, 15),
    ("{\"a\":[1,2,{\"b\":null}]}", 12, 13),
    ("Ελληνικά, русский, العربية, हिन्दी, ไทย", 32, 11),
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 5, 5),
    ("\u{a0}\u{3000} mixed\r\n\r\n  white \r space\u{2028}x", 12, 11),
];

fn sizes(text: &str) -> Sizes {
    let mut sizes = Sizes::default();
    sizes.add(text);
    sizes
}

#[test]
fn models_are_known_by_their_names() {
    for (model, family) in [
        ("gpt-4o-mini", Family::O200k),
        ("gpt-4.1", Family::O200k),
        ("gpt-5-mini", Family::O200k),
        ("o3", Family::O200k),
        ("openai/gpt-oss-120b", Family::O200k),
        ("gpt-4-turbo", Family::Cl100k),
        ("gpt-3.5-turbo", Family::Cl100k),
        ("text-embedding-3-small", Family::Cl100k),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Claude),
        ("gemini-2.5-pro", Family::Gemini),
        ("mistral-large", Family::Other),
        ("", Family::Other),
    ] {
        assert_eq!(Family::of(model), family, "{model}");
    }
}

/// One test, so that the tokenizers are made once.
#[test]
fn the_tokenizers_are_openais_and_estimates_are_near_them() {
    openais_tokens_are_counted_exactly();
    pieces_are_cut_as_openai_cuts_them();
    what_is_very_long_is_counted_in_part();
    estimates_are_near_the_tokenizer();
}

fn openais_tokens_are_counted_exactly() {
    let count = |family: Family, text: &str| family.count([text].into_iter()).map(|(tokens, _)| tokens);
    assert_eq!(count(Family::O200k, ""), Some(0));
    assert_eq!(count(Family::Claude, "hello"), None);
}

fn what_is_very_long_is_counted_in_part() {
    let line = "The quick brown fox jumps over the lazy dog. ";
    let long = line.repeat(100_000);
    let (thousand, whole) = Family::O200k.count([line.repeat(1_000).as_str()].into_iter()).unwrap();
    assert!(whole);
    let (tokens, whole) = Family::O200k.count([long.as_str(), "and the end"].into_iter()).unwrap();
    assert!(!whole);
    let expected = thousand * 100;
    assert!(tokens.abs_diff(expected) * 50 < expected, "{tokens}, not {expected}");
    // One letter that no bound may cut.
    let wide = "界".repeat(200_000);
    assert!(Family::Cl100k.count([wide.as_str()].into_iter()).unwrap().0 > 100_000);
}

fn estimates_are_near_the_tokenizer() {
    let texts = [
        ("The gateway reserves the most that a request may come to use, and settles when it ends.", 35),
        ("Bitte fassen Sie den folgenden Vertrag in drei Absätzen zusammen und nennen Sie die Fristen.", 35),
        ("Пожалуйста, кратко изложите следующий договор в трёх абзацах и укажите сроки.", 35),
        ("请用三段话概括以下合同，并指出解约期限、责任限制和管辖法院的约定。", 35),
        ("次の契約書を三つの段落に要約し、解約期間と責任の制限を示してください。", 35),
        ("다음 계약서를 세 문단으로 요약하고 해지 기간과 책임 제한을 알려 주세요.", 35),
        ("يرجى تلخيص العقد التالي في ثلاث فقرات مع ذكر مهل الإنهاء وحدود المسؤولية.", 45),
    ];
    for (text, percent) in texts {
        let (exact, _) = Family::O200k.count([text].into_iter()).unwrap();
        let estimated = sizes(text).tokens(Family::O200k);
        assert!(estimated.abs_diff(exact) * 100 <= exact * percent, "{text}: {estimated}, not {exact}");
    }
}

#[test]
fn reports_correct_estimates_and_absurd_ones_hardly() {
    let estimates = Estimates::default();
    let text = sizes(&"Say something about the weather in the city. ".repeat(20));
    let plain = text.tokens(Family::Other);
    assert_eq!((estimates.tokens("llama", &text), estimates.factor("llama")), (plain, None));
    for _ in 0..200 {
        estimates.learn("llama", &text, plain * 3 / 2);
    }
    let corrected = estimates.tokens("llama", &text);
    assert!((plain * 14 / 10..=plain * 3 / 2 + 1).contains(&corrected), "{corrected} of {plain}");
    assert_eq!(estimates.tokens("other", &text), plain, "each model has its own");
    estimates.learn("llama", &text, u64::MAX);
    assert!(estimates.tokens("llama", &text) < plain * 2);
    for _ in 0..200 {
        estimates.learn("llama", &text, u64::MAX);
    }
    assert!(estimates.tokens("llama", &text) <= plain * 4);
    for model in 0..10_000 {
        estimates.learn(&model.to_string(), &text, plain);
    }
    assert_eq!(estimates.factor("9999"), None, "what clients name is bounded");
}

fn pieces_are_cut_as_openai_cuts_them() {
    // Source: `tiktoken` 0.12 in Python, `len(encoding.encode(text))`.
    for (text, cl100k, o200k) in CASES {
        let count = |family: Family| family.count([*text].into_iter()).unwrap().0;
        assert_eq!((count(Family::Cl100k), count(Family::O200k)), (*cl100k, *o200k), "{text:?}");
    }
}

proptest! {
    #[test]
    fn more_text_is_not_fewer_tokens(texts in prop::collection::vec("\\PC{0,40}", 0..8), more in "\\PC{1,40}") {
        let mut all = Sizes::default();
        texts.iter().for_each(|text| all.add(text));
        let before = all.tokens(Family::Claude);
        all.add(&more);
        prop_assert!(all.tokens(Family::Claude) >= before);
        prop_assert!(all.tokens(Family::Claude) > 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_count_is_the_sum_of_its_texts_and_no_more_than_their_bytes(
        texts in prop::collection::vec("(\\PC|\\s){0,40}", 0..6), reported: u64,
    ) {
        let bytes: u64 = texts.iter().map(|text| text.len() as u64).sum();
        for family in [Family::O200k, Family::Cl100k] {
            let (tokens, whole) = family.count(texts.iter().map(String::as_str)).unwrap();
            let each = |text: &String| family.count([text.as_str()].into_iter()).unwrap().0;
            prop_assert!(whole && tokens <= bytes && (tokens == 0) == (bytes == 0));
            prop_assert_eq!(tokens, texts.iter().map(each).sum::<u64>());
            prop_assert_eq!(family.count(texts.iter().rev().map(String::as_str)), Some((tokens, true)));
        }
        let mut sizes = Sizes::default();
        texts.iter().for_each(|text| sizes.add(text));
        let estimates = Estimates::default();
        let before = estimates.tokens("llama", &sizes);
        for _ in 0..4 {
            estimates.learn("llama", &sizes, reported);
            let after = estimates.tokens("llama", &sizes);
            prop_assert!(after <= 4 * before + 1 && after >= before / 4, "{} {}", before, after);
        }
    }
}
