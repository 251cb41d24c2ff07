//! The components that Lockgate ships, built from `plugins/` by this crate's build script and embedded here.
//!
//! Bytes and names only: nothing here loads or runs a component.

/// A shipped component.
#[derive(Debug, Clone, Copy)]
pub struct Builtin {
    /// Its name: `pii-mask`.
    pub name: &'static str,
    /// Its semantic version.
    pub version: &'static str,
    /// The component.
    pub wasm: &'static [u8],
    /// `sha256:…` of it.
    pub digest: &'static str,
    /// The JSON Schema of its configuration.
    pub config_schema: &'static str,
}

/// Every shipped component, by name.
pub const BUILTINS: &[Builtin] = include!(concat!(env!("OUT_DIR"), "/builtins.rs"));

/// The shipped component of a name whose version begins with `version` (`1`, `1.0` or `1.0.0`); any version
/// where none is asked for.
#[must_use]
pub fn find(name: &str, version: Option<&str>) -> Option<&'static Builtin> {
    BUILTINS
        .iter()
        .find(|builtin| builtin.name == name && version.is_none_or(|asked| fits(builtin.version, asked)))
}

fn fits(version: &str, asked: &str) -> bool {
    version.strip_prefix(asked).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest as _, Sha256};
    use std::fmt::Write as _;

    #[test]
    fn every_builtin_is_a_component_with_a_schema() {
        assert!(!BUILTINS.is_empty());
        for builtin in BUILTINS {
            // Source: the component model's binary format: magic, version 13, layer 1.
            assert_eq!(builtin.wasm.get(..8), Some(b"\0asm\x0d\0\x01\0".as_slice()), "{}", builtin.name);
            assert!(builtin.config_schema.trim_start().starts_with('{'), "{}", builtin.name);
            let digest = Sha256::digest(builtin.wasm).iter().fold("sha256:".to_owned(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            });
            assert_eq!(digest, builtin.digest, "{}", builtin.name);
        }
    }

    #[test]
    fn versions_are_found_by_their_beginning() {
        assert!(fits("1.10.0", "1") && fits("1.10.0", "1.10") && fits("1.10.0", "1.10.0"));
        assert!(!fits("1.10.0", "1.1") && !fits("1.10.0", "2"));
        assert!(find("no-such-plugin", None).is_none());
    }
}
