//! One trait per hook. The contract (`wit/`) says when each is called and what its answers mean.

use crate::prelude::{
    Attrs, Call, Decision, Event, Exchange, Fault, Frame, Issue, ObservedEvent, Outcome, Prompt, Target,
    TextPart, Verdict, Window,
};
use serde::de::DeserializeOwned;

/// What every plugin is: something made from a configuration.
pub trait Plugin: Sized + 'static {
    /// Its configuration; `{}` where the operator wrote none.
    type Config: DeserializeOwned;

    /// Makes the plugin. Build tables and compile patterns here: it runs once per configuration, and its
    /// memory is snapshotted. Print nothing and hold no host resource.
    ///
    /// # Errors
    /// What is wrong with the configuration; the operator reads it, and the change is not made.
    fn configure(config: Self::Config) -> Result<Self, Vec<Issue>>;
}

/// Reads and changes a request before anything is sent anywhere, and decides about it.
pub trait PreRequest: Plugin {
    /// Called once per request.
    ///
    /// # Errors
    /// A fault; the binding's `on_error` decides what follows.
    fn on_request(&self, x: &Exchange, p: &Prompt) -> Result<Decision, Fault>;
}

/// Orders the targets of a route.
pub trait Routing: Plugin {
    /// Indexes into `targets`, best first; empty for no opinion.
    ///
    /// # Errors
    /// A fault; the binding's `on_error` decides what follows.
    fn rank(&self, x: &Exchange, p: &Prompt, targets: Vec<Target>) -> Result<Vec<u32>, Fault>;
}

/// Speaks one kind of provider's language, without any I/O.
pub trait ProviderAdapter: Plugin {
    /// Makes the provider's request.
    ///
    /// # Errors
    /// `invalid` for what the provider cannot express: the client reads the message.
    fn encode(&self, x: &Exchange, p: &Prompt, target: Attrs) -> Result<Call, Fault>;

    /// Reads the provider's frames.
    ///
    /// # Errors
    /// A fault, when they are not what the provider should send.
    fn decode(
        &self,
        x: &Exchange,
        status: u16,
        headers: Attrs,
        frames: Vec<Frame>,
        last: bool,
    ) -> Result<Vec<Event>, Fault>;
}

/// Rewrites or stops the text of an answer, whole or streamed alike.
pub trait TextFilter: Plugin {
    /// Looks at a window: the held tail, then the new text.
    ///
    /// # Errors
    /// A fault; the binding's `on_error` decides what follows.
    fn inspect(&self, x: &Exchange, w: Window) -> Result<Verdict, Fault>;
}

/// Judges a complete answer.
pub trait PostResponse: Plugin {
    /// Called once per complete answer.
    ///
    /// # Errors
    /// A fault; the binding's `on_error` decides what follows.
    fn on_response(&self, x: &Exchange, answer: Vec<TextPart>, summary: Attrs) -> Result<Outcome, Fault>;
}

/// Is told what happened, in batches, off the hot path.
pub trait Observer: Plugin {
    /// Takes a batch.
    fn observe(&self, batch: Vec<ObservedEvent>);
}
