//! What the provider adapters share: reading a canonical (OpenAI) request, and telling events and errors.
//!
//! `request` reads parameters, `message`, `content`, `reasoning` and `tool` the conversation, `call` makes the HTTP
//! request, `event` and `stream` tell the answer, `failure` the errors, `option` reads the settings.
//!
//! Invariants: what a provider cannot express is refused by the name of the parameter, or dropped where the
//! operator said `drop_params`; content is never dropped; nothing a provider sends makes anything panic.
//! It knows no provider and does no I/O.
#![forbid(unsafe_code)]

pub mod call;
pub mod content;
pub mod event;
pub mod failure;
pub mod message;
pub mod number;
pub mod option;
pub mod reasoning;
pub mod request;
pub mod stream;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tool;

/// Why a request cannot be sent to a provider; names the parameter, and the client reads it.
pub type Refusal = String;
