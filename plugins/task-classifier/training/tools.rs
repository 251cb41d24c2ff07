//! Training and measuring: ignored tests, so that they share the code that reads texts.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tools"
)]

#[path = "../training/generate.rs"]
mod generate;
#[path = "../training/train.rs"]
mod train;
