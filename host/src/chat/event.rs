//! The canonical answer: what a provider's frames mean.

use super::TextAt;
use std::time::Duration;

/// Tokens of one answer. Input includes what was read from or written to the provider's cache; output
/// includes reasoning.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub input: u64,
    /// Tokens of the answer.
    pub output: u64,
    /// Of the input, those read from the provider's prompt cache.
    pub cache_read: u64,
    /// Of the input, those written to the provider's prompt cache.
    pub cache_write: u64,
    /// Of the output, those spent on reasoning.
    pub reasoning: u64,
    /// What is not text.
    pub media: Media,
    /// How fast it was served, which has its own prices.
    pub service: Service,
}

/// The tiers that providers serve at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Service {
    /// As usual.
    #[default]
    Standard,
    /// When there is room.
    Flex,
    /// Before others.
    Priority,
    /// Within a day.
    Batch,
}

impl Service {
    /// The tier that an answer names.
    #[must_use]
    pub fn of(name: Option<&str>) -> Self {
        match name {
            Some("flex") => Self::Flex,
            Some("priority") => Self::Priority,
            Some("batch") => Self::Batch,
            _ => Self::Standard,
        }
    }
}

/// What of an exchange has prices of its own: tokens among the others that are not text, or kept for longer, and what is not
/// billed by tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Media {
    /// Of the input, tokens of sound.
    pub audio_input: u64,
    /// Of the output, tokens of sound.
    pub audio_output: u64,
    /// Of the input, tokens of images.
    pub image_input: u64,
    /// Of the output, tokens of images.
    pub image_output: u64,
    /// Images that were made.
    pub images: u64,
    /// Characters that were spoken.
    pub characters: u64,
    /// Milliseconds of sound that were listened to.
    pub millis: u64,
    /// Searches that a ranking counts as.
    pub queries: u64,
    /// Of the input, tokens written to the provider's cache for an hour.
    pub cache_hour: u64,
    /// Searches of the web that the provider made.
    pub searches: u64,
    /// Pixels of the images that were made.
    pub pixels: u64,
}

impl Media {
    /// The figures by their names, those of zero left out.
    pub fn figures(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = [
            ("audio-input", self.audio_input),
            ("audio-output", self.audio_output),
            ("image-input", self.image_input),
            ("image-output", self.image_output),
            ("images", self.images),
            ("characters", self.characters),
            ("millis", self.millis),
            ("queries", self.queries),
            ("cache-write.1h", self.cache_hour),
            ("web-searches", self.searches),
            ("pixels", self.pixels),
        ];
        all.into_iter().filter(|(_, figure)| *figure != 0)
    }

    /// Sets a figure by its name; other names mean nothing here.
    pub fn set(&mut self, name: &str, figure: u64) {
        let slot = match name {
            "audio-input" => &mut self.audio_input,
            "audio-output" => &mut self.audio_output,
            "image-input" => &mut self.image_input,
            "image-output" => &mut self.image_output,
            "images" => &mut self.images,
            "characters" => &mut self.characters,
            "millis" => &mut self.millis,
            "queries" | "search_units" => &mut self.queries,
            "cache-write.1h" => &mut self.cache_hour,
            "web-searches" => &mut self.searches,
            "pixels" => &mut self.pixels,
            _ => return,
        };
        *slot = figure;
    }
}

/// The largest figure that is believed: what a double holds exactly. Sums of a few of them do not overflow.
const MOST: u64 = 1 << 53;

impl Usage {
    /// The same with figures that can be: what providers and plugins tell is read through this.
    #[must_use]
    pub fn believed(mut self) -> Self {
        let media = self.media;
        for (name, figure) in media.figures() {
            self.media.set(name, figure.min(MOST));
        }
        let tokens = [
            &mut self.input,
            &mut self.output,
            &mut self.cache_read,
            &mut self.cache_write,
            &mut self.reasoning,
        ];
        tokens.into_iter().for_each(|figure| *figure = (*figure).min(MOST));
        self
    }

    /// What two answers took together.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        let add = |mine: &mut u64, theirs: u64| *mine = mine.saturating_add(theirs);
        add(&mut self.input, other.input);
        add(&mut self.output, other.output);
        add(&mut self.cache_read, other.cache_read);
        add(&mut self.cache_write, other.cache_write);
        add(&mut self.reasoning, other.reasoning);
        for (name, figure) in other.media.figures() {
            let mine = self.media.figures().find(|(own, _)| *own == name).map_or(0, |(_, own)| own);
            self.media.set(name, figure.saturating_add(mine));
        }
        self
    }

    /// Takes each figure of a later report that is not zero: providers send usage in pieces.
    pub fn update(&mut self, later: Self) {
        let take = |mine: &mut u64, theirs: u64| {
            if theirs != 0 {
                *mine = theirs;
            }
        };
        take(&mut self.input, later.input);
        take(&mut self.output, later.output);
        take(&mut self.cache_read, later.cache_read);
        take(&mut self.cache_write, later.cache_write);
        take(&mut self.reasoning, later.reasoning);
        if later.service != Service::Standard {
            self.service = later.service;
        }
        for (name, figure) in later.media.figures() {
            self.media.set(name, figure);
        }
    }
}

/// A provider's refusal or failure, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderError {
    /// The HTTP status it amounts to.
    pub status: u16,
    /// The provider's code or type.
    pub code: String,
    /// The provider's words.
    pub message: String,
    /// When the provider said it is worth trying again.
    pub retry_after: Option<Duration>,
}

/// One step of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// More text of a channel; `at.item` is the choice.
    Text {
        /// Which text it continues.
        at: TextAt,
        /// What is added.
        text: String,
    },
    /// A tool call starts; its arguments follow as text of the channel `tool-args` with the same part.
    Tool {
        /// The choice.
        choice: u32,
        /// The tool call's number within the choice, from 0.
        part: u32,
        /// The provider's id of the call.
        id: String,
        /// The function's name.
        name: String,
    },
    /// Tokens so far.
    Usage(Usage),
    /// A choice is complete.
    Finish {
        /// The choice.
        choice: u32,
        /// `stop`, `length`, `tool_calls`, `content_filter`, or the provider's own.
        reason: String,
    },
    /// Facts of the answer as a whole: `id`, `model`, `created`, `system_fingerprint`, ….
    Extra(Vec<(String, String)>),
    /// The provider failed; nothing follows.
    Error(ProviderError),
}
