//! The tools that train and measure the classifier: ignored tests, so that they see the plugin's own code.
#![expect(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tools, not the plugin")]
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts and weights that are rounded on purpose"
)]

mod area;
mod data;
mod learner;
mod meaning;
mod measure;
mod second;
mod train;
