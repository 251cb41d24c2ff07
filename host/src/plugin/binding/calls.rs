//! The hooks of a binding, one function each: borrow an instance, call it under its deadline, settle.

use super::Binding;
use crate::chat::{Event, TextAt, TextPart};
use crate::exchange::Exchange;
use crate::plugin::bindings::host::lockgate::plugin::types as wit;
use crate::plugin::bindings::observer::exports::lockgate::plugin::observer as observed;
use crate::plugin::bindings::provider_adapter::exports::lockgate::plugin::provider_adapter as adapter;
use crate::plugin::bindings::routing::exports::lockgate::plugin::routing;
use crate::plugin::bindings::text_filter::exports::lockgate::plugin::text_filter as filter;
use crate::plugin::call::{Call, CallError, Decision, Frame, ObservedEvent, Outcome, Verdict};
use crate::plugin::candidates::{Candidates, Ranked};
use crate::plugin::convert;
use crate::plugin::instance::{ExchangeHandle, PromptHandle};
use crate::plugin::manifest::Hook;
use futures_util::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::error::Elapsed;
use wasmtime::component::Resource;

impl From<wit::Fault> for (String, String) {
    fn from(fault: wit::Fault) -> Self {
        (fault.code, fault.message)
    }
}

/// Borrows an instance, calls its hook within the time that a call may take in all, and settles. `read` makes
/// the answer the host's, once it is known to keep to the contract.
macro_rules! call {
    ($binding:ident, $hook:ident as $accessor:ident for $exchange:expr, |$export:ident, $store:ident| $call:expr, $read:expr) => {{
        let mut lease = $binding.lease(Hook::$hook, $exchange).await?;
        let called = async {
            let Some((instance, hooks)) = lease.parts() else { wasmtime::bail!("there is no instance") };
            let ($export, $store) = instance.$accessor(hooks)?;
            $call.await
        };
        let limited = limited($binding.limits.wait, $exchange, called);
        let answered = AssertUnwindSafe(limited).catch_unwind().await;
        lease.settle(answered, $read)
    }};
}

/// Waits for a call as long as it may take in all. What it waits for those ahead of it is not its own: as long as it
/// is ahead of its turn, it is waited for again.
async fn limited<F: Future>(
    wait: Duration,
    exchange: Option<&Arc<Exchange>>,
    called: F,
) -> Result<F::Output, Elapsed> {
    let mut called = pin!(called);
    loop {
        match tokio::time::timeout(wait, &mut called).await {
            Err(_) if exchange.is_some_and(|exchange| !exchange.is_certain()) => {}
            ended => return ended,
        }
    }
}

impl Binding {
    /// Calls `pre-request`. A request that a failed call half changed is the caller's to put back.
    ///
    /// # Errors
    /// The call failed.
    ///
    /// # Cancel safety
    /// A call that is dropped loses its instance and nothing else; so for every hook.
    pub async fn on_request(&self, x: &Arc<Exchange>) -> Result<Decision, CallError> {
        call!(
            self,
            PreRequest as pre_request for Some(x),
            |hook, store| hook.lockgate_plugin_pre_request().call_on_request(store, exchange(), prompt()),
            |decision| {
                let decision = convert::decision(decision);
                let outcome = match &decision {
                    Decision::Reject(_) | Decision::Quarantine(_) => "rejected",
                    _ => "ok",
                };
                Ok((decision, outcome))
            }
        )
    }

    /// Calls `routing`.
    ///
    /// # Errors
    /// The call failed, or named a target that is not there.
    pub async fn rank(&self, x: &Arc<Exchange>, targets: Arc<dyn Candidates>) -> Result<Ranked, CallError> {
        let views = targets.views(!self.asks_for_signals).into_iter();
        let views: Vec<routing::Target> = views.map(convert::target).collect();
        call!(
            self,
            Routing as routing for Some(x),
            |hook, store| {
                let state = store.data_mut();
                (state.candidates, state.holds) = (Some(targets), Duration::ZERO);
                async {
                    let hook = hook.lockgate_plugin_routing();
                    let ranked = hook.call_rank(&mut *store, exchange(), prompt(), &views).await?;
                    wasmtime::Result::Ok(ranked.map(|order| (order, store.data().holds)))
                }
            },
            |(order, holds)| Ok((Ranked { order: convert::ranking(order, views.len())?, holds }, "ok"))
        )
    }

