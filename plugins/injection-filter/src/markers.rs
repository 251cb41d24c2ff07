//! Literal texts that give an attack away, such as forged turn delimiters, found in any case in the raw text.
//!
//! Nearly no two bytes of a text begin a marker, so those are looked up first. Invariant: a marker has two bytes.

/// The markers of all rules.
#[derive(Debug, Default)]
pub struct Markers {
    /// For each first byte, in either case, the markers in lower case and the rule of each.
    by_first: Vec<Vec<(String, usize)>>,
    /// For each two bytes, a bit: whether a marker begins with them.
    pairs: Vec<u64>,
}

impl Markers {
    /// Adds a marker of a rule.
    pub fn add(&mut self, marker: &str, rule: usize) {
        self.by_first.resize(256, Vec::new());
        let marker = marker.to_ascii_lowercase();
        let Some([first, second]) = marker.as_bytes().first_chunk().copied() else { return };
        self.pairs.resize(PAIRS / 64, 0);
        let upper = first.to_ascii_uppercase();
        for (a, b) in [first, upper].into_iter().flat_map(|a| [(a, second), (a, second.to_ascii_uppercase())])
        {
            let (word, bit) = place(a, b);
            self.pairs.get_mut(word).into_iter().for_each(|bits| *bits |= bit);
        }
        if upper != first {
            self.begin(upper, (marker.clone(), rule));
        }
        self.begin(first, (marker, rule));
    }

    fn begin(&mut self, byte: u8, marker: (String, usize)) {
        if let Some(markers) = self.by_first.get_mut(usize::from(byte)) {
            markers.push(marker);
        }
    }

    /// The rules whose markers stand in a text, each once.
    pub fn found(&self, text: &str) -> Vec<usize> {
        let mut rules = Vec::new();
        for (at, [byte, second]) in text.as_bytes().array_windows().enumerate() {
            let (word, bit) = place(*byte, *second);
            if self.pairs.get(word).is_none_or(|bits| bits & bit == 0) {
                continue;
            }
            for (marker, rule) in self.by_first.get(usize::from(*byte)).into_iter().flatten() {
                let head = text.as_bytes().get(at..at + marker.len());
                if head.is_some_and(|head| head.eq_ignore_ascii_case(marker.as_bytes()))
                    && !rules.contains(rule)
                {
                    rules.push(*rule);
                }
            }
        }
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
        assert_eq!(markers.found("zebra: ZEAL <|END|> <|end|"), [1, 0]);
        assert_eq!(markers.found("un éclair"), [2]);
        assert!(markers.found("zebr").is_empty() && Markers::default().found("zebra:").is_empty());
    }
}
