//! The tools that train and measure the tagger: ignored tests, so that they see the plugin's own code.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tools, not the plugin"
)]
#![expect(clippy::cast_possible_truncation, reason = "counts and weights that are rounded on purpose")]

mod crf;
mod data;
mod measure;
mod train;
