//! Whole requests through a plan.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn settings(json: &str) -> Settings {
    Settings::new(serde_json::from_str(json).unwrap()).ok().unwrap()
}

/// The texts as they leave.
fn masked(config: &str, texts: &[&str]) -> Vec<String> {
    let settings = settings(config);
    let plan = Plan::new(&settings, texts.iter().copied());
    let mut vault = Vault::default();
    texts.iter().for_each(|t| vault.avoid(t));
    let rewrite =
        |(n, t): (usize, &&str)| plan.rewrite(&settings, n, t, &mut vault).unwrap_or_else(|| (*t).to_owned());
    texts.iter().enumerate().map(rewrite).collect()
}

#[test]
fn placeholders_are_consistent_across_texts() {
    let out = masked("{}", &["ann@x.org and bob@x.org", "<EMAIL_1>? ann@x.org", "call 415-555-0132"]);
    assert_eq!(out, ["<EMAIL_2> and <EMAIL_3>", "<EMAIL_1>? <EMAIL_2>", "call <PHONE_1>"]);
}

#[test]
fn json_stays_json() {
    let text = r#"{"to":"a\u0040x.org","line":"one\nbob@x.org","card":4111111111111111,"n":[1.5,-4111111111111111],"k\\":"10.0.0.1"}"#;
    let out = masked("{}", &[text]).remove(0);
    assert_eq!(
        out,
        r#"{"to":"<EMAIL_1>","line":"one\n<EMAIL_2>","card":"<CARD_1>","n":[1.5,-4111111111111111],"k\\":"<IP_1>"}"#
    );
    assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok());
}

#[test]
fn the_decoded_value_is_what_is_kept() {
    let settings = settings("{}");
    let text = r#"["a\u0040x.org"]"#;
    let mut vault = Vault::default();
    Plan::new(&settings, [text].into_iter()).rewrite(&settings, 0, text, &mut vault);
    assert_eq!(crate::vault::decode(&vault.encode()).unwrap(), [("<EMAIL_1>", "a@x.org")]);
}

