//! Holding only what could still become a token.
//!
//! A text filter that replaces tokens must not release the beginning of one: `<EMA` may yet become
//! `<EMAIL_1>`. These functions say from which byte a window must be held, so that everything before it can
//! be released at once. They allocate nothing and only ever cut at character boundaries.

/// The byte from which `text` must be held because what stands there is a beginning of one of `tokens` and
/// the rest may follow; `text.len()` when nothing must. A token that is complete is not held.
#[must_use]
pub fn hold_from<T: AsRef<str>>(text: &str, tokens: &[T]) -> usize {
    let longest = tokens.iter().map(|token| token.as_ref().len()).max().unwrap_or(0);
    hold_from_where(text, longest, |tail| {
        tokens.iter().any(|token| token.as_ref().len() > tail.len() && token.as_ref().starts_with(tail))
    })
}

/// The byte from which `text` must be held because `could_grow` says of the tail there that it may yet become
/// a token. Only tails shorter than `longest` bytes are asked about, the longest first.
#[must_use]
pub fn hold_from_where(text: &str, longest: usize, could_grow: impl Fn(&str) -> bool) -> usize {
    let earliest = text.len().saturating_sub(longest.saturating_sub(1));
    let tails = text.char_indices().map(|(at, _)| at).skip_while(|at| *at < earliest);
    for at in tails {
        if text.get(at..).is_some_and(&could_grow) {
            return at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_a_beginning_is_held() {
        let tokens = ["<EMAIL_1>", "<EMAIL_12>"];
        assert_eq!(hold_from("mail <EMA", &tokens), 5);
        assert_eq!(hold_from("mail <EMAIL_1", &tokens), 5);
        assert_eq!(hold_from("mail <EMAIL_1>", &tokens), 14);
        assert_eq!(hold_from("mail <EMAIL_2", &tokens), 13);
        assert_eq!(hold_from("a < b <", &tokens), 6);
        assert_eq!(hold_from("", &tokens), 0);
        assert_eq!(hold_from("anything", &[] as &[&str]), 8);
    }

    #[test]
    fn characters_are_never_split() {
        assert_eq!(hold_from("naï", &["ïve"]), 2);
        assert_eq!(hold_from("日本", &["本語"]), 3);
    }

    proptest! {
        /// Whatever follows: a token that is there in the end begins at or behind the watermark, or was
        /// complete already.
        #[test]
        fn no_token_is_cut(before in "[ab<é]{0,12}", after in "[ab<é]{0,12}", token in "[ab<é]{1,5}") {
            let safe = hold_from(&before, &[&token]);
            prop_assert!(before.is_char_boundary(safe));
            let all = format!("{before}{after}");
            for (at, found) in all.match_indices(&token) {
                prop_assert!(at >= safe || at + found.len() <= before.len());
            }
        }
    }
}
