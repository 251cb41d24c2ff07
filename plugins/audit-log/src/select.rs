//! Which events are told, and which of their fields.
//!
//! Invariants: a denied field is never told, whatever `include` says; failures and what is out of the
//! ordinary are always told; whether a success is told depends on its exchange's id alone, so every observer picks the same ones.

use lockgate_sdk::prelude::ObservedEvent;
use serde::Deserialize;

/// What the operator writes. A name of a field may end in `*`.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Only these fields; all when empty.
    include: Vec<String>,
    /// Not these.
    exclude: Vec<String>,
    /// Never these: private.
    deny: Vec<String>,
    /// Fields that do not make a success worth telling.
    ordinary: Vec<String>,
    /// The share of plain successes that is told.
    sample_success: f64,
    /// Whether each event becomes a log line.
    log: bool,
    /// The granted HTTP destination of the collector.
    destination: Option<String>,
    /// Appended to the destination's URL.
    path: String,
}

impl Default for Config {
    fn default() -> Self {
        let deny =
            ["client.ip", "client.user-agent", "principal.user", "header.*", "prompt*", "answer*", "text*"];
        Self {
            include: Vec::new(),
            exclude: Vec::new(),
            deny: deny.map(str::to_owned).to_vec(),
            ordinary: ["flag.cache*", "flag.output", "flag.router"].map(str::to_owned).to_vec(),
            sample_success: 1.0,
            log: true,
            destination: None,
            path: "/".to_owned(),
        }
    }
}

/// A checked configuration.
pub struct Selection {
    config: Config,
}

impl Selection {
    /// Checks a configuration.
    ///
    /// # Errors
    /// JSON pointers and what is wrong there.
    pub fn new(config: Config) -> Result<Self, Vec<(String, String)>> {
        let mut issues = Vec::new();
        if !(0.0..=1.0).contains(&config.sample_success) {
            issues.push(("/sample_success".to_owned(), "must be a share from 0 to 1".to_owned()));
        }
        if !config.path.starts_with('/') {
            issues.push(("/path".to_owned(), "must start with a slash".to_owned()));
        }
        if !config.log && config.destination.is_none() {
            issues.push((
                "/log".to_owned(),
                "without a `destination`, nothing would be told at all".to_owned(),
            ));
        }
        let lists = [
            ("include", &config.include),
            ("exclude", &config.exclude),
            ("deny", &config.deny),
            ("ordinary", &config.ordinary),
        ];
        for (list, names) in lists {
            for (index, name) in names.iter().enumerate() {
                if name.is_empty() || name.trim_end_matches('*').contains('*') {
                    let message = "must be a field's name, which may end in `*`".to_owned();
                    issues.push((format!("/{list}/{index}"), message));
                }
            }
        }
        if issues.is_empty() { Ok(Self { config }) } else { Err(issues) }
    }

    /// The event with the fields that are told, or `None` when it is not told at all.
    pub fn select(&self, mut event: ObservedEvent) -> Option<ObservedEvent> {
        if self.is_plain_success(&event) && chance(&event.exchange) >= self.config.sample_success {
            return None;
        }
        event.fields.retain(|(name, _)| self.tells(name));
        Some(event)
    }

    /// Whether events become log lines.
    pub fn logs(&self) -> bool {
        self.config.log
    }

    /// The collector's destination.
    pub fn destination(&self) -> Option<&str> {
        self.config.destination.as_deref()
    }

    /// The collector's path.
    pub fn path(&self) -> &str {
        &self.config.path
    }

    fn tells(&self, name: &str) -> bool {
        let Config { include, exclude, deny, .. } = &self.config;
        (include.is_empty() || named(include, name)) && !named(exclude, name) && !named(deny, name)
    }

