//! Why an attempt failed, in the words that policies use: what is done about it differs by this alone.
//!
//! It is read from the error as it was normalised (status, code, the provider's words). Never decides what follows.
//! Sources: the error references of OpenAI, Azure OpenAI ("Content filtering"), Anthropic ("Errors"), Amazon Bedrock
//! (`Converse`, errors), Gemini ("Troubleshooting"), Mistral, Cohere; the words of vLLM and llama.cpp, which say it in
//! their messages alone.

use super::{Error, Party};

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The provider has had enough for now.
    RateLimit,
    /// It did not answer in time.
    Timeout,
    /// It failed, could not be reached, or sent what is no answer.
    ServerError,
    /// The request is longer than the model reads.
    ContextWindow,
    /// The provider's own filter refused the request or the answer.
    Refused,
    /// A judge of the route found the answer wanting.
    InvalidOutput,
    /// Anything else: the client's mistake, the gateway's credential, a plugin's no.
    Other,
}

/// Bytes of a message that are looked at.
const LOOKED_AT: usize = 1_000;

/// Codes that say that a request is too long.
const TOO_LONG_CODES: [&str; 4] = [
    "context_length_exceeded",
    "context_window_exceeded",
    "exceed_context_size_error",
    "model_context_window_exceeded",
];

/// Words that say it, in lower case.
const TOO_LONG_WORDS: [&str; 15] = [
    "maximum context length",
    "max context length",
    "context window",
    "exceed context limit",
    "prompt is too long",
    "prompt too long",
    "input is too long",
    "input token count",
    "input length exceeds",
    "maximum prompt length",
    "too large for model with",
    "too many tokens",
    "available context size",
    "reduce the length of the messages",
    "maximum number of tokens allowed",
];

/// Codes that say that a provider's own filter refused.
const REFUSED_CODES: [&str; 8] = [
    "content_filter",
    "content_policy_violation",
    "content_filtered",
    "moderation_blocked",
    "responsibleaipolicyviolation",
    "safety",
    "prohibited_content",
    "guardrail_intervened",
];

/// Words that say it, in lower case.
const REFUSED_WORDS: [&str; 8] = [
    "content management policy",
    "content filtering policy",
    "content policy",
    "violating our usage policy",
    "usage policies",
    "blocked by guardrail",
    "safety system",
    "input was flagged",
];

impl Cause {
    /// All that a policy can name, in the order of the configuration.
    pub const NAMED: [Self; 6] = [
        Self::RateLimit,
        Self::Timeout,
        Self::ServerError,
        Self::ContextWindow,
        Self::Refused,
        Self::InvalidOutput,
    ];

