//! Any texts through `pii-mask`: what it masks it puts back, whatever the cuts; JSON stays JSON; and an answer that says
//! anything at all is restored the same in pieces as whole.
//!
//! The input is an answer behind a request, each after its first byte: how to cut it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pii::mask::Plan;
use pii::{detect, digest, fake, impersonal, json, names, restore, rules, settings, vault};
use settings::Settings;
use std::sync::LazyLock;
use vault::Vault;

#[expect(dead_code, reason = "what only the plugin's hooks call")]
#[path = "../../plugins/pii-mask/src"]
mod pii {
    pub mod detect;
    pub mod digest;
    pub mod fake;
    pub mod impersonal;
    pub mod json;
    pub mod mask;
    pub mod names;
    pub mod restore;
    pub mod rules;
    pub mod settings;
    pub mod vault;
}

/// Placeholders for all there is, and fakes.
static WAYS: LazyLock<[Settings; 2]> = LazyLock::new(|| {
    ["{}", r#"{"action": "replace", "impersonal": "mask"}"#].map(|config| {
        let config = serde_json::from_str(config).expect("it is JSON");
        Settings::new(config).ok().expect("it is a configuration")
    })
});

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let (asked, answered) = match rest.iter().position(|byte| *byte == 0) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &b""[..]),
    };
    let (asked, answered) = (String::from_utf8_lossy(asked), String::from_utf8_lossy(answered));
    let (way, size) = (usize::from(first & 1), usize::from(first >> 1) % 24 + 1);
    let settings = &WAYS[way];

    let plan = Plan::new(settings, std::iter::once(&*asked));
    let mut kept = Vault::default();
    kept.avoid(&asked);
    let sent = plan.rewrite(settings, 0, &asked, &mut kept);
    let sent = sent.as_deref().unwrap_or(&asked);
    let map = kept.encode();
    let entries = vault::decode(&map).expect("as it was encoded");
    if json::is_document(&asked) {
        assert!(json::is_document(sent), "{asked} became {sent}");
    } else if way == 0 {
        assert_eq!(heard(&entries, sent, false, usize::MAX), *asked, "sent: {sent}");
    }
    let answer = format!("{answered}{sent}");
    for json in [false, true] {
        assert_eq!(heard(&entries, &answer, json, size), heard(&entries, &answer, json, usize::MAX));
    }
});

/// What the client reads of an answer that comes in pieces of so many characters.
fn heard(entries: &[(&str, &str)], answer: &str, json: bool, size: usize) -> String {
    let (mut held, mut out, mut rest, mut inside) = (String::new(), String::new(), answer, false);
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
        let (piece, more) = rest.split_at(cut);
        held.push_str(piece);
        let done = restore::restore(entries, &held, json, more.is_empty(), inside);
        let mut at = 0;
        for change in done.changes {
            out.push_str(&held[at..change.start]);
            out.push_str(&change.to);
            at = change.end;
        }
        out.push_str(&held[at..done.safe]);
        held.drain(..done.safe);
        (rest, inside) = (more, done.inside);
    }
    out + &held
}
