//! Lockgate: an AI gateway whose every policy and every provider adapter is a sandboxed component.
//!
//! Modules from the ground up; a module imports lower layers or its own folder only (see `ARCHITECTURE.md`).

pub mod admin;
pub mod api;
pub mod app;
pub mod auth;
pub mod balance;
pub mod chat;
pub mod cli;
pub mod clock;
pub mod config;
pub mod credential;
pub mod embedding;
pub mod error;
pub mod eval;
pub mod eventstream;
pub mod exchange;
pub mod format;
pub mod ledger;
pub mod limit;
pub mod pipeline;
pub mod plugin;
pub mod price;
pub mod proxy;
pub mod route;
pub mod secret;
pub mod server;
pub mod shutdown;
pub mod sse;
pub mod store;
pub mod telemetry;
pub mod tokens;
pub mod upload;
pub mod upstream;
pub mod webhook;
