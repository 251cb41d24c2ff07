//! Imports the key-value service, which a binding must be granted, and asks it for one value per request.

#![forbid(unsafe_code)]

use lockgate_sdk::kv;
use lockgate_sdk::prelude::*;

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Config {
    bucket: String,
    key: String,
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
        let value = kv::get(&self.config.bucket, &self.config.key)?;
        x.flag("value", &String::from_utf8_lossy(&value.unwrap_or_default()));
        Ok(Decision::Next)
    }
}

plugin!(Greedy: PreRequest);
