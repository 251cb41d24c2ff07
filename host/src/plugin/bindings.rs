//! What wasmtime makes of the contract: one module per hook world, all sharing the host's types.
//!
//! Services that may wait are async; what only reads or writes the exchange is not, and costs no fiber switch.

/// What plugins may import, and `lifecycle`.
pub mod host {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "plugin",
        imports: {
            "lockgate:plugin/metrics.add": async,
            "lockgate:plugin/metrics.sample": async,
            "lockgate:plugin/kv.get": async,
            "lockgate:plugin/kv.set": async,
            "lockgate:plugin/kv.delete": async,
            "lockgate:plugin/kv.incr": async,
            "lockgate:plugin/responses.forget": async,
            "lockgate:plugin/vectors.embed": async,
            "lockgate:plugin/vectors.nearest": async,
            "lockgate:plugin/vectors.upsert": async,
            "lockgate:plugin/vectors.remove": async,
            "lockgate:plugin/http.send": async,
        },
        exports: { default: async },
        with: {
            "lockgate:plugin/exchange.exchange": crate::plugin::instance::ExchangeHandle,
            "lockgate:plugin/exchange.prompt": crate::plugin::instance::PromptHandle,
        },
    });
}

/// The `pre-request` hook.
pub mod pre_request {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "pre-request-hook",
        exports: { default: async },
        with: {
            "lockgate:plugin/types": crate::plugin::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange": crate::plugin::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `routing` hook.
pub mod routing {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "routing-hook",
        exports: { default: async },
        with: {
            "lockgate:plugin/types": crate::plugin::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange": crate::plugin::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `provider-adapter` hook.
pub mod provider_adapter {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "provider-adapter-hook",
        exports: { default: async },
        with: {
            "lockgate:plugin/types": crate::plugin::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange": crate::plugin::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `text-filter` hook.
pub mod text_filter {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "text-filter-hook",
        exports: { default: async },
        with: {
            "lockgate:plugin/types": crate::plugin::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange": crate::plugin::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `post-response` hook.
pub mod post_response {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "post-response-hook",
        exports: { default: async },
        with: {
            "lockgate:plugin/types": crate::plugin::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange": crate::plugin::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `observer` hook.
pub mod observer {
    wasmtime::component::bindgen!({
        path: "../wit/0.1",
        world: "observer-hook",
        exports: { default: async },
        with: {
            "lockgate:plugin/types": crate::plugin::bindings::host::lockgate::plugin::types,
        },
    });
}
