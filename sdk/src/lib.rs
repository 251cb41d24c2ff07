//! What a Lockgate plugin author uses.
//!
//! A plugin is a type that implements [`Plugin`] and a trait per hook, and one [`plugin!`] line:
//!
//! ```ignore
//! #![forbid(unsafe_code)]
//! use lockgate_sdk::prelude::*;
//!
//! #[derive(Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config { word: String }
//! impl Default for Config { fn default() -> Self { Self { word: "please".into() } } }
//!
//! struct Polite { config: Config }
//!
//! impl Plugin for Polite {
//!     type Config = Config;
//!     fn configure(config: Config) -> Result<Self, Vec<Issue>> { Ok(Self { config }) }
//! }
//!
//! impl PreRequest for Polite {
//!     fn on_request(&self, _: &Exchange, p: &Prompt) -> Result<Decision, Fault> {
//!         let polite = p.texts().iter().any(|part| part.text.contains(&self.config.word));
//!         Ok(if polite { Decision::Next } else { Decision::Reject(Rejection::new(400, "impolite", "Say please.")) })
//!     }
//! }
//!
//! plugin!(Polite: PreRequest);
//! ```
//!
//! Built with `cargo build --release --target wasm32-wasip2`, the component exports `lifecycle` and the hooks
//! that were named, and nothing else. `configure` runs once; the host snapshots the memory it leaves and
//! starts every instance from there, so what is built there (tables, compiled patterns) is never built again.

pub mod bindings;
mod construct;
pub mod hold;
mod hooks;
#[doc(hidden)]
pub mod runtime;
mod services;

pub use hooks::{Observer, Plugin, PostResponse, PreRequest, ProviderAdapter, Routing, TextFilter};
pub use services::{http, kv, log, metrics, responses, signals, vectors};

/// Everything a plugin usually needs.
pub mod prelude {
    pub use crate::bindings::host::exports::lockgate::plugin::lifecycle::Issue;
    pub use crate::bindings::host::lockgate::plugin::exchange::{Exchange, Prompt};
    pub use crate::bindings::host::lockgate::plugin::types::{Attrs, Fault, Rejection, TextAt, TextPart};
    pub use crate::bindings::observer::exports::lockgate::plugin::observer::Event as ObservedEvent;
    pub use crate::bindings::post_response::exports::lockgate::plugin::post_response::Outcome;
    pub use crate::bindings::pre_request::exports::lockgate::plugin::pre_request::Decision;
    pub use crate::bindings::provider_adapter::exports::lockgate::plugin::provider_adapter::{
        Body, Call, Delta, Event, Frame, ProviderError, Secret, ToolCall, Usage, Value,
    };
    pub use crate::bindings::routing::exports::lockgate::plugin::routing::Target;
    pub use crate::bindings::text_filter::exports::lockgate::plugin::text_filter::{
        Edit, Pass, Verdict, Window,
    };
    pub use crate::{
        Observer, Plugin, PostResponse, PreRequest, ProviderAdapter, Routing, TextFilter, plugin,
    };
    pub use serde::{Deserialize, Serialize};
}

/// Makes a component of a plugin: exports `lifecycle` and the named hooks.
#[macro_export]
macro_rules! plugin {
    ($plugin:ty: $($hook:ident),+ $(,)?) => {
        const _: () = {
            static PLUGIN: $crate::runtime::Slot<$plugin> = $crate::runtime::Slot::new();

            struct Component;

            impl $crate::bindings::host::exports::lockgate::plugin::lifecycle::Guest for Component {
                fn configure(
                    config: ::std::string::String,
                ) -> ::std::result::Result<(), ::std::vec::Vec<$crate::prelude::Issue>> {
                    PLUGIN.configure(&config)
                }
            }

            $crate::bindings::host::export_lifecycle!(Component with_types_in $crate::bindings::host);
            $($crate::__hook!($hook);)+
        };
    };
}

