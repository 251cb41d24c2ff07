//! What whole answers and streams share: the response around the items, and the items.
//!
//! A response says its request again. It is said as the client sent it, not as the guards changed it: what a guard took
//! out is the client's own. Ids are made of the exchange's, so that they stay the same over a stream; they name nothing
//! that could be asked for later.

use super::request::{OWN, SEALS};
use super::tools;
use crate::chat::Usage;
use crate::format::Head;
use serde_json::{Map, Value, json};

/// How an answer stands, in the API's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It goes on.
    InProgress,
    /// It is complete.
    Completed,
    /// It ended before its end, for this reason.
    Incomplete(&'static str),
    /// It broke off.
    Failed,
}

impl Status {
    /// What an end amounts to.
    pub fn of(finish: &str) -> Self {
        match finish {
            "length" => Self::Incomplete("max_output_tokens"),
            "content_filter" => Self::Incomplete("content_filter"),
            _ => Self::Completed,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed => "failed",
        }
    }

    /// The same of an item, which cannot fail by itself.
    const fn of_item(self) -> &'static str {
        match self {
            Self::Failed => "incomplete",
            status => status.name(),
        }
    }
}

/// What is the same for all that is told of one response.
#[derive(Debug)]
pub struct Shape {
    key: String,
    created: u64,
    /// The model that answers.
    pub model: String,
    /// The tier that the provider served it in.
    pub tier: Option<String>,
    /// Whether reasoning is to be told so that it can be sent back.
    pub seals: bool,
    custom: Vec<String>,
    asked: Map<String, Value>,
}

impl Shape {
    /// The shape of the answer to a request.
    pub fn new(head: Head<'_>, asked: &Map<String, Value>) -> Self {
        let custom = asked.get("tools").and_then(Value::as_array).into_iter().flatten();
        let custom = custom.filter_map(|tool| tool.pointer("/custom/name")?.as_str().map(str::to_owned));
        let included = asked.get(OWN).and_then(|own| own.get("include")?.as_array());
        Self {
            key: head.exchange.strip_prefix("req_").unwrap_or(head.exchange).to_owned(),
            created: head.created,
            model: head.model.to_owned(),
            tier: asked.get("service_tier").and_then(Value::as_str).map(str::to_owned),
            seals: included.into_iter().flatten().any(|include| include == SEALS),
            custom: custom.collect(),
            asked: again(asked),
        }
    }

    /// Takes over what a provider says of its answer.
    pub fn learn<'a>(&mut self, facts: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, value) in facts {
            match name {
                "model" => value.clone_into(&mut self.model),
                "service_tier" => self.tier = Some(value.to_owned()),
                _ => {}
            }
        }
    }

    /// The id of an item.
    pub fn id(&self, kind: &str, index: usize) -> String {
        format!("{kind}_{}_{index}", self.key)
    }

    /// Whether a tool takes a text, not arguments.
    pub fn is_custom(&self, tool: &str) -> bool {
        self.custom.iter().any(|name| name == tool)
    }

    /// The response, as far as it is.
    pub fn response(&self, status: Status, error: &Value, output: &[Value], usage: Option<&Usage>) -> Value {
        let incomplete = match status {
            Status::Incomplete(reason) => json!({ "reason": reason }),
            _ => Value::Null,
        };
        let mut response = Map::new();
        for (name, value) in [
            ("id", format!("resp_{}", self.key).into()),
            ("object", "response".into()),
            ("created_at", self.created.into()),
            ("status", status.name().into()),
            ("background", false.into()),
            ("error", error.clone()),
            ("incomplete_details", incomplete),
            ("model", self.model.as_str().into()),
            ("output", output.into()),
        ] {
            response.insert(name.into(), value);
        }
        response.extend(self.asked.clone());
        response.insert("service_tier".into(), self.tier.as_deref().into());
        // The published schema wants it or nothing.
        response.extend(usage.map(|usage| ("usage".to_owned(), render_usage(usage))));
        response.into()
    }
}

