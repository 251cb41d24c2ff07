//! Where one target's answer goes on with another's: the client sees one answer.
//!
//! Invariants: nothing is said twice, whether the second target repeats what was said (as Mistral's does) or the white
//! space at its end; facts of the answer (its id, its model) stay the first one's; nobody thinks aloud in the middle of an
//! answer. Holds back no more than what was said already, and that no longer than it is being repeated.

use crate::chat::{Event, TextAt, channel};

/// Texts shorter than this may be said twice by chance.
const ECHO: usize = 12;

/// Joins the events of two targets.
#[derive(Debug)]
pub struct Seam {
    /// What was said, as the target was shown it; empty once it is known whether it is repeated.
    said: String,
    /// White space that the client has beyond that.
    space: String,
    /// The part that goes on; none where no word was said.
    part: Option<u32>,
    /// How far what comes is what was said.
    echoed: usize,
    /// The first part of what comes.
    first: Option<u32>,
    /// Whether thoughts are shown: where the client has seen none of the first target's.
    thinks: bool,
}

impl Seam {
    /// Nothing was said: an answer that begins anew under the facts of the first.
    #[must_use]
    pub fn anew() -> Self {
        Self::new("", "", None, true)
    }

    /// Behind what was said, and the white space at its end, which stand in this part.
    #[must_use]
    pub fn behind(said: &str, space: &str, part: Option<u32>) -> Self {
        Self::new(said, space, part, false)
    }

    fn new(said: &str, space: &str, part: Option<u32>, thinks: bool) -> Self {
        let said = if said.len() < ECHO { String::new() } else { said.to_owned() };
        Self { said, space: space.to_owned(), part, echoed: 0, first: None, thinks }
    }

    /// What of the second target's events the client is told.
    pub fn join(&mut self, events: Vec<Event>) -> Vec<Event> {
        let mut joined = Vec::with_capacity(events.len());
        for event in events {
            match event {
                Event::Extra(_) => {}
                Event::Text { at, .. } if !self.thinks && is_thought(&at) => {}
                Event::Text { at, text } if at.channel == channel::CONTENT => {
                    let at = self.place(at);
                    let text = self.new_of(&text);
                    if !text.is_empty() {
                        joined.push(Event::Text { at, text });
                    }
                }
                event => {
                    if matches!(event, Event::Tool { .. } | Event::Finish { .. }) {
                        joined.extend(self.held());
                    }
                    joined.push(event);
                }
            }
        }
        joined
    }

    /// The part that a text belongs to: the first that comes goes on with the last that was.
    fn place(&mut self, at: TextAt) -> TextAt {
        let first = *self.first.get_or_insert(at.part);
        let Some(part) = self.part else { return at };
        TextAt { part: part.saturating_add(at.part.saturating_sub(first)), ..at }
    }

    /// What of a text was not said before.
    fn new_of(&mut self, text: &str) -> String {
        let rest = self.said.get(self.echoed..).unwrap_or_default();
        if rest.is_empty() {
            return self.without_space(text);
        }
        if rest.starts_with(text) {
            self.echoed += text.len();
            if self.echoed == self.said.len() {
                self.said.clear();
                self.echoed = 0;
            }
            return String::new();
        }
        if let Some(behind) = text.strip_prefix(rest) {
            self.said.clear();
            self.echoed = 0;
            return self.without_space(behind);
        }
        // It is no repetition: what looked like one is the answer's.
        let held = self.taken();
        self.without_space(&(held + text))
    }

    /// What looked like a repetition up to the end of the answer.
    fn held(&mut self) -> Option<Event> {
        let held = self.taken();
        let text = self.without_space(&held);
        let at = TextAt::new(0, self.part.or(self.first).unwrap_or_default(), channel::CONTENT);
        (!text.is_empty()).then_some(Event::Text { at, text })
    }

    fn taken(&mut self) -> String {
        let mut said = std::mem::take(&mut self.said);
        said.truncate(std::mem::take(&mut self.echoed));
        said
    }

    /// A text without the white space that the client has already.
    fn without_space(&mut self, text: &str) -> String {
        let mut text = text;
        while let (Some(have), Some(comes)) = (self.space.chars().next(), text.chars().next()) {
            if have != comes {
                self.space.clear();
                break;
            }
            self.space.remove(0);
            text = text.get(comes.len_utf8()..).unwrap_or_default();
        }
        text.to_owned()
    }
}

fn is_thought(at: &TextAt) -> bool {
    at.channel == channel::REASONING || channel::opaque(&at.channel).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(part: u32, text: &str) -> Event {
        Event::Text { at: TextAt::new(0, part, channel::CONTENT), text: text.into() }
    }

    /// What the client reads behind what it has.
    fn read(seam: &mut Seam, pieces: &[&str]) -> String {
        let mut events: Vec<Event> =
            pieces.iter().flat_map(|piece| seam.join(vec![text(0, piece)])).collect();
        events.extend(seam.join(vec![Event::Finish { choice: 0, reason: "stop".into() }]));
        let texts = events.iter().filter_map(|event| match event {
            Event::Text { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    #[test]
    fn a_target_that_goes_on_and_one_that_repeats_read_the_same() {
        let said = "The capital of France";
        for pieces in [
            &["is Paris", "."][..],
            &[" is Paris."],
            &["The capital of France", " is Paris."],
            &["The cap", "ital of France is Par", "is."],
        ] {
            let mut seam = Seam::behind(said, " ", Some(0));
            assert_eq!(read(&mut seam, pieces), "is Paris.", "{pieces:?}");
        }
    }

    #[test]
    fn what_only_looked_like_a_repetition_is_said() {
        let mut seam = Seam::behind("The capital of France", "", Some(0));
        assert_eq!(read(&mut seam, &["The cap", "tain spoke."]), "The captain spoke.");
        let mut seam = Seam::behind("The capital of France", "", Some(0));
        assert_eq!(read(&mut seam, &["The capital"]), "The capital");
    }

    #[test]
    fn parts_go_on_and_facts_and_thoughts_are_not_told_again() {
        let mut seam = Seam::behind("Once upon a time", "", Some(2));
        let thought = Event::Text { at: TextAt::new(0, 0, channel::REASONING), text: "hm".into() };
        let facts = Event::Extra(vec![("id".into(), "other".into())]);
        assert_eq!(seam.join(vec![facts, thought, text(1, " there")]), [text(2, " there")]);
        assert_eq!(seam.join(vec![text(2, "was")]), [text(3, "was")]);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_nothing_is_said_twice_or_lost(
            said in "[a-c ]{0,30}[a-c]",
            space in "[ \n]{0,2}",
            rest in "[d-f][a-f ]{0,30}",
            repeats: bool,
            cuts in prop::collection::vec(1_usize..8, 0..20),
        ) {
            let repeats = repeats && said.len() >= ECHO;
            let comes = if repeats { format!("{said}{space}{rest}") } else { format!("{space}{rest}") };
            let mut pieces = Vec::new();
            let mut left = comes.as_str();
            for cut in cuts {
                let (piece, behind) = left.split_at(cut.min(left.len()));
                pieces.push(piece);
                left = behind;
            }
            pieces.push(left);
            let mut seam = Seam::behind(&said, &space, Some(0));
            prop_assert_eq!(read(&mut seam, &pieces), rest);
        }
    }
}
