//! A word, or the beginning of words: `gpt-4o`, `gpt-*`.

/// What a value is compared with. Without a `*` at its end it must be the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    begins: bool,
}

impl Pattern {
    /// A pattern as the operator wrote it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(beginning) => Self { text: beginning.into(), begins: true },
            None => Self { text: text.into(), begins: false },
        }
    }

    /// Whether a value fits.
    #[must_use]
    pub fn fits(&self, value: &str) -> bool {
        if self.begins { value.starts_with(&*self.text) } else { *self.text == *value }
    }

    /// How much of a value it says: of two that fit, the one that says more is meant.
    #[must_use]
    pub fn weight(&self) -> usize {
        2 * self.text.len() + usize::from(!self.begins)
    }
}

/// Whether any of them fits.
#[must_use]
pub fn any(patterns: &[Pattern], value: &str) -> bool {
    patterns.iter().any(|pattern| pattern.fits(value))
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn a_star_stands_for_any_end() {
        let (whole, begun) = (Pattern::new("gpt-4o"), Pattern::new("gpt-*"));
        assert!(whole.fits("gpt-4o") && !whole.fits("gpt-4o-mini"));
        assert!(begun.fits("gpt-4o") && begun.fits("gpt-") && !begun.fits("gp"));
        assert!(Pattern::new("*").fits("") && !Pattern::new("").fits("x"));
        assert!(whole.weight() > begun.weight() && begun.weight() > Pattern::new("*").weight());
    }
}
