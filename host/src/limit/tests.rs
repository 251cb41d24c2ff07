//! Limits: the arithmetic against its definition, the counters against a second, naive implementation.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod calendars;
mod meters;
mod reference;
mod rules;

use super::*;
use proptest::prelude::*;

const SECOND: Micros = 1_000_000;
