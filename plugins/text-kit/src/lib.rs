//! What the guards that read text share: how a character looks to a reader, whatever it is made of.
//!
//! Invariants: pure functions of their arguments, no state and no I/O. It knows no guard and decides nothing.
#![forbid(unsafe_code)]

pub mod fold;
