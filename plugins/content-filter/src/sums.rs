//! What is kept of a unit, of a window and of a text once they were read: sums of weights, and counts.
//!
//! Invariant: sums are added in the order of the text, so however it is cut they are the same to the last bit.

/// Heads of the model.
pub const HEADS: usize = 7;
/// Keeps a few words from weighing as much as many.
pub const CALM: f32 = 16.0;

/// What a window needs to know of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    /// The weights of its features, a head each.
    pub heads: [f32; HEADS],
    /// How many features.
    pub features: u32,
    /// How many words.
    pub words: u32,
    /// Classes of its words.
    pub classes: u64,
}

/// What is known of a text, or of a window as though it were all there is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Whole {
    /// The loudest margin of any window, a head each.
    pub loudest: [f32; HEADS],
    /// The weights of all its features.
    pub heads: [f32; HEADS],
    /// How many features.
    pub features: f32,
    /// How many words.
    pub words: f32,
}

impl Default for Whole {
    fn default() -> Self {
        Whole { loudest: [f32::MIN; HEADS], heads: [0.0; HEADS], features: 0.0, words: 0.0 }
    }
}

impl Whole {
    /// A window by itself.
    pub fn of(units: &[Sum], margins: [f32; HEADS]) -> Whole {
        let mut whole = Whole::default();
        units.iter().for_each(|unit| whole.add(unit));
        whole.hear(margins);
        whole
    }

    /// Adds a unit.
    pub fn add(&mut self, unit: &Sum) {
        self.heads.iter_mut().zip(unit.heads).for_each(|(sum, weight)| *sum += weight);
        self.features += count(unit.features);
        self.words += count(unit.words);
    }

    /// Takes in the margins of a window.
    pub fn hear(&mut self, margins: [f32; HEADS]) {
        self.loudest.iter_mut().zip(margins).for_each(|(most, margin)| *most = most.max(margin));
    }
}

/// Counts of a unit are far below what a float holds exactly.
fn count(number: u32) -> f32 {
    f32::from(u16::try_from(number).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests;
