//! Figures that a provider tells, whatever it makes of them.
//!
//! Invariant: a figure that is missing, negative, not a number or absurdly large never spoils an answer.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// The largest figure that is believed: what a double holds exactly. Sums of a few of them do not overflow.
pub const MOST: u64 = 1 << 53;

/// Reads a figure leniently; to be named in `deserialize_with`, beside `default`.
///
/// # Errors
/// None but those of the format itself.
pub fn count<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    Ok(Value::deserialize(from).map(|value| read(&value)).unwrap_or(0))
}

/// The same, none where it is missing; also to be named in `deserialize_with`, beside `default`.
///
/// # Errors
/// None but those of the format itself.
pub fn known<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    Ok(Value::deserialize(from).ok().filter(|value| !value.is_null()).map(|value| read(&value)))
}

/// A figure, 0 where there is none.
#[must_use]
pub fn read(value: &Value) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates")]
    let whole = |number: f64| number as u64;
    value.as_u64().or_else(|| value.as_f64().map(whole)).unwrap_or(0).min(MOST)
}

#[cfg(test)]
mod tests {
    use super::{MOST, known, read};
    use serde_json::json;

    #[test]
    fn figures_are_believed_within_reason() {
        for (value, expected) in [
            (json!(7), 7),
            (json!(7.9), 7),
            (json!(-3), 0),
            (json!("7"), 0),
            (json!(null), 0),
            (json!(u64::MAX), MOST),
            (json!(1e300), MOST),
        ] {
            assert_eq!(read(&value), expected, "{value}");
            assert_eq!(known(&value).ok().flatten(), Some(expected).filter(|_| !value.is_null()), "{value}");
        }
    }
}
