//! Whole and cut: a small model of the host holds what is not safe, applies the changes, keeps what the
//! filter puts aside.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use proptest::prelude::*;

/// What the client gets when a text arrives in these pieces, and the categories that were seen.
fn stream(settings: &Settings, pieces: &[&str], json: bool) -> (Result<String, usize>, Vec<usize>) {
    let (mut held, mut out, mut before, mut seen) =
        (String::new(), String::new(), Before::default(), Vec::new());
    for (n, piece) in pieces.iter().enumerate() {
        let window = format!("{held}{piece}");
        let last = n + 1 == pieces.len();
        let decided = decide(settings, &window, json, last, Before::decode(&before.encode()));
        seen.extend(&decided.seen);
        seen.sort_unstable();
        seen.dedup();
        if let Some(category) = decided.stop {
            return (Err(category), seen);
        }
        assert!(!last || decided.safe == window.len(), "everything is released at the end");
        let mut at = 0;
        for change in &decided.changes {
            assert!(
                change.start >= at && change.end <= decided.safe,
                "changes are in order and below the mark"
            );
            at = change.end;
        }
        out.push_str(&apply(&window, &decided));
        held = window[decided.safe..].to_owned();
        before = decided.before;
    }
    (Ok(out), seen)
}

fn settings(json: &str) -> Settings {
    Settings::new(serde_json::from_str(json).unwrap()).unwrap()
}

/// Asserts what becomes of a whole text.
fn check(config: &str, json: bool, text: &str, expected: &str) {
    assert_eq!(stream(&settings(config), &[text], json).0.as_deref(), Ok(expected));
}

const MASKS: &str = r#"{"action":"mask","words":["secret","red fox","sec"],"max_match_bytes":8,
    "patterns":[{"name":"id","pattern":"\\bid-\\d+\\b"},{"name":"tail","pattern":"x.*y$"},{"name":"run","pattern":"7+"},
                {"name":"line","pattern":"(?m)^é+"},{"name":"q","pattern":"q[^z]*z"}],
    "categories":{"seen":{"severity":"low","words":["fox"],"patterns":[{"name":"f","pattern":"d-1"}]}}}"#;

#[test]
fn plain_text_is_masked() {
    check(MASKS, false, "a Secret, id-12, id-12a, id-123456", "a ***, ***, id-12a, id-123456");
    check(MASKS, false, "x1y x1y", "***");
    check(MASKS, false, "x1y and x1y", "x1y and ***");
}

#[test]
fn arguments_stay_json_and_escapes_hide_nothing() {
    check(
        MASKS,
        true,
        r#"{"a":"\u0073ecret\nsecret","secret":[7,-77.5,null],"b":"red","c":"fox"}"#,
        r#"{"a":"***\n***","***":[1,-11.5,null],"b":"red","c":"fox"}"#,
    );
    let quoted = r#"{"action":"mask","words":["x"],"mask_with":"\"\\"}"#;
    check(quoted, true, r#"{"a":"x"}"#, r#"{"a":"\"\\"}"#);
}

#[test]
fn a_pattern_does_not_leave_its_string() {
    check(
        r#"{"action":"mask","patterns":[{"name":"p","pattern":"key.*"}]}"#,
        true,
        r#"{"a":"key 1","b":2}"#,
        r#"{"a":"***","b":2}"#,
    );
}

#[test]
fn a_word_cut_from_its_beginning_is_not_a_word() {
    let s = settings(r#"{"action":"mask","words":["ass"]}"#);
    assert_eq!(stream(&s, &["gr", "ass", "y gl", "ass ", "ass"], false).0.unwrap(), "grassy glass ***");
}

#[test]
fn a_stop_ends_the_answer() {
    let s = settings(r#"{"words":["bomb"]}"#);
    assert_eq!(stream(&s, &["a bo", "mb is"], false), (Err(0), vec![0]));
}

/// Cuts a text at character boundaries.
fn cut<'t>(text: &'t str, cuts: &[prop::sample::Index]) -> Vec<&'t str> {
    let mut at: Vec<usize> =
        cuts.iter().map(|c| c.index(text.len() + 1)).filter(|&c| text.is_char_boundary(c)).collect();
    at.sort_unstable();
    at.push(text.len());
    let starts = std::iter::once(0).chain(at.iter().copied());
    starts.zip(&at).map(|(from, to)| &text[from..*to]).collect()
}

const BITS: [&str; 26] = [
    "secret",
    "sec",
    "ret",
    "SEC",
    "red",
    " fox",
    " ",
    "\n",
    "id-",
    "1",
    "23",
    "7",
    "777777777",
    "x",
    "y",
    "é",
    "q",
    "z",
    "-",
    "_",
    "\"",
    "\\",
    "\\u0073",
    "\\ud83d",
    "\\n",
    "{\"a\":",
];

/// The rules of [`MASKS`], compiled once.
fn masks() -> &'static Settings {
    static ONCE: std::sync::OnceLock<Settings> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| settings(MASKS))
}

/// The rules that stop, compiled once.
fn stops() -> &'static Settings {
    static ONCE: std::sync::OnceLock<Settings> = std::sync::OnceLock::new();
    let rules = r#"{"words":["bomb"],"patterns":[{"name":"n","pattern":"9{3}s","action":"stop"}],"categories":{"m":{"words":["mb"]}}}"#;
    ONCE.get_or_init(|| settings(rules))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn every_cut_gives_the_whole_output(
        bits in prop::collection::vec(prop::sample::select(BITS.to_vec()), 0..24),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        json: bool,
    ) {
        let text = bits.concat();
        let whole = stream(masks(), &[&text], json);
        prop_assert_eq!(stream(masks(), &cut(&text, &cuts), json), whole, "{:?}", text);
    }

    #[test]
    fn every_cut_stops_alike(
        bits in prop::collection::vec(prop::sample::select(vec!["bo", "mb", "bomb", " ", "s", "9", "99", "é"]), 0..12),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let text = bits.concat();
        let (whole, cut) = (stream(stops(), &[&text], false).0, stream(stops(), &cut(&text, &cuts), false).0);
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn documents_stay_valid(text in r#"(secret|7|"|\\|\n|é| |id-1|[ -~]){0,20}"#, number: i32, cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let doc = serde_json::json!({ "a": [text, number, 777, true], text.clone(): { "b": text } }).to_string();
        let (out, _) = stream(masks(), &cut(&doc, &cuts), true);
        let out = out.unwrap();
        prop_assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{} -> {}", doc, out);
    }
}
