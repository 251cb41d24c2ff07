//! Thought signatures of tool calls, kept in the ids of the calls.
//!
//! The API wants the signature of a call back when the call is sent again, and a client of OpenAI's API knows
//! only the call's id. So the id carries it: `ID.sig.SIGNATURE`, the signature in the URL-safe alphabet.
//! Invariants: an id that another provider made is left alone; an id without a signature is what it was.
//! Source: Gemini API documentation, "Thought signatures".

/// What the API takes for a call that another model made, instead of a signature.
pub const UNSIGNED: &str = "skip_thought_signature_validator";

const MARK: &str = ".sig.";

/// An id that carries a signature.
pub fn join(id: &str, signature: &str) -> String {
    let safe = signature.trim_end_matches('=').chars().map(|c| match c {
        '+' => '-',
        '/' => '_',
        c => c,
    });
    let safe: String = safe.collect();
    format!("{id}{MARK}{safe}")
}

/// The id and the signature of an id, where it carries one.
pub fn split(id: &str) -> (&str, Option<String>) {
    let Some((plain, safe)) = id.split_once(MARK) else { return (id, None) };
    let well_formed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if safe.is_empty() || !safe.chars().all(well_formed) {
        return (id, None);
    }
    let mut signature = safe.replace('-', "+").replace('_', "/");
    while !signature.len().is_multiple_of(4) {
        signature.push('=');
    }
    (plain, Some(signature))
}

#[cfg(test)]
mod tests {
    use super::{join, split};

    #[test]
    fn a_signature_comes_back_as_it_was() {
        for signature in ["AAAA", "a+/8=", "ab+/cd==", "QQ=="] {
            let padded = signature.len() % 4 == 0;
            let id = join("call_1", signature);
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)), "{id}");
            let (plain, back) = split(&id);
            assert_eq!(plain, "call_1");
            assert_eq!(back.as_deref() == Some(signature), padded, "{signature}");
        }
    }

    #[test]
    fn foreign_ids_are_left_alone() {
        for id in ["call_1", "toolu_01.sig.", "x.sig.ä", ""] {
            assert_eq!(split(id), (id, None));
        }
    }
}
