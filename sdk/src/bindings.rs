//! What wit-bindgen makes of the contract: one module per hook world, all sharing the host's types.
//!
//! A component exports only the hooks that its `plugin!` line names, because only their export macros are
//! expanded. Authors never see this module; the macro does.
#![allow(missing_docs, clippy::all, clippy::pedantic, unsafe_code, reason = "generated from the contract")]

/// Everything a plugin may import, and the lifecycle that every plugin exports.
pub mod host {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "plugin",
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_lifecycle",
        default_bindings_module: "lockgate_sdk::bindings::host",
    });
}

/// The `pre-request` hook.
pub mod pre_request {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "pre-request-hook",
        pub_export_macro: true,
        export_macro_name: "export_pre_request",
        default_bindings_module: "lockgate_sdk::bindings::pre_request",
        with: {
            "lockgate:plugin/types@0.1.0": crate::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange@0.1.0": crate::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `routing` hook.
pub mod routing {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "routing-hook",
        pub_export_macro: true,
        export_macro_name: "export_routing",
        default_bindings_module: "lockgate_sdk::bindings::routing",
        with: {
            "lockgate:plugin/types@0.1.0": crate::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange@0.1.0": crate::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `provider-adapter` hook.
pub mod provider_adapter {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "provider-adapter-hook",
        pub_export_macro: true,
        export_macro_name: "export_provider_adapter",
        default_bindings_module: "lockgate_sdk::bindings::provider_adapter",
        with: {
            "lockgate:plugin/types@0.1.0": crate::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange@0.1.0": crate::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `text-filter` hook.
pub mod text_filter {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "text-filter-hook",
        pub_export_macro: true,
        export_macro_name: "export_text_filter",
        default_bindings_module: "lockgate_sdk::bindings::text_filter",
        with: {
            "lockgate:plugin/types@0.1.0": crate::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange@0.1.0": crate::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `post-response` hook.
pub mod post_response {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "post-response-hook",
        pub_export_macro: true,
        export_macro_name: "export_post_response",
        default_bindings_module: "lockgate_sdk::bindings::post_response",
        with: {
            "lockgate:plugin/types@0.1.0": crate::bindings::host::lockgate::plugin::types,
            "lockgate:plugin/exchange@0.1.0": crate::bindings::host::lockgate::plugin::exchange,
        },
    });
}

/// The `observer` hook.
pub mod observer {
    wit_bindgen::generate!({
        path: "../wit/0.1",
        world: "observer-hook",
        pub_export_macro: true,
        export_macro_name: "export_observer",
        default_bindings_module: "lockgate_sdk::bindings::observer",
        with: {
            "lockgate:plugin/types@0.1.0": crate::bindings::host::lockgate::plugin::types,
        },
    });
}