/// What of the request a response says again.
fn again(asked: &Map<String, Value>) -> Map<String, Value> {
    let field = |name: &str| asked.get(name).cloned().unwrap_or_default();
    let own = |name: &str| asked.get(OWN).and_then(|own| own.get(name)).cloned().unwrap_or_default();
    let first = || asked.get("messages")?.get(0)?.get("content").cloned();
    let instructions = if own("instructions") == true { first().unwrap_or_default() } else { Value::Null };
    let mut text = Map::new();
    let format = asked.get("response_format").map(tools::flat);
    text.insert("format".into(), format.unwrap_or_else(|| json!({ "type": "text" })));
    text.extend(asked.get("verbosity").map(|verbosity| ("verbosity".to_owned(), verbosity.clone())));
    let tools = asked.get("tools").and_then(Value::as_array).into_iter().flatten().map(tools::told);
    let or = |name: &str, default: Value| asked.get(name).cloned().unwrap_or(default);
    let fields = [
        ("instructions", instructions),
        ("max_output_tokens", field("max_completion_tokens")),
        ("max_tool_calls", own("max_tool_calls")),
        ("metadata", or("metadata", json!({}))),
        ("parallel_tool_calls", or("parallel_tool_calls", true.into())),
        ("previous_response_id", Value::Null),
        ("prompt_cache_key", field("prompt_cache_key")),
        ("reasoning", json!({ "effort": field("reasoning_effort"), "summary": own("summary") })),
        ("safety_identifier", field("safety_identifier")),
        ("store", false.into()),
        ("temperature", field("temperature")),
        ("text", text.into()),
        ("tool_choice", asked.get("tool_choice").map_or_else(|| "auto".into(), tools::flat)),
        ("tools", tools.collect()),
        ("top_logprobs", 0.into()),
        ("top_p", field("top_p")),
        ("truncation", "disabled".into()),
    ];
    let mut again: Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    // The published schema wants a text or nothing.
    again.extend(asked.get("user").map(|user| ("user".to_owned(), user.clone())));
    again
}

fn render_usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input,
        "input_tokens_details": { "cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write },
        "output_tokens": usage.output,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.input + usage.output,
    })
}

/// What was thought, as an item. Clients show summaries.
pub fn reasoning(id: &str, words: &str, sealed: Option<&str>) -> Value {
    let summary: Vec<Value> =
        Some(words).filter(|words| !words.is_empty()).map(summary).into_iter().collect();
    let mut item = json!({ "id": id, "type": "reasoning", "summary": summary });
    if let (Some(sealed), Some(item)) = (sealed, item.as_object_mut()) {
        item.insert("encrypted_content".into(), sealed.into());
    }
    item
}

/// The summary of what was thought.
pub fn summary(words: &str) -> Value {
    json!({ "type": "summary_text", "text": words })
}

/// What was said, as an item.
pub fn message(id: &str, content: &[Value], status: Status) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "status": status.of_item(), "content": content,
    })
}

/// A part of a message: what was said, or that nothing will be.
pub fn said(refusal: bool, text: &str) -> Value {
    match refusal {
        true => json!({ "type": "refusal", "refusal": text }),
        false => json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] }),
    }
}

/// A call of a tool.
#[derive(Debug)]
pub struct Call {
    /// Whether the tool takes a text.
    pub custom: bool,
    /// The provider's id of it.
    pub call_id: String,
    /// The tool's name.
    pub name: String,
    /// What the tool is given.
    pub given: String,
}

impl Call {
    /// The kind of its item's id.
    pub const fn kind(&self) -> &'static str {
        if self.custom { "ctc" } else { "fc" }
    }

    /// It as an item.
    pub fn item(&self, id: &str, status: Status) -> Value {
        let (call_id, name) = (&self.call_id, &self.name);
        if self.custom {
            let kind = "custom_tool_call";
            return json!({ "id": id, "type": kind, "call_id": call_id, "name": name, "input": self.given });
        }
        let status = status.of_item();
        json!({
            "id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name,
            "arguments": self.given,
        })
    }
}

/// The arguments of a call that has none, so that clients can read them.
pub fn arguments(given: &str) -> &str {
    if given.trim().is_empty() { "{}" } else { given }
}
