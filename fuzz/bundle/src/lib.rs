//! In the place of `plugins/bundle` where a target is fuzzed: the shipped components by name, with their schemas and without
//! their code, so that configurations are checked as ever and nothing has to be compiled for WebAssembly.

/// As `plugins/bundle` has it.
#[derive(Debug, Clone, Copy)]
pub struct Builtin {
    pub name: &'static str,
    pub version: &'static str,
    pub wasm: &'static [u8],
    pub digest: &'static str,
    pub config_schema: &'static str,
}

macro_rules! builtins {
    ($($name:literal)*) => {
        &[$(Builtin {
            name: $name,
            version: "1.0.0",
            wasm: b"",
            digest: "",
            config_schema: include_str!(concat!("../../../plugins/", $name, "/config.schema.json")),
        }),*]
    };
}

pub const BUILTINS: &[Builtin] = builtins! {
    "anthropic" "audit-log" "bedrock" "cohere" "content-filter" "gemini" "injection-filter" "mistral" "openai"
    "output-validator" "pii-mask" "router" "semantic-cache" "task-classifier"
};

/// As `plugins/bundle` has it.
#[must_use]
pub fn find(name: &str, version: Option<&str>) -> Option<&'static Builtin> {
    BUILTINS.iter().find(|builtin| {
        builtin.name == name && version.is_none_or(|asked| builtin.version.starts_with(asked))
    })
}
