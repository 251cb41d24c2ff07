//! Literal texts that give an attack away, such as forged turn delimiters, found in any case in the raw text.
//!
//! A marker has four bytes at least, and so three pairs of bytes at its beginning: of a text every third pair is looked at,
//! and nearly none of them begins a marker. Invariant: work in proportion to the text.

/// Pairs at the beginning of each marker that are known, and how many bytes of a text lie between two that are looked at.
const KNOWN: usize = 3;

/// The markers of all rules.
#[derive(Debug, Default)]
pub struct Markers {
    /// In lower case, with the rule of each.
    markers: Vec<(String, usize)>,
    /// For each byte that may begin a known pair, the markers, and where in them it does.
    by_first: Vec<Vec<(usize, usize)>>,
    /// For each two bytes, a bit: whether they are a known pair.
    pairs: Vec<u64>,
}

impl Markers {
    /// Adds a marker of a rule; one of fewer than four bytes is never found.
    pub fn add(&mut self, marker: &str, rule: usize) {
        self.by_first.resize(256, Vec::new());
        self.pairs.resize(PAIRS / 64, 0);
        let marker = marker.to_ascii_lowercase();
        let known = marker.as_bytes().array_windows().take(KNOWN).enumerate();
        for (offset, [first, second]) in known.filter(|_| marker.len() > KNOWN) {
            let cases = |byte: &u8| [*byte, byte.to_ascii_uppercase()];
            for (a, b) in cases(first).into_iter().flat_map(|a| cases(second).map(|b| (a, b))) {
                let (word, bit) = place(a, b);
                self.pairs.get_mut(word).into_iter().for_each(|bits| *bits |= bit);
            }
            for byte in cases(first) {
                let of_byte = self.by_first.get_mut(usize::from(byte)).into_iter();
                let new = (self.markers.len(), offset);
                of_byte.filter(|of| of.last() != Some(&new)).for_each(|of| of.push(new));
            }
        }
        self.markers.push((marker, rule));
    }

    /// The rules whose markers stand in a text, each once, in their order.
    pub fn found(&self, text: &str) -> Vec<usize> {
        let mut rules = Vec::new();
        for (at, [byte, second]) in text.as_bytes().array_windows().enumerate().step_by(KNOWN) {
            let (word, bit) = place(*byte, *second);
            if self.pairs.get(word).is_none_or(|bits| bits & bit == 0) {
                continue;
            }
            for (n, offset) in self.by_first.get(usize::from(*byte)).into_iter().flatten() {
                let Some((marker, rule)) = self.markers.get(*n) else { continue };
                let start = at.checked_sub(*offset);
                let here = start.and_then(|start| text.as_bytes().get(start..start + marker.len()));
                if !rules.contains(rule)
                    && here.is_some_and(|here| here.eq_ignore_ascii_case(marker.as_bytes()))
                {
                    rules.push(*rule);
                }
            }
        }
        rules.sort_unstable();
        rules
    }
}

/// How many two bytes there are.
const PAIRS: usize = 1 << 16;

/// Where the bit of two bytes is.
fn place(a: u8, b: u8) -> (usize, u64) {
    let pair = usize::from(u16::from_be_bytes([a, b]));
    (pair / 64, 1 << (pair % 64))
}

#[cfg(test)]
mod tests {
    use super::Markers;

    #[test]
    fn markers_are_found_anywhere_in_any_case_each_rule_once() {
        let mut markers = Markers::default();
        for (marker, rule) in [("<|end|>", 0), ("Zebra:", 1), ("zeal", 1), ("éclair", 2)] {
            markers.add(marker, rule);
        }
        assert_eq!(markers.found("zebra: ZEAL <|END|> <|end|"), [0, 1]);
        assert_eq!(markers.found("un éclair"), [2]);
        assert!(markers.found("zebr").is_empty() && Markers::default().found("zebra:").is_empty());
    }
    #[test]
    fn markers_are_found_wherever_they_begin() {
        let mut markers = Markers::default();
        let all = ["abcd", "aaaa", "bcdab", "-- x", "dddddddd"];
        (0..).zip(all).for_each(|(rule, marker)| markers.add(marker, rule));
        for (n, marker) in (0..).zip(all) {
            for before in 0..7 {
                for case in [marker.to_owned(), marker.to_uppercase()] {
                    let text = format!("{}{case}{}", "é~".repeat(before), "~".repeat(before % 3));
                    assert_eq!(markers.found(&text), [n], "{text}");
                }
            }
        }
    }
}
