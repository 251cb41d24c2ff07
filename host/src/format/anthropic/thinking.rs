//! Blocks of thinking that a client sends back, and what vouches for them.
//!
//! Anthropic's own signatures stand as they are. What another provider vouches for carries the name of its format, so
//! that it finds its way back to it, and to it alone.

use serde_json::{Map, Value, json};

/// The format of Anthropic's own models, wherever they are served.
const OWN: &str = "anthropic-claude-v1";

/// What stands before another provider's.
const OTHER: &str = "lockgate:";

/// A signature, or what is encrypted, as a client gets it.
pub fn vouched(format: &str, told: &str) -> String {
    if format == OWN { told.to_owned() } else { format!("{OTHER}{format}:{told}") }
}

/// The format, and what was told in it.
fn voucher(told: &str) -> (&str, &str) {
    told.strip_prefix(OTHER).and_then(|rest| rest.split_once(':')).unwrap_or((OWN, told))
}

/// A block as a detail of canonical reasoning; none where nobody vouches for it: no provider takes such thoughts back.
pub fn detail(block: &Map<String, Value>, index: usize) -> Option<Value> {
    let text = |name: &str| block.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(data) = text("data") {
        let (format, data) = voucher(data);
        return Some(
            json!({ "type": "reasoning.encrypted", "data": data, "format": format, "index": index }),
        );
    }
    let thinking = text("thinking").unwrap_or_default();
    let (format, signature) = voucher(text("signature")?);
    Some(json!({
        "type": "reasoning.text", "text": thinking, "signature": signature, "format": format, "index": index,
    }))
}
