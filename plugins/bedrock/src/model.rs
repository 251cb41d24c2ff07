//! What a model's id tells: whose model it is, which version, and its segment of the path.
//!
//! Invariant: an id is read the same whether it is a model's, an inference profile's (`us.…`, `global.…`) or the
//! ARN of either.
//! Source: Amazon Bedrock User Guide, "Supported foundation models" and "Inference profiles".

use crate::options::{Named, Options};
use adapter_kit::reasoning::ANTHROPIC;
use serde::{Deserialize, Serialize};

/// The format of reasoning that OpenAI's models encrypt on Bedrock, where alone they can read it.
const OPENAI: &str = "openai-bedrock-v1";

/// Whose model it is. It decides how what Converse has no word for is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Claude.
    Anthropic,
    /// OpenAI's open models.
    GptOss,
    /// OpenAI's others.
    #[serde(rename = "openai")]
    OpenAi,
    /// Amazon's own.
    Nova,
    /// Anybody else's.
    #[default]
    Other,
}

impl Family {
    /// The format of what its models sign or encrypt, where they do.
    #[must_use]
    pub fn format(self) -> Option<&'static str> {
        match self {
            Self::Anthropic => Some(ANTHROPIC),
            Self::OpenAi => Some(OPENAI),
            Self::GptOss | Self::Nova | Self::Other => None,
        }
    }

    /// Whether prompts can be cached up to a mark.
    #[must_use]
    pub fn caches(self) -> bool {
        matches!(self, Self::Anthropic | Self::Nova)
    }
}

/// A model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Whose it is.
    pub family: Family,
    /// Claude's version; a name without one counts as the newest.
    pub version: (u32, u32),
    /// Whether it is of Nova's second generation, which thinks.
    pub second: bool,
}

impl Model {
    /// What the id and the options tell.
    #[must_use]
    pub fn of(id: &str, options: &Options) -> Self {
        let name = id.rsplit('/').next().unwrap_or(id);
        let family = match options.family {
            Named::As(family) => family,
            Named::Auto => family(name),
        };
        let second = match options.family {
            Named::Auto => name.contains("nova-2"),
            Named::As(_) => !name.contains("nova") || name.contains("nova-2"),
        };
        Self { family, version: version(name), second }
    }

    /// Claude from this version on.
    #[must_use]
    pub fn claude_from(self, major: u32, minor: u32) -> bool {
        self.family == Family::Anthropic && self.version >= (major, minor)
    }

    /// Claude before this version.
    #[must_use]
    pub fn claude_before(self, major: u32, minor: u32) -> bool {
        self.family == Family::Anthropic && self.version < (major, minor)
    }
}

fn family(name: &str) -> Family {
    let provider = |word: &str| name.split('.').any(|part| part == word);
    if provider("anthropic") || name.contains("claude") {
        Family::Anthropic
    } else if name.contains("gpt-oss") {
        Family::GptOss
    } else if provider("openai") {
        Family::OpenAi
    } else if provider("amazon") && name.contains("nova") {
        Family::Nova
    } else {
        Family::Other
    }
}

/// The version in a model's name: `claude-sonnet-4-5-20250929` is (4, 5), `claude-3-7-sonnet` is (3, 7).
fn version(name: &str) -> (u32, u32) {
    let numbers: Vec<u32> = name
        .split(['-', '.', ':'])
        .skip_while(|word| !word.contains("claude"))
        .skip_while(|word| word.parse::<u32>().is_err())
        .map_while(|word| word.parse().ok())
        .filter(|number| *number < 1000)
        .collect();
    match numbers.as_slice() {
        [] => (u32::MAX, 0),
        [major] => (*major, 0),
        [major, minor, ..] => (*major, *minor),
    }
}

/// An id as one segment of the path, encoded as the AWS SDKs do: nothing but the unreserved characters stands.
///
/// # Errors
/// When it cannot be one: it is empty or made of dots alone.
pub fn segment(id: &str) -> Result<String, String> {
    let segment = adapter_kit::call::segment(id)?;
    Ok(segment.replace(':', "%3A").replace('@', "%40"))
}

#[cfg(test)]
mod tests {
    use super::{Family, Model, segment};
    use crate::options::{Named, Options};

    #[test]
    fn ids_tell_the_family_and_the_version() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/eu.anthropic.claude-opus-4-6-v1";
        for (id, family, version) in [
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Anthropic, (4, 5)),
            ("anthropic.claude-sonnet-4-20250514-v1:0", Family::Anthropic, (4, 0)),
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Family::Anthropic, (3, 7)),
            ("global.anthropic.claude-sonnet-5", Family::Anthropic, (5, 0)),
            (arn, Family::Anthropic, (4, 6)),
            ("openai.gpt-oss-120b-1:0", Family::GptOss, (u32::MAX, 0)),
            ("us.openai.gpt-5.6-luna", Family::OpenAi, (u32::MAX, 0)),
            ("us.amazon.nova-2-lite-v1:0", Family::Nova, (u32::MAX, 0)),
            ("us.meta.llama3-3-70b-instruct-v1:0", Family::Other, (u32::MAX, 0)),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Family::Other, (u32::MAX, 0)),
        ] {
            let model = Model::of(id, &Options::default());
            assert_eq!((model.family, model.version), (family, version), "{id}");
            assert_eq!(model.second, id.contains("nova-2"), "{id}");
        }
        let told = Options { family: Named::As(Family::Nova), ..Options::default() };
        let model = Model::of("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", &told);
        assert_eq!((model.family, model.second), (Family::Nova, true));
        assert!(!Model::of("amazon.nova-lite-v1:0", &told).second);
    }

    #[test]
    fn an_id_stays_in_its_segment() {
        for (id, path) in [
            ("us.amazon.nova-pro-v1:0", Some("us.amazon.nova-pro-v1%3A0")),
            ("arn:aws:bedrock:eu:1:prompt/a@b", Some("arn%3Aaws%3Abedrock%3Aeu%3A1%3Aprompt%2Fa%40b")),
            ("a/../b?c#d%", Some("a%2F..%2Fb%3Fc%23d%25")),
            ("..", None),
            ("", None),
        ] {
            assert_eq!(segment(id).ok().as_deref(), path, "{id}");
        }
    }
}
