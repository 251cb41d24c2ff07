//! The configuration, and what a request's headers make of it.
//!
//! Invariants: a header may shorten or lengthen a lifetime only within the operator's bound, and can only
//! narrow what is shared; a header that is not understood is an error, never ignored.

use serde::Deserialize;
use serde_json::Value;

/// How a stored answer is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Only for the very same request.
    Exact,
    /// Also for a question of the same meaning.
    #[default]
    Semantic,
}

/// Who may be given each other's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Share {
    /// Everybody in the tenant.
    #[default]
    Tenant,
    /// Requests of the same key; needs the attribute `principal.key`.
    Key,
    /// Requests with the same `user` field.
    User,
}

/// What the operator writes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How a stored answer is found.
    pub mode: Mode,
    /// The least score of two questions: 1 where nothing differs, less for what does.
    pub threshold: f32,
    /// Seconds that an answer is kept.
    pub ttl: u32,
    /// The most seconds that a request may ask for.
    pub max_ttl: u32,
    /// The granted vector collection.
    pub collection: String,
    /// Keeps apart caches of the same tenant.
    pub namespace: String,
    /// Who may be given each other's answers.
    pub share: Share,
    /// Conversations with more messages of the user are neither answered from the cache nor kept; 0 is no limit.
    pub max_turns: u32,
    /// Requests above this temperature want variety, and are neither answered from the cache nor kept.
    pub max_temperature: Option<f64>,
    /// How many neighbours are looked at.
    pub neighbours: u32,
    /// Whether clients may say how they want the cache used.
    pub client_controls: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mode: Mode::Semantic,
            threshold: 0.85,
            ttl: 3_600,
            max_ttl: 86_400,
            collection: "semantic-cache".to_owned(),
            namespace: String::new(),
            share: Share::Tenant,
            max_turns: 0,
            max_temperature: None,
            neighbours: 8,
            client_controls: true,
        }
    }
}

impl Config {
    /// What is wrong: a JSON pointer and a message each.
    pub fn issues(&self) -> Vec<(&'static str, &'static str)> {
        let wrong = [
            (!(0.0..=1.0).contains(&self.threshold), "/threshold", "must be from 0 to 1"),
            (self.ttl == 0, "/ttl", "must be at least 1 second"),
            (self.max_ttl < self.ttl, "/max_ttl", "must not be below `ttl`"),
            (self.max_ttl > u32::MAX / 1000, "/max_ttl", "must be at most 4294967 seconds (49 days)"),
            (self.namespace.len() > MAX_TAG, "/namespace", "must be at most 128 bytes"),
            (self.collection.is_empty(), "/collection", "must name a granted collection"),
            (!(1..=64).contains(&self.neighbours), "/neighbours", "must be from 1 to 64"),
        ];
        wrong.into_iter().filter(|(is, ..)| *is).map(|(_, pointer, message)| (pointer, message)).collect()
    }

    /// Why a request has nothing to do with the cache, where it has not.
    pub fn bypasses(&self, request: &Value) -> Option<&'static str> {
        let hot = request.get("temperature").and_then(Value::as_f64).zip(self.max_temperature);
        if hot.is_some_and(|(asked, most)| asked > most) {
            return Some("temperature");
        }
        let messages = request.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let turns = messages.iter().filter(|message| message.get("role").is_some_and(|role| role == "user"));
        let most = usize::try_from(self.max_turns).unwrap_or(usize::MAX);
        (most > 0 && turns.count() > most).then_some("turns")
    }
}

/// What the client wants of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Control {
    /// To be used.
    #[default]
    Use,
    /// To be left alone.
    Bypass,
    /// To be written, not read.
    Refresh,
    /// To be read, and nothing else to be asked.
    Only,
}

/// A request's wishes.
#[derive(Debug, Default, PartialEq)]
pub struct Wishes {
    /// What is to happen.
    pub control: Control,
    /// Milliseconds that the answer is to be kept.
    pub ttl_ms: u32,
    /// A namespace of the client's own, within the operator's.
    pub namespace: String,
    /// What the client's context is at: an answer to another version is none.
    pub version: String,
    /// What the answer is to be forgotten by.
    pub tags: Vec<String>,
}

/// Tags of one answer at most, and bytes of one, of a namespace and of a version; the host's own bounds are not below.
const MAX_TAGS: usize = 16;
const MAX_TAG: usize = 128;

/// Why a request's wishes are not granted.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// The operator does not let clients control the cache.
    Denied,
    /// What the client is told about a header that cannot be understood.
    Invalid(String),
}

