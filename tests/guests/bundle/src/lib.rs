//! The guest programs of the tests, built from `tests/guests/` by this crate's build script.
//!
//! Bytes only: nothing here loads or runs a component. Each guest is a constant, so a test that names a
//! guest which is gone does not compile; `each!` is given every guest, so a guest without a test does not
//! compile either.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));
