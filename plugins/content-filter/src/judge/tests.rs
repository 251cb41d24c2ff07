//! Rules against each other.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn judged(config: &str, text: &str, last: bool) -> Judgement {
    judge(&Settings::new(serde_json::from_str(config).unwrap()).unwrap(), text, 0, last)
}

#[test]
fn a_stop_is_seen_under_a_mask() {
    let config =
        r#"{"words":["bomb"],"categories":{"m":{"patterns":[{"name":"all","pattern":"the \\w+"}]}}}"#;
    let j = judged(config, "the bomb", true);
    assert_eq!((j.stop, j.seen), (Some(0), vec![0]));
}

#[test]
fn a_flag_hides_nothing() {
    let config = r#"{"profanity":"off","classifier":false,"action":"mask","words":["bomb"],"categories":{"f":{"severity":"low","patterns":[{"name":"all","pattern":"\\w+"}]}}}"#;
    assert_eq!(
        judged(config, "a bomb", true),
        Judgement { stop: None, seen: vec![0, 1], masks: vec![(2, 6)], safe: 6 }
    );
}

#[test]
fn masks_are_longest_first_and_do_not_overlap() {
    let config =
        r#"{"action":"mask","words":["red","red fox"],"patterns":[{"name":"n","pattern":"fox \\d+"}]}"#;
    assert_eq!(judged(config, "red fox 12 red", true).masks, [(0, 7), (11, 14)]);
}

#[test]
fn a_mask_that_is_not_all_decided_is_held_whole() {
    let config = r##"{"action":"mask","patterns":[{"name":"n","pattern":"#\\d+"}],"max_match_bytes":6}"##;
    let j = judged(config, "aaaaaa #12 b", false);
    assert_eq!((j.masks, j.safe), (vec![], 3));
    let j = judged(config, "aaaaaa #12 bcdefg", false);
    assert_eq!((j.masks, j.safe), (vec![], 7));
    let j = judged(config, "aaaaaa #12 bcdefgh12", false);
    assert_eq!((j.masks, j.safe), (vec![(7, 10)], 11));
}

#[test]
fn without_patterns_ordinary_text_does_not_wait() {
    assert_eq!(judged(r#"{"words":["secret"]}"#, "nothing here", false).safe, 12);
}
