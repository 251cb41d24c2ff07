//! The gateway as its users meet it: the real binary, real components, real sockets, a scripted provider.
//!
//! Each test has a gateway of its own and waits for events, never for time.

mod anthropic;
mod budgets;
mod cache;
mod clients;
mod cloud;
mod cohere;
mod documents;
mod errors;
mod failover;
mod guards;
mod hostile;
mod masking;
mod matrix;
mod node;
mod operations;
mod output;
mod packages;
mod python;
mod queues;
mod quotas;
mod recuts;
mod reload;
mod rerank;
mod responses;
mod secrets;
mod shutdown;
mod spending;
mod streams;
mod support;
mod tenants;
mod thinking;
