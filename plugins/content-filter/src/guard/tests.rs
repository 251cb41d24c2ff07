//! The rules and the classifier together, whole and cut.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::window::apply;
use proptest::prelude::*;

fn settings(json: &str) -> Settings {
    Settings::new(serde_json::from_str(json).unwrap()).unwrap()
}

fn model() -> &'static Model {
    static ONCE: std::sync::OnceLock<Model> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| Model::built_in().unwrap())
}

/// What the client gets when a text arrives in these pieces, and what was seen.
fn stream(settings: &Settings, pieces: &[&str], json: bool) -> (Option<String>, State) {
    let (mut held, mut out, mut state) = (String::new(), String::new(), State::default());
    for (n, piece) in pieces.iter().enumerate() {
        held.push_str(piece);
        let last = n + 1 == pieces.len();
        state = State::decode(&state.encode());
        let decided = inspect(settings, Some(model()), &held, json, last, &mut state);
        if decided.stop.is_some() {
            return (None, state);
        }
        assert!(!last || decided.safe == held.len(), "everything is released at the end");
        out.push_str(&apply(&held, &decided));
        held.drain(..decided.safe);
    }
    (Some(out), state)
}

const THREAT: &str = "I am going to kill him with a knife tonight.";
const HATE: &str = "All immigrants are vermin and should be thrown out of our country.";

#[test]
fn by_default_nothing_is_changed_and_scores_are_told() {
    let s = settings("{}");
    let text = format!("Good morning. {THREAT} This is shit.");
    let (out, state) = stream(&s, &[&text], false);
    assert_eq!(out.as_deref(), Some(text.as_str()));
    let (scores, seen) = state.scores(&s);
    let of = |name: &str| scores.iter().find(|(n, _)| *n == name).unwrap().1;
    assert!(of("violence") > 0.5 && of("profanity") > 0.5 && of("sexual") < 0.3, "{scores:?}");
    assert!(seen.iter().any(|(name, _)| *name == "violence") && state.score(&s) > 0.5, "{seen:?}");
}

#[test]
fn a_head_masks_its_unit_or_stops() {
    let masks = settings(r#"{"categories":{"violence":{"action":"mask"}},"profanity":"mask"}"#);
    let (out, _) = stream(
        &masks,
        &["The sky is blue, fuck it.\n", THREAT, "\nThe museum opens at nine, f u c k it."],
        false,
    );
    assert!(
        !out.as_ref().unwrap().contains("kill")
            && out.as_ref().unwrap().starts_with("The sky is blue, *** it.\n***\n"),
        "{out:?}"
    );
    assert!(
        out.as_ref().is_some_and(|out| out.ends_with("\n***\nThe museum opens at nine, *** it.")),
        "{out:?}"
    );
    let stops = settings(r#"{"categories":{"hate":{"action":"stop"}}}"#);
    assert_eq!(stream(&stops, &["Good morning. ", HATE], false).0, None);
    assert!(stream(&stops, &["Good morning. How are you?"], false).0.is_some());
}

#[test]
fn a_severity_can_be_asked_for() {
    let guard = |threshold| crate::settings::Guard {
        head: 1,
        category: 0,
        action: Action::Stop,
        threshold,
        min_severity: Severity::High,
    };
    let of = |score| guard(0.4).severity(score);
    assert_eq!(
        [of(0.39), of(0.4), of(0.65), of(0.9)],
        [None, Some(Severity::Low), Some(Severity::Medium), Some(Severity::High)]
    );
}

#[test]
fn off_is_off() {
    let s = settings(r#"{"classifier":false,"profanity":"off","words":["x"]}"#);
    assert!(s.guards.is_empty() && s.categories.len() == 1);
    let s = settings(r#"{"categories":{"hate":{"action":"off"}},"profanity":"off"}"#);
    assert_eq!(s.guards.len(), 5);
}

#[test]
fn states_survive_being_kept() {
    let mut state = State::default();
    inspect(&settings("{}"), Some(model()), "I hate you. Some", false, false, &mut state);
    assert_eq!(State::decode(&state.encode()), state);
    assert_eq!(State::decode(&[9]), State::default());
}

const MIXED: &str = r#"{"action":"mask","words":["red fox"],"categories":{"violence":{"action":"mask"},"hate":{"action":"stop","min_severity":"high"},
    "self-harm":{"action":"flag"}},"patterns":[{"name":"id","pattern":"\\bid-\\d+\\b"}],"profanity":"mask"}"#;

fn mixed() -> &'static Settings {
    static ONCE: std::sync::OnceLock<Settings> = std::sync::OnceLock::new();
    ONCE.get_or_init(|| settings(MIXED))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn every_cut_gives_the_whole_output(
        bits in prop::collection::vec(prop::sample::select(vec![
            THREAT, HATE, " ", "\n", "red fox", "red ", "fox", "sh1t", "f u c k ", "id-12", "id", ". ", "é", "I cut my wrists.", "kill ", "him ", "\"", "\\n",
        ]), 0..16),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        json: bool,
    ) {
        let text = bits.concat();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(text.len() + 1)).filter(|c| text.is_char_boundary(*c)).collect();
        at.sort_unstable();
        at.push(text.len());
        let starts = std::iter::once(0).chain(at.iter().copied());
        let pieces: Vec<&str> = starts.zip(&at).map(|(from, to)| &text[from..*to]).collect();
        let (whole, all) = stream(mixed(), &[&text], json);
        let (cut, seen) = stream(mixed(), &pieces, json);
        prop_assert_eq!(&cut, &whole, "{:?}", text);
        if whole.is_some() {
            prop_assert_eq!(seen.scores(mixed()), all.scores(mixed()), "{:?}", text);
        }
    }
}
