//! Whole answers, rendered as a response.

use super::seal::seal;
use super::shape::{Call, Shape, Status, arguments, message, reasoning, said};
use crate::chat::{Answer, Choice, Thought, channel};
use crate::format::Head;
use serde_json::{Map, Value};

/// Renders a response. The API has one answer to a request: further choices are not told.
#[must_use]
pub fn render_answer(answer: &Answer, head: Head<'_>, asked: &Map<String, Value>) -> Value {
    let mut shape = Shape::new(head, asked);
    shape.learn(answer.extras.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let choice = answer.choices.first();
    let status = Status::of(choice.and_then(|choice| choice.finish.as_deref()).unwrap_or("stop"));
    let output = choice.map(|choice| items(&shape, choice, status)).unwrap_or_default();
    shape.response(status, &Value::Null, &output, Some(&answer.usage))
}

/// What was thought, then what was said, then what was called. Only the last of them can be incomplete.
fn items(shape: &Shape, choice: &Choice, status: Status) -> Vec<Value> {
    let mut items = Vec::new();
    for Thought { text: words, opaque, .. } in choice.thoughts() {
        let sealed = opaque.filter(|_| shape.seals).map(|(opaque, told)| seal(opaque, words, told));
        if !words.is_empty() || sealed.is_some() {
            items.push(reasoning(&shape.id("rs", items.len()), words, sealed.as_deref()));
        }
    }
    let last = |last: bool| if last { status } else { Status::Completed };
    let content: Vec<Value> = [(channel::CONTENT, false), (channel::REFUSAL, true)]
        .into_iter()
        .filter_map(|(name, refusal)| Some((choice.channel(name)?, refusal)))
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, refusal)| said(refusal, &text))
        .collect();
    if !content.is_empty() {
        items.push(message(&shape.id("msg", items.len()), &content, last(choice.tools.is_empty())));
    }
    for (index, tool) in choice.tools.iter().enumerate() {
        let given = choice.part(channel::TOOL_ARGS, tool.part);
        let custom = shape.is_custom(&tool.name);
        let given = if custom { given } else { arguments(given) }.to_owned();
        let call = Call { custom, call_id: tool.id.clone(), name: tool.name.clone(), given };
        items.push(call.item(&shape.id(call.kind(), items.len()), last(index + 1 == choice.tools.len())));
    }
    items
}
