//! Imports the key-value service, which a binding must be granted, and asks it for one value per request, or counts it.

#![forbid(unsafe_code)]

use lockgate_sdk::kv;
use lockgate_sdk::prelude::*;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Config {
    bucket: String,
    key: String,
    /// Whether it adds one to the value in place of reading it.
    count: bool,
}

struct Greedy {
    config: Config,
}

impl Plugin for Greedy {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Vec<Issue>> {
        Ok(Self { config })
    }
}

impl PreRequest for Greedy {
    fn on_request(&self, x: &Exchange, _: &Prompt) -> Result<Decision, Fault> {
        if self.config.count {
            kv::incr(&self.config.bucket, &self.config.key, 1, 0)?;
            return Ok(Decision::Next);
        }
        let value = kv::get(&self.config.bucket, &self.config.key)?;
        x.flag("value", &String::from_utf8_lossy(&value.unwrap_or_default()));
        Ok(Decision::Next)
    }
}

plugin!(Greedy: PreRequest);
