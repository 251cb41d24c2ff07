//! Any text as a configuration: read, or refused with its faults, each of which can be shown.
//!
//! Texts with references are only parsed: a reference may read a file or run a command of this machine.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lockgate::config::{Document, parse};

fuzz_target!(|text: &str| {
    let document = match Document::parse("fuzz", text) {
        Ok(document) => document,
        Err(faults) => return drop(faults.to_string()),
    };
    if document.value.to_string().contains("${") {
        return;
    }
    if let Err(faults) = parse("fuzz", text, &[("NAME", "value")]) {
        assert!(!faults.to_string().is_empty());
    }
});
