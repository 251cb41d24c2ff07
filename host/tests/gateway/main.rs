//! The gateway as its users meet it: the real binary, real components, real sockets, a scripted provider.
//!
//! Each test has a gateway of its own and waits for events, never for time.

mod anthropic;
mod cache;
mod clients;
mod cohere;
mod errors;
mod failover;
mod guards;
mod hostile;
mod masking;
mod matrix;
mod operations;
mod output;
mod python;
mod recuts;
mod reload;
mod rerank;
mod secrets;
mod shutdown;
mod streams;
mod support;
mod tenants;
