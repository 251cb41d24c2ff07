//! An hour of a provider's faults in minutes, and what clients, providers and the ledger have to say of it.
//!
//! Two providers: one under a [`Sky`] of faults that a seed decides, one that is always well. Eleven services ask a gateway
//! that stands before both. Afterwards three accounts are held against each other: what the clients got, what the
//! providers told of usage ([`Books`]), and what the gateway wrote into its ledger.
//!
//! It never looks into the gateway: what it knows came over sockets, or out of the ledger's file.

#![expect(
    clippy::indexing_slicing,
    reason = "only JSON values are indexed, and what is missing reads as null"
)]

mod books;
mod ledger;
mod provider;
mod report;
mod service;
mod speech;
mod stage;
mod weather;

pub use books::{Books, Told};
pub use ledger::{Entry, read};
pub use report::{Bars, Report, Under};
pub use service::{Outcome, Plan, serve};
pub use stage::{KEY_OF, Stage};
pub use weather::{Sky, Weather};