impl Wishes {
    /// Reads the headers `x-lockgate-cache`, `-ttl`, `-namespace`, `-version` and `-tags`.
    ///
    /// # Errors
    /// [`Refused`]; a wish is never passed over in silence.
    pub fn read(config: &Config, header: impl Fn(&str) -> Option<String>) -> Result<Self, Refused> {
        let header =
            |name: &str| header(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let [control, ttl, namespace, version, tags] = ["", "-ttl", "-namespace", "-version", "-tags"]
            .map(|part| header(&format!("x-lockgate-cache{part}")));
        let wishes = [&control, &ttl, &namespace, &version, &tags];
        if !config.client_controls && wishes.iter().any(|wish| wish.is_some()) {
            return Err(Refused::Denied);
        }
        let invalid = |message: String| Err(Refused::Invalid(message));
        let control = match control.map(|text| text.to_ascii_lowercase()).as_deref() {
            None | Some("use") => Control::Use,
            Some("bypass") => Control::Bypass,
            Some("refresh") => Control::Refresh,
            Some("only") => Control::Only,
            Some(_) => return invalid("x-lockgate-cache is one of use, bypass, refresh and only".to_owned()),
        };
        let ttl = match ttl.map(|text| text.parse::<u32>()) {
            None => config.ttl,
            Some(Ok(seconds)) if seconds > 0 => seconds,
            Some(_) => return invalid("x-lockgate-cache-ttl is a number of seconds above 0".to_owned()),
        };
        let (namespace, version) = (namespace.unwrap_or_default(), version.unwrap_or_default());
        if namespace.len() > MAX_TAG || version.len() > MAX_TAG {
            return invalid(format!(
                "x-lockgate-cache-namespace and x-lockgate-cache-version are at most {MAX_TAG} bytes"
            ));
        }
        let tags = tags.unwrap_or_default();
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        let tags: Vec<String> = tags.map(str::to_owned).collect();
        if tags.len() > MAX_TAGS || tags.iter().any(|tag| tag.len() > MAX_TAG) {
            return invalid(format!(
                "x-lockgate-cache-tags is at most {MAX_TAGS} tags of {MAX_TAG} bytes, with commas between"
            ));
        }
        Ok(Self { control, ttl_ms: ttl.min(config.max_ttl).saturating_mul(1000), namespace, version, tags })
    }

    /// What the answer can be forgotten by: the client's tags, and what it is kept apart by.
    pub fn labels(&self, config: &Config) -> Vec<String> {
        let mut labels = self.tags.clone();
        let namespaces = [&config.namespace, &self.namespace];
        labels.extend(
            namespaces.into_iter().filter(|name| !name.is_empty()).map(|name| format!("namespace:{name}")),
        );
        if !self.version.is_empty() {
            labels.push(format!("version:{}", self.version));
        }
        labels
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Config, Control, Refused, Wishes};
    use serde_json::{Value, json};

    fn config(value: Value) -> Config {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        assert!(config(json!({})).issues().is_empty());
        let wrong =
            json!({ "threshold": 2, "ttl": 0, "max_ttl": 5_000_000, "collection": "", "neighbours": 0 });
        let places: Vec<&str> = config(wrong).issues().into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, ["/threshold", "/ttl", "/max_ttl", "/collection", "/neighbours"]);
        assert_eq!(config(json!({ "ttl": 100_000 })).issues().len(), 1);
    }

    #[test]
    fn headers_are_read_within_the_operators_bounds() {
        let c = config(json!({ "ttl": 60, "max_ttl": 100 }));
        let read = |headers: &[(&str, &str)]| {
            let find =
                |name: &str| headers.iter().find(|(header, _)| name == format!("x-lockgate-cache{header}"));
            Wishes::read(&c, |name| find(name).map(|(_, value)| (*value).to_owned()))
        };
        let plain = Wishes { ttl_ms: 60_000, ..Wishes::default() };
        assert_eq!(read(&[]).unwrap(), plain);
        let wishes =
            read(&[("", " Refresh"), ("-ttl", "5000"), ("-namespace", "n"), ("-version", "7")]).unwrap();
        assert_eq!((wishes.control, wishes.ttl_ms), (Control::Refresh, 100_000));
        assert_eq!((wishes.namespace.as_str(), wishes.version.as_str()), ("n", "7"));
        assert_eq!(
            wishes.labels(&config(json!({ "namespace": "o" }))),
            ["namespace:o", "namespace:n", "version:7"]
        );
        assert_eq!(read(&[("-tags", "a, b,, c ")]).unwrap().labels(&c), ["a", "b", "c"]);
        for wrong in [
            ("", "bypas"),
            ("-ttl", "0"),
            ("-ttl", "1h"),
            ("-tags", &"t,".repeat(17)),
            ("-tags", &"t".repeat(200)),
            ("-namespace", &"n".repeat(200)),
            ("-version", &"v".repeat(200)),
        ] {
            assert!(matches!(read(&[wrong]), Err(Refused::Invalid(_))), "{wrong:?}");
        }
        let closed = config(json!({ "client_controls": false }));
        assert!(Wishes::read(&closed, |_| None).is_ok());
        for (name, value) in
            [("", "only"), ("-ttl", "9"), ("-namespace", "n"), ("-version", "1"), ("-tags", "t")]
        {
            let wish = |header: &str| (header == format!("x-lockgate-cache{name}")).then(|| value.to_owned());
            assert_eq!(Wishes::read(&closed, wish), Err(Refused::Denied), "{name}");
        }
    }

    #[test]
    fn variety_and_long_conversations_bypass() {
        let c = config(json!({ "max_temperature": 0.5, "max_turns": 1 }));
        assert_eq!(c.bypasses(&json!({ "temperature": 0.5 })), None);
        assert_eq!(c.bypasses(&json!({ "temperature": 0.6 })), Some("temperature"));
        let two = json!({ "messages": [{ "role": "user" }, { "role": "assistant" }, { "role": "user" }] });
        assert_eq!(c.bypasses(&two), Some("turns"));
        assert_eq!(config(json!({})).bypasses(&two), None);
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
