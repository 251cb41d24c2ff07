//! The configuration of `lockgate serve` without a file: the providers whose keys are in the environment,
//! behind the standard chain.

use super::reference::Environment;
use super::{Faults, Loaded, parse, preset};
use serde_json::Value;
use std::net::SocketAddr;

/// The variables that name where to listen, and the settings they are.
const LISTENERS: [(&str, &str); 2] =
    [("LOCKGATE_LISTEN", "listen: '{}'\n"), ("LOCKGATE_ADMIN_LISTEN", "admin: { listen: '{}' }\n")];

/// The standard chain, in the order an operator would write it: what rejects first, then what masks, then
/// the cache, which so sees and keeps placeholders only.
const CHAIN: &str = "
  standard:
    - { plugin: 'builtin:injection-filter' }
    - { plugin: 'builtin:pii-mask' }
    - { plugin: 'builtin:content-filter' }
    - plugin: 'builtin:semantic-cache'
      on_error: skip
      grants: { responses: true, vectors: [semantic-cache] }
    # Its check of streams as they pass is off unless configured, and so is the hook that would do it.
    - { plugin: 'builtin:output-validator', streams: on-demand, hooks: [pre-request, post-response] }
    - { plugin: 'builtin:audit-log', on_error: skip, grants: { http: {} } }
";

/// The standard configuration of an environment.
///
/// # Errors
/// No provider's key is set.
pub fn standard(environment: &dyn Environment) -> Result<Loaded, Faults> {
    // One whose URL has to be told is served when it is told.
    let reached = |preset: &&preset::Preset| {
        preset.needs().next().is_none() || environment.variable(&url_variable(&preset.name)).is_some()
    };
    let keyed = preset::all()
        .iter()
        .filter(reached)
        .filter_map(|preset| Some((preset.key.as_deref()?, preset.name.as_str())));
    let found: Vec<_> = keyed.clone().filter(|(key, _)| environment.variable(key).is_some()).collect();
    let Some((_, first)) = found.first() else {
        let keys: Vec<&str> = keyed.map(|(key, _)| key).collect();
        let message = format!(
            "there is nothing to serve: set one of {}, or name a configuration with -c",
            keys.join(", ")
        );
        return Err(Faults::one("environment", message));
    };
    let key = environment.variable("LOCKGATE_API_KEY");
    let mut text = String::from("watch: false\n");
    for (variable, setting) in LISTENERS {
        let Some(address) = environment.variable(variable) else { continue };
        let address: SocketAddr = address.parse().map_err(|_| {
            Faults::one("environment", format!("{variable} is no address and port such as 127.0.0.1:8080"))
        })?;
        if key.is_none() && !address.ip().is_loopback() {
            return Err(Faults::one(
                "environment",
                format!(
                    "{variable} lets other machines connect: set LOCKGATE_API_KEY to the key they must show"
                ),
            ));
        }
        text.push_str(&setting.replace("{}", &address.to_string()));
    }
    let format = environment.variable("LOCKGATE_LOG_FORMAT").unwrap_or_else(|| "text".into());
    text.push_str(&format!("log: {{ format: {} }}\nproviders:\n", Value::String(format)));
    for (key, name) in &found {
        let base_url = url_variable(name);
        text.push_str(&format!("  {name}:\n    credential: '${{env:{key}}}'\n"));
        if environment.variable(&base_url).is_some() {
            text.push_str(&format!("    base_url: '${{env:{base_url}}}'\n"));
        }
    }
    text.push_str("chains:");
    text.push_str(CHAIN);
    text.push_str("routes:\n");
    for (_, name) in &found {
        text.push_str(&format!("  '{name}/*': {{ targets: ['{name}/*'], chain: standard }}\n"));
    }
    text.push_str(&format!("  '*': {{ targets: ['{first}/*'], chain: standard }}\n"));
    let mut routes: Vec<String> = found.iter().map(|(_, name)| format!("'{name}/*'")).collect();
    routes.push("'*'".into());
    let routes = routes.join(", ");
    match key {
        Some(key) => {
            let hash = crate::auth::hash_key(&key);
            let keys = format!("[{{ name: environment, hash: '{hash}' }}]");
            text.push_str(&format!("tenants:\n  default: {{ keys: {keys}, routes: [{routes}] }}\n"));
        }
        // Only this machine can connect, as both addresses are loopback ones.
        None => {
            text.push_str(&format!("anonymous: default\ntenants:\n  default: {{ routes: [{routes}] }}\n"))
        }
    }
    parse("standard configuration", &text, environment)
}

/// The variable that moves a provider.
fn url_variable(name: &str) -> String {
    format!("{}_BASE_URL", name.to_uppercase().replace('-', "_"))
}
