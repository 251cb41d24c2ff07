//! The parameters of a canonical request.
//!
//! Invariants: every parameter is taken, passed on, or refused by name; one that asks for what happens anyway
//! is left out; one that only changes what OpenAI keeps, bills or caches is left out, too.

use crate::Refusal;
use serde_json::{Map, Value};

/// Parameters that never change an answer.
const HARMLESS: &[&str] = &[
    "metadata",
    "prompt_cache_key",
    "prompt_cache_options",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "stream",
    "stream_options",
    "user",
];

/// Where the gateway keeps what a client of another API said more exactly than the canonical words beside it can, and
/// which words may stand there: none with a text, as guards do not look there.
const EXACT: &[(&str, &[&str])] = &[
    ("anthropic", &["thinking", "output_config"]),
    ("gemini", &["thinking_config"]),
    ("cohere", &["thinking", "citation_options", "priority", "input_type", "truncate", "max_tokens"]),
    ("responses", &[]),
];

/// Parameters of OpenAI's that change an answer. Those that an adapter has not taken by the end cannot be
/// expressed.
const OPENAI: &[&str] = &[
    "audio",
    "best_of",
    "echo",
    "frequency_penalty",
    "function_call",
    "functions",
    "logit_bias",
    "logprobs",
    "max_completion_tokens",
    "max_tokens",
    "modalities",
    "moderation",
    "n",
    "parallel_tool_calls",
    "prediction",
    "presence_penalty",
    "reasoning_effort",
    "response_format",
    "seed",
    "stop",
    "store",
    "suffix",
    "temperature",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "verbosity",
    "web_search_options",
];

/// The shape that an answer must have.
#[derive(Debug, Clone, PartialEq)]
pub enum Format {
    /// Any.
    Text,
    /// A JSON object.
    JsonObject,
    /// JSON of a schema: the whole `json_schema`, and the schema in it.
    Schema(Map<String, Value>, Value),
}

/// A request, parameter by parameter.
#[derive(Debug)]
pub struct Request {
    api: &'static str,
    drop: bool,
    fields: Map<String, Value>,
}

impl Request {
    /// Reads a canonical body. `api` is what refusals call the provider's API; with `drop`, what it cannot
    /// express is dropped. A request to complete a bare text becomes a conversation: a user says the text.
    ///
    /// # Errors
    /// When it is not a JSON object.
    pub fn parse(json: &str, api: &'static str, drop: bool) -> Result<Self, Refusal> {
        let value: Value =
            serde_json::from_str(json).map_err(|error| format!("the request is not JSON: {error}"))?;
        let Value::Object(mut fields) = value else {
            return Err("the request is not a JSON object".to_owned());
        };
        fields.retain(|name, value| !value.is_null() && name != "model");
        if !fields.contains_key("messages")
            && let Some(prompt) = fields.shift_remove("prompt")
        {
            fields.insert("messages".to_owned(), spoken(prompt)?);
        }
        Ok(Self { api, drop, fields })
    }

    /// Takes over what a client of this very API said more exactly than the canonical words beside it.
    pub fn exact(&mut self, api: &str) {
        if let Some(Value::Object(exact)) = self.take(api) {
            let known = EXACT.iter().find(|(name, _)| *name == api).map_or(&[][..], |(_, words)| *words);
            self.fields.extend(exact.into_iter().filter(|(word, _)| known.contains(&word.as_str())));
        }
    }

