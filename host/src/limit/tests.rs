//! Limits: the arithmetic against its definition, the counters against a second, naive implementation.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod balance;
mod calendars;
mod durable;
mod meters;
mod notices;
mod queue;
mod reference;
mod rules;

use super::*;
use futures_util::future::FutureExt as _;
use proptest::prelude::*;

const SECOND: Micros = 1_000_000;
