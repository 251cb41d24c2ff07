//! What is JSON already: of a quote in there nobody has to guess what it meant.
//!
//! It never mends, and leaves to the tolerant reader what may have ended at a quote that was not escaped.

use super::Mended;

/// The object or array at the start of `text`, where it is JSON to its end. What goes on behind it with a quote, a comma or a
/// colon may be more of it.
pub(super) fn read(text: &str) -> Option<Mended> {
    if !text.starts_with(['{', '[']) {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    let behind = text.get(end..)?.trim_start_matches(|c: char| matches!(c, '}' | ']') || c.is_whitespace());
    let ends = !behind.starts_with(['"', ',', ':']);
    ends.then(|| Mended { value, mends: Vec::new(), end, lossy: false })
}