    /// The name used in the configuration, in logs and flags.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RateLimit => "rate_limit",
            Self::Timeout => "timeout",
            Self::ServerError => "server_error",
            Self::ContextWindow => "context_window",
            Self::Refused => "refused",
            Self::InvalidOutput => "invalid_output",
            Self::Other => "other",
        }
    }

    /// Why this error came about.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        let code = error.code.to_ascii_lowercase();
        let (status, code) = (error.status.as_u16(), code.as_str());
        if code == "output_invalid" {
            return Self::InvalidOutput;
        }
        if error.party != Party::Upstream {
            // A limit of the gateway's own on the target: another may have room.
            let limited = error.retryable && status == 429;
            return if limited { Self::RateLimit } else { Self::Other };
        }
        if matches!(status, 400 | 403 | 413 | 422) {
            let end = error.message.floor_char_boundary(LOOKED_AT);
            let words = error.message.get(..end).unwrap_or_default().to_ascii_lowercase();
            let says = |all: &[&str]| all.iter().any(|some| words.contains(some));
            if REFUSED_CODES.contains(&code) || says(&REFUSED_WORDS) {
                return Self::Refused;
            }
            if TOO_LONG_CODES.contains(&code) || says(&TOO_LONG_WORDS) {
                return Self::ContextWindow;
            }
            return Self::Other;
        }
        match (status, code) {
            (_, "credential_refused" | "credential_unavailable" | "adapter_failed") => Self::Other,
            (429, _) => Self::RateLimit,
            (408 | 504, _) | (_, "upstream_timeout") => Self::Timeout,
            (500.., _) => Self::ServerError,
            _ => Self::Other,
        }
    }

    /// Whether the same target may do better a moment later.
    #[must_use]
    pub fn passes(self, error: &Error) -> bool {
        let lasting = matches!(&*error.code, "insufficient_quota" | "billing_not_active" | "quota_exceeded");
        match self {
            Self::RateLimit => error.party == Party::Upstream && !lasting,
            Self::ServerError => true,
            // What took too long may be under way still, and be paid for: it is not asked for twice.
            Self::Timeout | Self::ContextWindow | Self::Refused | Self::InvalidOutput | Self::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::StatusCode;

    #[track_caller]
    fn check(status: u16, code: &'static str, message: &str, cause: Cause) {
        let status = StatusCode::from_u16(status).unwrap_or_default();
        let error = Error::upstream(status, code, message);
        assert_eq!(Cause::of(&error), cause, "{status} {code} {message}");
    }

    #[test]
    fn providers_say_that_a_request_is_too_long_each_in_its_own_words() {
        for (status, code, message) in [
            (400, "context_length_exceeded", "This model's maximum context length is 8192 tokens."),
            (400, "invalid_request_error", "prompt is too long: 208310 tokens > 200000 maximum"),
            (400, "invalid_request_error", "input length and `max_tokens` exceed context limit: 9 + 9 > 10"),
            (400, "ValidationException", "Input is too long for requested model."),
            (400, "INVALID_ARGUMENT", "The input token count (2000000) exceeds the maximum number of tokens"),
            (400, "invalid_request_error", "Prompt contains 40000 tokens, too large for model with 32768"),
            (400, "http_400", "too many tokens: total number of tokens in the prompt cannot exceed 4081"),
            (400, "exceed_context_size_error", "the request exceeds the available context size"),
            (413, "request_too_large", "Prompt is too long"),
        ] {
            check(status, code, message, Cause::ContextWindow);
        }
    }

    #[test]
    fn providers_say_that_they_refuse_each_in_its_own_words() {
        for (status, code, message) in [
            (400, "content_filter", "The response was filtered due to the prompt triggering Azure OpenAI's"),
            (400, "content_policy_violation", "Your request was rejected by our safety system."),
            (400, "invalid_request_error", "Output blocked by content filtering policy"),
            (403, "403", "This model requires moderation. Your input was flagged for \"violence\"."),
            (400, "invalid_prompt", "your prompt was flagged as potentially violating our usage policy."),
        ] {
            check(status, code, message, Cause::Refused);
        }
    }

    #[test]
    fn a_status_says_the_rest() {
        check(429, "rate_limit_exceeded", "slow down", Cause::RateLimit);
        check(429, "RESOURCE_EXHAUSTED", "slow down", Cause::RateLimit);
        check(529, "overloaded_error", "Overloaded", Cause::ServerError);
        check(502, "upstream_unreachable", "", Cause::ServerError);
        check(504, "upstream_timeout", "", Cause::Timeout);
        check(408, "ModelTimeoutException", "", Cause::Timeout);
        check(400, "invalid_value", "max_tokens is too large", Cause::Other);
        check(404, "model_not_found", "", Cause::Other);
        check(502, "adapter_failed", "", Cause::Other);
        check(502, "credential_refused", "", Cause::Other);
    }

    #[test]
    fn what_lasts_is_not_asked_for_again_at_the_same_place() {
        let told = |status, code| Error::upstream(status, code, "");
        let limit = StatusCode::TOO_MANY_REQUESTS;
        assert!(Cause::RateLimit.passes(&told(limit, "rate_limit_exceeded")));
        assert!(!Cause::RateLimit.passes(&told(limit, "insufficient_quota")));
        assert!(!Cause::RateLimit.passes(&Error::new(Party::Client, limit, "rate_limit_exceeded", "")));
        assert!(!Cause::Timeout.passes(&told(StatusCode::GATEWAY_TIMEOUT, "upstream_timeout")));
    }
}
