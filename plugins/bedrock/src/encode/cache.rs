//! Marks of prompt caching (`cache_control`), which become cache points behind what they stand on.
//!
//! Invariants: a mark is a hint and never a reason to refuse; a model that cannot cache, or cannot so, gets none.
//! Source: Amazon Bedrock User Guide, "Prompt caching for faster model inference".

use crate::model::{Family, Model};
use serde_json::{Map, Value, json};

/// The name of a mark.
const MARK: &str = "cache_control";

/// The cache point that something asks for.
pub fn point(marked: &Map<String, Value>, model: Model) -> Option<Value> {
    let mark = marked.get(MARK)?.as_object().filter(|_| model.family.caches())?;
    let mut point = Map::new();
    point.insert("type".into(), "default".into());
    // Only Anthropic's models can keep it longer.
    if let Some(ttl) = mark.get("ttl").filter(|_| model.family == Family::Anthropic) {
        point.insert("ttl".into(), ttl.clone());
    }
    Some(json!({ "cachePoint": point }))
}

/// The cache points that the parts of each message ask for.
pub fn points(messages: Option<&Value>, model: Model) -> Vec<Vec<Option<Value>>> {
    let of = |part: &Value| point(part.as_object()?, model);
    let parts = |message: &Value| {
        let parts = message.get("content").and_then(Value::as_array);
        parts.into_iter().flatten().map(of).collect()
    };
    messages.and_then(Value::as_array).into_iter().flatten().map(parts).collect()
}

/// The cache points that tools ask for, by the tools' names. Amazon's models take none there.
pub fn points_of_tools(tools: Option<&Value>, model: Model) -> Vec<(String, Value)> {
    if model.family != Family::Anthropic {
        return Vec::new();
    }
    let of = |tool: &Value| {
        let function = tool.get("function")?.as_object()?;
        let point = point(tool.as_object()?, model).or_else(|| point(function, model))?;
        Some((function.get("name")?.as_str()?.to_owned(), point))
    };
    tools.and_then(Value::as_array).into_iter().flatten().filter_map(of).collect()
}
