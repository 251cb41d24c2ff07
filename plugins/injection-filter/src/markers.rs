//! Literal texts that give an attack away, such as forged turn delimiters, found in any case in the raw text.
//!
//! Nearly no byte of a text begins a marker, so markers are kept by their first byte.

/// The markers of all rules.
#[derive(Debug, Default)]
pub struct Markers {
    /// For each first byte, in either case, the markers in lower case and the rule of each.
    by_first: Vec<Vec<(String, usize)>>,
}

impl Markers {
    /// Adds a marker of a rule.
    pub fn add(&mut self, marker: &str, rule: usize) {
        self.by_first.resize(256, Vec::new());
        let marker = marker.to_ascii_lowercase();
        let Some(first) = marker.bytes().next() else { return };
        let upper = first.to_ascii_uppercase();
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
        for (at, byte) in text.bytes().enumerate() {
            for (marker, rule) in self.by_first.get(usize::from(byte)).into_iter().flatten() {
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
