//! The classifier: linear over hashed features, one row of weights a feature, read from `data/model.bin`.
//!
//! The file: `bits: u8`, `scale: f32` (little endian), then for each of `2^bits` features one signed byte a task. A task's
//! margin is `scale * sum / sqrt(features + 16)`; its probability is the softmax of the margins.

use crate::features::features;
use serde::Deserialize;

/// What ships with the plugin.
const BUILT_IN: &[u8] = include_bytes!("../data/model.bin");
/// Keeps a few features from weighing as much as many.
pub const CALM: f32 = 16.0;
/// How many tasks there are.
pub const TASKS: usize = Task::ALL.len();

/// A kind of task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// To say the same in fewer words.
    Summarise,
    /// To choose a label.
    Classify,
    /// To find facts in a text, or to bring them into a form.
    Extract,
    /// To conclude: sums, proofs, puzzles, questions of an exam.
    Reason,
    /// To write, mend or explain programs.
    Code,
    /// To talk: questions, advice, stories, letters.
    Chat,
    /// To say the same in another language.
    Translate,
}

impl Task {
    /// All of them, in the order of the weights.
    pub const ALL: [Self; 7] = [
        Self::Summarise,
        Self::Classify,
        Self::Extract,
        Self::Reason,
        Self::Code,
        Self::Chat,
        Self::Translate,
    ];

    /// As flags and configurations say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Summarise => "summarise",
            Self::Classify => "classify",
            Self::Extract => "extract",
            Self::Reason => "reason",
            Self::Code => "code",
            Self::Chat => "chat",
            Self::Translate => "translate",
        }
    }
}

/// The classifier.
#[derive(Debug)]
pub struct Model {
    rows: &'static [[u8; TASKS]],
    scale: f32,
}

impl Model {
    /// Reads the built-in weights; `None` when the file is not what it should be.
    pub fn built_in() -> Option<Self> {
        let (bits, file) = BUILT_IN.split_first()?;
        let (scale, file) = file.split_first_chunk()?;
        let (rows, rest) = file.as_chunks();
        let sound = rest.is_empty() && rows.len() == 1_usize.checked_shl(u32::from(*bits))?;
        sound.then_some(Self { rows, scale: f32::from_le_bytes(*scale) })
    }

    /// The likeliest task of a text, and how likely it is; none for a text without a word.
    pub fn judge(&self, text: &str) -> Option<(Task, f32)> {
        let (mut sums, mut count) = ([0.0_f32; TASKS], 0.0_f32);
        if !text.chars().any(char::is_alphanumeric) {
            return None;
        }
        let last = self.rows.len().wrapping_sub(1);
        features(text, |feature| {
            count += 1.0;
            if let Some(row) = self.rows.get(feature as usize & last) {
                for (sum, weight) in sums.iter_mut().zip(row) {
                    *sum += f32::from(weight.cast_signed());
                }
            }
        });
        let steep = self.scale / (count + CALM).sqrt();
        let highest = sums.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let total: f32 = sums.iter().map(|sum| ((sum - highest) * steep).exp()).sum();
        let best = Task::ALL.into_iter().zip(sums).max_by(|a, b| a.1.total_cmp(&b.1));
        best.map(|(task, _)| (task, 1.0 / total))
    }
}
