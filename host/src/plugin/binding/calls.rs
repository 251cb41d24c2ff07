//! The hooks of a binding, one function each: borrow an instance, call it under its deadline, settle.

use super::super::bindings::host::lockgate::plugin::types as wit;
use super::super::bindings::observer::exports::lockgate::plugin::observer as observed;
use super::super::bindings::provider_adapter::exports::lockgate::plugin::provider_adapter as adapter;
use super::super::bindings::routing::exports::lockgate::plugin::routing;
use super::super::bindings::text_filter::exports::lockgate::plugin::text_filter as filter;
use super::super::call::{
    Call, CallError, CallErrorKind, Decision, Frame, ObservedEvent, Outcome, TargetView, Verdict,
};
use super::super::convert;
use super::super::instance::{ExchangeHandle, Hooks, PromptHandle, State};
use super::{Binding, Hook, Lease};
use crate::chat::{Event, TextAt, TextPart};
use crate::exchange::Exchange;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::Store;
use wasmtime::component::Resource;

impl From<wit::Fault> for (String, String) {
    fn from(fault: wit::Fault) -> Self {
        (fault.code, fault.message)
    }
}

/// Calls an export of the leased instance under the binding's time limit, and settles the lease.
macro_rules! call {
    ($binding:ident, $lease:ident, $hook:ident, |$export:ident, $store:ident| $call:expr) => {{
        let wait = $binding.limits.wait;
        let Some((hooks, $store)) = $lease.parts() else { return Err($binding.no_hook($lease.hook)) };
        let Some($export) = hooks.$hook.as_ref() else { return Err($binding.no_hook($lease.hook)) };
        let answered = tokio::time::timeout(wait, $call).await;
        $lease.settle(answered)
    }};
}

impl Binding {
    /// Calls `pre-request`. A request that a failed call half changed is the caller's to put back.
    ///
    /// # Errors
    /// The call failed.
    pub async fn on_request(&self, x: &Arc<Exchange>) -> Result<Decision, CallError> {
        let mut lease = self.lease(Hook::PreRequest, Some(x)).await?;
        let started = lease.started;
        let decision = call!(self, lease, pre_request, |hook, store| {
            hook.lockgate_plugin_pre_request().call_on_request(store, exchange(), prompt())
        })?;
        let decision = convert::decision(decision);
        let outcome = match &decision {
            Decision::Reject(_) | Decision::Quarantine(_) => "rejected",
            _ => "ok",
        };
        self.succeeded(Hook::PreRequest, outcome, started);
        Ok(decision)
    }

    /// Calls `routing`: places in `targets`, best first, each at most once.
    ///
    /// # Errors
    /// The call failed, or named a target that is not there.
    pub async fn rank(&self, x: &Arc<Exchange>, targets: &[TargetView]) -> Result<Vec<u32>, CallError> {
        let views: Vec<routing::Target> = targets
            .iter()
            .map(|target| routing::Target {
                id: target.id.clone(),
                provider: target.provider.clone(),
                model: target.model.clone(),
                signals: target.signals.clone(),
            })
            .collect();
        let mut lease = self.lease(Hook::Routing, Some(x)).await?;
        let started = lease.started;
        let mut ranked: Vec<u32> = call!(self, lease, routing, |hook, store| {
            hook.lockgate_plugin_routing().call_rank(store, exchange(), prompt(), &views)
        })?;
        if ranked.iter().any(|place| *place as usize >= targets.len()) {
            return Err(self.bad_output(Hook::Routing, started, "it ranked a target that is not there"));
        }
        let mut seen = vec![false; targets.len()];
        ranked
            .retain(|place| seen.get_mut(*place as usize).is_some_and(|seen| !std::mem::replace(seen, true)));
        self.succeeded(Hook::Routing, "ok", started);
        Ok(ranked)
    }