    /// Looks at a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    /// Takes a parameter.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name)
    }

    /// Takes all of these, and gives the first that is there.
    pub fn first(&mut self, names: &[&str]) -> Option<Value> {
        names.iter().filter_map(|name| self.take(name)).reduce(|first, _| first)
    }

    /// Passes a parameter on, under another name.
    pub fn pass(&mut self, name: &str, theirs: &str, out: &mut Map<String, Value>) {
        if let Some(value) = self.take(name) {
            out.insert(theirs.to_owned(), value);
        }
    }

    /// Passes a number on; one out of bounds is refused, or moved to the bound.
    ///
    /// # Errors
    /// It is out of bounds.
    pub fn pass_within(
        &mut self,
        name: &str,
        theirs: &str,
        bounds: (f64, f64),
        out: &mut Map<String, Value>,
    ) -> Result<(), Refusal> {
        let Some(mut value) = self.take(name) else { return Ok(()) };
        let (least, most) = bounds;
        if let Some(number) = value.as_f64().filter(|number| !(least..=most).contains(number)) {
            self.cannot(name, &format!("outside {least} to {most}"))?;
            value = number.clamp(least, most).into();
        }
        out.insert(theirs.to_owned(), value);
        Ok(())
    }

    /// The stop sequences.
    pub fn stop(&mut self) -> Vec<Value> {
        match self.take("stop") {
            None => Vec::new(),
            Some(Value::Array(words)) => words,
            Some(word) => vec![word],
        }
    }

    /// The limit of the answer's length.
    pub fn limit(&mut self) -> Option<Value> {
        self.first(&["max_completion_tokens", "max_tokens"])
    }

    /// The shape of the answer.
    ///
    /// # Errors
    /// It is none that OpenAI knows.
    pub fn format(&mut self) -> Result<Option<Format>, Refusal> {
        let Some(mut format) = self.take("response_format") else { return Ok(None) };
        match format.get("type").and_then(Value::as_str) {
            Some("text") => Ok(Some(Format::Text)),
            Some("json_object") => Ok(Some(Format::JsonObject)),
            Some("json_schema") => match format.get_mut("json_schema").map(Value::take) {
                Some(Value::Object(mut whole)) => match whole.shift_remove("schema") {
                    Some(schema) => Ok(Some(Format::Schema(whole, schema))),
                    None => Err("`response_format.json_schema.schema` is missing".to_owned()),
                },
                _ => Err("`response_format.json_schema` is missing".to_owned()),
            },
            Some(_) => self.cannot("response_format", "of this type").map(|()| None),
            None => Err("`response_format.type` is missing".to_owned()),
        }
    }

    /// Whether what cannot be expressed is dropped.
    #[must_use]
    pub fn drops(&self) -> bool {
        self.drop
    }

    /// Refuses a parameter, unless such are dropped. `why` may be empty.
    ///
    /// # Errors
    /// It is refused.
    pub fn cannot(&self, name: &str, why: &str) -> Result<(), Refusal> {
        if self.drop {
            return Ok(());
        }
        let (api, why) = (self.api, if why.is_empty() { String::new() } else { format!(" {why}") });
        Err(format!("the {api} cannot express `{name}`{why}; remove it or set the option `drop_params`"))
    }

    /// Passes on what is left: parameters that OpenAI does not know are the provider's own.
    ///
    /// # Errors
    /// What is left is OpenAI's and asks for something.
    pub fn rest(mut self, out: &mut Map<String, Value>) -> Result<(), Refusal> {
        for (name, value) in std::mem::take(&mut self.fields) {
            if HARMLESS.contains(&name.as_str()) || EXACT.iter().any(|(api, _)| *api == name) {
                continue;
            }
            if !OPENAI.contains(&name.as_str()) {
                out.entry(name).or_insert(value);
            } else if !says_nothing(&name, &value) {
                self.cannot(&name, "")?;
            }
        }
        Ok(())
    }
}

/// A bare text as a conversation. Several are several answers, which one conversation cannot have.
fn spoken(prompt: Value) -> Result<Value, Refusal> {
    let text = match prompt {
        Value::Array(mut prompts) if prompts.len() == 1 => prompts.pop().unwrap_or_default(),
        other => other,
    };
    match text {
        Value::String(text) => Ok(serde_json::json!([{ "role": "user", "content": text }])),
        _ => Err("`prompt` must be one text: this provider completes conversations".to_owned()),
    }
}

