//! Reads labelled texts for training and for measuring, as units and features, and says which fold each is in.

use super::meaning::{Meaning, SIZE};
use crate::features::{Feature, Reading, window};
use crate::lexicon::Lexicon;
use crate::model::{NAMES, window_of};
use crate::sums::HEADS;
use crate::units::units;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// A power of two: the rows of each table.
pub const BITS: u8 = 16;
/// Folds of a cross-validation; the first is the part that is held out.
pub const FOLDS: u32 = 5;

/// A labelled text, as `generate.py` writes it.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub text: String,
    pub label: u8,
    pub source: String,
    pub tags: BTreeMap<String, u8>,
    pub weight: f32,
    /// Folds that must not be judged by what learnt from this text: it shares a rare phrase with one of theirs.
    #[serde(default)]
    pub avoid: Vec<u32>,
}

/// A unit's features and meaning.
pub struct Unit {
    pub words: Vec<u32>,
    pub others: Vec<u32>,
    pub meaning: [f32; SIZE],
}

/// A window: which units, and its own features.
pub struct Window {
    pub from: usize,
    pub to: usize,
    pub own: Vec<u32>,
}

/// A text, ready to learn from.
pub struct Case {
    pub labels: [Option<bool>; HEADS],
    pub weight: f32,
    pub source: String,
    pub fold: u32,
    pub avoid: Vec<u32>,
    pub units: Vec<Unit>,
    pub windows: Vec<Window>,
}

impl Row {
    /// By the hash (FNV-1a, 64 bits) of the first forty letters and digits, so that near-duplicates share a fold.
    fn fold(&self) -> u32 {
        let letters = self.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase);
        let hash = letters.take(40).fold(0xCBF2_9CE4_8422_2325_u64, |hash, c| {
            (hash ^ u64::from(u32::from(c))).wrapping_mul(0x100_0000_01B3)
        });
        ((hash >> 32) % u64::from(FOLDS)) as u32
    }

    /// What each head should say; `None` where nobody said.
    pub fn labels(&self) -> [Option<bool>; HEADS] {
        let mut labels = NAMES.map(|name| self.tags.get(name).map(|tag| *tag == 1));
        labels[0] = Some(self.label == 1);
        labels
    }

    /// Cuts the text as the plugin does.
    pub fn case(&self, lexicon: &Lexicon, meaning: &Meaning, seen: &mut HashMap<u32, String>) -> Case {
        let mask = (1 << BITS) - 1;
        let (mut all, mut said, mut windows) = (Vec::new(), Vec::new(), Vec::new());
        let mut reading = Reading::of(lexicon, self.text.len());
        for (from, to) in units(&self.text, true) {
            let text = &self.text[from..to];
            let mut unit = Unit { words: Vec::new(), others: Vec::new(), meaning: [0.0; SIZE] };
            said.push(reading.features(text, |feature| match feature {
                Feature::Word(hash) => unit.words.push(hash & mask),
                Feature::Other(hash) => unit.others.push(hash & mask),
            }));
            crate::reader::words(text, |word| {
                meaning.add(word, &mut unit.meaning);
                seen.entry(crate::lexicon::hash(word.as_bytes()) & mask).or_insert_with(|| word.to_owned());
            });
            all.push(unit);
            let to = all.len();
            let from = to - window_of(said.iter().map(|said| said.words));
            let mut own = Vec::new();
            window(said[from..to].iter().fold(0, |all, said| all | said.classes), |hash| {
                own.push(hash & mask)
            });
            windows.push(Window { from, to, own });
        }
        Case {
            labels: self.labels(),
            weight: self.weight,
            source: self.source.clone(),
            fold: self.fold(),
            avoid: self.avoid.clone(),
            units: all,
            windows,
        }
    }
}

/// The rows of the JSONL file that `CONTENT_TRAIN` names.
pub fn rows() -> Vec<Row> {
    let path = std::env::var("CONTENT_TRAIN").expect("set CONTENT_TRAIN to what generate.py wrote");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect()
}
