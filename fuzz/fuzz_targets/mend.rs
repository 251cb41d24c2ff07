//! Any text as an answer that must be JSON: `output-validator` finds and mends what there is in bounded time; what is JSON
//! already is read as it is; and the check of a stream says the same however it is cut, and of JSON that it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use validator::stream::{Checked, State, check};
use validator::{extract, prefix, repair, toplevel};

#[expect(dead_code, reason = "what only the plugin's hooks call")]
#[path = "../../plugins/output-validator/src"]
mod validator {
    pub mod extract;
    pub mod prefix;
    pub mod repair;
    pub mod stream;
    pub mod toplevel;
}

/// Bytes of a state between two windows: what is told of a token, twice escaped, and the brackets.
const MAX_STATE: usize = 8 * 1024;

fuzz_target!(|input: &[u8]| {
    let Some((cut, text)) = input.split_first() else { return };
    let text = String::from_utf8_lossy(text);
    let json = serde_json::from_str::<Value>(&text);

    let found = extract::candidates(&text);
    assert!(found.len() <= 16);
    for mended in &found {
        assert!(mended.end <= text.len());
        // With a space behind it: a number at the very end may have been cut off.
        let again = format!("{} ", mended.value);
        let read = repair::read(&again).expect("JSON");
        assert_eq!(read.value, mended.value, "{again}");
        assert_eq!((read.end, read.lossy), (again.len() - 1, false), "{again}");
        assert!(read.mends.is_empty(), "{again}: {:?}", read.mends);
    }
    if let Ok(value) = &json {
        assert_eq!(&found.first().expect("it is JSON").value, value);
        let trimmed = format!("{} ", text.trim());
        let read = repair::read(&trimmed).expect("JSON");
        assert_eq!(&read.value, value, "{text}");
        assert_eq!((read.mends.is_empty(), read.lossy), (true, false));
    }

    let whole = verdict(&text, usize::MAX);
    assert_eq!(verdict(&text, usize::from(*cut) % 16 + 1), whole);
    if json.is_ok() {
        assert_eq!(whole, Checked::Possible);
    }
});

/// What the check says in the end of a stream in pieces of so many characters.
fn verdict(text: &str, size: usize) -> Checked {
    let mut state = State::default();
    let mut rest = text;
    while !rest.is_empty() {
        let cut = rest.char_indices().nth(size).map_or(rest.len(), |(at, _)| at);
        let (piece, more) = rest.split_at(cut);
        let bytes = state.to_bytes();
        assert!(bytes.len() <= MAX_STATE);
        state = State::from_bytes(&bytes);
        match check(&mut state, piece, false, Vec::new) {
            Checked::Possible => rest = more,
            other => return other,
        }
    }
    check(&mut state, "", true, Vec::new)
}
