//! The gateway as its users meet it: the real binary, real components, real sockets, a scripted provider.
//!
//! Each test has a gateway of its own and waits for events, never for time.

mod anthropic;
mod benchmarks;
mod budgets;
mod cache;
mod canary;
mod chaos;
mod clients;
mod cloud;
mod cohere;
mod documents;
mod errors;
mod failover;
mod guards;
mod hostile;
mod idempotency;
mod identity;
mod incident;
mod keys;
mod masking;
mod matrix;
mod midstream;
mod node;
mod operations;
mod output;
mod packages;
mod permissions;
mod python;
mod queues;
mod quotas;
mod recuts;
mod reload;
mod rerank;
mod residency;
mod resilience;
mod responses;
mod routing;
mod secrets;
mod shutdown;
mod spending;
mod streams;
mod support;
mod tasks;
mod tenants;
mod thinking;
