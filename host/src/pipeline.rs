//! Chains of plugins over an exchange: what runs, in which order, and what its failure means.

pub mod admission;
pub mod chain;
pub mod coverage;
pub mod gate;
pub mod stream;
