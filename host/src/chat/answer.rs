//! A whole answer, gathered from its events.
//!
//! Invariant: `Answer::from(events)` then [`Answer::events`] gives an answer that reads the same; pieces of
//! one text are joined.

use super::channel::{self, Opaque};
use super::{Event, ProviderError, TextAt, TextPart, Usage};

/// A tool call of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its number within the choice.
    pub part: u32,
    /// The provider's id.
    pub id: String,
    /// The function's name.
    pub name: String,
}

/// One choice of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Its number.
    pub index: u32,
    /// Its texts, in the order they began.
    pub texts: Vec<(TextAt, String)>,
    /// Its tool calls; their arguments are among the texts.
    pub tools: Vec<ToolCall>,
    /// Why it ended; none while it has not.
    pub finish: Option<String>,
}

impl Choice {
    /// The text of a channel, all parts joined; none where there is none.
    #[must_use]
    pub fn channel(&self, channel: &str) -> Option<String> {
        let mut parts =
            self.texts.iter().filter(|(at, _)| at.channel == channel).map(|(_, text)| text.as_str());
        let first = parts.next()?.to_owned();
        Some(parts.fold(first, |all, part| all + part))
    }

    /// The text at a part of a channel.
    #[must_use]
    pub fn part(&self, channel: &str, part: u32) -> &str {
        self.texts
            .iter()
            .find(|(at, _)| at.channel == channel && at.part == part)
            .map_or("", |(_, text)| text.as_str())
    }
}

/// A block of what was thought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Thought<'a> {
    /// Its number within the choice.
    pub part: u32,
    /// Its words; empty where they are not told.
    pub text: &'a str,
    /// What vouches for it or stands for it, and in whose format.
    pub opaque: Option<(Opaque<'a>, &'a str)>,
}

impl Choice {
    /// What was thought, block by block.
    #[must_use]
    pub fn thoughts(&self) -> Vec<Thought<'_>> {
        let mut thoughts: Vec<Thought<'_>> = Vec::new();
        for (at, text) in &self.texts {
            let opaque = channel::opaque(&at.channel);
            if opaque.is_none() && at.channel != channel::REASONING {
                continue;
            }
            let place = thoughts.partition_point(|known| known.part < at.part);
            if thoughts.get(place).is_none_or(|known| known.part != at.part) {
                thoughts.insert(place, Thought { part: at.part, text: "", opaque: None });
            }
            let Some(thought) = thoughts.get_mut(place) else { continue };
            match opaque {
                Some(opaque) => thought.opaque = Some((opaque, text)),
                None => thought.text = text,
            }
        }
        thoughts
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    /// Facts of the whole: `id`, `model`, `created`, ….
    pub extras: Vec<(String, String)>,
    /// The choices, by number.
    pub choices: Vec<Choice>,
    /// The tokens.
    pub usage: Usage,
    /// The provider's error, which ended the answer.
    pub error: Option<ProviderError>,
}

impl Answer {
    /// Adds an event.
    pub fn absorb(&mut self, event: Event) {
        match event {
            Event::Text { at, text } => {
                let choice = self.choice(at.item);
                match choice.texts.iter_mut().find(|(known, _)| *known == at) {
                    Some((_, all)) => all.push_str(&text),
                    None => choice.texts.push((at, text)),
                }
            }
            Event::Tool { choice, part, id, name } => {
                self.choice(choice).tools.push(ToolCall { part, id, name });
            }
            Event::Usage(usage) => self.usage.update(usage),
            Event::Finish { choice, reason } => self.choice(choice).finish = Some(reason),
            Event::Extra(extras) => {
                for (key, value) in extras {
                    match self.extras.iter_mut().find(|(known, _)| *known == key) {
                        Some(slot) => slot.1 = value,
                        None => self.extras.push((key, value)),
                    }
                }
            }
            Event::Error(error) => self.error = Some(error),
        }
    }

    /// The events that make this answer.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let mut events = vec![Event::Extra(self.extras.clone())];
        for choice in &self.choices {
            let tools = choice.tools.iter().map(|tool| Event::Tool {
                choice: choice.index,
                part: tool.part,
                id: tool.id.clone(),
                name: tool.name.clone(),
            });
            events.extend(tools);
            events.extend(
                choice.texts.iter().map(|(at, text)| Event::Text { at: at.clone(), text: text.clone() }),
            );
            if let Some(reason) = &choice.finish {
                events.push(Event::Finish { choice: choice.index, reason: reason.clone() });
            }
        }
        events.push(Event::Usage(self.usage));
        events.extend(self.error.clone().map(Event::Error));
        events
    }

    /// Whether every choice has ended and there is one.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.error.is_none()
            && !self.choices.is_empty()
            && self.choices.iter().all(|choice| choice.finish.is_some())
    }

    /// Every text, as plugins see them: none that only a provider can read.
    #[must_use]
    pub fn texts(&self) -> Vec<TextPart> {
        let texts = self.choices.iter().flat_map(|choice| &choice.texts);
        texts
            .filter(|(at, _)| channel::opaque(&at.channel).is_none())
            .map(|(at, text)| TextPart { at: at.clone(), role: "assistant".into(), text: text.clone() })
            .collect()
    }

    /// Replaces the text at an address; says whether there was one.
    pub fn set_text(&mut self, at: &TextAt, value: String) -> bool {
        let slot =
            self.choices.iter_mut().flat_map(|choice| &mut choice.texts).find(|(known, _)| known == at);
        slot.map(|(_, text)| *text = value).is_some()
    }

    /// A fact of the whole.
    #[must_use]
    pub fn extra(&self, key: &str) -> Option<&str> {
        self.extras.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Takes a fact of the whole.
    pub fn take_extra(&mut self, key: &str) -> Option<String> {
        let place = self.extras.iter().position(|(known, _)| known == key)?;
        Some(self.extras.swap_remove(place).1)
    }

    fn choice(&mut self, index: u32) -> &mut Choice {
        let place = self.choices.partition_point(|choice| choice.index < index);
        if self.choices.get(place).is_none_or(|choice| choice.index != index) {
            self.choices.insert(place, Choice { index, ..Choice::default() });
        }
        #[expect(clippy::indexing_slicing, reason = "the line above put it there")]
        &mut self.choices[place]
    }
}

impl FromIterator<Event> for Answer {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        let mut answer = Self::default();
        events.into_iter().for_each(|event| answer.absorb(event));
        answer
    }
}
