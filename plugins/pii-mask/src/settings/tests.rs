//! Configurations that are taken, and what the others are told.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;

fn settings(json: &str) -> Result<Settings, Vec<Wrong>> {
    Settings::new(serde_json::from_str(json).unwrap())
}

fn spans(s: &Settings, text: &str) -> Vec<(usize, usize, usize)> {
    s.find(text, "").into_iter().map(|f| (f.start, f.end, f.kind)).collect()
}

/// The pointers of what is wrong with a configuration.
fn wrong(json: &str) -> Vec<String> {
    settings(json).err().unwrap_or_default().into_iter().map(|(at, _)| at).collect()
}

#[test]
fn everything_wrong_is_reported_at_once() {
    let pointers = wrong(
        r#"{"entities":["email","persons"],"actions":{"passports":"mask"},
            "custom":[{"name":"Bad Name","pattern":"a"},{"name":"ip","pattern":"("},{"name":"x","pattern":"a*"}]}"#,
    );
    let expected = [
        "/entities/1",
        "/custom/0/name",
        "/custom/1/name",
        "/custom/1/pattern",
        "/custom/2/pattern",
        "/actions/passports",
    ];
    assert_eq!(pointers, expected);
}

#[test]
fn what_is_found_only_with_another_asks_for_it() {
    assert_eq!(wrong(r#"{"entities":["public_place","title"]}"#), ["/entities", "/entities"]);
    assert_eq!(wrong(r#"{"entities":["public_place","location","title","person","url"]}"#), [""; 0]);
}

#[test]
fn what_identifies_nobody_is_quiet_until_somebody_asks() {
    let of = |json: &str, name: &str| {
        let settings = settings(json).ok().unwrap();
        let kind = settings.kinds().iter().find(|k| k.name == name).unwrap();
        (kind.action, kind.quiet)
    };
    assert_eq!(of("{}", "url"), (Action::Flag, true));
    assert_eq!(of(r#"{"action":"redact"}"#, "url"), (Action::Flag, true));
    assert_eq!(of(r#"{"impersonal":"flag"}"#, "url"), (Action::Flag, false));
    assert_eq!(of(r#"{"actions":{"url":"reject"}}"#, "url"), (Action::Reject, false));
    assert_eq!(of("{}", "email"), (Action::Mask, false));
}

#[test]
fn actions_are_per_entity() {
    let s = settings(r#"{"action":"flag","actions":{"card":"reject"},"custom":[{"name":"badge","pattern":"B\\d+","action":"hash"}]}"#).ok().unwrap();
    let action = |name: &str| s.kinds().iter().find(|k| k.name == name).unwrap().action;
    assert_eq!(
        (action("email"), action("card"), action("badge")),
        (Action::Flag, Action::Reject, Action::Hash)
    );
}

#[test]
fn allowed_values_stay() {
    let s = settings(r#"{"allow":["help@example.com"]}"#).ok().unwrap();
    assert_eq!(s.find("help@example.com ann@example.com", "").len(), 1);
}

#[test]
fn overlapping_finds_become_one_that_covers_both() {
    let s = settings(r#"{"custom":[{"name":"code","pattern":"ref [a-z]+"}]}"#).ok().unwrap();
    let text = "my ref bob@example.com!";
    assert_eq!(spans(&s, text), [(3, 22, 0)]);
    let s = settings(r#"{"custom":[{"name":"badge","pattern":"BADGE 10\\.0\\.0\\.1"}]}"#).ok().unwrap();
    assert_eq!(spans(&s, "BADGE 10.0.0.1"), [(0, 14, BUILT_IN.len())]);
}

#[test]
fn unknown_keys_are_refused() {
    assert!(serde_json::from_str::<Config>(r#"{"entitys":[]}"#).is_err());
}

#[test]
fn allowed_domains_cover_their_subdomains() {
    let s = settings(r#"{"allow_domains":["Example.com"]}"#).ok().unwrap();
    let found = s.find("a@example.com b@mail.example.com c@notexample.com", "");
    assert_eq!(found.len(), 1);
}

#[test]
fn lists_are_found_as_whole_words_in_any_case() {
    let s = settings(r#"{"lists":[{"name":"project","values":["Blue Heron","Zeta"]}]}"#).ok().unwrap();
    assert_eq!(spans(&s, "the BLUE  heron and zeta, not zetas").len(), 2);
    assert_eq!(wrong(r#"{"lists":[{"name":"email","values":["-"]}],"threshold":2}"#).len(), 3);
}

#[test]
fn the_threshold_decides() {
    let strict = settings(r#"{"threshold":0.9}"#).ok().unwrap();
    assert!(strict.find("192.168.1.1", "").is_empty() || strict.find("from 192.168.1.1 on", "").is_empty());
    let loose = settings(r#"{"threshold":0.1}"#).ok().unwrap();
    assert_eq!(loose.find("it was 4155550132 then", "").len(), 1);
}
