//! A task with its right answer, as a line says it.

use super::judge::Judge;
use serde::Deserialize;
use serde_json::{Value, json};

/// Bytes of a category's name.
const MAX_NAME: usize = 32;

/// A task.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// What kind of task it is: `code`, `translate`, ….
    pub category: String,
    /// The messages that are sent.
    pub messages: Value,
    /// What is right: one of these.
    pub expect: Vec<Value>,
    /// Who judges.
    pub judge: Judge,
    /// Tokens that an answer may have.
    pub max_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    task: String,
    prompt: Option<String>,
    messages: Option<Value>,
    #[serde(default)]
    expect: Value,
    judge: Option<Judge>,
    max_tokens: Option<u64>,
}

impl Task {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(value: Value, judge: Judge) -> Result<Self, String> {
        let line: Line = serde_json::from_value(value).map_err(|error| error.to_string())?;
        let is_name = (1..=MAX_NAME).contains(&line.task.len())
            && line.task.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_')
            });
        if !is_name {
            return Err("`task` is a name of up to 32 small letters, digits, `-` and `_`".into());
        }
        let messages = match (line.prompt, line.messages) {
            (Some(prompt), None) => json!([{ "role": "user", "content": prompt }]),
            (None, Some(messages @ Value::Array(_))) => messages,
            _ => return Err("a task has a `prompt`, or `messages`".into()),
        };
        let judge = line.judge.unwrap_or(judge);
        let expect = match line.expect {
            Value::Null => Vec::new(),
            Value::Array(all) => all,
            one => vec![one],
        };
        if expect.is_empty() && judge != Judge::Llm {
            return Err("`expect` is missing: only the judge `llm` does without".into());
        }
        let texts = expect.iter().all(Value::is_string);
        if !texts && matches!(judge, Judge::Exact | Judge::Contains) {
            return Err(
                "`expect` is a text, or a list of texts, for the judges `exact` and `contains`".into()
            );
        }
        Ok(Self { category: line.task, messages, expect, judge, max_tokens: line.max_tokens })
    }
}
