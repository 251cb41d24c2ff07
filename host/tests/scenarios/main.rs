//! What each policy does in time, with a clock that stands still until everybody waits.
//!
//! The whole exchange runs: a client's request, the configuration of an operator, the real adapters, providers that answer as
//! a script says. Only the network is missing: its bytes would be on their way while time passes. So a scenario of an hour
//! takes milliseconds, and what must happen after a second happens after a second and not before.

mod abandoned;
mod across;
mod affinity;
mod breaker;
mod budgets;
mod calls;
mod canary;
mod degradation;
mod fallback;
mod hedging;
mod idempotency;
mod latency;
mod learnt;
mod ledger;
mod limits;
mod lockout;
mod midstream;
mod mirror;
mod passing;
mod plan;
mod ranking;
mod retries;
mod rules;
mod stage;
mod storm;
mod timeouts;
mod wanting;
