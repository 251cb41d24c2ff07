//! Signs that say something: operators between numbers, and symbols that stand alone.
//!
//! Invariant: what is only punctuation, a dash, a bullet or an emoji is no sign. Never looks at words.

/// The signs of a piece of text without white space, given its neighbours.
pub(super) fn signs(raw: &str, before: Option<&str>, after: Option<&str>) -> Vec<char> {
    let mut all = raw.chars();
    if let (Some(c), None) = (all.next(), all.next()) {
        let reckons = |near: Option<&str>| near.is_some_and(|near| near.chars().any(char::is_numeric));
        let sign = if operates(c) { reckons(before) && reckons(after) } else { symbol(c) };
        return if sign { vec![c] } else { Vec::new() };
    }
    // "2*3" is not "2/3", and "+" and "-" stay with their numbers anyway.
    let chars: Vec<char> = raw.chars().collect();
    let between = chars.windows(3).filter_map(|three| match three {
        [a, c, b] if a.is_ascii_digit() && b.is_ascii_digit() && operates(*c) => Some(*c),
        _ => None,
    });
    between.filter(|c| !matches!(c, '+' | '-')).collect()
}

/// Whether a token is a sign that [`signs`] found.
pub(super) fn is_sign(token: &str) -> bool {
    let mut all = token.chars();
    matches!((all.next(), all.next()), (Some(c), None) if !c.is_alphanumeric())
}

fn operates(c: char) -> bool {
    matches!(
        c,
        '+' | '-' | '\u{2212}' | '*' | '/' | '\u{d7}' | '\u{f7}' | '^' | '=' | '<' | '>' | '%' | '&' | '|'
    )
}

fn symbol(c: char) -> bool {
    let punctuation = matches!(
        c,
        '.' | ',' | ';' | ':' | '!' | '?' | '"' | '\'' | '`' | '(' | ')' | '[' | ']' | '{' | '}'
    ) || matches!(c, '\u{a0}'..='\u{bf}' | '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..);
    !c.is_alphanumeric() && !punctuation && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::{is_sign, signs};

    #[test]
    fn operators_and_lone_symbols_are_signs() {
        assert_eq!(signs("*", Some("2"), Some("3?")), ['*']);
        assert_eq!(signs("-", Some("Rust"), Some("a")), []);
        assert_eq!(signs("~", Some("the"), Some("symbol")), ['~']);
        assert_eq!(signs("2/3", None, None), ['/']);
        assert_eq!(signs("and/or", None, None), []);
        assert_eq!(signs("\u{1f917}", Some("join"), None), []);
        assert_eq!(signs("\u{2022}", None, Some("first")), []);
        assert!(is_sign("*") && !is_sign("a") && !is_sign("c++"));
    }
}
