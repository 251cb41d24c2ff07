//! A kept answer as a stream: its texts in pieces, as a provider would have sent them.
//!
//! Invariants: the pieces of a text are the text, in order; what a provider vouches for is never cut. Never waits:
//! the pieces follow one another as fast as the client reads.

use crate::chat::{Event, channel};

/// Bytes of a piece, about: a few words.
const PIECE: usize = 32;

/// The same events, with long texts in pieces that end between words.
pub(super) fn in_pieces(events: Vec<Event>) -> Vec<Event> {
    let mut pieces = Vec::with_capacity(events.len());
    for event in events {
        let Event::Text { at, text } = event else {
            pieces.push(event);
            continue;
        };
        if channel::opaque(&at.channel).is_some() {
            pieces.push(Event::Text { at, text });
            continue;
        }
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(end_of_piece(rest));
            pieces.push(Event::Text { at: at.clone(), text: piece.to_owned() });
            rest = behind;
        }
    }
    pieces
}

/// Where the first piece of a text ends: behind the first white space past its size, or, where there is none for long, at
/// twice its size.
fn end_of_piece(text: &str) -> usize {
    let most = text.floor_char_boundary(2 * PIECE);
    let least = text.ceil_char_boundary(PIECE).min(most);
    let spaces = text.get(least..most).unwrap_or_default().char_indices();
    let space = spaces.filter(|(_, c)| c.is_whitespace()).map(|(at, c)| least + at + c.len_utf8()).next();
    space.unwrap_or(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::TextAt;
    use proptest::prelude::*;

    fn text(channel: &'static str, text: &str) -> Event {
        Event::Text { at: TextAt::new(0, 0, channel), text: text.into() }
    }

    fn texts(events: &[Event]) -> Vec<String> {
        let text = |event: &Event| match event {
            Event::Text { text, .. } => Some(text.clone()),
            _ => None,
        };
        events.iter().filter_map(text).collect()
    }

    #[test]
    fn long_texts_come_in_pieces_and_the_rest_as_it_is() {
        let finish = Event::Finish { choice: 0, reason: "stop".into() };
        let said = "A lock raises boats from one level of a canal to another, gate by gate.";
        let signed = "s".repeat(500);
        let events =
            vec![text(channel::CONTENT, said), text("reasoning-signature/x", &signed), finish.clone()];
        let pieces = in_pieces(events);
        assert_eq!(
            texts(&pieces),
            ["A lock raises boats from one level ", "of a canal to another, gate by gate.", signed.as_str()]
        );
        assert_eq!(pieces.last(), Some(&finish));
    }

    proptest! {
        #[test]
        fn the_pieces_are_the_text(said in "(\\PC|\\s){0,300}") {
            let pieces = in_pieces(vec![text(channel::CONTENT, &said)]);
            prop_assert_eq!(texts(&pieces).concat(), said);
            prop_assert!(texts(&pieces).iter().all(|piece| !piece.is_empty() && piece.len() <= 2 * PIECE));
        }
    }
}