/// One hook of [`plugin!`].
#[doc(hidden)]
#[macro_export]
macro_rules! __hook {
    (PreRequest) => {
        impl $crate::bindings::pre_request::exports::lockgate::plugin::pre_request::Guest for Component {
            fn on_request(
                x: &$crate::prelude::Exchange,
                p: &$crate::prelude::Prompt,
            ) -> ::std::result::Result<$crate::prelude::Decision, $crate::prelude::Fault> {
                $crate::PreRequest::on_request(PLUGIN.get()?, x, p)
            }
        }
        $crate::bindings::pre_request::export_pre_request!(
            Component with_types_in $crate::bindings::pre_request
        );
    };
    (Routing) => {
        impl $crate::bindings::routing::exports::lockgate::plugin::routing::Guest for Component {
            fn rank(
                x: &$crate::prelude::Exchange,
                p: &$crate::prelude::Prompt,
                targets: ::std::vec::Vec<$crate::prelude::Target>,
            ) -> ::std::result::Result<::std::vec::Vec<u32>, $crate::prelude::Fault> {
                $crate::Routing::rank(PLUGIN.get()?, x, p, targets)
            }
        }
        $crate::bindings::routing::export_routing!(Component with_types_in $crate::bindings::routing);
    };
    (ProviderAdapter) => {
        impl $crate::bindings::provider_adapter::exports::lockgate::plugin::provider_adapter::Guest for Component {
            fn encode(
                x: &$crate::prelude::Exchange,
                p: &$crate::prelude::Prompt,
                target: $crate::prelude::Attrs,
            ) -> ::std::result::Result<$crate::prelude::Call, $crate::prelude::Fault> {
                $crate::ProviderAdapter::encode(PLUGIN.get()?, x, p, target)
            }

            fn decode(
                x: &$crate::prelude::Exchange,
                status: u16,
                headers: $crate::prelude::Attrs,
                frames: ::std::vec::Vec<$crate::prelude::Frame>,
                last: bool,
            ) -> ::std::result::Result<::std::vec::Vec<$crate::prelude::Event>, $crate::prelude::Fault> {
                $crate::ProviderAdapter::decode(PLUGIN.get()?, x, status, headers, frames, last)
            }
        }
        $crate::bindings::provider_adapter::export_provider_adapter!(
            Component with_types_in $crate::bindings::provider_adapter
        );
    };
    (TextFilter) => {
        impl $crate::bindings::text_filter::exports::lockgate::plugin::text_filter::Guest for Component {
            fn inspect(
                x: &$crate::prelude::Exchange,
                w: $crate::prelude::Window,
            ) -> ::std::result::Result<$crate::prelude::Verdict, $crate::prelude::Fault> {
                $crate::TextFilter::inspect(PLUGIN.get()?, x, w)
            }
        }
        $crate::bindings::text_filter::export_text_filter!(
            Component with_types_in $crate::bindings::text_filter
        );
    };
    (PostResponse) => {
        impl $crate::bindings::post_response::exports::lockgate::plugin::post_response::Guest for Component {
            fn on_response(
                x: &$crate::prelude::Exchange,
                answer: ::std::vec::Vec<$crate::prelude::TextPart>,
                summary: $crate::prelude::Attrs,
            ) -> ::std::result::Result<$crate::prelude::Outcome, $crate::prelude::Fault> {
                $crate::PostResponse::on_response(PLUGIN.get()?, x, answer, summary)
            }
        }
        $crate::bindings::post_response::export_post_response!(
            Component with_types_in $crate::bindings::post_response
        );
    };
    (Observer) => {
        impl $crate::bindings::observer::exports::lockgate::plugin::observer::Guest for Component {
            fn observe(batch: ::std::vec::Vec<$crate::prelude::ObservedEvent>) {
                if let ::std::result::Result::Ok(plugin) = PLUGIN.get() {
                    $crate::Observer::observe(plugin, batch);
                }
            }
        }
        $crate::bindings::observer::export_observer!(Component with_types_in $crate::bindings::observer);
    };
}
