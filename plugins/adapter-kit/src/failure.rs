//! The errors of providers.
//!
//! Invariants: an error that is not the provider's own JSON (a proxy's page, say) is told by its status and a
//! short excerpt; a message has a bounded length.

use lockgate_sdk::prelude::ProviderError;

/// How much of a foreign error page is told.
const EXCERPT_CHARS: usize = 200;
/// How much of a provider's own message is told.
const MESSAGE_CHARS: usize = 2_000;

/// An error before the answer: the provider's own code and message where its body has them.
#[must_use]
pub fn failure(
    status: u16,
    headers: &[(String, String)],
    body: &[u8],
    code: Option<String>,
    message: Option<String>,
) -> ProviderError {
    let told = |text: Option<String>| text.filter(|text| !text.is_empty());
    let (code, message) = (told(code), told(message));
    ProviderError {
        status,
        code: code.unwrap_or_else(|| format!("http_{status}")),
        message: message.map_or_else(|| excerpt(body), |text| text.chars().take(MESSAGE_CHARS).collect()),
        retry_after_ms: retry_after_ms(headers),
    }
}

/// The beginning of a body that is not the provider's own JSON.
#[must_use]
pub fn excerpt(body: &[u8]) -> String {
    let body = body.get(..EXCERPT_CHARS * 4).unwrap_or(body);
    String::from_utf8_lossy(body).trim().chars().take(EXCERPT_CHARS).collect()
}

/// `retry-after-ms`, or `retry-after` in seconds; its other form, a date, is left to the host's own back-off.
#[must_use]
pub fn retry_after_ms(headers: &[(String, String)]) -> Option<u32> {
    let number = |name: &str| {
        let (_, value) = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?;
        value.trim().parse::<f64>().ok()
    };
    number("retry-after-ms").and_then(millis).or_else(|| seconds(number("retry-after")?))
}

/// Seconds as whole milliseconds, none where they are no duration.
#[must_use]
pub fn seconds(seconds: f64) -> Option<u32> {
    millis(seconds * 1000.0)
}

fn millis(ms: f64) -> Option<u32> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative; `as` saturates"
    )]
    (ms.is_finite() && ms >= 0.0).then(|| ms.ceil() as u32)
}

#[cfg(test)]
mod tests {
    use super::{failure, retry_after_ms};

    #[test]
    fn a_foreign_page_is_told_by_its_status() {
        let page = format!("  <html>{}</html>", "ü".repeat(5000));
        let error = failure(503, &[], page.as_bytes(), None, Some(String::new()));
        assert_eq!((error.code.as_str(), error.message.chars().count()), ("http_503", 200));
        let error = failure(500, &[], b"", Some("c".into()), Some("x".repeat(9999)));
        assert_eq!((error.code.as_str(), error.message.len()), ("c", 2000));
        assert_eq!(failure(500, &[], b"", None, None).message, "");
    }

    #[test]
    fn hints_are_read() {
        for (name, value, expected) in [
            ("Retry-After", "7", Some(7000)),
            ("retry-after-ms", "12.5", Some(13)),
            ("retry-after", "-1", None),
            ("retry-after", "1e99", Some(u32::MAX)),
            ("retry-after", "NaN", None),
            ("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            assert_eq!(retry_after_ms(&[(name.to_owned(), value.to_owned())]), expected, "{value}");
        }
    }
}
