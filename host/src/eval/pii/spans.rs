//! From a masked text back to what was masked.
//!
//! A placeholder is `<NAME_7>` that the text itself does not contain. Where the value of one is known and stands at
//! its place, the span is exact; otherwise it reaches to where the text goes on. Never guesses a name.

/// A stretch of a text, in bytes, and what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// The byte behind the last.
    pub end: usize,
    /// What it is.
    pub entity: String,
}

impl Span {
    /// Whether two have a byte in common.
    #[must_use]
    pub const fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }

    /// Where it is, in characters as data has it.
    #[must_use]
    pub fn place(&self, text: &str) -> String {
        let place = |end: usize| text.get(..end).unwrap_or_default().chars().count();
        format!("at {}..{}", place(self.start), place(self.end))
    }
}

/// The placeholders of a masked text that its original does not have, each once, in order.
#[must_use]
pub fn placeholders(original: &str, masked: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (start, end) in marks(masked) {
        let mark = masked.get(start..end).unwrap_or_default();
        if !all.iter().any(|known| known == mark) && !original.contains(mark) {
            all.push(mark.to_owned());
        }
    }
    all
}

/// What the placeholders of a masked text stood for in the original. `values` are those of `placeholders`, in the
/// same order, as far as they are known.
#[must_use]
pub fn align(original: &str, masked: &str, placeholders: &[String], values: &[&str]) -> Vec<Span> {
    let value = |mark: &str| {
        let place = placeholders.iter().position(|known| known == mark)?;
        values.get(place).copied().filter(|value| *value != mark)
    };
    let ours: Vec<(usize, usize)> = marks(masked)
        .into_iter()
        .filter(|(start, end)| placeholders.iter().any(|known| masked.get(*start..*end) == Some(known)))
        .collect();
    let mut spans = Vec::new();
    let (mut read, mut at) = (0, 0);
    for (n, (start, end)) in ours.iter().enumerate() {
        // What stands before it is as it was.
        at += start - read;
        read = *end;
        let mark = masked.get(*start..*end).unwrap_or_default();
        let rest = original.get(at..).unwrap_or_default();
        let length = match value(mark) {
            Some(value) if !value.is_empty() && rest.starts_with(value) => value.len(),
            _ => {
                let next = ours.get(n + 1).map_or(masked.len(), |(next, _)| *next);
                gap(rest, masked.get(*end..next).unwrap_or_default())
            }
        };
        if length > 0 {
            let entity = mark.trim_matches(['<', '>']).rsplit_once('_').map_or("", |(name, _)| name);
            spans.push(Span { start: at, end: at + length, entity: entity.to_owned() });
        }
        at += length;
    }
    spans
}

/// How far it is to where the text goes on.
fn gap(rest: &str, after: &str) -> usize {
    if after.is_empty() { rest.len() } else { rest.find(after).unwrap_or(rest.len()) }
}

/// Where `<NAME_7>` stands.
fn marks(text: &str) -> Vec<(usize, usize)> {
    let is_mark = |inside: &str| {
        inside.rsplit_once('_').is_some_and(|(name, number)| {
            !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
                && name.starts_with(|first: char| first.is_ascii_uppercase())
                && name
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
        })
    };
    text.match_indices('<')
        .filter_map(|(start, _)| {
            let length = text.get(start..)?.find('>')? + 1;
            let inside = text.get(start + 1..start + length - 1)?;
            is_mark(inside).then_some((start, start + length))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, masked: &str, values: &[&str], expected: &[(&str, &str)]) {
        let placeholders = placeholders(original, masked);
        let spans = align(original, masked, &placeholders, values);
        let got: Vec<(&str, &str)> = spans
            .iter()
            .map(|span| (span.entity.as_str(), original.get(span.start..span.end).unwrap_or("?")))
            .collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn values_give_exact_spans() {
        check(
            "Ann Ann, a@b.de a@b.de.",
            "<PERSON_1> <PERSON_1>, <EMAIL_ADDRESS_1> <EMAIL_ADDRESS_1>.",
            &["Ann", "a@b.de"],
            &[("PERSON", "Ann"), ("PERSON", "Ann"), ("EMAIL_ADDRESS", "a@b.de"), ("EMAIL_ADDRESS", "a@b.de")],
        );
    }

    #[test]
    fn without_values_a_span_reaches_to_where_the_text_goes_on() {
        check("mail a@b.de now", "mail <EMAIL_1> now", &[], &[("EMAIL", "a@b.de")]);
        check("mail a@b.de", "mail <EMAIL_1>", &["<EMAIL_1>"], &[("EMAIL", "a@b.de")]);
    }

    #[test]
    fn what_the_text_says_itself_is_no_placeholder() {
        check("<EMAIL_1> is a@b.de, ü", "<EMAIL_1> is <EMAIL_2>, ü", &["a@b.de"], &[("EMAIL", "a@b.de")]);
        check("a <b> <B_> <_1> <a_1>", "a <b> <B_> <_1> <a_1>", &[], &[]);
    }

    #[test]
    fn spans_that_touch_do_not_overlap() {
        let span = |start, end| Span { start, end, entity: String::new() };
        assert!(span(0, 3).overlaps(&span(2, 5)) && !span(0, 3).overlaps(&span(3, 5)));
    }
}