    /// An exchange that ended well and that no plugin had anything out of the ordinary to say about.
    fn is_plain_success(&self, event: &ObservedEvent) -> bool {
        let status = event.fields.iter().find(|(name, _)| name == "status");
        let status = status.and_then(|(_, status)| status.parse::<u16>().ok());
        let remarkable = |(name, _): &(String, String)| {
            (name.starts_with("flag.") || name.starts_with("error")) && !named(&self.config.ordinary, name)
        };
        event.kind == "exchange" && status.is_some_and(|s| s < 400) && !event.fields.iter().any(remarkable)
    }
}

fn named(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    })
}

/// A number in [0, 1) from an exchange's id: FNV-1a, its high bits spread by a multiplication.
fn chance(exchange: &str) -> f64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in exchange.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let high = u32::try_from(hash >> 32).unwrap_or(u32::MAX);
    f64::from(high) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Config, Selection};
    use lockgate_sdk::prelude::ObservedEvent;
    use serde_json::{Value, json};

    fn selection(config: Value) -> Selection {
        Selection::new(serde_json::from_value::<Config>(config).unwrap()).ok().unwrap()
    }

    fn event(id: &str, fields: &[(&str, &str)]) -> ObservedEvent {
        let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ObservedEvent { exchange: id.to_owned(), kind: "exchange".to_owned(), at_ms: 0, fields }
    }

    fn told(config: Value, fields: &[(&str, &str)]) -> Vec<String> {
        let event = selection(config).select(event("x", fields)).unwrap();
        event.fields.into_iter().map(|(name, _)| name).collect()
    }

    const FIELDS: &[(&str, &str)] = &[
        ("tenant", "a"),
        ("status", "200"),
        ("usage.input", "1"),
        ("usage.output", "2"),
        ("client.ip", "::1"),
    ];

    #[test]
    fn private_fields_are_never_told() {
        assert_eq!(told(json!({}), FIELDS), ["tenant", "status", "usage.input", "usage.output"]);
        assert_eq!(told(json!({"include": ["client.ip", "tenant"]}), FIELDS), ["tenant"]);
        assert_eq!(
            told(json!({"include": ["client.*", "tenant"], "deny": []}), FIELDS),
            ["tenant", "client.ip"]
        );
    }

    #[test]
    fn fields_are_chosen_by_name_or_beginning() {
        assert_eq!(
            told(json!({"include": ["usage.*"], "exclude": ["usage.output"]}), FIELDS),
            ["usage.input"]
        );
    }

    #[test]
    fn only_plain_successes_are_sampled() {
        let none = selection(json!({"sample_success": 0}));
        assert!(none.select(event("x", &[("status", "200")])).is_none());
        for fields in [&[("status", "500")][..], &[("status", "200"), ("flag.pii", "1")], &[]] {
            assert!(none.select(event("x", fields)).is_some(), "{fields:?}");
        }
        assert!(none.select(event("x", &[("status", "200"), ("flag.cache", "miss")])).is_none());
        let mut other = event("x", &[("status", "200")]);
        other.kind = "reload".to_owned();
        assert!(none.select(other).is_some());
        let some = selection(json!({"sample_success": 0.25}));
        let told =
            (0..4_000).filter(|n| some.select(event(&format!("id-{n}"), &[("status", "200")])).is_some());
        assert!((900..1_100).contains(&told.count()));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        let wrong = json!({"sample_success": 2, "path": "x", "log": false, "deny": ["a*b"]});
        let issues = Selection::new(serde_json::from_value(wrong).unwrap()).err().unwrap();
        let places: Vec<&str> = issues.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["/sample_success", "/path", "/log", "/deny/0"]);
    }

    #[test]
    fn the_schema_tells_the_same_settings_and_defaults() {
        let schema: serde_json::Value = serde_json::from_str(include_str!("../config.schema.json")).unwrap();
        let properties = schema.get("properties").and_then(|all| all.as_object()).unwrap();
        let told: serde_json::Map<_, _> = properties
            .iter()
            .map(|(name, property)| (name.clone(), property.get("default").unwrap().clone()))
            .collect();
        let told: Config = serde_json::from_value(told.into()).unwrap();
        assert_eq!(format!("{told:?}"), format!("{:?}", Config::default()));
    }
}