    /// Calls `provider-adapter.encode`.
    ///
    /// # Errors
    /// The call failed; the fault `invalid` says what the provider cannot express.
    pub async fn encode(&self, x: &Arc<Exchange>, target: &[(String, String)]) -> Result<Call, CallError> {
        let target = target.to_vec();
        let mut lease = self.lease(Hook::ProviderAdapter, Some(x)).await?;
        let started = lease.started;
        let call = call!(self, lease, provider_adapter, |hook, store| {
            hook.lockgate_plugin_provider_adapter().call_encode(store, exchange(), prompt(), &target)
        })?;
        self.succeeded(Hook::ProviderAdapter, "ok", started);
        Ok(convert::call(call))
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
        let frames: Vec<adapter::Frame> =
            frames.into_iter().map(|frame| adapter::Frame { event: frame.event, data: frame.data }).collect();
        let headers = headers.to_vec();
        let mut lease = self.lease(Hook::ProviderAdapter, Some(x)).await?;
        let started = lease.started;
        let events = call!(self, lease, provider_adapter, |hook, store| {
            hook.lockgate_plugin_provider_adapter().call_decode(
                store,
                exchange(),
                status,
                &headers,
                &frames,
                last,
            )
        })?;
        self.succeeded(Hook::ProviderAdapter, "ok", started);
        Ok(events.into_iter().map(convert::event).collect())
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
        let window = filter::Window {
            at: convert::at_to_wit(at),
            text: text.to_owned(),
            fresh: u32::try_from(fresh).unwrap_or(u32::MAX),
            last,
        };
        let mut lease = self.lease(Hook::TextFilter, Some(x)).await?;
        let started = lease.started;
        let verdict = call!(self, lease, text_filter, |hook, store| {
            hook.lockgate_plugin_text_filter().call_inspect(store, exchange(), &window)
        })?;
        match convert::verdict(verdict, text, last) {
            Ok(Verdict::Pass { safe, edits }) => {
                self.around.watch.edited(edits.len());
                self.succeeded(Hook::TextFilter, "ok", started);
                Ok(Verdict::Pass { safe, edits })
            }
            Ok(stop) => {
                self.succeeded(Hook::TextFilter, "rejected", started);
                Ok(stop)
            }
            Err(message) => Err(self.bad_output(Hook::TextFilter, started, &message)),
        }
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
        let mut lease = self.lease(Hook::PostResponse, Some(x)).await?;
        let started = lease.started;
        let outcome = call!(self, lease, post_response, |hook, store| {
            hook.lockgate_plugin_post_response().call_on_response(store, exchange(), &answer, &summary)
        })?;
        let outcome = convert::outcome(outcome);
        let label = if matches!(outcome, Outcome::Reject(_)) { "rejected" } else { "ok" };
        self.succeeded(Hook::PostResponse, label, started);
        Ok(outcome)
    }

    /// Calls `observer`.
    ///
    /// # Errors
    /// The call failed.
    pub async fn observe(&self, batch: Vec<ObservedEvent>) -> Result<(), CallError> {
        let batch: Vec<observed::Event> = batch
            .into_iter()
            .map(|event| observed::Event {
                exchange: event.exchange,
                kind: event.kind,
                at_ms: event.at_ms,
                fields: event.fields,
            })
            .collect();
        let mut lease = self.lease(Hook::Observer, None).await?;
        let started = lease.started;
        let wait = self.limits.wait;
        let Some((hooks, store)) = lease.parts() else { return Err(self.no_hook(Hook::Observer)) };
        let Some(hook) = hooks.observer.as_ref() else { return Err(self.no_hook(Hook::Observer)) };
        let answered =
            tokio::time::timeout(wait, hook.lockgate_plugin_observer().call_observe(store, &batch)).await;
        lease.settle(answered.map(|result| result.map(Ok::<(), Never>)))?;
        self.succeeded(Hook::Observer, "ok", started);
        Ok(())
    }

    fn succeeded(&self, hook: Hook, outcome: &'static str, started: Instant) {
        self.breaker.succeeded();
        self.around.watch.called(hook, outcome, started.elapsed());
    }

    fn bad_output(&self, hook: Hook, started: Instant, message: &str) -> CallError {
        self.around.watch.called(hook, CallErrorKind::BadOutput.name(), started.elapsed());
        self.breaker.failed();
        self.error(CallErrorKind::BadOutput, message)
    }

    fn no_hook(&self, hook: Hook) -> CallError {
        self.error(CallErrorKind::Internal, format!("the plugin does not export `{hook}`"))
    }
}

impl Lease<'_> {
    fn parts(&mut self) -> Option<(&Hooks, &mut Store<State>)> {
        let instance = self.instance.as_mut()?;
        Some((&instance.hooks, &mut instance.store))
    }
}

/// The fault of a hook that has none.
struct Never(Infallible);

impl From<Never> for (String, String) {
    fn from(never: Never) -> Self {
        match never.0 {}
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
