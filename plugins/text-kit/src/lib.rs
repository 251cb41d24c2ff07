//! What the guards that read text share: how a character looks to a reader, whatever it is made of, where runs of plain
//! characters end, what was already found out of a word, and how rows of small numbers are added up.
//!
//! Invariants: pure functions of their arguments, and no I/O. It knows no guard and decides nothing.
#![forbid(unsafe_code)]

pub mod ascii;
pub mod fold;
pub mod lanes;
pub mod memo;