/// Whether a parameter asks for what happens anyway.
fn says_nothing(name: &str, value: &Value) -> bool {
    match value {
        Value::Bool(on) => (name == "parallel_tool_calls") == *on,
        Value::Number(_) if name == "seed" => false,
        Value::Number(number) => number.as_f64() == Some(if name == "n" { 1.0 } else { 0.0 }),
        Value::Array(items) if name == "modalities" => items.iter().all(|item| item == "text"),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::String(word) => name == "verbosity" && word == "medium",
        Value::Null => true,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::{Format, Request};
    use serde_json::{Map, Value, json};

    fn request(value: Value, drop: bool) -> Request {
        Request::parse(&value.to_string(), "X API", drop).unwrap()
    }

    fn rest(value: Value, drop: bool) -> Result<Value, String> {
        let mut out = Map::new();
        request(value, drop).rest(&mut out).map(|()| out.into())
    }

    #[test]
    fn what_is_left_is_passed_on_refused_or_dropped() {
        let own = json!({ "model": "m", "seed": null, "stream": true, "user": "u", "own": [1] });
        assert_eq!(rest(own, false), Ok(json!({ "own": [1] })));
        let nothing = json!({ "n": 1, "logprobs": false, "logit_bias": {}, "presence_penalty": 0.0, "tools": [],
                              "parallel_tool_calls": true, "modalities": ["text"], "verbosity": "medium" });
        assert_eq!(rest(nothing, false), Ok(json!({})));
        for (name, value) in [("seed", json!(0)), ("parallel_tool_calls", json!(false)), ("n", json!(2))] {
            let error = rest(json!({ name: value }), false).unwrap_err();
            assert!(error.starts_with(&format!("the X API cannot express `{name}`;")), "{error}");
            assert_eq!(rest(json!({ name: value }), true), Ok(json!({})));
        }
    }

    #[test]
    fn a_bare_text_is_said_by_a_user() {
        for prompt in [json!("Once"), json!(["Once"])] {
            let mut read = request(json!({ "model": "m", "prompt": prompt }), false);
            assert_eq!(read.take("messages"), Some(json!([{ "role": "user", "content": "Once" }])));
        }
        for prompt in [json!(["a", "b"]), json!([1, 2]), json!([])] {
            let error = Request::parse(&json!({ "prompt": prompt }).to_string(), "X API", false).unwrap_err();
            assert!(error.starts_with("`prompt` must be one text"), "{error}");
        }
        assert!(rest(json!({ "prompt": "x", "echo": true }), false).unwrap_err().contains("`echo`"));
    }

    #[test]
    fn exact_words_are_for_their_own_api() {
        let exact = json!({ "gemini": { "thinking_config": { "a": 1 }, "messages": [1] }, "anthropic": { "thinking": {} },
                            "responses": { "instructions": true } });
        assert_eq!(rest(exact.clone(), false), Ok(json!({})));
        let mut request = request(exact, false);
        request.exact("gemini");
        assert_eq!(request.get("messages"), None);
        assert_eq!(request.get("thinking_config"), Some(&json!({ "a": 1 })));
        assert_eq!(request.take("thinking_config"), Some(json!({ "a": 1 })));
        assert_eq!(request.get("thinking_config"), None);
    }

    #[test]
    fn numbers_keep_within_bounds() {
        let pass = |value: Value, drop| {
            let mut out = Map::new();
            request(json!({ "temperature": value }), drop)
                .pass_within("temperature", "t", (0.0, 1.5), &mut out)
                .map(|()| Value::from(out))
        };
        assert_eq!(pass(json!(1.5), false), Ok(json!({ "t": 1.5 })));
        assert_eq!(pass(json!("hot"), false), Ok(json!({ "t": "hot" })));
        assert_eq!(pass(json!(2), true), Ok(json!({ "t": 1.5 })));
        assert!(pass(json!(2), false).unwrap_err().contains("`temperature` outside 0 to 1.5"));
    }

    #[test]
    fn formats_and_limits() {
        let schema = json!({ "type": "json_schema", "json_schema": { "name": "n", "schema": { "a": 1 } } });
        let format = |format: Value| request(json!({ "response_format": format }), false).format();
        let whole = json!({ "name": "n" }).as_object().unwrap().clone();
        assert_eq!(format(schema), Ok(Some(Format::Schema(whole, json!({ "a": 1 })))));
        assert_eq!(format(json!({ "type": "json_object" })), Ok(Some(Format::JsonObject)));
        for bad in [json!({ "type": "grammar" }), json!({ "type": "json_schema" }), json!("json")] {
            assert!(format(bad).unwrap_err().contains("response_format"));
        }
        let mut both = request(json!({ "max_tokens": 1, "max_completion_tokens": 2, "stop": "x" }), false);
        assert_eq!((both.limit(), both.limit(), both.stop()), (Some(json!(2)), None, vec![json!("x")]));
    }
}
