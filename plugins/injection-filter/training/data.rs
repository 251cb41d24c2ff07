//! Reads labelled texts for training and for measuring, and says which of them training never sees.

use serde::Deserialize;

/// A labelled text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Row {
    pub text: String,
    /// A number (0, 1) or a name (`benign…` is 0).
    pub label: serde_json::Value,
    /// `user` or `tool`.
    pub scope: String,
    pub cat: Option<String>,
    /// How much the row counts in training.
    pub weight: Option<f32>,
}

impl Row {
    /// Whether it is an attack.
    pub fn attack(&self) -> bool {
        match &self.label {
            serde_json::Value::String(name) => !name.starts_with("benign"),
            number => number.as_i64() == Some(1),
        }
    }

    /// Whether it is in the fifth that training never sees: by the hash (FNV-1a, 64 bits) of the text's
    /// letters and digits in lower case.
    pub fn held_out(&self) -> bool {
        let mut hash = 0xCBF2_9CE4_8422_2325_u64;
        for c in self.text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase) {
            hash = (hash ^ u64::from(u32::from(c))).wrapping_mul(0x100_0000_01B3);
        }
        (hash >> 32).is_multiple_of(5)
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