    /// Calls `provider-adapter.encode`.
    ///
    /// # Errors
    /// The call failed; the fault `invalid` says what the provider cannot express.
    pub async fn encode(&self, x: &Arc<Exchange>, target: Vec<(String, String)>) -> Result<Call, CallError> {
        call!(
            self,
            ProviderAdapter as provider_adapter for Some(x),
            |hook, store| {
                store.data_mut().holds_call = false;
                async {
                    let hook = hook.lockgate_plugin_provider_adapter();
                    let call = hook.call_encode(&mut *store, exchange(), prompt(), &target).await?;
                    wasmtime::Result::Ok(call.map(|call| (call, store.data().holds_call)))
                }
            },
            |(call, holds)| Ok((convert::call(call, holds), "ok"))
        )
    }

    /// Calls `provider-adapter.decode`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn decode(
        &self,
        x: &Arc<Exchange>,
        status: u16,
        headers: &[(String, String)],
        frames: Vec<Frame>,
        last: bool,
    ) -> Result<Vec<Event>, CallError> {
        let frames: Vec<adapter::Frame> = frames.into_iter().map(convert::frame).collect();
        let headers = headers.to_vec();
        call!(
            self,
            ProviderAdapter as provider_adapter for Some(x),
            |hook, store| {
                let hook = hook.lockgate_plugin_provider_adapter();
                hook.call_decode(store, exchange(), status, &headers, &frames, last)
            },
            |events| Ok((events.into_iter().map(convert::event).collect(), "ok"))
        )
    }

    /// Calls `text-filter`.
    ///
    /// # Errors
    /// The call failed, or its edits break the contract.
    pub async fn inspect(
        &self,
        x: &Arc<Exchange>,
        at: &TextAt,
        text: &str,
        fresh: usize,
        last: bool,
    ) -> Result<Verdict, CallError> {
        let fresh = u32::try_from(fresh).unwrap_or(u32::MAX);
        let window = filter::Window { at: convert::at_to_wit(at), text: text.to_owned(), fresh, last };
        let verdict = call!(
            self,
            TextFilter as text_filter for Some(x),
            |hook, store| hook.lockgate_plugin_text_filter().call_inspect(store, exchange(), &window),
            |verdict| {
                let verdict = convert::verdict(verdict, text, last)?;
                let outcome = if matches!(verdict, Verdict::Stop(_)) { "rejected" } else { "ok" };
                Ok((verdict, outcome))
            }
        )?;
        if let Verdict::Pass { edits, .. } = &verdict
            && !edits.is_empty()
        {
            self.around.watch.edited(edits.len());
        }
        Ok(verdict)
    }

    /// Calls `post-response`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn on_response(
        &self,
        x: &Arc<Exchange>,
        answer: &[TextPart],
        summary: &[(String, String)],
    ) -> Result<Outcome, CallError> {
        let (answer, summary) = (convert::texts_to_wit(answer.to_vec()), summary.to_vec());
        let outcome = call!(
            self,
            PostResponse as post_response for Some(x),
            |hook, store| {
                hook.lockgate_plugin_post_response().call_on_response(store, exchange(), &answer, &summary)
            },
            |outcome| {
                let outcome = convert::outcome(outcome);
                let label = if matches!(outcome, Outcome::Reject(_)) { "rejected" } else { "ok" };
                Ok((outcome, label))
            }
        )?;
        if let Outcome::Replace(texts) = &outcome {
            self.around.watch.edited(texts.len());
        }
        Ok(outcome)
    }

    /// Calls `observer`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn observe(&self, batch: Vec<ObservedEvent>) -> Result<(), CallError> {
        let batch: Vec<observed::Event> = batch.into_iter().map(convert::observed).collect();
        call!(
            self,
            Observer as observer for None::<&Arc<Exchange>>,
            |hook, store| {
                // This hook has no faults of its own.
                let called = hook.lockgate_plugin_observer().call_observe(store, &batch);
                called.map(|told| told.map(Ok::<(), wit::Fault>))
            },
            |told| Ok((told, "ok"))
        )
    }
}

/// The handle of the running call's exchange; the store knows which one it is.
fn exchange() -> Resource<ExchangeHandle> {
    Resource::new_borrow(0)
}

/// The handle of the running call's prompt.
fn prompt() -> Resource<PromptHandle> {
    Resource::new_borrow(0)
}
