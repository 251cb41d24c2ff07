//! What a model's name tells about it.

/// A model's generation: `gemini-2.5-flash` is 2.5. A Gemini without a version in its name counts as the
/// newest, because aliases follow the newest models; what is no Gemini (Gemma, say) as the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Generation(pub u32, pub u32);

impl Generation {
    /// Reads a name.
    pub fn of(model: &str) -> Self {
        let Some((_, rest)) = model.split_once("gemini") else { return Self(0, 0) };
        let version = rest.split('-').find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        let mut numbers = version.unwrap_or_default().split('.').map(str::parse::<u32>);
        match numbers.next() {
            Some(Ok(major)) if major < 100 => Self(major, numbers.next().and_then(Result::ok).unwrap_or(0)),
            _ => Self(u32::MAX, 0),
        }
    }

    /// Whether it can think.
    pub fn thinks(self) -> bool {
        self >= Self(2, 5)
    }

    /// Whether it thinks by level (from 3 on) and not by budget, and insists on thought signatures.
    pub fn has_levels(self) -> bool {
        self >= Self(3, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::Generation;

    #[test]
    fn generations_are_read_from_names() {
        for (name, expected) in [
            ("gemini-2.5-flash-lite", Generation(2, 5)),
            ("models/gemini-1.5-pro-002", Generation(1, 5)),
            ("gemini-3-pro-preview", Generation(3, 0)),
            ("gemini-3.1-flash-preview-09-2026", Generation(3, 1)),
            ("gemini-flash-latest", Generation(u32::MAX, 0)),
            ("gemini-99999999999", Generation(u32::MAX, 0)),
            ("gemma-3-27b-it", Generation(0, 0)),
        ] {
            assert_eq!(Generation::of(name), expected, "{name}");
        }
    }
}
