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
