//! What `plugin!` expands to uses this: the configured plugin, and panics that say where.
//!
//! A component has one thread; the lock is there because a `static` must be `Sync`.

use crate::Plugin;
use crate::prelude::{Fault, Issue};
use std::sync::OnceLock;

/// Where the configured plugin lives.
#[derive(Debug, Default)]
pub struct Slot<P>(OnceLock<P>);

impl<P: Plugin> Slot<P> {
    /// An empty slot.
    #[must_use]
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// Configures the plugin.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    pub fn configure(&self, config: &str) -> Result<(), Vec<Issue>> {
        let mut json = serde_json::Deserializer::from_str(config);
        let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let pointer = pointer(error.path());
            vec![Issue { pointer, message: error.into_inner().to_string() }]
        })?;
        let plugin = P::configure(parsed)?;
        self.0.set(plugin).map_err(|_| {
            vec![Issue { pointer: String::new(), message: "the plugin is configured already".into() }]
        })
    }

    /// The configured plugin.
    ///
    /// # Errors
    /// `internal` before it was configured.
    pub fn get(&self) -> Result<&P, Fault> {
        self.0.get().ok_or_else(|| Fault::internal("the plugin was called before it was configured"))
    }
}

/// The path of a value as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .map(|segment| match segment {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Segment::Enum { variant } => format!("/{variant}"),
            Segment::Unknown => String::new(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]

    use super::*;
    use serde::Deserialize;

    #[derive(Debug)]
    struct Limit;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Config {
        rules: Vec<Rule>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        max: u8,
    }

    impl Plugin for Limit {
        type Config = Config;

        fn configure(config: Config) -> Result<Self, Vec<Issue>> {
            let zero = config.rules.iter().position(|rule| rule.max == 0);
            zero.map_or(Ok(Self), |at| Err(vec![Issue::new(format!("/rules/{at}/max"), "must not be 0")]))
        }
    }

    fn pointer_of(config: &str) -> String {
        let issues = Slot::<Limit>::new().configure(config).expect_err("the configuration is wrong");
        issues.into_iter().map(|issue| issue.pointer).collect()
    }

    #[test]
    fn what_is_wrong_is_said_where_it_is() {
        assert_eq!(pointer_of(r#"{"rules":[{"max":1},{"max":"x"}]}"#), "/rules/1/max");
        assert_eq!(pointer_of(r#"{"rules":[{"max":0}]}"#), "/rules/0/max");
        assert_eq!(pointer_of(r#"{"rules":[{"max":1,"min":2}]}"#), "/rules/0/min");
    }

    #[test]
    fn an_unconfigured_plugin_is_a_fault_and_a_configured_one_is_there() {
        let slot = Slot::<Limit>::new();
        assert_eq!(slot.get().expect_err("nothing is there").code, "internal");
        assert!(slot.configure(r#"{"rules":[]}"#).is_ok());
        assert!(slot.get().is_ok());
    }
}
