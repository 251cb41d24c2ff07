//! What an assistant thought, sent back by the client: `reasoning_details` of a canonical message.
//!
//! The shape is OpenRouter's: a list of `reasoning.text` (`text`, `signature`) and `reasoning.encrypted` (`data`), each
//! with the `format` of the provider that wrote it. Invariant: what one provider signed is given to no other.
//! Source: OpenRouter documentation, "Reasoning tokens", `reasoning_details`.

use crate::content::string;
use crate::message::Message;
use serde_json::{Map, Value};

/// The format of Anthropic's models, wherever they are served.
pub const ANTHROPIC: &str = "anthropic-claude-v1";

/// One block of what was thought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thought {
    /// In words, which the provider signed.
    Signed {
        /// The words; none where the provider kept them to itself.
        text: String,
        /// The signature.
        signature: String,
    },
    /// What only the provider can read.
    Encrypted(String),
}

impl Message {
    /// The thoughts of this message that a provider of `format` signed or encrypted, in their order.
    pub fn thoughts(&mut self, format: &str) -> Vec<Thought> {
        let Some(Value::Array(details)) = self.more.remove("reasoning_details") else { return Vec::new() };
        details.into_iter().filter_map(|detail| thought(detail, format)).collect()
    }
}

fn thought(detail: Value, format: &str) -> Option<Thought> {
    let Value::Object(mut detail) = detail else { return None };
    let mut take = |name: &str| take(&mut detail, name);
    if take("format")? != format {
        return None;
    }
    match take("type")?.as_str() {
        "reasoning.text" => {
            Some(Thought::Signed { text: take("text").unwrap_or_default(), signature: take("signature")? })
        }
        "reasoning.encrypted" => take("data").map(Thought::Encrypted),
        _ => None,
    }
}

fn take(detail: &mut Map<String, Value>, name: &str) -> Option<String> {
    string(detail, name).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{ANTHROPIC, Thought};
    use crate::message::messages;
    use serde_json::json;

    #[test]
    fn thoughts_go_back_to_who_signed_them() {
        let details = json!([
            { "type": "reasoning.text", "text": "hm", "signature": "sig", "format": ANTHROPIC, "index": 0 },
            { "type": "reasoning.text", "text": "unsigned", "format": ANTHROPIC },
            { "type": "reasoning.text", "signature": "silent", "format": ANTHROPIC },
            { "type": "reasoning.encrypted", "data": "xx", "format": ANTHROPIC },
            { "type": "reasoning.text", "text": "a", "signature": "b", "format": "google-gemini-v1" },
            { "type": "reasoning.text", "text": "a", "signature": "b" },
            7,
        ]);
        let message = json!([{ "role": "assistant", "content": "x", "reasoning_details": details }]);
        let mut read = messages(Some(message)).unwrap_or_default();
        let thoughts = read.first_mut().map(|message| message.thoughts(ANTHROPIC)).unwrap_or_default();
        let signed = Thought::Signed { text: "hm".into(), signature: "sig".into() };
        let silent = Thought::Signed { text: String::new(), signature: "silent".into() };
        assert_eq!(thoughts, [signed, silent, Thought::Encrypted("xx".into())]);
    }
}
