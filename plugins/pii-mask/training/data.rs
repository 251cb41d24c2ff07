//! Reads texts with spans for training and for measuring, and lays their spans on the tagger's words.

use crate::names::words::Word;
use serde::Deserialize;

/// The types, in the order of the tags.
pub const TYPES: [&str; 5] = ["PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "OTHER"];

/// A text with its names.
#[derive(Clone, Debug, Deserialize)]
pub struct Row {
    pub text: String,
    /// From character to character, and what it is.
    pub spans: Vec<(usize, usize, String)>,
    #[serde(default)]
    pub set: String,
    /// The fifth of its set that the row belongs to.
    #[serde(default)]
    pub fold: Option<u64>,
    /// How much the row counts in training.
    #[serde(default)]
    pub weight: Option<f32>,
}

/// The fifth that is held out: `PII_FOLD`, 2 without it; any other number than 0 to 4 holds out nothing.
pub fn held_out() -> u64 {
    std::env::var("PII_FOLD").ok().and_then(|n| n.parse().ok()).unwrap_or(2)
}

impl Row {
    /// Whether the row is of the fifth that is never trained on.
    pub fn held(&self, fold: u64) -> bool {
        self.fold == Some(fold)
    }

    /// The spans in bytes, with their types as numbers; what the tagger does not know is left out.
    pub fn spans(&self) -> Vec<(usize, usize, usize)> {
        let places: Vec<usize> =
            self.text.char_indices().map(|(at, _)| at).chain([self.text.len()]).collect();
        let place = |n: usize| places[n.min(places.len() - 1)];
        let of = |(start, end, name): &(usize, usize, String)| {
            let kind = TYPES.iter().position(|known| known == name)?;
            Some((place(*start), place(*end), kind))
        };
        let mut spans: Vec<_> = self.spans.iter().filter_map(of).collect();
        spans.sort_unstable();
        spans
    }

    /// The tag of each word: the type of the span that covers at least half of it.
    pub fn tags(&self, words: &[Word]) -> Vec<usize> {
        let mut tags = vec![0; words.len()];
        for (start, end, kind) in self.spans() {
            for (word, tag) in words.iter().zip(&mut tags) {
                let shared = word.end.min(end).saturating_sub(word.start.max(start));
                if shared * 2 >= (word.end - word.start).max(1) && *tag == 0 {
                    *tag = kind + 1;
                }
            }
        }
        tags
    }
}

/// The rows of JSONL files whose paths are in an environment variable, separated by `:`.
pub fn rows(variable: &str) -> Vec<(String, Vec<Row>)> {
    let paths = std::env::var(variable).unwrap_or_else(|_| panic!("set {variable} to paths of JSONL files"));
    let read = |path: &str| {
        let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".jsonl").to_owned();
        (name, text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect())
    };
    paths.split(':').filter(|path| !path.is_empty()).map(read).collect()
}