#[test]
fn the_other_actions() {
    assert_eq!(masked(r#"{"action":"redact"}"#, &["a@x.org"]), ["[EMAIL REDACTED]"]);
    assert_eq!(masked(r#"{"action":"flag"}"#, &["a@x.org"]), ["a@x.org"]);
    // printf 'a@x.org' | sha256sum
    assert_eq!(masked(r#"{"action":"hash"}"#, &["a@x.org"]), ["<EMAIL:907d7bf93d60>"]);
    assert_ne!(
        masked(r#"{"action":"hash"}"#, &["a@x.org"]),
        masked(r#"{"action":"hash","salt":"s"}"#, &["a@x.org"])
    );
}

#[test]
fn a_refusal_names_the_entity_and_counts_are_kept() {
    let settings = settings(r#"{"actions":{"card":"reject"}}"#);
    let plan = Plan::new(&settings, ["a@x.org, b@x.org", "4111111111111111"].into_iter());
    assert_eq!(plan.refused(&settings), Some("card"));
    assert_eq!(plan.counts().collect::<Vec<_>>(), [(0, 2), (2, 1)]);
}

#[test]
fn a_text_without_private_data_costs_nothing() {
    let settings = settings("{}");
    assert!(Plan::new(&settings, ["a plain question about 3 things"].into_iter()).is_empty());
}

proptest::proptest! {
    #[test]
    fn documents_stay_valid(text in r#"[ -~é]{0,20}"#, note in r#"(a@x\.org|\\|"|\n|415-555-0132| |é){0,8}"#, number in 0_u64..u64::MAX) {
        let doc = serde_json::json!({ "a": [text, number], note.clone(): note, "card": 4111111111111111_u64 }).to_string();
        let out = masked("{}", &[&doc]).remove(0);
        proptest::prop_assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{} -> {}", doc, out);
        proptest::prop_assert!(!out.contains("a@x.org"));
    }
}

#[test]
fn the_key_of_a_json_value_is_its_context() {
    let text = r#"{"order_id":"876543210","tfn":"876543210","patient":{"nhs_number":9434765919,"password":"hunter2!"}}"#;
    assert_eq!(
        masked("{}", &[text]),
        [
            r#"{"order_id":"876543210","tfn":"<AU_TFN_1>","patient":{"nhs_number":"<UK_NHS_1>","password":"<SECRET_1>"}}"#
        ]
    );
}

#[test]
fn json_lines_stay_json_lines() {
    let text = "{\"card\":4111111111111111}\n{\"tfn\":876543210}\n";
    assert_eq!(masked("{}", &[text]), ["{\"card\":\"<CARD_1>\"}\n{\"tfn\":\"<AU_TFN_1>\"}\n"]);
}

#[test]
fn a_fake_is_consistent_and_leaves_numbers_numbers() {
    let text = r#"{"card":4111111111111111,"mail":"ann@x.org"}"#;
    let out = masked(r#"{"action":"replace","key":"k"}"#, &[text, "ann@x.org"]);
    let json: serde_json::Value = serde_json::from_str(out.first().unwrap()).unwrap();
    let card = json.pointer("/card").unwrap();
    assert!(card.is_u64() && *card != 4_111_111_111_111_111_u64);
    let mail = json.pointer("/mail").unwrap();
    assert_eq!(mail.as_str(), out.get(1).map(String::as_str));
    assert_ne!(mail, "ann@x.org");
}

#[test]
fn a_key_makes_digests_its_own() {
    let with = |key: &str| masked(&format!(r#"{{"action":"hash","key":"{key}"}}"#), &["a@x.org"]);
    assert_ne!(with("k"), with("l"));
    assert_ne!(with("k"), masked(r#"{"action":"hash"}"#, &["a@x.org"]));
    assert_eq!(with("k"), with("k"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]
    /// A model that says the prompt again is heard as if nothing had been masked, however its answer is cut.
    #[test]
    fn what_was_masked_comes_back(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "ann@x.org", "bob.lee@mail.example.com", "+44 20 7946 0958", "(415) 555-0132", "4012-8888-8888-1881",
            "DE89370400440532013000", "078-05-1123", "10.0.0.1", "2001:db8::1", "00:1A:2B:3C:4D:5E",
            "221 395 1837", "X9613851N", "password: hunter2!", "<EMAIL_1>", "EMAIL_2", " ", ", ", "\n", "é", "名",
            "\"", "\\", "`", "**", "x", "7", "_", "<", "&lt;",
        ]), 0..16),
        cuts in proptest::collection::vec(proptest::prelude::any::<proptest::sample::Index>(), 0..8),
        fakes: bool,
        json: bool,
    ) {
        let text = parts.concat();
        let text = if json { serde_json::json!({ "a": text, "parts": parts }).to_string() } else { text };
        let settings = settings(if fakes { r#"{"action":"replace","key":"k"}"# } else { "{}" });
        let plan = Plan::new(&settings, [text.as_str()].into_iter());
        let mut vault = Vault::default();
        vault.avoid(&text);
        let sent = plan.rewrite(&settings, 0, &text, &mut vault).unwrap_or_else(|| text.clone());
        let map = vault.encode();
        let entries = crate::vault::decode(&map).unwrap();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(sent.len() + 1)).filter(|&c| sent.is_char_boundary(c)).collect();
        at.sort_unstable();
        at.push(sent.len());
        let (mut held, mut out, mut from, mut inside) = (String::new(), String::new(), 0, false);
        for (n, cut) in at.iter().enumerate() {
            let window = format!("{held}{}", &sent[from..*cut]);
            let done = crate::restore::restore(&entries, &window, json, n + 1 == at.len(), inside);
            let mut place = 0;
            for change in done.changes {
                out.push_str(&window[place..change.start]);
                out.push_str(&change.to);
                place = change.end;
            }
            out.push_str(&window[place..done.safe]);
            held = window[done.safe..].to_owned();
            (from, inside) = (*cut, done.inside);
        }
        if json {
            let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            proptest::prop_assert_eq!(value(&out), value(&text), "sent {}", sent);
        } else {
            proptest::prop_assert_eq!(&out, &text, "sent {}", sent);
        }
    }
}

const VALUES: [&str; 12] = [
    "ann@x.org",
    "+44 20 7946 0958",
    "(415) 555-0132",
    "4012-8888-8888-1881",
    "DE89370400440532013000",
    "078-05-1123",
    "10.0.0.1",
    "2001:db8::1",
    "00:1A:2B:3C:4D:5E",
    "X9613851N",
    "529.982.247-25",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
];

proptest::proptest! {
    /// Values between words never leave, whatever stands around them.
    #[test]
    fn nothing_private_leaves(
        parts in proptest::collection::vec((
            proptest::sample::select(vec!["see", "and", "my", "\"", "(", "`", "is:", "\n", "é", "order", "phone", "1 2"]),
            proptest::sample::select(VALUES.to_vec()),
            proptest::sample::select(vec!["", ".", ",", "!", ")", "\"", "`", "\n", ":"]),
        ), 0..6),
        action in proptest::sample::select(vec!["mask", "redact", "hash", "replace"]),
        json: bool,
    ) {
        let text: String = parts.iter().map(|(before, value, after)| format!("{before} {value}{after} ")).collect();
        let text = if json { serde_json::json!([text, parts]).to_string() } else { text };
        let out = masked(&format!(r#"{{"action":"{action}","key":"k"}}"#), &[&text]).remove(0);
        for value in VALUES {
            proptest::prop_assert!(!out.contains(value), "{} -> {}", text, out);
        }
    }
}

#[test]
fn a_name_is_masked_wherever_it_stands_again() {
    let texts = [
        "My name is Maria Gonzalez.",
        "Please call Gonzalez (Maria Gonzalez) back, not Maria_Gonzalez.",
        r#"{"a":"Gonzalez"}"#,
    ];
    assert_eq!(
        masked("{}", &texts),
        [
            "My name is <PERSON_1>.",
            "Please call <PERSON_2> (<PERSON_1>) back, not Maria_Gonzalez.",
            r#"{"a":"<PERSON_2>"}"#,
        ]
    );
}

#[test]
fn a_name_has_one_placeholder_whatever_it_is_taken_for() {
    let out = masked("{}", &["My name is Maria Gonzalez.", "gonzalez; (Maria Gonzalez) -- Maria Gonzalez"]);
    let second = out.get(1).unwrap();
    assert!(second.ends_with("(<PERSON_1>) -- <PERSON_1>"), "{second}");
}

#[test]
fn names_leave_keys_and_bare_values_alone() {
    let text =
        r#"{"status":"Active","Paris":true,"name":"Maria Gonzalez","items":[{"color":"Red","qty":3}]}"#;
    assert_eq!(masked("{}", &[text]), [text.replace("Maria Gonzalez", "<PERSON_1>")]);
}

#[test]
fn what_identifies_nobody_stays_unless_asked_for() {
    let text =
        "Maria Gonzalez pays on 2026-05-12, see https://example.org/pay. What is the capital of France?";
    assert_eq!(masked("{}", &[text]), [text.replace("Maria Gonzalez", "<PERSON_1>")]);
    assert_eq!(
        masked(r#"{"impersonal":"mask"}"#, &[text]),
        ["<PERSON_1> pays on <DATE_TIME_1>, see <URL_1>. What is the capital of <PUBLIC_PLACE_1>?"]
    );
    assert_eq!(
        masked(r#"{"actions":{"date_time":"redact"},"action":"redact"}"#, &[text]),
        [
            "[PERSON REDACTED] pays on [DATE_TIME REDACTED], see https://example.org/pay. What is the capital of France?"
        ]
    );
    let settings = settings("{}");
    let plan = Plan::new(&settings, ["It is due on 2026-05-12."].into_iter());
    assert!(!plan.is_empty() && plan.changes_nothing(&settings));
}

#[test]
fn a_place_that_is_private_anywhere_is_public_nowhere() {
    let out = masked("{}", &["Ann Lee lives in France.", "What is the capital of France?"]);
    assert_eq!(out, ["<PERSON_1> lives in <LOCATION_1>.", "What is the capital of <LOCATION_1>?"]);
}

#[test]
fn a_name_found_elsewhere_is_masked_within_what_stays() {
    let out = masked("{}", &["My name is Maria Gonzalez.", "www.Gonzalez.com on Maria Gonzalez Sunday"]);
    assert!(!out.concat().contains("Maria Gonzalez"), "{out:?}");
}
