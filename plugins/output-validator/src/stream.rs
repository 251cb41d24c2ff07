//! Checks a stream as it passes: whether it can still become JSON, and JSON whose top the schemas allow.
//!
//! Invariants: the verdict does not depend on how the stream was cut; what is kept between two windows is bounded,
//! and a window costs as much as it is long.
//! It never talks to the host, holds nothing back and mends nothing.

use crate::prefix::{Impossible, Lexer};
use crate::toplevel::{Position, TopLevel};
use serde::{Deserialize, Serialize};

/// What is kept between two windows of a choice.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    lexer: Lexer,
    position: Position,
}

/// What a window makes of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checked {
    /// It may still become what is wanted.
    Possible,
    /// No JSON begins like this.
    NotJson,
    /// It may become JSON, but none that a schema allows.
    NotOfTheSchema,
    /// It ended before the JSON did.
    Incomplete,
}

impl Checked {
    /// For the operator's log.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Possible => "none",
            Self::NotJson => "it could no longer become JSON",
            Self::NotOfTheSchema => "its top level could no longer satisfy the schema",
            Self::Incomplete => "it ended within the JSON",
        }
    }
}

/// Takes what is new. `tops` is only asked for where something at the top is seen.
pub fn check(state: &mut State, fresh: &str, last: bool, tops: impl FnOnce() -> Vec<TopLevel>) -> Checked {
    let mut load = Some(tops);
    let mut tops: Vec<TopLevel> = Vec::new();
    let State { lexer, position } = state;
    let fed = lexer.feed(fresh, |seen| {
        position.follow(seen);
        if let Some(load) = load.take() {
            tops = load();
        }
        tops.iter().all(|top| top.allows(seen, position))
    });
    match fed {
        Err(Impossible { syntax: true, .. }) => Checked::NotJson,
        Err(Impossible { syntax: false, .. }) => Checked::NotOfTheSchema,
        Ok(()) if last && !state.lexer.complete() => Checked::Incomplete,
        Ok(()) => Checked::Possible,
    }
}

impl State {
    /// For the scratch.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From the scratch.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_default()
    }
}

/// For the scratch.
pub fn tops_to_bytes(tops: &[TopLevel]) -> Vec<u8> {
    serde_json::to_vec(tops).unwrap_or_default()
}

/// From the scratch.
pub fn tops_from_bytes(bytes: &[u8]) -> Vec<TopLevel> {
    serde_json::from_slice(bytes).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Checked, State, check, tops_from_bytes, tops_to_bytes};
    use crate::toplevel::TopLevel;
    use serde_json::json;

    /// The verdict and how many bytes were read before it, for pieces of this length.
    fn run(text: &str, length: usize) -> (Checked, usize) {
        let schema = json!({"type": "object", "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "kind": {"enum": ["a", "b"]}}});
        let bytes = tops_to_bytes(&[TopLevel::of(&schema), TopLevel::object()]);
        let mut state = State::default();
        let chars: Vec<char> = text.chars().collect();
        for (at, piece) in chars.chunks(length).enumerate() {
            state = State::from_bytes(&state.to_bytes());
            let piece: String = piece.iter().collect();
            let checked = check(&mut state, &piece, false, || tops_from_bytes(&bytes));
            if checked != Checked::Possible {
                return (checked, at * length);
            }
        }
        (check(&mut state, "", true, Vec::new), chars.len())
    }

    #[test]
    fn the_verdict_does_not_depend_on_the_cuts() {
        for (text, verdict, at) in [
            (r#"{"name": "Änn", "kind": "a"}"#, Checked::Possible, 28),
            (r#"{"name": "Änn", "kind": "c"}"#, Checked::NotOfTheSchema, 26),
            (r#"{"name": "Änn", "sort": 1}"#, Checked::NotOfTheSchema, 21),
            (r#"{"name": 1}"#, Checked::NotOfTheSchema, 9),
            (r#"["a"]"#, Checked::NotOfTheSchema, 0),
            ("Sure! {}", Checked::NotJson, 0),
            (r#"{"name": "Änn",}"#, Checked::NotJson, 15),
            (r#"{"name": "Änn""#, Checked::Incomplete, 14),
            ("", Checked::Incomplete, 0),
        ] {
            assert_eq!(run(text, 1), (verdict, at), "{text}");
            for length in 2..9 {
                assert_eq!(run(text, length).0, verdict, "{text} by {length}");
            }
        }
    }
}
