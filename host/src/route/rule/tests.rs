//! Which requests rules are for.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::auth::Holder;
use crate::chat::Operation;
use serde_json::json;

fn principal() -> Principal {
    let holder = Holder { team: Some("search".into()), agent: Some("crawler".into()), ..Holder::default() };
    Principal { tenant: "acme".into(), key: "web".into(), holder, permissions: Default::default() }
}

fn prompt(mut body: Value, headers: &[(&str, &str)]) -> Prompt {
    body["model"] = "gpt-4o".into();
    let Value::Object(body) = body else { unreachable!("a test's body is an object") };
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Prompt::new(Operation::Chat, body, headers.collect())
}

fn says(text: &str) -> Value {
    json!({ "messages": [{ "role": "user", "content": text }] })
}

fn patterns(all: &[&str]) -> Vec<Pattern> {
    all.iter().map(|text| Pattern::new(text)).collect()
}

fn holds(condition: &Condition, prompt: &Prompt) -> bool {
    condition.holds(&Asked::new(&principal(), prompt))
}

#[test]
fn a_name_that_is_not_known_fits_nothing() {
    let prompt = prompt(says("hi"), &[]);
    for (who, pattern, fits) in [
        (Who::Tenant, "acme", true),
        (Who::Key, "w*", true),
        (Who::Team, "search", true),
        (Who::Team, "ads", false),
        (Who::Agent, "crawl*", true),
        (Who::User, "*", false),
        (Who::OnBehalfOf, "*", false),
        (Who::Service, "*", false),
    ] {
        assert_eq!(holds(&Condition::Who(who, patterns(&[pattern])), &prompt), fits, "{who:?} {pattern}");
    }
}

#[test]
fn tags_come_by_header_and_by_metadata() {
    let tag = Condition::Tag(patterns(&["batch", "night*"]));
    let with = |metadata: Value| {
        let mut body = says("hi");
        body["metadata"] = metadata;
        body
    };
    for (body, header, fits) in [
        (says("hi"), "x, batch ,y", true),
        (says("hi"), "nightly", true),
        (says("hi"), "batches", false),
        (with(json!({ "tags": "a,batch" })), "", true),
        (with(json!({ "tags": ["a", "batch"] })), "", true),
        (with(json!({ "tags": { "batch": true } })), "", false),
        (with(json!("batch")), "", false),
    ] {
        assert_eq!(holds(&tag, &prompt(body.clone(), &[(TAGS, header)])), fits, "{body} {header}");
    }
    // A list without end is not read to its end.
    let many: Vec<String> = (0..1_000).map(|n| format!("t{n}")).chain(["batch".to_owned()]).collect();
    assert!(!holds(&tag, &prompt(with(json!({ "tags": many })), &[])));
}

#[test]
fn metadata_and_headers_are_compared_by_their_values() {
    let mut body = says("hi");
    body["metadata"] = json!({ "tier": "gold", "beta": true, "nested": { "a": 1 } });
    let prompt = prompt(body, &[("x-app", "editor/2")]);
    let metadata = |name: &str, value: &str| Condition::Metadata(name.into(), patterns(&[value]));
    assert!(holds(&metadata("tier", "gold"), &prompt) && holds(&metadata("beta", "true"), &prompt));
    assert!(!holds(&metadata("nested", "*"), &prompt) && !holds(&metadata("none", "*"), &prompt));
    assert!(holds(&Condition::Header("x-app".into(), patterns(&["editor/*"])), &prompt));
    assert!(!holds(&Condition::Header("x-other".into(), patterns(&["*"])), &prompt));
}

#[test]
fn sizes_kinds_and_shapes() {
    let text = prompt(says("12345678"), &[]);
    assert!(holds(&Condition::Bytes(8, 8), &text) && !holds(&Condition::Bytes(9, usize::MAX), &text));
    assert!(holds(&Condition::Tokens(0, 2), &text) && !holds(&Condition::Tokens(3, usize::MAX), &text));
    assert!(holds(&Condition::Modality(vec![None]), &text));
    assert!(holds(&Condition::Tools(false), &text) && holds(&Condition::Streaming(false), &text));
    let picture = prompt(
        json!({ "tools": [{ "type": "function" }], "stream": true, "messages": [{ "role": "user", "content": [
            { "type": "image_url", "image_url": { "url": "https://example.com/x.png" } },
        ] }] }),
        &[],
    );
    assert!(holds(&Condition::Modality(vec![Some(Modality::Image)]), &picture));
    assert!(!holds(&Condition::Modality(vec![None, Some(Modality::Audio)]), &picture));
    assert!(holds(&Condition::Tools(true), &picture) && holds(&Condition::Streaming(true), &picture));
    assert!(holds(&Condition::Operation(patterns(&["chat"])), &picture));
}

#[test]
fn the_language_is_that_of_what_the_user_said_last() {
    let body = json!({ "messages": [
        { "role": "system", "content": "You are a helpful assistant and answer every question politely." },
        { "role": "user", "content": "Können Sie bitte den folgenden Bericht für den Vorstand zusammenfassen?" },
    ] });
    let prompt = prompt(body, &[]);
    let is = |name: &str| holds(&Condition::Language(vec![language::named(name).unwrap()]), &prompt);
    assert!(is("de") && !is("en"));
}

#[test]
fn everything_must_hold_and_not_every_exception() {
    let prompt = prompt(says("hi"), &[]);
    let model = |text: &str| Condition::Model(patterns(&[text]));
    let fits = |when: Vec<Condition>, unless: Vec<Condition>| {
        let rule = Rule { name: "r".into(), when, unless, action: Action::Route("other".into()) };
        rule.fits(&Asked::new(&principal(), &prompt))
    };
    assert!(fits(vec![], vec![]), "a rule without conditions is for everything");
    assert!(fits(vec![model("gpt-*"), Condition::Tools(false)], vec![]));
    assert!(!fits(vec![model("gpt-*"), Condition::Tools(true)], vec![]));
    assert!(!fits(vec![], vec![model("gpt-*")]));
    assert!(fits(vec![], vec![model("gpt-*"), Condition::Tools(true)]));
}
