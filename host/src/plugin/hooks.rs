//! The exported functions of a component, looked up once per component and bound once per instance.
//!
//! An instance binds a hook when it is first called: a fresh instance, made for one call, pays for one.

use super::bindings::host::{Plugin as Lifecycle, PluginIndices};
use super::bindings::observer::{ObserverHook, ObserverHookIndices};
use super::bindings::post_response::{PostResponseHook, PostResponseHookIndices};
use super::bindings::pre_request::{PreRequestHook, PreRequestHookIndices};
use super::bindings::provider_adapter::{ProviderAdapterHook, ProviderAdapterHookIndices};
use super::bindings::routing::{RoutingHook, RoutingHookIndices};
use super::bindings::text_filter::{TextFilterHook, TextFilterHookIndices};
use super::instance::{Instance, State};
use super::manifest::{Hook, Manifest};
use wasmtime::Store;
use wasmtime::component::InstancePre;

macro_rules! hooks {
    ($($name:ident: $hook:ident, $export:ty, $indices:ty;)+) => {
        /// Where the hooks of a component are.
        pub(super) struct HookIndices {
            pub(super) lifecycle: PluginIndices,
            $($name: Option<$indices>,)+
        }

        /// The hooks that an instance has bound.
        #[derive(Default)]
        pub(super) struct Hooks {
            $($name: Option<$export>,)+
        }

        impl HookIndices {
            pub(super) fn new(pre: &InstancePre<State>, manifest: &Manifest) -> wasmtime::Result<Self> {
                Ok(Self {
                    lifecycle: PluginIndices::new(pre)?,
                    $($name: manifest
                        .hooks
                        .contains(&Hook::$hook)
                        .then(|| <$indices>::new(pre))
                        .transpose()?,)+
                })
            }
        }

        impl Instance {
            $(
                /// Binds the hook where it is not bound yet.
                pub(super) fn $name(
                    &mut self,
                    indices: &HookIndices,
                ) -> wasmtime::Result<(&$export, &mut Store<State>)> {
                    let hook = match self.hooks.$name.take() {
                        Some(hook) => hook,
                        None => match &indices.$name {
                            Some(indices) => indices.load(&mut self.store, &self.exports)?,
                            None => wasmtime::bail!("the plugin does not export `{}`", Hook::$hook),
                        },
                    };
                    Ok((self.hooks.$name.insert(hook), &mut self.store))
                }
            )+
        }
    };
}

hooks! {
    pre_request: PreRequest, PreRequestHook, PreRequestHookIndices;
    routing: Routing, RoutingHook, RoutingHookIndices;
    provider_adapter: ProviderAdapter, ProviderAdapterHook, ProviderAdapterHookIndices;
    text_filter: TextFilter, TextFilterHook, TextFilterHookIndices;
    post_response: PostResponse, PostResponseHook, PostResponseHookIndices;
    observer: Observer, ObserverHook, ObserverHookIndices;
}

impl Instance {
    /// Binds `lifecycle`, which is needed once at most.
    pub(super) fn lifecycle(&mut self, indices: &HookIndices) -> wasmtime::Result<Lifecycle> {
        indices.lifecycle.load(&mut self.store, &self.exports)
    }
}
