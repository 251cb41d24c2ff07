//! The engine with real components: what plugins may do, and what they cannot do to the host.
//!
//! Every guest of `tests/guests` has a module here of its name; one without does not compile.

mod adapters;
mod beside;
mod bounds;
mod breaker;
mod cancel;
mod console;
mod echo;
mod formats;
mod greedy;
mod hostile;
mod isolation;
mod passing;
mod provider;
mod roundtrip;
mod router;
mod snapshot;
mod support;

/// Names a module of each guest.
macro_rules! has_tests {
    ($($guest:ident)+) => { $(#[expect(unused_imports, reason = "it must be there")] use $guest as _;)+ };
}
lockgate_guests::each!(has_tests);
