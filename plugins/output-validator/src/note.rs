//! What was wrong with an answer, in words: for the model that is asked again, and for the operator's log.
//!
//! Invariants: a violation names its place as a JSON pointer, what is there and what was expected; the whole
//! is bounded; of a value of the answer no more than a few characters are told, and none in the log.
//! It never judges (see `judge`) and never decides (see `policy`).

/// A text, cut at a character boundary where it is longer than `max` bytes.
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}
